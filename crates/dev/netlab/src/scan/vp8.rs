//! Looks for key frames of VP8, which this project has never sent: a browser's engine under it would, by default.
//!
//! A key frame begins with its tag, the start code `9D 01 2A`, and width and height (RFC 6386 §9.1), behind a descriptor
//! of one to six bytes (RFC 7741 §4.2). 24 fixed bits and 11 of plausibility: in a million packets of ciphertext about
//! one in a thousand runs would hold one by chance.

use crate::capture::Frame;
use crate::stun::payloads;

/// Places at which a frame may begin: behind RTP's header with its extension, or behind a header that we don't know.
const LONGEST_HEADER: usize = 40;
/// Pictures have sides of at least a macroblock, and at most this.
const SIDES: std::ops::RangeInclusive<u16> = 16..=4096;

/// How many UDP payloads, with TURN taken off, hold the beginning of a key frame.
#[must_use]
pub fn count_vp8_key_frames(frames: &[Frame]) -> usize {
    payloads(frames)
        .filter(|payload| {
            let end = payload.payload.len().min(LONGEST_HEADER + 10);
            payload.payload[..end].windows(10).any(is_key_frame)
        })
        .count()
}

fn is_key_frame(bytes: &[u8]) -> bool {
    let [tag, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] = *bytes else { return false };
    // Key frame, one of four versions, shown; no scaling.
    let plain = tag & 1 == 0 && (tag >> 1) & 7 <= 3 && tag & 0x10 != 0;
    plain && [[w0, w1], [h0, h1]].into_iter().all(|side| SIDES.contains(&u16::from_le_bytes(side)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::build::udp;
    use crate::stun::build::{channel, rtp};
    use crate::wire::Random;

    #[test]
    fn a_key_frame_is_found_behind_any_descriptor_and_other_bytes_are_not() {
        let count = |body: &[u8]| {
            let datagram = channel(0x4000, &rtp(96, 7, 1, body));
            count_vp8_key_frames(&[udp("198.51.100.7:4000", "192.0.2.10:3478", &datagram)])
        };
        // 640 × 480, shown, version 0.
        let frame = [0x50, 0x31, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01, 0x00, 0x47];
        for descriptor in [&[0x10][..], &[0x90, 0x80, 0x11], &[0x90, 0xF0, 0x91, 0x23, 0x04, 0x20]] {
            assert_eq!(count(&[descriptor, &frame].concat()), 1);
        }
        for at in [0, 3, 4, 5, 7, 9] {
            let mut other = frame;
            other[at] ^= 0x81;
            assert_eq!(count(&[&[0x10], &other[..]].concat()), 0, "{at}");
        }
        let mut random = Random::new(8);
        let mut noise = [0; 1100];
        for _ in 0..2000 {
            random.fill(&mut noise);
            assert_eq!(count(&noise), 0);
        }
    }
}
