//! Two people in one process, in virtual time: real rooms, the real rendezvous logic, and a transport that only hands
//! things over. Seeded, so that a failure can be run again.
#![forbid(unsafe_code)]

mod between;
mod duo;
mod files;
mod liar;
mod parts;
mod rng;
mod server;

pub use between::Between;
pub use duo::{CELL_DELAY_MS, Duo, Side, Who};
pub use files::Files;
pub use liar::Message;
pub use rng::SeededRng;
pub use sotto_call::{Said, ServerReport};
