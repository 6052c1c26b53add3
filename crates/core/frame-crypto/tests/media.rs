//! The receiver rules and shapes of media packets (PROTOCOL §7.3–§7.5), one test a rule.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::HashSet;

use common::{MEDIA, Rng, codec, pair, root, seal, shape, with_bytes, with_header};
use proptest::prelude::*;
use sotto_frame_crypto::{
    COUNTER_LIMIT, Dropped, EpochKeys, GRACE_MS, MAX_MEDIA_PAYLOAD, MediaOpener, MediaSealer, SealError, Shape,
    TrackSet, VIDEO_FULL_LEN, header::Header, sframe::SframeKey,
};
use sotto_identity::derive;
use sotto_wire::{Codec, Role, SealedPacket, TrackId};

fn ends() -> (MediaSealer, MediaOpener) {
    let (client, therapist) = pair();
    (client.media_sealer, therapist.media_opener)
}

/// Asserts that a packet is dropped for a reason, is counted, and changes nothing.
fn drops(opener: &mut MediaOpener, packet: &SealedPacket, now_ms: u64, reason: Dropped) {
    let (state, count) = (opener.state_digest(), opener.dropped().of(reason));
    assert_eq!(opener.open(packet, now_ms), Err(reason));
    assert_eq!(opener.dropped().of(reason), count + 1);
    assert!(opener.state_digest() == state, "{reason:?} changed the state");
}

#[test]
fn both_directions_and_all_tracks_round_trip() {
    let (mut client, mut therapist) = pair();
    for n in 0..50_u32 {
        for track in MEDIA {
            let payload = vec![n as u8; n as usize * 20];
            for (from, to) in [
                (&mut client.media_sealer, &mut therapist.media_opener),
                (&mut therapist.media_sealer, &mut client.media_opener),
            ] {
                let packet = from.seal(track, codec(track), n % 2 == 0, n * 960, &payload, shape(track)).unwrap();
                let opened = to.open(&packet, 0).unwrap();
                assert_eq!((opened.track, opened.counter), (track, u64::from(n)));
                assert_eq!((opened.codec, opened.marker, opened.rtp_timestamp), (codec(track), n % 2 == 0, n * 960));
                assert_eq!(opened.payload, payload);
            }
        }
    }
    assert_eq!(client.media_opener.dropped().total() + therapist.media_opener.dropped().total(), 0);
}

#[test]
fn ciphertext_does_not_hold_the_payload() {
    let (mut sealer, _) = ends();
    let payload = b"a payload that must not be readable";
    let packet = seal(&mut sealer, TrackId::Audio, payload);
    for window in payload.windows(4) {
        assert!(!packet.bytes.windows(4).any(|found| found == window));
    }
}

#[test]
fn sframe_reflection_dropped() {
    let (mut client, _) = pair();
    let own = seal(&mut client.media_sealer, TrackId::Audio, &[1; 80]);
    drops(&mut client.media_opener, &own, 0, Dropped::Reflection);
    // Relabelled as the other direction it is still sealed under our own key.
    let relabelled = with_header(&own, |header| header.kid ^= 0x80);
    drops(&mut client.media_opener, &relabelled, 0, Dropped::Forged);
}

#[test]
fn sframe_cross_track_dropped() {
    let (mut sealer, mut opener) = ends();
    let camera = seal(&mut sealer, TrackId::Camera, &[1; 80]);
    for track in [TrackId::Screen, TrackId::Audio, TrackId::Control, TrackId::File] {
        drops(&mut opener, &SealedPacket { track, ..camera.clone() }, 0, Dropped::CrossTrack);
    }
    let relabelled = with_header(&camera, |header| header.kid = 0x20);
    drops(&mut opener, &SealedPacket { track: TrackId::Screen, ..relabelled }, 0, Dropped::Forged);
    let data = with_header(&camera, |header| header.kid = 0x40);
    drops(&mut opener, &SealedPacket { track: TrackId::Control, ..data }, 0, Dropped::CrossTrack);
    opener.open(&camera, 0).unwrap();
}

#[test]
fn sframe_timestamp_or_marker_change_fails() {
    let (mut sealer, mut opener) = ends();
    let packet = seal(&mut sealer, TrackId::Camera, &[1; 80]);
    for changed in [
        SealedPacket { rtp_timestamp: packet.rtp_timestamp + 1, ..packet.clone() },
        SealedPacket { marker: !packet.marker, ..packet.clone() },
        SealedPacket { codec: Codec::Av1, ..packet.clone() },
    ] {
        drops(&mut opener, &changed, 0, Dropped::Forged);
    }
    opener.open(&packet, 0).unwrap();
}

