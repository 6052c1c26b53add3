//! Whatever a caller may build comes back from its bytes.
#![allow(clippy::unwrap_used, reason = "tests")]

use core::net::IpAddr;

use proptest::{collection::vec, prelude::*};
use sotto_wire::{
    CELL_LEN, Candidate, CandidateKind, Cell, Description, Reassembler, Setup, SigFragments, SigMessage, TrackSsrc,
    VersionRange,
    fragment::MAX_MESSAGE_LEN,
    record::{ChatMessage, ControlMessage, End, RK1_LEN, RK2_LEN, RekeyAttempt, TrackEnd},
    server::{ClientFrame, ErrorCode, MailboxId, Nameplate, PeerEvent, ServerFrame, TurnCredentials},
    sig::{Card, IceCredentials, Policy, Restart},
    tlv::{Tag, TlvList, push},
};

fn cell() -> impl Strategy<Value = Cell> {
    vec(any::<u8>(), CELL_LEN).prop_map(|bytes| Cell::from_bytes(&bytes).unwrap())
}

fn nameplate() -> impl Strategy<Value = Nameplate> {
    "[0-9]{6}".prop_map(|text| Nameplate::parse(&text).unwrap())
}

fn mailbox() -> impl Strategy<Value = MailboxId> {
    any::<[u8; 32]>().prop_map(MailboxId)
}

fn client_frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        (any::<u8>(), any::<u64>(), vec(any::<u8>(), 0..=255)).prop_map(|(version, pow, token)| ClientFrame::Hello {
            version,
            pow,
            token
        }),
        Just(ClientFrame::Alloc),
        nameplate().prop_map(ClientFrame::Claim),
        (mailbox(), 0..=1_u8, any::<[u8; 16]>()).prop_map(|(mailbox, side, owner)| ClientFrame::Open {
            mailbox,
            side,
            owner
        }),
        (any::<u16>(), cell()).prop_map(|(channel, cell)| ClientFrame::Add { channel, cell }),
        any::<u16>().prop_map(ClientFrame::Close),
        any::<u16>().prop_map(ClientFrame::Turn),
        any::<u32>().prop_map(ClientFrame::Ping),
        any::<u16>().prop_map(ClientFrame::Kick),
        any::<u16>().prop_map(ClientFrame::Done),
    ]
}

fn credentials() -> impl Strategy<Value = TurnCredentials> {
    (any::<u32>(), "[!-~]{1,255}", "[!-~]{1,255}", vec("[!-~]{1,255}", 1..14))
        .prop_map(|(expiry, username, password, urls)| TurnCredentials { expiry, username, password, urls })
}

fn server_frame() -> impl Strategy<Value = ServerFrame> {
    let event = prop_oneof![Just(PeerEvent::Left), Just(PeerEvent::Joined), Just(PeerEvent::Crowded)];
    let code = prop_oneof![
        Just(ErrorCode::BadFrame),
        Just(ErrorCode::Limit),
        Just(ErrorCode::Busy),
        Just(ErrorCode::UnknownNameplate),
        Just(ErrorCode::Crowded),
        Just(ErrorCode::Pow),
        Just(ErrorCode::Token),
        Just(ErrorCode::NoTurn),
        Just(ErrorCode::QueueFull),
    ];
    prop_oneof![
        (1..=255_u8, any::<u8>(), any::<u8>(), any::<[u8; 16]>(), any::<u8>(), any::<u64>()).prop_map(
            |(version_min, more, pow_bits, nonce, flags, unix_time)| ServerFrame::Welcome {
                version_min,
                version_max: version_min.saturating_add(more),
                pow_bits,
                nonce,
                flags,
                unix_time,
            }
        ),
        (nameplate(), mailbox(), any::<u16>()).prop_map(|(nameplate, mailbox, ttl_s)| ServerFrame::Allocated {
            nameplate,
            mailbox,
            ttl_s
        }),
        mailbox().prop_map(ServerFrame::Claimed),
        (any::<u16>(), any::<bool>()).prop_map(|(channel, peer_present)| ServerFrame::Opened { channel, peer_present }),
        any::<u16>().prop_map(ServerFrame::Added),
        any::<u16>().prop_map(ServerFrame::Closed),
        credentials().prop_map(ServerFrame::TurnCredentials),
        any::<u32>().prop_map(ServerFrame::Pong),
        (any::<u16>(), cell()).prop_map(|(channel, cell)| ServerFrame::Message { channel, cell }),
        (any::<u16>(), event).prop_map(|(channel, event)| ServerFrame::Peer { channel, event }),
        (any::<u16>(), code).prop_map(|(channel, code)| ServerFrame::Error { channel, code }),
    ]
}

