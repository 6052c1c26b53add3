//! Looks for a person's address in everything that passed a link.
//!
//! An address has four bytes, and four given bytes occur by chance: about once in a hundred captures of a minute
//! somewhere inside ciphertext. So what is found is sorted: in headers, STUN, DTLS handshakes and plain streams
//! nothing may be found at all; inside ciphertext no more than chance explains.

use std::net::{IpAddr, SocketAddr};

use crate::capture::Frame;
use crate::packet::{Packet, Transport, tcp_streams};
use crate::stun::{COOKIE, Kind, Path, RtpHeader, addresses, payloads};

/// How an address was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// In network order.
    Plain,
    /// Byte by byte reversed.
    Reversed,
    /// XORed with STUN's magic cookie, in network order.
    Xored,
    /// As text.
    Text,
    /// In a STUN attribute.
    StunAttribute,
}

/// An address was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressHit {
    /// Which address.
    pub address: IpAddr,
    /// In which form.
    pub form: Form,
    /// Microseconds since the Unix epoch; 0 for a hit in a stream.
    pub at_us: u64,
    /// Sender of what holds it.
    pub source: Option<SocketAddr>,
    /// Receiver of what holds it.
    pub destination: Option<SocketAddr>,
}

/// What was found on a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressReport {
    /// Where everybody on the way can read it. Must be empty.
    pub readable: Vec<AddressHit>,
    /// Inside ciphertext.
    pub in_ciphertext: Vec<AddressHit>,
    /// Hits that chance would put into that much ciphertext.
    pub expected_by_chance: f64,
    /// Bytes looked at, headers included.
    pub bytes: u64,
    /// Bytes of ciphertext among them.
    pub ciphertext_bytes: u64,
}

impl AddressReport {
    /// True if nothing readable was found and chance explains what is in ciphertext (probability above 10⁻⁶).
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.readable.is_empty() && poisson_tail(self.expected_by_chance, self.in_ciphertext.len()) > 1e-6
    }
}

/// Probability of at least `count` events where `mean` are expected.
fn poisson_tail(mean: f64, count: usize) -> f64 {
    let mut term = (-mean).exp();
    let mut below = 0.0;
    for k in 0..count {
        below += term;
        term *= mean / (k + 1) as f64;
    }
    // For small means the difference from 1 drowns in rounding: the first term of the tail is then exact enough.
    (1.0 - below).max(term)
}

struct Pattern {
    address: IpAddr,
    form: Form,
    bytes: Vec<u8>,
}

fn patterns(addresses: &[IpAddr]) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for &address in addresses {
        let plain = match address {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let mut xored = plain.clone();
        // All of an IPv4 address; of an IPv6 address the first four bytes, whose rest depends on the transaction and
        // is covered by decoding the attributes.
        for (byte, mask) in xored.iter_mut().zip(COOKIE.to_be_bytes()) {
            *byte ^= mask;
        }
        let reversed: Vec<u8> = plain.iter().rev().copied().collect();
        if address.is_ipv4() {
            let xored_reversed = xored.iter().rev().copied().collect();
            patterns.push(Pattern { address, form: Form::Xored, bytes: xored });
            patterns.push(Pattern { address, form: Form::Xored, bytes: xored_reversed });
        }
        patterns.push(Pattern { address, form: Form::Plain, bytes: plain });
        patterns.push(Pattern { address, form: Form::Reversed, bytes: reversed });
        patterns.push(Pattern { address, form: Form::Text, bytes: address.to_string().into_bytes() });
    }
    patterns
}

/// Looks for `wanted` in all frames: headers, UDP payloads with and without TURN around them, and TCP streams put
/// together.
#[must_use]
pub fn scan_addresses(frames: &[Frame], wanted: &[IpAddr]) -> AddressReport {
    let patterns = patterns(wanted);
    let mut report = AddressReport::default();
    for frame in frames {
        report.bytes += frame.bytes.len() as u64;
        let Some(packet) = Packet::parse(frame) else {
            report.look(&frame.bytes, None, frame.at_us, None, &patterns);
            continue;
        };
        let ends = Some((packet.source, packet.destination));
        for ip in [packet.source.ip(), packet.destination.ip()] {
            if wanted.contains(&ip) {
                report.readable.push(hit(ip, Form::Plain, packet.at_us, ends));
            }
        }
        match packet.transport {
            // Payload of TCP is looked at as a stream, below.
            Transport::Tcp { .. } => {
                report.look(&frame.bytes[..packet.payload_at], None, packet.at_us, ends, &patterns);
            }
            Transport::Udp => {
                let opaque = ciphertext_start(packet.payload).map(|start| packet.payload_at + start);
                report.look(&frame.bytes, opaque, packet.at_us, ends, &patterns);
            }
            _ => report.look(&frame.bytes, None, packet.at_us, ends, &patterns),
        }
    }
    for payload in payloads(frames) {
        let ends = Some((payload.source, payload.destination));
        if payload.kind == Kind::Stun {
            for (_, address) in addresses(payload.payload) {
                if wanted.contains(&address.ip()) {
                    report.readable.push(hit(address.ip(), Form::StunAttribute, payload.at_us, ends));
                }
            }
        }
        if let Path::Indication(peer) = payload.path
            && wanted.contains(&peer.ip())
        {
            report.readable.push(hit(peer.ip(), Form::StunAttribute, payload.at_us, ends));
        }
    }
    for ((source, destination), stream) in tcp_streams(frames) {
        for (bytes, opaque) in tls_parts(&stream) {
            report.look(bytes, opaque.then_some(0), 0, Some((source, destination)), &patterns);
        }
    }
    // Each short pattern has one chance in 2^32 at each place; longer ones have none to speak of.
    let short = patterns.iter().filter(|pattern| pattern.bytes.len() == 4).count();
    report.expected_by_chance = report.ciphertext_bytes as f64 * short as f64 / 2f64.powi(32);
    report
}

