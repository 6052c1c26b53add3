//! One SFrame key (RFC 9605 §4.4, suite 0x0005 `AES_256_GCM_SHA512_128`): seals and opens, knows no protocol state.
//!
//! # The feature `dangerous-plaintext-for-test`
//!
//! **It removes the inner layer: no encryption, no authentication.** Headers and lengths stay the same, the plaintext
//! is written as it is, and the tag is 16 zero bytes; opening accepts exactly that. It exists for one purpose: the
//! control run of the end-to-end capture test, which proves that the scanner finds plaintext where there is some. It
//! is off by default, `cargo xtask check` asserts that no shipped binary enables it, and [`ENCRYPTS`] lets a program
//! refuse to start with it. Never build it into anything that people use.

use core::fmt;

use aes_gcm::{Aes256Gcm, KeyInit};
use sotto_identity::{Secret, derive};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::header::{Header, MAX_HEADER_LEN};

/// Length of the authentication tag, Nt.
pub const TAG_LEN: usize = 16;
/// Longest metadata that one call takes; TSP1 uses 7 bytes.
pub const MAX_METADATA_LEN: usize = 32;
/// False only in a test build with the feature `dangerous-plaintext-for-test`.
pub const ENCRYPTS: bool = !cfg!(feature = "dangerous-plaintext-for-test");

/// AES_256_GCM_SHA512_128 in the IANA registry.
const SUITE: u16 = 0x0005;
const AAD_LEN: usize = MAX_HEADER_LEN + MAX_METADATA_LEN;

/// Metadata is longer than [`MAX_METADATA_LEN`]: an error of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metadata too long")]
pub struct MetadataTooLong;

/// Key and salt of one KID; the AES key schedule is made once. It does not know which counters were used: its owner
/// must never seal twice with one counter.
pub struct SframeKey {
    kid: u64,
    cipher: Aes256Gcm,
    salt: Secret<12>,
}

impl fmt::Debug for SframeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SframeKey(…)")
    }
}

impl ZeroizeOnDrop for SframeKey {}

const fn _erased_on_drop<T: ZeroizeOnDrop>() {}
const _: () = _erased_on_drop::<Aes256Gcm>();

impl SframeKey {
    /// Derives key and salt from a base key (RFC 9605 §4.4.2). TSP1's bases have 64 bytes.
    #[must_use]
    pub fn derive(base_key: &[u8], kid: u64) -> Self {
        let (key, salt) = derive_key_and_salt(base_key, kid);
        Self { kid, cipher: Aes256Gcm::new(key.expose().into()), salt }
    }

    /// Key identifier.
    #[must_use]
    pub const fn kid(&self) -> u64 {
        self.kid
    }

    /// Seals `plaintext`, its parts joined and followed by `padding` zero bytes, under a counter that was never used
    /// with this key. Gives `header || ciphertext || tag`; the only allocation is that buffer.
    ///
    /// # Errors
    /// [`MetadataTooLong`].
    pub fn seal(
        &self,
        ctr: u64,
        metadata: &[u8],
        plaintext: &[&[u8]],
        padding: usize,
    ) -> Result<Vec<u8>, MetadataTooLong> {
        let mut header = [0; MAX_HEADER_LEN];
        let header_len = Header { kid: self.kid, ctr }.encode(&mut header);
        let mut aad = [0; AAD_LEN];
        let aad = join(&mut aad, &header[..header_len], metadata).ok_or(MetadataTooLong)?;

        let len = plaintext.iter().map(|part| part.len()).sum::<usize>() + padding;
        let mut out = Vec::with_capacity(header_len + len + TAG_LEN);
        out.extend_from_slice(&header[..header_len]);
        for part in plaintext {
            out.extend_from_slice(part);
        }
        out.resize(header_len + len, 0);
        let tag = self.encrypt(ctr, aad, &mut out[header_len..]);
        out.extend_from_slice(&tag);
        Ok(out)
    }

    /// Opens what [`Header::parse`] read from the front of `sealed`. `None` if it is not authentic; all reasons are one.
    #[must_use]
    pub fn open(&self, header: Header, metadata: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        if header.kid != self.kid {
            return None;
        }
        let (header_bytes, rest) = sealed.split_at_checked(header.encoded_len())?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>()?;
        let mut aad = [0; AAD_LEN];
        let aad = join(&mut aad, header_bytes, metadata)?;
        let mut plaintext = ciphertext.to_vec();
        self.decrypt(header.ctr, aad, &mut plaintext, tag).then_some(plaintext)
    }

    #[cfg(not(feature = "dangerous-plaintext-for-test"))]
    fn encrypt(&self, ctr: u64, aad: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN] {
        use aes_gcm::AeadInOut;
        self.cipher
            .encrypt_inout_detached(&self.nonce(ctr).into(), aad, buffer.into())
            .expect("packets are far shorter than the 64 GiB limit of GCM")
            .into()
    }

    #[cfg(not(feature = "dangerous-plaintext-for-test"))]
    fn decrypt(&self, ctr: u64, aad: &[u8], buffer: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        use aes_gcm::AeadInOut;
        self.cipher.decrypt_inout_detached(&self.nonce(ctr).into(), aad, buffer.into(), tag.into()).is_ok()
    }

