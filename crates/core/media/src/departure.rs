//! When a packet of sound leaves.

/// From a frame's capture to its packet, microseconds: longer than encoding takes, and than a device usually is late.
const DELAY_US: u64 = 3_000;
/// From one packet to the next, microseconds.
const PACKET_US: u64 = 20_000;
/// How much of what a device runs fast or slow is followed with each packet.
const FOLLOWED: i64 = 32;
/// The device is this far away from what was expected, microseconds: it stalled, or another one was opened.
const STALL_US: i64 = 10_000;

/// Departures at an even pace. How long the encoder works depends on what is said, and less on silence: a packet that
/// left as soon as it was ready would tell an observer with a good clock who speaks and who is muted, although all have
/// one size (RFC 6562). So it leaves 3 ms after its frame was captured, and small delays of the device are evened out.
///
/// ```
/// use sotto_media::Departures;
/// let mut departures = Departures::default();
/// assert_eq!(departures.next(1_000_000), 1_003_000);
/// // A little late: the packet is in time all the same.
/// assert!(departures.next(1_021_000).abs_diff(1_023_000) < 50);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Departures {
    expected_us: Option<u64>,
}

impl Departures {
    /// When the packet leaves whose frame was captured at `captured_us`, both in microseconds of one monotonic clock:
    /// never before its capture, never more than 6 ms after it.
    pub fn next(&mut self, captured_us: u64) -> u64 {
        let wanted = captured_us.saturating_add(DELAY_US);
        let expected = self.expected_us.unwrap_or(wanted);
        let off = wanted.wrapping_sub(expected).cast_signed();
        let leaves =
            if off.saturating_abs() > STALL_US { wanted } else { expected.saturating_add_signed(off / FOLLOWED) };
        self.expected_us = Some(leaves.saturating_add(PACKET_US));
        leaves.clamp(captured_us, wanted.saturating_add(DELAY_US))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of a device whose frames come `late` microseconds after their turn: when they leave.
    fn leaving(late: impl Fn(u64) -> u64) -> Vec<u64> {
        let mut departures = Departures::default();
        (0..5000).map(|n| departures.next(1_000_000 + n * PACKET_US + late(n))).collect()
    }

    fn unevenness(leaving: &[u64]) -> u64 {
        leaving.windows(2).map(|pair| (pair[1] - pair[0]).abs_diff(PACKET_US)).max().unwrap_or_default()
    }

    #[test]
    fn a_device_that_is_late_now_and_then_does_not_show() {
        let late = |n: u64| n.wrapping_mul(2_654_435_761) % 2_500;
        assert!(unevenness(&leaving(|_| 0)) == 0);
        assert!(unevenness(&leaving(late)) < 100, "{}", unevenness(&leaving(late)));
    }

    #[test]
    fn a_device_with_another_clock_is_followed() {
        // 0.1 % slow: 20 microseconds a packet.
        let leaving = leaving(|n| n * 20);
        assert!(unevenness(&leaving) <= 30);
        for (n, leaves) in (0..).zip(leaving) {
            let captured = 1_000_000 + n * (PACKET_US + 20);
            assert!((captured..=captured + 2 * DELAY_US).contains(&leaves));
        }
    }

    #[test]
    fn after_a_stall_nothing_is_held_back() {
        let mut departures = Departures::default();
        departures.next(1_000_000);
        // Five frames at once, as a device gives them that was not heard for a while, then in turn again.
        for n in 0..5 {
            assert!(departures.next(1_120_000 + n * 50) <= 1_126_000 + n * 50);
        }
        for n in 1..20 {
            assert!(departures.next(1_120_000 + n * PACKET_US) <= 1_126_000 + n * PACKET_US);
        }
        assert_eq!(departures.next(0), DELAY_US, "a clock that was set back");
        assert!(departures.next(u64::MAX) >= u64::MAX - 1);
    }
}
