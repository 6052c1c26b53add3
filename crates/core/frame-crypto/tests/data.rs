//! Data records: order, fragments, bounds, epochs, and the authenticated end (PROTOCOL §8).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{DATA, pair, root};
use proptest::prelude::*;
use sotto_frame_crypto::{
    COUNTER_LIMIT, DataFault, DataOpener, DataSealer, EndProgress, EpochKeys, MAX_MESSAGE_LEN, SealError, SessionKeys,
    header::Header, max_record_data, sframe::SframeKey,
};
use sotto_identity::{Secret, derive};
use sotto_wire::{Role, SealedRecord, TrackId, record::ControlMessage};

const TEXT: u8 = 1;

fn ends() -> (DataSealer, DataOpener) {
    let (client, therapist) = pair();
    (client.data_sealer, therapist.data_opener)
}

fn one(sealer: &mut DataSealer, track: TrackId, data: &[u8]) -> SealedRecord {
    let mut records = sealer.seal(track, TEXT, data).unwrap();
    assert_eq!(records.len(), 1);
    records.remove(0)
}

/// Asserts that a record changes nothing and doesn't end the session.
fn forged(opener: &mut DataOpener, record: &SealedRecord) {
    let state = opener.state_digest();
    assert_eq!(opener.open(record), Err(DataFault::Forged));
    assert!(opener.state_digest() == state);
}

/// A record as a peer with the keys and broken software makes it: client's chat, epoch 0.
fn broken(ctr: u64, plaintext: &[u8]) -> SealedRecord {
    let base: Secret<64> = derive::kdf(&root(0x52), "sframe base", &[0, 0, 0, 0, 0, 5]);
    let key = SframeKey::derive(base.expose(), 0x50);
    let bytes = key.seal(ctr, &[5, 0, 0, 0, 0, 0], &[plaintext], 0).unwrap();
    SealedRecord { track: TrackId::Chat, bytes: bytes.into() }
}

fn plaintext(mtype: u8, flags: u8, len: u16, data: &[u8], total: usize) -> Vec<u8> {
    let mut plaintext = vec![mtype, flags];
    plaintext.extend(len.to_be_bytes());
    plaintext.extend(data);
    plaintext.resize(total.max(plaintext.len()), 0);
    plaintext
}

/// Plaintext of a record, from its length.
fn size(record: &SealedRecord) -> usize {
    let (_, header) = Header::parse(&record.bytes).unwrap();
    record.bytes.len() - header - 16
}

#[test]
fn messages_of_all_sizes_arrive_whole_and_in_records_of_the_tracks_size() {
    let (mut sealer, mut opener) = ends();
    for track in DATA {
        let longest = max_record_data(track);
        let mut next = 0;
        for len in [0, 1, 251, 252, 253, 8192, longest - 1, longest, longest + 1, 2 * longest, MAX_MESSAGE_LEN] {
            let data: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let records = sealer.seal(track, 9, &data).unwrap();
            assert_eq!(records.len(), len.div_ceil(longest).max(1));
            next += records.len() as u64;
            assert_eq!(sealer.next_counter(track), next);
            let (last, first) = records.split_last().unwrap();
            for record in first {
                assert_eq!(opener.open(record), Ok(None));
            }
            let message = opener.open(last).unwrap().unwrap();
            assert_eq!((message.track, message.mtype, message.counter), (track, 9, next - 1));
            assert!(message.data == data);
            for size in records.iter().map(size) {
                match track {
                    TrackId::File => assert!(size % 256 == 0 && size <= 16_128, "{size}"),
                    _ => assert_eq!(size, 512, "{len} bytes look like any other"),
                }
            }
        }
        assert_eq!(sealer.seal(track, 9, &vec![0; MAX_MESSAGE_LEN + 1]), Err(SealError::TooLong));
        assert_eq!(sealer.next_counter(track), next, "a refused message uses no counter");
    }
    assert_eq!(sealer.seal(TrackId::Audio, 9, b""), Err(SealError::WrongTrack));
}

#[test]
fn tracks_and_directions_are_independent() {
    let (mut client, mut therapist) = pair();
    for track in DATA {
        for n in 0..3 {
            let record = one(&mut client.data_sealer, track, &[n]);
            assert_eq!(therapist.data_opener.open(&record).unwrap().unwrap().data, [n]);
            let record = one(&mut therapist.data_sealer, track, &[n + 100]);
            assert_eq!(client.data_opener.open(&record).unwrap().unwrap().data, [n + 100]);
        }
    }
    assert!(client.data_sealer.view() == therapist.data_opener.view());
    assert!(therapist.data_sealer.view() == client.data_opener.view());
}

