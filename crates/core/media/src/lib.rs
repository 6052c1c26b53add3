//! The media pipeline without I/O: traits of sources, sinks and codecs; packetiser, frame assembly, jitter buffer.
//!
//! A capture thread reads an [`AudioSource`] or a [`VideoSource`], encodes, and packetises into [`MediaPacket`]s. The
//! other side puts opened packets into an [`AudioJitterBuffer`] (or [`AudioPlayout`], which also decodes and stretches
//! time) and into a [`VideoAssembler`]. Order, loss and lateness are judged by the authenticated counter of the inner
//! layer (PROTOCOL §7.3), never by an RTP sequence number. Nothing here knows a key, a socket or a clock: every method
//! that needs the time is told it in milliseconds of any monotonic clock.
//!
//! ```
//! use sotto_media::{EncodedFrame, VideoAssembler, VideoPacketizer};
//! let picture = EncodedFrame { data: vec![7; 3000], key: true, rtp_timestamp: 90_000 };
//! let packets = VideoPacketizer::new().packetize(&picture)?;
//! assert_eq!(packets.len(), 3);
//! let mut assembler = VideoAssembler::new();
//! for (counter, packet) in packets.iter().enumerate().rev() {
//!     assembler.push(counter as u64, packet.rtp_timestamp, &packet.payload, 0);
//! }
//! assert!(assembler.poll(0).is_some_and(|frame| frame.data == picture.data));
//! # Ok::<(), sotto_media::FrameTooLarge>(())
//! ```
#![forbid(unsafe_code)]

mod assembler;
mod delay;
mod departure;
mod jitter_buffer;
mod level;
mod packet_header;
mod packetizer;
mod playout;
mod size_check;
mod stretch;
pub mod traits;

pub use assembler::{AssembledFrame, AssemblerStats, VideoAssembler};
pub use departure::PacedEncoder;
pub use jitter_buffer::{AudioJitterBuffer, AudioPlay, JitterStats, Pace};
pub use level::{LevelMeter, SILENCE_DB, level_dbfs};
pub use packet_header::{HEADER_LEN, MAX_FRAME_BYTES, MAX_PAYLOAD, PacketHeader};
pub use packetizer::{FrameTooLarge, VideoPacketizer};
pub use playout::AudioPlayout;
pub use size_check::SizeCheck;
pub use traits::{
    AUDIO_FRAME, AUDIO_RATE, AudioDecoder, AudioEncoder, AudioSink, AudioSource, DeviceFault, EncodedFrame,
    MediaPacket, VideoDecoder, VideoEncoder, VideoFrame, VideoSink, VideoSource,
};
