//! Tells a warning from noise: more than 200 forged packets a second, five seconds long (PROTOCOL §7.4 rule 5).
//!
//! DTLS-SRTP already authenticates packets, so forged ones mean that somebody is active inside it.

/// Failures in a second, above which the second counts.
const PER_SECOND: u32 = 200;
/// Seconds in a row that raise the warning.
const SECONDS: u32 = 5;
/// How long the warning stays after the last such second, ms.
const HOLD_MS: u64 = 10_000;

/// Counts failures by second of the caller's monotonic clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct IntegrityMeter {
    second: u64,
    failures: u32,
    /// Seconds before `second` that were above the limit, in a row.
    streak: u32,
    warned_ms: Option<u64>,
}

impl IntegrityMeter {
    /// One packet failed.
    pub(crate) fn failed(&mut self, now_ms: u64) {
        let second = now_ms / 1000;
        if second != self.second {
            let hot = self.failures > PER_SECOND && self.second.checked_add(1) == Some(second);
            self.streak = if hot { self.streak.saturating_add(1) } else { 0 };
            self.second = second;
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures > PER_SECOND && self.streak + 1 >= SECONDS {
            self.warned_ms = Some(now_ms);
        }
    }

    /// Whether the person should be warned.
    pub(crate) fn warning(&self, now_ms: u64) -> bool {
        self.warned_ms.is_some_and(|since| now_ms.saturating_sub(since) < HOLD_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(meter: &mut IntegrityMeter, second: u64, count: u64) {
        for n in 0..count {
            meter.failed(second * 1000 + n);
        }
    }

    #[test]
    fn warns_after_five_seconds_in_a_row_above_200() {
        let mut meter = IntegrityMeter::default();
        for second in 10..14 {
            failures(&mut meter, second, 201);
            assert!(!meter.warning(second * 1000 + 999), "second {second} is too early");
        }
        failures(&mut meter, 14, 200);
        assert!(!meter.warning(14_999), "200 is not above 200");
        failures(&mut meter, 14, 1);
        assert!(meter.warning(14_999));
        assert!(!meter.warning(14_000 + HOLD_MS), "it ends");
    }

    #[test]
    fn a_calm_second_starts_the_count_again() {
        let mut meter = IntegrityMeter::default();
        for second in [1, 2, 3, 4, 6, 7, 8, 9] {
            failures(&mut meter, second, 300);
            assert!(!meter.warning(second * 1000 + 300));
        }
        failures(&mut meter, 10, 300);
        assert!(meter.warning(10_300));
    }

    #[test]
    fn exactly_200_a_second_never_warns() {
        let mut meter = IntegrityMeter::default();
        for second in 0..60 {
            failures(&mut meter, second, 200);
            assert!(!meter.warning(second * 1000 + 200));
        }
    }
}
