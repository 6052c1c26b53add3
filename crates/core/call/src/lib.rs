//! The session state machine: signalling, handshake, keys, waiting room, comparison, chat, end; and [`Room`]: many
//! waiting calls, at most one admitted.
//!
//! It owns every decision of a session. It has no socket, no clock, no device and no file: it is told the time, what
//! happened and randomness, and says what to do. Media packets do not pass through it: it hands out their keys.
//!
//! ```text
//! room.handle(now, Input::Command(…), rng);          // one mutation …
//! while let Some(output) = room.poll() { … }          // … then drain
//! sleep_until(room.wake_at(now));                     // and Input::Tick at the latest then
//! ```
#![forbid(unsafe_code)]

mod addresses;
mod call;
mod commands;
mod compare;
mod ctx;
mod ending;
mod host;
mod io;
mod join;
mod room;

#[cfg(feature = "cheat")]
pub use call::Said;
pub use io::{
    Change, FileReport, FileRequest, Input, MediaRequest, Now, Output, ServerReport, ServerRequest, ServerUrl, Ticket,
    TransportId, TransportReport, TransportRequest,
};
pub use room::{Config, REKEY_EVERY_S, Room};
