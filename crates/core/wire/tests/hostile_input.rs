//! Every truncation, every bit flip and 100,000 seeded mutations of a valid message of each type: no panic, at most
//! 1 MiB allocated, and whatever is accepted has exactly one encoding.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use sotto_wire::{
    Cell, Reassembler, SigFragments, SigMessage,
    file::FileMessage,
    fragment::SIG_PLAINTEXT_LEN,
    record::{ChatMessage, ControlMessage},
    server::{ClientFrame, ServerFrame},
    tlv::{Tag, TlvList, push},
};

const MUTATIONS: usize = 100_000;
const MAX_ALLOCATED: u64 = 1 << 20;

/// xorshift64*: the same sequence on every machine.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let draw = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        usize::try_from(draw).unwrap() % n.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// Changes, inserts, removes, doubles or cuts; a few at once.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            // Most meaning is in the front.
            let reach = if self.below(2) == 0 { bytes.len().min(48) } else { bytes.len() };
            let at = self.below(reach);
            match self.below(8) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1..=2 if !bytes.is_empty() => bytes[at] = self.byte(),
                3 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][self.below(5)],
                4 => bytes.insert(at, self.byte()),
                5 if !bytes.is_empty() => drop(bytes.remove(at)),
                6 => bytes.truncate(at),
                7 if bytes.len() < 9000 => bytes.extend_from_within(at..),
                _ => {}
            }
        }
    }
}

/// Runs `attempt` on all changes of `valid`.
fn attack(valid: &[u8], seed: u64, mut attempt: impl FnMut(&[u8])) {
    attempt(valid);
    for len in 0..valid.len() {
        attempt(&valid[..len]);
    }
    let mut changed = valid.to_vec();
    for at in 0..valid.len() {
        for bit in 0..8 {
            changed[at] ^= 1 << bit;
            attempt(&changed);
            changed[at] = valid[at];
        }
    }
    let mut rng = Rng(seed);
    for _ in 0..MUTATIONS {
        changed.clear();
        changed.extend_from_slice(valid);
        rng.mutate(&mut changed);
        attempt(&changed);
    }
}

/// Decodes within the allocation limit; what is accepted must encode to the same bytes.
fn decode_once<T, E>(bytes: &[u8], decode: impl FnOnce(&[u8]) -> Result<T, E>, encode: impl FnOnce(&T) -> Vec<u8>) {
    let mut decoded = None;
    let info = allocation_counter::measure(|| decoded = decode(bytes).ok());
    assert!(info.bytes_total <= MAX_ALLOCATED, "{} bytes for an input of {}", info.bytes_total, bytes.len());
    if let Some(message) = decoded {
        assert_eq!(encode(&message), bytes);
    }
}

#[test]
fn hostile_client_frames() {
    for (seed, frame) in (1..).zip(common::client_frames()) {
        attack(&frame.encode(), seed, |bytes| decode_once(bytes, ClientFrame::decode, ClientFrame::encode));
    }
}

#[test]
fn hostile_server_frames() {
    for (seed, frame) in (100..).zip(common::server_frames()) {
        attack(&frame.encode(), seed, |bytes| decode_once(bytes, ServerFrame::decode, ServerFrame::encode));
    }
}

#[test]
fn hostile_cells() {
    let cells = [Cell::pa1(1, 0x11, &[9; 32]), Cell::sync(1, 7), Cell::reject(1, 0x11)];
    for (seed, cell) in (200..).zip(cells) {
        attack(cell.as_bytes(), seed, |bytes| {
            decode_once(bytes, Cell::from_bytes, |cell| cell.as_bytes().to_vec());
            let Ok(cell) = Cell::from_bytes(bytes) else { return };
            if let Ok(share) = cell.pa_share() {
                assert_eq!(cell.body()[..32], share);
                assert!(cell.body()[32..].iter().all(|&byte| byte == 0));
            }
            if let Ok(next) = cell.sync_next_expected() {
                assert_eq!(Cell::sync(cell.version(), next).body(), cell.body());
            }
            if cell.check_reject().is_ok() {
                assert_eq!(Cell::reject(0, 0).body(), cell.body());
            }
        });
    }
}