#[test]
fn data_gap_fatal() {
    let (mut sealer, mut opener) = ends();
    opener.open(&one(&mut sealer, TrackId::Control, b"0")).unwrap();
    let lost = one(&mut sealer, TrackId::Control, b"1");
    assert_eq!(opener.open(&one(&mut sealer, TrackId::Control, b"2")), Err(DataFault::Order));
    assert!(DataFault::Order.is_fatal());
    assert_eq!(opener.open(&lost), Err(DataFault::Order), "nothing is opened after a fatal fault");
}

#[test]
fn data_repeat_and_reorder_fatal() {
    let (mut sealer, mut opener) = ends();
    let first = one(&mut sealer, TrackId::Control, b"0");
    opener.open(&first).unwrap();
    assert_eq!(opener.open(&first), Err(DataFault::Order));

    let (mut sealer, mut opener) = ends();
    let _first = one(&mut sealer, TrackId::Chat, b"0");
    assert_eq!(opener.open(&one(&mut sealer, TrackId::Chat, b"1")), Err(DataFault::Order));
}

#[test]
fn forgeries_are_dropped_and_the_real_record_still_opens() {
    let (mut client, mut therapist) = pair();
    let real = one(&mut client.data_sealer, TrackId::Chat, b"hello");
    let opener = &mut therapist.data_opener;
    let (_, header_len) = Header::parse(&real.bytes).unwrap();
    for (kid, ctr) in [(0x50, 1), (0x51, 0), (0xD0, 0), (0x40, 0), (0x150, 0), (0x10050, 0), (0x70, 0), (0x10, 0)] {
        let mut front = [0; 17];
        let len = Header { kid, ctr }.encode(&mut front);
        let bytes = [&front[..len], &real.bytes[header_len..]].concat();
        forged(opener, &SealedRecord { track: TrackId::Chat, bytes: bytes.into() });
    }
    for track in [TrackId::Control, TrackId::File, TrackId::Audio, TrackId::Camera] {
        forged(opener, &SealedRecord { track, bytes: real.bytes.clone() });
    }
    forged(opener, &SealedRecord { track: TrackId::Chat, bytes: vec![0; 100_000].into() });
    forged(opener, &SealedRecord { track: TrackId::Chat, bytes: Vec::new().into() });
    forged(&mut client.data_opener, &real);
    assert_eq!(opener.open(&real).unwrap().unwrap().data, b"hello");
}

#[test]
fn authentic_but_malformed_records_end_the_session() {
    for (what, plaintext) in [
        ("empty", vec![]),
        ("cut prefix", vec![1, 0, 0]),
        ("no padding", plaintext(1, 0, 3, b"abc", 0)),
        ("a block too many", plaintext(1, 0, 3, b"abc", 2048)),
        ("length beyond the end", plaintext(1, 0, 1200, b"abc", 512)),
        ("as a file's", plaintext(1, 0, 3, b"abc", 256)),
        ("padding not zero", plaintext(1, 0, 3, b"abcd", 512)),
        ("unknown flag", plaintext(1, 2, 3, b"abc", 512)),
        ("empty fragment", plaintext(1, 1, 0, b"", 512)),
        ("epoch with data", plaintext(0, 0, 1, b"x", 512)),
        ("too long", plaintext(1, 0, 16_200, &[1; 16_200], 16_384)),
    ] {
        let (_, mut opener) = ends();
        let expected = if what == "too long" { DataFault::Forged } else { DataFault::Malformed };
        assert_eq!(opener.open(&broken(0, &plaintext)), Err(expected), "{what}");
    }
    let (_, mut opener) = ends();
    assert_eq!(opener.open(&broken(0, &plaintext(1, 0, 3, b"abc", 512))).unwrap().unwrap().data, b"abc", "control");
}

#[test]
fn fragments_of_two_messages_do_not_mix() {
    let (_, mut opener) = ends();
    assert_eq!(opener.open(&broken(0, &plaintext(1, 1, 3, b"abc", 512))), Ok(None));
    assert_eq!(opener.open(&broken(1, &plaintext(2, 0, 3, b"def", 512))), Err(DataFault::Malformed));
    let (_, mut opener) = ends();
    assert_eq!(opener.open(&broken(0, &plaintext(1, 1, 3, b"abc", 512))), Ok(None));
    assert_eq!(opener.open(&broken(1, &plaintext(1, 0, 3, b"def", 512))).unwrap().unwrap().data, b"abcdef");
}

#[test]
fn reassembly_ends_at_64_kib() {
    let (_, mut opener) = ends();
    let full = plaintext(1, 1, 508, &[7; 508], 512);
    let whole = (MAX_MESSAGE_LEN / 508) as u64;
    for ctr in 0..whole {
        assert_eq!(opener.open(&broken(ctr, &full)), Ok(None));
    }
    assert_eq!(opener.open(&broken(whole, &full)), Err(DataFault::Malformed));
}

