//! Plaintext of file records, track 6 (PROTOCOL §8): the `data` of each `mtype`.

use crate::{
    DecodeError,
    bytes_io::{Reader, utf8},
};

/// Largest file, bytes.
pub const MAX_FILE_LEN: u64 = 100 * 1024 * 1024;
/// Longest piece of a file in one record, bytes.
pub const MAX_CHUNK: usize = 16_000;
/// Longest name on the wire, bytes of UTF-8.
pub const MAX_FILE_NAME: usize = 255;

/// Random; names a file for as long as the session lasts.
pub type FileTag = [u8; 16];

/// What is offered.
#[derive(Clone, PartialEq, Eq)]
pub struct FileOffer {
    /// Names it from now on.
    pub id: FileTag,
    /// Bytes, 1 to [`MAX_FILE_LEN`].
    pub size: u64,
    /// SHA-512 of its content.
    pub sha512: [u8; 64],
    /// As the sender calls it: 1 to 255 bytes, and nothing that may be trusted as a path.
    pub name: String,
}

/// A message on track 6.
#[derive(Clone, PartialEq, Eq)]
pub enum FileMessage {
    /// `01`
    Offer(FileOffer),
    /// `02`: the receiver wants it.
    Accept(FileTag),
    /// `03`: one of the two does not want it, or not any more.
    Refuse(FileTag),
    /// `04`: the next piece, 1 to [`MAX_CHUNK`] bytes.
    Chunk {
        /// Which file.
        id: FileTag,
        /// Where the piece begins; pieces follow each other without gaps.
        offset: u64,
        /// The piece.
        data: Vec<u8>,
    },
    /// `05`: that was all of it.
    Done(FileTag),
}

const OFFER: u8 = 0x01;
const ACCEPT: u8 = 0x02;
const REFUSE: u8 = 0x03;
const CHUNK: u8 = 0x04;
const DONE: u8 = 0x05;

impl FileMessage {
    /// Type byte.
    #[must_use]
    pub const fn mtype(&self) -> u8 {
        match self {
            Self::Offer(_) => OFFER,
            Self::Accept(_) => ACCEPT,
            Self::Refuse(_) => REFUSE,
            Self::Chunk { .. } => CHUNK,
            Self::Done(_) => DONE,
        }
    }

    /// `data` of the record. What is out of bounds is refused by the other side.
    #[must_use]
    pub fn encode_data(&self) -> Vec<u8> {
        match self {
            Self::Offer(offer) => {
                [&offer.id[..], &offer.size.to_be_bytes(), &offer.sha512[..], offer.name.as_bytes()].concat()
            }
            Self::Accept(id) | Self::Refuse(id) | Self::Done(id) => id.to_vec(),
            Self::Chunk { id, offset, data } => [&id[..], &offset.to_be_bytes(), data].concat(),
        }
    }

    /// Parses `data` by type; `None` for a type that this version does not know, to be ignored.
    ///
    /// # Errors
    /// A size, a name or a piece out of bounds, a name that is not UTF-8, another length than `encode_data` gives.
    pub fn decode(mtype: u8, data: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(data);
        let message = match mtype {
            OFFER => {
                let (id, size, sha512) = (reader.array()?, reader.u64()?, reader.array()?);
                if !(1..=MAX_FILE_LEN).contains(&size) {
                    return Err(DecodeError::Range("file size"));
                }
                let name = reader.rest();
                if !(1..=MAX_FILE_NAME).contains(&name.len()) {
                    return Err(DecodeError::Range("file name"));
                }
                Self::Offer(FileOffer { id, size, sha512, name: utf8(name, "file name")? })
            }
            ACCEPT => Self::Accept(reader.array()?),
            REFUSE => Self::Refuse(reader.array()?),
            CHUNK => {
                let (id, offset) = (reader.array()?, reader.u64()?);
                let piece = reader.rest();
                if !(1..=MAX_CHUNK).contains(&piece.len()) || offset >= MAX_FILE_LEN {
                    return Err(DecodeError::Range("piece of a file"));
                }
                Self::Chunk { id, offset, data: piece.to_vec() }
            }
            DONE => Self::Done(reader.array()?),
            _ => return Ok(None),
        };
        reader.finish()?;
        Ok(Some(message))
    }
}

/// Names and content stay out of logs.
impl core::fmt::Debug for FileMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Offer(_) => "Offer(…)",
            Self::Accept(_) => "Accept(…)",
            Self::Refuse(_) => "Refuse(…)",
            Self::Chunk { .. } => "Chunk(…)",
            Self::Done(_) => "Done(…)",
        })
    }
}

impl core::fmt::Debug for FileOffer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FileOffer(…)")
    }
}
