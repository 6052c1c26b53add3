//! What goes into the machine and what comes out of it.

use std::path::PathBuf;

use sotto_frame_crypto::{
    MediaOpener, MediaSealer,
    keys::{MediaOpenKeys, MediaSealKeys},
};
use sotto_identity::records::{ContactRecord, InviteRecord};
use sotto_session_api::{Command, Event};
use sotto_wire::{
    Candidate, Cell, Description, SealedRecord, TrackId,
    file::{FileOffer, FileTag},
    server::{ErrorCode, MailboxId, Nameplate, PeerEvent, TurnCredentials},
    sig::IceCredentials,
};

/// The time, told by the caller. Plain data, so that a test or a fuzz input can hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Monotonic clock, milliseconds.
    pub mono_ms: u64,
    /// Wall clock, Unix seconds.
    pub unix: u64,
}

/// A rendezvous server, as its URL with an optional `#spki=` fragment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerUrl(pub String);

impl core::fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ServerUrl(…)")
    }
}

/// Names a transport, so that events of an old one change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportId(pub u64);

/// Names a durable write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// One thing that happened.
#[derive(Debug)]
pub enum Input {
    /// A front end asks for something.
    Command(Command),
    /// Something from a rendezvous server.
    Server(ServerUrl, ServerReport),
    /// The durable write is on disk.
    Stored(Ticket),
    /// The durable write failed; what waited for it is given up.
    StoreFailed(Ticket),
    /// Something from a transport.
    Transport(TransportId, TransportReport),
    /// Something from the disk, about a file of the session.
    File(FileReport),
    /// The engine needs a key frame of the peer's track.
    NeedKeyframe(TrackId),
    /// Authentic media arrived since the last one of these (told about once a second).
    MediaHeard,
    /// The first authentic media packet of an epoch arrived.
    MediaEpoch(u8),
    /// Time passed; see [`crate::Room::wake_at`].
    Tick,
}

/// What a rendezvous server reported.
#[derive(Debug)]
pub enum ServerReport {
    /// Connected.
    Online {
        /// Its clock.
        unix_time: u64,
        /// Relay credentials can be had.
        turn: bool,
    },
    /// Not connected; tried again by the shell.
    Offline {
        /// Stable code for people, e.g. `rendezvous-unreachable`.
        code: &'static str,
    },
    /// Answer to an allocation.
    Allocated {
        /// Six digits.
        nameplate: Nameplate,
        /// Mailbox.
        mailbox: MailboxId,
        /// Validity, s.
        ttl_s: u16,
    },
    /// Answer to a claim.
    Claimed(MailboxId),
    /// A side is ours.
    Opened {
        /// Mailbox.
        mailbox: MailboxId,
        /// The other side is there.
        peer_present: bool,
    },
    /// A cell came.
    Received(MailboxId, Cell),
    /// The other side came or went, or somebody else tried.
    Peer(MailboxId, PeerEvent),
    /// The server closed the channel.
    Closed(MailboxId),
    /// Relay credentials.
    Turn(MailboxId, TurnCredentials),
    /// An allocation was refused.
    AllocRefused(ErrorCode),
    /// A claim was refused.
    ClaimRefused(ErrorCode),
    /// An open was refused.
    OpenRefused(MailboxId, ErrorCode),
    /// Relay credentials were refused.
    TurnRefused(MailboxId, ErrorCode),
}

/// What is asked of a rendezvous server.
#[derive(Debug)]
pub enum ServerRequest {
    /// A nameplate.
    Alloc,
    /// The mailbox behind a nameplate.
    Claim(Nameplate),
    /// A side of a mailbox.
    Open {
        /// Mailbox.
        mailbox: MailboxId,
        /// Side.
        side: u8,
        /// Owner tag.
        owner: [u8; 16],
        /// The hour that an hourly mailbox belongs to. Mailboxes of different hours go by different connections, so
        /// that a shared connection doesn't link them (PROTOCOL §3.3).
        slot: Option<u64>,
    },
    /// Passes a cell.
    Send(MailboxId, Cell),
    /// Gives a side up.
    Close(MailboxId),
    /// Relay credentials.
    Turn(MailboxId),
    /// R clears side 0.
    Kick(MailboxId),
    /// R: the nameplate may go.
    Done(MailboxId),
}

