//! **DANGEROUS.** Takes all encryption away from SRTP, SRTCP and DTLS records, lengths unchanged, tags zero.
//!
//! For the control run of the capture test alone: it shows that the scanner finds Opus, H.264 and chat on a wire
//! without encryption, so that finding nothing means something. Behind the feature `dangerous-plaintext-for-test`, off by
//! default; both sides must have it; a build without debug assertions is refused.

use rtc::crypto::{AeadCipher, CryptoError};

#[cfg(not(debug_assertions))]
compile_error!(
    "`dangerous-plaintext-for-test` removes all transport encryption and never ships: no release build with it"
);

/// In place of AES-256-GCM and ChaCha20-Poly1305.
pub(crate) struct NoCipher;

impl AeadCipher for NoCipher {
    fn tag_len(&self) -> usize {
        16
    }

    fn seal_in_place(&mut self, _: &[u8], _: &[u8], _: &mut [u8], tag: &mut [u8]) -> Result<(), CryptoError> {
        tag.fill(0);
        Ok(())
    }

    fn open_in_place(&mut self, _: &[u8], _: &[u8], _: &mut [u8], _: &[u8]) -> Result<(), CryptoError> {
        Ok(())
    }
}
