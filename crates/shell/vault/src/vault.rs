//! The vault as its owner sees it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use sotto_identity::{Secret, event_log::EventLog};
use sotto_session_api::ProfileRole;

use crate::{
    Profile, VaultError, body,
    container::{self, Header, HeaderSeed, Kind},
    cost::{Cost, KdfParams},
    files::{self, Files, SystemFiles},
    keyring::{Keyring, KeyringError, SystemKeyring},
    move_file::{self, MoveWords},
};

/// What a vault rests on; tests put themselves in between.
pub(crate) struct System {
    pub files: Box<dyn Files>,
    pub keyring: Box<dyn Keyring>,
}

impl Default for System {
    fn default() -> Self {
        Self { files: Box::new(SystemFiles), keyring: Box::new(SystemKeyring::default()) }
    }
}

/// What opens a vault's files.
struct Keys {
    /// What passphrase and keyring gave; it wraps the data key.
    kek: Secret<32>,
    /// The data key.
    dek: Secret<32>,
}

/// An open vault. The folder is locked while it lives; its keys are erased when it is dropped.
pub struct Vault {
    folder: PathBuf,
    system: System,
    header: Header,
    keys: Keys,
    generation: u64,
    /// The file as it is on disk: ciphertext, for the backup.
    on_disk: Option<Vec<u8>>,
    /// Files of before that could not be overwritten yet.
    replaced: Vec<File>,
    profile: Profile,
    /// The keyring knows of a later write than the file that was opened.
    is_rolled_back: bool,
    _lock: File,
}

