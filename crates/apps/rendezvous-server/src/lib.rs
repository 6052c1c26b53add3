//! The rendezvous server: sockets, TLS and limits around `sotto-mailbox`, with an embedded relay (PROTOCOL §9).
//!
//! It owns connections, their time limits, the keyed hashes that stand for addresses, relay credentials and the
//! embedded relay. It keeps nothing on disk and logs nothing per connection. It can't name an identity, a key of
//! the people, or media.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
mod connection;
mod credentials;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
pub mod hardening;
mod hub;
mod origin;
mod os;
mod relay;
mod server;
mod tls;

pub use config::{Config, Relay, Timeouts, Tls};
pub use server::{Running, Server, StartError};
