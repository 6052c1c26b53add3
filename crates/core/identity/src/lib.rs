//! Identity keys, fingerprints, pin decisions, and what is stored about a contact.
//!
//! It also holds the key-derivation helpers of TSP1 (PROTOCOL §1.1), because every crate that derives a key depends
//! on this one already. It knows no message, no clock and no storage.
#![forbid(unsafe_code)]

pub mod derive;
pub mod event_log;
pub mod fingerprint;
mod key;
#[cfg(feature = "noted-for-test")]
pub mod noted;
pub mod pin;
pub mod records;
mod secret;
pub mod words;

pub use fingerprint::Fingerprint;
pub use key::{IdentityKey, KeyFault, PublicKey};
pub use pin::{ComparedPeer, PendingPin, PinDecision, PinnedPeer, check_pin};
pub use secret::Secret;
