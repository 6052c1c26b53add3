//! A peer that holds the keys and sends nonsense: no panic, bounded memory, and good pictures afterwards.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use sotto_media::{AudioJitterBuffer, AudioPlay, EncodedFrame, VideoAssembler, VideoPacketizer};

struct Lcg(u64);
impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 24
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// A key frame after the storm must come out.
fn still_works(assembler: &mut VideoAssembler, counter: u64, now: u64) {
    let key = EncodedFrame { data: vec![42; 5000], key: true, rtp_timestamp: 77 };
    for (i, packet) in VideoPacketizer::new().packetize(&key).unwrap().iter().enumerate() {
        assembler.push(counter + i as u64, packet.rtp_timestamp, &packet.payload, now);
    }
    let found = core::iter::from_fn(|| assembler.poll(now)).any(|f| f.key && f.data == key.data);
    assert!(found, "a good key frame after hostile input is shown");
}

#[test]
fn every_truncation_and_bit_flip_of_a_video_packet_changes_nothing_but_its_own_picture() {
    let key = EncodedFrame { data: vec![1; 2000], key: true, rtp_timestamp: 5 };
    let packets = VideoPacketizer::new().packetize(&key).unwrap();
    let payload = &packets[0].payload;
    for cut in 0..payload.len() {
        let mut assembler = VideoAssembler::new();
        assembler.push(0, 5, &payload[..cut], 0);
        assert_eq!(assembler.poll(0), None);
        still_works(&mut assembler, 10, 1);
    }
    for bit in 0..payload.len() * 8 {
        let mut flipped = payload.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut assembler = VideoAssembler::new();
        assembler.push(0, 5, &flipped, 0);
        while assembler.poll(0).is_some() {}
        still_works(&mut assembler, 300, 1);
    }
}

#[test]
fn a_hundred_thousand_mutated_packets_neither_panic_nor_fill_memory() {
    let mut random = Lcg(20_261);
    let mut assembler = VideoAssembler::new();
    let mut packetizer = VideoPacketizer::new();
    let (mut counter, mut now) = (0_u64, 0_u64);
    let mut sent = 0;
    while sent < 100_000 {
        let bytes = 1 + random.below(20_000) as usize;
        let picture = EncodedFrame { data: vec![7; bytes], key: random.below(9) == 0, rtp_timestamp: counter as u32 };
        for mut packet in packetizer.packetize(&picture).unwrap() {
            for _ in 0..random.below(4) {
                match random.below(5) {
                    0 => packet.payload.truncate(random.below(packet.payload.len() as u64 + 1) as usize),
                    1 => packet.payload.extend((0..random.below(64)).map(|i| i as u8)),
                    2 if packet.payload.len() > 4 => packet.payload[random.below(4) as usize] = random.next() as u8,
                    3 => packet.rtp_timestamp = random.next() as u32,
                    _ => {
                        let at = random.below(packet.payload.len().max(1) as u64) as usize;
                        if let Some(byte) = packet.payload.get_mut(at) {
                            *byte ^= 1 << random.below(8);
                        }
                    }
                }
            }
            let at = match random.below(20) {
                0 => counter.saturating_sub(random.below(300)),
                1 => counter + random.below(300),
                2 => u64::MAX - random.below(3),
                _ => counter,
            };
            // A counter near the end of the scale is refused by the inner layer (2^40); here it must not panic either.
            let at = if at > 1 << 60 && random.below(1000) != 0 { counter } else { at.min(1 << 61) };
            if at < 1 << 60 {
                assembler.push(at, packet.rtp_timestamp, &packet.payload, now);
            }
            counter += 1;
            sent += 1;
            now += random.below(3);
            while assembler.poll(now).is_some() {}
            assembler.poll_key_request(now);
            assert!(assembler.buffered_bytes() <= 600_000);
        }
    }
    still_works(&mut assembler, counter + 1000, now + 1);
}

#[test]
fn pictures_that_never_end_are_bounded() {
    let mut assembler = VideoAssembler::new();
    for picture in 0..1000_u64 {
        for index in 0..255_u8 {
            let mut payload = vec![0; 1136];
            payload[..4].copy_from_slice(&[(picture >> 8) as u8, picture as u8, u8::from(index == 0) | 4, index]);
            assembler.push(picture * 256 + u64::from(index), 0, &payload, picture);
        }
        assert!(assembler.buffered_bytes() <= 600_000);
    }
    still_works(&mut assembler, 1_000_000, 2000);
}

#[test]
fn the_largest_counters_do_not_overflow() {
    let mut assembler = VideoAssembler::new();
    for counter in [u64::MAX, u64::MAX - 1, 0, u64::MAX] {
        for payload in [&[0, 0, 7, 0, 1][..], &[0, 0, 2, 255, 1], &[0, 1, 5, 0, 1]] {
            assembler.push(counter, 0, payload, u64::MAX);
            while assembler.poll(u64::MAX).is_some() {}
        }
    }
    let mut buffer = AudioJitterBuffer::new();
    for counter in [u64::MAX, u64::MAX - 1, 0, u64::MAX, 1 << 40] {
        for timestamp in [0, u32::MAX, 1 << 31] {
            buffer.push(counter, timestamp, &[1], u64::MAX);
            buffer.pull(u64::MAX, u32::MAX);
            buffer.pull(0, 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any order, repetition and loss within the buffer's reach: what is played is in order and never twice.
    #[test]
    fn sound_is_played_in_order_and_once(
        fates in proptest::collection::vec((0_u64..250, 0_u8..12), 1..300),
    ) {
        let mut arrivals = Vec::new();
        for (i, &(jitter, fate)) in fates.iter().enumerate() {
            let at = i as u64 * 20 + jitter;
            for copy in 0..match fate { 0 => 0, 1 => 2, _ => 1_u64 } {
                arrivals.push((at + copy * 30, i as u64));
            }
        }
        arrivals.sort_unstable();
        let mut buffer = AudioJitterBuffer::new();
        let mut played: Vec<u32> = Vec::new();
        let mut arrivals = arrivals.into_iter().peekable();
        for now in (0..fates.len() as u64 * 20 + 1000).step_by(20) {
            while arrivals.peek().is_some_and(|&(at, _)| at <= now) {
                let (at, i) = arrivals.next().unwrap();
                buffer.push(i, i as u32 * 960, &(i as u32).to_be_bytes(), at);
            }
            if let AudioPlay::Packet(bytes) = buffer.pull(now, 0) {
                played.push(u32::from_be_bytes(bytes[..].try_into().unwrap()));
            }
            prop_assert!(buffer.len() <= 64);
        }
        prop_assert!(played.windows(2).all(|w| w[0] < w[1]), "{played:?}");
        let stats = buffer.stats();
        prop_assert_eq!(stats.packets, played.len() as u64 + stats.skipped);
    }

    /// Whatever counters, timestamps, sizes and clocks: no panic, bounded memory.
    #[test]
    fn any_sound_packet_is_survived(
        packets in proptest::collection::vec((any::<u64>(), any::<u32>(), 0_usize..1400, any::<u64>(), any::<bool>()), 1..200),
    ) {
        let mut buffer = AudioJitterBuffer::new();
        for (counter, timestamp, size, now, near) in packets {
            let (counter, now) = if near { (counter % 600, now % 10_000) } else { (counter, now) };
            buffer.push(counter, timestamp, &vec![0; size], now);
            buffer.pull(now, 0);
            let _ = (buffer.pace(), buffer.stats());
            prop_assert!(buffer.len() <= 64);
        }
    }
}