#[test]
fn counters_end_below_2_40_without_a_wrap() {
    let (_, mut opener) = ends();
    let state = opener.state_digest();
    // An authentic record with an impossible counter is out of order, and nothing overflows.
    assert_eq!(opener.open(&broken(COUNTER_LIMIT, &plaintext(1, 0, 0, b"", 512))), Err(DataFault::Order));
    assert!(opener.state_digest() != state, "the fault is remembered");
}

#[test]
fn an_epoch_begins_with_its_record_on_each_track() {
    let (mut sealer, mut opener) = ends();
    opener.open(&one(&mut sealer, TrackId::Chat, b"old")).unwrap();
    let records = sealer.start_epoch(EpochKeys::derive(root(0x53), 1, Role::Initiator).data_seal).unwrap();
    assert_eq!(records.iter().map(|record| record.track).collect::<Vec<_>>(), DATA);
    forged(&mut opener, &records[0]);
    opener.admit_epoch(EpochKeys::derive(root(0x53), 1, Role::Responder).data_open).unwrap();
    for record in &records {
        assert_eq!(opener.open(record), Ok(None));
    }
    let message = opener.open(&one(&mut sealer, TrackId::Chat, b"new")).unwrap().unwrap();
    assert_eq!((&message.data[..], message.counter), (&b"new"[..], 2), "counters go on");
    assert!(sealer.view() == opener.view());
}

#[test]
fn data_epoch_regress_fatal() {
    let (mut sealer, mut opener) = ends();
    // A second sealer with the same keys plays a sender that goes back.
    let mut goes_back = ends().0;
    for record in sealer.start_epoch(EpochKeys::derive(root(0x53), 1, Role::Initiator).data_seal).unwrap() {
        assert_eq!(opener.open(&record), Err(DataFault::Forged));
    }
    let (mut sealer, mut opener) = ends();
    opener.admit_epoch(EpochKeys::derive(root(0x53), 1, Role::Responder).data_open).unwrap();
    for record in sealer.start_epoch(EpochKeys::derive(root(0x53), 1, Role::Initiator).data_seal).unwrap() {
        opener.open(&record).unwrap();
    }
    one(&mut goes_back, TrackId::Chat, b"0");
    assert_eq!(opener.open(&one(&mut goes_back, TrackId::Chat, b"1")), Err(DataFault::Order));
}

#[test]
fn epochs_follow_each_other_on_data_tracks() {
    let (mut sealer, mut opener) = ends();
    for (epoch, role) in [(0, Role::Initiator), (2, Role::Initiator), (1, Role::Responder)] {
        assert_eq!(sealer.start_epoch(EpochKeys::derive(root(1), epoch, role).data_seal), Err(SealError::WrongEpoch));
    }
    for (epoch, role) in [(0, Role::Responder), (2, Role::Responder), (1, Role::Initiator)] {
        assert_eq!(opener.admit_epoch(EpochKeys::derive(root(1), epoch, role).data_open), Err(SealError::WrongEpoch));
    }
    opener.open(&one(&mut sealer, TrackId::Chat, b"still epoch 0")).unwrap();
}

/// Sends a control message; gives what the other side gets.
fn control(from: &mut DataSealer, to: &mut DataOpener, message: &ControlMessage) -> sotto_frame_crypto::DataMessage {
    let records = from.seal(TrackId::Control, message.mtype(), &message.encode_data()).unwrap();
    assert_eq!(records.len(), 1, "an END fits one record");
    to.open(&records[0]).unwrap().unwrap()
}

fn chatted() -> (SessionKeys, SessionKeys) {
    let (mut client, mut therapist) = pair();
    for n in 0..5 {
        therapist.data_opener.open(&one(&mut client.data_sealer, TrackId::Chat, &[n])).unwrap();
        client.data_opener.open(&one(&mut therapist.data_sealer, TrackId::Chat, &[n])).unwrap();
        client.data_opener.open(&one(&mut therapist.data_sealer, TrackId::Control, &[n])).unwrap();
    }
    (client, therapist)
}

fn end_of(message: &sotto_frame_crypto::DataMessage) -> sotto_wire::record::End {
    match ControlMessage::decode(message.mtype, &message.data).unwrap() {
        Some(ControlMessage::End(end) | ControlMessage::EndAck(end)) => end,
        _ => panic!("not an END"),
    }
}