#[test]
fn hostile_sig_messages() {
    for (seed, message) in (300..).zip(common::sig_messages()) {
        let mtype = message.mtype();
        attack(&message.encode_data(), seed, |data| {
            // A longer POLICY is accepted, and read past its five bytes.
            let canonical = if mtype == 3 { &data[..data.len().min(5)] } else { data };
            assert_eq!(SigMessage::decode(mtype, data), SigMessage::decode(mtype, canonical));
            decode_once(canonical, |data| SigMessage::decode(mtype, data), |m| m.as_ref().unwrap().encode_data());
        });
    }
}

#[test]
fn hostile_data_records() {
    for (seed, message) in (400..).zip(common::control_messages()) {
        let mtype = message.mtype();
        attack(&message.encode_data(), seed, |data| {
            decode_once(data, |data| ControlMessage::decode(mtype, data), |m| m.as_ref().unwrap().encode_data());
        });
    }
    for (seed, message) in (450..).zip(common::chat_messages()) {
        let mtype = message.mtype();
        attack(&message.encode_data(), seed, |data| {
            decode_once(data, |data| ChatMessage::decode(mtype, data), |m| m.as_ref().unwrap().encode_data());
        });
    }
    for (seed, message) in (480..).zip(common::file_messages()) {
        let mtype = message.mtype();
        attack(&message.encode_data(), seed, |data| {
            decode_once(data, |data| FileMessage::decode(mtype, data), |m| m.as_ref().unwrap().encode_data());
        });
    }
}

#[test]
fn hostile_tlv_lists() {
    let mut list = Vec::new();
    push(&mut list, Tag::NonceI, &[1; 32]);
    push(&mut list, Tag::VersionRange, &[1, 1]);
    push(&mut list, Tag::ResumeTag, &[2; 16]);
    list.extend([0; 12]);
    attack(&list, 500, |bytes| {
        let info = allocation_counter::measure(|| drop(TlvList::parse(bytes)));
        assert_eq!(info.bytes_total, 0, "a list borrows its input");
        let Ok(list) = TlvList::parse(bytes) else { return };
        for tag in [Tag::NonceI, Tag::VersionRange, Tag::ResumeTag, Tag::Commit] {
            assert!(list.get(tag).is_none_or(|value| value.len() == tag.value_len()));
        }
    });
}

/// Before the first, between two, and after the last fragment of a message.
#[test]
fn hostile_fragments_are_dropped_without_a_trace_or_follow_the_rules() {
    let fragments: Vec<_> = SigFragments::from_parts(0, 1, vec![7; 9000]).unwrap().collect();
    assert_eq!(fragments.len(), 3);
    let mut state = Reassembler::new();
    for (seed, fragment) in (600..).zip(&fragments) {
        attack(&fragment[..], seed, |bytes| {
            let mut attacked = state.clone();
            let mut result = None;
            let info = allocation_counter::measure(|| result = Some(attacked.push(bytes)));
            assert!(info.bytes_total <= MAX_ALLOCATED);
            match result.unwrap() {
                Err(_) => assert!(attacked == state, "an error leaves the state as it was"),
                Ok(_) => assert!(attacked != state && bytes.len() == SIG_PLAINTEXT_LEN),
            }
        });
        state.push(&fragment[..]).unwrap();
    }
}

#[test]
fn random_bytes_of_any_type() {
    let mut rng = Rng(700);
    for _ in 0..MUTATIONS {
        let bytes: Vec<u8> = (0..rng.below(300)).map(|_| rng.byte()).collect();
        decode_once(&bytes, ClientFrame::decode, ClientFrame::encode);
        decode_once(&bytes, ServerFrame::decode, ServerFrame::encode);
        let mtype = rng.byte() % 16;
        let _ = SigMessage::decode(mtype, &bytes);
        let _ = ControlMessage::decode(rng.byte(), &bytes);
        let _ = TlvList::parse(&bytes);
    }
}
