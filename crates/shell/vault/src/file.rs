//! The file: header, wrapped key, sealed body; and how it is replaced (PROTOCOL §2.2).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use aes_gcm::{Aes256Gcm, Key, KeyInit, aead::Aead, aead::Payload};
use sotto_identity::{Secret, derive};
use zeroize::Zeroizing;

use crate::{
    VaultError,
    kdf::{Cost, Parameters, kek},
    random_secret,
};

const MAGIC: &[u8; 4] = b"TSPV";
/// Magic, version, kdf, m, t, p, flags, salt, wrap_nonce.
const WRAP_AAD: usize = 63;
/// … and the wrapped key.
const HEADER: usize = 111;
/// … and write_salt, generation, length.
const BODY: usize = 155;
/// No profile comes near it; it bounds what a damaged file makes us read.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The first 111 bytes: everything that stays while the passphrase stays.
pub(crate) struct Header([u8; HEADER]);

impl Header {
    pub(crate) fn new(passphrase: &str, cost: Cost, dek: &Secret<32>) -> Result<Self, VaultError> {
        let parameters = Parameters::from(cost);
        let salt: Secret<32> = random_secret()?;
        let nonce: Secret<12> = random_secret()?;
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[1, 1]);
        for value in [parameters.m_kib, parameters.t, parameters.p] {
            bytes.extend_from_slice(&value.to_be_bytes());
        }
        bytes.push(0);
        bytes.extend_from_slice(salt.expose());
        bytes.extend_from_slice(nonce.expose());
        let kek = kek(passphrase, salt.expose(), parameters)?;
        let wrapped = seal(&kek, nonce.expose(), dek.expose(), &bytes)?;
        bytes.extend_from_slice(&wrapped);
        Ok(Self(bytes.try_into().map_err(|_| io::Error::other("header length"))?))
    }

    /// Checks the header and unwraps the data key.
    pub(crate) fn open(file: &[u8], passphrase: &str) -> Result<(Self, Secret<32>), VaultError> {
        let header: &[u8; HEADER] = file.first_chunk().ok_or(VaultError::Open)?;
        if &header[..4] != MAGIC || header[4..6] != [1, 1] || header[18] != 0 {
            return Err(VaultError::Open);
        }
        let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let parameters = Parameters { m_kib: word(6), t: word(10), p: word(14) };
        let salt: &[u8; 32] = header[19..51].try_into().map_err(|_| VaultError::Open)?;
        let nonce: &[u8; 12] = header[51..63].try_into().map_err(|_| VaultError::Open)?;
        let kek = kek(passphrase, salt, parameters)?;
        let dek = open(&kek, nonce, &header[WRAP_AAD..], &header[..WRAP_AAD])?;
        let dek: [u8; 32] = dek.as_slice().try_into().map_err(|_| VaultError::Open)?;
        Ok((Self(*header), Secret::new(dek)))
    }

    /// The whole file for a new generation; key and nonce are new at each write.
    pub(crate) fn seal_body(&self, dek: &Secret<32>, generation: u64, body: &[u8]) -> Result<Vec<u8>, VaultError> {
        let write_salt: Secret<32> = random_secret()?;
        let length = u32::try_from(body.len() + 16).map_err(|_| io::Error::other("profile too large"))?;
        let mut file = Vec::with_capacity(BODY + body.len() + 16);
        file.extend_from_slice(&self.0);
        file.extend_from_slice(write_salt.expose());
        file.extend_from_slice(&generation.to_be_bytes());
        file.extend_from_slice(&length.to_be_bytes());
        let (key, nonce) = write_keys(write_salt.expose(), dek);
        let sealed = seal(&key, nonce.expose(), body, &file)?;
        file.extend_from_slice(&sealed);
        Ok(file)
    }

    /// Generation and body of a file.
    pub(crate) fn open_body(&self, file: &[u8], dek: &Secret<32>) -> Result<(u64, Zeroizing<Vec<u8>>), VaultError> {
        let (front, sealed) = file.split_at_checked(BODY).ok_or(VaultError::Open)?;
        let write_salt: &[u8; 32] = front[111..143].try_into().map_err(|_| VaultError::Open)?;
        let generation = u64::from_be_bytes(front[143..151].try_into().map_err(|_| VaultError::Open)?);
        let length = u32::from_be_bytes(front[151..155].try_into().map_err(|_| VaultError::Open)?);
        if usize::try_from(length).ok() != Some(sealed.len()) {
            return Err(VaultError::Open);
        }
        let (key, nonce) = write_keys(write_salt, dek);
        Ok((generation, open(&key, nonce.expose(), sealed, front)?))
    }
}

fn write_keys(write_salt: &[u8; 32], dek: &Secret<32>) -> (Secret<32>, Secret<12>) {
    let w = derive::extract(write_salt, dek.expose());
    (derive::kdf(&w, "vault write", b""), derive::kdf(&w, "vault nonce", b""))
}

fn seal(key: &Secret<32>, nonce: &[u8; 12], msg: &[u8], aad: &[u8]) -> Result<Vec<u8>, VaultError> {
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key.expose()));
    cipher.encrypt(&(*nonce).into(), Payload { msg, aad }).map_err(|_| io::Error::other("too long to seal").into())
}

fn open(key: &Secret<32>, nonce: &[u8; 12], msg: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key.expose()));
    cipher.decrypt(&(*nonce).into(), Payload { msg, aad }).map(Zeroizing::new).map_err(|_| VaultError::Open)
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, VaultError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE { Err(VaultError::Open) } else { Ok(bytes) }
}

/// Writes beside, syncs, keeps the previous generation as `.bak`, renames, syncs the folder. A crash at any point
/// leaves the old file or the new one, whole.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let (path, temporary) = (folder.join(name), folder.join(format!("{name}.new")));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    if path.exists() {
        let backup = folder.join(format!("{name}.bak"));
        let linked = folder.join(format!("{name}.bak.new"));
        let _ = fs::remove_file(&linked);
        // A hard link and a rename: at no moment is there no backup.
        fs::hard_link(&path, &linked)?;
        fs::rename(&linked, &backup)?;
    }
    fs::rename(&temporary, &path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PROTOCOL, Appendix B.
    #[test]
    fn known_answer_of_the_write_key_and_nonce() {
        let (key, nonce) = write_keys(&[0x6b; 32], &Secret::new([0x7c; 32]));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(key.expose()), "4c6dc5181a1c69f7648f830c643e07bfa8cda53b3a2c4870303210d406a7c614");
        assert_eq!(hex(nonce.expose()), "f7fbed489ba43ff86b2428fa");
    }
}
