//! TLV lists inside handshake payloads (PROTOCOL §4.3, Appendix D).
//!
//! `u8 tag | u16 len | value`. A list ends at tag 0, after which everything must be zero, or at the end of the data.
//! Unknown tags are ignored (authenticated extensibility); a duplicate or a wrong length of a known one is an error.

use crate::{DecodeError, bytes_io::Reader};

/// Tags that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Tag {
    /// `commit[32]`, in HS1.
    Commit = 0x01,
    /// `vmin, vmax`.
    VersionRange = 0x03,
    /// `N_r[32]`, in HS2.
    NonceR = 0x11,
    /// `N_i[32]`, in HS3 and CONFIRM.
    NonceI = 0x12,
    /// Two continuity tags of 16 bytes, in CONFIRM.
    ContTags = 0x14,
    /// Match and proof, in ACK.
    ContMatch = 0x15,
    /// Resume tag, in CONFIRM and ACK.
    ResumeTag = 0x16,
    /// What became of an invite, in HS2 of XX.
    Status = 0x17,
}

impl Tag {
    const ALL: [Self; 8] = [
        Self::Commit,
        Self::VersionRange,
        Self::NonceR,
        Self::NonceI,
        Self::ContTags,
        Self::ContMatch,
        Self::ResumeTag,
        Self::Status,
    ];

    /// Length of the value, the only one accepted.
    #[must_use]
    pub const fn value_len(self) -> usize {
        match self {
            Self::Commit | Self::NonceR | Self::NonceI | Self::ContTags => 32,
            Self::VersionRange => 2,
            Self::ContMatch => 17,
            Self::ResumeTag => 16,
            Self::Status => 1,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Commit => 0,
            Self::VersionRange => 1,
            Self::NonceR => 2,
            Self::NonceI => 3,
            Self::ContTags => 4,
            Self::ContMatch => 5,
            Self::ResumeTag => 6,
            Self::Status => 7,
        }
    }

    fn from_u8(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&tag| tag as u8 == byte)
    }
}

/// A parsed list: the known tags, borrowed from the input.
#[derive(Clone, Default)]
pub struct TlvList<'a> {
    values: [Option<&'a [u8]>; 8],
}

impl<'a> TlvList<'a> {
    /// Parses a list with its terminator and padding, or without them up to the end of the data.
    ///
    /// # Errors
    /// `Truncated` if a value goes beyond the data, `Range` for a duplicate or a wrong length of a known tag, `Trailing`
    /// if anything but zeros follows the terminator.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut list = Self::default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let byte = reader.u8()?;
            if byte == 0 {
                reader.finish_zeros()?;
                break;
            }
            let len = usize::from(reader.u16()?);
            let value = reader.take(len)?;
            if let Some(tag) = Tag::from_u8(byte) {
                if len != tag.value_len() {
                    return Err(DecodeError::Range("TLV length"));
                }
                if list.values[tag.index()].replace(value).is_some() {
                    return Err(DecodeError::Range("duplicate TLV"));
                }
            }
        }
        Ok(list)
    }

    /// The value of a tag, if present.
    #[must_use]
    pub const fn get(&self, tag: Tag) -> Option<&'a [u8]> {
        self.values[tag.index()]
    }

    /// The value of a mandatory tag as an array.
    ///
    /// # Errors
    /// `Range` if the tag is missing or `N` is not its length.
    pub fn require<const N: usize>(&self, tag: Tag) -> Result<[u8; N], DecodeError> {
        self.get(tag).and_then(|value| <[u8; N]>::try_from(value).ok()).ok_or(DecodeError::Range("mandatory TLV"))
    }

    /// The value of an optional tag as an array.
    ///
    /// # Errors
    /// `Range` if `N` is not its length.
    pub fn optional<const N: usize>(&self, tag: Tag) -> Result<Option<[u8; N]>, DecodeError> {
        self.get(tag).map(|value| <[u8; N]>::try_from(value).map_err(|_| DecodeError::Range("TLV length"))).transpose()
    }
}

/// Values are handshake secrets until the session words are shown.
impl core::fmt::Debug for TlvList<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TlvList(…)")
    }
}

/// Appends one element to a list under construction.
///
/// # Panics
/// If the value does not have the length of its tag.
pub fn push(list: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    assert_eq!(value.len(), tag.value_len(), "TLV values have fixed lengths");
    list.push(tag as u8);
    list.extend_from_slice(&u16::try_from(value.len()).expect("at most 32").to_be_bytes());
    list.extend_from_slice(value);
}
