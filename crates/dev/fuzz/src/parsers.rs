//! Parsers without state: what is accepted has exactly one encoding.

use std::{cell::RefCell, io::BufReader};

use sotto_codecs::H264Decoder;
use sotto_handshake::{Invite, RendezvousUrl, parse_join_text};
use sotto_identity::{IdentityKey, Secret};
use sotto_media::{VideoAssembler, VideoDecoder};
use sotto_peer::{Line, Lines, parse_command, render_error};
use sotto_sim::SeededRng;
use sotto_wire::{
    Cell, Reassembler, SigFragments, SigMessage,
    file::FileMessage,
    fragment::SIG_PLAINTEXT_LEN,
    record::{ChatMessage, ControlMessage, RK1_LEN, RekeyAttempt},
    server::{ClientFrame, ErrorCode, ServerFrame},
    sig::Policy,
    tlv::{Tag, TlvList, push},
};

/// What is accepted encodes to the same bytes.
fn one_encoding<T, E>(bytes: &[u8], decode: impl FnOnce(&[u8]) -> Result<T, E>, encode: impl FnOnce(&T) -> Vec<u8>) {
    if let Ok(message) = decode(bytes) {
        assert!(encode(&message) == bytes, "a second encoding");
    }
}

pub(crate) fn cell(data: &[u8]) {
    one_encoding(data, Cell::from_bytes, |cell| cell.as_bytes().to_vec());
    let Ok(cell) = Cell::from_bytes(data) else { return };
    if let Ok(share) = cell.pa_share() {
        assert_eq!(cell.body()[..32], share);
    }
    if let Ok(next) = cell.sync_next_expected() {
        assert!(Cell::sync(cell.version(), next).body() == cell.body());
    }
    if cell.check_reject().is_ok() {
        assert!(Cell::reject(0, 0).body() == cell.body());
    }
}

pub(crate) fn cell_seeds() -> Vec<Vec<u8>> {
    [Cell::pa1(1, 0x11, &[9; 32]), Cell::sync(1, 7), Cell::reject(1, 0x11)].map(|cell| cell.as_bytes().to_vec()).into()
}

/// A type byte and the message, or a sequence of fragments.
pub(crate) fn sig_plaintext(data: &[u8]) {
    if let Some((&mtype, rest)) = data.split_first() {
        // A longer POLICY is read past its five bytes.
        let rest = if mtype == 3 { &rest[..rest.len().min(5)] } else { rest };
        one_encoding(
            rest,
            |data| SigMessage::decode(mtype, data).and_then(|m| m.ok_or(sotto_wire::DecodeError::Truncated)),
            SigMessage::encode_data,
        );
    }
    let mut reassembler = Reassembler::new();
    for fragment in data.chunks(SIG_PLAINTEXT_LEN) {
        let before = reassembler.clone();
        if reassembler.push(fragment).is_err() {
            assert!(before == reassembler, "an error leaves the state as it was");
        }
    }
}

pub(crate) fn sig_seeds() -> Vec<Vec<u8>> {
    let messages = [
        SigMessage::Policy(Policy { ice: 0, compare: 1, caps: 0, held: 2 }),
        SigMessage::Name("Erika".into()),
        SigMessage::Admit,
        SigMessage::CandidatesEnd(1),
    ];
    let mut seeds: Vec<Vec<u8>> =
        messages.iter().map(|message| [&[message.mtype()][..], &message.encode_data()].concat()).collect();
    let fragments = SigFragments::from_parts(0, 1, vec![7; 9000]).expect("9000 bytes are three fragments");
    seeds.push(fragments.flat_map(|fragment| fragment.to_vec()).collect());
    // An offer: 1, fpalg, fingerprint, setup, ufrag, pwd, SSRCs, payload types.
    let mut offer = vec![4, 1, 1];
    offer.extend([9; 32]);
    offer.extend([0, 4]);
    offer.extend(b"abcd");
    offer.push(22);
    offer.extend(b"abcdefghijklmnopqrstuv");
    for n in 1..=3_u32 {
        offer.extend(n.to_be_bytes());
        offer.extend((if n == 1 { 0 } else { n + 10 }).to_be_bytes());
    }
    offer.extend([3, 111, 102, 103]);
    seeds.push(offer);
    seeds
}