fn hit(address: IpAddr, form: Form, at_us: u64, ends: Option<(SocketAddr, SocketAddr)>) -> AddressHit {
    AddressHit { address, form, at_us, source: ends.map(|ends| ends.0), destination: ends.map(|ends| ends.1) }
}

impl AddressReport {
    fn look(
        &mut self,
        bytes: &[u8],
        ciphertext_from: Option<usize>,
        at_us: u64,
        ends: Option<(SocketAddr, SocketAddr)>,
        patterns: &[Pattern],
    ) {
        let opaque = ciphertext_from.unwrap_or(bytes.len()).min(bytes.len());
        self.ciphertext_bytes += (bytes.len() - opaque) as u64;
        for pattern in patterns {
            for (at, window) in bytes.windows(pattern.bytes.len()).enumerate() {
                if window == pattern.bytes {
                    let found = hit(pattern.address, pattern.form, at_us, ends);
                    // IP headers of plain addresses are reported from the parsed packet as well: twice is no harm. What ends
                    // in ciphertext is chance there: a counter in a header passes every value sooner or later.
                    let is_readable = at + pattern.bytes.len() <= opaque;
                    if is_readable { self.readable.push(found) } else { self.in_ciphertext.push(found) }
                }
            }
        }
    }
}

/// Where ciphertext begins in a UDP payload, with or without TURN around it; `None` if all of it is readable.
fn ciphertext_start(payload: &[u8]) -> Option<usize> {
    match Kind::of(payload) {
        Kind::Channel => ciphertext_start(payload.get(4..)?).map(|start| start + 4),
        Kind::Rtp => RtpHeader::parse(payload).map(|header| header.length),
        Kind::Rtcp => Some(8), // RFC 3711 §3.4: the first header and the sender's SSRC stay readable
        Kind::Dtls => {
            // A record of an epoch above 0 is encrypted from its 14th byte on (RFC 6347 §4.1). Records before it in the
            // same datagram are counted as readable.
            let mut at = 0;
            loop {
                let head = payload.get(at..at + 13)?;
                if head[3..5] != [0, 0] {
                    return Some(at + 13);
                }
                at += 13 + usize::from(u16::from_be_bytes([head[11], head[12]]));
            }
        }
        Kind::Stun => {
            // An indication ends with its data, apart from padding: find the data inside and skip to its ciphertext.
            let data = crate::stun::attributes(payload).find(|&(kind, _)| kind == 0x0013)?.1;
            let at = data.as_ptr().addr() - payload.as_ptr().addr();
            ciphertext_start(data).map(|start| at + start)
        }
        Kind::Other => None,
    }
}

