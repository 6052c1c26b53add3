//! What the tests share: two ends of a session, and hex.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use sotto_frame_crypto::{MediaSealer, SessionKeys, Shape, TrackSet, header::Header};
use sotto_identity::Secret;
use sotto_wire::{Codec, Role, SealedPacket, TrackId};

pub const H: [u8; 64] = [0x48; 64];
pub const MEDIA: [TrackId; 4] = [TrackId::Audio, TrackId::Camera, TrackId::Screen, TrackId::ScreenAudio];
pub const DATA: [TrackId; 3] = [TrackId::Control, TrackId::Chat, TrackId::File];

pub fn hex<const N: usize>(text: &str) -> [u8; N] {
    unhex(text).try_into().unwrap()
}

pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub fn root(byte: u8) -> Secret<64> {
    Secret::new([byte; 64])
}

/// Client and therapist of one session, everything allowed.
pub fn pair() -> (SessionKeys, SessionKeys) {
    let mut ends = [Role::Initiator, Role::Responder].map(|role| SessionKeys::new(root(0x52), &H, role));
    for end in &mut ends {
        end.media_opener.set_allowed(TrackSet::ALL);
    }
    let [client, therapist] = ends;
    (client, therapist)
}

pub const fn codec(track: TrackId) -> Codec {
    match track {
        TrackId::Audio | TrackId::ScreenAudio => Codec::Opus,
        _ => Codec::H264,
    }
}

pub const fn shape(track: TrackId) -> Shape {
    match track {
        TrackId::Audio | TrackId::ScreenAudio => Shape::Audio,
        _ => Shape::VideoFull,
    }
}

pub fn seal(sealer: &mut MediaSealer, track: TrackId, payload: &[u8]) -> SealedPacket {
    sealer.seal(track, codec(track), true, 960, payload, shape(track)).unwrap()
}

pub fn with_bytes(packet: &SealedPacket, bytes: impl Into<Bytes>) -> SealedPacket {
    SealedPacket { bytes: bytes.into(), ..packet.clone() }
}

/// The same packet with another header: what somebody without keys can forge.
pub fn with_header(packet: &SealedPacket, change: impl FnOnce(&mut Header)) -> SealedPacket {
    let (mut header, len) = Header::parse(&packet.bytes).unwrap();
    change(&mut header);
    let mut front = [0; 17];
    let front_len = header.encode(&mut front);
    with_bytes(packet, [&front[..front_len], &packet.bytes[len..]].concat())
}

/// xorshift64*: seeded, so that every run is the same.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