pub(crate) fn tlv(data: &[u8]) {
    let Ok(list) = TlvList::parse(data) else { return };
    for tag in [Tag::NonceI, Tag::VersionRange, Tag::ResumeTag, Tag::Commit] {
        assert!(list.get(tag).is_none_or(|value| value.len() == tag.value_len()));
    }
}

pub(crate) fn tlv_seeds() -> Vec<Vec<u8>> {
    let mut list = Vec::new();
    push(&mut list, Tag::NonceI, &[1; 32]);
    push(&mut list, Tag::VersionRange, &[1, 1]);
    push(&mut list, Tag::ResumeTag, &[2; 16]);
    list.extend([0; 12]);
    vec![list]
}

pub(crate) fn invite(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let parsed = parse_join_text(text);
    assert!(!format!("{parsed:?}").contains("wss://"), "no address in a log");
    let _ = RendezvousUrl::parse(text);
}

pub(crate) fn invite_seeds() -> Vec<Vec<u8>> {
    let url = RendezvousUrl::parse("wss://rdv.example/v1").expect("an address");
    let mut rng = SeededRng::new(1);
    let key = IdentityKey::from_bytes(&Secret::new([0x22; 32]));
    let link = Invite::generate(key.public(), url, 29_000_000 * 60, &mut rng).to_text();
    let code = "471193-artist-paperweight-cobra-hideaway";
    vec![
        link.into_bytes(),
        code.into(),
        format!("{code}@rdv.example:8443").into_bytes(),
        format!("  {} ", code.replace('-', " ").to_uppercase()).into_bytes(),
        b"wss://[2001:db8::1]:8443/v1#spki=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_vec(),
    ]
}

/// A type byte and the data of a control, chat or file record.
pub(crate) fn control(data: &[u8]) {
    let Some((&mtype, rest)) = data.split_first() else { return };
    let missing = sotto_wire::DecodeError::Truncated;
    one_encoding(
        rest,
        |data| ControlMessage::decode(mtype, data).and_then(|m| m.ok_or(missing)),
        ControlMessage::encode_data,
    );
    one_encoding(
        rest,
        |data| ChatMessage::decode(mtype, data).and_then(|m| m.ok_or(missing)),
        ChatMessage::encode_data,
    );
    one_encoding(
        rest,
        |data| FileMessage::decode(mtype, data).and_then(|m| m.ok_or(missing)),
        FileMessage::encode_data,
    );
}

pub(crate) fn control_seeds() -> Vec<Vec<u8>> {
    let of = RekeyAttempt { epoch: 1, attempt: 1 };
    let messages = [
        ControlMessage::TransportBind { role: 0, bind: [4; 32] },
        ControlMessage::SasResult(1),
        ControlMessage::Keyframe { track: 1 },
        ControlMessage::Rk1(of, Box::new([1; RK1_LEN])),
        ControlMessage::Rk3(of, [3; 32]),
        ControlMessage::RkFail(of),
    ];
    let end = [&[0x30, 0][..], &[7; 240]].concat();
    let with_type = |message: &ControlMessage| [&[message.mtype()][..], &message.encode_data()].concat();
    messages.iter().map(with_type).chain([end, b"\x01hello".to_vec()]).collect()
}

