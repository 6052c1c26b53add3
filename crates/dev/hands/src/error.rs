//! What keeps hands from their work.

use std::fmt;

/// A sentence for the person who started the run.
#[derive(Debug)]
pub struct Trouble(pub String);

impl Trouble {
    /// With this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

macro_rules! from {
    ($($error:ty => $where:literal),* $(,)?) => {
        $(impl From<$error> for Trouble {
            fn from(error: $error) -> Self {
                Self(format!(concat!($where, ": {}"), error))
            }
        })*
    };
}

from! {
    std::io::Error => "the system",
    zbus::Error => "the accessibility bus",
    x11rb::errors::ConnectError => "the display",
    x11rb::errors::ConnectionError => "the display",
    x11rb::errors::ReplyError => "the display",
    x11rb::errors::ReplyOrIdError => "the display",
    sotto_netlab::LabError => "sound",
}

/// Of every step.
pub type Outcome<T = ()> = Result<T, Trouble>;
