//! Bytes and keys of `vault.tsp` (PROTOCOL §2.2).
//!
//! ```text
//! off  0  "TSPV" | u8 ver=1 | u8 kdf=1 | u32 m_KiB | u32 t | u32 p | u8 flags
//!     19  salt[32] | wrap_nonce[12] | wrapped_dek[48]
//!    111  write_salt[32] | u64 generation | u32 ct_len | ct[ct_len], tag included
//! ```

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use sotto_identity::{
    Secret,
    derive::{extract, kdf},
};
use zeroize::Zeroizing;

use crate::{VaultError, cost::KdfParams};

/// What a file is; each begins with its own magic number, version 1 and key derivation 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `vault.tsp`
    Vault,
    /// A file to take to another computer (§2.3): it is never opened in place of a vault.
    Move,
}

impl Kind {
    const fn magic(self) -> &'static [u8; 6] {
        match self {
            Self::Vault => b"TSPV\x01\x01",
            Self::Move => b"TSPM\x01\x01",
        }
    }
}

const FLAGS: usize = 18;
/// Bit 0 of the flags: a key in the system's keyring is needed besides the passphrase.
const KEYRING_FACTOR: u8 = 1;
const SALT: usize = 19;
const WRAP_NONCE: usize = 51;
const WRAPPED_DEK: usize = 63;
const WRITE_SALT: usize = 111;
const GENERATION: usize = 143;
const CT_LEN: usize = 151;
const CT: usize = 155;
const TAG_LEN: usize = 16;

/// Largest file, bytes: years of contacts are far below it.
pub const MAX_FILE_LEN: usize = 16 * 1024 * 1024;

/// The first 111 bytes: parameters, salt and the wrapped key. They stay until the passphrase changes or somebody is
/// forgotten.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Header([u8; WRITE_SALT]);

/// Fresh randomness of a new header.
pub(crate) struct HeaderSeed {
    pub salt: [u8; 32],
    pub wrap_nonce: [u8; 12],
}

impl Header {
    /// Wraps a data key under a passphrase, and a key of the keyring if there is to be one; with the key that wraps it.
    pub fn wrap(
        kind: Kind,
        params: KdfParams,
        (passphrase, k_ring): (&str, Option<&Secret<32>>),
        seed: &HeaderSeed,
        dek: &Secret<32>,
    ) -> Result<(Self, Secret<32>), VaultError> {
        let mut bytes = [0; WRITE_SALT];
        bytes[..6].copy_from_slice(kind.magic());
        bytes[6..10].copy_from_slice(&params.memory_kib.to_be_bytes());
        bytes[10..14].copy_from_slice(&params.passes.to_be_bytes());
        bytes[14..18].copy_from_slice(&params.lanes.to_be_bytes());
        bytes[FLAGS] = if k_ring.is_some() { KEYRING_FACTOR } else { 0 };
        bytes[SALT..WRAP_NONCE].copy_from_slice(&seed.salt);
        let kek = key_encryption_key(&seed.salt, &params.derive(passphrase, &seed.salt)?, k_ring);
        Ok((Self(bytes).rewrap(&kek, &seed.wrap_nonce, dek), kek))
    }

    /// The same, for another data key. `wrap_nonce` must be fresh.
    pub fn rewrap(&self, kek: &Secret<32>, wrap_nonce: &[u8; 12], dek: &Secret<32>) -> Self {
        let mut bytes = self.0;
        bytes[WRAP_NONCE..WRAPPED_DEK].copy_from_slice(wrap_nonce);
        let mut wrapped = Zeroizing::new(*dek.expose());
        let (aad, rest) = bytes.split_at_mut(WRAPPED_DEK);
        let tag = cipher(kek)
            .encrypt_inout_detached(wrap_nonce.into(), aad, wrapped.as_mut_slice().into())
            .expect("32 bytes are not too long for GCM");
        rest[..32].copy_from_slice(&*wrapped);
        rest[32..].copy_from_slice(&tag);
        Self(bytes)
    }

    /// Reads the header of a file.
    pub fn of(kind: Kind, file: &[u8]) -> Result<Self, VaultError> {
        let bytes = *file.first_chunk::<WRITE_SALT>().ok_or(VaultError::Open)?;
        if &bytes[..6] != kind.magic() { Err(VaultError::Open) } else { Ok(Self(bytes)) }
    }