/// `u8` how far the counter moves, `u8` how far the time, `u8` length, payload; again and again.
pub(crate) fn video_packet(data: &[u8]) {
    let (mut assembler, mut rest) = (VideoAssembler::new(), data);
    let (mut counter, mut now_ms) = (0_u64, 0_u64);
    while let [moves, time, len, more @ ..] = rest {
        let (payload, after) = more.split_at(usize::from(*len).min(more.len()));
        rest = after;
        counter = counter.wrapping_add_signed(i64::from(moves.cast_signed()));
        now_ms += u64::from(*time);
        assembler.push(counter, counter as u32, payload, now_ms);
        while assembler.poll(now_ms).is_some() {}
        let _ = (assembler.poll_key_request(now_ms), assembler.wake_at());
    }
    assert!(assembler.buffered_bytes() <= 512 * 1024, "{} bytes are held", assembler.buffered_bytes());
}

pub(crate) fn video_seeds() -> Vec<Vec<u8>> {
    vec![vec![1, 5, 8, 0, 0, 7, 0, 1, 2, 3, 4, 1, 5, 6, 0, 1, 3, 0, 9, 9]]
}

/// What stands in front of the decoder, and the decoder.
pub(crate) fn h264(data: &[u8]) {
    thread_local! {
        static DECODER: RefCell<H264Decoder> = RefCell::new(H264Decoder::new().expect("a decoder"));
    }
    DECODER.with_borrow_mut(|decoder| {
        let _ = decoder.decode(data);
    });
}

pub(crate) fn h264_seeds() -> Vec<Vec<u8>> {
    vec![vec![0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x02, 0x80, 0xf6, 0x80, 0x6d, 0x0a, 0x13, 0x50]]
}

/// Offers reach the transport as SIG messages.
pub(crate) fn sdp_seeds() -> Vec<Vec<u8>> {
    let offer = sig_seeds().pop().expect("the last seed is an offer");
    vec![offer[1..].to_vec()]
}

pub(crate) fn vault_seeds() -> Vec<Vec<u8>> {
    let mut file = b"TSPV\x01\x01".to_vec();
    for number in [65_536_u32, 3, 4] {
        file.extend(number.to_be_bytes());
    }
    file.extend([0; 137]);
    file.extend(40_u32.to_be_bytes());
    file.extend([5; 40]);
    vec![file]
}

pub(crate) fn server_frame(data: &[u8]) {
    one_encoding(data, ServerFrame::decode, ServerFrame::encode);
}

pub(crate) fn server_seeds() -> Vec<Vec<u8>> {
    [
        ServerFrame::Opened { channel: 3, peer_present: true },
        ServerFrame::Error { channel: 0, code: ErrorCode::BadFrame },
    ]
    .iter()
    .map(ServerFrame::encode)
    .chain([ClientFrame::Ping(1).encode()])
    .collect()
}

pub(crate) fn stun_seeds() -> Vec<Vec<u8>> {
    // RFC 5389 §15.2 and RFC 8656 §18: an Allocate request with REQUESTED-TRANSPORT and XOR-PEER-ADDRESS.
    let mut message = vec![0, 3, 0, 20, 0x21, 0x12, 0xa4, 0x42];
    message.extend([7; 12]);
    message.extend([0, 0x19, 0, 4, 17, 0, 0, 0, 0, 0x12, 0, 8, 0, 1, 1, 2, 3, 4, 5, 6]);
    vec![message]
}

pub(crate) fn command(data: &[u8]) {
    for line in Lines::new(BufReader::new(data)) {
        if let Ok(Line::Text(text)) = line
            && let Err(error) = parse_command(&text)
        {
            let answer = render_error(&error, 0.0);
            assert!(answer.len() < 1000 && !answer.contains('\n'), "an error of more than one line");
        }
    }
}

pub(crate) fn command_seeds() -> Vec<Vec<u8>> {
    vec![
        br#"{"cmd":"invite","label":"Anna","form":"code","minutes":30}"#.to_vec(),
        br#"{"cmd":"verify","pick":1}"#.to_vec(),
        br#"{"cmd":"listen","contacts":["00112233445566ff"]}"#.to_vec(),
    ]
}
