//! The monotonic clock, and pacing by it.

use std::{
    thread,
    time::{Duration, Instant},
};

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
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX / 2)
}

/// Returns at `us` of [`monotonic_us`], at once when that has passed.
pub fn sleep_until(us: u64) {
    thread::sleep(Duration::from_micros(us.saturating_sub(monotonic_us())));
}

/// Wakes at equal distances, without drift; after a long stall it starts anew instead of catching up in a burst.
pub(crate) struct Pace {
    next: Instant,
    period: Duration,
}

impl Pace {
    pub(crate) fn new(period: Duration) -> Self {
        Self { next: Instant::now(), period }
    }

    pub(crate) fn wait(&mut self) {
        self.next += self.period;
        let now = Instant::now();
        if self.next > now {
            thread::sleep(self.next - now);
        } else if now - self.next > Duration::from_millis(500) {
            self.next = now;
        }
    }
}

#[cfg(test)]
mod tests {
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
}
