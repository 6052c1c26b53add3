//! The jitter buffer and the player in virtual time against seeded networks.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_media::{AUDIO_FRAME, AudioDecoder, AudioJitterBuffer, AudioPlay, AudioPlayout, JitterStats};

/// Decodes to a frame whose samples all hold the packet's number, so that order is visible.
#[derive(Default)]
struct NumberDecoder {
    log: Vec<Played>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Played {
    Packet(u32),
    Recovered(u32),
    Concealed,
}

impl AudioDecoder for NumberDecoder {
    fn decode(&mut self, packet: &[u8], out: &mut [i16; AUDIO_FRAME]) -> Result<(), String> {
        self.log.push(Played::Packet(u32::from_be_bytes(packet[..4].try_into().unwrap())));
        out.fill(0);
        Ok(())
    }
    fn recover(&mut self, next: &[u8], out: &mut [i16; AUDIO_FRAME]) -> Result<(), String> {
        self.log.push(Played::Recovered(u32::from_be_bytes(next[..4].try_into().unwrap()) - 1));
        out.fill(0);
        Ok(())
    }
    fn conceal(&mut self, out: &mut [i16; AUDIO_FRAME]) {
        self.log.push(Played::Concealed);
        out.fill(0);
    }
}

struct Lcg(u64);
impl Lcg {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Sends `count` packets; `network(i)` is the one-way delay in ms, or `None` for a loss. Pulls every 20 ms. Returns the
/// figures at the end and the largest delay of the buffer in the last second.
fn run(count: u64, mut network: impl FnMut(u64) -> Option<u64>) -> (JitterStats, u64) {
    let mut arrivals: Vec<(u64, u64)> = (0..count).filter_map(|i| Some((i * 20 + network(i)?, i))).collect();
    arrivals.sort_unstable();
    let mut playout = AudioPlayout::new(NumberDecoder::default());
    let mut arrivals = arrivals.into_iter().peekable();
    let mut out = [0; AUDIO_FRAME];
    for now in (7..count * 20).step_by(20) {
        while arrivals.peek().is_some_and(|&(at, _)| at <= now) {
            let (at, i) = arrivals.next().unwrap();
            playout.push(i, (i as u32) * 960, &(i as u32).to_be_bytes(), at);
        }
        playout.next_frame(now, &mut out);
    }
    (playout.stats(), playout.stretched_ms())
}

#[test]
fn a_perfect_network_loses_nothing_and_waits_little() {
    let (stats, stretched) = run(1000, |_| Some(50));
    // One splice, when the first second has shown that less than the start value is enough; none after it.
    assert!(stretched <= 15, "{stretched}");
    assert_eq!((stats.lost, stats.concealed, stats.late, stats.skipped), (0, 0, 0, 0));
    assert!(stats.delay_ms <= 60, "{stats:?}");
}

#[test]
fn jitter_of_30_ms_conceals_at_most_one_per_cent() {
    let mut random = Lcg(1);
    let (stats, _) = run(3000, |_| Some(50 + random.below(31)));
    assert!(stats.concealed + stats.lost <= 30, "{stats:?}");
    assert!(stats.delay_ms <= 90, "{stats:?}");
}

#[test]
fn single_losses_are_recovered_from_the_next_packet() {
    let (stats, _) = run(1000, |i| (i % 20 != 10).then_some(40));
    assert_eq!(stats.lost, 50, "{stats:?}");
    assert_eq!(stats.recovered, 50, "{stats:?}");
    assert_eq!(stats.concealed, 0, "{stats:?}");
}

#[test]
fn bursts_of_loss_are_concealed_and_add_no_delay() {
    let (stats, _) = run(1500, |i| (i % 100 < 95).then_some(40));
    assert_eq!(stats.lost, 14 * 5, "{stats:?}");
    assert_eq!(stats.skipped, 0, "{stats:?}");
    assert!(stats.delay_ms <= 80, "{stats:?}");
}

#[test]
fn a_stall_is_followed_by_catching_up() {
    // Nothing comes for 400 ms, then all of it at once.
    let (stats, _) = run(1500, |i| Some(if (300..320).contains(&i) { 40 + (320 - i) * 20 } else { 40 }));
    assert!(stats.delay_ms <= 60, "{stats:?}");
    assert!(stats.concealed <= 12, "{stats:?}");
}

#[test]
fn a_worse_network_is_met_by_stretching_and_a_better_one_by_shortening() {
    let mut random = Lcg(3);
    let (stats, stretched) = run(3000, |i| Some(if (500..1500).contains(&i) { 40 + random.below(120) } else { 40 }));
    assert!(stretched >= 100, "{stretched}");
    assert!(stats.delay_ms <= 60, "{stats:?}");
    assert!(stats.lost + stats.concealed <= 60, "{stats:?}");
}

#[test]
fn clocks_that_drift_apart_are_followed() {
    // The sender's clock is 300 ppm fast, then slow: 18 ms in a minute each.
    for sign in [1_i64, -1] {
        let (stats, _) = run(9000, |i| Some((100 + sign * (i as i64 * 20 * 3 / 10_000)) as u64));
        assert_eq!((stats.lost, stats.concealed + stats.skipped), (0, 0), "{stats:?}");
        assert!((20..=80).contains(&stats.delay_ms), "{stats:?}");
    }
}

#[test]
fn a_sender_that_sleeps_for_a_minute_is_heard_again_at_once() {
    let mut playout = AudioPlayout::new(NumberDecoder::default());
    let mut out = [0; AUDIO_FRAME];
    let mut play = |from: u64, offset: u64| {
        for i in from..from + 200 {
            let now = offset + i * 20;
            playout.push(i, (i as u32) * 960, &(i as u32).to_be_bytes(), now);
            playout.next_frame(now + 5, &mut out);
        }
        playout.stats()
    };
    let before = play(0, 0);
    assert_eq!(before.lost, 0);
    let after = play(200, 60_000);
    assert!(after.lost + after.skipped <= 3, "{after:?}");
    assert!(after.delay_ms <= 90, "{after:?}");
}

#[test]
fn order_is_that_of_the_counter() {
    let mut buffer = AudioJitterBuffer::new();
    for counter in [12, 10, 11, 14, 13, 11] {
        buffer.push(counter, counter as u32 * 960, &[counter as u8], 0);
    }
    assert_eq!(buffer.stats().duplicates, 1);
    let mut played = Vec::new();
    for i in 0..20 {
        if let AudioPlay::Packet(bytes) = buffer.pull(i * 20, 0) {
            played.push(bytes[0]);
        }
    }
    assert_eq!(played, [10, 11, 12, 13, 14]);
}

#[test]
fn after_long_silence_the_buffer_says_silence_not_concealment() {
    let mut buffer = AudioJitterBuffer::new();
    assert_eq!(buffer.pull(0, 0), AudioPlay::Silence);
    for i in 0..10 {
        buffer.push(i, i as u32 * 960, &[1], i * 20);
        buffer.pull(i * 20, 0);
    }
    let rest: Vec<_> = (10..40).map(|i| buffer.pull(i * 20, 0)).collect();
    assert!(rest.contains(&AudioPlay::Conceal));
    assert_eq!(rest.last(), Some(&AudioPlay::Silence));
}

#[test]
fn a_start_under_load_is_set_right_within_a_second() {
    // Everything starts at once: the first packets are late by 150 ms, the others are not.
    let (stats, stretched) = run(60, |i| Some(if i < 10 { 200 } else { 50 }));
    assert!(stats.delay_ms <= 70, "{stats:?}");
    assert!(stretched > 0, "by stretching");
    assert_eq!(stats.lost, 0);
}