    #[cfg(feature = "dangerous-plaintext-for-test")]
    fn encrypt(&self, ctr: u64, _aad: &[u8], _buffer: &mut [u8]) -> [u8; TAG_LEN] {
        let _ = (&self.cipher, self.nonce(ctr));
        [0; TAG_LEN]
    }

    #[cfg(feature = "dangerous-plaintext-for-test")]
    fn decrypt(&self, ctr: u64, _aad: &[u8], _buffer: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        let _ = (&self.cipher, self.nonce(ctr));
        *tag == [0; TAG_LEN]
    }

    /// Salt XOR counter (RFC 9605 §4.4.3).
    fn nonce(&self, ctr: u64) -> [u8; 12] {
        let mut nonce = *self.salt.expose();
        for (byte, ctr) in nonce[4..].iter_mut().zip(ctr.to_be_bytes()) {
            *byte ^= ctr;
        }
        nonce
    }
}

/// RFC 9605 §4.4.2: `(sframe_key, sframe_salt)`.
pub(crate) fn derive_key_and_salt(base_key: &[u8], kid: u64) -> (Secret<32>, Secret<12>) {
    let secret = derive::extract(b"", base_key);
    (
        derive::expand(&secret, &info(b"SFrame 1.0 Secret key ", kid)),
        derive::expand(&secret, &info(b"SFrame 1.0 Secret salt ", kid)),
    )
}

/// RFC 9605 §5.1 with Nh = 64: the base key of the next ratchet step.
#[must_use]
pub fn ratchet(base_key: &Secret<64>) -> Secret<64> {
    derive::expand(&derive::extract(b"", base_key.expose()), b"SFrame 1.0 Ratchet")
}

fn info(label: &[u8], kid: u64) -> Vec<u8> {
    let mut info = label.to_vec();
    info.extend_from_slice(&kid.to_be_bytes());
    info.extend_from_slice(&SUITE.to_be_bytes());
    info
}

fn join<'a>(out: &'a mut [u8; AAD_LEN], header: &[u8], metadata: &[u8]) -> Option<&'a [u8]> {
    if metadata.len() > MAX_METADATA_LEN {
        return None;
    }
    out.get_mut(..header.len())?.copy_from_slice(header);
    out.get_mut(header.len()..header.len() + metadata.len())?.copy_from_slice(metadata);
    out.get(..header.len() + metadata.len())
}

/// Erases a plaintext that nobody will use.
pub(crate) fn erase(plaintext: &mut Vec<u8>) {
    plaintext.zeroize();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// PROTOCOL Appendix B: bases of the KK session, taken as given.
    #[test]
    fn kat_tsp1_sframe_keys() {
        let base_000 = hex(concat!(
            "ef8ca580df3212fbc14457591b1ed1ec7155477b13ef4b39169ba592a3447694",
            "d58b5273a1ca9c457e2026b9976e18ecd718fa46c947f0565aaddef23db3c1b3"
        ));
        let (key, salt) = derive_key_and_salt(&base_000, 0x00);
        assert_eq!(key.expose()[..], hex("de62f2e8f6f9e6ad3e3323220b36b5da8ca59292d9bb02b42c46e6c482d2cb6a"));
        assert_eq!(salt.expose()[..], hex("57c5d42bc8f87efbda86790f"));
    }

    #[cfg(feature = "dangerous-plaintext-for-test")]
    #[test]
    fn control_build_leaves_plaintext_readable_and_lengths_alike() {
        let key = SframeKey::derive(&[7; 64], 0x90);
        let sealed = key.seal(300, b"meta", &[b"find ", b"me"], 3).unwrap();
        assert_eq!(sealed, [&b"\x89\x90\x01\x2cfind me\0\0\0"[..], &[0; 16]].concat());
        let (header, _) = Header::parse(&sealed).unwrap();
        assert_eq!(key.open(header, b"other", &sealed).unwrap(), b"find me\0\0\0");
    }

    /// Project Wycheproof's answers for AES-256-GCM, through what seals and opens packets: salt and counter 0 are the
    /// nonce of the answer.
    #[cfg(not(feature = "dangerous-plaintext-for-test"))]
    #[test]
    fn aes256gcm_wycheproof() {
        use wycheproof::{TestResult, aead};
        let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
        let (mut opened, mut refused) = (0, 0);
        for group in set.test_groups.iter().filter(|group| (group.key_size, group.nonce_size) == (256, 96)) {
            for test in &group.tests {
                let bytes: [u8; 32] = test.key[..].try_into().unwrap();
                let salt = Secret::new(test.nonce[..].try_into().unwrap());
                let key = SframeKey { kid: 0, cipher: Aes256Gcm::new(&bytes.into()), salt };
                let mut text = test.ct.to_vec();
                let is_authentic = key.decrypt(0, &test.aad, &mut text, test.tag[..].try_into().unwrap());
                assert_eq!(is_authentic, test.result == TestResult::Valid, "test {}", test.tc_id);
                if !is_authentic {
                    refused += 1;
                    continue;
                }
                assert_eq!(text, test.pt[..], "test {}", test.tc_id);
                let tag = key.encrypt(0, &test.aad, &mut text);
                assert_eq!((&text[..], &tag[..]), (&test.ct[..], &test.tag[..]), "test {}", test.tc_id);
                opened += 1;
            }
        }
        assert_eq!((opened, refused), (39, 27));
    }
}
