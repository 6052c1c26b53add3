//! As much of STUN as the relay's door needs (RFC 8489 §5, §14): strict reading, and error answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub const USERNAME: u16 = 0x0006;
pub const MESSAGE_INTEGRITY: u16 = 0x0008;
pub const ERROR_CODE: u16 = 0x0009;
pub const XOR_PEER_ADDRESS: u16 = 0x0012;
pub const REALM: u16 = 0x0014;
pub const NONCE: u16 = 0x0015;
pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
pub const EVEN_PORT: u16 = 0x0018;
pub const RESERVATION_TOKEN: u16 = 0x0022;

const MAGIC: u32 = 0x2112_A442;
const HEADER_LEN: usize = 20;

/// Class bits of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// Methods that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Binding,
    Allocate,
    Refresh,
    Send,
    CreatePermission,
    ChannelBind,
    Other,
}

/// A message whose attributes all lie inside it.
pub struct Stun<'a> {
    pub class: Class,
    pub method: Method,
    bytes: &'a [u8],
}

impl<'a> Stun<'a> {
    /// `None` for anything that is not one whole, well-formed message.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let kind = u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?);
        let len = usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
        let magic = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
        if kind >= 0x4000 || magic != MAGIC || !len.is_multiple_of(4) || bytes.len() != HEADER_LEN + len {
            return None;
        }
        let class = match (kind >> 4 & 1) | (kind >> 7 & 2) {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Error,
        };
        let method = match (kind & 0x000F) | (kind >> 1 & 0x0070) | (kind >> 2 & 0x0F80) {
            1 => Method::Binding,
            3 => Method::Allocate,
            4 => Method::Refresh,
            6 => Method::Send,
            8 => Method::CreatePermission,
            9 => Method::ChannelBind,
            _ => Method::Other,
        };
        let message = Self { class, method, bytes };
        // Walk once, so that everything later may rely on it.
        let mut at = HEADER_LEN;
        while at < bytes.len() {
            at = message.next(at)?;
        }
        Some(message)
    }

    /// Where the attribute after the one at `at` begins; `None` if it does not end inside.
    fn next(&self, at: usize) -> Option<usize> {
        let len = usize::from(u16::from_be_bytes(self.bytes.get(at + 2..at + 4)?.try_into().ok()?));
        let end = at + 4 + len.next_multiple_of(4);
        (end <= self.bytes.len()).then_some(end)
    }

    /// Kind, place and value of each attribute.
    fn walk(&self) -> impl Iterator<Item = (u16, usize, &'a [u8])> {
        let bytes = self.bytes;
        let mut at = HEADER_LEN;
        std::iter::from_fn(move || {
            let header: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
            let kind = u16::from_be_bytes([header[0], header[1]]);
            let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let value = bytes.get(at + 4..at + 4 + len)?;
            let here = at;
            at += 4 + len.next_multiple_of(4);
            Some((kind, here, value))
        })
    }

    /// All values of a kind, up to the integrity that protects them.
    pub fn attributes(&self, kind: u16) -> impl Iterator<Item = &'a [u8]> {
        self.walk()
            .take_while(|&(found, _, _)| found != MESSAGE_INTEGRITY)
            .filter(move |&(found, _, _)| found == kind)
            .map(|(_, _, value)| value)
    }

    /// The first value of a kind.
    pub fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes(kind).next()
    }

    /// The first value of a kind, as text.
    pub fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(kind)?).ok()
    }

    /// What MESSAGE-INTEGRITY is computed over, and its value (RFC 8489 §14.5).
    pub fn integrity(&self) -> Option<(Vec<u8>, &'a [u8])> {
        let (_, at, value) = self.walk().find(|&(kind, _, _)| kind == MESSAGE_INTEGRITY)?;
        let mut covered = self.bytes[..at].to_vec();
        let len = u16::try_from(at + 24 - HEADER_LEN).ok()?;
        covered[2..4].copy_from_slice(&len.to_be_bytes());
        (value.len() == 20).then_some((covered, value))
    }

    /// An XOR-… address value (RFC 8489 §14.2).
    pub fn xor_address(&self, value: &[u8]) -> Option<SocketAddr> {
        let port = u16::from_be_bytes(value.get(2..4)?.try_into().ok()?) ^ (MAGIC >> 16) as u16;
        let mask = &self.bytes[4..20];
        let ip: IpAddr = match (value.get(1)?, value.len()) {
            (1, 8) => Ipv4Addr::from(xor::<4>(&value[4..], mask)?).into(),
            (2, 20) => Ipv6Addr::from(xor::<16>(&value[4..], mask)?).into(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// Identifies the transaction: 12 bytes.
    pub fn transaction(&self) -> [u8; 12] {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..20]);
        id
    }

    /// The error answer to this request, with nonce and realm where the client shall try again with them.
    pub fn error(&self, code: u16, challenge: Option<(&str, &str)>) -> Vec<u8> {
        let request = u16::from_be_bytes([self.bytes[0], self.bytes[1]]);
        let mut out = (request | 0x0110).to_be_bytes().to_vec();
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.bytes[4..20]);
        put(&mut out, ERROR_CODE, &[0, 0, (code / 100) as u8, (code % 100) as u8]);
        if let Some((nonce, realm)) = challenge {
            put(&mut out, NONCE, nonce.as_bytes());
            put(&mut out, REALM, realm.as_bytes());
        }
        let len = (out.len() - HEADER_LEN) as u16;
        out[2..4].copy_from_slice(&len.to_be_bytes());
        out
    }
}

