//! WebRTC: moves sealed packets and sealed records between two computers, and reports fingerprints and figures.
//!
//! It can't name a key or an unsealed packet. Everything above sees the types below; the crate `webrtc` stays inside.

use sotto_wire::{Candidate, Description, SealedPacket, SealedRecord, TrackId};

/// A relay to use.
#[derive(Clone)]
pub struct Relay {
    /// `turn:host:port?transport=udp`
    pub url: String,
    /// User.
    pub username: String,
    /// Password.
    pub password: String,
}

/// How to connect.
#[derive(Clone)]
pub struct TransportConfig {
    /// True: makes the offer (client). False: answers (therapist).
    pub offerer: bool,
    /// Relays; with `relay_only` at least one.
    pub relays: Vec<Relay>,
    /// Only relay candidates, both ways.
    pub relay_only: bool,
    /// SSRCs for audio, camera, screen, drawn by the caller: (media, rtx); rtx is 0 for audio.
    pub ssrcs: [(u32, u32); 3],
}

/// What happens on the transport.
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
    /// ICE lost the path; it may come back.
    Interrupted,
    /// The path is back.
    Recovered,
    /// It will not work; the transport is closed.
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
    /// Media goes by the relay.
    pub relayed: bool,
}

/// Unused until the transport is built.
pub type Placeholder = (Description, TrackId);
