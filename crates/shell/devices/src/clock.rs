//! The monotonic clock, and pacing by it.

use std::{thread, time::Duration};

/// Microseconds of the computer's monotonic clock. On Unix all programs of a computer share it, so a capture time drawn
/// into a picture can be compared with the time at which another program shows it.
#[must_use]
pub fn monotonic_us() -> u64 {
    // A second of head start, so that "a while before now" is never negative.
    1_000_000 + clock_us()
}

#[cfg(unix)]
fn clock_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000) + nanoseconds.unwrap_or(0) / 1000
}

#[cfg(not(unix))]
fn clock_us() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(std::time::Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX / 2)
}

/// Returns at `us` of [`monotonic_us`], at once when that has passed.
pub fn sleep_until(us: u64) {
    thread::sleep(Duration::from_micros(us.saturating_sub(monotonic_us())));
}

/// How late a pace may be and still catch up, microseconds.
const STALL_US: u64 = 500_000;

/// Wakes at equal distances, without drift; after a long stall it starts anew instead of catching up in a burst.
pub(crate) struct Pace {
    next_us: u64,
    period_us: u64,
}

impl Pace {
    pub(crate) fn new(period: Duration) -> Self {
        Self { next_us: monotonic_us(), period_us: u64::try_from(period.as_micros()).unwrap_or(u64::MAX / 2) }
    }

    pub(crate) fn wait(&mut self) {
        self.next_us = self.next_us.saturating_add(self.period_us);
        let now_us = monotonic_us();
        if now_us.saturating_sub(self.next_us) > STALL_US {
            self.next_us = now_us;
        }
        sleep_until(self.next_us);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn sleep_until_returns_then_and_never_before() {
        let started = monotonic_us();
        for later in [0, 3_000, 20_000] {
            sleep_until(started + later);
            assert!(monotonic_us() >= started + later);
        }
        let elapsed = Instant::now();
        sleep_until(started);
        sleep_until(0);
        assert!(
            elapsed.elapsed() < Duration::from_secs(1),
            "it has passed: the clock counts from the start of the computer"
        );
    }

    #[test]
    fn a_pace_has_no_drift_and_starts_anew_after_a_stall() {
        let mut pace = Pace::new(Duration::from_millis(4));
        let started = pace.next_us;
        for _ in 0..25 {
            // Work between two turns is made up for.
            thread::sleep(Duration::from_millis(2));
            pace.wait();
        }
        assert_eq!(pace.next_us, started + 100_000);
        assert!(monotonic_us() >= started + 100_000);
        // The turns of a stall are given up, not made up for.
        let stalled = monotonic_us();
        pace.next_us = stalled - STALL_US - 100_000;
        pace.wait();
        assert!(pace.next_us >= stalled);
    }
}
