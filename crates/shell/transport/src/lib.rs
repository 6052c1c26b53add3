//! WebRTC: moves sealed packets and sealed records between two computers, and reports fingerprints and figures.
//!
//! It can't name a key or an unsealed packet. Everything above sees [`Transport`] and the types re-exported here; the
//! crate `webrtc` stays inside, with our counter-measures against what version 0.21.1 does wrong:
//!
//! | module | what it owns |
//! |---|---|
//! | `config`, `event` | what goes in and what comes out |
//! | `transport`, `supervisor` | one connection: descriptions, queues, timers, the check after DTLS (PROTOCOL §5.4) |
//! | `sdp`, `candidate` | the SDP and candidate lines that never cross the wire, rebuilt from one template |
//! | `settings` | ciphers, codecs, interceptors, timers of `webrtc` (PROTOCOL §5.3) |
//! | `runtime`, `socket`, `datagram`, `sources` | tokio under `webrtc`: capped sleep, repeated DTLS flights, nothing from strangers |
//! | `provider` | `ring` under `webrtc`, and a look at the certificates that it hashes |
//! | `rtx_unwrap`, `nack_guard`, `tap` | interceptors: retransmission without nonce reuse, media out of the chain |
//!
//! It doesn't know identities, gates, keys of the session, codecs, or what a record says.
#![forbid(unsafe_code)]

mod candidate;
mod config;
#[cfg(feature = "dangerous-plaintext-for-test")]
mod dangerous_plaintext;
mod datagram;
mod event;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod knobs;
mod nack_guard;
#[cfg(feature = "seeded-for-test")]
mod noted;
mod provider;
mod rebinds;
mod restart;
mod rtx_unwrap;
mod runtime;
mod sdp;
mod settings;
mod socket;
mod sources;
mod supervisor;
mod tap;
mod transport;

#[cfg(test)]
mod tests;

pub use config::{Relay, TransportConfig};
pub use event::{TransportEvent, TransportFault, TransportStats};
pub use transport::Transport;

use sotto_wire::TrackId;

/// Tracks that are data channels, in the order of their ids 0, 2, 4.
const RECORD_TRACKS: [TrackId; 3] = [TrackId::Control, TrackId::Chat, TrackId::File];