fn description(setup: Setup) -> impl Strategy<Value = Description> {
    let types = prop_oneof![Just(vec![111, 102, 103]), Just(vec![111, 102, 103, 45, 46])].prop_shuffle();
    (any::<[u8; 32]>(), "[A-Za-z0-9+/]{4,255}", "[A-Za-z0-9+/]{22,255}", 1..u32::MAX - 5, types).prop_map(
        move |(fingerprint, ufrag, pwd, first, payload_types)| Description {
            fingerprint,
            setup,
            ufrag,
            pwd,
            tracks: [
                TrackSsrc { ssrc: first, rtx_ssrc: 0 },
                TrackSsrc { ssrc: first + 1, rtx_ssrc: first + 2 },
                TrackSsrc { ssrc: first + 3, rtx_ssrc: first + 4 },
            ],
            payload_types,
        },
    )
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let kind = prop_oneof![Just(CandidateKind::Host), Just(CandidateKind::ServerReflexive), Just(CandidateKind::Relay)];
    (any::<u8>(), kind, 1..=0x7FFF_FFFF_u32, "[A-Za-z0-9+/]{1,32}", any::<IpAddr>(), 1..=u16::MAX).prop_map(
        |(attempt, kind, priority, foundation, ip, port)| Candidate { attempt, kind, priority, foundation, ip, port },
    )
}

fn sig_message() -> impl Strategy<Value = SigMessage> {
    prop_oneof![
        vec(any::<u8>(), 0..300).prop_map(SigMessage::Confirm),
        vec(any::<u8>(), 0..300).prop_map(SigMessage::Ack),
        (0..=2_u8, 0..=1_u8, any::<u16>(), 0..=2_u8)
            .prop_map(|(ice, compare, caps, held)| SigMessage::Policy(Policy { ice, compare, caps, held })),
        description(Setup::ActPass).prop_map(SigMessage::Offer),
        description(Setup::Active).prop_map(SigMessage::Answer),
        candidate().prop_map(SigMessage::Candidate),
        any::<u8>().prop_map(SigMessage::CandidatesEnd),
        "\\PC{0,16}".prop_map(SigMessage::Name),
        Just(SigMessage::Bye),
        (any::<u8>(), "[A-Za-z0-9+/]{4,255}", "[A-Za-z0-9+/]{22,255}").prop_map(|(attempt, ufrag, pwd)| {
            SigMessage::Restart(Restart { attempt, ice: IceCredentials { ufrag, pwd } })
        }),
        Just(SigMessage::Admit),
        Just(SigMessage::Deny),
        Just(SigMessage::PutBack),
        ("\\PC{0,200}", "\\PC{0,40}", "\\PC{0,200}").prop_map(|(sentence, phone, caller)| SigMessage::Card(Card {
            sentence,
            phone,
            caller
        })),
    ]
}

fn attempt() -> impl Strategy<Value = RekeyAttempt> {
    (1..=255_u8, 1..=255_u8).prop_map(|(epoch, attempt)| RekeyAttempt { epoch, attempt })
}

