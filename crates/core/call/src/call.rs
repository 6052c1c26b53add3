//! One authenticated session, from the waiting room to the end (PROTOCOL §5.1, §6.3, §8, §11).

#[cfg(feature = "cheat")]
mod cheat;
mod commit;
mod end;
pub(crate) mod files;
mod heal;
mod records;
mod rekey;

use sotto_frame_crypto::{DataMessage, DataOpener, DataSealer, EndProgress, MediaOpener, MediaSealer, SessionKeys};
use sotto_handshake::{Established, SessionWords, SigChannel};
use sotto_identity::{ComparedPeer, IdentityKey, PinnedPeer, PublicKey, Secret};
use sotto_session_api::{
    AlertCode, CompareReason, ContactId, EndReason, Event, Gate, KeyState, LinkState, Path, Pick, Severity,
};
use sotto_wire::{
    Candidate, CandidateKind, Cell, Description, Role, Setup, SigMessage, TrackId, VersionRange,
    record::{ChatMessage, ControlMessage, End, TrackEnd},
    server::{MailboxId, TurnCredentials},
    sig::Policy,
};

use crate::{
    compare::{self, Comparison, Pair, Picked},
    ctx::Ctx,
    ending::{self, END_WAIT_MS, Ending},
    io::{MediaRequest, ServerRequest, ServerUrl, Ticket, TransportId, TransportReport, TransportRequest},
};

#[cfg(feature = "cheat")]
pub use cheat::Said;
pub(crate) use commit::ContinuityWrite;
use commit::{Committing, Then};

const SRTP_PROFILE: &str = "SRTP_AEAD_AES_256_GCM";
const DTLS_CIPHER: &str = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
/// Any path, as a policy says it; a smaller number allows fewer.
const ICE_ALL: u8 = 2;
/// From ADMIT to bound: the transport has timers of its own, this one is the last resort.
const CONNECT_LIMIT_MS: u64 = 45_000;
const RELAY_WAIT_MS: u64 = 4_000;
/// A key frame is large: however often the peer asks, there is one in this time.
const KEYFRAME_PAUSE_MS: u64 = 300;
/// Between requests for a key frame on the control track.
const KEYFRAME_RECORD_PAUSE_MS: u64 = 10_000;
const HELD_CHAT_LIMIT: usize = 64 * 1024;
/// Empty ones count too.
const MOST_HELD_CHAT: usize = 256;
const MAX_TEXT: usize = 8 * 1024;

/// What this side holds about the contact when the session starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust {
    pub verified: bool,
    pub continuity_lost: bool,
    pub compare_on_change: bool,
    /// It goes on from a session that was interrupted a moment ago (PROTOCOL §8).
    pub resumed: bool,
}

/// Where the session runs.
#[derive(Clone)]
pub(crate) struct Place {
    pub server: ServerUrl,
    pub mailbox: MailboxId,
}

/// What the room has to do after a step.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The continuity secret is to be stored; then [`Call::stored`].
    Commit(Box<ContinuityWrite>),
    /// Both POLICYs are exchanged.
    Waiting,
    /// Both people compared, and it matched.
    Compared(ComparedPeer),
    /// It did not match; by what that was found.
    Mismatched(&'static str),
    /// It was interrupted: this key, for a while, lets the next one go on from it.
    Resumable(Secret<32>),
    /// The therapist puts the client back: a fresh handshake follows.
    PutBack,
    /// Over; the room forgets this call.
    Closed,
}

#[expect(clippy::large_enum_variant, reason = "one per call, and a comparison is what every session passes through")]
enum Stage {
    /// I has sent POLICY, R waits for it.
    AwaitPolicy {
        deadline_ms: u64,
    },
    Committing(Committing),
    Waiting,
    /// Admitted, but without relay credentials yet.
    AwaitRelay {
        deadline_ms: u64,
        held: Vec<SigMessage>,
    },
    Connecting(Connecting),
    /// DTLS is up; TRANSPORT_BIND is exchanged.
    Binding {
        data_open: bool,
        sent: bool,
        verified: bool,
        deadline_ms: u64,
    },
    /// Bound; neither side asks for a comparison, SAS_RESULT 2 is awaited.
    NotAsked {
        deadline_ms: u64,
    },
    Comparing(Comparison),
    Open,
    Ending(Ending),
    Closed,
}