/// SSRC, sequence number and payload type are not in a `SealedPacket`: what RTX gives back is the same, and is opened
/// once.
#[test]
fn sframe_rtx_with_new_ssrc_seq_ok() {
    let (mut sealer, mut opener) = ends();
    let lost = seal(&mut sealer, TrackId::Camera, &[1; 80]);
    for _ in 0..20 {
        opener.open(&seal(&mut sealer, TrackId::Camera, &[2; 80]), 0).unwrap();
    }
    assert_eq!(opener.open(&lost.clone(), 0).unwrap().counter, 0);
    drops(&mut opener, &lost, 0, Dropped::Replayed);
}

#[test]
fn sframe_replay_window_edges() {
    for (track, size) in
        [(TrackId::Audio, 512), (TrackId::Camera, 2048), (TrackId::Screen, 2048), (TrackId::ScreenAudio, 512)]
    {
        let (mut sealer, mut opener) = ends();
        let packets: Vec<_> = (0..=size).map(|_| seal(&mut sealer, track, &[1; 10])).collect();
        opener.open(&packets[size], 0).unwrap();
        drops(&mut opener, &packets[0], 0, Dropped::TooOld);
        opener.open(&packets[1], 0).unwrap();
        drops(&mut opener, &packets[1], 0, Dropped::Replayed);
        drops(&mut opener, &packets[size], 0, Dropped::Replayed);
        for packet in packets[2..size].iter().rev() {
            opener.open(packet, 0).unwrap();
        }
        for packet in &packets[1..] {
            drops(&mut opener, packet, 0, Dropped::Replayed);
        }
    }
}

#[test]
fn a_forged_high_counter_does_not_move_the_window() {
    let (mut sealer, mut opener) = ends();
    let first = seal(&mut sealer, TrackId::Audio, &[1; 80]);
    let forged = with_header(&first, |header| header.ctr = COUNTER_LIMIT - 1);
    drops(&mut opener, &forged, 0, Dropped::Forged);
    let beyond = with_header(&first, |header| header.ctr = COUNTER_LIMIT);
    drops(&mut opener, &beyond, 0, Dropped::Malformed);
    opener.open(&first, 0).unwrap();
}

#[test]
fn sframe_forged_step_not_committed() {
    let (mut sealer, mut opener) = ends();
    let first = seal(&mut sealer, TrackId::Audio, &[1; 80]);
    for step in 1..=15 {
        drops(&mut opener, &with_header(&first, |header| header.kid |= step), 0, Dropped::Forged);
    }
    opener.open(&first, 0).unwrap();
}

#[test]
fn an_authentic_step_moves_all_media_tracks_and_skips() {
    let (mut sealer, mut opener) = ends();
    let old_camera = seal(&mut sealer, TrackId::Camera, &[1; 80]);
    for step in 1..=3 {
        assert_eq!(sealer.ratchet(), Ok(step));
    }
    opener.open(&seal(&mut sealer, TrackId::Audio, &[3; 80]), 0).unwrap();
    drops(&mut opener, &old_camera, 0, Dropped::OldStep);
    opener.open(&seal(&mut sealer, TrackId::Camera, &[3; 80]), 0).unwrap();
}

#[test]
fn sframe_grace_5s_then_erased() {
    let (mut sealer, mut opener) = ends();
    let late: Vec<_> = (0..3).map(|_| seal(&mut sealer, TrackId::Audio, &[1; 80])).collect();
    sealer.ratchet().unwrap();
    opener.open(&seal(&mut sealer, TrackId::Audio, &[2; 80]), 1000).unwrap();
    opener.open(&late[0], 1000).unwrap();
    opener.open(&late[1], 1000 + GRACE_MS - 1).unwrap();
    opener.tick(1000 + GRACE_MS);
    drops(&mut opener, &late[2], 1000 + GRACE_MS, Dropped::OldStep);
    // The clock that goes back doesn't bring the keys back.
    drops(&mut opener, &late[2], 1000, Dropped::OldStep);
}

