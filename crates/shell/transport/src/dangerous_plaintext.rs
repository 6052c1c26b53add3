//! **DANGEROUS.** Takes all encryption away from SRTP, SRTCP and DTLS records, lengths unchanged, tags zero.
//!
//! For the control run of the capture test alone: it shows that the scanner finds Opus, H.264 and chat on a wire
//! without encryption, so that finding nothing means something. Behind the feature `dangerous-plaintext-for-test`, off by
//! default; both sides must have it; a build without debug assertions is refused.

use std::sync::Arc;

use rtc::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher, CryptoAlgorithm,
    CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac, PublicKey, RTCCrypto, RTCCryptoProvider,
    RTCRandom, SignatureScheme, SigningKey, StreamCipher, StreamCipherAlgorithm,
};

#[cfg(not(debug_assertions))]
compile_error!(
    "`dangerous-plaintext-for-test` removes all transport encryption and never ships: no release build with it"
);

/// The provider, with ciphers that do nothing.
pub(crate) fn without_encryption(provider: Arc<dyn RTCCryptoProvider>) -> Arc<dyn RTCCryptoProvider> {
    Arc::new(Plain(provider))
}

struct Plain(Arc<dyn RTCCryptoProvider>);

struct NoCipher;

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

impl RTCCryptoProvider for Plain {
    fn name(&self) -> &'static str {
        "dangerous-plaintext-for-test"
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self
    }

    fn random(&self) -> &dyn RTCRandom {
        self.0.random()
    }
}

impl RTCCrypto for Plain {
    fn supports(&self, algorithm: CryptoAlgorithm) -> bool {
        self.0.crypto().supports(algorithm)
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.0.crypto().hash(algorithm, data)
    }

    fn block_encrypt(&self, algorithm: BlockCipherAlgorithm, key: &[u8], block: &mut [u8]) -> Result<(), CryptoError> {
        self.0.crypto().block_encrypt(algorithm, key, block)
    }

    fn new_hmac(&self, algorithm: HmacAlgorithm, key: &[u8]) -> Result<Box<dyn Mac>, CryptoError> {
        self.0.crypto().new_hmac(algorithm, key)
    }

    fn new_stream_cipher(
        &self,
        algorithm: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        self.0.crypto().new_stream_cipher(algorithm, key)
    }

    fn new_aead(&self, _: AeadAlgorithm, _: &[u8]) -> Result<Box<dyn AeadCipher>, CryptoError> {
        Ok(Box::new(NoCipher))
    }

    fn new_cbc(&self, algorithm: CbcAlgorithm, key: &[u8]) -> Result<Box<dyn CbcCipher>, CryptoError> {
        self.0.crypto().new_cbc(algorithm, key)
    }

    fn start_key_exchange(&self, algorithm: KeyExchangeAlgorithm) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        self.0.crypto().start_key_exchange(algorithm)
    }

    fn generate_signing_key(&self, scheme: SignatureScheme) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.0.crypto().generate_signing_key(scheme)
    }

    fn import_signing_key(&self, scheme: SignatureScheme, der: &[u8]) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.0.crypto().import_signing_key(scheme, der)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.0.crypto().verify_signature(scheme, key, message, signature)
    }
}
