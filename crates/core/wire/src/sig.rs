//! Messages inside SIG records and their fragments (PROTOCOL §5.1, Appendix D).

use core::net::IpAddr;

/// A SIG message, by `mtype`.
#[derive(Clone, PartialEq, Eq)]
pub enum SigMessage {
    /// `01`, I→R first in KK. TLV list, built and read by `sotto-handshake`.
    Confirm(Vec<u8>),
    /// `02`, R→I. TLV list, built and read by `sotto-handshake`.
    Ack(Vec<u8>),
    /// `03`
    Policy(Policy),
    /// `04`, by I.
    Offer(Description),
    /// `05`, by R.
    Answer(Description),
    /// `06`
    Candidate(Candidate),
    /// `07`: attempt number.
    CandidatesEnd(u8),
    /// `08`: display name, at most 64 bytes.
    Name(String),
    /// `09`
    Bye,
    /// `0A`
    Restart(Restart),
    /// `0B`, by R.
    Admit,
    /// `0C`, by R.
    Deny,
    /// `0D`, by R.
    PutBack,
    /// `0E`, by R, only in G2.
    Card(Card),
}

/// What a side asks for; the stricter value of each holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// 0 relay, 1 relay and server-reflexive, 2 all.
    pub ice: u8,
    /// 0 compare every session, 1 only on change.
    pub compare: u8,
    /// None defined yet; send 0.
    pub caps: u16,
    /// 0 unverified, 1 verified, 2 continuity lost.
    pub held: u8,
}

/// DTLS role offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Setup {
    /// In an offer.
    ActPass = 0,
    /// In an answer.
    Active = 1,
}

/// SSRCs of one m-line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackSsrc {
    /// Media.
    pub ssrc: u32,
    /// Retransmission; 0 for audio.
    pub rtx_ssrc: u32,
}

/// OFFER or ANSWER: only the fields of an SDP that vary.
#[derive(Clone, PartialEq, Eq)]
pub struct Description {
    /// SHA-256 of the DTLS certificate (RFC 8122).
    pub fingerprint: [u8; 32],
    /// DTLS role.
    pub setup: Setup,
    /// ICE user fragment, 4–255 ice-chars (RFC 8839 §5.4).
    pub ufrag: String,
    /// ICE password, 22–255 ice-chars.
    pub pwd: String,
    /// Audio, camera, screen in this order.
    pub tracks: [TrackSsrc; 3],
    /// Payload types spoken, from {111, 102, 103, 45, 46}; RTX 103 is mandatory.
    pub payload_types: Vec<u8>,
}

/// Kind of an ICE candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CandidateKind {
    /// An address of the computer.
    Host = 0,
    /// As a STUN server sees it.
    ServerReflexive = 1,
    /// On a TURN server.
    Relay = 2,
}

/// One ICE candidate, UDP, component 1, without related address.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidate {
    /// ICE attempt it belongs to.
    pub attempt: u8,
    /// Kind.
    pub kind: CandidateKind,
    /// RFC 8445 §5.1.2.
    pub priority: u32,
    /// 1–32 ice-chars.
    pub foundation: String,
    /// Address.
    pub ip: IpAddr,
    /// Port, not 0.
    pub port: u16,
}

/// User fragment and password of one attempt at ICE (RFC 8445 §5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// 4–255 ice-chars.
    pub ufrag: String,
    /// 22–255 ice-chars.
    pub pwd: String,
}

/// New ICE credentials for an attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct Restart {
    /// Attempt number.
    pub attempt: u8,
    /// The sender's credentials.
    pub ice: IceCredentials,
}

/// What the client's app shows when nobody is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Card {
    /// Sentence to show.
    pub sentence: String,
    /// Number to call when a session drops.
    pub phone: String,
    /// Who calls whom.
    pub caller: String,
}

/// The type alone: names, tags and addresses stay out of logs.
impl core::fmt::Debug for SigMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SigMessage({:#04x})", self.mtype())
    }
}

impl core::fmt::Debug for Description {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Description(…)")
    }
}

impl core::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Candidate(…)")
    }
}

impl core::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("IceCredentials(…)")
    }
}

impl core::fmt::Debug for Restart {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Restart(…)")
    }
}

impl core::fmt::Debug for Card {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Card(…)")
    }
}
