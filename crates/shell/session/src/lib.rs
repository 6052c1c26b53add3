//! The engine: owns threads and tasks, and pumps the session state machine against sockets, devices and the vault.
//!
//! A front end gets a [`SessionHandle`]: it sends [`Command`]s, reads [`Event`]s, looks at a [`Snapshot`] and takes
//! pictures from a [`VideoSlot`]. It never waits for the engine and never sees a key.
//!
//! ```no_run
//! # fn main() -> Result<(), sotto_session::StartError> {
//! use sotto_session::{Config, start};
//! use sotto_session_api::{Command, ProfileRole, SecretText};
//!
//! let passphrase = SecretText::new(String::from("correct horse"));
//! let mut handle = start(Config::new("/tmp/profile".into(), ProfileRole::Client, passphrase))?;
//! let events = handle.events().expect("taken once");
//! handle.send(Command::Contacts);
//! for event in events { println!("{event:?}"); }
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

#[cfg(any(
    sotto_broken = "idhash",
    sotto_broken = "fingerprint",
    sotto_broken = "runs",
    sotto_broken = "words",
    sotto_broken = "replay",
    sotto_broken = "continuity",
    sotto_broken = "commitment",
    sotto_broken = "window",
    sotto_broken = "used",
    sotto_broken = "looks",
    sotto_broken = "order",
    sotto_broken = "end",
    sotto_broken = "track",
    sotto_broken = "header",
    sotto_broken = "seen",
    sotto_broken = "heard",
    sotto_broken = "crowded"
))]
compile_error!("a program with a defence left out never ships: `cargo xtask bench adversary --broken` needs none");

mod config;
mod engine;
mod files;
mod handle;
mod media;
mod process;
mod scrub;
#[cfg(feature = "seeded-for-test")]
mod seeded;
mod servers;
mod storage;
mod transports;

pub use config::{Config, Moved, StartError};
pub use handle::{SessionHandle, profile_exists, start};
pub use media::device_code;
pub use process::harden;

#[cfg(feature = "dangerous-plaintext-for-test")]
#[doc(no_inline)]
pub use sotto_handshake::dangerous_plaintext;
#[cfg(feature = "lying-candidates-for-test")]
#[doc(no_inline)]
pub use sotto_handshake::lying_candidates;

#[doc(no_inline)]
pub use sotto_call::REKEY_EVERY_S;
#[doc(no_inline)]
pub use sotto_session_api::{Command, Event, Snapshot, VideoSlot};
#[doc(no_inline)]
pub use sotto_vault::KeyringError;
