//! The inner layer of TSP1: seals and opens one media packet or one data record (PROTOCOL §7, §8).
//!
//! This crate owns SFrame (RFC 9605, suite 0x0005), the layout of key identifiers, the counters and so the nonces, the
//! ratchet, replay windows, padding to constant sizes, order and reassembly of data records, and the transcripts that
//! make an end authentic. It is told the time where time matters and does no I/O.
//!
//! It deliberately doesn't know what a payload means, how packets travel, when a gate opens, when to ratchet or
//! rekey, or where a root key comes from.
//!
//! ```
//! use sotto_frame_crypto::{SessionKeys, Shape, TrackSet};
//! use sotto_identity::Secret;
//! use sotto_wire::{Codec, Role, TrackId};
//!
//! let h = [1; 64];
//! let mut client = SessionKeys::new(Secret::new([2; 64]), &h, Role::Initiator);
//! let mut therapist = SessionKeys::new(Secret::new([2; 64]), &h, Role::Responder);
//! therapist.media_opener.set_allowed(TrackSet::NONE.with(TrackId::Audio));
//!
//! let packet = client.media_sealer.seal(TrackId::Audio, Codec::Opus, false, 960, &[7; 80], Shape::Audio)?;
//! assert_eq!(packet.bytes.len(), 104);
//! let opened = therapist.media_opener.open(&packet, 0)?;
//! assert_eq!((opened.counter, opened.payload), (0, vec![7; 80]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod data_open;
mod data_record;
mod data_seal;
pub mod header;
mod integrity;
pub mod keys;
pub mod kid;
mod media_open;
mod media_seal;
pub mod replay_window;
pub mod sframe;
mod track_set;
mod transcript;

pub use data_open::{DataFault, DataMessage, DataOpener, EndProgress, MAX_SEALED_RECORD};
pub use data_record::{MAX_MESSAGE_LEN, max_record_data};
pub use data_seal::DataSealer;
pub use keys::{EpochKeys, SessionKeys};
pub use media_open::{DropCounts, Dropped, GRACE_MS, MAX_SEALED_PACKET, MediaOpener, OpenedPacket};
pub use media_seal::{COUNTER_LIMIT, MAX_MEDIA_PAYLOAD, MEDIA_OVERHEAD, MediaSealer, SealError, Shape, VIDEO_FULL_LEN};
pub use sframe::ENCRYPTS;
pub use track_set::TrackSet;