/// What a transport reported.
pub enum TransportReport {
    /// Our description is ready to be sent.
    Description(Description),
    /// A candidate of ours.
    Candidate(Candidate),
    /// No more candidates.
    CandidatesEnd,
    /// DTLS is up.
    Connected {
        /// SHA-256 of the peer's certificate.
        remote_fingerprint: [u8; 32],
        /// Negotiated SRTP profile.
        srtp_profile: String,
        /// Negotiated DTLS cipher.
        dtls_cipher: String,
        /// Media goes by the relay.
        relayed: bool,
    },
    /// The data channels are open.
    DataOpen,
    /// A record came.
    Record(SealedRecord),
    /// A record of a file is on its way: there is room for the next.
    FileSent,
    /// The peer's RTCP asks for a key frame.
    KeyframeRequest(TrackId),
    /// The path is lost, maybe for a while.
    Interrupted,
    /// There is a path again.
    Recovered {
        /// By a relay.
        relayed: bool,
    },
    /// Our ICE credentials of a restart; candidates follow.
    Restarted(IceCredentials),
    /// A restart found no way; another may be tried. Stable code for people.
    RestartFailed(&'static str),
    /// It failed for good; stable code for people, e.g. `E_NO_RELAY`.
    Failed(&'static str),
}

impl core::fmt::Debug for TransportReport {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Description(_) => "Description",
            Self::Candidate(_) => "Candidate",
            Self::CandidatesEnd => "CandidatesEnd",
            Self::Connected { .. } => "Connected",
            Self::DataOpen => "DataOpen",
            Self::Record(_) => "Record",
            Self::FileSent => "FileSent",
            Self::KeyframeRequest(_) => "KeyframeRequest",
            Self::Interrupted => "Interrupted",
            Self::Recovered { .. } => "Recovered",
            Self::Restarted(_) => "Restarted",
            Self::RestartFailed(_) => "RestartFailed",
            Self::Failed(_) => "Failed",
        })
    }
}

/// What a transport is asked to do.
pub enum TransportRequest {
    /// Make one. The offerer's description is wanted at once.
    Create {
        /// Makes the offer.
        offerer: bool,
        /// Credentials and addresses.
        relays: TurnCredentials,
        /// Only relay candidates, both ways.
        relay_only: bool,
        /// Rendezvous is on loopback, so relays may be too.
        allow_local_relay: bool,
        /// Audio, camera, screen: (media, rtx).
        ssrcs: [(u32, u32); 3],
    },
    /// The peer's description; the answerer's own is wanted after it.
    SetRemote(Description),
    /// A candidate of the peer.
    AddCandidate(Candidate),
    /// The peer has no more.
    CandidatesEnd,
    /// ICE restart by the offerer, with these relays.
    Restart(TurnCredentials),
    /// The answerer takes the peer's restart up, with these relays.
    AcceptRestart(TurnCredentials, IceCredentials),
    /// The answer to the offerer's restart.
    FinishRestart(IceCredentials),
    /// Send a record.
    Record(SealedRecord),
    /// Ask the peer for a key frame by RTCP.
    RequestKeyframe(TrackId),
    /// Close after what was sent has left, at most a second.
    Close,
}

/// The kind alone: addresses and passwords stay out of logs.
impl core::fmt::Debug for TransportRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Create { .. } => "Create",
            Self::SetRemote(_) => "SetRemote",
            Self::AddCandidate(_) => "AddCandidate",
            Self::CandidatesEnd => "CandidatesEnd",
            Self::Restart(_) => "Restart",
            Self::AcceptRestart(..) => "AcceptRestart",
            Self::FinishRestart(_) => "FinishRestart",
            Self::Record(_) => "Record",
            Self::RequestKeyframe(_) => "RequestKeyframe",
            Self::Close => "Close",
        })
    }
}

/// What the disk reports about a file of the session. Every file is named by who asked for it.
pub enum FileReport {
    /// It was read through and can be offered.
    Ready(Box<FileOffer>),
    /// The piece that was asked for.
    Read(FileTag, Vec<u8>),
    /// There is a place for it.
    Created(FileTag),
    /// All of it is stored and is what was offered.
    Stored(FileTag),
    /// It can't be read or written, or is not what was offered; what came of it is removed.
    Failed(FileTag),
}

