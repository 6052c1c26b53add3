//! Ethernet, IPv4, IPv6, UDP and TCP, as far as an eavesdropper needs them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::capture::{Frame, LinkType};

/// What IP carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp {
        /// Sequence number of the first payload byte.
        sequence: u32,
        /// Opens a connection.
        syn: bool,
    },
    /// A fragment of a datagram; payload begins anywhere.
    Fragment,
    /// Another protocol, by its number; ports are 0.
    Other(u8),
}

/// An IP packet inside a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Microseconds since the Unix epoch.
    pub at_us: u64,
    /// From.
    pub source: SocketAddr,
    /// To.
    pub destination: SocketAddr,
    /// Protocol above IP.
    pub transport: Transport,
    /// What UDP or TCP (or IP, for the others) carried.
    pub payload: &'a [u8],
    /// Where the payload begins in the frame.
    pub payload_at: usize,
}

impl<'a> Packet<'a> {
    /// Parses a frame; `None` for what isn't IP (ARP) or is malformed.
    #[must_use]
    pub fn parse(frame: &'a Frame) -> Option<Self> {
        let bytes = frame.bytes.as_slice();
        let start = match frame.link_type {
            LinkType::Ethernet => 14,
            LinkType::RawIp => 0,
            LinkType::Cooked => 16,
            LinkType::Cooked2 => 20,
        };
        let ip = bytes.get(start..)?;
        let (source, destination, protocol, header, length, fragment) = match ip.first()? >> 4 {
            4 if protocol_of(frame).is_none_or(|kind| kind == 0x0800) => {
                let fixed: &[u8; 20] = ip.first_chunk()?;
                let flags = u16::from_be_bytes([fixed[6], fixed[7]]);
                (
                    IpAddr::from(Ipv4Addr::from(*fixed[12..].first_chunk::<4>()?)),
                    IpAddr::from(Ipv4Addr::from(*fixed[16..].first_chunk::<4>()?)),
                    fixed[9],
                    usize::from(fixed[0] & 15) * 4,
                    usize::from(u16::from_be_bytes([fixed[2], fixed[3]])),
                    flags & 0x3FFF != 0, // more fragments, or an offset
                )
            }
            6 if protocol_of(frame).is_none_or(|kind| kind == 0x86DD) => {
                let fixed: &[u8; 40] = ip.first_chunk()?;
                (
                    IpAddr::from(Ipv6Addr::from(*fixed[8..].first_chunk::<16>()?)),
                    IpAddr::from(Ipv6Addr::from(*fixed[24..].first_chunk::<16>()?)),
                    fixed[6],
                    40,
                    40 + usize::from(u16::from_be_bytes([fixed[4], fixed[5]])),
                    fixed[6] == 44,
                )
            }
            _ => return None,
        };
        let inner = ip.get(header..length)?;
        let ports = |transport, skip: usize| {
            let source = SocketAddr::new(source, u16::from_be_bytes([inner[0], inner[1]]));
            let destination = SocketAddr::new(destination, u16::from_be_bytes([inner[2], inner[3]]));
            let payload = inner.get(skip..)?;
            Some(Self {
                at_us: frame.at_us,
                source,
                destination,
                transport,
                payload,
                payload_at: start + header + skip,
            })
        };
        if fragment {
            return Some(Self::portless(frame.at_us, source, destination, Transport::Fragment, inner, start + header));
        }
        match protocol {
            17 if inner.len() >= 8 => ports(Transport::Udp, 8),
            6 if inner.len() >= 20 => {
                let sequence = u32::from_be_bytes(*inner[4..].first_chunk()?);
                ports(Transport::Tcp { sequence, syn: inner[13] & 2 != 0 }, usize::from(inner[12] >> 4) * 4)
            }
            other => {
                Some(Self::portless(frame.at_us, source, destination, Transport::Other(other), inner, start + header))
            }
        }
    }

    fn portless(
        at_us: u64,
        from: IpAddr,
        to: IpAddr,
        transport: Transport,
        payload: &'a [u8],
        payload_at: usize,
    ) -> Self {
        Self {
            at_us,
            source: SocketAddr::new(from, 0),
            destination: SocketAddr::new(to, 0),
            transport,
            payload,
            payload_at,
        }
    }

    /// Whether it is UDP.
    #[must_use]
    pub fn is_udp(&self) -> bool {
        self.transport == Transport::Udp
    }
}

fn protocol_of(frame: &Frame) -> Option<u16> {
    let at = match frame.link_type {
        LinkType::Ethernet => 12,
        LinkType::RawIp => return None,
        LinkType::Cooked => 14,
        LinkType::Cooked2 => 0,
    };
    frame.bytes.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]))
}

/// Sequence number and payload.
type Segment = (u32, Vec<u8>);