fn control_message() -> impl Strategy<Value = ControlMessage> {
    let end = (0..=5_u8, any::<[(u64, [u8; 32]); 6]>()).prop_map(|(reason, flat)| {
        let track = |i: usize| TrackEnd { next_ctr: flat[i].0, tx: flat[i].1 };
        End { reason, tracks: [[track(0), track(1), track(2)], [track(3), track(4), track(5)]] }
    });
    prop_oneof![
        (0..=1_u8, any::<[u8; 32]>()).prop_map(|(role, bind)| ControlMessage::TransportBind { role, bind }),
        (0..=2_u8).prop_map(ControlMessage::SasResult),
        any::<(bool, bool, bool)>().prop_map(|(audio, camera, screen)| ControlMessage::MediaState {
            audio,
            camera,
            screen
        }),
        (1..=2_u8).prop_map(|track| ControlMessage::Keyframe { track }),
        (attempt(), any::<u8>()).prop_map(|(of, byte)| ControlMessage::Rk1(of, Box::new([byte; RK1_LEN]))),
        (attempt(), any::<u8>()).prop_map(|(of, byte)| ControlMessage::Rk2(of, Box::new([byte; RK2_LEN]))),
        (attempt(), any::<[u8; 32]>()).prop_map(|(of, proof)| ControlMessage::Rk3(of, proof)),
        Just(ControlMessage::RkReq),
        attempt().prop_map(ControlMessage::RkFail),
        end.clone().prop_map(ControlMessage::End),
        end.prop_map(ControlMessage::EndAck),
    ]
}

proptest! {
    #[test]
    fn client_frames_come_back(frame in client_frame()) {
        prop_assert_eq!(ClientFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn server_frames_come_back(frame in server_frame()) {
        prop_assert_eq!(ServerFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn sig_messages_come_back_through_fragments(message in sig_message(), id in 0..1_u16) {
        let mut reassembler = Reassembler::new();
        let mut whole = None;
        for pt in SigFragments::new(id, &message).unwrap() {
            prop_assert!(whole.is_none());
            whole = reassembler.push(&pt[..]).unwrap();
        }
        let (mtype, data) = whole.unwrap();
        prop_assert_eq!(SigMessage::decode(mtype, &data), Ok(Some(message)));
    }

    #[test]
    fn a_sequence_of_messages_of_any_length_comes_back(
        messages in vec((any::<u8>(), vec(any::<u8>(), 0..MAX_MESSAGE_LEN)), 1..5),
    ) {
        let mut reassembler = Reassembler::new();
        let mut got = Vec::new();
        for (id, (mtype, data)) in (0..).zip(&messages) {
            for pt in SigFragments::from_parts(id, *mtype, data.clone()).unwrap() {
                got.extend(reassembler.push(&pt[..]).unwrap());
            }
        }
        prop_assert_eq!(got, messages);
    }

    #[test]
    fn control_messages_come_back(message in control_message()) {
        prop_assert_eq!(ControlMessage::decode(message.mtype(), &message.encode_data()), Ok(Some(message)));
    }

    #[test]
    fn chat_comes_back(text in "\\PC{0,200}", counter in any::<u64>()) {
        for message in [ChatMessage::Text(text), ChatMessage::Ack(counter)] {
            prop_assert_eq!(ChatMessage::decode(message.mtype(), &message.encode_data()), Ok(Some(message)));
        }
    }

    #[test]
    fn tlv_lists_come_back(commit in any::<[u8; 32]>(), status in any::<Option<u8>>(), padding in 0..64_usize) {
        let mut list = Vec::new();
        push(&mut list, Tag::Commit, &commit);
        if let Some(status) = status {
            push(&mut list, Tag::Status, &[status]);
        }
        list.resize(list.len() + padding, 0);
        let parsed = TlvList::parse(&list).unwrap();
        prop_assert_eq!(parsed.require(Tag::Commit), Ok(commit));
        prop_assert_eq!(parsed.optional(Tag::Status), Ok(status.map(|byte| [byte])));
        prop_assert_eq!(parsed.get(Tag::NonceR), None);
    }

    #[test]
    fn version_ranges_come_back(byte in any::<u8>()) {
        if let Some(range) = VersionRange::from_byte(byte) {
            prop_assert_eq!(range.to_byte(), byte);
        }
    }
}