struct Connecting {
    transport: Option<TransportId>,
    sent_description: bool,
    held: Vec<Candidate>,
    held_end: bool,
    /// When the initiator offers again after a failure.
    retry_ms: Option<u64>,
    deadline_ms: u64,
}

pub(crate) struct Call {
    role: Role,
    pub(crate) contact: u64,
    pub(crate) place: Place,
    owner: [u8; 16],
    peer: Peer,
    trust: Trust,
    relay_only: bool,
    allow_local_relay: bool,
    sig: SigChannel,
    words: SessionWords,
    /// What the next session is recognised by, and what this one was (PROTOCOL §4.7).
    next_continuity: Secret<32>,
    matched: Option<Secret<32>>,
    /// The versions that the peer speaks, and the one of this session.
    versions: (VersionRange, u8),
    /// By what the next session goes on from this one, if it is interrupted (PROTOCOL §8).
    resume_key: Option<Secret<32>>,
    bind: sotto_handshake::Binding,
    sealer: DataSealer,
    opener: DataOpener,
    /// Boxed: what is taken out of a field leaves its bytes there, and these are keys that the ratchet is to forget.
    media: Option<(Box<MediaSealer>, Box<MediaOpener>)>,
    rekey: rekey::Rekeying,
    peer_policy: Option<Policy>,
    credentials: Option<TurnCredentials>,
    fingerprints: [Option<[u8; 32]>; 2],
    transport: Option<TransportId>,
    admitted_ms: u64,
    path: heal::PathState,
    relayed: bool,
    is_mismatch: bool,
    /// Gate G2 was reached.
    was_open: bool,
    keyframe_next_ms: u64,
    keyframe_record_ms: u64,
    /// For the therapist's record alone.
    session_id: [u8; 16],
    /// How it ended, if the two were connected.
    ended: Option<(EndReason, bool)>,
    held_chat: Vec<(ChatMessage, u64)>,
    files: files::Files,
    sent_chat: Vec<(u64, std::sync::Arc<str>)>,
    effects: Vec<Effect>,
    stage: Stage,
    #[cfg(feature = "cheat")]
    cheat: Option<Box<cheat::Cheat>>,
}

/// The peer, whose key the handshake proved and the pin decision accepted.
pub(crate) type Peer = PinnedPeer;

pub(crate) struct CallConfig {
    pub role: Role,
    pub contact: u64,
    pub place: Place,
    /// What the mailbox is opened with on this side.
    pub owner: [u8; 16],
    pub own: IdentityKey,
    pub peer: Peer,
    pub trust: Trust,
    pub relay_only: bool,
    pub allow_local_relay: bool,
    /// From one rekey to the next.
    pub rekey_every_ms: u64,
}

impl Call {
    /// Takes the handshake's result over.
    pub(crate) fn new(config: CallConfig, established: Established) -> Self {
        let (next_continuity, matched) = (established.next_continuity(), established.matched().cloned());
        let (keys, rekey) = Self::first_epoch(&established, config.own, config.rekey_every_ms);
        let resume_key = Some(established.resume_key());
        let versions = (established.peer_versions(), established.version());
        let words = established.session_words();
        let session_id = established.session_id();
        let bind = established.binding();
        Self {
            role: config.role,
            contact: config.contact,
            place: config.place,
            owner: config.owner,
            peer: config.peer,
            trust: config.trust,
            relay_only: config.relay_only,
            allow_local_relay: config.allow_local_relay,
            words,
            next_continuity,
            matched,
            versions,
            resume_key,
            bind,
            sig: established.into_sig(),
            sealer: keys.data_sealer,
            opener: keys.data_opener,
            media: Some((Box::new(keys.media_sealer), Box::new(keys.media_opener))),
            rekey,
            peer_policy: None,
            credentials: None,
            fingerprints: [None; 2],
            transport: None,
            admitted_ms: 0,
            path: heal::PathState::default(),
            relayed: false,
            is_mismatch: false,
            was_open: false,
            keyframe_next_ms: 0,
            keyframe_record_ms: 0,
            session_id,
            ended: None,
            held_chat: Vec::new(),
            files: files::Files::default(),
            sent_chat: Vec::new(),
            effects: Vec::new(),
            stage: Stage::AwaitPolicy { deadline_ms: u64::MAX },
            #[cfg(feature = "cheat")]
            cheat: None,
        }
    }

