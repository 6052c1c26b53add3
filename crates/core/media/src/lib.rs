//! The media pipeline without I/O: traits of sources, sinks and codecs; packetiser, jitter buffers, frame assembly.
//!
//! A capture thread reads a [`AudioSource`] or [`VideoSource`], encodes, packetises into [`MediaPacket`]s; the other
//! side puts opened packets into a jitter buffer and plays them out. Nothing here knows a key, a socket or a clock.

pub mod traits;

pub use traits::{
    AUDIO_FRAME, AUDIO_RATE, AudioDecoder, AudioEncoder, AudioSink, AudioSource, DeviceFault, EncodedFrame,
    MediaPacket, VideoDecoder, VideoEncoder, VideoFrame, VideoSink, VideoSource,
};
