//! What the transport tells: events, faults, figures.

use sotto_wire::{Candidate, SealedPacket, SealedRecord, TrackId};

/// What happens on the transport.
#[derive(Debug)]
pub enum TransportEvent {
    /// Send to the other side by signalling.
    LocalCandidate(Candidate),
    /// No more candidates.
    CandidatesEnd,
    /// DTLS is up and re-checked: the peer's certificate hash is what the description said.
    Connected {
        /// SHA-256 of the peer's certificate, hashed again by us.
        remote_fingerprint: [u8; 32],
        /// Must be `SRTP_AEAD_AES_256_GCM`.
        srtp_profile: String,
        /// Must be `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256`.
        dtls_cipher: String,
        /// Media goes by the relay.
        relayed: bool,
    },
    /// The three data channels are open.
    DataOpen,
    /// A media packet came, after RTX unwrap.
    Packet(SealedPacket),
    /// A record came.
    Record(SealedRecord),
    /// The peer's RTCP asked for a key frame (PLI), at most two a second are passed on.
    KeyframeRequest(TrackId),
    /// ICE lost the path, or the other side closed its end (DTLS `close_notify`). It may come back; without an
    /// authenticated END both are interruptions (PROTOCOL §8).
    Interrupted,
    /// There is a path again, maybe another one.
    Recovered {
        /// By a relay.
        relayed: bool,
    },
    /// A restart found no candidate of ours; the transport goes on, and another restart may be tried.
    RestartFailed(TransportFault),
    /// It will not work; the transport is closed. Nothing follows.
    Failed(TransportFault),
}

/// Why the transport failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportFault {
    /// No relay candidate within the time.
    #[error("the relay does not answer")]
    RelayUnreachable,
    /// The relay refused the credentials.
    #[error("the relay refused us")]
    RelayRefused,
    /// ICE found no path within the time.
    #[error("no path to the other side")]
    NoPath,
    /// DTLS did not finish within the time.
    #[error("the encrypted connection could not be set up")]
    DtlsTimeout,
    /// The certificate is not the announced one: `E_FP`.
    #[error("certificate differs from the announced one")]
    FingerprintMismatch,
    /// A profile, cipher or RTX was not what we insist on.
    #[error("the other side negotiated something we refuse")]
    Downgrade,
    /// The other side's description is not acceptable: `E_SDP`.
    #[error("bad description")]
    BadDescription,
    /// Anything else inside.
    #[error("internal: {0}")]
    Internal(&'static str),
}

/// Figures of the transport.
#[derive(Clone, Debug, Default)]
pub struct TransportStats {
    /// Round trip, ms.
    pub rtt_ms: Option<f32>,
    /// Media packets sent, first transmissions.
    pub packets_sent: u64,
    /// Media packets received, after RTX unwrap.
    pub packets_received: u64,
    /// Retransmissions sent.
    pub retransmitted: u64,
    /// Media packets of ours dropped because a queue was full or the packet could not be sent.
    pub send_dropped: u64,
    /// Media packets of the peer dropped because the event channel was full.
    pub receive_dropped: u64,
    /// Media goes by the relay.
    pub relayed: bool,
}