    fn send(&mut self, ctx: &mut Ctx<'_>, message: &SigMessage) {
        for cell in self.sig.seal(message) {
            ctx.server(&self.place.server, ServerRequest::Send(self.place.mailbox, cell));
        }
    }

    fn send_policy(&mut self, ctx: &mut Ctx<'_>) {
        let held = match (self.trust.verified, self.trust.continuity_lost) {
            (_, true) => 2,
            (true, false) => 1,
            (false, false) => 0,
        };
        let policy = Policy {
            ice: if self.relay_only { 0 } else { ICE_ALL },
            compare: u8::from(self.trust.compare_on_change),
            caps: 0,
            held,
        };
        self.send(ctx, &SigMessage::Policy(policy));
    }

    /// A SIG or SYNC cell of this call's mailbox. True if it belonged to this session.
    pub(crate) fn cell(&mut self, ctx: &mut Ctx<'_>, cell: &Cell) -> bool {
        let received = match self.sig.receive(cell, ctx.now.mono_ms) {
            Ok(received) => received,
            Err(fault) => {
                if fault.is_fatal() && !self.is_bound() {
                    self.fail(ctx, fault.code());
                }
                return fault.is_fatal();
            }
        };
        if let Some(message) = received.message {
            self.message(ctx, message);
        }
        self.flush_sig(ctx);
        received.authentic
    }

    fn flush_sig(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(cell) = self.sig.poll(ctx.now.mono_ms) {
            ctx.server(&self.place.server, ServerRequest::Send(self.place.mailbox, cell));
        }
    }

    /// The rendezvous connection of either side came back: ask for what was lost.
    pub(crate) fn reconnected(&mut self, ctx: &mut Ctx<'_>) {
        self.sig.request_sync();
        self.flush_sig(ctx);
    }

    fn message(&mut self, ctx: &mut Ctx<'_>, message: SigMessage) {
        let is_bound = self.is_bound();
        let is_refused = matches!(&message, SigMessage::Candidate(candidate) if self.refuses(candidate));
        match (&mut self.stage, message) {
            (Stage::Closed | Stage::Ending(_), _) => {}
            (Stage::AwaitPolicy { .. }, SigMessage::Policy(policy)) => {
                self.peer_policy = Some(policy);
                self.commit(if self.role == Role::Initiator { Then::Wait } else { Then::AnswerPolicy });
            }
            (_, SigMessage::Name(_) | SigMessage::Card(_)) => {}
            (_, SigMessage::Restart(restart)) => self.restart_received(ctx, restart),
            (_, SigMessage::Bye) => self.left(ctx),
            (Stage::Waiting, SigMessage::Admit) if self.role == Role::Initiator => self.connect(ctx),
            (_, SigMessage::Deny) if self.role == Role::Initiator && !is_bound => {
                ctx.event(Event::Denied(ContactId(self.contact)));
                self.close(ctx, EndReason::Denied, true);
            }
            (_, SigMessage::PutBack) if self.role == Role::Initiator => {
                ctx.event(Event::PutBack(ContactId(self.contact)));
                self.effects.push(Effect::PutBack);
                self.drop_media(ctx);
            }
            (Stage::Committing(committing), message) => {
                if !committing.hold(message) {
                    self.fail(ctx, "E_SIG_ORDER");
                }
            }
            (Stage::AwaitRelay { held, .. }, message) if held.len() < 64 => held.push(message),
            (Stage::Connecting(_), SigMessage::Offer(offer)) if self.role == Role::Responder => {
                self.remote(ctx, offer, Setup::ActPass);
            }
            (Stage::Connecting(_), SigMessage::Answer(answer)) if self.role == Role::Initiator => {
                self.remote(ctx, answer, Setup::Active);
            }
            (Stage::Connecting(c), SigMessage::Candidate(candidate)) => {
                if candidate.attempt == self.path.attempt
                    && !is_refused
                    && let Some(id) = c.transport
                {
                    ctx.transport(id, TransportRequest::AddCandidate(candidate));
                }
            }
            (Stage::Connecting(c), SigMessage::CandidatesEnd(attempt)) => {
                if attempt == self.path.attempt
                    && let Some(id) = c.transport
                {
                    ctx.transport(id, TransportRequest::CandidatesEnd);
                }
            }
            // Candidates may trail the connection, or belong to a restart; everything else is out of order.
            (_, SigMessage::Candidate(candidate)) if is_bound => self.late_candidate(ctx, candidate),
            (_, SigMessage::Candidate(_) | SigMessage::CandidatesEnd(_)) if self.transport.is_some() => {}
            _ if is_bound => {}
            _ => self.fail(ctx, "E_SIG_ORDER"),
        }
    }

