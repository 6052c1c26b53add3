//! Frames between a client and the rendezvous server (PROTOCOL §9.1). One WebSocket binary message each,
//! at most 4200 bytes.

use crate::Cell;

/// Largest frame either side accepts.
pub const MAX_FRAME_LEN: usize = 4200;

/// Mailbox address: knowledge of it is the only capability.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxId(pub [u8; 32]);

/// Six digits that the server hands out for a spoken code.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nameplate(String);

impl Nameplate {
    pub(crate) const fn from_checked(digits: String) -> Self {
        Self(digits)
    }

    /// The six digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Client to server.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// `01`: first frame of a connection.
    Hello {
        /// Server-protocol version.
        version: u8,
        /// Proof of work; 0 when none is asked.
        pow: u64,
        /// Operator token, at most 255 bytes; empty when none.
        token: Vec<u8>,
    },
    /// `02`: asks for a nameplate and a mailbox.
    Alloc,
    /// `03`: asks for the mailbox behind a nameplate.
    Claim(Nameplate),
    /// `04`: takes a side of a mailbox.
    Open {
        /// Address.
        mailbox: MailboxId,
        /// 0 I, 1 R.
        side: u8,
        /// Lets the same device take its own side over.
        owner: [u8; 16],
    },
    /// `05`: passes a cell to the other side.
    Add {
        /// Channel of this connection.
        channel: u16,
        /// The cell.
        cell: Cell,
    },
    /// `06`
    Close(u16),
    /// `07`: asks for relay credentials.
    Turn(u16),
    /// `08`
    Ping(u32),
    /// `09`: R clears side 0.
    Kick(u16),
    /// `0A`: R: the nameplate may go.
    Done(u16),
}

/// Server to client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFrame {
    /// `81`: sent first.
    Welcome {
        /// Lowest server-protocol version.
        version_min: u8,
        /// Highest.
        version_max: u8,
        /// Proof of work asked, in zero bits.
        pow_bits: u8,
        /// For the proof of work.
        nonce: [u8; 16],
        /// bit 0: token needed for ALLOC and TURN; bit 1: TURN available.
        flags: u8,
        /// Server's clock, seconds.
        unix_time: u64,
    },
    /// `82`
    Allocated {
        /// What the code begins with.
        nameplate: Nameplate,
        /// Its mailbox.
        mailbox: MailboxId,
        /// Seconds it stays claimable.
        ttl_s: u16,
    },
    /// `83`
    Claimed(MailboxId),
    /// `84`
    Opened {
        /// Channel number on this connection.
        channel: u16,
        /// Whether the other side is there.
        peer_present: bool,
    },
    /// `85`: accepted or queued.
    Added(u16),
    /// `86`
    Closed(u16),
    /// `87`
    TurnCredentials(TurnCredentials),
    /// `88`
    Pong(u32),
    /// `90`
    Message {
        /// Channel.
        channel: u16,
        /// From the other side.
        cell: Cell,
    },
    /// `91`
    Peer {
        /// Channel.
        channel: u16,
        /// What happened.
        event: PeerEvent,
    },
    /// `FF`
    Error {
        /// Channel, 0 when none applies.
        channel: u16,
        /// What is wrong.
        code: ErrorCode,
    },
}

/// Time-limited relay credentials (PROTOCOL §9.5).
#[derive(Clone, PartialEq, Eq)]
pub struct TurnCredentials {
    /// Unix seconds.
    pub expiry: u32,
    /// `expiry:random`.
    pub username: String,
    /// Base64 of the HMAC.
    pub password: String,
    /// `turn:host:port?transport=udp`, one or more.
    pub urls: Vec<String>,
}

/// What happened to the other side, or to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PeerEvent {
    /// The other side left.
    Left = 0,
    /// The other side joined.
    Joined = 1,
    /// Somebody else tried to take this side, or this connection was taken over by its owner.
    Crowded = 2,
}

/// Error codes of `FF`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum ErrorCode {
    /// Malformed frame; the connection closes.
    BadFrame = 1,
    /// A rate limit.
    Limit = 2,
    /// Overloaded or lost its store.
    Busy = 3,
    /// No such nameplate.
    UnknownNameplate = 4,
    /// The side is taken.
    Crowded = 5,
    /// Proof of work missing or wrong.
    Pow = 6,
    /// Token missing or wrong.
    Token = 7,
    /// No relay configured.
    NoTurn = 8,
    /// The other side's queue is full; the cell is lost.
    QueueFull = 9,
}

/// The op alone: owner tags and tokens stay out of logs.
impl core::fmt::Debug for ClientFrame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Hello { .. } => "Hello(…)",
            Self::Alloc => "Alloc",
            Self::Claim(_) => "Claim(…)",
            Self::Open { .. } => "Open(…)",
            Self::Add { .. } => "Add(…)",
            Self::Close(_) => "Close(…)",
            Self::Turn(_) => "Turn(…)",
            Self::Ping(_) => "Ping(…)",
            Self::Kick(_) => "Kick(…)",
            Self::Done(_) => "Done(…)",
        })
    }
}

impl core::fmt::Debug for MailboxId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MailboxId(…)")
    }
}

impl core::fmt::Debug for Nameplate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Nameplate(…)")
    }
}

impl core::fmt::Debug for TurnCredentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TurnCredentials(…)")
    }
}
