//! Bytes written by hand against PROTOCOL §4.1, §5.1, §8, §9.1 and Appendix D.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_wire::{
    CELL_LEN, Candidate, CandidateKind, Cell, CellType, Codec, DecodeError, Description, Reassembler, Setup,
    SigFragments, SigMessage, TrackId, TrackSsrc, VersionRange,
    file::{FileMessage, FileOffer, MAX_FILE_LEN},
    record::{ChatMessage, ControlMessage, End, RK1_LEN, RK2_LEN, RekeyAttempt, TrackEnd},
    server::{ClientFrame, ErrorCode, MAX_FRAME_LEN, MailboxId, Nameplate, PeerEvent, ServerFrame, TurnCredentials},
    sig::{Card, IceCredentials, Policy, Restart},
    tlv::{Tag, TlvList, push},
};

type Change<'a> = &'a dyn Fn(&mut Description);

fn description(setup: Setup) -> Description {
    let track = |ssrc, rtx_ssrc| TrackSsrc { ssrc, rtx_ssrc };
    Description {
        fingerprint: [7; 32],
        setup,
        ufrag: "abcd".into(),
        pwd: "0123456789abcdefABCD+/".into(),
        tracks: [track(1, 0), track(2, 3), track(4, 5)],
        payload_types: vec![111, 102, 103],
    }
}

fn offer_bytes() -> Vec<u8> {
    let mut bytes = vec![1, 1];
    bytes.extend([7; 32]);
    bytes.extend([0, 4]);
    bytes.extend(b"abcd");
    bytes.push(22);
    bytes.extend(b"0123456789abcdefABCD+/");
    for (ssrc, rtx) in [(1_u32, 0_u32), (2, 3), (4, 5)] {
        bytes.extend(ssrc.to_be_bytes());
        bytes.extend(rtx.to_be_bytes());
    }
    bytes.extend([3, 111, 102, 103]);
    bytes
}

