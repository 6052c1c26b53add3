//! The codec-neutral header of a video packet: `u16 frame | u8 flags (first, last, key) | u8 index` (PROTOCOL §7.3).

/// Bytes of the header.
pub const HEADER_LEN: usize = 4;
/// Most bytes of a media payload, header included (PROTOCOL §7.3).
pub const MAX_PAYLOAD: usize = 1136;
/// Most bytes of one encoded picture: 256 packets, because the index has eight bits.
pub const MAX_FRAME_BYTES: usize = 256 * (MAX_PAYLOAD - HEADER_LEN);

const FIRST: u8 = 1;
const LAST: u8 = 2;
const KEY: u8 = 4;

/// Header of one video packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketHeader {
    /// Number of the picture, wrapping.
    pub frame: u16,
    /// First packet of the picture; exactly when `index` is 0.
    pub first: bool,
    /// Last packet of the picture.
    pub last: bool,
    /// A decoder can start at this picture.
    pub key: bool,
    /// Number of the packet in its picture.
    pub index: u8,
}

impl PacketHeader {
    /// Bytes on the wire, big-endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [high, low] = self.frame.to_be_bytes();
        let mut flags = 0;
        for (set, bit) in [(self.first, FIRST), (self.last, LAST), (self.key, KEY)] {
            if set {
                flags |= bit;
            }
        }
        [high, low, flags, self.index]
    }

    /// Splits a payload into header and part. `None` when it is too short or too long, has an unknown flag, carries
    /// nothing, or its first flag does not agree with its index.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (&[high, low, flags, index], part) = payload.split_first_chunk::<HEADER_LEN>()?;
        let known = flags & !(FIRST | LAST | KEY) == 0;
        let first = flags & FIRST != 0;
        if !known || part.is_empty() || payload.len() > MAX_PAYLOAD || first != (index == 0) {
            return None;
        }
        let frame = u16::from_be_bytes([high, low]);
        Some((Self { frame, first, last: flags & LAST != 0, key: flags & KEY != 0, index }, part))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn header_bytes_are_those_of_the_protocol() {
        let header = PacketHeader { frame: 0x1234, first: true, last: false, key: true, index: 0 };
        assert_eq!(header.to_bytes(), [0x12, 0x34, 0b101, 0]);
        let mut payload = header.to_bytes().to_vec();
        payload.push(9);
        assert_eq!(PacketHeader::parse(&payload), Some((header, &[9][..])));
    }

    #[test]
    fn refuses_what_no_sender_writes() {
        for bad in [
            &[][..],
            &[0, 0, 1],
            &[0, 0, 1, 0],        // carries nothing
            &[0, 0, 8 | 1, 0, 9], // unknown flag
            &[0, 0, 1, 3, 9],     // first, but not index 0
            &[0, 0, 0, 0, 9],     // index 0, but not first
        ] {
            assert_eq!(PacketHeader::parse(bad), None, "{bad:?}");
        }
        let mut long = vec![0, 0, 1, 0];
        long.resize(MAX_PAYLOAD, 0);
        assert!(PacketHeader::parse(&long).is_some());
        long.push(0);
        assert_eq!(PacketHeader::parse(&long), None);
    }
}
