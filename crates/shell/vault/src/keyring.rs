//! The system's keyring as a second factor beside the passphrase (PROTOCOL §2.2).
//!
//! Secret Service on Linux, Keychain on macOS, Credential Manager on Windows. What is kept there is of no use without the
//! vault's file, and the file is of none without it. Its names tell nothing of whom the profile is, or what it is for.

use std::{
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

use keyring::{Entry, Error};
use zeroize::Zeroizing;

/// What the entries are filed under; they are shown by the system's own keyring program.
const SERVICE: &str = "sotto";
/// How long a vault that closes waits for what the keyring is still to be told.
const NOTE_LIMIT: Duration = Duration::from_secs(2);

/// Why the keyring could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// The vault's entry is not there: it was removed, or this is another computer.
    #[error("the key that this profile has in the system's keyring is not there")]
    Missing,
    /// There is no keyring, it stays locked, or it keeps nothing.
    #[error("the system's keyring can't be used")]
    Unavailable,
}

/// Where the second factor lies; a test has its own.
pub(crate) trait Keyring: Send {
    /// `None` if there is no such entry.
    fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError>;
    fn write(&self, entry: &str, content: &[u8]) -> Result<(), KeyringError>;
    /// As [`write`](Self::write), without waiting for it: a keyring that was locked meanwhile asks the person first, and a
    /// session can't stand still for that.
    fn note(&self, entry: String, content: [u8; 8]);
    /// One that is not there is fine.
    fn remove(&self, entry: &str) -> Result<(), KeyringError>;
}

/// The system's. Touched only by a vault that has the factor, or is to get it: opening it may ask the person.
#[derive(Default)]
pub(crate) struct SystemKeyring {
    notes: OnceLock<Notes>,
}

/// The thread that tells the keyring what nobody waits for.
struct Notes {
    queue: mpsc::Sender<(String, [u8; 8])>,
    done: mpsc::Receiver<()>,
}

impl Notes {
    fn start() -> Self {
        let (queue, notes) = mpsc::channel::<(String, [u8; 8])>();
        let (end, done) = mpsc::channel();
        // Without a thread nothing is noted: the alarm of a rollback is missing then, and nothing else.
        let _ = thread::Builder::new().name("keyring".into()).spawn(move || {
            while let Ok(first) = notes.recv() {
                // Only the last one counts.
                let (name, content) = notes.try_iter().last().unwrap_or(first);
                let _ = entry(&name).map(|entry| entry.set_secret(&content));
            }
            drop(end);
        });
        Self { queue, done }
    }
}

impl Drop for SystemKeyring {
    fn drop(&mut self) {
        if let Some(Notes { queue, done }) = self.notes.take() {
            drop(queue);
            let _ = done.recv_timeout(NOTE_LIMIT);
        }
    }
}

impl Keyring for SystemKeyring {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        match entry(name)?.get_secret() {
            Ok(content) => Ok(Some(Zeroizing::new(content))),
            Err(Error::NoEntry) => Ok(None),
            Err(_) => Err(KeyringError::Unavailable),
        }
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), KeyringError> {
        entry(name)?.set_secret(content).map_err(|_| KeyringError::Unavailable)
    }

    fn note(&self, name: String, content: [u8; 8]) {
        let _ = self.notes.get_or_init(Notes::start).queue.send((name, content));
    }

    fn remove(&self, name: &str) -> Result<(), KeyringError> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(_) => Err(KeyringError::Unavailable),
        }
    }
}

fn entry(name: &str) -> Result<Entry, KeyringError> {
    Entry::new(SERVICE, name).map_err(|_| KeyringError::Unavailable)
}
