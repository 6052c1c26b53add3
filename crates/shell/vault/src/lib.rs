//! Encrypted storage of identity, contacts, invites and settings (PROTOCOL §2.2).
//!
//! It owns the file format, the key derivation and crash-safe writing. It knows no session and no network. Nothing
//! of a profile is ever on disk in the clear.
#![forbid(unsafe_code)]

mod body;
mod file;
mod kdf;
mod profile;

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use sotto_identity::Secret;
use sotto_session_api::ProfileRole;

pub use kdf::Cost;
pub use profile::Profile;

const VAULT: &str = "vault.tsp";
const LOCK: &str = "lock";

/// Why the vault can't be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// `E_VAULT_OPEN`: wrong passphrase or damaged file; no oracle beyond that.
    #[error("wrong passphrase or damaged file")]
    Open,
    /// `E_VAULT_PARAM`: the file asks for more memory or time than is allowed.
    #[error("parameters out of bounds")]
    Parameters,
    /// Another program has the profile open.
    #[error("the profile is in use")]
    InUse,
    /// The folder or file can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An open vault. It holds a lock on the profile folder.
pub struct Vault {
    folder: PathBuf,
    profile: Profile,
    sealed: file::Header,
    dek: Secret<32>,
    generation: u64,
    _lock: File,
}

impl Vault {
    /// Whether there is a vault in the folder.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        folder.join(VAULT).exists()
    }

    /// Makes a new vault with fresh keys.
    ///
    /// # Errors
    /// [`VaultError::InUse`], [`VaultError::Io`].
    pub fn create(folder: &Path, passphrase: &str, role: ProfileRole, cost: Cost) -> Result<Self, VaultError> {
        make_folder(folder)?;
        let lock = lock(folder)?;
        if Self::exists(folder) {
            return Err(VaultError::InUse);
        }
        let dek = random_secret()?;
        let sealed = file::Header::new(passphrase, cost, &dek)?;
        let profile = Profile::new(role)?;
        let mut vault = Self { folder: folder.to_owned(), profile, sealed, dek, generation: 0, _lock: lock };
        vault.write()?;
        Ok(vault)
    }

    /// Opens the vault of a folder.
    ///
    /// # Errors
    /// See [`VaultError`].
    pub fn open(folder: &Path, passphrase: &str) -> Result<Self, VaultError> {
        let lock = lock(folder)?;
        let bytes = file::read(&folder.join(VAULT))?;
        let (sealed, dek) = file::Header::open(&bytes, passphrase)?;
        let (generation, body) = sealed.open_body(&bytes, &dek)?;
        let profile = body::decode(&body).ok_or(VaultError::Open)?;
        Ok(Self { folder: folder.to_owned(), profile, sealed, dek, generation, _lock: lock })
    }

    /// What it holds.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Changes the profile and writes it durably; on an error the profile is as before.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn update(&mut self, change: impl FnOnce(&mut Profile)) -> Result<(), VaultError> {
        let before = self.profile.clone();
        change(&mut self.profile);
        self.write().inspect_err(|_| self.profile = before)
    }

    fn write(&mut self) -> Result<(), VaultError> {
        let body = body::encode(&self.profile)?;
        let bytes = self.sealed.seal_body(&self.dek, self.generation + 1, &body)?;
        file::replace(&self.folder, VAULT, &bytes)?;
        self.generation += 1;
        Ok(())
    }
}

impl core::fmt::Debug for Vault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Vault(…)")
    }
}

pub(crate) fn random_secret<const N: usize>() -> Result<Secret<N>, VaultError> {
    let mut bytes = zeroize::Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Secret::new(*bytes))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn lock(folder: &Path) -> Result<File, VaultError> {
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| VaultError::InUse)?;
    Ok(lock)
}
