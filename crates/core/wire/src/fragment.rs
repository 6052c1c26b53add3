//! Cutting SIG messages into record plaintexts and putting them together again (PROTOCOL §5.1, Appendix D).
//!
//! `pt = u8 mtype | u16 msg_id | u8 frag | u8 nfrag | u16 len | data | 0…`, always 4068 bytes. Message numbers start at
//! 0 per direction, fragments of a message are consecutive, and all but the last are full.

use crate::{DecodeError, SigMessage, TooLong, bytes_io::Reader};

/// Plaintext of one SIG record.
pub const SIG_PLAINTEXT_LEN: usize = 4068;
/// Data bytes of a full fragment.
pub const FRAGMENT_LEN: usize = 4061;
/// Most fragments of a message.
pub const MAX_FRAGMENTS: usize = 4;
/// Longest message, 16 244 bytes.
pub const MAX_MESSAGE_LEN: usize = MAX_FRAGMENTS * FRAGMENT_LEN;

/// The record plaintexts of one message, in order.
pub struct SigFragments {
    mtype: u8,
    msg_id: u16,
    count: u8,
    next: u8,
    data: Vec<u8>,
}

impl SigFragments {
    /// Cuts a message. `msg_id` counts the messages of a direction.
    ///
    /// # Errors
    /// [`TooLong`] if it needs more than four fragments.
    pub fn new(msg_id: u16, message: &SigMessage) -> Result<Self, TooLong> {
        Self::from_parts(msg_id, message.mtype(), message.encode_data())
    }

    /// Cuts an encoded message.
    ///
    /// # Errors
    /// [`TooLong`] if it needs more than four fragments.
    pub fn from_parts(msg_id: u16, mtype: u8, data: Vec<u8>) -> Result<Self, TooLong> {
        if data.len() > MAX_MESSAGE_LEN {
            return Err(TooLong);
        }
        let count = u8::try_from(data.len().div_ceil(FRAGMENT_LEN).max(1)).expect("at most four");
        Ok(Self { mtype, msg_id, count, next: 0, data })
    }
}

impl Iterator for SigFragments {
    type Item = Box<[u8; SIG_PLAINTEXT_LEN]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.count {
            return None;
        }
        let start = usize::from(self.next) * FRAGMENT_LEN;
        let end = self.data.len().min(start + FRAGMENT_LEN);
        let part = &self.data[start..end];
        let mut pt = Box::new([0; SIG_PLAINTEXT_LEN]);
        pt[0] = self.mtype;
        pt[1..3].copy_from_slice(&self.msg_id.to_be_bytes());
        pt[3] = self.next;
        pt[4] = self.count;
        pt[5..7].copy_from_slice(&u16::try_from(part.len()).expect("at most 4061").to_be_bytes());
        pt[7..7 + part.len()].copy_from_slice(part);
        self.next += 1;
        Some(pt)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.count - self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for SigFragments {}

impl core::fmt::Debug for SigFragments {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SigFragments({:#04x})", self.mtype)
    }
}

/// Puts the fragments of one direction together. Holds at most one message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Reassembler {
    next_msg_id: u32,
    partial: Option<Partial>,
}

#[derive(Clone, PartialEq, Eq)]
struct Partial {
    mtype: u8,
    nfrag: u8,
    next_frag: u8,
    data: Vec<u8>,
}

impl Reassembler {
    /// At the start of a direction.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the plaintext of the next authentic record; gives `(mtype, data)` when a message is complete.
    ///
    /// # Errors
    /// Any error is `E_SIG_ORDER`, fatal for the channel: the other side is authentic and breaks the rules. The state is
    /// as before.
    pub fn push(&mut self, pt: &[u8]) -> Result<Option<(u8, Vec<u8>)>, DecodeError> {
        let mut reader = Reader::new(pt);
        let mtype = reader.u8()?;
        let msg_id = reader.u16()?;
        let frag = reader.u8()?;
        let nfrag = reader.u8()?;
        let len = usize::from(reader.u16()?);
        let data = reader.take(len)?;
        reader.finish_zeros()?;
        if pt.len() != SIG_PLAINTEXT_LEN {
            return Err(DecodeError::Range("record length"));
        }
        if u32::from(msg_id) != self.next_msg_id {
            return Err(DecodeError::Range("msg_id"));
        }
        if !(1..=4).contains(&nfrag) || frag >= nfrag {
            return Err(DecodeError::Range("nfrag"));
        }
        let last = frag + 1 == nfrag;
        // Full but for the last, and the last one is not empty: a message has one form.
        if (!last && len != FRAGMENT_LEN) || (last && nfrag > 1 && len == 0) {
            return Err(DecodeError::Range("fragment length"));
        }
        let follows = match &self.partial {
            None => frag == 0,
            Some(partial) => partial.mtype == mtype && partial.nfrag == nfrag && partial.next_frag == frag,
        };
        if !follows {
            return Err(DecodeError::Range("fragment order"));
        }

        let partial = self.partial.get_or_insert_with(|| Partial { mtype, nfrag, next_frag: 0, data: Vec::new() });
        partial.data.extend_from_slice(data);
        partial.next_frag += 1;
        if !last {
            return Ok(None);
        }
        // Past 65535 nothing matches any more: message numbers never repeat.
        self.next_msg_id += 1;
        Ok(self.partial.take().map(|whole| (whole.mtype, whole.data)))
    }
}

impl core::fmt::Debug for Reassembler {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Reassembler(next {})", self.next_msg_id)
    }
}