#[test]
fn end_transcript_equal() {
    for therapist_ends in [true, false] {
        let (client, therapist) = chatted();
        let (mut ender, mut other) = if therapist_ends { (therapist, client) } else { (client, therapist) };

        let end = ControlMessage::End(ender.data_sealer.end(&ender.data_opener, 0));
        let got = control(&mut ender.data_sealer, &mut other.data_opener, &end);
        assert_eq!(other.data_opener.progress(&end_of(&got), &got.before), EndProgress::Complete);

        let ack = ControlMessage::EndAck(other.data_sealer.end(&other.data_opener, 0));
        let got = control(&mut other.data_sealer, &mut ender.data_opener, &ack);
        assert_eq!(ender.data_opener.progress(&end_of(&got), &got.before), EndProgress::Complete);
        assert!(ender.data_sealer.confirmed_by(&end_of(&got)));
    }
}

#[test]
fn end_missing_reports_truncated() {
    let (mut client, mut therapist) = chatted();
    let late = one(&mut client.data_sealer, TrackId::Chat, b"on its way");
    let end = ControlMessage::End(client.data_sealer.end(&client.data_opener, 0));
    let got = control(&mut client.data_sealer, &mut therapist.data_opener, &end);
    assert_eq!(therapist.data_opener.progress(&end_of(&got), &got.before), EndProgress::Behind);

    // Answered without the late message, the ender knows that it is missing.
    let ack = ControlMessage::EndAck(therapist.data_sealer.end(&therapist.data_opener, 0));
    let ControlMessage::EndAck(ack) = ack else { unreachable!() };
    assert!(!client.data_sealer.confirmed_by(&ack));

    therapist.data_opener.open(&late).unwrap();
    assert_eq!(therapist.data_opener.progress(&end_of(&got), &got.before), EndProgress::Complete);
    let ack = therapist.data_sealer.end(&therapist.data_opener, 0);
    assert!(client.data_sealer.confirmed_by(&ack));
}

#[test]
fn end_with_another_transcript_differs() {
    let (client, therapist) = chatted();
    let [control, ..] = therapist.data_opener.view();
    let honest = client.data_sealer.end(&client.data_opener, 0);
    assert_eq!(therapist.data_opener.progress(&honest, &control), EndProgress::Complete);
    for track in 0..3 {
        for bit in 0..256 {
            let mut end = honest.clone();
            end.tracks[0][track].tx[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(therapist.data_opener.progress(&end, &control), EndProgress::Differs);
        }
        let mut end = honest.clone();
        end.tracks[0][track].next_ctr = end.tracks[0][track].next_ctr.wrapping_sub(1);
        let expected =
            if end.tracks[0][track].next_ctr == u64::MAX { EndProgress::Behind } else { EndProgress::Differs };
        assert_eq!(therapist.data_opener.progress(&end, &control), expected, "it says less than we read");
    }
    let mut ack = therapist.data_sealer.end(&therapist.data_opener, 0);
    assert!(client.data_sealer.confirmed_by(&ack));
    ack.tracks[0][1].tx[31] ^= 1;
    assert!(!client.data_sealer.confirmed_by(&ack));
}

#[test]
fn transcripts_bind_type_order_and_the_session() {
    let tx = |h: u8, messages: &[(u8, &[u8])]| {
        let mut sealer = SessionKeys::new(root(1), &[h; 64], Role::Initiator).data_sealer;
        for (mtype, data) in messages {
            sealer.seal(TrackId::Chat, *mtype, data).unwrap();
        }
        sealer.view()[1].tx
    };
    let all = [
        tx(1, &[]),
        tx(2, &[]),
        tx(1, &[(1, b"a"), (1, b"b")]),
        tx(1, &[(1, b"b"), (1, b"a")]),
        tx(1, &[(1, b"ab")]),
        tx(1, &[(2, b"ab")]),
        tx(1, &[(1, b"a"), (1, b"b"), (1, b"")]),
    ];
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    assert_eq!(tx(1, &[(1, b"a"), (1, b"b")]), all[2]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is said on whatever track arrives once, whole and in order, and both sides agree on the end.
    #[test]
    fn any_conversation_ends_in_agreement(messages in prop::collection::vec(
        (any::<bool>(), 0_usize..3, 1_u8.., 0_usize..40_000), 0..12,
    )) {
        let (mut client, mut therapist) = pair();
        for (from_client, track, mtype, len) in messages {
            let (from, to) = if from_client { (&mut client, &mut therapist) } else { (&mut therapist, &mut client) };
            let data = vec![mtype; len];
            let mut got = Vec::new();
            for record in from.data_sealer.seal(DATA[track], mtype, &data).unwrap() {
                got.extend(to.data_opener.open(&record).unwrap());
            }
            prop_assert_eq!(got.len(), 1);
            prop_assert!(got[0].data == data && got[0].mtype == mtype && got[0].track == DATA[track]);
        }
        prop_assert!(client.data_sealer.end(&client.data_opener, 0) == therapist.data_sealer.end(&therapist.data_opener, 0));
    }
}
