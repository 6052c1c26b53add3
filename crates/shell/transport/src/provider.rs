//! The cryptography that `webrtc` uses: the crate's `ring` provider, and a notice of every certificate that it hashes.
//!
//! When a certificate isn't the announced one, the crate refuses it, says so in a log line, and stays "connecting" for
//! ever (D8). The hash that it compares passes through here, so the reason is known at once.

use std::sync::Arc;

use rtc::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher, CryptoAlgorithm,
    CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac, PublicKey, RTCCrypto, RTCCryptoProvider,
    RTCRandom, SignatureScheme, SigningKey, StreamCipher, StreamCipherAlgorithm,
};

use tokio::sync::mpsc;

use crate::supervisor::Signal;

/// See the module.
pub(crate) struct CallCrypto {
    inner: Arc<dyn RTCCryptoProvider>,
    signals: mpsc::Sender<Signal>,
}

impl CallCrypto {
    pub(crate) fn new(signals: mpsc::Sender<Signal>) -> Result<Self, CryptoError> {
        Ok(Self { inner: rtc::crypto::default_provider()?, signals })
    }
}

impl RTCCryptoProvider for CallCrypto {
    fn name(&self) -> &'static str {
        "call"
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self
    }

    fn random(&self) -> &dyn RTCRandom {
        self.inner.random()
    }
}

impl RTCCrypto for CallCrypto {
    fn supports(&self, algorithm: CryptoAlgorithm) -> bool {
        self.inner.crypto().supports(algorithm)
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let digest = self.inner.crypto().hash(algorithm, data)?;
        // A DER SEQUENCE is a certificate: the other thing that is hashed, the handshake so far, starts with 1.
        if algorithm == HashAlgorithm::Sha256
            && data.first() == Some(&0x30)
            && let Ok(digest) = <[u8; 32]>::try_from(&digest[..])
        {
            // Dropped when full: the crate's check and ours after DTLS still hold; only the reason is less exact.
            let _ = self.signals.try_send(Signal::Certificate(digest));
        }
        Ok(digest)
    }

    fn block_encrypt(&self, algorithm: BlockCipherAlgorithm, key: &[u8], block: &mut [u8]) -> Result<(), CryptoError> {
        #[cfg(feature = "seeded-for-test")]
        crate::noted::key(&algorithm, key);
        self.inner.crypto().block_encrypt(algorithm, key, block)
    }

    fn new_hmac(&self, algorithm: HmacAlgorithm, key: &[u8]) -> Result<Box<dyn Mac>, CryptoError> {
        #[cfg(feature = "seeded-for-test")]
        crate::noted::key(&algorithm, key);
        self.inner.crypto().new_hmac(algorithm, key)
    }

    fn new_stream_cipher(
        &self,
        algorithm: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        self.inner.crypto().new_stream_cipher(algorithm, key)
    }

    fn new_aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn AeadCipher>, CryptoError> {
        #[cfg(feature = "seeded-for-test")]
        crate::noted::key(&algorithm, key);
        #[cfg(feature = "dangerous-plaintext-for-test")]
        {
            let _ = (algorithm, key);
            Ok(Box::new(crate::dangerous_plaintext::NoCipher))
        }
        #[cfg(not(feature = "dangerous-plaintext-for-test"))]
        self.inner.crypto().new_aead(algorithm, key)
    }

    fn new_cbc(&self, algorithm: CbcAlgorithm, key: &[u8]) -> Result<Box<dyn CbcCipher>, CryptoError> {
        self.inner.crypto().new_cbc(algorithm, key)
    }

    fn start_key_exchange(&self, algorithm: KeyExchangeAlgorithm) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        self.inner.crypto().start_key_exchange(algorithm)
    }

    fn generate_signing_key(&self, scheme: SignatureScheme) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.inner.crypto().generate_signing_key(scheme)
    }

    fn import_signing_key(&self, scheme: SignatureScheme, der: &[u8]) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.inner.crypto().import_signing_key(scheme, der)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.inner.crypto().verify_signature(scheme, key, message, signature)
    }
}