#[test]
fn sframe_old_kid_high_ctr_dropped() {
    // A second sealer with the same keys plays somebody who got the keys of step 0.
    let (mut sealer, mut opener) = ends();
    let mut thief = ends().0;
    sealer.ratchet().unwrap();
    opener.open(&seal(&mut sealer, TrackId::Audio, &[1; 80]), 0).unwrap();
    thief.skip_counters_for_test(TrackId::Audio, 1);
    drops(&mut opener, &seal(&mut thief, TrackId::Audio, &[9; 80]), 0, Dropped::OldKey);
    // Nothing was heard on the camera with a newer key, and the step's grace runs.
    opener.open(&seal(&mut thief, TrackId::Camera, &[9; 80]), 0).unwrap();
}

#[test]
fn steps_end_at_15_and_nothing_is_sealed_before_the_next_epoch() {
    let (mut sealer, mut opener) = ends();
    for step in 1..=15 {
        assert_eq!(sealer.ratchet(), Ok(step));
        opener.open(&seal(&mut sealer, TrackId::Audio, &[1; 80]), 0).unwrap();
    }
    assert_eq!(sealer.ratchet(), Err(SealError::StepsExhausted));
    let (audio, payload) = (TrackId::Audio, [1; 80]);
    let paused = sealer.seal(audio, codec(audio), false, 0, &payload, Shape::Audio);
    assert_eq!(paused.err(), Some(SealError::StepsExhausted));
    let sealed = sealer.sealed(audio);
    opener.admit_epoch(EpochKeys::derive(root(0x53), 1, Role::Responder).media_open).unwrap();
    sealer.start_epoch(EpochKeys::derive(root(0x53), 1, Role::Initiator).media_seal).unwrap();
    assert_eq!((sealer.epoch_and_step(), sealer.sealed(audio)), ((1, 0), sealed), "what was refused cost no counter");
    opener.open(&seal(&mut sealer, audio, &payload), 0).unwrap();
}

#[test]
fn a_new_epoch_takes_over_with_its_first_authentic_packet() {
    let (mut sealer, mut opener) = ends();
    let late: Vec<_> = (0..3).map(|_| seal(&mut sealer, TrackId::Audio, &[1; 80])).collect();
    let ours = EpochKeys::derive(root(0x53), 1, Role::Initiator);
    let theirs = EpochKeys::derive(root(0x53), 1, Role::Responder);
    sealer.start_epoch(ours.media_seal).unwrap();
    let early = seal(&mut sealer, TrackId::Audio, &[2; 80]);
    drops(&mut opener, &early, 0, Dropped::UnknownEpoch);
    opener.admit_epoch(theirs.media_open).unwrap();
    opener.open(&late[0], 0).unwrap();
    drops(&mut opener, &with_header(&late[1], |header| header.kid |= 0x100), 0, Dropped::Forged);
    assert_eq!(opener.open(&early, 100).unwrap().counter, 3, "counters go on");
    opener.open(&late[1], 100 + GRACE_MS - 1).unwrap();
    opener.tick(100 + GRACE_MS);
    drops(&mut opener, &late[2], 100 + GRACE_MS, Dropped::UnknownEpoch);
}

#[test]
fn epochs_follow_each_other() {
    let (mut sealer, mut opener) = ends();
    for (epoch, role) in [(0, Role::Initiator), (2, Role::Initiator), (1, Role::Responder)] {
        assert_eq!(sealer.start_epoch(EpochKeys::derive(root(1), epoch, role).media_seal), Err(SealError::WrongEpoch));
    }
    for (epoch, role) in [(0, Role::Responder), (2, Role::Responder), (1, Role::Initiator)] {
        assert_eq!(opener.admit_epoch(EpochKeys::derive(root(1), epoch, role).media_open), Err(SealError::WrongEpoch));
    }
    opener.open(&seal(&mut sealer, TrackId::Audio, &[1; 80]), 0).unwrap();
}

#[test]
fn another_sessions_root_opens_nothing() {
    let (mut sealer, _) = ends();
    let mut other = sotto_frame_crypto::SessionKeys::new(root(0x99), &common::H, Role::Responder).media_opener;
    other.set_allowed(TrackSet::ALL);
    drops(&mut other, &seal(&mut sealer, TrackId::Audio, &[1; 80]), 0, Dropped::Forged);
}

