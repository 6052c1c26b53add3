//! What goes into the machine and what comes out of it.

use sotto_wire::server::ServerFrame;

/// The time, told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic milliseconds since any fixed moment.
    pub mono_ms: u64,
    /// Wall clock, Unix seconds; only for WELCOME.
    pub unix_s: u64,
}

/// A connection, named by the shell; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What rate limits count by: a keyed hash of a network address that only the shell can compute (PROTOCOL §9.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressKey(pub [u8; 16]);

impl core::fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AddressKey(…)")
    }
}

/// Something happened on a connection.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// A new connection; it is sent WELCOME.
    Connected {
        /// Its name.
        connection: ConnectionId,
        /// Where it comes from.
        address: AddressKey,
    },
    /// One binary message arrived.
    Frame {
        /// On which connection.
        connection: ConnectionId,
        /// The whole message; anything at all.
        bytes: &'a [u8],
    },
    /// The connection is gone.
    Disconnected {
        /// Which.
        connection: ConnectionId,
    },
    /// Nothing happened but time.
    Tick,
}

/// What the shell has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Sends a frame.
    Send {
        /// To whom.
        connection: ConnectionId,
        /// What.
        frame: ServerFrame,
    },
    /// Makes relay credentials and sends them as `87 TURN_CRED`; the limits have been checked (PROTOCOL §9.5).
    IssueTurn {
        /// To whom.
        connection: ConnectionId,
    },
    /// Closes the connection after what was sent before; the machine has forgotten it already.
    Close {
        /// Which.
        connection: ConnectionId,
    },
}

/// Totals since the start and present sizes; nothing about one connection (PROTOCOL §9.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections now.
    pub connections: u64,
    /// Mailboxes now.
    pub mailboxes: u64,
    /// Nameplates now.
    pub nameplates: u64,
    /// Bytes of cells queued now.
    pub queued_bytes: u64,
    /// Addresses that a limit is remembered for now.
    pub addresses: u64,
    /// Cells passed on or queued.
    pub cells: u64,
    /// Queued cells that nobody fetched in time.
    pub cells_expired: u64,
    /// Relay credentials granted.
    pub turn_grants: u64,
    /// ERR frames by code; index 0 is unused.
    pub errors: [u64; 10],
}
