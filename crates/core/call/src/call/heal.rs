//! The path of the media: which may be taken, and a lost one and its way back, ICE restart by RESTART (PROTOCOL §5.2, §8, Appendix D).
//!
//! The initiator asks, with growing pauses; the responder answers. Both fetch fresh relay credentials first, because
//! the relay may be another one by now. Keys, counters and DTLS stay as they are.

use super::*;
use sotto_wire::sig::{IceCredentials, Restart};

/// How long a lost path may take to come back (PROTOCOL §8).
const HEAL_LIMIT_MS: u64 = 60_000;
/// How long fresh relay credentials are waited for; then the ones at hand are tried.
const CREDENTIALS_WAIT_MS: u64 = 1_500;
/// Credentials of one outage are used for its next tries too: a minute of it costs two of the sixteen an hour (§9.5).
const FRESH_MS: u64 = 25_000;
/// From one try to the next. Gathering alone may take 5 s.
const PAUSES_MS: [u64; 4] = [4_000, 6_000, 9_000, 13_000];
/// Candidates that are kept while credentials are waited for.
const MAX_HELD: usize = 32;

/// The attempt at ICE that candidates belong to, and what is under way.
#[derive(Default)]
pub(super) struct PathState {
    /// Counts offers and restarts.
    pub attempt: u8,
    lost: Option<Lost>,
    pending: Option<Pending>,
    /// Candidates of ours that came before our RESTART was sent.
    unannounced: Option<Vec<Candidate>>,
    /// The server closed our side of the mailbox: somebody with this device's secret came to it.
    is_shut: bool,
    /// When the server last gave credentials.
    fetched_ms: Option<u64>,
}

impl PathState {
    pub(super) const fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    pub(super) const fn fetched(&mut self, now_ms: u64) {
        self.fetched_ms = Some(now_ms);
    }

    /// Credentials at hand are so new that asking again would only use up what the server gives in an hour.
    fn is_fresh(&self, now_ms: u64) -> bool {
        self.fetched_ms.is_some_and(|at| now_ms.saturating_sub(at) < FRESH_MS)
    }

    /// The call is over: nothing is awaited any more.
    pub(super) fn give_up(&mut self) {
        (self.lost, self.pending, self.unannounced) = (None, None, None);
    }
}

struct Lost {
    deadline_ms: u64,
    /// Initiator: when the next restart begins.
    next_ms: u64,
    tries: usize,
}

/// A restart that waits for relay credentials.
struct Pending {
    /// The responder answers this one; the initiator asks by itself.
    peer: Option<IceCredentials>,
    held: Vec<Candidate>,
    deadline_ms: u64,
}

impl Call {
    /// The transport lost its path.
    pub(super) fn interrupted(&mut self, ctx: &mut Ctx<'_>) {
        if !self.is_bound() || matches!(self.stage, Stage::Ending(_)) || self.path.lost.is_some() {
            return;
        }
        let lost = Lost { deadline_ms: ctx.after(HEAL_LIMIT_MS), next_ms: ctx.now.mono_ms, tries: 0 };
        self.path.lost = Some(lost);
        self.settle_anew(ctx);
        ctx.event(Event::Link { state: LinkState::Reconnecting, path: None, side: None });
        ctx.notice("interrupted", Severity::Warning);
        self.open_mailbox_again(ctx);
        if self.role == Role::Responder && !self.path.is_fresh(ctx.now.mono_ms) {
            // For the answer: the relay may have to be another one.
            ctx.server(&self.place.server, ServerRequest::Turn(self.place.mailbox));
        }
        self.heal(ctx);
    }

    /// The server closed our side of the mailbox. While there is a path nothing is said there.
    pub(crate) const fn mailbox_closed(&mut self) {
        self.path.is_shut = true;
    }

    /// Takes the place in the mailbox back, for signalling that only this session's keys open.
    fn open_mailbox_again(&mut self, ctx: &mut Ctx<'_>) {
        if core::mem::take(&mut self.path.is_shut) {
            let (mailbox, side, owner) = (self.place.mailbox, self.role.direction(), self.owner);
            ctx.server(&self.place.server, ServerRequest::Open { mailbox, side, owner, slot: None });
        }
    }

    /// There is a path again, maybe another one: what is said of it is of this one.
    pub(super) fn recovered(&mut self, ctx: &mut Ctx<'_>, relayed: bool) {
        if self.path.lost.take().is_some() {
            self.relayed = relayed;
            self.settle_anew(ctx);
            self.link_connected(ctx);
        }
    }

    /// What time brings: the next try, credentials that did not come, or the end of patience.
    pub(super) fn heal(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono_ms;
        if self.path.lost.as_ref().is_some_and(|lost| now >= lost.deadline_ms) {
            self.close(ctx, EndReason::Interrupted, false);
            return;
        }
        if self.path.pending.as_ref().is_some_and(|pending| now >= pending.deadline_ms) {
            self.go_on_with_restart(ctx);
        }
        if self.role == Role::Initiator
            && self.path.pending.is_none()
            && let Some(lost) = &mut self.path.lost
            && now >= lost.next_ms
        {
            lost.next_ms = now.saturating_add(PAUSES_MS[lost.tries.min(PAUSES_MS.len() - 1)]);
            lost.tries += 1;
            self.open_mailbox_again(ctx);
            self.await_credentials(ctx, None);
        }
    }