#[test]
fn gate_drops_authentic_packets_of_other_tracks_and_they_stay_used() {
    let (mut client, mut therapist) = pair();
    let opener = &mut therapist.media_opener;
    opener.set_allowed(TrackSet::NONE.with(TrackId::Audio));
    let camera = seal(&mut client.media_sealer, TrackId::Camera, &[1; 80]);
    assert_eq!(opener.open(&camera, 0), Err(Dropped::Gate));
    opener.open(&seal(&mut client.media_sealer, TrackId::Audio, &[1; 80]), 0).unwrap();
    opener.set_allowed(TrackSet::ALL);
    drops(opener, &camera, 0, Dropped::Replayed);
    opener.open(&seal(&mut client.media_sealer, TrackId::Camera, &[1; 80]), 0).unwrap();
    assert_eq!(opener.dropped().of(Dropped::Gate), 1);
}

#[test]
fn a_new_opener_allows_nothing() {
    let mut client = sotto_frame_crypto::SessionKeys::new(root(1), &common::H, Role::Initiator);
    let mut therapist = sotto_frame_crypto::SessionKeys::new(root(1), &common::H, Role::Responder);
    for track in MEDIA {
        let packet = seal(&mut client.media_sealer, track, &[1; 80]);
        assert_eq!(therapist.media_opener.open(&packet, 0), Err(Dropped::Gate));
    }
}

#[test]
fn integrity_warning_after_five_seconds_of_forgeries() {
    let (mut sealer, mut opener) = ends();
    let forged = with_header(&seal(&mut sealer, TrackId::Audio, &[1; 80]), |header| header.ctr = 77);
    for second in 0..5 {
        assert!(!opener.integrity_warning(second * 1000));
        for n in 0..201 {
            assert_eq!(opener.open(&forged, second * 1000 + n), Err(Dropped::Forged));
        }
    }
    assert!(opener.integrity_warning(5000));
    assert_eq!(opener.dropped().of(Dropped::Forged), 5 * 201);
}

#[test]
fn sframe_padding_roundtrip_and_bad_len() {
    let (mut sealer, mut opener) = ends();
    for len in [0, 1, 2, 255, 256, MAX_MEDIA_PAYLOAD - 1, MAX_MEDIA_PAYLOAD] {
        for shape in [Shape::Audio, Shape::VideoFull, Shape::VideoExact] {
            let payload = vec![0xA5; len];
            let packet = sealer.seal(TrackId::Camera, Codec::H264, false, 1, &payload, shape).unwrap();
            assert_eq!(opener.open(&packet, 0).unwrap().payload, payload, "{shape:?} {len}");
        }
    }
    assert_eq!(
        sealer.seal(TrackId::Camera, Codec::H264, false, 1, &[0; MAX_MEDIA_PAYLOAD + 1], Shape::VideoFull),
        Err(SealError::TooLong)
    );
    assert_eq!(
        sealer.seal(TrackId::Chat, Codec::H264, false, 1, &[0; 1], Shape::VideoExact),
        Err(SealError::WrongTrack)
    );

    // A peer with the keys and broken software: `base` as PROTOCOL §7.2 derives it.
    let base: sotto_identity::Secret<64> = derive::kdf(&root(0x52), "sframe base", &[0, 0, 0, 0, 0, 1]);
    let key = SframeKey::derive(base.expose(), 0x10);
    let metadata = [1, 0, 0, 0, 0, 1, 102];
    for (n, plaintext) in [&b""[..], b"\0", b"\0\x01", b"\0\x04abc", b"\xFF\xFFabc", b"\0\x02abc", b"\0\0\0\0\x01"]
        .into_iter()
        .enumerate()
    {
        let bytes = key.seal(1000 + n as u64, &metadata, &[plaintext], 0).unwrap();
        let packet = SealedPacket {
            track: TrackId::Camera,
            marker: false,
            rtp_timestamp: 1,
            codec: Codec::H264,
            bytes: bytes.into(),
        };
        assert_eq!(opener.open(&packet, 0), Err(Dropped::BadPadding), "{plaintext:?}");
    }
}

