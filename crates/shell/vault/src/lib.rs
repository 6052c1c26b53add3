//! Encrypted storage of identity, contacts, invites and settings (PROTOCOL §2.2).
//!
//! It owns the file `vault.tsp`, its key derivation and its crash-safe writes. Nothing of a profile is ever on disk in
//! plaintext. It doesn't know what the records mean, and it knows no network and no front end.
//!
//! ```no_run
//! use sotto_session_api::ProfileRole;
//! use sotto_vault::{Cost, Vault};
//!
//! let folder = std::path::Path::new("profile");
//! let mut vault = Vault::create(folder, "correct horse battery staple", ProfileRole::Client, Cost::Default)?;
//! vault.update(|profile| profile.name = Some("Erika".into()))?; // on disk before it returns
//! # Ok::<(), sotto_vault::VaultError>(())
//! ```
#![forbid(unsafe_code)]

mod body;
mod container;
mod cost;
mod files;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod keyring;
mod move_file;
mod profile;
mod vault;

pub use container::MAX_FILE_LEN;
pub use cost::Cost;
pub use keyring::KeyringError;
pub use move_file::{MoveWords, WORDS as MOVE_WORDS};
pub use profile::Profile;
pub use vault::Vault;

/// Why a vault could not be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// `E_VAULT_OPEN`: the passphrase is wrong or the file is damaged. One error, so that there is no oracle.
    #[error("the passphrase is not right, or the file is damaged")]
    Open,
    /// `E_VAULT_PARAM`: the file asks for more than 1 GiB of memory, 16 passes or 16 lanes, or for less than the floor; or
    /// a new vault was asked to.
    #[error("the key derivation's parameters are out of bounds")]
    Parameters,
    /// Another program has this folder's vault open.
    #[error("this profile is in use by another program")]
    InUse,
    /// `E_KEYRING`: the profile has a second factor in the system's keyring, or is to get one, and it can't be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The system refused a file, memory (`OutOfMemory`) or randomness; there is a vault here already (`AlreadyExists`); the
    /// profile is larger than 16 MiB (`FileTooLarge`) or was written by a newer version (`Unsupported`).
    #[error("the profile folder can't be used: {0}")]
    Io(#[from] std::io::Error),
}
