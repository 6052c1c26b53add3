//! Looks for SRTP packets with the same index and different bytes: with AES-GCM that repeats a nonce, which gives both
//! texts and the authentication key away (RFC 7714 §8).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;

use crate::capture::Frame;
use crate::stun::{Kind, Path, RtpHeader, payloads};

/// What was seen of SRTP indices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexUse {
    /// RTP packets.
    pub packets: u64,
    /// Packets that came again with the same bytes.
    pub repeats: u64,
    /// Indices that were used for different bytes: stream and extended sequence number.
    pub reused: Vec<(u32, u64)>,
    /// Streams (SSRC), with their packets, by how many.
    pub streams: Vec<(u32, u64)>,
}

/// A way: sender, receiver, and what TURN wrapped around.
type Way = (SocketAddr, SocketAddr, Path);

/// Follows every stream on one link. Both directions of a link may be in `frames`; a second link carries the same
/// packets and belongs in another call.
#[must_use]
pub fn srtp_index_use(frames: &[Frame]) -> IndexUse {
    let mut newest: HashMap<(SocketAddr, u32), u64> = HashMap::new();
    let mut seen: HashMap<(SocketAddr, u32, u64), (Way, &[u8])> = HashMap::new();
    let mut streams: HashMap<u32, u64> = HashMap::new();
    let mut index_use = IndexUse::default();
    for payload in payloads(frames).filter(|payload| payload.kind == Kind::Rtp) {
        let Some(header) = RtpHeader::parse(payload.payload) else { continue };
        index_use.packets += 1;
        *streams.entry(header.ssrc).or_default() += 1;
        let last = newest.entry((payload.source, header.ssrc)).or_insert(u64::from(header.sequence) + (1 << 16));
        // RFC 3711 §3.3.1: the rollover that brings the index nearest to the newest one.
        let distance = header.sequence.wrapping_sub(*last as u16).cast_signed();
        let index = last.wrapping_add_signed(i64::from(distance));
        *last = (*last).max(index);
        let way = (payload.source, payload.destination, payload.path);
        match seen.entry((payload.source, header.ssrc, index)) {
            Entry::Vacant(place) => {
                place.insert((way, payload.payload));
            }
            Entry::Occupied(first) if first.get().1 == payload.payload => index_use.repeats += 1,
            Entry::Occupied(_) => index_use.reused.push((header.ssrc, index.wrapping_sub(1 << 16))),
        }
    }
    index_use.streams = streams.into_iter().collect();
    index_use.streams.sort_by_key(|&(ssrc, packets)| (std::cmp::Reverse(packets), ssrc));
    index_use
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::build::udp;
    use crate::stun::build::{channel, rtp};

    fn packet(sequence: u16, body: &[u8]) -> Frame {
        udp("198.51.100.7:4000", "192.0.2.10:3478", &channel(0x4000, &rtp(102, 9, sequence, body)))
    }

    #[test]
    fn the_same_index_with_other_bytes_is_found_and_with_the_same_bytes_is_a_repeat() {
        let mut frames: Vec<_> = (0..50).map(|sequence| packet(sequence, b"first")).collect();
        frames.push(packet(7, b"first"));
        let clean = srtp_index_use(&frames);
        assert_eq!((clean.packets, clean.repeats, clean.reused.len()), (51, 1, 0));
        frames.push(packet(8, b"other"));
        assert_eq!(srtp_index_use(&frames).reused, [(9, 8)]);
    }

    #[test]
    fn the_same_sequence_number_after_a_rollover_is_another_index() {
        let frames: Vec<_> = (0..70_000u32).map(|n| packet(n as u16, &n.to_be_bytes())).collect();
        let index_use = srtp_index_use(&frames);
        assert_eq!(
            (index_use.packets, index_use.reused.len(), index_use.streams.as_slice()),
            (70_000, 0, &[(9, 70_000)][..])
        );
    }

    #[test]
    fn a_late_packet_from_before_the_start_is_no_reuse() {
        let frames: Vec<_> = [2, 3, 0, 1, 65_535, 4].map(|n: u16| packet(n, &n.to_be_bytes())).into();
        assert_eq!(srtp_index_use(&frames).reused, []);
    }
}
