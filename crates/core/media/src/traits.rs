//! What devices and codecs offer to the engine.

use std::sync::{Arc, atomic::AtomicBool};

use sotto_session_api::Planes;

/// Samples a second, everywhere.
pub const AUDIO_RATE: u32 = 48_000;
/// Samples of one 20 ms frame, mono.
pub const AUDIO_FRAME: usize = 960;

/// Why a device does not work. The name is the system's name of the device; it is shown, never logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceFault {
    /// There is none, or none of that name.
    #[error("no such device")]
    Missing {
        /// Device asked for.
        name: String,
    },
    /// Another program uses it.
    #[error("device is busy")]
    Busy {
        /// Device.
        name: String,
    },
    /// It went away, or its stream failed for good.
    #[error("device was lost")]
    Lost {
        /// Device.
        name: String,
    },
    /// A file could not be read or written.
    #[error("file: {what}")]
    File {
        /// What is wrong.
        what: String,
    },
    /// It has no format that we can use.
    #[error("unsupported format: {what}")]
    Unsupported {
        /// What is wrong.
        what: String,
    },
}

/// Gives sound in 20 ms frames, paced by its own clock.
pub trait AudioSource: Send {
    /// Blocks until the next frame is there (20 ms in the mean) and writes it to `frame`.
    /// Returns its capture time in microseconds of the monotonic clock (see `sotto_devices::monotonic_us`).
    ///
    /// # Errors
    /// A [`DeviceFault`] ends the source.
    fn next_frame(&mut self, frame: &mut [i16; AUDIO_FRAME]) -> Result<u64, DeviceFault>;
    /// Once this is true, a blocked [`next_frame`](Self::next_frame) returns within some milliseconds, with whatever.
    fn stop_on(&mut self, _stop: Arc<AtomicBool>) {}
    /// Name for people.
    fn name(&self) -> String;
}

/// Plays sound, paced by its own clock.
pub trait AudioSink: Send {
    /// Blocks until there is room (20 ms a frame in the mean), then takes the frame.
    ///
    /// # Errors
    /// A [`DeviceFault`] ends the sink.
    fn play(&mut self, frame: &[i16; AUDIO_FRAME]) -> Result<(), DeviceFault>;
    /// Once this is true, a blocked [`play`](Self::play) returns within some milliseconds; the frame may be lost.
    fn stop_on(&mut self, _stop: Arc<AtomicBool>) {}
    /// Sound that is queued in the sink and the device, ms.
    fn queued_ms(&self) -> u32;
    /// Name for people.
    fn name(&self) -> String;
}

/// A captured picture.
#[derive(Clone, Debug)]
pub struct VideoFrame {
    /// Samples; `capture_us` is set.
    pub planes: Arc<Planes>,
}

/// Gives pictures, paced by its own clock.
pub trait VideoSource: Send {
    /// Blocks until the next picture.
    ///
    /// # Errors
    /// A [`DeviceFault`] ends the source.
    fn next_frame(&mut self) -> Result<VideoFrame, DeviceFault>;
    /// Name for people.
    fn name(&self) -> String;
}

/// Takes decoded pictures.
pub trait VideoSink: Send {
    /// Shows one picture. Must not block longer than writing it takes.
    ///
    /// # Errors
    /// A [`DeviceFault`] ends the sink.
    fn show(&mut self, planes: &Planes) -> Result<(), DeviceFault>;
}

/// One encoded picture.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    /// Bytes of the codec; H.264 in Annex B.
    pub data: Vec<u8>,
    /// A decoder can start here.
    pub key: bool,
    /// 90 kHz.
    pub rtp_timestamp: u32,
}

/// A media packet before sealing.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaPacket {
    /// Last packet of its frame (video); false for audio.
    pub marker: bool,
    /// 48 kHz audio, 90 kHz video.
    pub rtp_timestamp: u32,
    /// Audio: one Opus packet. Video: packet header (PROTOCOL §7.3) and a part of the frame; at most 1136 bytes.
    pub payload: Vec<u8>,
}

/// Encodes pictures.
pub trait VideoEncoder: Send {
    /// Encodes one picture; `Ok(None)` when the rate control dropped it.
    ///
    /// # Errors
    /// A sentence for the log.
    fn encode(&mut self, frame: &VideoFrame, force_key: bool) -> Result<Option<EncodedFrame>, String>;
    /// Sets the target bit rate, kbit/s.
    fn set_kbps(&mut self, kbps: u32);
    /// `"H264"`.
    fn codec(&self) -> &'static str;
}

/// Decodes pictures.
pub trait VideoDecoder: Send {
    /// Decodes one frame; `Ok(None)` when it gave no picture.
    ///
    /// # Errors
    /// A broken frame; the caller asks for a key frame.
    fn decode(&mut self, frame: &[u8]) -> Result<Option<Planes>, String>;
}

/// Encodes sound at a constant packet size.
pub trait AudioEncoder: Send {
    /// Encodes one frame; the packet's length is the same at every call of one rung.
    ///
    /// # Errors
    /// A sentence for the log.
    fn encode(&mut self, frame: &[i16; AUDIO_FRAME]) -> Result<Vec<u8>, String>;
}

/// Decodes sound.
pub trait AudioDecoder: Send {
    /// Decodes a packet into one frame.
    ///
    /// # Errors
    /// A broken packet; the caller conceals.
    fn decode(&mut self, packet: &[u8], out: &mut [i16; AUDIO_FRAME]) -> Result<(), String>;
    /// Recovers the frame before `next` from its in-band redundancy.
    ///
    /// # Errors
    /// As `decode`.
    fn recover(&mut self, next: &[u8], out: &mut [i16; AUDIO_FRAME]) -> Result<(), String>;
    /// Makes up a frame.
    fn conceal(&mut self, out: &mut [i16; AUDIO_FRAME]);
}
