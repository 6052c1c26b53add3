//! Message types, canonical encodings, size limits and versions of TSP1.
//!
//! This crate owns every byte layout that leaves a computer in the clear or inside an AEAD: rendezvous
//! frames, cells, TLV lists, SIG messages, data records, and the sealed units that the transport moves.
//! It knows no key and does no I/O. Parsing is strict: what `decode` accepts, `encode` gives back, except where the protocol
//! asks for tolerance: unknown TLV tags, unknown message types and a longer POLICY are read past.
#![forbid(unsafe_code)]

mod bytes_io;
pub mod cell;
pub mod file;
pub mod fragment;
pub mod record;
pub mod sealed;
pub mod server;
mod server_codec;
pub mod sig;
mod sig_codec;
pub mod tlv;

pub use cell::{CELL_BODY_LEN, CELL_LEN, Cell, CellType};
pub use fragment::{FRAGMENT_LEN, Reassembler, SigFragments};
pub use sealed::{Codec, SealedPacket, SealedRecord, TrackId};
pub use sig::{Candidate, CandidateKind, Description, Setup, SigMessage, TrackSsrc};
pub use sig_codec::MAX_NAME_LEN;

/// Why bytes were not a valid message. It carries no content, so that it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input ended early.
    #[error("truncated")]
    Truncated,
    /// Bytes were left over, or padding was not zero.
    #[error("trailing bytes")]
    Trailing,
    /// A field is outside its range.
    #[error("field out of range: {0}")]
    Range(&'static str),
    /// The type byte is not known.
    #[error("unknown type {0:#04x}")]
    UnknownType(u8),
}

/// A message does not fit into its frame or its fragments. Only a caller's mistake or a setting can cause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message too long")]
pub struct TooLong;

/// An inclusive range of protocol versions, `1 ≤ min ≤ max ≤ 15` (PROTOCOL §4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// Lowest version spoken.
    pub min: u8,
    /// Highest version spoken.
    pub max: u8,
}

impl VersionRange {
    /// What this build speaks.
    pub const OURS: Self = Self { min: 1, max: 1 };
    /// The byte `min << 4 | max`.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        (self.min << 4) | self.max
    }
    /// Parses the byte form; `None` unless `1 ≤ min ≤ max ≤ 15`.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        let (min, max) = (byte >> 4, byte & 15);
        if min >= 1 && min <= max { Some(Self { min, max }) } else { None }
    }
}

/// Which person a side is. Roles are fixed at pairing (PROTOCOL, head).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The client, I: starts handshakes, makes the offer.
    Initiator,
    /// The therapist, R.
    Responder,
}

impl Role {
    /// Direction byte of what this role sends: 0 = I→R, 1 = R→I. Also the mailbox side.
    #[must_use]
    pub const fn direction(self) -> u8 {
        match self {
            Self::Initiator => 0,
            Self::Responder => 1,
        }
    }
    /// The other one.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}
