//! From what a person chose to an open device.

use sotto_media::{AUDIO_FRAME, AudioSink, AudioSource, DeviceFault, VideoSink, VideoSource};
use sotto_session_api::{CameraChoice, MicrophoneChoice, SpeakerChoice, VideoOut};

use crate::{
    camera::{self, Camera},
    picture_file::{PngSink, Y4mSink, Y4mSource},
    sound::{self, Microphone, Speaker},
    test_camera::TestCamera,
    test_microphone,
    wav::{Loop, PacedSink},
};

/// Opens a camera for pictures of about this size (width, height).
///
/// # Errors
/// The device or file that doesn't work, by name.
pub fn open_camera(choice: &CameraChoice, size: (u32, u32)) -> Result<Box<dyn VideoSource>, DeviceFault> {
    Ok(match choice {
        CameraChoice::None => return Err(DeviceFault::Missing { name: String::new() }),
        CameraChoice::Test => Box::new(TestCamera::new(size.0, size.1)),
        CameraChoice::File(path) => Box::new(Y4mSource::open(path)?),
        CameraChoice::Device(name) => Box::new(Camera::open(name.as_deref(), size)?),
    })
}

/// Opens a microphone; without one, silence.
///
/// # Errors
/// The device or file that doesn't work, by name.
pub fn open_microphone(choice: &MicrophoneChoice) -> Result<Box<dyn AudioSource>, DeviceFault> {
    Ok(match choice {
        MicrophoneChoice::None => Box::new(Loop::new(vec![0; AUDIO_FRAME], "none")),
        MicrophoneChoice::Test => Box::new(Loop::new(test_microphone::samples(), "test sound")),
        MicrophoneChoice::File(path) => Box::new(Loop::open(path)?),
        MicrophoneChoice::Device(name) => Box::new(Microphone::open(name.as_deref())?),
    })
}

/// Opens a speaker; without one, a sink that keeps the pace.
///
/// # Errors
/// The device or file that doesn't work, by name.
pub fn open_speaker(choice: &SpeakerChoice) -> Result<Box<dyn AudioSink>, DeviceFault> {
    Ok(match choice {
        SpeakerChoice::None => Box::new(PacedSink::silent()),
        SpeakerChoice::Wav(path) => Box::new(PacedSink::create(path)?),
        SpeakerChoice::Device(name) => Box::new(Speaker::open(name.as_deref())?),
    })
}

/// Opens a place for received pictures, if there is to be one.
///
/// # Errors
/// The file that can't be written.
pub fn open_video_out(choice: &VideoOut) -> Result<Option<Box<dyn VideoSink>>, DeviceFault> {
    Ok(match choice {
        VideoOut::None => None,
        VideoOut::Png(folder) => Some(Box::new(PngSink::create(folder)?)),
        VideoOut::Y4m(path) => Some(Box::new(Y4mSink::create(path)?)),
    })
}

/// Names of the microphones.
#[must_use]
pub fn list_microphones() -> Vec<String> {
    sound::names(true)
}

/// Names of the speakers.
#[must_use]
pub fn list_speakers() -> Vec<String> {
    sound::names(false)
}

/// Names of the cameras.
#[must_use]
pub fn list_cameras() -> Vec<String> {
    camera::names()
}
