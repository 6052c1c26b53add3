//! Client connection to the rendezvous server: connect, reconnect, back off. (PROTOCOL §9)
//!
//! It passes sealed cells between mailboxes and the engine, keeps the engine's mailboxes open over reconnects, and
//! says why the server can't be reached. It owns the TCP connection and the check of the server's certificate. It
//! can't name a key of the people, and logs nothing: an address or a mailbox must not end up in a log.
#![forbid(unsafe_code)]

mod api;
mod backoff;
mod book;
mod dial;
mod task;
mod tls;

pub use api::{Endpoint, OfflineReason, RefusedRequest, Report, Request};
pub use task::Signaling;
pub use tls::parse_spki;
