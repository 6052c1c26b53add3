//! When an open profile that nobody uses is locked (PROTOCOL §2.2). Pure: it is told the time.

/// The person is told this long before, s (WCAG 2.2.1 asks for 20).
const WARNING_SECONDS: f64 = 30.0;

/// What follows from the time that nothing was pressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Idle {
    /// Nothing for this many seconds.
    Quiet(f64),
    /// Locks in this many seconds, unless a key or the mouse is used.
    Soon(f64),
    /// Lock now.
    Lock,
}

/// Time of the last use, on the monotonic clock; `None` until there is one to count from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IdleLock {
    since: Option<f64>,
}

impl IdleLock {
    /// Somebody uses the window, or it may not lock now.
    pub(crate) const fn in_use(&mut self, now: f64) {
        self.since = Some(now);
    }

    /// What is due after `minutes` without use.
    pub(crate) fn at(&mut self, now: f64, minutes: u32) -> Idle {
        let since = *self.since.get_or_insert(now);
        let left = since + f64::from(minutes) * 60.0 - now;
        if left <= 0.0 {
            self.since = None;
            return Idle::Lock;
        }
        if left <= WARNING_SECONDS { Idle::Soon(left) } else { Idle::Quiet(left - WARNING_SECONDS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_warns_then_locks_and_each_use_begins_anew() {
        let mut idle = IdleLock::default();
        assert_eq!(idle.at(1000.0, 5), Idle::Quiet(270.0));
        assert_eq!(idle.at(1270.5, 5), Idle::Soon(29.5));
        idle.in_use(1299.0);
        assert_eq!(idle.at(1300.0, 5), Idle::Quiet(269.0));
        assert_eq!(idle.at(1599.0, 5), Idle::Lock);
        assert_eq!(idle.at(9000.0, 5), Idle::Quiet(270.0), "the next profile has its own time");
    }

    #[test]
    fn a_sleep_of_the_computer_counts_and_a_shorter_time_takes_effect_at_once() {
        let mut idle = IdleLock::default();
        idle.in_use(0.0);
        assert_eq!(idle.at(200.0, 15), Idle::Quiet(670.0));
        assert_eq!(idle.at(200.0, 1), Idle::Lock);
    }
}
