//! Randomness and clocks of the operating system.

use std::{
    convert::Infallible,
    time::{SystemTime, UNIX_EPOCH},
};

use rand_core::{TryCryptoRng, TryRng};

/// The operating system's generator.
pub struct OsRandom;

impl TryRng for OsRandom {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(random()))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(random()))
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        getrandom::fill(dst).expect("a server without randomness must not go on");
        Ok(())
    }
}

impl TryCryptoRng for OsRandom {}

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a server without randomness must not go on");
    bytes
}

/// Unix seconds; 0 when the clock stands before 1970.
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}