/// Audio has one size a rung, full video one size, from the first packet to beyond those of a session.
#[test]
fn sframe_overhead_23_24_bytes() {
    let roles = [Role::Initiator, Role::Responder];
    for (role, epoch) in roles.into_iter().flat_map(|role| [0, 1, 255].map(|epoch| (role, epoch))) {
        let mut sealer = sotto_frame_crypto::SessionKeys::new(root(1), &common::H, role).media_sealer;
        for epoch in 1..=epoch {
            sealer.start_epoch(EpochKeys::derive(root(1), epoch, role).media_seal).unwrap();
        }
        for track in MEDIA {
            for ctr in [0, 7, 8, 255, 256, 65_535, 65_536, (1 << 24) - 1] {
                sealer.skip_counters_for_test(track, ctr);
                let payload = [1; 80];
                let (codec, counter) = (codec(track), sealer.sealed(track));
                let header_len = if counter < 8 { 1 } else { 2 + (counter.ilog2() / 8) as usize };
                let kid_len = match epoch {
                    0 => usize::from(track != TrackId::Audio || role == Role::Responder),
                    _ => 2,
                };
                let packet = sealer.seal(track, codec, false, 0, &payload, Shape::Audio).unwrap();
                assert_eq!(packet.bytes.len(), 104);
                let (header, len) = Header::parse(&packet.bytes).unwrap();
                assert_eq!((header.ctr, len), (counter, header_len + kid_len));
                if epoch == 255 && ctr >= 256 {
                    let packet = sealer.seal(track, codec, false, 0, &payload, Shape::VideoExact).unwrap();
                    assert!((80 + 23..=80 + 25).contains(&packet.bytes.len()), "typical after the first rekey");
                }
            }
        }
    }

    let mut sealer = ends().0;
    for (ctr, len) in [0, 7, 8, 300, 70_000].into_iter().zip([0, 1, 500, 1135, 1136]) {
        sealer.skip_counters_for_test(TrackId::Camera, ctr);
        let packet = sealer.seal(TrackId::Camera, Codec::H264, false, 0, &vec![1; len], Shape::VideoFull).unwrap();
        assert_eq!(packet.bytes.len(), VIDEO_FULL_LEN);
    }
    assert_eq!(VIDEO_FULL_LEN, 1160);
}

/// Nobody gets to packet 2^24 of a track in a usual session; if so, full packets grow by the byte of the header.
#[test]
fn a_header_of_seven_bytes_costs_a_byte() {
    let (mut sealer, mut opener) = ends();
    for epoch in 1..=9 {
        sealer.start_epoch(EpochKeys::derive(root(epoch), epoch, Role::Initiator).media_seal).unwrap();
        opener.admit_epoch(EpochKeys::derive(root(epoch), epoch, Role::Responder).media_open).unwrap();
        opener.open(&seal(&mut sealer, TrackId::Audio, &[1; 80]), 0).unwrap();
    }
    sealer.skip_counters_for_test(TrackId::Camera, 1 << 24);
    let packet = seal(&mut sealer, TrackId::Camera, &[1; MAX_MEDIA_PAYLOAD]);
    assert_eq!(packet.bytes.len(), VIDEO_FULL_LEN + 1);
    opener.open(&packet, 0).unwrap();
}

#[test]
fn counters_end_below_2_40() {
    let (mut sealer, mut opener) = ends();
    sealer.skip_counters_for_test(TrackId::Audio, COUNTER_LIMIT - 1);
    opener.open(&seal(&mut sealer, TrackId::Audio, &[1; 80]), 0).unwrap();
    assert_eq!(
        sealer.seal(TrackId::Audio, Codec::Opus, false, 0, &[1; 80], Shape::Audio),
        Err(SealError::CounterExhausted)
    );
    seal(&mut sealer, TrackId::Camera, &[1; 80]);
}

#[test]
fn a_refused_payload_uses_no_counter() {
    let (mut sealer, _) = ends();
    let _ = sealer.seal(TrackId::Audio, Codec::Opus, false, 0, &[1; 2000], Shape::Audio).unwrap_err();
    assert_eq!(sealer.sealed(TrackId::Audio), 0);
}

#[test]
fn debug_shows_no_contents_and_no_key() {
    let (mut client, mut therapist) = pair();
    let packet = seal(&mut client.media_sealer, TrackId::Audio, b"SECRETWORDS");
    let opened = therapist.media_opener.open(&packet, 0).unwrap();
    let keys = EpochKeys::derive(root(0x52), 1, Role::Initiator);
    for text in [format!("{opened:?}"), format!("{client:?}"), format!("{therapist:?}"), format!("{keys:?}")] {
        assert!(!text.contains("SECRET") && !text.contains("83, 69, 67") && !text.contains("82, 82"), "{text}");
    }
}

