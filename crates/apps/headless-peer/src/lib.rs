//! The JSON lines and the command line of `sotto-peer`: the same session without a window.
//!
//! This crate owns how commands and events look as text (`docs/PEER.md`) and where a headless profile's passphrase
//! comes from. It deliberately knows no key, no socket and no device: everything that happens in a session happens in
//! `sotto-session`, as it does for a window.
//!
//! ```
//! use sotto_peer::{parse_command, render_event};
//! use sotto_session_api::{Command, Event, Gate};
//!
//! assert_eq!(parse_command(r#"{"cmd":"end"}"#), Ok(Command::End));
//! assert!(parse_command(r#"{"cmd":"end","now":true}"#).is_err(), "unknown fields change nothing");
//! assert_eq!(render_event(&Event::Gate(Gate::G2), 1.5).unwrap(), r#"{"event":"gate","t":1.5,"gate":"G2"}"#);
//! ```
#![forbid(unsafe_code)]

mod alert;
mod arguments;
mod command;
mod event;
mod line;
mod object;
mod passphrase;

pub use arguments::{Arguments, Help, USAGE, UsageError};
pub use command::{ParseError, parse_command};
pub use event::{render_error, render_event};
pub use line::{Forgetful, LINE_LIMIT, Line, Lines};
pub use passphrase::{PassphraseError, find_passphrase, find_words};
