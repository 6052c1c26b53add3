//! File operations of a vault, each durable when it returns.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::Path,
};

use crate::{VaultError, container::MAX_FILE_LEN};

/// The current vault.
pub(crate) const VAULT: &str = "vault.tsp";
/// The generation before it.
pub(crate) const BACKUP: &str = "vault.tsp.bak";
/// A write in progress; a leftover of a crash holds nothing that counts.
pub(crate) const TEMP: &str = "vault.tsp.new";
/// The lock of the running program.
const LOCK: &str = "vault.lock";

/// As many replaced files are kept that could not be overwritten: an ailing disk must not use up the open files.
const KEPT: usize = 16;

/// The operations that can fail half-way; a test puts itself in between.
pub(crate) trait Files: Send {
    /// Makes a new file of this content, readable by the owner only, and syncs it.
    fn write_new(&mut self, path: &Path, content: &[u8]) -> io::Result<()>;
    /// Replaces `to` by `from` at once.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes renames in this folder durable.
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()>;
    /// Overwrites a file from its beginning, whatever its name is by now, and syncs it.
    fn overwrite(&mut self, file: &File) -> io::Result<()>;
}

/// The system's.
pub(crate) struct SystemFiles;

impl Files for SystemFiles {
    fn write_new(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        erase(path)?; // of a write that was cut off
        let mut file = owner_only().write(true).create_new(true).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        // Elsewhere a folder can't be opened as a file; the rename is then as durable as the system makes it.
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn overwrite(&mut self, file: &File) -> io::Result<()> {
        overwrite(file)
    }
}

/// Writes a generation, and its backup first, if there is to be another one. A crash anywhere leaves the old or the new
/// generation whole. It is written once its rename is there for good. What was replaced is then overwritten, for it would
/// be on the disk still: a failure of that is none of the write. The file stays in `replaced` until a later write succeeds
/// with it.
pub(crate) fn replace(
    files: &mut dyn Files,
    folder: &Path,
    replaced: &mut Vec<File>,
    backup: Option<&[u8]>,
    new: &[u8],
) -> io::Result<()> {
    let temp = folder.join(TEMP);
    for (name, content) in [(BACKUP, backup), (VAULT, Some(new))] {
        let Some(content) = content else { continue };
        files.write_new(&temp, content)?;
        let path = folder.join(name);
        let mut old = open_existing(&path)?;
        if name == BACKUP && old.as_ref().is_some_and(|old| is_same(old, &folder.join(VAULT))) {
            old = None; // one file of two names is needed until the second one is replaced
        }
        files.rename(&temp, &path)?;
        replaced.extend(old);
        files.sync_folder(folder)?;
        replaced.retain(|file| files.overwrite(file).is_err());
        replaced.drain(..replaced.len().saturating_sub(KEPT));
    }
    Ok(())
}

/// Makes the folder, for the owner only, if it is missing.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Takes the folder's lock; it goes when the file is dropped, or when the program dies.
pub(crate) fn lock(folder: &Path) -> Result<File, VaultError> {
    let file = owner_only().write(true).create(true).truncate(false).open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(VaultError::InUse),
        Err(fs::TryLockError::Error(error)) => Err(VaultError::Io(error)),
    }
}

/// Reads a generation; a file that no vault can be as large as is damaged, and what is no file is not there.
pub(crate) fn read(folder: &Path, name: &str) -> Result<Vec<u8>, VaultError> {
    let mut content = Vec::new();
    let path = folder.join(name);
    if !fs::metadata(&path)?.is_file() {
        return Err(VaultError::Io(io::ErrorKind::NotFound.into()));
    }
    File::open(path)?.take(MAX_FILE_LEN as u64 + 1).read_to_end(&mut content)?;
    if content.len() > MAX_FILE_LEN { Err(VaultError::Open) } else { Ok(content) }
}

/// Removes what a crash left. It is ciphertext, and the next write replaces it anyway: a failure doesn't matter.
pub(crate) fn remove_leftovers(folder: &Path) {
    let _ = erase(&folder.join(TEMP));
}

/// Overwrites and removes a file; one that is not there is fine. Disks keep copies that no program reaches: what counts
/// is that the key derivation's salt is gone with it.
pub(crate) fn erase(path: &Path) -> io::Result<()> {
    if let Some(file) = open_existing(path)? {
        overwrite(&file)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file of this name, to be overwritten. There is none where the name is a link's, a pipe's or a device's: whoever put
/// that there chose what it leads to. A file that may not be written is made writable; if it can't be, it stays as it is.
fn open_existing(path: &Path) -> io::Result<Option<File>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => return Ok(None),
    }
    match itself(OpenOptions::new().write(true)).open(path) {
        Ok(file) => Ok(Some(file).filter(is_regular)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Ok(make_writable(path).ok().flatten().filter(is_regular))
        }
        Err(error) => Err(error),
    }
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(unix)]
fn make_writable(path: &Path) -> io::Result<Option<File>> {
    let file = itself(OpenOptions::new().read(true)).open(path)?;
    if !is_regular(&file) {
        return Ok(None);
    }
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    itself(OpenOptions::new().write(true)).open(path).map(Some)
}

/// A rename over such a file fails elsewhere too.
#[cfg(not(unix))]
fn make_writable(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Whether this is the file of that name.
#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |found: io::Result<fs::Metadata>| found.ok().map(|found| (found.dev(), found.ino()));
    let other = id(fs::symlink_metadata(path));
    other.is_some() && id(file.metadata()) == other
}

#[cfg(not(unix))]
fn is_same(_: &File, _: &Path) -> bool {
    false
}

fn overwrite(mut file: &File) -> io::Result<()> {
    let len = file.metadata()?.len();
    file.rewind()?;
    io::copy(&mut io::repeat(0).take(len), &mut file)?;
    file.sync_all()
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    itself(&mut options);
    options
}

/// Opens what has the name, not what a link leads to, and waits for nobody at the other end of a pipe.
fn itself(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
    options
}
