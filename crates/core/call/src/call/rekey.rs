//! When keys move on, and what follows: the ratchet of our own media, and rekeys (PROTOCOL §7.7).
//!
//! The initiator starts a rekey; the responder asks for one that is late. Everything that a rekey sends and awaits goes
//! by the control track, which is ordered and reliable: an attempt fails by a message that can't be read, never by time.

use sotto_frame_crypto::keys::{DataSealKeys, EpochKeys, MediaSealKeys};
use sotto_handshake::{AwaitRk2, EpochRoot, RekeyProof, RekeyPsk, RekeyTerms};
use sotto_wire::record::{RK1_LEN, RK2_LEN, RekeyAttempt};

use super::*;

/// One ratchet step (PROTOCOL §7.7).
const STEP_MS: u64 = 30_000;
/// The last step.
const LAST_STEP: u8 = 15;
/// After the last step media pause; this much later the session ends.
const PAUSE_LIMIT_MS: u64 = 60_000;
/// Both sides have left the old epoch on every track this long after RK3.
const SETTLE_LIMIT_MS: u64 = 120_000;
/// How much later than the initiator's time the responder asks for a rekey, and asks again.
const ASK_AFTER_MS: u64 = 20_000;
const ASK_AGAIN_MS: u64 = 30_000;
/// A rekey that is asked for comes no sooner after the last one.
const SHORTEST_MS: u64 = 10_000;
/// From an attempt that failed to the next: three times, then longer.
const RETRY_MS: u64 = 10_000;
const LATER_RETRY_MS: u64 = 30_000;
const QUICK_RETRIES: u8 = 3;
/// More attempts at one epoch than an honest initiator can make in the life of its keys.
const MOST_ATTEMPTS: u8 = 40;
/// There is no epoch after it (PROTOCOL §7.5).
const LAST_EPOCH: u8 = u8::MAX;

/// Keys of the epoch that comes, as long as we do not send in it.
struct NextSealKeys {
    media: MediaSealKeys,
    data: DataSealKeys,
}

enum Progress {
    /// No rekey is under way.
    Stable,
    /// Initiator: RK1 is sent.
    Rk1Sent(Box<AwaitRk2>),
    /// Responder: RK2 is sent, the next epoch is accepted. Boxed: the next state would leave the proof's bytes.
    Rk2Sent(Box<Rk2Sent>),
}

struct Rk2Sent {
    /// Without keys we already send in the next epoch: its media overtook RK3.
    keys: Option<Box<NextSealKeys>>,
    psk: RekeyPsk,
    proof: RekeyProof,
}

/// Both sides move to the epoch that has begun.
#[derive(Clone, Copy)]
struct Settling {
    media_heard: bool,
    deadline_ms: u64,
}

pub(super) struct Rekeying {
    terms: RekeyTerms,
    every_ms: u64,
    /// Of the rekey to the next epoch.
    psk: RekeyPsk,
    /// The epoch that both sides have agreed on.
    epoch: u8,
    progress: Progress,
    settling: Option<Settling>,
    /// The newest attempt at the next epoch.
    attempt: u8,
    /// When the initiator begins, or the responder asks. Unset before the session is bound.
    due_ms: u64,
    begun_ms: u64,
    step: u8,
    is_paused: bool,
    /// The next step, the pause, or the end.
    step_ms: u64,
}

impl Rekeying {
    pub(super) const fn new(terms: RekeyTerms, psk: RekeyPsk, every_ms: u64) -> Self {
        Self {
            terms,
            every_ms,
            psk,
            epoch: 0,
            progress: Progress::Stable,
            settling: None,
            attempt: 0,
            due_ms: u64::MAX,
            begun_ms: 0,
            step: 0,
            is_paused: false,
            step_ms: u64::MAX,
        }
    }

    /// The own key.
    pub(super) const fn own(&self) -> &PublicKey {
        self.terms.own()
    }

    /// Keys are in use from now on: an epoch begins.
    const fn begin_epoch(&mut self, now_ms: u64, role: Role) {
        let late = if matches!(role, Role::Initiator) { 0 } else { ASK_AFTER_MS };
        self.begun_ms = now_ms;
        self.due_ms = now_ms.saturating_add(self.every_ms + late);
        self.step_ms = now_ms.saturating_add(STEP_MS);
        self.step = 0;
        self.is_paused = false;
    }

