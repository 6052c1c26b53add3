//! When a packet of sound leaves.

use crate::traits::{AUDIO_FRAME, AudioEncoder, MediaPacket};

/// From a frame's capture to its packet, microseconds: encoding, and what a device is usually late by.
const DELAY_US: u64 = 5_000;
/// The least, longer than encoding takes: when a device is later than usual, its packets follow it and not the encoder.
const LEAST_US: u64 = 2_000;
/// The most.
const MOST_US: u64 = 8_000;
/// From one packet to the next, microseconds.
const PACKET_US: u64 = 20_000;
/// How much of what a device runs fast or slow is followed with each packet.
const FOLLOWED: i64 = 32;
/// The device is this far away from what was expected, microseconds: it stalled, or another one was opened.
const STALL_US: i64 = 10_000;

/// Departures at an even pace. How long the encoder works depends on what is said, and less on silence: a packet that
/// left as soon as it was ready would tell an observer with a good clock who speaks and who is muted, although all have
/// one size (RFC 6562). So it leaves 5 ms after its frame was captured, and small delays of the device are evened out.
#[derive(Default)]
struct Departures {
    expected_us: Option<u64>,
}

impl Departures {
    /// When the packet leaves whose frame was captured at `captured_us`, both in microseconds of one monotonic clock:
    /// 2 to 8 ms after its capture.
    fn next(&mut self, captured_us: u64) -> u64 {
        let wanted = captured_us.saturating_add(DELAY_US);
        let expected = self.expected_us.unwrap_or(wanted);
        let off = wanted.wrapping_sub(expected).cast_signed();
        let leaves =
            if off.saturating_abs() > STALL_US { wanted } else { expected.saturating_add_signed(off / FOLLOWED) };
        self.expected_us = Some(leaves.saturating_add(PACKET_US));
        leaves.clamp(captured_us.saturating_add(LEAST_US), captured_us.saturating_add(MOST_US))
    }
}

/// An encoder whose packets come out when they are due, 2 to 8 ms after their frame was captured, and never when they are
/// ready (PROTOCOL §7.5).
pub struct PacedEncoder<E> {
    encoder: E,
    departures: Departures,
    rtp_timestamp: u32,
}

impl<E: AudioEncoder> PacedEncoder<E> {
    /// Nothing was encoded so far.
    pub fn new(encoder: E) -> Self {
        Self { encoder, departures: Departures::default(), rtp_timestamp: 0 }
    }

    /// Encodes a frame that was captured at `captured_us`, microseconds of the clock of `sleep_until`, and returns its
    /// packet after `sleep_until` has returned for its departure.
    ///
    /// # Errors
    /// The encoder's sentence for the log.
    pub fn packet(
        &mut self,
        frame: &[i16; AUDIO_FRAME],
        captured_us: u64,
        sleep_until: impl FnOnce(u64),
    ) -> Result<MediaPacket, String> {
        let leaves_us = self.departures.next(captured_us);
        let payload = self.encoder.encode(frame)?;
        let rtp_timestamp = self.rtp_timestamp;
        self.rtp_timestamp = rtp_timestamp.wrapping_add(AUDIO_FRAME as u32);
        sleep_until(leaves_us);
        Ok(MediaPacket { marker: false, rtp_timestamp, payload })
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
    fn a_packet_leaves_five_milliseconds_after_its_frame_also_when_that_was_a_little_late() {
        let mut departures = Departures::default();
        assert_eq!(departures.next(1_000_000), 1_005_000);
        assert!(departures.next(1_021_000).abs_diff(1_025_000) < 50);
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
            assert!((captured + LEAST_US..=captured + MOST_US).contains(&leaves));
        }
    }

    #[test]
    fn a_device_with_blocks_of_its_own_is_followed_and_never_the_encoder() {
        // Blocks of 1024 samples, of 30 ms, and one step of 8 ms: frames come when the block with their end has come.
        for block_us in [21_333, 30_000] {
            let mut departures = Departures::default();
            for n in 1..5000_u64 {
                let captured = 1_000_000 + (n * PACKET_US).div_ceil(block_us) * block_us;
                let leaves = departures.next(captured);
                assert!((captured + LEAST_US..=captured + MOST_US).contains(&leaves), "{block_us} {n}");
            }
        }
        let mut departures = Departures::default();
        for n in 0..200_u64 {
            let captured = 1_000_000 + n * PACKET_US + if n < 100 { 0 } else { 8_000 };
            assert!(departures.next(captured) >= captured + LEAST_US);
        }
    }

    #[test]
    fn after_a_stall_nothing_is_held_back() {
        let mut departures = Departures::default();
        departures.next(1_000_000);
        // Five frames at once, as a device gives them that was not heard for a while, then in turn again.
        for n in 0..5 {
            assert!(departures.next(1_120_000 + n * 50) <= 1_128_000 + n * 50);
        }
        for n in 1..20 {
            assert!(departures.next(1_120_000 + n * PACKET_US) <= 1_128_000 + n * PACKET_US);
        }
        assert_eq!(departures.next(0), DELAY_US, "a clock that was set back");
        assert!(departures.next(u64::MAX) >= u64::MAX - 1);
    }

    /// Works longer on sound than on silence, on a clock of the test.
    struct Slow<'a>(&'a AtomicU64);

    impl AudioEncoder for Slow<'_> {
        fn encode(&mut self, frame: &[i16; AUDIO_FRAME]) -> Result<Vec<u8>, String> {
            self.0.fetch_add(if frame[0] == 0 { 150 } else { 1_900 }, Relaxed);
            Ok(vec![0])
        }
    }

    #[test]
    fn how_long_the_encoder_works_does_not_show() {
        let clock = AtomicU64::new(0);
        let mut encoder = PacedEncoder::new(Slow(&clock));
        let mut left = Vec::new();
        for n in 0..500_u64 {
            let captured = 1_000_000 + n * PACKET_US;
            clock.store(captured, Relaxed);
            let frame = [if n / 7 % 2 == 0 { 0 } else { 1000 }; AUDIO_FRAME];
            let sleep_until = |due| {
                clock.fetch_max(due, Relaxed);
            };
            let packet = encoder.packet(&frame, captured, sleep_until);
            assert_eq!(packet.map(|packet| packet.rtp_timestamp).ok(), u32::try_from(n * AUDIO_FRAME as u64).ok());
            left.push(clock.load(Relaxed));
        }
        assert_eq!(unevenness(&left), 0);
    }
}
