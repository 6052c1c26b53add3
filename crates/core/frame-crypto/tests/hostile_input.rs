//! What somebody inside DTLS can send: every truncation, every bit flip, 100,000 seeded mutations. Nothing panics,
//! nothing changes, at most 1 MiB is allocated; the real packet still opens afterwards.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::HashSet;

use common::{DATA, MEDIA, Rng, codec, pair, seal, with_bytes};
use sotto_frame_crypto::{DataFault, Dropped, SessionKeys, header::Header};
use sotto_wire::{SealedPacket, SealedRecord, TrackId};

const MIB: u64 = 1 << 20;
const MUTATIONS: usize = 100_000;

/// A therapist in the middle of a session, and what the client sent that did not arrive yet.
struct Scene {
    therapist: SessionKeys,
    packets: Vec<SealedPacket>,
    records: Vec<SealedRecord>,
}

fn scene() -> Scene {
    let (mut client, mut therapist) = pair();
    client.media_sealer.ratchet().unwrap();
    for track in MEDIA {
        for _ in 0..300 {
            therapist.media_opener.open(&seal(&mut client.media_sealer, track, &[1; 80]), 0).unwrap();
        }
    }
    let packets = MEDIA.iter().map(|&track| seal(&mut client.media_sealer, track, &[2; 80])).collect();
    let mut records = Vec::new();
    for track in [TrackId::Control, TrackId::Chat] {
        for record in client.data_sealer.seal(track, 1, b"before").unwrap() {
            therapist.data_opener.open(&record).unwrap().unwrap();
        }
        records.append(&mut client.data_sealer.seal(track, 1, b"hello").unwrap());
    }
    // On the file track a message is half received.
    let mut halves = client.data_sealer.seal(TrackId::File, 1, &[3; 16_400]).unwrap();
    records.push(halves.pop().unwrap());
    assert_eq!(therapist.data_opener.open(&halves[0]), Ok(None));
    Scene { therapist, packets, records }
}

impl Scene {
    /// `bytes` that were never sent are dropped.
    fn media(&mut self, packet: &SealedPacket) -> Dropped {
        let state = self.therapist.media_opener.state_digest();
        let mut opened = None;
        let used = allocation_counter::measure(|| opened = Some(self.therapist.media_opener.open(packet, 1)));
        let reason = opened.unwrap().expect_err("a forgery was opened");
        assert!(used.bytes_max < MIB, "{} bytes", used.bytes_max);
        assert!(self.therapist.media_opener.state_digest() == state, "a forgery changed the state");
        reason
    }

    fn data(&mut self, record: &SealedRecord) {
        let state = self.therapist.data_opener.state_digest();
        let mut result = Ok(None);
        let used = allocation_counter::measure(|| result = self.therapist.data_opener.open(record));
        assert_eq!(result, Err(DataFault::Forged));
        assert!(used.bytes_max < MIB, "{} bytes", used.bytes_max);
        assert!(self.therapist.data_opener.state_digest() == state, "a forgery changed the state");
    }

    fn the_real_records_open(&mut self) {
        let lens =
            self.records.iter().map(|record| self.therapist.data_opener.open(record).unwrap().unwrap().data.len());
        assert_eq!(lens.collect::<Vec<_>>(), [5, 5, 16_400]);
    }
}

fn truncations(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).map(|len| bytes[..len].to_vec())
}

fn bit_flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

/// One to four changes: bytes set, removed, inserted, doubled, swapped for another header or for noise.
fn mutated(rng: &mut Rng, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len() + 1);
        match rng.below(8) {
            0 if at < bytes.len() => bytes[at] = rng.next() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, rng.next() as u8),
            4 => bytes.extend_from_within(at..),
            5 => {
                let header = Header { kid: rng.next() >> rng.below(64), ctr: rng.next() >> rng.below(64) };
                let mut front = [0; 17];
                let len = header.encode(&mut front);
                let keep = Header::parse(&bytes).map_or(0, |(_, len)| len);
                bytes.splice(..keep, front[..len].iter().copied());
            }
            6 => {
                let len = rng.below(2000);
                bytes = (0..len).map(|_| rng.next() as u8).collect();
            }
            _ => bytes.resize(at + rng.below(64), 0),
        }
        bytes.truncate(40_000);
    }
    bytes
}

