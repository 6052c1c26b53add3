//! DTLS 1.2 on the wire: records, and what the two hello messages agree on (RFC 6347, RFC 5246 §7.4.1, RFC 5764 §4.1).
//!
//! The handshake is readable up to the change of ciphers, so an eavesdropper sees which ciphers are used.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::capture::Frame;
use crate::stun::{Kind, Path, payloads};

/// `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256` (RFC 7905 §3).
pub const ECDHE_ECDSA_CHACHA20_POLY1305: u16 = 0xCCA9;
/// `SRTP_AEAD_AES_256_GCM` (RFC 7714 §14.2).
pub const SRTP_AEAD_AES_256_GCM: u16 = 0x0008;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const USE_SRTP: u16 = 14;
/// Hello messages are far shorter.
const LONGEST_MESSAGE: usize = 16_384;
/// Messages in the making that are kept; a handshake has two hellos, or three.
const MOST_MESSAGES: usize = 64;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Content type.
    pub content: u8,
    /// Epoch; above 0 the body is encrypted.
    pub epoch: u16,
    /// What follows the header.
    pub body: &'a [u8],
}

/// The records of a datagram; ends at the first malformed one.
pub fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<13>()?;
        let length = usize::from(u16::from_be_bytes([head[11], head[12]]));
        if !matches!(head, [20..=63, 0xFE, ..]) || after.len() < length {
            return None;
        }
        let (body, next) = after.split_at(length);
        rest = next;
        Some(Record { content: head[0], epoch: u16::from_be_bytes([head[3], head[4]]), body })
    })
}

/// Whose hello it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HelloKind {
    /// What is offered.
    Client,
    /// What was chosen.
    Server,
}

/// A hello message, as far as it says which ciphers are used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hello {
    /// Whose.
    pub kind: HelloKind,
    /// Sender of the outer datagram.
    pub source: SocketAddr,
    /// Version: 0xFEFD is DTLS 1.2.
    pub version: u16,
    /// Cipher suites offered, or the one chosen.
    pub cipher_suites: Vec<u16>,
    /// Protection profiles of `use_srtp`, offered or chosen; empty without the extension.
    pub srtp_profiles: Vec<u16>,
}

/// All different hellos of a capture, TURN unwrapped and fragments put together.
#[must_use]
pub fn hellos(frames: &[Frame]) -> Vec<Hello> {
    let mut found = Vec::new();
    let mut partial: BTreeMap<(SocketAddr, Path, u16, u8), Message> = BTreeMap::new();
    for payload in payloads(frames).filter(|payload| payload.kind == Kind::Dtls) {
        let readable = records(payload.payload).filter(|record| record.content == HANDSHAKE && record.epoch == 0);
        for fragment in readable.flat_map(|record| fragments(record.body)) {
            let kind = match fragment.kind {
                CLIENT_HELLO => HelloKind::Client,
                SERVER_HELLO => HelloKind::Server,
                _ => continue,
            };
            let key = (payload.source, payload.path, fragment.sequence, fragment.kind);
            if partial.len() >= MOST_MESSAGES && !partial.contains_key(&key) {
                continue;
            }
            let message = partial.entry(key).or_default();
            if let Some(whole) = message.add(&fragment)
                && let Some(hello) = hello(kind, payload.source, whole)
                && !found.contains(&hello)
            {
                found.push(hello);
            }
        }
    }
    found
}

/// A piece of a handshake message (RFC 6347 §4.2.2).
struct Fragment<'a> {
    kind: u8,
    length: usize,
    sequence: u16,
    offset: usize,
    bytes: &'a [u8],
}

/// The pieces in a record; ends at the first malformed one.
fn fragments(record: &[u8]) -> impl Iterator<Item = Fragment<'_>> {
    let mut rest = record;
    std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<12>()?;
        let three =
            |at: usize| usize::from(head[at]) << 16 | usize::from(head[at + 1]) << 8 | usize::from(head[at + 2]);
        let (length, offset, size) = (three(1), three(6), three(9));
        if length > LONGEST_MESSAGE || offset + size > length || after.len() < size {
            return None;
        }
        let (bytes, next) = after.split_at(size);
        rest = next;
        Some(Fragment { kind: head[0], length, sequence: u16::from_be_bytes([head[4], head[5]]), offset, bytes })
    })
}