/// What a sender may do.
#[derive(Clone, Copy, Debug)]
enum Op {
    Seal(u8, u8),
    Ratchet,
    Epoch,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// No pair of KID and CTR, hence no nonce under a key, comes twice, whatever the schedule of ratchets and rekeys;
    /// counters never go back.
    #[test]
    fn sframe_ctr_never_repeats_under_key(ops in prop::collection::vec(prop_oneof![
        20 => (0_u8..4, 1_u8..40).prop_map(|(track, count)| Op::Seal(track, count)),
        2 => Just(Op::Ratchet),
        1 => Just(Op::Epoch),
    ], 1..200)) {
        let mut sealer = ends().0;
        let (mut epoch, mut seen, mut next) = (0, HashSet::new(), [0_u64; 4]);
        let mut is_exhausted = false;
        for op in ops {
            match op {
                // With no step left nothing is sealed until the next epoch.
                Op::Seal(track, _) if is_exhausted => {
                    let track = MEDIA[usize::from(track)];
                    let refused = sealer.seal(track, codec(track), true, 960, &[1; 10], shape(track));
                    prop_assert_eq!(refused.unwrap_err(), SealError::StepsExhausted);
                }
                Op::Seal(track, count) => for _ in 0..count {
                    let packet = seal(&mut sealer, MEDIA[usize::from(track)], &[1; 10]);
                    let (header, _) = Header::parse(&packet.bytes).unwrap();
                    prop_assert!(seen.insert((header.kid, header.ctr)));
                    prop_assert_eq!(header.ctr, next[usize::from(track)]);
                    next[usize::from(track)] += 1;
                },
                Op::Ratchet => is_exhausted |= sealer.ratchet().is_err(),
                Op::Epoch => {
                    epoch += 1;
                    is_exhausted = false;
                    sealer.start_epoch(EpochKeys::derive(root(epoch), epoch, Role::Initiator).media_seal).unwrap();
                }
            }
        }
    }

    /// Packets in any order, some twice, some lost, over steps: each is opened at most once, with its own contents.
    #[test]
    fn a_bad_network_gives_each_packet_at_most_once(seed in any::<u64>(), ratchets in prop::collection::vec(0_usize..200, 0..4)) {
        let (mut sealer, mut opener) = ends();
        let mut rng = Rng(seed | 1);
        let mut flight = Vec::new();
        let mut opened = HashSet::new();
        for n in 0..200_usize {
            if ratchets.contains(&n) {
                sealer.ratchet().unwrap();
            }
            let packet = seal(&mut sealer, TrackId::Audio, &n.to_be_bytes());
            for _ in 0..rng.below(3) {
                flight.push(packet.clone());
            }
            while flight.len() > 8 {
                let packet = flight.swap_remove(rng.below(8));
                if let Ok(packet) = opener.open(&packet, n as u64) {
                    prop_assert_eq!(packet.payload, packet.counter.to_be_bytes());
                    prop_assert!(opened.insert(packet.counter));
                }
            }
        }
        prop_assert!(opened.len() > 60);
    }
}

/// A million packets over all tracks, with a ratchet every 30 000: the issue is nonces, so nothing is opened.
#[test]
fn a_million_packets_never_repeat_a_nonce() {
    let mut sealer = ends().0;
    let mut seen = HashSet::with_capacity(1_000_000);
    for n in 0..1_000_000_usize {
        if n % 30_000 == 29_999 && sealer.ratchet().is_err() {
            let epoch = u8::try_from(n / 480_000 + 1).unwrap();
            sealer.start_epoch(EpochKeys::derive(root(epoch), epoch, Role::Initiator).media_seal).unwrap();
        }
        let packet = sealer.seal(MEDIA[n % 4], Codec::H264, false, 0, &[], Shape::VideoExact).unwrap();
        let (header, _) = Header::parse(&packet.bytes).unwrap();
        assert!(seen.insert(header.kid << 40 | header.ctr));
    }
}

#[test]
fn every_byte_of_a_packet_is_authenticated() {
    let (mut sealer, mut opener) = ends();
    let packet = seal(&mut sealer, TrackId::Audio, &[1; 20]);
    for at in 0..packet.bytes.len() {
        let mut bytes = packet.bytes.to_vec();
        bytes[at] ^= 0x10;
        let state = opener.state_digest();
        assert!(opener.open(&with_bytes(&packet, bytes), 0).is_err());
        assert!(opener.state_digest() == state);
    }
    opener.open(&packet, 0).unwrap();
}
