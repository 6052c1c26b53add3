//! The SFrame header (RFC 9605 §4.3): a config byte, then KID and CTR in as few bytes as they need.
//!
//! ```text
//!  X KKK Y CCC | KID, if X: KKK + 1 bytes | CTR, if Y: CCC + 1 bytes
//! ```

/// Longest header: config byte, eight bytes of KID, eight bytes of CTR.
pub const MAX_HEADER_LEN: usize = 17;

const EXTENDED_KID: u8 = 0x80;
const EXTENDED_CTR: u8 = 0x08;

/// KID and CTR of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Key identifier.
    pub kid: u64,
    /// Counter.
    pub ctr: u64,
}

impl Header {
    /// Encoded length in bytes, 1..=17.
    #[must_use]
    pub const fn encoded_len(self) -> usize {
        1 + field_len(self.kid) + field_len(self.ctr)
    }

    /// Writes the header to the front of `out` and returns its length.
    pub fn encode(self, out: &mut [u8; MAX_HEADER_LEN]) -> usize {
        let (kid_len, ctr_len) = (field_len(self.kid), field_len(self.ctr));
        out[0] = (nibble(self.kid, kid_len) << 4) | nibble(self.ctr, ctr_len);
        out[1..1 + kid_len].copy_from_slice(&self.kid.to_be_bytes()[8 - kid_len..]);
        out[1 + kid_len..1 + kid_len + ctr_len].copy_from_slice(&self.ctr.to_be_bytes()[8 - ctr_len..]);
        1 + kid_len + ctr_len
    }

    /// Reads a header from the front of `bytes`; returns it with its length. `None` if it is cut off or a field is
    /// longer than it must be: each pair of KID and CTR has exactly one encoding.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&config, rest) = bytes.split_first()?;
        let (kid, kid_len) = parse_field(config >> 4, rest)?;
        let (ctr, ctr_len) = parse_field(config & 0x0F, rest.get(kid_len..)?)?;
        Some((Self { kid, ctr }, 1 + kid_len + ctr_len))
    }
}

/// Bytes that a value takes after the config byte: none below 8.
const fn field_len(value: u64) -> usize {
    if value < 8 { 0 } else { (71 - value.leading_zeros() as usize) / 8 }
}

/// Four bits of the config byte: the value itself, or the extension bit and length − 1.
const fn nibble(value: u64, len: usize) -> u8 {
    if len == 0 { value as u8 } else { EXTENDED_CTR | (len as u8 - 1) }
}

fn parse_field(nibble: u8, rest: &[u8]) -> Option<(u64, usize)> {
    const { assert!(EXTENDED_KID >> 4 == EXTENDED_CTR, "both fields have the same layout in their nibble") };
    if nibble & EXTENDED_CTR == 0 {
        return Some((u64::from(nibble), 0));
    }
    let len = usize::from(nibble & 7) + 1;
    let value = rest.get(..len)?.iter().fold(0, |value, &byte| (value << 8) | u64::from(byte));
    (field_len(value) == len).then_some((value, len))
}
