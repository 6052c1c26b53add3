//! What an eavesdropper would look for. Each scanner has a test in which it finds what it is for: a scanner that finds
//! nothing anywhere proves nothing.

mod address;
mod audio_size;
mod entropy;
mod h264;
mod opus_decode;
mod sctp;
mod srtp_reuse;
mod text;
mod vp8;

pub use address::{AddressHit, AddressReport, Form, scan_addresses};
pub use audio_size::{AudioSizes, audio_sizes};
pub use entropy::{Carrier, Histogram, ciphertext};
pub use h264::{StartCodes, scan_start_codes};
pub use opus_decode::{Heard, eavesdrop_opus};
pub use sctp::{Sctp, scan_sctp};
pub use srtp_reuse::{IndexUse, srtp_index_use};
pub use text::{count_text, find_in_frames};
pub use vp8::count_vp8_key_frames;
