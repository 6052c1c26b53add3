//! Looks for SCTP packets, which carry chat and control records in the clear where DTLS leaves them so (RFC 9260 §3).
//!
//! A packet is believed if its chunks fill it exactly and its checksum is right: 32 bits that chance does not hit.

use crate::capture::Frame;
use crate::dtls::records;
use crate::stun::{Kind, payloads};

/// Places inside a payload where a packet may begin: behind up to three headers.
const LONGEST_HEADER: usize = 48;
/// What may follow a packet: nothing, or a tag.
const TRAILERS: [usize; 3] = [0, 16, 20];
/// Common header and one chunk.
const SHORTEST: usize = 16;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sctp {
    /// UDP payloads looked at.
    pub payloads: u64,
    /// Places at which chunks fill what is there.
    pub plausible: u64,
    /// Payloads and records that hold a packet with the right checksum.
    pub packets: u64,
}

/// Looks into every UDP payload with TURN taken off, and into every DTLS record in it.
#[must_use]
pub fn scan_sctp(frames: &[Frame]) -> Sctp {
    let mut found = Sctp::default();
    for payload in payloads(frames) {
        found.payloads += 1;
        if payload.kind == Kind::Dtls {
            for record in records(payload.payload) {
                found.look(record.body);
            }
        } else {
            found.look(payload.payload);
        }
    }
    found
}

impl Sctp {
    fn look(&mut self, bytes: &[u8]) {
        let mut is_packet = false;
        for start in 0..=LONGEST_HEADER {
            for trailer in TRAILERS {
                let candidate = bytes.get(start..bytes.len().saturating_sub(trailer)).unwrap_or_default();
                if candidate.len() >= SHORTEST && chunks_fill(&candidate[12..]) {
                    self.plausible += 1;
                    is_packet |= has_right_checksum(candidate);
                }
            }
        }
        self.packets += u64::from(is_packet);
    }
}

/// Chunks have a length of their own, and are padded to four bytes.
fn chunks_fill(mut chunks: &[u8]) -> bool {
    while let Some((head, _)) = chunks.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if length < 4 || length > chunks.len() {
            return false;
        }
        chunks = chunks.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    chunks.is_empty()
}

/// The checksum stands in the common header, lowest byte first, and is counted with zeros in its place
/// (RFC 9260 §6.8).
fn has_right_checksum(packet: &[u8]) -> bool {
    let Some((head, chunks)) = packet.split_first_chunk::<12>() else { return false };
    let stated = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    crc32c([&head[..8], &[0; 4], chunks]) == stated
}

/// CRC-32C (RFC 9260, Appendix A), of parts one after another.
fn crc32c<const N: usize>(parts: [&[u8]; N]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.into_iter().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0x82F6_3B78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtls::build::record;
    use crate::packet::build::udp;
    use crate::stun::build::{channel, rtp};
    use crate::wire::Random;

    /// A DATA chunk and a SACK between ports 5000.
    fn packet(text: &[u8]) -> Vec<u8> {
        let mut packet = [5000_u16.to_be_bytes(), 5000_u16.to_be_bytes()].concat();
        packet.extend([0xA1, 0xB2, 0xC3, 0xD4, 0, 0, 0, 0]);
        packet.extend([0, 3]);
        packet.extend((16 + text.len() as u16).to_be_bytes());
        packet.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 53]);
        packet.extend_from_slice(text);
        packet.resize(packet.len().next_multiple_of(4), 0);
        packet.extend([3, 0, 0, 16, 0, 0, 0, 9, 0, 2, 0, 0, 0, 0, 0, 0]);
        let checksum = crc32c([&packet]);
        packet[8..12].copy_from_slice(&checksum.to_le_bytes());
        packet
    }

    fn found(datagrams: &[Vec<u8>]) -> u64 {
        let frames: Vec<_> = datagrams
            .iter()
            .map(|datagram| udp("198.51.100.7:4000", "192.0.2.10:3478", &channel(0x4000, datagram)))
            .collect();
        scan_sctp(&frames).packets
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The check value of CRC-32C, and RFC 3720 §B.4: 32 zeros, 32 ones.
        assert_eq!(crc32c([b"12345", b"6789"]), 0xE306_9283);
        assert_eq!(crc32c([&[0; 32]]), 0x8A91_36AA);
        assert_eq!(crc32c([&[0xFF; 32]]), 0x62A8_AB43);
    }

    #[test]
    fn a_packet_is_found_bare_behind_headers_before_a_tag_and_in_the_second_record() {
        let packet = packet(b"how did you sleep");
        let sealed = [&packet[..], &[0; 16]].concat();
        for datagram in [
            record(23, 1, &packet),
            record(23, 1, &sealed),
            record(23, 1, &[&[0; 8], &sealed[..]].concat()),
            [record(23, 1, &[7; 300]), record(23, 1, &sealed)].concat(),
            rtp(111, 5, 1, &packet),
            packet.clone(),
        ] {
            assert_eq!(found(&[datagram]), 1);
        }
    }

    #[test]
    fn a_changed_byte_and_random_bytes_are_no_packets() {
        let packet = packet(b"how did you sleep");
        for at in 0..packet.len() {
            let mut changed = packet.clone();
            changed[at] ^= 0x10;
            assert_eq!(found(&[record(23, 1, &changed)]), 0, "{at}");
            assert_eq!(found(&[record(23, 1, &packet[..at])]), 0, "{at}");
        }
        let mut random = Random::new(6);
        let noise: Vec<_> = (0..3000)
            .map(|_| {
                let mut body = vec![0; 1100];
                random.fill(&mut body);
                record(23, 1, &body)
            })
            .collect();
        assert_eq!(found(&noise), 0);
    }
}