    /// What opening it will cost; not authenticated yet.
    pub fn params(&self) -> KdfParams {
        let word = |at: usize| u32::from_be_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]]);
        KdfParams { memory_kib: word(6), passes: word(10), lanes: word(14) }
    }

    /// Whether a key of the keyring is needed; not authenticated yet.
    ///
    /// # Errors
    /// [`VaultError::Open`] for a factor that this version doesn't have.
    pub const fn needs_keyring(&self) -> Result<bool, VaultError> {
        match self.0[FLAGS] {
            0 => Ok(false),
            KEYRING_FACTOR => Ok(true),
            _ => Err(VaultError::Open),
        }
    }

    /// What tells this header from every other one of the same computer; it tells nothing else.
    pub fn id(&self) -> [u8; 16] {
        let digest = sotto_identity::derive::hash("vault keyring", &[&self.0[SALT..WRAP_NONCE]]);
        core::array::from_fn(|at| digest[at])
    }

    /// The key that wraps the data key; whether it is the right one, [`unwrap_dek`](Self::unwrap_dek) tells. Blocks for the
    /// key derivation.
    pub fn kek(&self, passphrase: &str, k_ring: Option<&Secret<32>>) -> Result<Secret<32>, VaultError> {
        if self.needs_keyring()? != k_ring.is_some() {
            return Err(VaultError::Open);
        }
        let salt: &[u8; 32] = self.0[SALT..].first_chunk().ok_or(VaultError::Open)?;
        Ok(key_encryption_key(salt, &self.params().derive(passphrase, salt)?, k_ring))
    }

    /// Unwraps the data key.
    pub fn unwrap_dek(&self, kek: &Secret<32>) -> Result<Secret<32>, VaultError> {
        let nonce: &[u8; 12] = self.0[WRAP_NONCE..].first_chunk().ok_or(VaultError::Open)?;
        let mut dek = Zeroizing::new([0; 32]);
        dek.copy_from_slice(&self.0[WRAPPED_DEK..WRAPPED_DEK + 32]);
        let tag: &[u8; TAG_LEN] = self.0.last_chunk().ok_or(VaultError::Open)?;
        cipher(kek)
            .decrypt_inout_detached(nonce.into(), &self.0[..WRAPPED_DEK], dek.as_mut_slice().into(), tag.into())
            .map_err(|_| VaultError::Open)?;
        Ok(Secret::new(*dek))
    }

    /// Seals a body into a whole file. `write_salt` must be fresh: key and nonce come from it.
    pub fn seal(
        &self,
        dek: &Secret<32>,
        write_salt: &[u8; 32],
        generation: u64,
        body: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let ct_len = body.len() + TAG_LEN;
        if CT + ct_len > MAX_FILE_LEN {
            return Err(too_large());
        }
        let mut file = Vec::with_capacity(CT + ct_len); // never reallocated: the plaintext is in here for a moment
        file.extend_from_slice(&self.0);
        file.extend_from_slice(write_salt);
        file.extend_from_slice(&generation.to_be_bytes());
        file.extend_from_slice(&u32::try_from(ct_len).map_err(|_| too_large())?.to_be_bytes());
        file.extend_from_slice(body);
        let (key, nonce) = write_keys(dek, write_salt);
        let (aad, text) = file.split_at_mut(CT);
        let tag = cipher(&key)
            .encrypt_inout_detached(nonce.expose().into(), aad, text.into())
            .expect("16 MiB are not too long for GCM");
        file.extend_from_slice(&tag);
        Ok(file)
    }
}

