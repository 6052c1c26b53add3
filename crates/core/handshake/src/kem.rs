//! ML-KEM-768 (FIPS 203) and the Noise PSK made from it (PROTOCOL §4.3).
//!
//! It is only ever added to X25519 and `psk0`, never relied on alone: the implementation is not audited.

use ml_kem::{B32, Decapsulate, DecapsulationKey768, EncapsulationKey768, KeyExport, Seed, array::Array};
use sotto_identity::{Secret, derive};

/// Length of an encapsulation key.
pub(crate) const EK_LEN: usize = 1184;
/// Length of a ciphertext.
pub(crate) const CT_LEN: usize = 1088;

/// The initiator's key of one handshake.
pub(crate) struct KemSecret {
    key: DecapsulationKey768,
    ek: Box<[u8; EK_LEN]>,
}

impl KemSecret {
    /// From the 64 bytes `d ‖ z`.
    pub(crate) fn from_seed(seed: &Secret<64>) -> Self {
        let key = DecapsulationKey768::from_seed(Seed::from(*seed.expose()));
        let mut ek = Box::new([0; EK_LEN]);
        ek.copy_from_slice(&key.encapsulation_key().to_bytes());
        Self { key, ek }
    }

    pub(crate) const fn encapsulation_key(&self) -> &[u8; EK_LEN] {
        &self.ek
    }

    /// `psk2` for the ciphertext. Never fails: a wrong ciphertext gives another key (implicit rejection), which the
    /// next tag shows.
    pub(crate) fn psk2(&self, ct: &[u8; CT_LEN]) -> Secret<32> {
        let mut shared = self.key.decapsulate(&Array::from(*ct));
        let psk2 = combine(&shared, &self.ek, ct);
        zeroize::Zeroize::zeroize(shared.as_mut_slice());
        psk2
    }
}

/// Encapsulates to `ek` with the 32 random bytes `m`; gives the ciphertext and `psk2`. `None` if `ek` fails the modulus
/// check.
pub(crate) fn encapsulate(ek: &[u8; EK_LEN], m: &Secret<32>) -> Option<(Box<[u8; CT_LEN]>, Secret<32>)> {
    let key = EncapsulationKey768::new(&Array::from(*ek)).ok()?;
    let (ciphertext, mut shared) = key.encapsulate_deterministic(&B32::from(*m.expose()));
    let mut ct = Box::new([0; CT_LEN]);
    ct.copy_from_slice(&ciphertext);
    let psk2 = combine(&shared, ek, &ct);
    zeroize::Zeroize::zeroize(shared.as_mut_slice());
    Some((ct, psk2))
}

/// `psk2` of a shared secret and what was sent for it.
pub(crate) fn combine(shared: &[u8], ek: &[u8; EK_LEN], ct: &[u8; CT_LEN]) -> Secret<32> {
    let mut context = [0; 64];
    context[..32].copy_from_slice(&derive::hash("ek", &[ek])[..32]);
    context[32..].copy_from_slice(&derive::hash("ct", &[ct])[..32]);
    derive::kdf(&derive::extract(b"TSP1 mlkem768", shared), "psk2", &context)
}

#[cfg(test)]
mod tests;
