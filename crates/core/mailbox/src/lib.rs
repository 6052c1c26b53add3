//! The rendezvous server's logic: allocate, join, pass sealed cells, expire, limit (PROTOCOL §9).
//!
//! [`Rendezvous`] is told the time, what a connection did and where randomness comes from, and is then drained:
//! frames to send, connections to close, relay credentials to issue. It owns mailboxes, nameplates, channels,
//! queues and rate limits. It deliberately knows no socket, no address (the shell passes an opaque
//! [`AddressKey`]), no relay secret, and nothing of what a cell holds.
#![forbid(unsafe_code)]

mod addresses;
mod connection;
mod io;
mod limits;
mod mailbox;
mod nameplates;
mod rate;
mod rendezvous;

pub use io::{AddressKey, ConnectionId, Counters, Input, Now, Output};
pub use limits::Limits;
pub use rendezvous::Rendezvous;