/// Opens the body of a file: its generation and plaintext.
pub(crate) fn open_body(file: &[u8], dek: &Secret<32>) -> Result<(u64, Zeroizing<Vec<u8>>), VaultError> {
    let (aad, rest) = file.split_at_checked(CT).ok_or(VaultError::Open)?;
    let ct_len: [u8; 4] = *aad[CT_LEN..].first_chunk().ok_or(VaultError::Open)?;
    if usize::try_from(u32::from_be_bytes(ct_len)) != Ok(rest.len()) {
        return Err(VaultError::Open);
    }
    let (text, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(VaultError::Open)?;
    let write_salt: &[u8; 32] = aad[WRITE_SALT..].first_chunk().ok_or(VaultError::Open)?;
    let generation: [u8; 8] = *aad[GENERATION..].first_chunk().ok_or(VaultError::Open)?;
    let (key, nonce) = write_keys(dek, write_salt);
    let mut body = Zeroizing::new(text.to_vec());
    cipher(&key)
        .decrypt_inout_detached(nonce.expose().into(), aad, body.as_mut_slice().into(), tag.into())
        .map_err(|_| VaultError::Open)?;
    Ok((u64::from_be_bytes(generation), body))
}

/// `kek = KDF(Extract(salt, a || k_ring), "vault kek", "", 32)`; `k_ring` is zero without the keyring.
fn key_encryption_key(salt: &[u8; 32], a: &Secret<32>, k_ring: Option<&Secret<32>>) -> Secret<32> {
    let mut input = Zeroizing::new([0; 64]);
    input[..32].copy_from_slice(a.expose());
    if let Some(k_ring) = k_ring {
        input[32..].copy_from_slice(k_ring.expose());
    }
    kdf(&extract(salt, &*input), "vault kek", b"")
}

/// Whether two files were written under one passphrase, as far as their salts tell; a file that is cut off before its salt
/// ends tells nothing and is taken for one.
pub(crate) fn is_same_passphrase(one: &[u8], other: &[u8]) -> bool {
    match (one.get(SALT..WRAP_NONCE), other.get(SALT..WRAP_NONCE)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// The profile doesn't fit.
pub(crate) fn too_large() -> VaultError {
    VaultError::Io(std::io::ErrorKind::FileTooLarge.into())
}

fn write_keys(dek: &Secret<32>, write_salt: &[u8; 32]) -> (Secret<32>, Secret<12>) {
    let w = extract(write_salt, dek.expose());
    (kdf(&w, "vault write", b""), kdf(&w, "vault nonce", b""))
}

fn cipher(key: &Secret<32>) -> Aes256Gcm {
    Aes256Gcm::new(key.expose().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_answers_of_appendix_b() {
        let params = KdfParams { memory_kib: 65_536, passes: 3, lanes: 4 };
        let a = params.derive("correct horse battery staple", &[0x5A; 32]).unwrap();
        assert_eq!(hex(a.expose()), "e34e61849ebb79eb1c08337e36c50bc83a00164c44f542da8cc5971fa78e2d22");
        let kek = key_encryption_key(&[0x5A; 32], &a, None);
        assert_eq!(hex(kek.expose()), "f25616dc32a74428a4b6b32a031a84ad0ebcdddd86e6443883d0333904ad39b5");
        let (key, nonce) = write_keys(&Secret::new([0x7C; 32]), &[0x6B; 32]);
        assert_eq!(hex(key.expose()), "4c6dc5181a1c69f7648f830c643e07bfa8cda53b3a2c4870303210d406a7c614");
        assert_eq!(hex(nonce.expose()), "f7fbed489ba43ff86b2428fa");
    }

    #[test]
    fn argon2id_rfc9106() {
        // RFC 9106 §5.3 has a secret and associated data, which the vault doesn't use: the library is checked with them.
        let params = argon2::ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let secret = [3; 8];
        let argon =
            argon2::Argon2::new_with_secret(&secret, argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut tag = [0; 32];
        argon.unwrap().hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        assert_eq!(hex(&tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
    }

    fn small() -> (Header, Secret<32>, Vec<u8>) {
        let params = KdfParams { memory_kib: 8, passes: 1, lanes: 1 };
        let dek = Secret::new([0x7C; 32]);
        let seed = HeaderSeed { salt: [1; 32], wrap_nonce: [2; 12] };
        let (header, _) = Header::wrap(Kind::Vault, params, ("pass", None), &seed, &dek).unwrap();
        let file = header.seal(&dek, &[3; 32], 9, b"body").unwrap();
        (header, dek, file)
    }

    fn open(file: &[u8], passphrase: &str) -> Result<(u64, Vec<u8>), VaultError> {
        let header = Header::of(Kind::Vault, file)?;
        let dek = header.unwrap_dek(&header.kek(passphrase, None)?)?;
        open_body(file, &dek).map(|(generation, body)| (generation, body.to_vec()))
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let (_, _, file) = small();
        assert_eq!(&file[..19], b"TSPV\x01\x01\0\0\0\x08\0\0\0\x01\0\0\0\x01\0");
        assert_eq!((&file[19..51], &file[51..63]), (&[1; 32][..], &[2; 12][..]));
        assert_eq!(&file[111..143], &[3; 32]);
        assert_eq!(&file[143..155], &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 20]);
        assert_eq!(file.len(), 175);
        assert_eq!(open(&file, "pass").unwrap(), (9, b"body".to_vec()));
    }

    #[test]
    fn every_changed_byte_and_every_truncation_is_the_same_error_as_a_wrong_passphrase() {
        let (_, _, file) = small();
        assert!(matches!(open(&file, "Pass"), Err(VaultError::Open)));
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut damaged = file.clone();
                damaged[at] ^= 1 << bit;
                let memory_kib = u32::from_be_bytes(damaged[6..10].try_into().unwrap());
                if (65_536..=1_048_576).contains(&memory_kib) {
                    continue; // allowed and slow; the header's AAD is the same as for the smaller ones
                }
                let error = open(&damaged, "pass").unwrap_err();
                let refused_parameters = (6..18).contains(&at) && matches!(error, VaultError::Parameters);
                assert!(matches!(error, VaultError::Open) || refused_parameters, "byte {at} bit {bit}: {error:?}");
            }
            assert!(matches!(open(&file[..at], "pass"), Err(VaultError::Open)), "length {at}");
        }
        let longer = [&file[..], &[0]].concat();
        assert!(matches!(open(&longer, "pass"), Err(VaultError::Open)));
    }

    #[test]
    fn parts_of_two_generations_do_not_mix() {
        let (header, dek, old) = small();
        let new = header.seal(&dek, &[4; 32], 10, b"BODY").unwrap();
        let mixed = [&new[..CT], &old[CT..]].concat();
        assert!(matches!(open(&mixed, "pass"), Err(VaultError::Open)));
        let renumbered = [&old[..GENERATION], &new[GENERATION..CT_LEN], &old[CT_LEN..]].concat();
        assert!(matches!(open(&renumbered, "pass"), Err(VaultError::Open)));
    }

    #[test]
    fn a_body_that_is_too_large_is_refused() {
        let (header, dek, _) = small();
        let body = vec![0; MAX_FILE_LEN];
        assert!(matches!(header.seal(&dek, &[4; 32], 10, &body), Err(VaultError::Io(_))));
    }
}
