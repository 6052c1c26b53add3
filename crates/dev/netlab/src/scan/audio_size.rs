//! Sizes of sound packets: with one size, an observer learns nothing from them (RFC 6562, PROTOCOL §7.5).

use std::collections::{BTreeMap, BTreeSet};

use crate::capture::Frame;
use crate::stun::{Kind, RtpHeader, payloads};

/// What an observer sees of one stream of sound in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioSizes {
    /// Packets.
    pub packets: u64,
    /// Sizes of the RTP payload, bytes.
    pub payload: BTreeSet<usize>,
    /// Sizes of the whole RTP packet, bytes.
    pub packet: BTreeSet<usize>,
    /// Time of each packet, microseconds.
    pub at_us: Vec<u64>,
}

impl AudioSizes {
    /// How much later or earlier than its turn a packet comes after the one before, ms: this percentile of the packets in
    /// these times (microseconds). `packet_ms` is from one to the next.
    #[must_use]
    pub fn unevenness_ms(&self, packet_ms: f64, percentile: usize, during: std::ops::Range<u64>) -> f64 {
        let at_us: Vec<u64> = self.at_us.iter().copied().filter(|at| during.contains(at)).collect();
        let mut off: Vec<f64> =
            at_us.windows(2).map(|pair| (pair[1].abs_diff(pair[0]) as f64 / 1000.0 - packet_ms).abs()).collect();
        off.sort_by(f64::total_cmp);
        off.get(off.len().saturating_sub(1) * percentile / 100).copied().unwrap_or_default()
    }
}

/// Sizes by stream (SSRC) of all packets with this payload type.
#[must_use]
pub fn audio_sizes(frames: &[Frame], payload_type: u8) -> BTreeMap<u32, AudioSizes> {
    let mut streams: BTreeMap<u32, AudioSizes> = BTreeMap::new();
    for payload in payloads(frames).filter(|payload| payload.kind == Kind::Rtp) {
        if let Some(header) = RtpHeader::parse(payload.payload).filter(|header| header.payload_type == payload_type) {
            let sizes = streams.entry(header.ssrc).or_default();
            sizes.packets += 1;
            sizes.payload.insert(payload.payload.len() - header.length);
            sizes.packet.insert(payload.payload.len());
            sizes.at_us.push(payload.at_us);
        }
    }
    streams
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::build::udp;
    use crate::stun::build::{channel, rtp};

    #[test]
    fn a_packet_of_another_size_is_seen() {
        let frame = |sequence, size| {
            udp("198.51.100.7:4000", "192.0.2.10:3478", &channel(0x4000, &rtp(111, 5, sequence, &vec![1; size])))
        };
        let mut frames: Vec<_> = (0..100).map(|sequence| frame(sequence, 120)).collect();
        assert_eq!(audio_sizes(&frames, 111)[&5].payload.len(), 1);
        frames.push(frame(100, 41));
        let sizes = &audio_sizes(&frames, 111)[&5];
        assert_eq!((sizes.packets, sizes.payload.iter().copied().collect::<Vec<_>>()), (101, vec![41, 120]));
        assert!(audio_sizes(&frames, 102).is_empty());
    }

    #[test]
    fn what_comes_out_of_its_turn_is_seen() {
        let mut sizes = AudioSizes { at_us: (0..1000).map(|n| n * 20_000).collect(), ..AudioSizes::default() };
        assert!(sizes.unevenness_ms(20.0, 99, 0..u64::MAX) < 0.001);
        // Two in a hundred come 5 ms late.
        for at in sizes.at_us.iter_mut().skip(25).step_by(50) {
            *at += 5_000;
        }
        assert!((sizes.unevenness_ms(20.0, 99, 0..u64::MAX) - 5.0).abs() < 0.001);
        assert!(sizes.unevenness_ms(20.0, 99, 0..400_000) < 0.001, "only what was asked for");
    }
}