    const fn is_stable(&self) -> bool {
        matches!(self.progress, Progress::Stable) && self.settling.is_none()
    }

    pub(super) fn digest(&self, into: &mut Vec<u8>) {
        let progress = match &self.progress {
            Progress::Stable => 0,
            Progress::Rk1Sent(_) => 1,
            Progress::Rk2Sent(sent) => 2 + u8::from(sent.keys.is_none()),
        };
        into.extend([self.epoch, progress, self.attempt, u8::from(self.settling.is_some())]);
    }

    pub(super) fn wake_at(&self) -> Option<u64> {
        let due = if self.is_stable() { self.due_ms } else { u64::MAX };
        let settle = self.settling.map_or(u64::MAX, |settling| settling.deadline_ms);
        Some(self.step_ms.min(due).min(settle)).filter(|at| *at != u64::MAX)
    }
}

impl Call {
    /// The session is bound: keys are in use.
    pub(super) const fn start_key_clock(&mut self, ctx: &Ctx<'_>) {
        self.rekey.begin_epoch(ctx.now.mono_ms, self.role);
    }

    /// Keys have moved on as far as time asks for it.
    pub(super) fn move_keys(&mut self, ctx: &mut Ctx<'_>) {
        if !self.has_live_keys() {
            return;
        }
        let now = ctx.now.mono_ms;
        if self.rekey.settling.is_some_and(|settling| now >= settling.deadline_ms) {
            self.give_up_keys(ctx);
            return;
        }
        if now >= self.rekey.step_ms {
            if self.rekey.is_paused {
                self.give_up_keys(ctx);
                return;
            }
            ctx.media(MediaRequest::Ratchet);
            if self.rekey.step < LAST_STEP {
                self.rekey.step += 1;
                self.rekey.step_ms = now.saturating_add(STEP_MS);
            } else {
                self.rekey.is_paused = true;
                self.rekey.step_ms = now.saturating_add(PAUSE_LIMIT_MS);
                ctx.notice("keys-late", Severity::Warning);
            }
        }
        if self.rekey.is_stable() && now >= self.rekey.due_ms {
            if self.rekey.epoch == LAST_EPOCH {
                self.give_up_keys(ctx);
            } else if self.role == Role::Initiator {
                self.begin_rekey(ctx);
            } else {
                self.rekey.due_ms = now.saturating_add(ASK_AGAIN_MS);
                self.control(ctx, &ControlMessage::RkReq);
            }
        }
    }

    /// The session must not go on with these keys: an orderly end, with its reason.
    fn give_up_keys(&mut self, ctx: &mut Ctx<'_>) {
        ctx.notice("E_REKEY", Severity::Error);
        self.send_end(ctx, 3);
    }

    pub(super) const fn has_live_keys(&self) -> bool {
        matches!(self.stage, Stage::NotAsked { .. } | Stage::Comparing(_) | Stage::Open)
    }

    /// Tries at the next epoch, as the wire names them.
    const fn next_attempt(&self) -> RekeyAttempt {
        RekeyAttempt { epoch: self.rekey.epoch.saturating_add(1), attempt: self.rekey.attempt }
    }

    fn begin_rekey(&mut self, ctx: &mut Ctx<'_>) {
        self.rekey.attempt = self.rekey.attempt.saturating_add(1);
        let of = self.next_attempt();
        let (state, message) = AwaitRk2::start(&self.rekey.terms, of.epoch, &self.rekey.psk, ctx.rng);
        self.rekey.progress = Progress::Rk1Sent(Box::new(state));
        self.control(ctx, &ControlMessage::Rk1(of, message));
    }

    /// The initiator's attempt failed: another follows.
    fn retry_rekey(&mut self, ctx: &Ctx<'_>) {
        self.rekey.progress = Progress::Stable;
        let pause_ms = if self.rekey.attempt <= QUICK_RETRIES { RETRY_MS } else { LATER_RETRY_MS };
        self.rekey.due_ms = ctx.after(pause_ms);
    }

