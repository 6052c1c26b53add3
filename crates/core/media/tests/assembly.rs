//! Packetiser and assembler together, over networks that lose, repeat and shuffle.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use sotto_media::{AssembledFrame, EncodedFrame, MediaPacket, VideoAssembler, VideoPacketizer};

fn picture(number: u32, bytes: usize, key: bool) -> EncodedFrame {
    EncodedFrame { data: vec![number as u8; bytes], key, rtp_timestamp: number * 3000 }
}

/// Packets with their counters.
fn stream(pictures: &[EncodedFrame]) -> Vec<(u64, MediaPacket)> {
    let mut packetizer = VideoPacketizer::new();
    let packets = pictures.iter().flat_map(|p| packetizer.packetize(p).unwrap());
    packets.enumerate().map(|(counter, packet)| (counter as u64, packet)).collect()
}

fn push(assembler: &mut VideoAssembler, packets: &[(u64, MediaPacket)], now: u64) -> Vec<AssembledFrame> {
    let mut out = Vec::new();
    for (counter, packet) in packets {
        assembler.push(*counter, packet.rtp_timestamp, &packet.payload, now);
        out.extend(core::iter::from_fn(|| assembler.poll(now)));
    }
    out
}

#[test]
fn an_intact_stream_comes_out_at_once() {
    let pictures: Vec<_> = (0..100).map(|i| picture(i, 1 + (i as usize * 777) % 9000, i == 0)).collect();
    let mut assembler = VideoAssembler::new();
    let out = push(&mut assembler, &stream(&pictures), 5);
    assert_eq!(out.len(), 100);
    for (frame, picture) in out.iter().zip(&pictures) {
        assert!(frame.data == picture.data && frame.key == picture.key);
        assert_eq!((frame.rtp_timestamp, frame.waited_ms), (picture.rtp_timestamp, 0));
    }
    assert_eq!(assembler.buffered_bytes(), 0);
    assert_eq!(assembler.wake_at(), None);
    assert!(!assembler.poll_key_request(10_000));
}

#[test]
fn a_repaired_packet_in_time_loses_no_picture() {
    let packets = stream(&(0..10).map(|i| picture(i, 3000, i == 0)).collect::<Vec<_>>());
    let mut assembler = VideoAssembler::new();
    assembler.set_rtt_ms(80);
    let (lost, mut rest) = (packets[7].clone(), packets.clone());
    rest.remove(7);
    assert_eq!(push(&mut assembler, &rest, 0).len(), 2);
    assert_eq!(assembler.wake_at(), Some(190));
    let repaired = push(&mut assembler, &[lost], 120);
    assert_eq!(repaired.len(), 8);
    assert_eq!(repaired[0].waited_ms, 120);
    assert!(!assembler.poll_key_request(120));
}

#[test]
fn an_unrepaired_loss_asks_for_a_key_frame_twice_a_second_and_goes_on_with_it() {
    let mut pictures: Vec<_> = (0..20).map(|i| picture(i, 3000, i == 0)).collect();
    pictures[15].key = true;
    let packets = stream(&pictures);
    let mut assembler = VideoAssembler::new();
    let mut before_key = packets[..45].to_vec();
    before_key.remove(7);
    assert_eq!(push(&mut assembler, &before_key, 0).len(), 2);
    assert!(!assembler.poll_key_request(0), "the repair is awaited first");
    let deadline = assembler.wake_at().unwrap();
    assert_eq!(assembler.poll(deadline - 1), None);
    assert_eq!(assembler.poll(deadline), None);
    assert!(assembler.poll_key_request(deadline));
    assert!(!assembler.poll_key_request(deadline + 499));
    assert!(assembler.poll_key_request(deadline + 500));
    let out = push(&mut assembler, &packets[45..], deadline + 600);
    assert_eq!(out.len(), 5);
    assert!(out[0].key && out[0].data == pictures[15].data);
    let stats = assembler.stats();
    assert_eq!((stats.lost, stats.frames, stats.key_frames), (1, 7, 2));
    assert_eq!(stats.frames_dropped, 13);
}

#[test]
fn a_complete_key_frame_ends_the_wait() {
    let mut pictures: Vec<_> = (0..6).map(|i| picture(i, 3000, i == 0)).collect();
    pictures[4].key = true;
    let mut packets = stream(&pictures);
    packets.remove(4);
    let mut assembler = VideoAssembler::new();
    let out = push(&mut assembler, &packets, 0);
    assert_eq!(out.iter().map(|f| f.rtp_timestamp / 3000).collect::<Vec<_>>(), [0, 4, 5]);
}

