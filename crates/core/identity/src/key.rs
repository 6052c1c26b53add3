//! X25519 identity keys (PROTOCOL §2.1).

use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use x25519_dalek::StaticSecret;

use crate::{Secret, derive};

/// Why a key was not accepted. Both mean `E_PK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not 32 bytes, top bit set, or not below 2^255 − 19: a key has exactly one encoding.
    #[error("not a canonical public key")]
    NotCanonical,
    /// The Diffie-Hellman output is zero: the key has small order.
    #[error("public key of small order")]
    SmallOrder,
}

/// A public key in its one encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// 2^255 − 19, little-endian.
const FIELD_PRIME: [u8; 32] = {
    let mut prime = [0xFF; 32];
    prime[0] = 0xED;
    prime[31] = 0x7F;
    prime
};

impl PublicKey {
    /// `pk_check`: 32 bytes, below 2^255 − 19.
    ///
    /// # Errors
    /// [`KeyFault::NotCanonical`]. Keys of small order are found by [`IdentityKey::diffie_hellman`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyFault> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyFault::NotCanonical)?;
        // Little-endian: compare from the last byte. The key is public, so an early exit tells nothing.
        if bytes.iter().rev().lt(FIELD_PRIME.iter().rev()) { Ok(Self(bytes)) } else { Err(KeyFault::NotCanonical) }
    }

    /// The encoding.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// `H("idhash"; pk)[0..20]`, by which an invite names the therapist's key (PROTOCOL §3.1).
    ///
    /// # Panics
    /// Never: a hash is longer than 20 bytes.
    #[must_use]
    pub fn idhash(&self) -> [u8; 20] {
        *derive::hash("idhash", &[&self.0]).first_chunk().expect("64 bytes")
    }

    /// Compares with an idhash in constant time.
    #[must_use]
    pub fn has_idhash(&self, idhash: &[u8; 20]) -> bool {
        self.idhash().ct_eq(idhash).into()
    }

    /// `d_5200` of PROTOCOL §6.1. Takes about 2 ms.
    pub(crate) fn stretched_hash(&self) -> [u8; 64] {
        let mut digest = derive::hash("fingerprint", &[&[0, 1], &self.0]);
        for _ in 1..5200 {
            let mut hasher = Sha512::new();
            hasher.update(digest);
            hasher.update(self.0);
            digest = hasher.finalize().into();
        }
        digest
    }
}

/// Two keys of the same contact would be told apart in a log, so it shows nothing.
impl core::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PublicKey(…)")
    }
}

/// A static key pair: one per therapist's profile, one per relationship on the client's side. Used only inside Noise.
#[derive(Clone)]
pub struct IdentityKey {
    secret: StaticSecret, // erased on drop by x25519-dalek
    public: PublicKey,
}

impl IdentityKey {
    /// A new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        Self::from_bytes(&Secret::new(*bytes))
    }

    /// The key of 32 stored bytes. Any bytes are a key: X25519 clamps when it multiplies (RFC 7748 §5).
    #[must_use]
    pub fn from_bytes(bytes: &Secret<32>) -> Self {
        let secret = StaticSecret::from(*bytes.expose());
        let public = PublicKey(x25519_dalek::PublicKey::from(&secret).to_bytes());
        Self { secret, public }
    }

    /// Its public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// X25519.
    ///
    /// # Errors
    /// [`KeyFault::SmallOrder`] if the output is zero.
    pub fn diffie_hellman(&self, peer: &PublicKey) -> Result<Secret<32>, KeyFault> {
        let shared = self.secret.diffie_hellman(&x25519_dalek::PublicKey::from(peer.0));
        if shared.was_contributory() { Ok(Secret::new(shared.to_bytes())) } else { Err(KeyFault::SmallOrder) }
    }

    /// The secret half, for the vault and the handshake. Do not log, format or compare it.
    #[must_use]
    pub fn expose(&self) -> Secret<32> {
        Secret::new(self.secret.to_bytes())
    }
}

impl core::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}
