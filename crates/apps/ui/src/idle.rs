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
    /// It may not lock now.
    pub(crate) const fn in_use(&mut self, now: f64) {
        self.since = Some(now);
    }

    /// What is due after `minutes` without use, and with or without one now. Whoever wakes the computer when the time is
    /// over comes too late.
    pub(crate) fn at(&mut self, now: f64, minutes: u32, is_used: bool) -> Idle {
        let allowed = f64::from(minutes) * 60.0;
        let mut left = *self.since.get_or_insert(now) + allowed - now;
        if left <= 0.0 {
            self.since = None;
            return Idle::Lock;
        }
        if is_used {
            self.since = Some(now);
            left = allowed;
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
        assert_eq!(idle.at(1000.0, 5, false), Idle::Quiet(270.0));
        assert_eq!(idle.at(1270.5, 5, false), Idle::Soon(29.5));
        assert_eq!(idle.at(1299.0, 5, true), Idle::Quiet(270.0));
        assert_eq!(idle.at(1300.0, 5, false), Idle::Quiet(269.0));
        assert_eq!(idle.at(1599.0, 5, false), Idle::Lock);
        assert_eq!(idle.at(9000.0, 5, false), Idle::Quiet(270.0), "the next profile has its own time");
    }

    #[test]
    fn a_sleep_of_the_computer_counts_also_where_a_key_wakes_it() {
        let mut idle = IdleLock::default();
        idle.in_use(0.0);
        assert_eq!(idle.at(30_000.0, 5, true), Idle::Lock);
    }

    #[test]
    fn a_shorter_time_takes_effect_at_once() {
        let mut idle = IdleLock::default();
        idle.in_use(0.0);
        assert_eq!(idle.at(200.0, 15, false), Idle::Quiet(670.0));
        assert_eq!(idle.at(200.0, 1, false), Idle::Lock);
    }
}