    /// A message of a rekey. One of another attempt is ignored; one that the sender's role never sends ends the session.
    pub(super) fn rekey_message(&mut self, ctx: &mut Ctx<'_>, message: ControlMessage) {
        if self.is_out_of_place(ctx) {
            return;
        }
        match (self.role, message) {
            (Role::Responder, ControlMessage::Rk1(of, message)) => self.rk1(ctx, of, &message),
            (Role::Initiator, ControlMessage::Rk2(of, body)) => self.rk2(ctx, of, &body),
            (Role::Responder, ControlMessage::Rk3(of, proof)) => self.rk3(ctx, of, &proof),
            (Role::Initiator, ControlMessage::RkReq) => {
                // After an attempt that failed, the next comes by itself, and no request shortens its pause.
                if self.rekey.is_stable() && self.rekey.attempt == 0 {
                    let soonest = self.rekey.begun_ms.saturating_add(SHORTEST_MS).max(ctx.now.mono_ms);
                    self.rekey.due_ms = self.rekey.due_ms.min(soonest);
                }
            }
            (_, ControlMessage::RkFail(of)) => self.rk_fail(ctx, of),
            _ => self.fail(ctx, "E_DATA_ORDER"),
        }
    }

    fn rk1(&mut self, ctx: &mut Ctx<'_>, of: RekeyAttempt, message: &[u8; RK1_LEN]) {
        let has_switched = matches!(&self.rekey.progress, Progress::Rk2Sent(sent) if sent.keys.is_none());
        if of.epoch != self.next_attempt().epoch || of.attempt <= self.rekey.attempt || has_switched {
            return;
        }
        if of.attempt > MOST_ATTEMPTS || self.rekey.epoch == LAST_EPOCH {
            self.give_up_keys(ctx);
            return;
        }
        self.rekey.attempt = of.attempt;
        if self.rekey.settling.is_some() {
            // A track of the peer, of data or of media, has not left the epoch before: it is tried again later.
            self.control(ctx, &ControlMessage::RkFail(of));
            return;
        }
        self.rekey.progress = Progress::Stable;
        let answer = self.rekey.terms.respond(of.epoch, &self.rekey.psk, message, ctx.rng);
        let Ok((body, root)) = answer else {
            self.control(ctx, &ControlMessage::RkFail(of));
            return;
        };
        let (root, psk, proof) = root.open(&self.rekey.terms);
        match self.admit_epoch(ctx, root, of.epoch) {
            Some(keys) => {
                let keys = Some(Box::new(keys));
                self.rekey.progress = Progress::Rk2Sent(Box::new(Rk2Sent { keys, psk, proof }));
                self.rekey.due_ms = ctx.after(self.rekey.every_ms.saturating_add(ASK_AFTER_MS));
                self.control(ctx, &ControlMessage::Rk2(of, body));
            }
            None => {
                self.control(ctx, &ControlMessage::RkFail(of));
            }
        }
    }

    /// Accepts the next epoch from the peer; gives the keys of our own direction.
    fn admit_epoch(&mut self, ctx: &mut Ctx<'_>, root: Secret<64>, epoch: u8) -> Option<NextSealKeys> {
        let keys = EpochKeys::derive(root, epoch, self.role);
        self.opener.admit_epoch(keys.data_open).ok()?;
        ctx.media(MediaRequest::AdmitEpoch(Box::new(keys.media_open)));
        Some(NextSealKeys { media: keys.media_seal, data: keys.data_seal })
    }

    fn rk2(&mut self, ctx: &mut Ctx<'_>, of: RekeyAttempt, body: &[u8; RK2_LEN]) {
        if of != self.next_attempt() || !matches!(self.rekey.progress, Progress::Rk1Sent(_)) {
            return;
        }
        let Progress::Rk1Sent(state) = core::mem::replace(&mut self.rekey.progress, Progress::Stable) else { return };
        let Ok(root) = state.read(&self.rekey.terms, body) else {
            self.retry_rekey(ctx);
            self.control(ctx, &ControlMessage::RkFail(of));
            return;
        };
        let (root, psk, proof) = root.open(&self.rekey.terms);
        let Some(keys) = self.admit_epoch(ctx, root, of.epoch) else {
            self.give_up_keys(ctx);
            return;
        };
        // The last control record of the old epoch.
        self.control(ctx, &ControlMessage::Rk3(of, proof.to_wire()));
        self.start_sending(ctx, keys);
        self.epoch_begun(ctx, psk, false);
    }