    /// Adds everything that a foreign cell or record must not change.
    pub(crate) fn digest(&self, into: &mut Vec<u8>) {
        let stage = match &self.stage {
            Stage::AwaitPolicy { .. } => 0,
            Stage::Committing(committing) => 16 + committing.digest(),
            Stage::Waiting => 1,
            Stage::AwaitRelay { .. } => 2,
            Stage::Connecting(_) => 3,
            Stage::Binding { .. } => 4,
            Stage::NotAsked { .. } => 5,
            Stage::Comparing(comparison) => 6 + u8::from(comparison.is_picked()),
            Stage::Open => 8,
            Stage::Ending(_) => 9,
            Stage::Closed => 10,
        };
        into.extend([stage, self.path.attempt]);
        into.extend(self.contact.to_be_bytes());
        into.extend(self.sig.state_digest());
        into.extend(self.opener.state_digest());
        self.rekey.digest(into);
        for track in self.sealer.view() {
            into.extend(track.next_ctr.to_be_bytes());
        }
    }

    pub(crate) fn owns(&self, id: TransportId) -> bool {
        self.transport == Some(id)
    }

    pub(crate) const fn is_initiator(&self) -> bool {
        matches!(self.role, Role::Initiator)
    }

    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting)
    }

    /// On the way to the waiting room, or in it.
    pub(crate) const fn is_before_admission(&self) -> bool {
        matches!(self.stage, Stage::AwaitPolicy { .. } | Stage::Committing(_) | Stage::Waiting)
    }

    /// ADMIT was given and the call is not over: the one place of a room is taken.
    pub(crate) const fn is_admitted(&self) -> bool {
        !matches!(self.stage, Stage::Closed) && !self.is_before_admission()
    }

    const fn is_bound(&self) -> bool {
        matches!(self.stage, Stage::NotAsked { .. } | Stage::Comparing(_) | Stage::Open | Stage::Ending(_))
    }

    pub(crate) const fn session_id(&self) -> [u8; 16] {
        self.session_id
    }

    /// How it ended; `None` if the two were never connected.
    pub(crate) const fn ended(&self) -> Option<(EndReason, bool)> {
        self.ended
    }

    pub(crate) const fn has_lost_continuity(&self) -> bool {
        self.trust.continuity_lost
    }

    pub(crate) const fn key_state(&self) -> KeyState {
        match (self.trust.verified, self.trust.continuity_lost) {
            (_, true) => KeyState::ContinuityLost,
            (true, false) => KeyState::Verified,
            (false, false) => KeyState::Unverified,
        }
    }

    pub(crate) fn admit(&mut self, ctx: &mut Ctx<'_>) {
        self.send(ctx, &SigMessage::Admit);
        self.connect(ctx);
    }

    pub(crate) fn deny(&mut self, ctx: &mut Ctx<'_>) {
        self.send(ctx, &SigMessage::Deny);
        ctx.event(Event::Denied(ContactId(self.contact)));
        self.drop_media(ctx);
    }

    pub(crate) fn put_back(&mut self, ctx: &mut Ctx<'_>) {
        self.send(ctx, &SigMessage::PutBack);
        ctx.event(Event::PutBack(ContactId(self.contact)));
        self.effects.push(Effect::PutBack);
        self.drop_media(ctx);
    }

    /// Admitted: only now may anything but the rendezvous server be contacted (PROTOCOL §5.1, order rule).
    fn connect(&mut self, ctx: &mut Ctx<'_>) {
        self.admitted_ms = ctx.now.mono_ms;
        ctx.event(Event::Admitted(ContactId(self.contact)));
        ctx.event(Event::Link { state: LinkState::Connecting, path: None, side: None });
        if self.credentials.is_none() {
            ctx.server(&self.place.server, ServerRequest::Turn(self.place.mailbox));
            self.stage = Stage::AwaitRelay { deadline_ms: ctx.after(RELAY_WAIT_MS), held: Vec::new() };
        } else {
            self.begin(ctx, 0, CONNECT_LIMIT_MS);
        }
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>, attempt: u8, limit_ms: u64) {
        let Some(relays) = self.credentials.clone() else { return };
        let id = ctx.new_transport();
        self.transport = Some(id);
        let mut ssrcs = [(0, 0); 3];
        let mut used = Vec::with_capacity(6);
        for (index, pair) in ssrcs.iter_mut().enumerate() {
            pair.0 = fresh_ssrc(ctx, &mut used);
            if index > 0 {
                pair.1 = fresh_ssrc(ctx, &mut used);
            }
        }
        let deadline_ms = ctx.after(limit_ms);
        self.path.attempt = attempt;
        ctx.transport(
            id,
            TransportRequest::Create {
                offerer: self.role == Role::Initiator,
                relays,
                relay_only: self.is_relay_only(),
                allow_local_relay: self.allow_local_relay,
                ssrcs,
            },
        );
        self.stage = Stage::Connecting(Connecting {
            transport: Some(id),
            sent_description: false,
            held: Vec::new(),
            held_end: false,
            retry_ms: None,
            deadline_ms,
        });
    }

    pub(crate) fn turn(&mut self, ctx: &mut Ctx<'_>, credentials: Option<TurnCredentials>) {
        let refused = credentials.is_none();
        if credentials.is_some() {
            self.credentials = credentials;
            self.path.fetched(ctx.now.mono_ms);
        }
        if let Stage::AwaitRelay { held, .. } = &mut self.stage {
            if refused {
                self.fail(ctx, "E_RELAY_LIMIT");
                return;
            }
            let held = core::mem::take(held);
            self.begin(ctx, 0, CONNECT_LIMIT_MS);
            for message in held {
                self.message(ctx, message);
            }
        } else if !refused {
            self.go_on_with_restart(ctx);
        }
    }

    fn remote(&mut self, ctx: &mut Ctx<'_>, description: Description, setup: Setup) {
        if description.setup != setup {
            self.fail(ctx, "E_SDP");
            return;
        }
        // A second offer before anything was sealed: the client tries again with a fresh transport.
        let again = self.fingerprints[self.role.peer().direction() as usize].is_some();
        if self.role == Role::Responder {
            let Stage::Connecting(c) = &self.stage else { return };
            let (attempt, missing) = (self.path.attempt, c.transport.is_none());
            if again || missing {
                if let Some(id) = c.transport {
                    ctx.transport(id, TransportRequest::Close);
                }
                self.begin(ctx, attempt.saturating_add(1), CONNECT_LIMIT_MS);
            }
        }
        self.fingerprints[self.role.peer().direction() as usize] = Some(description.fingerprint);
        if let Some(id) = self.transport {
            ctx.transport(id, TransportRequest::SetRemote(description));
        }
    }

    /// Something from the transport `id`; one that isn't the present one changes nothing.
    pub(crate) fn transport_report(&mut self, ctx: &mut Ctx<'_>, id: TransportId, report: TransportReport) {
        if self.transport != Some(id) || matches!(self.stage, Stage::Closed) {
            return;
        }
        match report {
            TransportReport::Description(mut description) => {
                description.setup = if self.role == Role::Initiator { Setup::ActPass } else { Setup::Active };
                self.fingerprints[self.role.direction() as usize] = Some(description.fingerprint);
                let message = if self.role == Role::Initiator {
                    SigMessage::Offer(description)
                } else {
                    SigMessage::Answer(description)
                };
                self.send(ctx, &message);
                if let Stage::Connecting(c) = &mut self.stage {
                    c.sent_description = true;
                    let (held, end) = (core::mem::take(&mut c.held), c.held_end);
                    for candidate in held {
                        self.send(ctx, &SigMessage::Candidate(candidate));
                    }
                    if end {
                        self.candidates_end(ctx);
                    }
                }
            }
            TransportReport::Candidate(mut candidate) => {
                if self.refuses(&candidate) {
                    return;
                }
                candidate.attempt = self.path.attempt;
                if self.is_bound() {
                    self.own_late_candidate(ctx, candidate);
                } else if let Stage::Connecting(c) = &mut self.stage {
                    if c.sent_description {
                        self.send(ctx, &SigMessage::Candidate(candidate));
                    } else if c.held.len() < 32 {
                        c.held.push(candidate);
                    }
                }
            }
            TransportReport::CandidatesEnd => {
                if let Stage::Connecting(c) = &mut self.stage {
                    if c.sent_description {
                        self.candidates_end(ctx);
                    } else {
                        c.held_end = true;
                    }
                }
            }
            TransportReport::Connected { remote_fingerprint, srtp_profile, dtls_cipher, relayed } => {
                let announced = self.fingerprints[self.role.peer().direction() as usize];
                if announced != Some(remote_fingerprint) && cfg!(not(sotto_broken = "fingerprint")) {
                    self.fail(ctx, "E_FP");
                    return;
                }
                if srtp_profile != SRTP_PROFILE || dtls_cipher != DTLS_CIPHER {
                    self.fail(ctx, "E_SRTP");
                    return;
                }
                self.relayed = relayed;
                if let Stage::Connecting(c) = &self.stage {
                    let deadline_ms = c.deadline_ms;
                    self.stage = Stage::Binding { data_open: false, sent: false, verified: false, deadline_ms };
                }
            }
            TransportReport::DataOpen => {
                if let Stage::Binding { data_open, .. } = &mut self.stage {
                    *data_open = true;
                    self.send_bind(ctx);
                }
            }
            TransportReport::Record(record) => self.record(ctx, &record),
            TransportReport::FileSent => self.file_sent(ctx),
            TransportReport::KeyframeRequest(track) => self.keyframe_asked(ctx, track),
            TransportReport::Interrupted => self.interrupted(ctx),
            TransportReport::Recovered { relayed } => self.recovered(ctx, relayed),
            TransportReport::Restarted(ice) => self.restarted(ctx, ice),
            // The next try comes by itself.
            TransportReport::RestartFailed(code) => ctx.notice(code, Severity::Warning),
            TransportReport::Failed(code) => self.transport_failed(ctx, id, code),
        }
    }

    fn candidates_end(&mut self, ctx: &mut Ctx<'_>) {
        if matches!(self.stage, Stage::Connecting(_)) {
            let attempt = self.path.attempt;
            self.send(ctx, &SigMessage::CandidatesEnd(attempt));
        }
    }

    fn transport_failed(&mut self, ctx: &mut Ctx<'_>, id: TransportId, code: &'static str) {
        ctx.transport(id, TransportRequest::Close);
        self.transport = None;
        let retryable = matches!(code, "E_NO_RELAY" | "E_RELAY_REFUSED" | "E_NO_PATH" | "E_DTLS");
        if let Stage::Connecting(c) = &mut self.stage
            && retryable
        {
            // Nothing was sealed yet, so a fresh transport may use these keys. The client offers again.
            c.transport = None;
            c.retry_ms = Some(ctx.after(1000 << self.path.attempt.min(4)));
            ctx.notice(code, Severity::Error);
            return;
        }
        if self.is_bound() {
            ctx.notice("interrupted", Severity::Error);
            self.close(ctx, EndReason::Interrupted, false);
        } else {
            self.fail(ctx, code);
        }
    }

    fn link_connected(&self, ctx: &mut Ctx<'_>) {
        let path = match (self.relayed, self.is_relay_only()) {
            (true, true) => Path::Relayed,
            (true, false) => Path::RelayedAddressesKnown,
            (false, _) => Path::Direct,
        };
        ctx.event(Event::Link { state: LinkState::Connected, path: Some(path), side: None });
    }
}

pub(crate) fn media_event(track: TrackId, direction: sotto_session_api::MediaDirection, muted: bool) -> Event {
    let track = match track {
        TrackId::Camera => sotto_session_api::MediaTrack::Camera,
        TrackId::Screen => sotto_session_api::MediaTrack::Screen,
        _ => sotto_session_api::MediaTrack::Audio,
    };
    Event::Media { track, direction, first_ms: None, codec: None, size: None, muted }
}

fn fresh_ssrc(ctx: &mut Ctx<'_>, used: &mut Vec<u32>) -> u32 {
    loop {
        let ssrc = (ctx.random_u64() >> 32) as u32;
        if ssrc != 0 && !used.contains(&ssrc) {
            used.push(ssrc);
            return ssrc;
        }
    }
}

/// Without control and bidi-override characters (PROTOCOL §8).
fn displayable(text: &str) -> String {
    text.chars()
        .filter(|c| (!c.is_control() || *c == '\n') && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'))
        .collect()
}
