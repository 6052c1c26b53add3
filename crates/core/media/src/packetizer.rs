//! Splits encoded pictures into packets of nearly equal size.

use crate::packet_header::{HEADER_LEN, MAX_FRAME_BYTES, MAX_PAYLOAD, PacketHeader};
use crate::traits::{EncodedFrame, MediaPacket};

/// A picture that no 256 packets hold, or an empty one. The encoder's rate control has failed: drop the picture and
/// ask the encoder for a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("encoded picture of {bytes} bytes (1 to {MAX_FRAME_BYTES} fit)")]
pub struct FrameTooLarge {
    /// Its size.
    pub bytes: usize,
}

/// Numbers pictures and splits them evenly (PROTOCOL §7.3): parts of one picture differ by at most one byte, so that
/// the sizes on the wire say little about where in a picture a packet stands.
#[derive(Clone, Debug, Default)]
pub struct VideoPacketizer {
    frame: u16,
}

impl VideoPacketizer {
    /// Starts at picture 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Packets of one picture, in the order in which they have to be sealed.
    ///
    /// # Errors
    /// [`FrameTooLarge`]; the picture number is not used up.
    pub fn packetize(&mut self, picture: &EncodedFrame) -> Result<Vec<MediaPacket>, FrameTooLarge> {
        let bytes = picture.data.len();
        if bytes == 0 || bytes > MAX_FRAME_BYTES {
            return Err(FrameTooLarge { bytes });
        }
        let count = bytes.div_ceil(MAX_PAYLOAD - HEADER_LEN);
        let (short, longer) = (bytes / count, bytes % count);
        let mut rest = picture.data.as_slice();
        let mut packets = Vec::with_capacity(count);
        for index in 0..count {
            let (part, after) = rest.split_at(short + usize::from(index < longer));
            rest = after;
            let last = index + 1 == count;
            let header = PacketHeader {
                frame: self.frame,
                first: index == 0,
                last,
                key: picture.key,
                index: u8::try_from(index).expect("at most 256 parts: the size was checked above"),
            };
            let mut payload = Vec::with_capacity(HEADER_LEN + part.len());
            payload.extend_from_slice(&header.to_bytes());
            payload.extend_from_slice(part);
            packets.push(MediaPacket { marker: last, rtp_timestamp: picture.rtp_timestamp, payload });
        }
        self.frame = self.frame.wrapping_add(1);
        Ok(packets)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn picture(bytes: usize) -> EncodedFrame {
        EncodedFrame { data: (0..bytes).map(|i| i as u8).collect(), key: false, rtp_timestamp: 5 }
    }

    #[test]
    fn splits_evenly_and_loses_nothing() {
        let mut packetizer = VideoPacketizer::new();
        for (number, bytes) in [1, 1132, 1133, 2264, 2265, 50_000, MAX_FRAME_BYTES].into_iter().enumerate() {
            let picture = picture(bytes);
            let packets = packetizer.packetize(&picture).unwrap();
            assert_eq!(packets.len(), bytes.div_ceil(1132));
            let sizes: Vec<_> = packets.iter().map(|p| p.payload.len()).collect();
            let (low, high) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(high - low <= 1 && *high <= MAX_PAYLOAD, "{sizes:?}");
            let mut joined = Vec::new();
            for (index, packet) in packets.iter().enumerate() {
                let (header, part) = PacketHeader::parse(&packet.payload).unwrap();
                assert_eq!(usize::from(header.index), index);
                assert_eq!(usize::from(header.frame), number);
                assert_eq!(header.last, index + 1 == packets.len());
                assert_eq!(packet.marker, header.last);
                joined.extend_from_slice(part);
            }
            assert!(joined == picture.data);
        }
    }

    #[test]
    fn refuses_a_picture_that_does_not_fit_and_keeps_its_number() {
        let mut packetizer = VideoPacketizer::new();
        assert_eq!(packetizer.packetize(&picture(0)).err(), Some(FrameTooLarge { bytes: 0 }));
        let bytes = MAX_FRAME_BYTES + 1;
        assert_eq!(packetizer.packetize(&picture(bytes)).err(), Some(FrameTooLarge { bytes }));
        let packets = packetizer.packetize(&picture(3)).unwrap();
        assert_eq!(packets[0].payload[..2], [0, 0]);
    }
}