    fn rk3(&mut self, ctx: &mut Ctx<'_>, of: RekeyAttempt, proof: &[u8; 32]) {
        if of != self.next_attempt() {
            return;
        }
        match core::mem::replace(&mut self.rekey.progress, Progress::Stable) {
            Progress::Rk2Sent(sent) if sent.proof.is(proof) => {
                let Rk2Sent { keys, psk, .. } = *sent;
                let has_switched = keys.is_none();
                if let Some(keys) = keys {
                    self.start_sending(ctx, *keys);
                }
                self.epoch_begun(ctx, psk, has_switched);
            }
            _ => self.give_up_keys(ctx),
        }
    }

    fn rk_fail(&mut self, ctx: &mut Ctx<'_>, of: RekeyAttempt) {
        if of != self.next_attempt() {
            return;
        }
        match &self.rekey.progress {
            Progress::Rk1Sent(_) => self.retry_rekey(ctx),
            Progress::Rk2Sent(sent) if sent.keys.is_some() => {
                self.rekey.progress = Progress::Stable;
                // The initiator tries again by itself, at the latest then.
                self.rekey.due_ms = ctx.after(LATER_RETRY_MS + ASK_AFTER_MS);
            }
            Progress::Rk2Sent(_) => self.give_up_keys(ctx),
            Progress::Stable => {}
        }
    }

    /// We send in the new epoch from here on: its empty record opens it on every data track.
    fn start_sending(&mut self, ctx: &mut Ctx<'_>, keys: NextSealKeys) {
        ctx.media(MediaRequest::StartEpoch(Box::new(keys.media)));
        let Ok(records) = self.sealer.start_epoch(keys.data) else {
            self.fail(ctx, "E_INTERNAL");
            return;
        };
        if let Some(id) = self.transport {
            for record in records {
                ctx.transport(id, TransportRequest::Record(record));
            }
        }
        self.rekey.begin_epoch(ctx.now.mono_ms, self.role);
    }

    /// Both sides have the new epoch.
    fn epoch_begun(&mut self, ctx: &Ctx<'_>, psk: RekeyPsk, media_heard: bool) {
        self.rekey.psk = psk;
        self.rekey.epoch = self.rekey.epoch.saturating_add(1);
        self.rekey.attempt = 0;
        self.rekey.settling = Some(Settling { media_heard, deadline_ms: self.settle_deadline(ctx) });
        self.settle();
    }

    /// Until when both sides have to have left the old epoch: a lost path stops this clock, for what was sent meanwhile
    /// is repeated only after it is back, and after pauses that have grown. That can't put off the end for ever: without
    /// the next rekey media pause and the session ends (PROTOCOL §7.7).
    fn settle_deadline(&self, ctx: &Ctx<'_>) -> u64 {
        if self.path.is_lost() { u64::MAX } else { ctx.after(SETTLE_LIMIT_MS) }
    }

    /// The path was lost, or is back.
    pub(super) fn settle_anew(&mut self, ctx: &Ctx<'_>) {
        let deadline_ms = self.settle_deadline(ctx);
        if let Some(settling) = &mut self.rekey.settling {
            settling.deadline_ms = deadline_ms;
        }
    }

    /// After each record: has the peer left the old epoch everywhere?
    pub(super) fn settle(&mut self) {
        if self.rekey.settling.is_some_and(|settling| settling.media_heard) && self.opener.is_settled() {
            self.rekey.settling = None;
        }
    }

    /// The first authentic media packet of an epoch: it may overtake RK3, which goes by another stream.
    pub(crate) fn media_epoch(&mut self, ctx: &mut Ctx<'_>, epoch: u8) {
        if !self.has_live_keys() {
            return;
        }
        if epoch == self.rekey.epoch
            && let Some(settling) = &mut self.rekey.settling
        {
            settling.media_heard = true;
        } else if epoch == self.next_attempt().epoch
            && let Progress::Rk2Sent(sent) = &mut self.rekey.progress
            && let Some(keys) = sent.keys.take()
        {
            self.start_sending(ctx, *keys);
        }
        self.settle();
    }

    /// Keys of epoch 0, and what the first rekey needs.
    pub(super) fn first_epoch(established: &Established, own: IdentityKey, every_ms: u64) -> (SessionKeys, Rekeying) {
        let terms = RekeyTerms::new(established, own);
        let (root, psk, _) = EpochRoot::first(established).open(&terms);
        let keys = SessionKeys::new(root, &established.session_hash(), established.role());
        (keys, Rekeying::new(terms, psk, every_ms))
    }
}
