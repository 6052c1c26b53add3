//! STUN and TURN on the wire: what kind of payload a datagram holds, and what a relay wraps around it
//! (RFC 8489, RFC 8656, RFC 7983).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::capture::Frame;
use crate::packet::Packet;

/// STUN's magic cookie (RFC 8489 §5).
pub const COOKIE: u32 = 0x2112_A442;

const SEND_INDICATION: u16 = 0x0016;
const DATA_INDICATION: u16 = 0x0017;
const ATTRIBUTE_XOR_PEER: u16 = 0x0012;
const ATTRIBUTE_DATA: u16 = 0x0013;

/// Kind of a UDP payload, by its first bytes (RFC 7983 §7, RFC 5761 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// STUN message.
    Stun,
    /// TURN ChannelData.
    Channel,
    /// DTLS record.
    Dtls,
    /// RTP or SRTP.
    Rtp,
    /// RTCP or SRTCP.
    Rtcp,
    /// Something else.
    Other,
}

impl Kind {
    /// Classifies a payload.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        match payload {
            [0..=3, _, _, _, cookie @ ..] if cookie.first_chunk() == Some(&COOKIE.to_be_bytes()) => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            [64..=79, ..] => Self::Channel,
            [128..=191, 192..=223, ..] if payload.len() >= 8 => Self::Rtcp,
            [128..=191, ..] if payload.len() >= 12 => Self::Rtp,
            _ => Self::Other,
        }
    }
}

/// Where a payload was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Plain in UDP.
    Direct,
    /// In ChannelData.
    Channel(u16),
    /// In a Send or Data indication with this peer.
    Indication(SocketAddr),
}

/// A UDP payload without what TURN put around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwrapped<'a> {
    /// Microseconds since the Unix epoch.
    pub at_us: u64,
    /// Sender of the outer datagram.
    pub source: SocketAddr,
    /// Receiver of the outer datagram.
    pub destination: SocketAddr,
    /// What was around it.
    pub path: Path,
    /// Kind.
    pub kind: Kind,
    /// The payload.
    pub payload: &'a [u8],
}

/// All UDP payloads of a capture, TURN unwrapped. A STUN message of TURN itself is given as it is; of an indication
/// what it carries is given too.
pub fn payloads(frames: &[Frame]) -> impl Iterator<Item = Unwrapped<'_>> {
    frames.iter().filter_map(Packet::parse).filter(Packet::is_udp).flat_map(|packet| {
        let outer = Unwrapped {
            at_us: packet.at_us,
            source: packet.source,
            destination: packet.destination,
            path: Path::Direct,
            kind: Kind::of(packet.payload),
            payload: packet.payload,
        };
        let inner =
            unwrap(packet.payload).map(|(path, payload)| Unwrapped { path, kind: Kind::of(payload), payload, ..outer });
        // ChannelData is nothing but its content; an indication has attributes of its own.
        let outer = (outer.kind != Kind::Channel || inner.is_none()).then_some(outer);
        outer.into_iter().chain(inner)
    })
}

fn unwrap(payload: &[u8]) -> Option<(Path, &[u8])> {
    match Kind::of(payload) {
        Kind::Channel => {
            let (head, body) = payload.split_first_chunk::<4>()?;
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            Some((Path::Channel(u16::from_be_bytes([head[0], head[1]])), body.get(..length)?))
        }
        Kind::Stun if matches!(message_type(payload), SEND_INDICATION | DATA_INDICATION) => {
            let data = attributes(payload).find(|&(kind, _)| kind == ATTRIBUTE_DATA)?.1;
            let peer = attributes(payload).find(|&(kind, _)| kind == ATTRIBUTE_XOR_PEER)?.1;
            Some((Path::Indication(xor_address(peer, payload)?), data))
        }
        _ => None,
    }
}

fn message_type(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[0], message[1]])
}

/// Attributes of a STUN message: type and value; ends at the first malformed one.
pub fn attributes(message: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = message.get(20..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, body) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = body.get(..length)?;
        rest = body.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_be_bytes([head[0], head[1]]), value))
    })
}

/// All addresses in a STUN message, plain and XORed (MAPPED, XOR-MAPPED, XOR-PEER, XOR-RELAYED, ALTERNATE-SERVER,
/// RESPONSE-ORIGIN, OTHER-ADDRESS).
pub fn addresses(message: &[u8]) -> impl Iterator<Item = (u16, SocketAddr)> {
    attributes(message).filter_map(move |(kind, value)| {
        let address = match kind {
            0x0012 | 0x0016 | 0x0020 => xor_address(value, message),
            0x0001 | 0x8023 | 0x802B | 0x802C => plain_address(value),
            _ => None,
        };
        address.map(|address| (kind, address))
    })
}

fn plain_address(value: &[u8]) -> Option<SocketAddr> {
    let (head, body) = value.split_first_chunk::<4>()?;
    let ip = match head[1] {
        1 => IpAddr::from(Ipv4Addr::from(*body.first_chunk::<4>()?)),
        2 => IpAddr::from(Ipv6Addr::from(*body.first_chunk::<16>()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([head[2], head[3]])))
}

/// RFC 8489 §14.2: the port and an IPv4 address are XORed with the cookie, an IPv6 address with cookie and transaction.
fn xor_address(value: &[u8], message: &[u8]) -> Option<SocketAddr> {
    let address = plain_address(value)?;
    let mask: &[u8; 16] = message.get(4..)?.first_chunk()?;
    let ip = match address.ip() {
        IpAddr::V4(ip) => IpAddr::from(Ipv4Addr::from_bits(ip.to_bits() ^ COOKIE)),
        IpAddr::V6(ip) => IpAddr::from(Ipv6Addr::from_bits(ip.to_bits() ^ u128::from_be_bytes(*mask))),
    };
    Some(SocketAddr::new(ip, address.port() ^ (COOKIE >> 16) as u16))
}

/// The parts of an RTP packet that are never encrypted (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// Payload type.
    pub payload_type: u8,
    /// Marker.
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Stream.
    pub ssrc: u32,
    /// Length of the header with contributing sources and extension, bytes.
    pub length: usize,
}