    pub(super) fn heal_at(&self) -> Option<u64> {
        let pending = self.path.pending.as_ref().map(|pending| pending.deadline_ms);
        let lost = self.path.lost.as_ref().map(|lost| {
            if self.role == Role::Initiator && pending.is_none() {
                lost.next_ms.min(lost.deadline_ms)
            } else {
                lost.deadline_ms
            }
        });
        [pending, lost].into_iter().flatten().min()
    }

    fn await_credentials(&mut self, ctx: &mut Ctx<'_>, peer: Option<IceCredentials>) {
        self.path.pending = Some(Pending { peer, held: Vec::new(), deadline_ms: ctx.after(CREDENTIALS_WAIT_MS) });
        if self.path.is_fresh(ctx.now.mono_ms) {
            self.go_on_with_restart(ctx);
        } else {
            ctx.server(&self.place.server, ServerRequest::Turn(self.place.mailbox));
        }
    }

    /// Credentials came, or have been waited for long enough.
    pub(super) fn go_on_with_restart(&mut self, ctx: &mut Ctx<'_>) {
        let Some(pending) = self.path.pending.take() else { return };
        let (Some(relays), Some(id)) = (self.credentials.clone(), self.transport) else { return };
        self.path.unannounced = Some(Vec::new());
        match pending.peer {
            None => {
                let Some(attempt) = self.path.attempt.checked_add(1) else { return };
                self.path.attempt = attempt;
                ctx.transport(id, TransportRequest::Restart(relays));
            }
            Some(peer) => {
                ctx.transport(id, TransportRequest::AcceptRestart(relays, peer));
                for candidate in pending.held {
                    ctx.transport(id, TransportRequest::AddCandidate(candidate));
                }
            }
        }
    }

    /// RESTART came. Only an authenticated peer can send it; an old or unexpected one changes nothing.
    pub(super) fn restart_received(&mut self, ctx: &mut Ctx<'_>, restart: Restart) {
        if !self.is_bound() || matches!(self.stage, Stage::Ending(_)) {
            return;
        }
        match self.role {
            Role::Initiator => {
                if restart.attempt == self.path.attempt
                    && self.path.lost.is_some()
                    && let Some(id) = self.transport
                {
                    ctx.transport(id, TransportRequest::FinishRestart(restart.ice));
                }
            }
            Role::Responder => {
                if restart.attempt > self.path.attempt {
                    self.path.attempt = restart.attempt;
                    self.await_credentials(ctx, Some(restart.ice));
                }
            }
        }
    }

    /// Our credentials of the restart are there.
    pub(super) fn restarted(&mut self, ctx: &mut Ctx<'_>, ice: IceCredentials) {
        if self.is_bound() {
            let attempt = self.path.attempt;
            self.send(ctx, &SigMessage::Restart(Restart { attempt, ice }));
            for candidate in self.path.unannounced.take().unwrap_or_default() {
                self.send(ctx, &SigMessage::Candidate(candidate));
            }
        }
    }

    /// A direct connection tells the other side where this computer is. So it is for two who both allow it, and never for
    /// somebody whose words are still to be compared (PROTOCOL §5.2, §6.3).
    pub(super) fn is_relay_only(&self) -> bool {
        let both_allow = !self.relay_only && self.peer_policy.is_some_and(|peer| peer.ice == ICE_ALL);
        !both_allow || !self.is_compared_before()
    }

    /// Neither said nor taken.
    pub(super) fn refuses(&self, candidate: &Candidate) -> bool {
        candidate.kind != CandidateKind::Relay && self.is_relay_only()
    }

    /// A candidate of ours, found by a restart.
    pub(super) fn own_late_candidate(&mut self, ctx: &mut Ctx<'_>, candidate: Candidate) {
        match &mut self.path.unannounced {
            Some(held) if held.len() < MAX_HELD => held.push(candidate),
            Some(_) => {}
            None => self.send(ctx, &SigMessage::Candidate(candidate)),
        }
    }

    /// A candidate of the peer while bound: it belongs to the present attempt, or to none.
    pub(super) fn late_candidate(&mut self, ctx: &mut Ctx<'_>, candidate: Candidate) {
        if candidate.attempt != self.path.attempt || self.refuses(&candidate) {
            return;
        }
        if let Some(pending) = self.path.pending.as_mut().filter(|pending| pending.peer.is_some()) {
            if pending.held.len() < MAX_HELD {
                pending.held.push(candidate);
            }
        } else if let Some(id) = self.transport {
            ctx.transport(id, TransportRequest::AddCandidate(candidate));
        }
    }
}
