//! Argon2id (RFC 9106) and the bounds of its parameters.

use argon2::{Algorithm, Argon2, Params, Version};
use sotto_identity::{Secret, derive};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::VaultError;

/// How much a guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// m = 256 MiB, t = 3, p = 4.
    Default,
    /// m = 64 MiB, t = 3, p = 4: the least that is allowed (RFC 9106, second recommended option). For tests and demos.
    Floor,
}

/// Memory in KiB, passes, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub m_kib: u32,
    pub t: u32,
    pub p: u32,
}

impl From<Cost> for Parameters {
    fn from(cost: Cost) -> Self {
        let m_kib = if cost == Cost::Default { 256 * 1024 } else { 64 * 1024 };
        Self { m_kib, t: 3, p: 4 }
    }
}

impl Parameters {
    /// Checked before anything is allocated.
    pub(crate) const fn check(self) -> Result<(), VaultError> {
        let floor = self.m_kib >= 64 * 1024 && self.t >= 3 && self.p >= 1;
        if floor && self.m_kib <= 1024 * 1024 && self.t <= 16 && self.p <= 16 {
            Ok(())
        } else {
            Err(VaultError::Parameters)
        }
    }
}

/// `kek` of a passphrase, without a keyring factor.
pub(crate) fn kek(passphrase: &str, salt: &[u8; 32], parameters: Parameters) -> Result<Secret<32>, VaultError> {
    parameters.check()?;
    let text: Zeroizing<String> = Zeroizing::new(passphrase.nfkc().collect());
    let params =
        Params::new(parameters.m_kib, parameters.t, parameters.p, Some(32)).map_err(|_| VaultError::Parameters)?;
    // a || k_ring, with k_ring = 32 zero bytes
    let mut ikm = Zeroizing::new([0; 64]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(text.as_bytes(), salt, &mut ikm[..32])
        .map_err(|_| VaultError::Parameters)?;
    Ok(derive::kdf(&derive::extract(salt, &*ikm), "vault kek", b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex")).collect()
    }

    /// PROTOCOL, Appendix B.
    #[test]
    fn known_answer_of_the_key_encryption_key() {
        let parameters = Parameters { m_kib: 65536, t: 3, p: 4 };
        let kek = kek("correct horse battery staple", &[0x5a; 32], parameters).expect("allowed");
        assert_eq!(kek.expose()[..], hex("f25616dc32a74428a4b6b32a031a84ad0ebcdddd86e6443883d0333904ad39b5")[..]);
    }

    #[test]
    fn parameters_out_of_bounds_are_refused_before_memory_is_taken() {
        for (m_kib, t, p) in [(1024 * 1024 + 1, 3, 4), (65536, 17, 4), (65536, 3, 17), (65535, 3, 4), (65536, 2, 4)] {
            assert!(matches!(Parameters { m_kib, t, p }.check(), Err(VaultError::Parameters)));
        }
    }
}
