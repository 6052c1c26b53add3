//! What a passphrase guess costs (PROTOCOL §2.2).

use std::{
    io,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use sotto_identity::Secret;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use crate::VaultError;

/// RFC 9106 §4, second recommended option; nothing weaker is made.
const FLOOR_KIB: u32 = 64 * 1024;
const DEFAULT_KIB: u32 = 256 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// Bounds for a file that is opened: checked before anything is allocated.
const MAX_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 16;

/// What calibration aims at: the middle of 0.5 to 1.0 s.
const TARGET: Duration = Duration::from_millis(750);

/// Cost of the key derivation of a new vault; always Argon2id with 3 passes and 4 lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// 256 MiB: 0.4 to 1 s on a present computer.
    Default,
    /// 64 MiB, the least allowed: for tests, demos and small computers.
    Floor,
    /// So many KiB; below the floor, [`VaultError::Parameters`].
    MemoryKib(u32),
}

impl Cost {
    /// The memory with which this computer takes about 0.75 s, between 64 MiB and 1 GiB. Takes about as long.
    ///
    /// # Errors
    /// [`VaultError::Io`] if not even 64 MiB can be had.
    pub fn calibrate() -> Result<Self, VaultError> {
        Self::calibrate_with(|kdf_kib| {
            let start = Instant::now();
            KdfParams { memory_kib: kdf_kib, passes: PASSES, lanes: LANES }.derive("calibration", &[0; 32])?;
            Ok(start.elapsed())
        })
    }

    /// As [`calibrate`](Self::calibrate), by a given measurement of so many KiB.
    ///
    /// # Errors
    /// What the measurement returns.
    pub fn calibrate_with(mut measure: impl FnMut(u32) -> Result<Duration, VaultError>) -> Result<Self, VaultError> {
        let took = measure(FLOOR_KIB)?.max(Duration::from_millis(1));
        let scaled = u128::from(FLOOR_KIB) * TARGET.as_micros() / took.as_micros();
        let kib = u32::try_from(scaled).unwrap_or(MAX_KIB).clamp(FLOOR_KIB, MAX_KIB);
        Ok(Self::MemoryKib(kib / 4096 * 4096)) // whole 4 MiB, so that the file doesn't tell how fast we are
    }

    pub(crate) const fn params(self) -> Result<KdfParams, VaultError> {
        let memory_kib = match self {
            Self::Default => DEFAULT_KIB,
            Self::Floor => FLOOR_KIB,
            Self::MemoryKib(kib) if kib >= FLOOR_KIB && kib <= MAX_KIB => kib,
            Self::MemoryKib(_) => return Err(VaultError::Parameters),
        };
        Ok(KdfParams { memory_kib, passes: PASSES, lanes: LANES })
    }
}

/// Parameters as they are in a file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KdfParams {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl KdfParams {
    /// The least that this crate makes and opens.
    pub const FLOOR: Self = Self { memory_kib: FLOOR_KIB, passes: PASSES, lanes: 1 };

    /// Whether each parameter is at least that of `floor`.
    pub const fn check_floor(self, floor: Self) -> Result<(), VaultError> {
        if self.memory_kib >= floor.memory_kib && self.passes >= floor.passes && self.lanes >= floor.lanes {
            Ok(())
        } else {
            Err(VaultError::Parameters)
        }
    }

    /// Whether Argon2 can do this within the bounds, before anything is allocated.
    pub fn check(self) -> Result<(), VaultError> {
        let possible = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).is_ok();
        let bounded = self.memory_kib <= MAX_KIB && self.passes <= MAX_PASSES && self.lanes <= MAX_LANES;
        if possible && bounded { Ok(()) } else { Err(VaultError::Parameters) }
    }

    /// `a = Argon2id(passphrase NFKC-UTF8, salt, m, t, p, 32)`; the memory is erased.
    pub fn derive(self, passphrase: &str, salt: &[u8; 32]) -> Result<Secret<32>, VaultError> {
        self.check()?;
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| VaultError::Parameters)?;
        // One character becomes at most 11 times as long: no reallocation leaves a copy behind.
        let mut normal = Zeroizing::new(String::with_capacity(passphrase.len().saturating_mul(11)));
        normal.extend(passphrase.nfkc());

        let mut memory = Vec::new();
        memory.try_reserve_exact(params.block_count()).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        memory.resize(params.block_count(), Block::default());
        let mut out = Zeroizing::new([0; 32]);
        let result = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
            normal.as_bytes(),
            salt,
            &mut *out,
            &mut memory,
        );
        memory.iter_mut().for_each(Zeroize::zeroize);
        result.map_err(|_| VaultError::Parameters)?;
        Ok(Secret::new(*out))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn calibration_aims_at_three_quarters_of_a_second_within_the_bounds() {
        let calibrated = |ms| Cost::calibrate_with(|_| Ok(Duration::from_millis(ms))).unwrap();
        assert_eq!(calibrated(250), Cost::MemoryKib(3 * FLOOR_KIB));
        assert_eq!(calibrated(10_000), Cost::MemoryKib(FLOOR_KIB), "a slow computer gets the floor");
        assert_eq!(calibrated(0), Cost::MemoryKib(MAX_KIB), "a fast one the bound");
        assert!(calibrated(331).params().is_ok());
    }

    #[test]
    fn nothing_below_the_floor_or_above_the_bound_is_made() {
        assert_eq!(Cost::Floor.params().unwrap().memory_kib, 65_536);
        assert_eq!(Cost::Default.params().unwrap(), KdfParams { memory_kib: 262_144, passes: 3, lanes: 4 });
        for kib in [0, FLOOR_KIB - 1, MAX_KIB + 1] {
            assert!(matches!(Cost::MemoryKib(kib).params(), Err(VaultError::Parameters)));
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_or_nothing_is_refused_before_any_allocation() {
        let params = |memory_kib, passes, lanes| KdfParams { memory_kib, passes, lanes };
        for bad in [
            params(MAX_KIB + 1, 3, 4),
            params(u32::MAX, 3, 4),
            params(FLOOR_KIB, 17, 4),
            params(FLOOR_KIB, 3, 17),
            params(FLOOR_KIB, 0, 4),
            params(FLOOR_KIB, 3, 0),
            params(7, 1, 1),
        ] {
            assert!(matches!(bad.derive("x", &[0; 32]), Err(VaultError::Parameters)), "{bad:?}");
        }
    }

    #[test]
    fn less_than_the_floor_is_told_apart() {
        let default = Cost::Default.params().unwrap();
        assert!(default.check_floor(KdfParams::FLOOR).is_ok());
        assert!(Cost::Floor.params().unwrap().check_floor(KdfParams::FLOOR).is_ok());
        for weak in [KdfParams { memory_kib: FLOOR_KIB - 1, ..default }, KdfParams { passes: 2, ..default }] {
            assert!(matches!(weak.check_floor(KdfParams::FLOOR), Err(VaultError::Parameters)));
        }
    }

    #[test]
    fn passphrases_that_look_the_same_are_the_same() {
        let cheap = KdfParams { memory_kib: 8, passes: 1, lanes: 1 };
        let derive = |text| *cheap.derive(text, &[1; 32]).unwrap().expose();
        assert_eq!(derive("e\u{301}té ﬁ"), derive("\u{e9}t\u{e9} fi"));
        assert_ne!(derive("ete"), derive("été"));
        assert_ne!(derive("a"), derive("A"));
        // U+FDFA grows the most of all characters.
        assert_eq!("\u{FDFA}".nfkc().collect::<String>().len(), 11 * "\u{FDFA}".len());
    }
}
