//! A valid message of each type, for the tests that change them.
#![allow(dead_code, clippy::unwrap_used, reason = "tests")]

use sotto_wire::{
    Candidate, CandidateKind, Cell, Description, Setup, SigMessage, TrackSsrc,
    file::{FileMessage, FileOffer},
    record::{ChatMessage, ControlMessage, End, RK1_LEN, RK2_LEN, RekeyAttempt, TrackEnd},
    server::{ClientFrame, ErrorCode, MailboxId, Nameplate, PeerEvent, ServerFrame, TurnCredentials},
    sig::{Card, IceCredentials, Policy, Restart},
};

pub fn cell() -> Cell {
    Cell::pa2(1, &[3; 32])
}

pub fn description(setup: Setup) -> Description {
    let track = |ssrc, rtx_ssrc| TrackSsrc { ssrc, rtx_ssrc };
    Description {
        fingerprint: [7; 32],
        setup,
        ufrag: "abcd".into(),
        pwd: "0123456789abcdefABCD+/".into(),
        tracks: [track(1, 0), track(2, 3), track(4, 5)],
        payload_types: vec![111, 102, 103, 45, 46],
    }
}

pub fn candidate(ip: &str) -> Candidate {
    Candidate {
        attempt: 1,
        kind: CandidateKind::Relay,
        priority: 41_885_439,
        foundation: "a1".into(),
        ip: ip.parse().unwrap(),
        port: 3478,
    }
}

pub fn sig_messages() -> Vec<SigMessage> {
    vec![
        SigMessage::Confirm(vec![5; 115]),
        SigMessage::Ack(vec![6; 39]),
        SigMessage::Policy(Policy { ice: 1, compare: 1, caps: 0, held: 2 }),
        SigMessage::Offer(description(Setup::ActPass)),
        SigMessage::Answer(description(Setup::Active)),
        SigMessage::Candidate(candidate("192.0.2.7")),
        SigMessage::Candidate(candidate("2001:db8::7")),
        SigMessage::CandidatesEnd(1),
        SigMessage::Name("Åse Müller".into()),
        SigMessage::Bye,
        SigMessage::Restart(Restart {
            attempt: 2,
            ice: IceCredentials { ufrag: "efgh".into(), pwd: "0123456789abcdefABCD+/".into() },
        }),
        SigMessage::Admit,
        SigMessage::Deny,
        SigMessage::PutBack,
        SigMessage::Card(Card { sentence: "Back soon.".into(), phone: "+49 30 1".into(), caller: "I call.".into() }),
    ]
}

pub fn control_messages() -> Vec<ControlMessage> {
    let end = End { reason: 1, tracks: [[TrackEnd { next_ctr: 9, tx: [8; 32] }; 3]; 2] };
    vec![
        ControlMessage::TransportBind { role: 0, bind: [4; 32] },
        ControlMessage::SasResult(1),
        ControlMessage::MediaState { audio: true, camera: true, screen: false },
        ControlMessage::Keyframe { track: 1 },
        ControlMessage::Rk1(RekeyAttempt { epoch: 1, attempt: 1 }, Box::new([1; RK1_LEN])),
        ControlMessage::Rk2(RekeyAttempt { epoch: 255, attempt: 1 }, Box::new([2; RK2_LEN])),
        ControlMessage::Rk3(RekeyAttempt { epoch: 1, attempt: 255 }, [3; 32]),
        ControlMessage::RkReq,
        ControlMessage::RkFail(RekeyAttempt { epoch: 2, attempt: 3 }),
        ControlMessage::End(end.clone()),
        ControlMessage::EndAck(end),
    ]
}

pub fn chat_messages() -> Vec<ChatMessage> {
    vec![ChatMessage::Text("Grüße, bis Dienstag".into()), ChatMessage::Ack(77)]
}

pub fn file_messages() -> Vec<FileMessage> {
    let offer = FileOffer { id: [1; 16], size: 70_000, sha512: [2; 64], name: "Übung.pdf".into() };
    vec![
        FileMessage::Offer(offer),
        FileMessage::Accept([1; 16]),
        FileMessage::Refuse([1; 16]),
        FileMessage::Chunk { id: [1; 16], offset: 16_000, data: vec![3; 40] },
        FileMessage::Done([1; 16]),
    ]
}

pub fn client_frames() -> Vec<ClientFrame> {
    vec![
        ClientFrame::Hello { version: 1, pow: 3, token: b"token".to_vec() },
        ClientFrame::Alloc,
        ClientFrame::Claim(Nameplate::parse("471193").unwrap()),
        ClientFrame::Open { mailbox: MailboxId([8; 32]), side: 1, owner: [9; 16] },
        ClientFrame::Add { channel: 3, cell: cell() },
        ClientFrame::Close(3),
        ClientFrame::Turn(3),
        ClientFrame::Ping(4),
        ClientFrame::Kick(3),
        ClientFrame::Done(3),
    ]
}

pub fn server_frames() -> Vec<ServerFrame> {
    let credentials = TurnCredentials {
        expiry: 1_800_000_000,
        username: "1800000000:0123456789abcdef".into(),
        password: "q83vEjRWeJA=".into(),
        urls: vec!["turn:192.0.2.1:3478?transport=udp".into(), "turn:relay.example:3478?transport=udp".into()],
    };
    vec![
        ServerFrame::Welcome {
            version_min: 1,
            version_max: 2,
            pow_bits: 0,
            nonce: [6; 16],
            flags: 2,
            unix_time: 1_800_000_000,
        },
        ServerFrame::Allocated {
            nameplate: Nameplate::parse("000000").unwrap(),
            mailbox: MailboxId([8; 32]),
            ttl_s: 1800,
        },
        ServerFrame::Claimed(MailboxId([8; 32])),
        ServerFrame::Opened { channel: 3, peer_present: true },
        ServerFrame::Added(3),
        ServerFrame::Closed(3),
        ServerFrame::TurnCredentials(credentials),
        ServerFrame::Pong(4),
        ServerFrame::Message { channel: 3, cell: cell() },
        ServerFrame::Peer { channel: 3, event: PeerEvent::Joined },
        ServerFrame::Error { channel: 3, code: ErrorCode::Crowded },
    ]
}