impl Vault {
    /// Whether the folder holds a vault, or the backup of one that was lost.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        folder.join(files::VAULT).exists() || folder.join(files::BACKUP).exists()
    }

    /// Makes a vault with a new identity (for a therapist) and device secret, and the folder if it is missing. Blocks for
    /// the key derivation.
    ///
    /// # Errors
    /// [`VaultError::InUse`], [`VaultError::Parameters`] for a cost out of bounds, [`VaultError::Io`], also if there is a
    /// vault already.
    pub fn create(folder: &Path, passphrase: &str, role: ProfileRole, cost: Cost) -> Result<Self, VaultError> {
        Self::create_with(folder, passphrase, role, cost.params()?, System::default())
    }

    pub(crate) fn create_with(
        folder: &Path,
        passphrase: &str,
        role: ProfileRole,
        params: KdfParams,
        system: System,
    ) -> Result<Self, VaultError> {
        let lock = Self::claim(folder)?;
        let profile = Profile {
            role,
            identity: if role == ProfileRole::Therapist { Some(random_secret()?) } else { None },
            device_secret: random_secret()?,
            contacts: Vec::new(),
            invites: Vec::new(),
            rendezvous: None,
            name: None,
            log: EventLog::default(),
        };
        Self::begin(folder, profile, passphrase, params, system, lock)
    }

    /// The folder, made if it is missing, for a new vault.
    fn claim(folder: &Path) -> Result<File, VaultError> {
        files::make_folder(folder)?;
        let lock = files::lock(folder)?;
        if Self::exists(folder) {
            return Err(VaultError::Io(io::ErrorKind::AlreadyExists.into()));
        }
        Ok(lock)
    }

    fn begin(
        folder: &Path,
        profile: Profile,
        passphrase: &str,
        params: KdfParams,
        system: System,
        lock: File,
    ) -> Result<Self, VaultError> {
        let (header, keys) = new_header(passphrase, None, params)?;
        let mut vault = Self {
            folder: folder.to_owned(),
            system,
            header,
            keys,
            generation: 0,
            on_disk: None,
            replaced: Vec::new(),
            profile,
            is_rolled_back: false,
            _lock: lock,
        };
        vault.save()?;
        Ok(vault)
    }

    /// Makes a vault of what another computer's vault [exported](Self::export), with a device secret of its own. Blocks
    /// for two key derivations.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`VaultError::Open`] for wrong words or a damaged file, before anything is written.
    pub fn import(
        folder: &Path,
        file: &[u8],
        words: &MoveWords,
        passphrase: &str,
        cost: Cost,
    ) -> Result<Self, VaultError> {
        Self::import_with(folder, file, words, passphrase, (cost.params()?, KdfParams::FLOOR), System::default())
    }

    pub(crate) fn import_with(
        folder: &Path,
        file: &[u8],
        words: &MoveWords,
        passphrase: &str,
        (params, floor): (KdfParams, KdfParams),
        system: System,
    ) -> Result<Self, VaultError> {
        if file.len() > container::MAX_FILE_LEN {
            return Err(VaultError::Open);
        }
        let lock = Self::claim(folder)?;
        let mut profile = move_file::open(file, words, floor)?;
        profile.device_secret = random_secret()?;
        Self::begin(folder, profile, passphrase, params, system, lock)
    }

    /// A file for another computer, and the words that open it; neither is kept. Blocks for the key derivation.
    ///
    /// # Errors
    /// [`VaultError::Parameters`] for a cost out of bounds, [`VaultError::Io`].
    pub fn export(&self, cost: Cost) -> Result<(Vec<u8>, MoveWords), VaultError> {
        self.export_with(cost.params()?)
    }

    pub(crate) fn export_with(&self, params: KdfParams) -> Result<(Vec<u8>, MoveWords), VaultError> {
        let mut drawn = zeroize::Zeroizing::new([0; move_file::WORDS]);
        random(&mut *drawn)?;
        let words = MoveWords::new(*drawn);
        let mut write_salt = [0; 32];
        random(&mut write_salt)?;
        let file = move_file::seal(&self.profile, &words, params, &new_seed()?, &write_salt, &random_secret()?)?;
        Ok((file, words))
    }

    /// Destroys it: what is on disk is overwritten as far as a disk lets it, then removed, the backup first; the folder
    /// and what is not ours in it stay.
    ///
    /// # Errors
    /// [`VaultError::Io`]; what is left is named by [`exists`](Self::exists).
    pub fn destroy(self) -> Result<(), VaultError> {
        if self.has_keyring() {
            // The file is of no use without it: as good a beginning as any, and no reason to stop if it fails.
            self.forget_entries(&self.header);
        }
        for name in [files::BACKUP, files::TEMP, files::VAULT] {
            files::erase(&self.folder.join(name))?;
        }
        Ok(())
    }

    /// Whether this is the passphrase. Blocks for the key derivation.
    ///
    /// # Errors
    /// [`VaultError::Open`] if it is not, [`VaultError::Io`] without memory.
    pub fn check_passphrase(&self, passphrase: &str) -> Result<(), VaultError> {
        unwrap(&self.header, passphrase, &*self.system.keyring).map(drop)
    }

    /// Whether the passphrase alone doesn't open it: a key in the system's keyring is needed too.
    #[must_use]
    pub fn has_keyring(&self) -> bool {
        self.header.needs_keyring().unwrap_or_default()
    }

    /// Whether an older file was put in the place of the last one that was written here (PROTOCOL §2.2). Only a vault with
    /// a keyring can know; it holds until the next write.
    #[must_use]
    pub const fn is_rolled_back(&self) -> bool {
        self.is_rolled_back
    }

    /// Opens a vault. Blocks for the key derivation.
    ///
    /// # Errors
    /// [`VaultError::Open`] for a wrong passphrase or a damaged file, [`VaultError::Parameters`] before anything is
    /// allocated, [`VaultError::InUse`], [`VaultError::Io`].
    pub fn open(folder: &Path, passphrase: &str) -> Result<Self, VaultError> {
        Self::open_with(folder, passphrase, KdfParams::FLOOR, System::default())
    }

    pub(crate) fn open_with(
        folder: &Path,
        passphrase: &str,
        floor: KdfParams,
        system: System,
    ) -> Result<Self, VaultError> {
        let lock = files::lock(folder)?;
        files::remove_leftovers(folder);
        Self::open_file(folder, files::VAULT, passphrase, floor, system, lock)
    }

    fn open_file(
        folder: &Path,
        name: &str,
        passphrase: &str,
        floor: KdfParams,
        system: System,
        lock: File,
    ) -> Result<Self, VaultError> {
        let file = files::read(folder, name)?;
        let header = Header::of(Kind::Vault, &file)?;
        header.params().check_floor(floor)?;
        let keys = unwrap(&header, passphrase, &*system.keyring)?;
        let (generation, plain) = container::open_body(&file, &keys.dek)?;
        let profile = body::decode(&plain)?;
        let known = if header.needs_keyring()? { known_generation(&header, &*system.keyring) } else { None };
        Ok(Self {
            folder: folder.to_owned(),
            system,
            header,
            keys,
            // The next number is above every one that was used, whichever file this is.
            generation: known.map_or(generation, |known| known.max(generation)),
            on_disk: Some(file),
            replaced: Vec::new(),
            profile,
            is_rolled_back: known.is_some_and(|known| generation < known),
            _lock: lock,
        })
    }

    /// Opens the generation before the last one, after [`open`](Self::open) could not, and makes it the current one: a
    /// file that was lost or damaged costs the last change and nothing else, unless the damage is in its salt. The damaged
    /// file is replaced, and only once the backup was opened whole: kept, it would hold what is forgotten later. Never
    /// goes back behind a change of the passphrase, nor behind a file that opens. Blocks for
    /// the key derivation.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`VaultError::Open`] too if there is no backup of the same passphrase.
    pub fn restore(folder: &Path, passphrase: &str) -> Result<Self, VaultError> {
        Self::restore_with(folder, passphrase, KdfParams::FLOOR, System::default())
    }

    pub(crate) fn restore_with(
        folder: &Path,
        passphrase: &str,
        floor: KdfParams,
        system: System,
    ) -> Result<Self, VaultError> {
        let lock = files::lock(folder)?;
        if !folder.join(files::BACKUP).exists() {
            return Err(VaultError::Open);
        }
        let damaged = match files::read(folder, files::VAULT) {
            Ok(damaged) => Some(damaged),
            Err(VaultError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let backup = files::read(folder, files::BACKUP)?;
        if damaged.as_deref().is_some_and(|damaged| !container::is_same_passphrase(damaged, &backup)) {
            return Err(VaultError::Open);
        }
        let mut vault = Self::open_file(folder, files::BACKUP, passphrase, floor, system, lock)?;
        // By its own data key: the backup's may be another (`update_for_good`).
        let is_whole = |file: &[u8]| {
            let dek = Header::of(Kind::Vault, file).and_then(|header| header.unwrap_dek(&vault.keys.kek));
            dek.is_ok_and(|dek| container::open_body(file, &dek).is_ok())
        };
        if damaged.as_deref().is_some_and(is_whole) {
            // It is whole, only not readable for this version: nothing to be repaired by going back.
            return Err(VaultError::Io(io::ErrorKind::Unsupported.into()));
        }
        // Above the number that the lost write had.
        vault.generation += 1;
        // The backup stays as it is until the next write.
        vault.on_disk = None;
        vault.save()?;
        Ok(vault)
    }

    /// What it holds.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Number of the last write.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Changes the profile and writes it. What is returned is on disk; on an error the profile is as before.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn update<R>(&mut self, change: impl FnOnce(&mut Profile) -> R) -> Result<R, VaultError> {
        let before = self.profile.clone();
        let result = change(&mut self.profile);
        match self.save() {
            Ok(()) => Ok(result),
            Err(error) => {
                self.profile = before;
                Err(error)
            }
        }
    }

    /// As [`update`](Self::update), for what is to be gone: with a new data key, and in both files. The old key, under which
    /// every file before was written, is gone with the two in which it was wrapped; where these can't be overwritten at
    /// once, that is no error, and is tried again with the next write. After an error the change itself may be on disk,
    /// until the next write that succeeds.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn update_for_good<R>(&mut self, change: impl FnOnce(&mut Profile) -> R) -> Result<R, VaultError> {
        let mut wrap_nonce = [0; 12];
        random(&mut wrap_nonce)?;
        let keys = Keys { kek: self.keys.kek.clone(), dek: random_secret()? };
        let header = self.header.rewrap(&keys.kek, &wrap_nonce, &keys.dek);
        let before = self.profile.clone();
        let result = change(&mut self.profile);
        if let Err(error) = self.save_under(header, keys) {
            self.profile = before;
            return Err(error);
        }
        Ok(result)
    }

    /// New passphrase and cost, with a new data key: a copy of the old file doesn't open later ones. The backup is
    /// replaced too, and the keyring's key if there is one. After an error either passphrase may hold on disk, until the
    /// next write that succeeds.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`VaultError::Keyring`].
    pub fn change_passphrase(&mut self, passphrase: &str, cost: Cost) -> Result<(), VaultError> {
        self.wrap_anew(passphrase, self.has_keyring(), cost.params()?)
    }

    /// From now on the passphrase alone doesn't open it, or does so again; with a new data key, as for a new passphrase.
    /// The keyring's key is in no file: who loses it, loses the profile. Blocks for the key derivation.
    ///
    /// # Errors
    /// [`VaultError::Open`] if this is not the passphrase, [`VaultError::Keyring`] if there is no keyring that keeps what it
    /// is given, [`VaultError::Io`]; the vault is as before, but for what [`change_passphrase`](Self::change_passphrase)
    /// says about the disk.
    pub fn use_keyring(&mut self, passphrase: &str, on: bool) -> Result<(), VaultError> {
        self.check_passphrase(passphrase)?;
        if on == self.has_keyring() { Ok(()) } else { self.wrap_anew(passphrase, on, self.header.params()) }
    }

    fn wrap_anew(&mut self, passphrase: &str, keyring: bool, params: KdfParams) -> Result<(), VaultError> {
        let k_ring = if keyring { Some(random_secret()?) } else { None };
        let (header, keys) = new_header(passphrase, k_ring.as_ref(), params)?;
        if let Some(k_ring) = &k_ring {
            // Before any file needs it. Some keyrings take what they do not keep.
            let entry = key_entry(&header);
            self.system.keyring.write(&entry, k_ring.expose())?;
            let kept = self.system.keyring.read(&entry)?.ok_or(KeyringError::Unavailable)?;
            if *kept != k_ring.expose()[..] {
                return Err(KeyringError::Unavailable.into());
            }
        }
        let before = self.header.clone();
        // After an error the new entry stays: the file that needs it may have reached the disk.
        self.save_under(header, keys)?;
        if before.needs_keyring().unwrap_or_default() {
            self.forget_entries(&before);
        }
        Ok(())
    }

    /// What can't be removed is of no use any more.
    fn forget_entries(&self, header: &Header) {
        for entry in [key_entry(header), generation_entry(header)] {
            let _ = self.system.keyring.remove(&entry);
        }
    }

    /// Writes the next generation.
    fn save(&mut self) -> Result<(), VaultError> {
        let file = self.seal()?;
        let backup = self.on_disk.as_deref();
        files::replace(&mut *self.system.files, &self.folder, &mut self.replaced, backup, &file)?;
        self.is_written(file);
        Ok(())
    }

    /// Writes the next generation under new keys, and as its own backup: no file is left that the old ones open. After an
    /// error they are used on.
    fn save_under(&mut self, header: Header, keys: Keys) -> Result<(), VaultError> {
        let before = (core::mem::replace(&mut self.header, header), core::mem::replace(&mut self.keys, keys));
        let written = self.seal().and_then(|file| {
            files::replace(&mut *self.system.files, &self.folder, &mut self.replaced, Some(&file), &file)?;
            Ok(file)
        });
        match written {
            Ok(file) => self.is_written(file),
            Err(error) => {
                (self.header, self.keys) = before;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The file of the next generation.
    fn seal(&mut self) -> Result<Vec<u8>, VaultError> {
        let mut write_salt = [0; 32];
        random(&mut write_salt)?;
        // Counted even if the write fails: a number stands for one content.
        self.generation += 1;
        let plain = body::encode(&self.profile)?;
        self.header.seal(&self.keys.dek, &write_salt, self.generation, &plain)
    }

    fn is_written(&mut self, file: Vec<u8>) {
        self.on_disk = Some(file);
        self.is_rolled_back = false;
        if self.has_keyring() {
            // After the file: a crash in between is no rollback. A keyring that is locked now only knows less.
            self.system.keyring.note(generation_entry(&self.header), self.generation.to_be_bytes());
        }
    }
}

impl core::fmt::Debug for Vault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Vault(generation {})", self.generation)
    }
}