/// A message in the making. One that comes anew with another length begins anew.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
    is_there: Vec<bool>,
}

impl Message {
    /// The message, if it is whole now.
    fn add(&mut self, fragment: &Fragment<'_>) -> Option<&[u8]> {
        if self.bytes.len() != fragment.length {
            self.bytes = vec![0; fragment.length];
            self.is_there = vec![false; fragment.length];
        }
        let range = fragment.offset..fragment.offset + fragment.bytes.len();
        self.bytes.get_mut(range.clone())?.copy_from_slice(fragment.bytes);
        self.is_there.get_mut(range)?.fill(true);
        self.is_there.iter().all(|&there| there).then_some(&self.bytes)
    }
}

/// Reads big-endian fields; `None` where the bytes end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<usize> {
        self.take(1).map(|one| usize::from(one[0]))
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|two| u16::from_be_bytes([two[0], two[1]]))
    }

    /// A list of numbers behind its length in bytes, which must be even.
    fn list(&mut self) -> Option<Vec<u16>> {
        let length = self.u16()?;
        let bytes = self.take(usize::from(length)).filter(|bytes| bytes.len().is_multiple_of(2))?;
        Some(bytes.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect())
    }
}

fn hello(kind: HelloKind, source: SocketAddr, message: &[u8]) -> Option<Hello> {
    let mut reader = Reader(message);
    let version = reader.u16()?;
    reader.take(32)?; // random
    let session = reader.u8()?;
    reader.take(session)?;
    let cipher_suites = match kind {
        HelloKind::Client => {
            let cookie = reader.u8()?;
            reader.take(cookie)?;
            let suites = reader.list()?;
            let compressions = reader.u8()?;
            reader.take(compressions)?;
            suites
        }
        HelloKind::Server => {
            let suite = reader.u16()?;
            reader.take(1)?; // compression
            vec![suite]
        }
    };
    let mut hello = Hello { kind, source, version, cipher_suites, srtp_profiles: Vec::new() };
    if reader.0.is_empty() {
        return Some(hello);
    }
    let length = reader.u16()?;
    let mut extensions = Reader(reader.take(usize::from(length))?);
    while !extensions.0.is_empty() {
        let (number, length) = (extensions.u16()?, extensions.u16()?);
        let mut extension = Reader(extensions.take(usize::from(length))?);
        if number == USE_SRTP {
            hello.srtp_profiles = extension.list()?;
        }
    }
    Some(hello)
}

/// Builds records and hellos, for tests of scanners.
#[cfg(test)]
pub(crate) mod build {
    pub(crate) fn record(content: u8, epoch: u16, body: &[u8]) -> Vec<u8> {
        let mut record = vec![content, 0xFE, 0xFD];
        record.extend(epoch.to_be_bytes());
        record.extend([0; 6]);
        record.extend((body.len() as u16).to_be_bytes());
        record.extend_from_slice(body);
        record
    }

    /// A piece of a handshake message with its header.
    pub(crate) fn fragment(kind: u8, message: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
        let three = |number: usize| (number as u32).to_be_bytes()[1..].to_vec();
        let mut fragment = vec![kind];
        fragment.extend(three(message.len()));
        fragment.extend([0, 0]);
        fragment.extend(three(range.start));
        fragment.extend(three(range.len()));
        fragment.extend_from_slice(&message[range]);
        fragment
    }

    /// Version, random, no session; then, for a client, no cookie.
    pub(crate) fn hello(client: bool, suites: &[u16], profiles: &[u16]) -> Vec<u8> {
        let list = |numbers: &[u16]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_be_bytes()).collect() };
        let with_length = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
        let mut hello = vec![0xFE, 0xFD];
        hello.extend([7; 32]);
        hello.push(0);
        if client {
            hello.push(0);
            hello.extend(with_length(&list(suites)));
            hello.push(1);
        } else {
            hello.extend(list(suites));
        }
        hello.push(0);
        let use_srtp = [with_length(&list(profiles)), vec![0]].concat();
        let extensions = [vec![0, 23, 0, 0, 0, 14], with_length(&use_srtp)].concat();
        hello.extend(with_length(&extensions));
        hello
    }
}

