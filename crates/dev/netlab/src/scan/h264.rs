//! Looks for H.264 byte streams in RTP payloads.
//!
//! Three-byte start codes occur by chance in any ciphertext. A four-byte start code followed by the NAL header of a
//! parameter set or of a slice, `00 00 00 01 {67|68|65|41|61|…}`, has five fixed bytes: in 100 MB of ciphertext it is
//! expected 0.001 times, in a picture stream once or more a frame.

use crate::capture::Frame;
use crate::stun::{Kind, RtpHeader, payloads};

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartCodes {
    /// RTP packets looked at.
    pub packets: u64,
    /// Bytes looked at.
    pub bytes: u64,
    /// Four-byte start codes with a NAL header behind them.
    pub found: u64,
    /// Those among them that begin a parameter set.
    pub parameter_sets: u64,
}

/// NAL headers of OpenH264 and its like: parameter sets and slices with their usual `nal_ref_idc` (H.264 §7.4.1).
const PARAMETER_SETS: [u8; 4] = [0x67, 0x27, 0x68, 0x28];
const SLICES: [u8; 6] = [0x65, 0x25, 0x41, 0x61, 0x21, 0x06];

/// Counts start codes anywhere in the payloads of all RTP packets.
#[must_use]
pub fn scan_start_codes(frames: &[Frame]) -> StartCodes {
    let mut codes = StartCodes::default();
    for payload in payloads(frames).filter(|payload| payload.kind == Kind::Rtp) {
        let Some(header) = RtpHeader::parse(payload.payload) else { continue };
        let body = &payload.payload[header.length..];
        codes.packets += 1;
        codes.bytes += body.len() as u64;
        for window in body.windows(5) {
            if let [0, 0, 0, 1, nal] = window {
                let parameter_set = PARAMETER_SETS.contains(nal);
                codes.parameter_sets += u64::from(parameter_set);
                codes.found += u64::from(parameter_set || SLICES.contains(nal));
            }
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::build::udp;
    use crate::stun::build::{channel, rtp};
    use crate::wire::Random;

    #[test]
    fn a_picture_stream_is_found_behind_any_header_and_random_bytes_are_not() {
        let mut random = Random::new(3);
        let mut body = vec![0; 1136];
        let (mut plain, mut sealed) = (Vec::new(), Vec::new());
        for sequence in 0..3000 {
            random.fill(&mut body);
            sealed.push(udp("198.51.100.7:4000", "192.0.2.10:3478", &channel(0x4000, &rtp(102, 9, sequence, &body))));
            if sequence % 4 == 0 {
                let header = 4 + usize::from(sequence % 9);
                body[header..header + 5].copy_from_slice(&[0, 0, 0, 1, if sequence == 0 { 0x67 } else { 0x41 }]);
            }
            plain.push(udp("198.51.100.7:4000", "192.0.2.10:3478", &channel(0x4000, &rtp(102, 9, sequence, &body))));
        }
        let codes = scan_start_codes(&plain);
        assert_eq!((codes.packets, codes.found, codes.parameter_sets), (3000, 750, 1));
        assert_eq!(scan_start_codes(&sealed).found, 0);
    }
}
