//! Plaintext of a data record (PROTOCOL §8):
//! `u8 mtype | u8 flags | u16 len | data[len] | 0… to the track's size`: one for everything on control and chat, so that a
//! message, a rekey and a word look the same; a multiple of 256 for files.

use sotto_wire::TrackId;

/// Longest plaintext of a record, bytes.
pub(crate) const MAX_PLAINTEXT: usize = 16_128;
/// Plaintext of each record of control and chat, bytes: with headers and tags two fit into a packet, so that what is small
/// does not wait under loss.
const SMALL_PLAINTEXT: usize = 512;
/// Bytes before the data.
pub(crate) const PREFIX_LEN: usize = 4;
/// Longest data of a message of several records, bytes.
pub const MAX_MESSAGE_LEN: usize = 65_536;

const BLOCK: usize = 256;
const MORE: u8 = 1;

/// Type of the empty record that opens an epoch on a track; the only type that this crate knows.
pub(crate) const EPOCH: u8 = 0x00;

/// The four bytes before the data.
pub(crate) fn prefix(mtype: u8, more: bool, len: u16) -> [u8; PREFIX_LEN] {
    let [high, low] = len.to_be_bytes();
    [mtype, if more { MORE } else { 0 }, high, low]
}

/// Longest data of one record of a data track, bytes; a longer message takes several.
#[must_use]
pub const fn max_record_data(track: TrackId) -> usize {
    match track {
        TrackId::File => MAX_PLAINTEXT - PREFIX_LEN,
        _ => SMALL_PLAINTEXT - PREFIX_LEN,
    }
}

/// Zero bytes that follow `len` bytes of data, which are at most [`max_record_data`].
pub(crate) const fn padding(track: TrackId, len: usize) -> usize {
    let size = match track {
        TrackId::File => (PREFIX_LEN + len).next_multiple_of(BLOCK),
        _ => SMALL_PLAINTEXT,
    };
    size - PREFIX_LEN - len
}

/// A record that was opened.
pub(crate) struct Record<'a> {
    pub(crate) mtype: u8,
    pub(crate) more: bool,
    pub(crate) data: &'a [u8],
    /// Without padding: what the transcript covers.
    pub(crate) unpadded: &'a [u8],
}

impl<'a> Record<'a> {
    /// Parses a plaintext; `None` unless it is exactly what a sealer makes.
    pub(crate) fn parse(track: TrackId, plaintext: &'a [u8]) -> Option<Self> {
        let (&[mtype, flags, high, low], rest) = plaintext.split_first_chunk::<PREFIX_LEN>()?;
        let len = usize::from(u16::from_be_bytes([high, low]));
        let (data, zeros) = rest.split_at_checked(len)?;
        let valid = flags & !MORE == 0
            && len <= max_record_data(track)
            && zeros.len() == padding(track, len)
            && zeros.iter().all(|&byte| byte == 0);
        valid.then_some(Self { mtype, more: flags == MORE, data, unpadded: plaintext.get(..PREFIX_LEN + len)? })
    }
}

/// What is authenticated beside the header.
pub(crate) const fn metadata(track: TrackId) -> [u8; 6] {
    [track as u8, 0, 0, 0, 0, 0]
}