#[cfg(test)]
mod tests {
    use super::build::{fragment, record};
    use super::*;
    use crate::packet::build::udp;
    use crate::stun::build::channel;
    use crate::wire::Random;

    const A: &str = "198.51.100.7:4000";
    const RELAY: &str = "192.0.2.10:3478";

    fn send(datagram: &[u8]) -> Frame {
        udp(A, RELAY, &channel(0x4000, datagram))
    }

    #[test]
    fn what_is_offered_and_what_is_chosen_are_read_through_the_relay() {
        let offer = build::hello(true, &[0xCCA9, 0xC02B], &[8, 7]);
        let choice = build::hello(false, &[0xCCA9], &[8]);
        let both = [
            record(HANDSHAKE, 0, &fragment(1, &offer, 0..offer.len())),
            record(HANDSHAKE, 0, &fragment(2, &choice, 0..choice.len())),
        ];
        let found = hellos(&[send(&both.concat()), send(&both[1])]);
        let seen: Vec<_> = found
            .iter()
            .map(|hello| (hello.kind, hello.version, &hello.cipher_suites[..], &hello.srtp_profiles[..]))
            .collect();
        assert_eq!(
            seen,
            [
                (HelloKind::Client, 0xFEFD, &[0xCCA9, 0xC02B][..], &[8, 7][..]),
                (HelloKind::Server, 0xFEFD, &[ECDHE_ECDSA_CHACHA20_POLY1305][..], &[SRTP_AEAD_AES_256_GCM][..])
            ]
        );
    }

    #[test]
    fn a_hello_in_pieces_is_put_together_in_any_order() {
        let offer = build::hello(true, &[0xCCA9], &[8]);
        let pieces = [40..offer.len(), 0..25, 20..45];
        let mut frames: Vec<_> =
            pieces.into_iter().map(|range| send(&record(HANDSHAKE, 0, &fragment(1, &offer, range)))).collect();
        assert_eq!(hellos(&frames).len(), 1);
        frames.remove(1);
        assert_eq!(hellos(&frames), []);
    }

    #[test]
    fn encrypted_records_and_other_messages_are_no_hellos() {
        let offer = build::hello(true, &[0xCCA9], &[8]);
        for (content, epoch, kind) in [(HANDSHAKE, 1, 1), (23, 0, 1), (HANDSHAKE, 0, 11)] {
            assert_eq!(hellos(&[send(&record(content, epoch, &fragment(kind, &offer, 0..offer.len())))]), []);
        }
    }

    #[test]
    fn hostile_bytes_are_no_hellos_and_no_panics() {
        let mut random = Random::new(9);
        let offer = build::hello(true, &[0xCCA9], &[8]);
        let whole = record(HANDSHAKE, 0, &fragment(1, &offer, 0..offer.len()));
        for length in 0..whole.len() {
            assert_eq!(hellos(&[send(&whole[..length])]), [], "{length}");
        }
        // Every message that is cut says so by its lengths, too.
        for length in 1..offer.len() {
            let cut = hello(HelloKind::Client, A.parse().expect("an address"), &offer[..length]);
            assert!(cut.is_none_or(|hello| hello.srtp_profiles.is_empty()), "{length}");
        }
        let mut noise = [0; 64];
        for _ in 0..20_000 {
            random.fill(&mut noise);
            let mut mutated = whole.clone();
            for pair in noise.chunks_exact(2).take(1 + usize::from(noise[63] % 8)) {
                let at = usize::from(pair[0]) % mutated.len();
                mutated[at] = pair[1];
            }
            assert!(hellos(&[send(&mutated)]).len() <= 1);
            noise[0] = HANDSHAKE;
            noise[1] = 0xFE;
            assert!(hellos(&[send(&noise)]).len() <= 1);
        }
        // Many messages that never become whole take no more than a little memory.
        let frames: Vec<_> = (0..2000_u16)
            .map(|n| {
                let mut piece = fragment(1, &offer, 0..10);
                piece[1..4].copy_from_slice(&[0, 0x40, 0]);
                piece[4..6].copy_from_slice(&n.to_be_bytes());
                send(&record(HANDSHAKE, 0, &piece))
            })
            .collect();
        assert_eq!(hellos(&frames), []);
    }
}