/// Names and content stay out of logs.
impl core::fmt::Debug for FileReport {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Read(..) => "Read",
            Self::Created(_) => "Created",
            Self::Stored(_) => "Stored",
            Self::Failed(_) => "Failed",
        })
    }
}

/// What is asked of the disk about a file of the session; answered by [`FileReport`].
pub enum FileRequest {
    /// A piece of a file that was reported ready.
    Read {
        /// Which.
        id: FileTag,
        /// Where it begins.
        offset: u64,
        /// How long it is, bytes.
        len: usize,
    },
    /// A place for a file: nothing of it is seen under its name before it is whole.
    Create {
        /// Which.
        id: FileTag,
        /// Where to.
        folder: PathBuf,
        /// A single component of a path.
        name: String,
        /// Bytes that will come.
        size: u64,
    },
    /// The next piece.
    Write(FileTag, Vec<u8>),
    /// That was all: it gets its name if this is its hash.
    Finish(FileTag, Box<[u8; 64]>),
    /// It is not needed any more; what came of it is removed.
    Drop(FileTag),
}

impl core::fmt::Debug for FileRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Read { .. } => "Read",
            Self::Create { .. } => "Create",
            Self::Write(..) => "Write",
            Self::Finish(..) => "Finish",
            Self::Drop(_) => "Drop",
        })
    }
}

/// A durable change.
#[derive(Debug)]
pub enum Change {
    /// Adds or replaces a contact.
    PutContact(Box<ContactRecord>),
    /// Removes a contact.
    RemoveContact(u64),
    /// Adds or replaces an invite.
    PutInvite(Box<InviteRecord>),
    /// Removes an invite.
    RemoveInvite(u64),
    /// Adds a line to the event log.
    Log(String),
}

/// What the engine is asked to do with media.
pub enum MediaRequest {
    /// Sealing may start: both sides are bound to this transport (PROTOCOL §5.4).
    Start {
        /// Keys of what we send.
        sealer: Box<MediaSealer>,
        /// Keys of what we receive.
        opener: Box<MediaOpener>,
        /// Send the camera already before the comparison (PROTOCOL §6.3).
        camera_in_g1: bool,
        /// `mono_ms` of ADMIT.
        admitted_ms: u64,
    },
    /// Gate G2: everything is allowed.
    Open,
    /// Microphone or camera on or off; packets of sound go on.
    Mute {
        /// Sound or camera.
        track: TrackId,
        /// True: silent.
        on: bool,
    },
    /// The peer needs a key frame of this track.
    Keyframe(TrackId),
    /// Accept packets of the next epoch from now on: before anything that follows is sent (PROTOCOL §7.7).
    AdmitEpoch(Box<MediaOpenKeys>),
    /// Send in the next epoch from now on.
    StartEpoch(Box<MediaSealKeys>),
    /// One ratchet step; with no step left, nothing is sent until the next epoch.
    Ratchet,
    /// Stop; release devices, erase keys and pictures.
    Stop,
}

impl core::fmt::Debug for MediaRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Start { .. } => "Start",
            Self::Open => "Open",
            Self::Mute { .. } => "Mute",
            Self::Keyframe(_) => "Keyframe",
            Self::AdmitEpoch(_) => "AdmitEpoch",
            Self::StartEpoch(_) => "StartEpoch",
            Self::Ratchet => "Ratchet",
            Self::Stop => "Stop",
        })
    }
}

/// What the machine wants done, in order.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a handful in flight; a box for each event would cost more than it saves"
)]
pub enum Output {
    /// Ask a rendezvous server; the connection is made when first asked.
    Server(ServerUrl, ServerRequest),
    /// The server is not needed any more.
    Disconnect(ServerUrl),
    /// Write durably, then answer [`Input::Stored`].
    Store(Ticket, Change),
    /// Ask a transport.
    Transport(TransportId, TransportRequest),
    /// Ask the media threads.
    Media(MediaRequest),
    /// Ask the disk, about a file of the session.
    File(FileRequest),
    /// Tell the front end.
    Event(Event),
}