impl RtpHeader {
    /// Parses the header of a payload of [`Kind::Rtp`].
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; 12] = packet.first_chunk()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let mut length = 12 + 4 * usize::from(fixed[0] & 15);
        if fixed[0] & 0x10 != 0 {
            let words = packet.get(length + 2..length + 4)?;
            length += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
        }
        (length <= packet.len()).then(|| Self {
            payload_type: fixed[1] & 0x7F,
            marker: fixed[1] & 0x80 != 0,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            length,
        })
    }
}

/// Builds STUN and RTP, for tests of scanners.
#[cfg(test)]
pub(crate) mod build {
    use super::COOKIE;

    pub(crate) fn stun(message_type: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut message = message_type.to_be_bytes().to_vec();
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(COOKIE.to_be_bytes());
        message.extend(b"transaction!");
        message.extend(body);
        message
    }

    /// XOR-… value of an IPv4 address.
    pub(crate) fn xor_value(ip: [u8; 4], port: u16) -> Vec<u8> {
        let mut value = vec![0, 1];
        value.extend((port ^ (COOKIE >> 16) as u16).to_be_bytes());
        value.extend((u32::from_be_bytes(ip) ^ COOKIE).to_be_bytes());
        value
    }

    pub(crate) fn rtp(payload_type: u8, ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, payload_type];
        packet.extend(sequence.to_be_bytes());
        packet.extend((u32::from(sequence) * 960).to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        packet
    }

    pub(crate) fn channel(number: u16, payload: &[u8]) -> Vec<u8> {
        let mut data = number.to_be_bytes().to_vec();
        data.extend((payload.len() as u16).to_be_bytes());
        data.extend_from_slice(payload);
        data
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::packet::build::udp;

    #[test]
    fn rfc5769_ipv4_response_is_decoded() {
        // RFC 5769 §2.2: XOR-MAPPED-ADDRESS 192.0.2.1:32853.
        let mut message = vec![0x01, 0x01, 0x00, 0x3C, 0x21, 0x12, 0xA4, 0x42];
        message.extend([0xB7, 0xE7, 0xA7, 0x01, 0xBC, 0x34, 0xD6, 0x86, 0xFA, 0x87, 0xDF, 0xAE]);
        message.extend([0x80, 0x22, 0x00, 0x0B]);
        message.extend(b"test vector ");
        message.extend([0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xA1, 0x47, 0xE1, 0x12, 0xA6, 0x43]);
        let found: Vec<_> = addresses(&message).collect();
        assert_eq!(found, [(0x20, "192.0.2.1:32853".parse().unwrap())]);
    }

    #[test]
    fn rfc5769_ipv6_response_is_decoded() {
        // RFC 5769 §2.3: XOR-MAPPED-ADDRESS 2001:db8:1234:5678:11:2233:4455:6677 port 32853.
        let mut message = vec![0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xA4, 0x42];
        message.extend([0xB7, 0xE7, 0xA7, 0x01, 0xBC, 0x34, 0xD6, 0x86, 0xFA, 0x87, 0xDF, 0xAE]);
        message
            .extend([0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xA1, 0x47, 0x01, 0x13, 0xA9, 0xFA, 0xA5, 0xD3, 0xF1, 0x79]);
        message.extend([0xBC, 0x25, 0xF4, 0xB5, 0xBE, 0xD2, 0xB9, 0xD9]);
        let found: Vec<_> = addresses(&message).map(|(_, address)| address).collect();
        assert_eq!(found, ["[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap()]);
    }

    #[test]
    fn relayed_payloads_are_unwrapped_from_channels_and_indications() {
        let rtp = build::rtp(111, 7, 1, b"sound");
        let peer = build::xor_value([192, 0, 2, 10], 50_000);
        let (a, b) = ("198.51.100.7:4000", "192.0.2.10:3478");
        let frames = [
            udp(a, b, &build::channel(0x4000, &rtp)),
            udp(a, b, &build::stun(SEND_INDICATION, &[(ATTRIBUTE_XOR_PEER, &peer), (ATTRIBUTE_DATA, &rtp)])),
            udp(a, b, &build::stun(0x0003, &[(0x19, &[17, 0, 0, 0])])),
        ];
        let seen: Vec<_> = payloads(&frames).map(|payload| (payload.path, payload.kind)).collect();
        let indication = Path::Indication("192.0.2.10:50000".parse().unwrap());
        assert_eq!(
            seen,
            [
                (Path::Channel(0x4000), Kind::Rtp),
                (Path::Direct, Kind::Stun),
                (indication, Kind::Rtp),
                (Path::Direct, Kind::Stun)
            ]
        );
        assert!(payloads(&frames).filter(|payload| payload.kind == Kind::Rtp).all(|payload| payload.payload == rtp));
    }

    #[test]
    fn rtp_header_length_counts_sources_and_extension() {
        let mut packet =
            vec![0x91, 0x80 | 102, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 1, 1, 0xBE, 0xDE, 0, 1, 0x10, 0, 0, 0];
        packet.extend(b"payload");
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!(
            (header.length, header.sequence, header.ssrc, header.payload_type, header.marker),
            (24, 9, 2, 102, true)
        );
        for length in 0..24 {
            assert!(RtpHeader::parse(&packet[..length]).is_none());
        }
    }
}