/// Cuts a stream into parts and says which are ciphertext: bodies of TLS application records. Anything that isn't TLS
/// is one readable part.
fn tls_parts(stream: &[u8]) -> Vec<(&[u8], bool)> {
    let mut parts = Vec::new();
    let mut rest = stream;
    while let Some((head, body)) = rest.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        if !matches!(head, [20..=23, 3, 1..=4, ..]) || body.len() < length {
            break;
        }
        parts.push((&rest[..5], false));
        parts.push((&body[..length], head[0] == 23));
        rest = &body[length..];
    }
    parts.push((rest, false));
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::packet::build::{tcp, udp};
    use crate::stun::build::{channel, rtp, stun, xor_value};
    use crate::wire::Random;

    const A: &str = "198.51.100.7:4000";
    const RELAY: &str = "192.0.2.10:3478";

    fn wanted() -> Vec<IpAddr> {
        vec!["203.0.113.9".parse().unwrap(), "2001:db8:3113::31:9".parse().unwrap()]
    }

    fn readable(frames: &[Frame]) -> Vec<Form> {
        let report = scan_addresses(frames, &wanted());
        assert_eq!(report.is_clean(), report.readable.is_empty());
        let mut forms: Vec<_> = report.readable.iter().map(|hit| hit.form).collect();
        forms.sort();
        forms.dedup();
        forms
    }

    #[test]
    fn every_form_of_an_address_is_found_where_it_is_readable() {
        let relayed = xor_value([203, 0, 113, 9], 4001);
        let mut reversed = [203, 0, 113, 9];
        reversed.reverse();
        assert_eq!(readable(&[udp(A, "203.0.113.9:4001", b"x")]), [Form::Plain]);
        assert_eq!(readable(&[udp(A, RELAY, &[b"?".as_slice(), &[203, 0, 113, 9]].concat())]), [Form::Plain]);
        assert_eq!(readable(&[udp(A, RELAY, &reversed)]), [Form::Reversed]);
        assert_eq!(readable(&[udp(A, RELAY, b"a=candidate 203.0.113.9 4001")]), [Form::Text]);
        assert_eq!(readable(&[udp(A, RELAY, b"[2001:db8:3113::31:9]")]), [Form::Text]);
        assert_eq!(readable(&[udp(A, RELAY, &stun(0x0101, &[(0x20, &relayed)]))]), [Form::Xored, Form::StunAttribute]);
        let check = stun(0x0001, &[(0x12, &relayed)]);
        assert_eq!(readable(&[udp(A, RELAY, &channel(0x4000, &check))]), [Form::Xored, Form::StunAttribute]);
        // RTP header extension and DTLS handshake are readable.
        assert_eq!(
            readable(&[udp(
                A,
                RELAY,
                &[&[0x90, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xBE, 0xDE, 0, 1][..], &[203, 0, 113, 9, 5]].concat()
            )]),
            [Form::Plain]
        );
        let handshake = [&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4][..], &[203, 0, 113, 9]].concat();
        assert_eq!(readable(&[udp(A, RELAY, &handshake)]), [Form::Plain]);
    }

    #[test]
    fn an_ipv6_address_xored_with_the_transaction_is_found() {
        let ip: std::net::Ipv6Addr = "2001:db8:3113::31:9".parse().unwrap();
        let mask = u128::from_be_bytes([&COOKIE.to_be_bytes()[..], b"transaction!"].concat().try_into().unwrap());
        let value = [&[0, 2, 0, 1][..], &(ip.to_bits() ^ mask).to_be_bytes()].concat();
        assert_eq!(readable(&[udp(A, RELAY, &stun(0x0101, &[(0x20, &value)]))]), [Form::StunAttribute]);
    }

    #[test]
    fn an_address_split_over_two_tcp_segments_is_found_and_one_in_tls_is_ciphertext() {
        let (from, to) = (A, "192.0.2.10:443");
        let frames = [tcp(from, to, 1, b"GET /?ip=203.0."), tcp(from, to, 16, b"113.9 HTTP/1.1")];
        assert_eq!(readable(&frames), [Form::Text]);
        let record = [&[23, 3, 3, 0, 12][..], b"\xA0\xA1\xA2\xA3\xCB\x00\x71\x09\xA4\xA5\xA6\xA7"].concat();
        let report = scan_addresses(&[tcp(from, to, 1, &record)], &wanted());
        assert_eq!((report.readable.len(), report.in_ciphertext.len()), (0, 1));
    }

    #[test]
    fn chance_hits_in_ciphertext_are_tolerated_and_repeated_ones_are_not() {
        let mut random = Random::new(1);
        let mut frames = Vec::new();
        for sequence in 0..2000 {
            let mut body = vec![0; 1100];
            random.fill(&mut body);
            if sequence == 7 {
                body[500..504].copy_from_slice(&[203, 0, 113, 9]);
            }
            frames.push(udp(A, RELAY, &channel(0x4000, &rtp(102, 1, sequence, &body))));
        }
        let once = scan_addresses(&frames, &wanted());
        assert_eq!((once.readable.len(), once.in_ciphertext.len()), (0, 1));
        assert!(once.is_clean(), "{}", once.expected_by_chance);
        let again: Vec<_> = frames.iter().chain([&frames[7], &frames[7], &frames[7]]).cloned().collect();
        assert!(!scan_addresses(&again, &wanted()).is_clean());
    }

    #[test]
    fn own_and_relay_addresses_are_no_hits() {
        let mapped = xor_value([198, 51, 100, 7], 4000);
        let relayed = xor_value([192, 0, 2, 10], 50_001);
        assert_eq!(readable(&[udp(RELAY, A, &stun(0x0103, &[(0x20, &mapped), (0x16, &relayed)]))]), []);
    }
}