#[test]
fn cell_helpers_have_the_documented_bytes() {
    let pa1 = Cell::pa1(1, 0x11, &[9; 32]);
    assert_eq!(pa1.as_bytes().len(), CELL_LEN);
    assert_eq!(&pa1.as_bytes()[..5], &[0x01, 1, 1, 0x11, 9]);
    assert_eq!(pa1.pa_share(), Ok([9; 32]));
    let sync = Cell::sync(1, 0x0102);
    assert_eq!(&sync.as_bytes()[..12], &[0x21, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    assert_eq!(sync.sync_next_expected(), Ok(0x0102));
    assert_eq!(Cell::reject(1, 0x11).check_reject(), Ok(()));
    assert_eq!(Cell::reject(1, 0x11).header(), [0x7E, 1, 1, 0x11]);
    assert_eq!(Cell::pa2(1, &[3; 32]).header(), [0x02, 1, 1, 0]);
}

#[test]
fn any_nonzero_padding_byte_of_a_pa_sync_or_reject_is_refused() {
    for (cell, start) in [(Cell::pa1(1, 0x11, &[9; 32]), 32), (Cell::sync(1, 5), 8), (Cell::reject(1, 0x11), 0)] {
        for at in start..4092 {
            let mut bad = cell.clone();
            bad.body_mut()[at] = 1;
            let result = match cell.cell_type().unwrap() {
                CellType::Pa1 => bad.pa_share().map(|_| ()),
                CellType::Sync => bad.sync_next_expected().map(|_| ()),
                _ => bad.check_reject(),
            };
            assert_eq!(result, Err(DecodeError::Trailing), "byte {at}");
        }
    }
}

#[test]
fn a_cell_has_exactly_4096_bytes_and_other_types_give_no_share() {
    assert_eq!(Cell::from_bytes(&[0; 4095]), Err(DecodeError::Truncated));
    assert_eq!(Cell::from_bytes(&[0; 4097]), Err(DecodeError::Trailing));
    let unknown = Cell::from_bytes(&[0; 4096]).unwrap();
    assert_eq!(unknown.cell_type(), None);
    assert_eq!(unknown.pa_share(), Err(DecodeError::UnknownType(0)));
    assert_eq!(Cell::sync(1, 0).pa_share(), Err(DecodeError::UnknownType(0x21)));
    assert_eq!(Cell::pa2(1, &[0; 32]).sync_next_expected(), Err(DecodeError::UnknownType(2)));
}

#[test]
fn version_range_byte_is_checked() {
    assert_eq!(VersionRange::from_byte(0x11), Some(VersionRange { min: 1, max: 1 }));
    assert_eq!(VersionRange { min: 1, max: 15 }.to_byte(), 0x1F);
    for bad in [0x00, 0x01, 0x10, 0x21, 0xF1] {
        assert_eq!(VersionRange::from_byte(bad), None);
    }
}

#[test]
fn numbers_of_tracks_and_codecs() {
    let tracks: Vec<_> = (0..=255).filter_map(TrackId::from_u8).collect();
    assert_eq!(tracks.len(), 7);
    assert!(tracks.iter().enumerate().all(|(i, &track)| track as usize == i && track.is_media() == (i < 4)));
    let codecs: Vec<_> = (0..=255).filter_map(Codec::from_u8).map(|codec| codec as u8).collect();
    assert_eq!(codecs, [45, 102, 111]);
}

#[test]
fn sig_messages_have_the_documented_bytes() {
    let candidate = |ip: &str| Candidate {
        attempt: 2,
        kind: CandidateKind::Relay,
        priority: 0x0102_0304,
        foundation: "f1".into(),
        ip: ip.parse().unwrap(),
        port: 0x1234,
    };
    let mut answer = offer_bytes();
    answer[34] = 1;
    let mut v6 = vec![2, 2, 1, 1, 2, 3, 4, 2, b'f', b'1', 6, 0x20, 1, 0xd, 0xb8];
    v6.extend([0; 11]);
    v6.extend([1, 0x12, 0x34]);
    let restart =
        Restart { attempt: 3, ice: IceCredentials { ufrag: "abcd".into(), pwd: "0123456789abcdefABCD+/".into() } };
    let mut restart_bytes = vec![3, 4];
    restart_bytes.extend(b"abcd\x160123456789abcdefABCD+/");
    let card = Card { sentence: "ä".into(), phone: "12".into(), caller: String::new() };
    let table: Vec<(u8, SigMessage, Vec<u8>)> = vec![
        (1, SigMessage::Confirm(vec![1, 2]), vec![1, 2]),
        (2, SigMessage::Ack(vec![]), vec![]),
        (3, SigMessage::Policy(Policy { ice: 2, compare: 1, caps: 0x0304, held: 2 }), vec![2, 1, 3, 4, 2]),
        (4, SigMessage::Offer(description(Setup::ActPass)), offer_bytes()),
        (5, SigMessage::Answer(description(Setup::Active)), answer),
        (
            6,
            SigMessage::Candidate(candidate("192.0.2.1")),
            vec![2, 2, 1, 1, 2, 3, 4, 2, b'f', b'1', 4, 192, 0, 2, 1, 0x12, 0x34],
        ),
        (6, SigMessage::Candidate(candidate("2001:db8::1")), v6),
        (7, SigMessage::CandidatesEnd(9), vec![9]),
        (8, SigMessage::Name("Åse".into()), "Åse".as_bytes().to_vec()),
        (9, SigMessage::Bye, vec![]),
        (10, SigMessage::Restart(restart), restart_bytes),
        (11, SigMessage::Admit, vec![]),
        (12, SigMessage::Deny, vec![]),
        (13, SigMessage::PutBack, vec![]),
        (14, SigMessage::Card(card), vec![0, 2, 0xc3, 0xa4, 0, 2, b'1', b'2', 0, 0]),
    ];
    for (mtype, message, bytes) in table {
        assert_eq!(message.mtype(), mtype);
        assert_eq!(message.encode_data(), bytes, "type {mtype}");
        assert_eq!(SigMessage::decode(mtype, &bytes), Ok(Some(message)), "type {mtype}");
    }
    for unknown in [0, 0x0F, 0x80, 0xFF] {
        assert_eq!(SigMessage::decode(unknown, b"anything"), Ok(None));
    }
}

#[test]
fn a_longer_policy_is_accepted_and_a_shorter_or_wild_one_is_not() {
    let policy = SigMessage::Policy(Policy { ice: 0, compare: 0, caps: 0, held: 0 });
    assert_eq!(SigMessage::decode(3, &[0, 0, 0, 0, 0, 0xFF, 7]), Ok(Some(policy)));
    assert_eq!(SigMessage::decode(3, &[0, 0, 0, 0]), Err(DecodeError::Truncated));
    for bad in [[3, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 0, 0, 3]] {
        assert_eq!(SigMessage::decode(3, &bad), Err(DecodeError::Range("policy")));
    }
}

#[test]
fn descriptions_out_of_range_are_refused() {
    let offer = |change: &dyn Fn(&mut Description)| {
        let mut changed = description(Setup::ActPass);
        change(&mut changed);
        SigMessage::decode(4, &SigMessage::Offer(changed).encode_data())
    };
    assert!(offer(&|_| ()).is_ok());
    assert!(offer(&|d| d.payload_types = vec![46, 103, 111, 45, 102]).is_ok());
    let refused: [(&str, Change<'_>); 19] = [
        ("setup", &|d| d.setup = Setup::Active),
        ("ufrag", &|d| d.ufrag = "abc".into()),
        ("ufrag", &|d| d.ufrag = "ab d".into()),
        ("ufrag", &|d| d.ufrag = "abcd\r\na=x".into()),
        ("ufrag", &|d| d.ufrag = "abcdé".into()),
        ("pwd", &|d| d.pwd = "0123456789abcdefABCD+".into()),
        ("pwd", &|d| d.pwd = "0123456789abcdefABCD+-".into()),
        ("ssrc", &|d| d.tracks[0].ssrc = 0),
        ("ssrc", &|d| d.tracks[1].rtx_ssrc = 0),
        ("ssrc", &|d| d.tracks[2].rtx_ssrc = 0),
        ("ssrc", &|d| d.tracks[0].rtx_ssrc = 9),
        ("ssrc", &|d| d.tracks[2].ssrc = 2),
        ("ssrc", &|d| d.tracks[2].rtx_ssrc = 1),
        ("payload types", &|d| d.payload_types = vec![111, 102]),
        ("payload types", &|d| d.payload_types = vec![102, 103]),
        ("payload types", &|d| d.payload_types = vec![111, 102, 103, 103]),
        ("payload types", &|d| d.payload_types = vec![111, 102, 103, 96]),
        ("payload types", &|d| d.payload_types = vec![111, 102, 103, 45]),
        ("payload types", &|d| d.payload_types = vec![]),
    ];
    for (i, (field, change)) in refused.into_iter().enumerate() {
        assert_eq!(offer(change), Err(DecodeError::Range(field)), "case {i}");
    }
    assert_eq!(SigMessage::decode(5, &offer_bytes()), Err(DecodeError::Range("setup")));
    let mut trailing = offer_bytes();
    trailing.push(0);
    assert_eq!(SigMessage::decode(4, &trailing), Err(DecodeError::Trailing));
}

#[test]
fn candidates_out_of_range_are_refused() {
    let good = [2, 2, 1, 1, 2, 3, 4, 2, b'f', b'1', 4, 192, 0, 2, 1, 0x12, 0x34];
    assert!(SigMessage::decode(6, &good).is_ok());
    for (at, value) in [(1, 3), (2, 2), (3, 0x80), (8, b' '), (10, 5), (10, 6)] {
        let mut bad = good;
        bad[at] = value;
        assert!(SigMessage::decode(6, &bad).is_err(), "byte {at}");
    }
    let mut no_port = good;
    no_port[15..].fill(0);
    assert_eq!(SigMessage::decode(6, &no_port), Err(DecodeError::Range("port")));
    let mut no_priority = good;
    no_priority[3..7].fill(0);
    assert_eq!(SigMessage::decode(6, &no_priority), Err(DecodeError::Range("priority")));
    assert_eq!(
        SigMessage::decode(6, &[2, 2, 1, 1, 2, 3, 4, 0, 4, 192, 0, 2, 1, 0x12, 0x34]),
        Err(DecodeError::Range("foundation"))
    );
}

#[test]
fn names_and_empty_messages_have_their_limits() {
    assert!(SigMessage::decode(8, &[b'a'; 64]).is_ok());
    assert_eq!(SigMessage::decode(8, &[b'a'; 65]), Err(DecodeError::Range("name")));
    assert_eq!(SigMessage::decode(8, &[0xFF]), Err(DecodeError::Range("name")));
    for mtype in [9, 11, 12, 13] {
        assert_eq!(SigMessage::decode(mtype, &[0]), Err(DecodeError::Trailing));
    }
}

#[test]
fn server_frames_have_the_documented_bytes() {
    let plate = Nameplate::parse("471193").unwrap();
    let cell = Cell::pa2(1, &[3; 32]);
    let mut add = vec![5, 1, 2];
    add.extend_from_slice(cell.as_bytes());
    let mut open = vec![4];
    open.extend([8; 32]);
    open.push(1);
    open.extend([9; 16]);
    let client: Vec<(ClientFrame, Vec<u8>)> = vec![
        (
            ClientFrame::Hello { version: 1, pow: 5, token: b"tk".to_vec() },
            vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 5, 2, b't', b'k'],
        ),
        (ClientFrame::Alloc, vec![2]),
        (ClientFrame::Claim(plate.clone()), b"\x03\x06471193".to_vec()),
        (ClientFrame::Open { mailbox: MailboxId([8; 32]), side: 1, owner: [9; 16] }, open),
        (ClientFrame::Add { channel: 0x0102, cell: cell.clone() }, add.clone()),
        (ClientFrame::Close(0x0102), vec![6, 1, 2]),
        (ClientFrame::Turn(0x0102), vec![7, 1, 2]),
        (ClientFrame::Ping(0x0102_0304), vec![8, 1, 2, 3, 4]),
        (ClientFrame::Kick(0x0102), vec![9, 1, 2]),
        (ClientFrame::Done(0x0102), vec![10, 1, 2]),
    ];
    for (frame, bytes) in client {
        assert_eq!(frame.encode(), bytes);
        assert_eq!(ClientFrame::decode(&bytes), Ok(frame));
        assert!(bytes.len() <= MAX_FRAME_LEN);
    }
    add[0] = 0x90;
    let mut allocated = b"\x82\x06471193".to_vec();
    allocated.extend([8; 32]);
    allocated.extend([7, 8]);
    let mut welcome = vec![0x81, 1, 1, 0];
    welcome.extend([6; 16]);
    welcome.extend([2, 0, 0, 0, 0, 0x65, 0, 0, 0]);
    let mut claimed = vec![0x83];
    claimed.extend([8; 32]);
    let credentials =
        TurnCredentials { expiry: 1, username: "u".into(), password: "pw".into(), urls: vec!["a".into(), "bc".into()] };
    let server: Vec<(ServerFrame, Vec<u8>)> = vec![
        (
            ServerFrame::Welcome {
                version_min: 1,
                version_max: 1,
                pow_bits: 0,
                nonce: [6; 16],
                flags: 2,
                unix_time: 0x6500_0000,
            },
            welcome,
        ),
        (ServerFrame::Allocated { nameplate: plate, mailbox: MailboxId([8; 32]), ttl_s: 0x0708 }, allocated),
        (ServerFrame::Claimed(MailboxId([8; 32])), claimed),
        (ServerFrame::Opened { channel: 0x0102, peer_present: true }, vec![0x84, 1, 2, 1]),
        (ServerFrame::Added(0x0102), vec![0x85, 1, 2]),
        (ServerFrame::Closed(0x0102), vec![0x86, 1, 2]),
        (ServerFrame::TurnCredentials(credentials), b"\x87\0\0\0\x01\x01u\x02pw\x02\x01a\x02bc".to_vec()),
        (ServerFrame::Pong(0x0102_0304), vec![0x88, 1, 2, 3, 4]),
        (ServerFrame::Message { channel: 0x0102, cell }, add),
        (ServerFrame::Peer { channel: 0x0102, event: PeerEvent::Joined }, vec![0x91, 1, 2, 1]),
        (ServerFrame::Error { channel: 0x0102, code: ErrorCode::QueueFull }, vec![0xFF, 1, 2, 0, 9]),
    ];
    for (frame, bytes) in server {
        assert_eq!(frame.encode(), bytes);
        assert_eq!(ServerFrame::decode(&bytes), Ok(frame));
    }
}

#[test]
fn frames_out_of_range_are_refused() {
    for text in ["", "4711", "4711930", "47119a", "47119٣", " 47119"] {
        assert!(Nameplate::parse(text).is_err(), "{text}");
    }
    assert_eq!(ClientFrame::decode(&[]), Err(DecodeError::Truncated));
    assert_eq!(ClientFrame::decode(&[0x81]), Err(DecodeError::UnknownType(0x81)));
    assert_eq!(ServerFrame::decode(&[0x01]), Err(DecodeError::UnknownType(1)));
    assert_eq!(ClientFrame::decode(&[2, 0]), Err(DecodeError::Trailing));
    assert_eq!(ClientFrame::decode(&vec![2; MAX_FRAME_LEN + 1]), Err(DecodeError::Trailing));
    assert_eq!(ServerFrame::decode(&[0x84, 0, 0, 2]), Err(DecodeError::Range("presence")));
    assert_eq!(ServerFrame::decode(&[0x91, 0, 0, 3]), Err(DecodeError::Range("peer event")));
    assert_eq!(ServerFrame::decode(&[0xFF, 0, 0, 0, 10]), Err(DecodeError::Range("error code")));
    assert_eq!(ServerFrame::decode(b"\x87\0\0\0\x01\x01u\x02pw\0"), Err(DecodeError::Range("relay urls")));
    assert!(ServerFrame::decode(b"\x87\0\0\0\x01\x01 \x02pw\x01\x01a").is_err());
    let too_many =
        TurnCredentials { expiry: 1, username: "u".into(), password: "p".into(), urls: vec!["x".repeat(255); 17] };
    assert_eq!(too_many.check(), Err(DecodeError::Range("relay urls")));
}

#[test]
fn tlv_lists_are_strict_about_what_they_know() {
    let mut list = Vec::new();
    push(&mut list, Tag::Commit, &[5; 32]);
    push(&mut list, Tag::VersionRange, &[1, 1]);
    assert_eq!(&list[..4], &[1, 0, 32, 5]);
    assert_eq!(&list[35..], &[3, 0, 2, 1, 1]);
    let parsed = TlvList::parse(&list).unwrap();
    assert_eq!(parsed.require::<32>(Tag::Commit), Ok([5; 32]));
    assert_eq!(parsed.optional::<1>(Tag::Status), Ok(None));
    assert_eq!(parsed.require::<1>(Tag::Status), Err(DecodeError::Range("mandatory TLV")));

    let with = |tail: &[u8]| [&list[..], tail].concat();
    let parse = |bytes: Vec<u8>| TlvList::parse(&bytes).map(|_| ());
    assert_eq!(parse(with(&[0, 0, 0, 0])), Ok(()));
    assert_eq!(parse(with(&[0])), Ok(()));
    assert_eq!(parse(with(&[0, 0, 1])), Err(DecodeError::Trailing));
    assert_eq!(parse(with(&[0x7F, 0, 1, 9])), Ok(()), "unknown tags are ignored");
    assert_eq!(parse(with(&[0x7F, 0, 1, 9, 0x7F, 0, 0])), Ok(()), "also twice");
    assert_eq!(parse(with(&[3, 0, 2, 1, 1])), Err(DecodeError::Range("duplicate TLV")));
    assert_eq!(parse(with(&[0x17, 0, 2, 1, 1])), Err(DecodeError::Range("TLV length")));
    assert_eq!(parse(with(&[0x17, 0, 0])), Err(DecodeError::Range("TLV length")));
    assert_eq!(parse(with(&[0x7F, 0, 2, 9])), Err(DecodeError::Truncated));
    assert_eq!(parse(with(&[0x7F, 0])), Err(DecodeError::Truncated));
}

#[test]
fn fragments_are_full_but_the_last_and_come_back() {
    for len in [0_usize, 1, 4061, 4062, 8122, 8123, 16244] {
        let data: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut reassembler = Reassembler::new();
        let fragments = SigFragments::from_parts(0, 0x42, data.clone()).unwrap();
        let count = fragments.len();
        assert_eq!(count, len.div_ceil(4061).max(1));
        for (i, pt) in fragments.enumerate() {
            let result = reassembler.push(&pt[..]).unwrap();
            assert_eq!(result, (i + 1 == count).then(|| (0x42, data.clone())));
        }
    }
    assert!(SigFragments::from_parts(0, 0x42, vec![0; 16245]).is_err());
}

#[test]
fn fragments_out_of_order_are_refused_and_change_nothing() {
    let parts =
        |id, len| SigFragments::from_parts(id, 1, vec![1; len]).unwrap().map(|pt| pt.to_vec()).collect::<Vec<_>>();
    let long = parts(0, 5000);
    let mut reassembler = Reassembler::new();
    let refuse = |reassembler: &mut Reassembler, pt: &[u8], why: &str| {
        let before = reassembler.clone();
        assert!(reassembler.push(pt).is_err(), "{why}");
        assert!(*reassembler == before, "{why}");
    };
    refuse(&mut reassembler, &long[1], "second first");
    refuse(&mut reassembler, &parts(1, 3)[0], "message number too high");
    assert_eq!(reassembler.push(&long[0]), Ok(None));
    refuse(&mut reassembler, &long[0], "repeated");
    refuse(&mut reassembler, &parts(0, 3)[0], "another message in between");
    for (at, value, why) in [(0, 2, "other type"), (4, 3, "other count"), (3, 2, "skipped"), (4067, 1, "padding")] {
        let mut bad = long[1].clone();
        bad[at] = value;
        refuse(&mut reassembler, &bad, why);
    }
    let mut empty_last = long[1].clone();
    empty_last[5..].fill(0);
    refuse(&mut reassembler, &empty_last, "empty last fragment");
    let mut short = long[0].clone();
    short[6] -= 1;
    short[4067] = 0;
    refuse(&mut Reassembler::new(), &short, "first fragment not full");
    refuse(&mut reassembler, &long[1][..4067], "short record");
    assert_eq!(reassembler.push(&long[1]), Ok(Some((1, vec![1; 5000]))));
    refuse(&mut reassembler, &long[0], "old message number");
    assert_eq!(reassembler.push(&parts(1, 3)[0]), Ok(Some((1, vec![1; 3]))));
}

#[test]
fn message_numbers_never_wrap() {
    let mut reassembler = Reassembler::new();
    for id in 0..=u16::MAX {
        let pt = SigFragments::from_parts(id, 9, Vec::new()).unwrap().next().unwrap();
        assert!(reassembler.push(&pt[..]).unwrap().is_some());
    }
    let pt = SigFragments::from_parts(0, 9, Vec::new()).unwrap().next().unwrap();
    assert_eq!(reassembler.push(&pt[..]), Err(DecodeError::Range("msg_id")));
}

#[test]
fn data_records_have_the_documented_bytes() {
    let mut tracks = [[TrackEnd { next_ctr: 0, tx: [0; 32] }; 3]; 2];
    let mut end_bytes = vec![2];
    for (i, track) in tracks.as_flattened_mut().iter_mut().enumerate() {
        *track = TrackEnd { next_ctr: i as u64, tx: [i as u8; 32] };
        end_bytes.extend((i as u64).to_be_bytes());
        end_bytes.extend([i as u8; 32]);
    }
    assert_eq!(end_bytes.len(), 241);
    let end = End { reason: 2, tracks };
    let mut bind = vec![1];
    bind.extend([4; 32]);
    let of = RekeyAttempt { epoch: 7, attempt: 2 };
    let named = [0, 0, 0, 7, 2];
    let table: Vec<(u8, ControlMessage, Vec<u8>)> = vec![
        (1, ControlMessage::TransportBind { role: 1, bind: [4; 32] }, bind),
        (2, ControlMessage::SasResult(2), vec![2]),
        (3, ControlMessage::MediaState { audio: true, camera: false, screen: true }, vec![5]),
        (4, ControlMessage::Keyframe { track: 1 }, vec![1]),
        (0x10, ControlMessage::Rk1(of, Box::new([1; RK1_LEN])), [&named[..], &[1; 1232]].concat()),
        (0x11, ControlMessage::Rk2(of, Box::new([2; RK2_LEN])), [&named[..], &[2; 1136]].concat()),
        (0x12, ControlMessage::Rk3(of, [3; 32]), [&named[..], &[3; 32]].concat()),
        (0x14, ControlMessage::RkFail(of), named.to_vec()),
        (0x30, ControlMessage::End(end.clone()), end_bytes.clone()),
        (0x31, ControlMessage::EndAck(end), end_bytes),
    ];
    for (mtype, message, bytes) in table {
        assert_eq!(message.mtype(), mtype);
        assert_eq!(message.encode_data(), bytes);
        assert_eq!(ControlMessage::decode(mtype, &bytes), Ok(Some(message)));
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(ControlMessage::decode(mtype, &longer), Err(DecodeError::Trailing));
        assert_eq!(ControlMessage::decode(mtype, &bytes[..bytes.len() - 1]), Err(DecodeError::Truncated));
    }
    for (mtype, bad) in [(2, 3), (3, 8), (4, 0), (4, 3), (0x30, 6)] {
        assert!(ControlMessage::decode(mtype, &[bad]).is_err());
    }
    for named in [[0, 0, 0, 0, 1], [0, 0, 1, 0, 1], [0, 0, 0, 1, 0], [1, 0, 0, 1, 1]] {
        assert!(ControlMessage::decode(0x14, &named).is_err(), "epochs are 1 to 255, attempts start at 1");
    }
    assert_eq!((ControlMessage::RkReq.mtype(), ControlMessage::RkReq.encode_data()), (0x13, vec![]));
    assert_eq!(ControlMessage::decode(0x13, &[]), Ok(Some(ControlMessage::RkReq)));
    assert_eq!(ControlMessage::decode(0x13, &[0]), Err(DecodeError::Trailing));
    assert_eq!(ControlMessage::decode(0x15, &[1, 2, 3]), Ok(None));

    let text = ChatMessage::Text("ü".into());
    assert_eq!((text.mtype(), text.encode_data()), (1, vec![0xc3, 0xbc]));
    assert_eq!(ChatMessage::decode(1, &[0xc3, 0xbc]), Ok(Some(text)));
    let ack = ChatMessage::Ack(7);
    assert_eq!((ack.mtype(), ack.encode_data()), (2, vec![0, 0, 0, 0, 0, 0, 0, 7]));
    assert_eq!(ChatMessage::decode(2, &ack.encode_data()), Ok(Some(ack)));
    assert!(ChatMessage::decode(1, &[b'a'; 8192]).is_ok());
    assert!(ChatMessage::decode(1, &[b'a'; 8193]).is_err());
    assert!(ChatMessage::decode(1, &[0xc3]).is_err());
    assert!(ChatMessage::decode(2, &[0; 7]).is_err());
    assert_eq!(ChatMessage::decode(3, &[]), Ok(None));
}

#[test]
fn file_records_have_their_layout_and_bounds() {
    let offered = FileOffer { id: [1; 16], size: 70_000, sha512: [2; 64], name: "Übung.pdf".into() };
    let offer = FileMessage::Offer(offered);
    let [accept, refuse, done] = [FileMessage::Accept, FileMessage::Refuse, FileMessage::Done].map(|of| of([1; 16]));
    let chunk = FileMessage::Chunk { id: [1; 16], offset: 16_000, data: vec![3; 40] };
    for (message, mtype) in [(&offer, 1), (&accept, 2), (&refuse, 3), (&chunk, 4), (&done, 5)] {
        assert_eq!(message.mtype(), mtype);
        assert_eq!(FileMessage::decode(mtype, &message.encode_data()).unwrap().as_ref(), Some(message));
    }
    let bytes = offer.encode_data();
    assert_eq!((&bytes[..16], &bytes[16..24]), (&[1; 16][..], &70_000_u64.to_be_bytes()[..]));
    assert_eq!((&bytes[24..88], &bytes[88..]), (&[2; 64][..], "Übung.pdf".as_bytes()));
    let sized = |size: u64| [&bytes[..16], &size.to_be_bytes(), &bytes[24..]].concat();
    for (size, fits) in [(0, false), (1, true), (MAX_FILE_LEN, true), (MAX_FILE_LEN + 1, false), (u64::MAX, false)] {
        assert_eq!(FileMessage::decode(1, &sized(size)).is_ok(), fits, "{size}");
    }
    let named = |name: &[u8]| FileMessage::decode(1, &[&bytes[..88], name].concat()).is_ok();
    assert!(named(&[b'a'; 255]) && !named(&[b'a'; 256]) && !named(&[]) && !named(&[0xc3]));
    let piece = |offset: u64, len: usize| {
        FileMessage::decode(4, &[&[1; 16], &offset.to_be_bytes()[..], &vec![0; len]].concat()).is_ok()
    };
    assert!(piece(0, 1) && piece(MAX_FILE_LEN - 1, 16_000));
    assert!(!piece(0, 0) && !piece(0, 16_001) && !piece(MAX_FILE_LEN, 1));
    assert_eq!(FileMessage::decode(5, &[0; 17]), Err(DecodeError::Trailing));
    assert_eq!(FileMessage::decode(6, &[]), Ok(None));
    assert!(!format!("{offer:?} {chunk:?}").contains("bung"));
}

#[test]
fn debug_shows_no_content() {
    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        SigMessage::Offer(description(Setup::ActPass)),
        ChatMessage::Text("geheim".into()),
        Nameplate::parse("471193").unwrap(),
        SigMessage::Name("Erika".into()),
    );
    for secret in ["abcd", "geheim", "471193", "Erika", "7, 7"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
