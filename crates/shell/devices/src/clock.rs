//! The clock of this process, and pacing by it.

use std::{
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

/// Microseconds of the process's monotonic clock; 0 is a moment before its first use.
#[must_use]
pub fn monotonic_us() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    // A second of head start, so that "a while before now" is never negative.
    1_000_000 + u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX / 2)
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
