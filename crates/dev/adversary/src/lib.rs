//! The adversary kit: attackers who hold the rendezvous server, the relay and the path, and sometimes a secret, against
//! two real rooms in virtual time.
//!
//! Each script is seeded and ends in one question: does either side believe that it is safe where it isn't? A script
//! also checks that its attack took place, so that one that broke down by itself doesn't count as withstood.
#![forbid(unsafe_code)]

mod cuts;
mod devices;
mod downgrade;
mod links;
mod middle;
mod older;
mod scripts;
mod server;
mod thief;
mod tracks;

pub use downgrade::{Change, HeaderChange, Meeting};
pub use scripts::SCRIPTS;

/// One attack.
pub struct Script {
    /// Its name, as on the command line.
    pub name: &'static str,
    /// Plays it once from a seed.
    pub play: fn(u64) -> Result<(), Fallen>,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallen {
    /// The defence fell: somebody else was let in, taken for compared or given a look too many.
    Defence(String),
    /// The attack was not really made, or what must be said or go on was not.
    Otherwise(String),
}

impl core::fmt::Display for Fallen {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Defence(what) => write!(f, "the defence fell: {what}"),
            Self::Otherwise(what) => f.write_str(what),
        }
    }
}

impl From<String> for Fallen {
    fn from(what: String) -> Self {
        Self::Otherwise(what)
    }
}

impl From<&str> for Fallen {
    fn from(what: &str) -> Self {
        Self::Otherwise(what.into())
    }
}