#[test]
fn media_survives_truncations_and_bit_flips() {
    let mut scene = scene();
    for packet in scene.packets.clone() {
        for bytes in truncations(&packet.bytes).chain(bit_flips(&packet.bytes)) {
            scene.media(&with_bytes(&packet, bytes));
        }
        scene.media(&SealedPacket { marker: !packet.marker, ..packet.clone() });
        for bit in 0..32 {
            scene.media(&SealedPacket { rtp_timestamp: packet.rtp_timestamp ^ (1 << bit), ..packet.clone() });
        }
    }
    for packet in &scene.packets {
        scene.therapist.media_opener.open(packet, 1).unwrap();
    }
}

#[test]
fn media_survives_100_000_mutations() {
    let mut scene = scene();
    let mut rng = Rng(0xA11CE);
    let mut reasons = HashSet::new();
    let mut forgeries = 0;
    while forgeries < MUTATIONS {
        let original = &scene.packets[rng.below(4)];
        let bytes = mutated(&mut rng, &original.bytes);
        let track = if rng.below(8) == 0 { TrackId::from_u8(rng.below(7) as u8).unwrap() } else { original.track };
        let packet = SealedPacket { track, codec: codec(track), ..with_bytes(original, bytes) };
        if packet == *original {
            continue;
        }
        forgeries += 1;
        reasons.insert(scene.media(&packet) as u8);
    }
    assert!(reasons.len() >= 6, "the mutations reach most of the rules: {reasons:?}");
    for packet in &scene.packets {
        scene.therapist.media_opener.open(packet, 1).unwrap();
    }
}

#[test]
fn data_survives_truncations_and_bit_flips() {
    let mut scene = scene();
    for record in scene.records.clone() {
        for bytes in truncations(&record.bytes).chain(bit_flips(&record.bytes)) {
            scene.data(&SealedRecord { track: record.track, bytes: bytes.into() });
        }
    }
    scene.the_real_records_open();
}

#[test]
fn data_survives_100_000_mutations() {
    let mut scene = scene();
    let mut rng = Rng(0xB0B);
    let mut forgeries = 0;
    while forgeries < MUTATIONS {
        let original = &scene.records[rng.below(3)];
        let bytes = mutated(&mut rng, &original.bytes);
        let track = if rng.below(8) == 0 { TrackId::from_u8(rng.below(7) as u8).unwrap() } else { original.track };
        if track == original.track && bytes == original.bytes[..] {
            continue;
        }
        forgeries += 1;
        scene.data(&SealedRecord { track, bytes: bytes.into() });
    }
    scene.the_real_records_open();
}

/// A peer with the keys can make us hold 64 KiB a track, not more.
#[test]
fn reassembly_allocates_less_than_a_mebibyte() {
    let (mut client, mut therapist) = pair();
    let mut records = Vec::new();
    for track in DATA {
        records.extend(client.data_sealer.seal(track, 1, &[3; 65_536]).unwrap());
    }
    let used = allocation_counter::measure(|| {
        for record in &records {
            therapist.data_opener.open(record).unwrap();
        }
    });
    assert!(used.bytes_max < MIB, "{} bytes", used.bytes_max);
}

/// Sealing allocates the packet and nothing else.
#[test]
fn sealing_a_packet_is_one_allocation() {
    let (mut client, _) = pair();
    for track in MEDIA {
        let used = allocation_counter::measure(|| {
            seal(&mut client.media_sealer, track, &[1; 80]);
        });
        assert_eq!(used.count_total, 1, "{track:?}");
    }
}