fn new_header(passphrase: &str, k_ring: Option<&Secret<32>>, params: KdfParams) -> Result<(Header, Keys), VaultError> {
    let dek = random_secret()?;
    let (header, kek) = Header::wrap(Kind::Vault, params, (passphrase, k_ring), &new_seed()?, &dek)?;
    Ok((header, Keys { kek, dek }))
}

/// The keys, with the keyring's help if the file asks for it. Blocks for the key derivation.
fn unwrap(header: &Header, passphrase: &str, keyring: &dyn Keyring) -> Result<Keys, VaultError> {
    let k_ring = if header.needs_keyring()? {
        let content = keyring.read(&key_entry(header))?.ok_or(KeyringError::Missing)?;
        // One that somebody changed is like one that somebody removed.
        Some(Secret::new(*content.first_chunk().filter(|_| content.len() == 32).ok_or(KeyringError::Missing)?))
    } else {
        None
    };
    let kek = header.kek(passphrase, k_ring.as_ref())?;
    Ok(Keys { dek: header.unwrap_dek(&kek)?, kek })
}

/// The last write that the keyring was told of. `None` also if it can't be had: it only ever warns.
fn known_generation(header: &Header, keyring: &dyn Keyring) -> Option<u64> {
    let content = keyring.read(&generation_entry(header)).ok()??;
    content.as_slice().try_into().ok().map(u64::from_be_bytes)
}

fn key_entry(header: &Header) -> String {
    format!("key {}", hex(&header.id()))
}

fn generation_entry(header: &Header) -> String {
    format!("generation {}", hex(&header.id()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn new_seed() -> Result<HeaderSeed, VaultError> {
    let mut seed = HeaderSeed { salt: [0; 32], wrap_nonce: [0; 12] };
    random(&mut seed.salt)?;
    random(&mut seed.wrap_nonce)?;
    Ok(seed)
}

fn random(out: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(out).map_err(|error| VaultError::Io(io::Error::other(error)))
}

fn random_secret() -> Result<Secret<32>, VaultError> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    random(&mut *bytes)?;
    Ok(Secret::new(*bytes))
}

#[cfg(test)]
mod tests;
