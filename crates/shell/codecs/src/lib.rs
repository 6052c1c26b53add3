//! Opus and H.264 behind the traits of `sotto-media`.
//!
//! Owns: the settings of the codecs (constant sound packets, real-time pictures), the guard that keeps hostile
//! bitstreams away from C code where that is cheap, and I420 helpers. Deliberately knows nothing of devices, packets
//! on the wire, keys or time. The C code is libopus 1.6 and OpenH264, both built from source by their crates.

mod annex_b;
mod h264_decoder;
mod h264_encoder;
pub mod i420;
mod opus_codec;
mod sps;

pub use h264_decoder::H264Decoder;
pub use h264_encoder::H264Encoder;
pub use opus_codec::{AudioRung, OpusDecoder, OpusEncoder};

/// Longest side of a picture that is encoded or decoded, pixels.
pub const MAX_WIDTH: u32 = 3840;
/// Shorter side of a picture that is encoded or decoded, pixels.
pub const MAX_HEIGHT: u32 = 2160;

/// A codec could not be set up: our settings and the library disagree. It can't be caused by a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("codec set-up failed: {0}")]
pub struct SetupError(pub String);

/// Whether a size can be encoded and decoded: even, not empty, at most 3840×2160 either way round.
#[must_use]
pub fn size_is_possible(width: u32, height: u32) -> bool {
    let even = width.is_multiple_of(2) && height.is_multiple_of(2);
    width.min(height) >= 16 && even && width.max(height) <= MAX_WIDTH && width.min(height) <= MAX_HEIGHT
}
