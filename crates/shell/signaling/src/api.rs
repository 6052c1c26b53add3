//! What the engine says to this crate and hears from it.

use sotto_wire::{
    Cell,
    server::{ErrorCode, MailboxId, Nameplate, PeerEvent, TurnCredentials},
};

/// Where the server is and how its certificate is checked (PROTOCOL §9.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `wss://host[:port]/path`, or `ws://` on loopback only; without the fragment.
    pub url: String,
    /// SHA-256 of the SubjectPublicKeyInfo that the certificate must have, instead of WebPKI.
    pub spki: Option<[u8; 32]>,
    /// More roots (PEM file), for a practice's own authority.
    pub ca_file: Option<std::path::PathBuf>,
}

/// What the engine asks for.
#[derive(Clone, Debug)]
pub enum Request {
    /// A nameplate and mailbox; answered by [`Report::Allocated`] or [`Report::Refused`]. Answers come in order.
    Alloc,
    /// The mailbox behind a nameplate; answered by [`Report::Claimed`] or [`Report::Refused`].
    Claim(Nameplate),
    /// Takes a side; kept over reconnects until [`Request::Close`]. Answered by [`Report::Opened`] each time.
    Open {
        /// Address.
        mailbox: MailboxId,
        /// 0 I, 1 R.
        side: u8,
        /// Owner tag.
        owner: [u8; 16],
    },
    /// Sends a cell; dropped with a [`Report::Lost`] if the mailbox isn't open now.
    Send {
        /// Address.
        mailbox: MailboxId,
        /// Cell.
        cell: Cell,
    },
    /// Gives the side up.
    Close(MailboxId),
    /// Relay credentials; answered by [`Report::Turn`] or [`Report::Refused`].
    Turn(MailboxId),
    /// R clears side 0.
    Kick(MailboxId),
    /// R: the nameplate may go.
    Done(MailboxId),
}

/// What it reports.
#[derive(Clone, Debug)]
pub enum Report {
    /// Connected; after a reconnect the open mailboxes are opened again by themselves.
    Online {
        /// Server's clock, Unix seconds.
        unix_time: u64,
        /// TURN is available.
        turn: bool,
    },
    /// Not connected; it is tried again after a pause.
    Offline {
        /// Why.
        reason: OfflineReason,
        /// Pause until the next try, ms.
        retry_ms: u64,
    },
    /// Answer to [`Request::Alloc`].
    Allocated {
        /// What the code begins with.
        nameplate: Nameplate,
        /// Mailbox.
        mailbox: MailboxId,
        /// Seconds.
        ttl_s: u16,
    },
    /// Answer to [`Request::Claim`].
    Claimed {
        /// The nameplate asked for.
        nameplate: Nameplate,
        /// Mailbox.
        mailbox: MailboxId,
    },
    /// The side is ours.
    Opened {
        /// Address.
        mailbox: MailboxId,
        /// The other side is there.
        peer_present: bool,
    },
    /// A cell from the other side.
    Received {
        /// Address.
        mailbox: MailboxId,
        /// Cell.
        cell: Cell,
    },
    /// Something about the other side, or about ours.
    Peer {
        /// Address.
        mailbox: MailboxId,
        /// What.
        event: PeerEvent,
    },
    /// The server closed the channel (kicked, expired); it isn't opened again by itself.
    Closed(MailboxId),
    /// Answer to [`Request::Turn`].
    Turn {
        /// Address.
        mailbox: MailboxId,
        /// Credentials.
        credentials: TurnCredentials,
    },
    /// A cell was not accepted (offline, queue full, not open).
    Lost(MailboxId),
    /// A request was refused.
    Refused {
        /// Which request.
        request: RefusedRequest,
        /// Why.
        code: ErrorCode,
    },
}

/// Which request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedRequest {
    /// Alloc.
    Alloc,
    /// Claim.
    Claim(Nameplate),
    /// Open.
    Open(MailboxId),
    /// Turn.
    Turn(MailboxId),
}

/// Why the server is not reachable; each has its own sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfflineReason {
    /// The name was not found.
    Dns,
    /// Nobody answers, or the network is down.
    Unreachable,
    /// The certificate is not the one expected.
    Certificate,
    /// The certificate is expired or not yet valid: the clock may be wrong.
    CertificateTime,
    /// It is no rendezvous server, or of a version that we do not speak.
    Protocol,
    /// Too many connections or requests from this address.
    Full,
    /// The connection was lost.
    Lost,
}
