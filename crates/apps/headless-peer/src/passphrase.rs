//! Where the passphrase of a headless profile comes from.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use sotto_session_api::SecretText;
use zeroize::{Zeroize, Zeroizing};

/// Longest passphrase that is read, bytes.
const LIMIT: u64 = 1024;

/// Why there is no passphrase.
#[derive(Debug)]
pub enum PassphraseError {
    /// The descriptor or the file can't be read or written.
    Io(io::Error),
    /// It is empty, too long or not text.
    NotText,
    /// The profile exists, and its passphrase is not kept beside it.
    Needed,
}

impl core::fmt::Display for PassphraseError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the passphrase can't be read or kept: {error}"),
            Self::NotText => f.write_str("the passphrase must be one line of text of at most 1024 bytes"),
            Self::Needed => f.write_str("this profile has a passphrase of its own: give it with --passphrase-fd"),
        }
    }
}

impl std::error::Error for PassphraseError {}

/// The passphrase, and whether it is a random one that this program keeps beside the profile.
///
/// With `fd` it is the first line of that descriptor. Without it a new profile gets 32 random bytes as text, kept in
/// `PROFILE/passphrase` with mode 0600: for tests and demos only, for whoever reads the folder opens the vault.
///
/// # Errors
/// See [`PassphraseError`].
pub fn find_passphrase(profile: &Path, fd: Option<u32>) -> Result<(SecretText, bool), PassphraseError> {
    let file = profile.join("passphrase");
    if let Some(fd) = fd {
        let stream = fs::File::open(format!("/dev/fd/{fd}")).map_err(PassphraseError::Io)?;
        return read(stream).map(|passphrase| (passphrase, false));
    }
    match fs::File::open(&file) {
        Ok(stream) => read(stream).map(|passphrase| (passphrase, true)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if profile.join("vault.tsp").exists() {
                return Err(PassphraseError::Needed);
            }
            fs::create_dir_all(profile).map_err(PassphraseError::Io)?;
            let text = random().map_err(PassphraseError::Io)?;
            keep(&file, &text).map_err(PassphraseError::Io)?;
            Ok((SecretText::new(text), true))
        }
        Err(error) => Err(PassphraseError::Io(error)),
    }
}

/// The words of a file from another computer, which lie in this file.
///
/// # Errors
/// See [`PassphraseError`].
pub fn find_words(file: &Path) -> Result<SecretText, PassphraseError> {
    fs::File::open(file).map_err(PassphraseError::Io).and_then(read)
}

fn read(stream: impl Read) -> Result<SecretText, PassphraseError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 1));
    stream.take(LIMIT + 1).read_to_end(&mut bytes).map_err(PassphraseError::Io)?;
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match core::str::from_utf8(line) {
        Ok(text) if !text.is_empty() && text.len() as u64 <= LIMIT => Ok(SecretText::new(text.to_owned())),
        _ => Err(PassphraseError::NotText),
    }
}

fn random() -> io::Result<Zeroizing<String>> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let text = bytes.iter().fold(Zeroizing::new(String::with_capacity(64)), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).expect("four bits are one hexadecimal digit"));
        }
        text
    });
    bytes.zeroize();
    Ok(text)
}

fn keep(file: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut stream = options.open(file)?;
    writeln!(stream, "{text}")?;
    stream.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("sotto-peer-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_new_profile_gets_a_random_passphrase_that_only_its_owner_reads() {
        let profile = folder("new");
        let (_, kept) = find_passphrase(&profile, None).unwrap();
        assert!(kept);
        let first = fs::read_to_string(profile.join("passphrase")).unwrap();
        assert_eq!(first.trim().len(), 64);
        find_passphrase(&profile, None).unwrap();
        assert_eq!(fs::read_to_string(profile.join("passphrase")).unwrap(), first, "it is made once");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(profile.join("passphrase")).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::remove_dir_all(profile).unwrap();
    }

    #[test]
    fn an_existing_vault_is_never_given_a_new_passphrase() {
        let profile = folder("old");
        fs::create_dir_all(&profile).unwrap();
        fs::write(profile.join("vault.tsp"), b"TSPV").unwrap();
        assert!(matches!(find_passphrase(&profile, None), Err(PassphraseError::Needed)));
        assert!(!profile.join("passphrase").exists());
        fs::remove_dir_all(profile).unwrap();
    }

    #[test]
    fn a_passphrase_is_one_line_of_text() {
        assert!(read(&b"correct horse\r\nmore"[..]).is_ok());
        for wrong in [&b""[..], b"\n", b"\xff\xff\n", &[b'x'; 2000]] {
            assert!(matches!(read(wrong), Err(PassphraseError::NotText)));
        }
    }
}