/// Bytes of each direction of each TCP connection, in order, without repeats. A gap ends the stream.
#[must_use]
pub fn tcp_streams(frames: &[Frame]) -> BTreeMap<(SocketAddr, SocketAddr), Vec<u8>> {
    let mut segments: BTreeMap<(SocketAddr, SocketAddr), Vec<Segment>> = BTreeMap::new();
    for packet in frames.iter().filter_map(Packet::parse) {
        if let Transport::Tcp { sequence, syn } = packet.transport {
            let list = segments.entry((packet.source, packet.destination)).or_default();
            if syn {
                list.push((sequence.wrapping_add(1), Vec::new()));
            } else if !packet.payload.is_empty() {
                list.push((sequence, packet.payload.to_vec()));
            }
        }
    }
    segments.into_iter().map(|(ends, list)| (ends, assemble(list))).collect()
}

fn assemble(mut segments: Vec<Segment>) -> Vec<u8> {
    let Some(&(first, _)) = segments.first() else { return Vec::new() };
    // Offsets from the first segment seen; a connection of a test stays far below 2 GiB.
    segments.sort_by_key(|&(sequence, _)| sequence.wrapping_sub(first).cast_signed());
    let mut stream = Vec::new();
    for (sequence, bytes) in segments {
        let offset = sequence.wrapping_sub(first).cast_signed();
        let Some(known) = i64::try_from(stream.len()).ok().map(|length| length - i64::from(offset)) else { break };
        if known < 0 {
            break; // a gap
        }
        if let Some(new) = bytes.get(usize::try_from(known).unwrap_or(usize::MAX)..) {
            stream.extend_from_slice(new);
        }
    }
    stream
}

/// Builds frames, for tests of readers and scanners.
#[cfg(test)]
pub(crate) mod build {
    use std::net::SocketAddrV4;

    use super::{Frame, LinkType};

    fn ipv4(protocol: u8, from: SocketAddrV4, to: SocketAddrV4, inner: &[u8]) -> Frame {
        let mut bytes = vec![0x45, 0];
        bytes.extend(u16::try_from(20 + inner.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        bytes.extend(from.ip().octets());
        bytes.extend(to.ip().octets());
        bytes.extend_from_slice(inner);
        Frame { at_us: 1_000_000, link_type: LinkType::RawIp, bytes }
    }

    pub(crate) fn udp(from: &str, to: &str, payload: &[u8]) -> Frame {
        let (from, to): (SocketAddrV4, SocketAddrV4) = (from.parse().expect("address"), to.parse().expect("address"));
        let mut inner = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
        inner.extend(u16::try_from(8 + payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        inner.extend([0, 0]);
        inner.extend_from_slice(payload);
        ipv4(17, from, to, &inner)
    }

    pub(crate) fn tcp(from: &str, to: &str, sequence: u32, payload: &[u8]) -> Frame {
        let (from, to): (SocketAddrV4, SocketAddrV4) = (from.parse().expect("address"), to.parse().expect("address"));
        let mut inner = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
        inner.extend(sequence.to_be_bytes());
        inner.extend([0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0]);
        inner.extend_from_slice(payload);
        ipv4(6, from, to, &inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn udp_is_found_in_every_framing() {
        let raw = build::udp("198.51.100.7:4000", "192.0.2.10:3478", b"hello");
        for (link_type, header) in [
            (LinkType::Ethernet, [vec![0; 12], vec![8, 0]].concat()),
            (LinkType::RawIp, Vec::new()),
            (LinkType::Cooked, [vec![0; 14], vec![8, 0]].concat()),
            (LinkType::Cooked2, [vec![8, 0], vec![0; 18]].concat()),
        ] {
            let frame = Frame { at_us: 5, link_type, bytes: [header, raw.bytes.clone()].concat() };
            let packet = Packet::parse(&frame).unwrap();
            assert_eq!((packet.payload, packet.at_us), (&b"hello"[..], 5));
            assert_eq!(packet.source, "198.51.100.7:4000".parse().unwrap());
            assert_eq!(packet.destination, "192.0.2.10:3478".parse().unwrap());
            assert_eq!(&frame.bytes[packet.payload_at..], b"hello");
        }
    }

    #[test]
    fn truncated_frames_are_no_packets_and_no_panics() {
        for frame in
            [build::udp("1.2.3.4:5", "6.7.8.9:10", b"payload"), build::tcp("1.2.3.4:5", "6.7.8.9:10", 1, b"payload")]
        {
            for length in 0..frame.bytes.len() {
                let cut = Frame { bytes: frame.bytes[..length].to_vec(), ..frame.clone() };
                assert!(Packet::parse(&cut).is_none(), "{length}");
            }
        }
    }

    #[test]
    fn tcp_streams_come_together_from_repeated_and_reordered_segments() {
        let (a, b) = ("198.51.100.7:4000", "192.0.2.10:443");
        let start = u32::MAX - 2; // sequence numbers wrap
        let frames = [
            build::tcp(a, b, start, b"abc"),
            build::tcp(a, b, start.wrapping_add(6), b"ghi"),
            build::tcp(a, b, start.wrapping_add(3), b"def"),
            build::tcp(a, b, start.wrapping_add(1), b"bcd"),
            build::tcp(a, b, start.wrapping_add(20), b"after a gap"),
        ];
        let streams = tcp_streams(&frames);
        assert_eq!(streams[&(a.parse().unwrap(), b.parse().unwrap())], b"abcdefghi");
    }
}
