//! Cells: every mailbox message is exactly 4096 bytes (PROTOCOL §4.1).

use crate::{DecodeError, bytes_io::Reader};

/// Length of a cell.
pub const CELL_LEN: usize = 4096;
/// Length of what follows the four header bytes.
pub const CELL_BODY_LEN: usize = 4092;
/// The only suite.
pub const SUITE: u8 = 1;

const HEADER_LEN: usize = CELL_LEN - CELL_BODY_LEN;

/// Type byte of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CellType {
    /// First PAKE share, I→R.
    Pa1 = 0x01,
    /// Second PAKE share, R→I.
    Pa2 = 0x02,
    /// First handshake message.
    Hs1 = 0x11,
    /// Second handshake message.
    Hs2 = 0x12,
    /// Third handshake message (XX only).
    Hs3 = 0x13,
    /// Sealed signalling record.
    Sig = 0x20,
    /// Request to repeat sealed records.
    Sync = 0x21,
    /// Refusal without a reason.
    Reject = 0x7E,
}

impl CellType {
    /// The type of a type byte; `None` if it is not known.
    #[must_use]
    pub const fn from_u8(byte: u8) -> Option<Self> {
        Some(match byte {
            0x01 => Self::Pa1,
            0x02 => Self::Pa2,
            0x11 => Self::Hs1,
            0x12 => Self::Hs2,
            0x13 => Self::Hs3,
            0x20 => Self::Sig,
            0x21 => Self::Sync,
            0x7E => Self::Reject,
            _ => return None,
        })
    }
}

/// One cell. Any 4096 bytes; header accessors do not validate more than the type.
#[derive(Clone, PartialEq, Eq)]
pub struct Cell(Box<[u8; CELL_LEN]>);

impl Cell {
    /// Takes 4096 bytes as they are.
    ///
    /// # Errors
    /// `Truncated` or `Trailing` for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        match <&[u8; CELL_LEN]>::try_from(bytes) {
            Ok(exact) => Ok(Self(Box::new(*exact))),
            Err(_) if bytes.len() < CELL_LEN => Err(DecodeError::Truncated),
            Err(_) => Err(DecodeError::Trailing),
        }
    }

    /// A cell of suite 1. `vr` is the sender's version range in PA1, HS1 and REJECT, else 0.
    #[must_use]
    pub fn new(cell_type: CellType, version: u8, vr: u8, body: &[u8; CELL_BODY_LEN]) -> Self {
        let mut cell = Self::with_header(cell_type, version, vr);
        cell.body_mut().copy_from_slice(body);
        cell
    }

    /// A cell of suite 1 with a zero body, to be filled by [`body_mut`](Self::body_mut).
    #[must_use]
    pub fn with_header(cell_type: CellType, version: u8, vr: u8) -> Self {
        let mut bytes = Box::new([0; CELL_LEN]);
        bytes[..HEADER_LEN].copy_from_slice(&[cell_type as u8, version, SUITE, vr]);
        Self(bytes)
    }

    /// PA1: I's share, and I's version range.
    #[must_use]
    pub fn pa1(version: u8, vr: u8, share: &[u8; 32]) -> Self {
        let mut cell = Self::with_header(CellType::Pa1, version, vr);
        cell.body_mut()[..32].copy_from_slice(share);
        cell
    }

    /// PA2: R's share.
    #[must_use]
    pub fn pa2(version: u8, share: &[u8; 32]) -> Self {
        let mut cell = Self::with_header(CellType::Pa2, version, 0);
        cell.body_mut()[..32].copy_from_slice(share);
        cell
    }

    /// SYNC: asks the other side to repeat its sealed cells from `next_expected` on.
    #[must_use]
    pub fn sync(version: u8, next_expected: u64) -> Self {
        let mut cell = Self::with_header(CellType::Sync, version, 0);
        cell.body_mut()[..8].copy_from_slice(&next_expected.to_be_bytes());
        cell
    }

    /// REJECT: no reason is given; `version` is the own highest one, `vr` the own range.
    #[must_use]
    pub fn reject(version: u8, vr: u8) -> Self {
        Self::with_header(CellType::Reject, version, vr)
    }

    /// The share in a PA1 or PA2.
    ///
    /// # Errors
    /// `UnknownType` for another cell, `Trailing` if anything but zeros follows the 32 bytes.
    pub fn pa_share(&self) -> Result<[u8; 32], DecodeError> {
        match self.cell_type() {
            Some(CellType::Pa1 | CellType::Pa2) => {
                let mut reader = Reader::new(self.body());
                let share = reader.array()?;
                reader.finish_zeros()?;
                Ok(share)
            }
            _ => Err(DecodeError::UnknownType(self.0[0])),
        }
    }

    /// The sequence number in a SYNC.
    ///
    /// # Errors
    /// `UnknownType` for another cell, `Trailing` if anything but zeros follows.
    pub fn sync_next_expected(&self) -> Result<u64, DecodeError> {
        if self.cell_type() != Some(CellType::Sync) {
            return Err(DecodeError::UnknownType(self.0[0]));
        }
        let mut reader = Reader::new(self.body());
        let next = reader.u64()?;
        reader.finish_zeros()?;
        Ok(next)
    }

    /// Checks that this is a REJECT with an empty body.
    ///
    /// # Errors
    /// `UnknownType` for another cell, `Trailing` if the body is not zero.
    pub fn check_reject(&self) -> Result<(), DecodeError> {
        if self.cell_type() != Some(CellType::Reject) {
            return Err(DecodeError::UnknownType(self.0[0]));
        }
        Reader::new(self.body()).finish_zeros()
    }

    /// All 4096 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; CELL_LEN] {
        &self.0
    }

    /// The four header bytes, which the AAD of SIG and the PAKE transcript cover.
    #[must_use]
    pub fn header(&self) -> [u8; HEADER_LEN] {
        [self.0[0], self.0[1], self.0[2], self.0[3]]
    }

    /// The type; `None` if the type byte is not known.
    #[must_use]
    pub const fn cell_type(&self) -> Option<CellType> {
        CellType::from_u8(self.0[0])
    }

    /// Protocol version that the sender chose.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.0[1]
    }

    /// Suite; anything but [`SUITE`] is dropped by the state machines.
    #[must_use]
    pub const fn suite(&self) -> u8 {
        self.0[2]
    }

    /// Version range byte of the sender (`vmin << 4 | vmax`), or 0.
    #[must_use]
    pub const fn vr(&self) -> u8 {
        self.0[3]
    }

    /// What follows the header.
    ///
    /// # Panics
    /// Never: a cell has one length.
    #[must_use]
    pub fn body(&self) -> &[u8; CELL_BODY_LEN] {
        self.0.last_chunk().expect("a cell is longer than its body")
    }

    /// What follows the header, to be written.
    ///
    /// # Panics
    /// Never: a cell has one length.
    #[must_use]
    pub fn body_mut(&mut self) -> &mut [u8; CELL_BODY_LEN] {
        self.0.last_chunk_mut().expect("a cell is longer than its body")
    }
}

impl core::fmt::Debug for Cell {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Cell({:#04x})", self.0[0])
    }
}