fn xor<const N: usize>(value: &[u8], mask: &[u8]) -> Option<[u8; N]> {
    let mut out: [u8; N] = value.get(..N)?.try_into().ok()?;
    out.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    Some(out)
}

/// Appends an attribute with its padding. Ours are all short.
pub fn put(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// RFC 5769 §2.4: request with long-term authentication.
    const RFC5769: &str = "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aa\
        e38383e382afe382b900000015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c65\
        2e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

    fn vector() -> Vec<u8> {
        let hex: String = RFC5769.split_whitespace().collect();
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_public_vector_is_read_and_its_integrity_holds() {
        use hmac::{Hmac, KeyInit, Mac};
        let bytes = vector();
        let message = Stun::parse(&bytes).unwrap();
        assert_eq!((message.class, message.method), (Class::Request, Method::Binding));
        assert_eq!(message.text(USERNAME), Some("マトリックス"));
        assert_eq!(message.text(REALM), Some("example.org"));
        let key = turn::auth::generate_auth_key("マトリックス", "example.org", "TheMatrIX");
        let (covered, tag) = message.integrity().unwrap();
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
        mac.update(&covered);
        mac.verify_slice(tag).unwrap();
    }

    #[test]
    fn no_truncation_and_no_extension_is_a_message() {
        let bytes = vector();
        for len in 0..bytes.len() {
            assert!(Stun::parse(&bytes[..len]).is_none(), "{len}");
        }
        assert!(Stun::parse(&[bytes.as_slice(), &[0; 4]].concat()).is_none());
    }

    #[test]
    fn flipped_bits_never_panic() {
        let bytes = vector();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Some(message) = Stun::parse(&flipped) {
                let _ = (message.integrity(), message.text(NONCE), message.error(401, Some(("n", "r"))));
                for (_, _, value) in message.walk() {
                    let _ = message.xor_address(value);
                }
            }
        }
    }

    #[test]
    fn an_error_answer_is_a_message_itself() {
        let bytes = vector();
        let answer = Stun::parse(&bytes).unwrap().error(438, Some(("abc", "sotto")));
        let message = Stun::parse(&answer).unwrap();
        assert_eq!((message.class, message.method), (Class::Error, Method::Binding));
        assert_eq!(message.attribute(ERROR_CODE), Some(&[0, 0, 4, 38][..]));
        assert_eq!(message.text(NONCE), Some("abc"));
        assert_eq!(message.transaction()[..], bytes[8..20]);
    }
}
