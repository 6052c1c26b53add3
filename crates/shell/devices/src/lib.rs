//! Camera, microphone, speaker, and their stand-ins: files and test patterns, behind the traits of `sotto-media`.
//!
//! It owns every piece of hardware that a session touches and says by name what is missing, busy or lost. It knows no
//! codec, no key and no network. A device is released when its value is dropped.

#![forbid(unsafe_code)]

mod camera;
mod clock;
mod marker;
mod open;
mod picture_file;
mod resample;
mod sound;
mod test_camera;
mod test_microphone;
mod wav;

pub use clock::{monotonic_us, sleep_until};
pub use marker::{FrameMarker, read_frame_marker};
pub use open::{
    list_cameras, list_microphones, list_speakers, open_camera, open_microphone, open_speaker, open_video_out,
};
