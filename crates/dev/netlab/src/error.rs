//! What can go wrong in the laboratory: always the machine, never what is tested.

use std::io;

/// Why the laboratory could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A program is missing or could not be started.
    #[error("{program} could not be run: {source}")]
    Program {
        /// Which.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A program said no.
    #[error("{command} failed: {said}")]
    Refused {
        /// What was asked.
        command: String,
        /// Its standard error.
        said: String,
    },
    /// A system call or a file failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A capture or a sound file is not what its format says.
    #[error("malformed {what}")]
    Malformed {
        /// Which format.
        what: &'static str,
    },
    /// The capture lost packets, so that "nothing was found" would mean nothing.
    #[error("the capture lost packets: {said}")]
    CaptureLost {
        /// What tcpdump said.
        said: String,
    },
}

impl From<rustix::io::Errno> for LabError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Io(errno.into())
    }
}
