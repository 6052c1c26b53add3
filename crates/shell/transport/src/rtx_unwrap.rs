//! Interceptor: gives a retransmission its own SSRC, number and payload type back (RFC 4588) below the NACK generator.
//!
//! The crate does that after the whole chain, so its generator never sees a hole filled and asks for ever (D2).

use std::{collections::VecDeque, time::Instant};

use rtc::{
    interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket},
    rtp,
    sansio::Protocol,
    shared::error::Error,
};

use crate::sdp::{AV1, AV1_RTX, H264, H264_RTX};

/// See the module.
#[derive(Default)]
pub(crate) struct RtxUnwrap {
    /// (RTX SSRC, media SSRC) of the peer's streams: at most two.
    pairs: Vec<(u32, u32)>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

/// True if the packet may go on: it was no retransmission, or is unwrapped now.
fn unwrap(packet: &mut rtp::Packet, media_ssrc: u32) -> bool {
    let media_type = match packet.header.payload_type {
        H264_RTX => H264,
        AV1_RTX => AV1,
        _ => return false,
    };
    let [high, low, ..] = packet.payload[..] else { return false };
    packet.header.ssrc = media_ssrc;
    packet.header.payload_type = media_type;
    packet.header.sequence_number = u16::from_be_bytes([high, low]);
    packet.header.padding = false;
    packet.payload = packet.payload.slice(2..);
    true
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for RtxUnwrap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &mut message.message.packet
            && let Some((_, media)) = self.pairs.iter().find(|(rtx, _)| *rtx == packet.header.ssrc)
            && !unwrap(packet, *media)
        {
            return Ok(());
        }
        self.reads.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl Interceptor for RtxUnwrap {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        if let Some(rtx) = info.ssrc_rtx {
            self.pairs.retain(|(known, _)| *known != rtx);
            self.pairs.push((rtx, info.ssrc));
        }
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.pairs.retain(|(_, media)| *media != info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn packet(payload_type: u8, payload: &'static [u8]) -> rtp::Packet {
        let header = rtp::Header {
            version: 2,
            payload_type,
            ssrc: 9,
            sequence_number: 1,
            marker: true,
            timestamp: 77,
            ..Default::default()
        };
        rtp::Packet { header, payload: Bytes::from_static(payload) }
    }

    #[test]
    fn a_retransmission_gets_its_number_back_and_keeps_marker_and_timestamp() {
        let mut packet = packet(H264_RTX, &[0x12, 0x34, 7, 8]);
        assert!(unwrap(&mut packet, 5));
        let header = &packet.header;
        assert_eq!((header.ssrc, header.payload_type, header.sequence_number), (5, H264, 0x1234));
        assert_eq!((header.marker, header.timestamp, &packet.payload[..]), (true, 77, &[7_u8, 8][..]));
    }

    #[test]
    fn short_or_mislabelled_retransmissions_are_dropped() {
        assert!(!unwrap(&mut packet(H264_RTX, &[]), 5));
        assert!(!unwrap(&mut packet(H264_RTX, &[1]), 5));
        assert!(!unwrap(&mut packet(H264, &[0, 1, 2]), 5));
    }
}
