//! Cells: every mailbox message is exactly 4096 bytes (PROTOCOL §4.1).

/// Length of a cell.
pub const CELL_LEN: usize = 4096;
/// Length of what follows the four header bytes.
pub const CELL_BODY_LEN: usize = 4092;
/// The only suite.
pub const SUITE: u8 = 1;

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

/// One cell. Any 4096 bytes; header accessors do not validate more than the type.
#[derive(Clone, PartialEq, Eq)]
pub struct Cell(Box<[u8; CELL_LEN]>);

impl core::fmt::Debug for Cell {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Cell({:#04x})", self.0[0])
    }
}
