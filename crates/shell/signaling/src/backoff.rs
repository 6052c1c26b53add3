//! Pauses between tries: they double from half a second to half a minute, each with its own jitter, so that the
//! clients of a server that comes back do not all come at once.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

const FIRST_MS: u64 = 500;
const LONGEST_MS: u64 = 30_000;

/// Growing pauses.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next pause: between half of the present step and all of it.
    pub fn next(&mut self) -> Duration {
        self.next_with(RandomState::new().build_hasher().finish())
    }

    fn next_with(&mut self, random: u64) -> Duration {
        let step = (FIRST_MS << self.failures.min(16)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        let half = step / 2;
        // Never shorter than the first step.
        Duration::from_millis((half + random % (half + 1)).max(FIRST_MS))
    }

    /// The connection held.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_thirty_seconds_and_start_anew() {
        let mut backoff = Backoff::default();
        let longest: Vec<u128> = (0..9).map(|_| backoff.next_with(u64::MAX / 2).as_millis()).collect();
        assert!(longest.windows(2).all(|pair| pair[0] <= pair[1] || pair[0] >= 15_000), "{longest:?}");
        let mut backoff = Backoff { failures: 100 };
        for random in [0, 1, 15_000, 15_001, u64::MAX] {
            let pause = backoff.next_with(random).as_millis();
            assert!((15_000..=30_000).contains(&pause), "{pause}");
        }
        backoff.reset();
        assert_eq!(backoff.next_with(12_345).as_millis(), 500);
    }
}
