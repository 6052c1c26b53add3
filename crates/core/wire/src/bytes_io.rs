//! A cursor over untrusted bytes; every other module parses with it and nothing else.

use crate::DecodeError;

/// Reads big-endian fields from the front of a slice.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A byte that must be 0 or 1.
    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Range(field)),
        }
    }

    /// `u8 n`, then `n` bytes.
    pub(crate) fn short_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let n = usize::from(self.u8()?);
        self.take(n)
    }

    /// Everything that is left.
    pub(crate) const fn rest(&mut self) -> &'a [u8] {
        let all = self.0;
        self.0 = &[];
        all
    }

    /// The end of a message: nothing may follow.
    pub(crate) const fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }

    /// The end of a padded message: only zeros may follow.
    pub(crate) fn finish_zeros(self) -> Result<(), DecodeError> {
        if self.0.iter().all(|&b| b == 0) { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

/// Appends `u8 n` and the bytes.
///
/// # Panics
/// If there are more than 255: the callers document the limit of their field.
pub(crate) fn put_short(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(u8::try_from(bytes.len()).expect("the field is documented to hold at most 255 bytes"));
    out.extend_from_slice(bytes);
}

/// UTF-8 or `Range`.
pub(crate) fn utf8(bytes: &[u8], field: &'static str) -> Result<String, DecodeError> {
    core::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::Range(field))
}
