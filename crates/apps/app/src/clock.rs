//! Now, as the interface wants it.

use std::{
    cell::Cell,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sotto_ui::Clock;

/// So much further the wall clock may have gone than the steady one without a sleep in between: somebody sets it, a little.
const SET: Duration = Duration::from_secs(2);

/// The window's clocks.
pub struct Clocks(Cell<Steady>);

impl Clocks {
    /// The steady clock begins now.
    pub fn start() -> Self {
        Self(Cell::new(Steady { steady: Instant::now(), wall: since_1970(), passed: Duration::ZERO }))
    }

    /// Now.
    pub fn now(&self) -> Clock {
        let wall = since_1970();
        let steady = self.0.get().at(Instant::now(), wall);
        self.0.set(steady);
        // Asked anew each time: summer time may begin while the window is open.
        let utc_offset = jiff::Zoned::now().offset().seconds();
        Clock { mono: steady.passed.as_secs_f64(), unix: wall.as_secs(), utc_offset }
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Time since the start, with the time that the computer slept: the steady clock of Linux and macOS leaves that out, and a
/// profile must not stay open for a night because the lid was closed.
#[derive(Clone, Copy)]
struct Steady {
    steady: Instant,
    wall: Duration,
    passed: Duration,
}

impl Steady {
    fn at(self, steady: Instant, wall: Duration) -> Self {
        let by_steady = steady.saturating_duration_since(self.steady);
        let by_wall = wall.saturating_sub(self.wall);
        let more = if by_wall > by_steady + SET { by_wall } else { by_steady };
        Self { steady, wall, passed: self.passed + more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_counts_and_a_wall_clock_that_is_set_back_or_a_little_forward_doesnt() {
        let s = Duration::from_secs;
        let start = Instant::now();
        let steady = Steady { steady: start, wall: s(1_000_000), passed: s(0) };
        let awake = steady.at(start + s(10), s(1_000_010));
        assert_eq!(awake.passed, s(10));
        let slept = awake.at(start + s(11), s(1_030_000));
        assert_eq!(slept.passed, s(10) + s(29_990));
        let set_back = slept.at(start + s(12), s(5));
        assert_eq!(set_back.passed, slept.passed + s(1));
        let set_on = set_back.at(start + s(13), s(7));
        assert_eq!(set_on.passed, set_back.passed + s(1));
    }
}
