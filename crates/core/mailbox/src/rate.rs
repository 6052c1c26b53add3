//! Two ways to limit a rate: an exact log for a few events an hour, a token bucket for many a second.

use std::collections::VecDeque;

/// One hour in ms.
pub const HOUR_MS: u64 = 3_600_000;

/// Remembers when each of the last few events was: exact, for small limits.
#[derive(Clone, Debug, Default, Hash)]
pub struct SlidingLog(VecDeque<u64>);

impl SlidingLog {
    /// Takes one event if fewer than `limit` lie within the last `period_ms`.
    pub fn take(&mut self, now_ms: u64, limit: usize, period_ms: u64) -> bool {
        let free = self.count(now_ms, period_ms) < limit;
        if free {
            self.0.push_back(now_ms);
        }
        free
    }

    /// Events within the last `period_ms`; older ones are forgotten.
    pub fn count(&mut self, now_ms: u64, period_ms: u64) -> usize {
        while self.0.front().is_some_and(|&at| now_ms.saturating_sub(at) >= period_ms) {
            self.0.pop_front();
        }
        self.0.len()
    }

    /// Nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Token bucket with `burst` tokens, refilled by `rate` per `period_ms`.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Bucket {
    burst: u64,
    rate: u64,
    period_ms: u64,
    /// Tokens × `period_ms`, so that refilling needs no fractions.
    level: u64,
    at_ms: u64,
}

impl Bucket {
    /// A full bucket.
    pub fn new(now_ms: u64, burst: u32, rate: u32, period_ms: u64) -> Self {
        let burst = u64::from(burst) * period_ms;
        Self { burst, rate: u64::from(rate), period_ms, level: burst, at_ms: now_ms }
    }

    /// Whether a token is there; does not take it.
    pub fn ready(&mut self, now_ms: u64) -> bool {
        let passed = now_ms.saturating_sub(self.at_ms);
        self.level = self.level.saturating_add(passed.saturating_mul(self.rate)).min(self.burst);
        self.at_ms = self.at_ms.max(now_ms);
        self.level >= self.period_ms
    }

    /// Takes a token if one is there.
    pub fn take(&mut self, now_ms: u64) -> bool {
        let ready = self.ready(now_ms);
        if ready {
            self.level -= self.period_ms;
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliding_log_is_exact_over_any_window() {
        let mut log = SlidingLog::default();
        assert!(log.take(0, 2, 1000));
        assert!(log.take(900, 2, 1000));
        assert!(!log.take(999, 2, 1000));
        assert!(log.take(1000, 2, 1000), "the first one is out of the window now");
        assert!(!log.take(1899, 2, 1000));
        assert!(log.take(1900, 2, 1000));
    }

    #[test]
    fn bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(0, 40, 20, 1000);
        assert_eq!((0..100).filter(|_| bucket.take(0)).count(), 40);
        assert_eq!((0..100).filter(|_| bucket.take(500)).count(), 10);
        assert_eq!((0..100).filter(|_| bucket.take(3_600_000)).count(), 40, "never more than the burst");
        assert!(!bucket.take(0), "time that goes back gives nothing");
    }
}
