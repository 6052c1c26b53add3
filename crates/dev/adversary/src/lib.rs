//! The adversary kit: attackers who hold the rendezvous server, the relay and the path, and sometimes a secret, against
//! two real rooms in virtual time.
//!
//! Each script is seeded and ends in one question: does either side believe that it is safe where it isn't? A script
//! also checks that its attack took place, so that one that broke down by itself doesn't count as withstood.
#![forbid(unsafe_code)]

mod middle;
mod scripts;
mod server;

pub use scripts::SCRIPTS;

/// One attack. `Err` says what went wrong: the defence fell, or the attack was not really made.
pub struct Script {
    /// Its name, as on the command line.
    pub name: &'static str,
    /// Plays it once from a seed.
    pub play: fn(u64) -> Result<(), String>,
}