#[test]
fn a_picture_that_the_sender_left_out_is_noticed_by_its_number() {
    let pictures: Vec<_> = (0..5).map(|i| picture(i, 100, i == 0)).collect();
    let mut packetizer = VideoPacketizer::new();
    let mut packets: Vec<_> = pictures.iter().flat_map(|p| packetizer.packetize(p).unwrap()).collect();
    packets.remove(2); // dropped before sealing: no counter was used up
    let packets: Vec<_> = (0_u64..).zip(packets).collect();
    let mut assembler = VideoAssembler::new();
    assert_eq!(push(&mut assembler, &packets, 0).len(), 2);
    assert!(assembler.poll_key_request(0));
}

#[test]
fn after_a_decoder_error_only_a_key_frame_comes_out() {
    let mut pictures: Vec<_> = (0..6).map(|i| picture(i, 100, i == 0)).collect();
    pictures[4].key = true;
    let packets = stream(&pictures);
    let mut assembler = VideoAssembler::new();
    assert_eq!(push(&mut assembler, &packets[..2], 0).len(), 2);
    assembler.decoder_failed();
    assert!(assembler.poll_key_request(0));
    let out = push(&mut assembler, &packets[2..], 0);
    assert_eq!(out.iter().map(|f| f.rtp_timestamp / 3000).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn pictures_after_a_key_frame_under_repair_are_kept_and_no_other_is_asked_for() {
    let packets = stream(&(0..4).map(|i| picture(i, 3000, i == 0)).collect::<Vec<_>>());
    let mut assembler = VideoAssembler::new();
    let mut rest = packets;
    let lost = rest.remove(1);
    assert_eq!(push(&mut assembler, &rest, 0).len(), 0);
    assert!(!assembler.poll_key_request(60), "it is being repaired");
    assert_eq!(push(&mut assembler, &[lost], 60).len(), 4);
    // One that is never repaired is asked for again.
    let mut assembler = VideoAssembler::new();
    assert_eq!(push(&mut assembler, &rest, 0).len(), 0);
    assert!(assembler.poll_key_request(200));
}

#[test]
fn joining_late_needs_a_key_frame() {
    let mut pictures: Vec<_> = (0..6).map(|i| picture(i, 5000, false)).collect();
    pictures[3].key = true;
    let mut assembler = VideoAssembler::new();
    assert!(!assembler.poll_key_request(0), "nothing is sent yet");
    let out = push(&mut assembler, &stream(&pictures)[2..], 0);
    assert_eq!(out.iter().map(|f| f.rtp_timestamp / 3000).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(assembler.stats().lost, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any permutation, repetition and loss: pictures come out whole, each at most once, in order, and after a gap a
    /// key frame comes first.
    #[test]
    fn output_is_in_order_whole_and_decodable(
        sizes in proptest::collection::vec((1_usize..6000, any::<bool>()), 1..40),
        order in proptest::collection::vec((any::<u16>(), 0_u8..10), 400),
    ) {
        let pictures: Vec<_> = sizes.iter().enumerate()
            .map(|(i, &(bytes, key))| picture(i as u32, bytes, key || i == 0)).collect();
        let packets = stream(&pictures);
        let mut shuffled: Vec<_> = packets.iter().zip(order.iter().cycle()).enumerate()
            .flat_map(|(i, (packet, &(swap, fate)))| {
                let copies = match fate { 0 => 0, 1 => 2, _ => 1 };
                core::iter::repeat_n((i as u64 * 1000 + u64::from(swap) / 8, packet.clone()), copies)
            }).collect();
        shuffled.sort_by_key(|&(at, _)| at);
        let mut assembler = VideoAssembler::new();
        let mut out = Vec::new();
        for (at, packet) in shuffled {
            out.extend(push(&mut assembler, &[packet], at / 500));
            prop_assert!(assembler.buffered_bytes() <= 600_000);
        }
        out.extend(core::iter::from_fn(|| assembler.poll(1_000_000)));
        let numbers: Vec<u32> = out.iter().map(|f| f.rtp_timestamp / 3000).collect();
        let mut last = None;
        for (frame, &number) in out.iter().zip(&numbers) {
            prop_assert!(frame.data == pictures[number as usize].data);
            prop_assert!(last.is_none_or(|last| last < number), "{numbers:?}");
            prop_assert!(frame.key || last == number.checked_sub(1), "{numbers:?}");
            last = Some(number);
        }
        let stats = assembler.stats();
        prop_assert_eq!(stats.malformed, 0);
        prop_assert_eq!(stats.frames as usize, out.len());
    }
}
