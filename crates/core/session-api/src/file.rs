//! A file on its way from one computer to the other.

use std::sync::Arc;

/// Names a file of the running session; random, chosen by the sender.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId(pub [u8; 16]);

/// How far a file is.
#[derive(Clone, PartialEq, Eq)]
pub struct FileState {
    /// Which.
    pub id: FileId,
    /// This side sends it.
    pub own: bool,
    /// Its name: a single component of a path, without control characters.
    pub name: Arc<str>,
    /// Bytes.
    pub size: u64,
    /// Bytes that are through.
    pub done: u64,
    /// What becomes of it.
    pub stage: FileStage,
}

/// The life of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStage {
    /// The receiver has not said yes or no.
    Offered,
    /// It is on its way.
    Running,
    /// All of it was sent, or is stored and is what was sent.
    Complete,
    /// One of the two does not want it.
    Refused,
    /// It could not be read, written or sent whole; what came of it is removed.
    Failed,
}

impl core::fmt::Debug for FileId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FileId(…)")
    }
}

/// The name stays out of logs.
impl core::fmt::Debug for FileState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "FileState({:?}, {} of {})", self.stage, self.done, self.size)
    }
}
