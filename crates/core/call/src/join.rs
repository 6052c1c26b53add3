//! The client's way into the waiting room (PROTOCOL §3, §4.5, §11).

use sotto_handshake::{
    AwaitHs2, AwaitKkHs2, CodeSecret, Established, HandshakeFault, InviteKeys, Params, Purpose, cpace,
};
use sotto_identity::{IdentityKey, PublicKey, Secret, records::ContactRecord};
use sotto_session_api::Severity;
use sotto_wire::{Cell, CellType, VersionRange, server::MailboxId};

use crate::{
    addresses::Addresses,
    ctx::Ctx,
    host::{REVOKED, new_contact},
    io::{Change, ServerRequest, ServerUrl, Ticket},
};

const ANSWER_WAIT_MS: u64 = 15_000;
/// A PA1 is repeated, byte for byte, while nothing answers it.
const PA1_REPEAT_MS: u64 = 6_000;
const TRIES: u8 = 3;
/// A pairing that was never acknowledged is tried at its own address first (PROTOCOL §4.5).
const PAIRING_WAIT_MS: u64 = 10_000;

/// By what the client joins.
pub(crate) enum By {
    Code { secret: CodeSecret, mailbox: Option<MailboxId>, present: bool, keys: Option<Box<(Secret<32>, [u8; 32])>> },
    Link { keys: InviteKeys, idhash: [u8; 20], versions: VersionRange, addresses: Addresses },
    Pinned { peer: PublicKey, psk: Secret<32>, version: u8, addresses: Addresses },
}

enum State {
    /// For the other side to be there, or for the server's answer.
    AwaitPeer,
    Pause {
        until_ms: u64,
    },
    Pa1Sent {
        run: Box<cpace::Initiator>,
        cell: Cell,
        mailbox: MailboxId,
        repeat_ms: u64,
        deadline_ms: u64,
    },
    Hs1Sent {
        state: Box<AwaitHs2>,
        mailbox: MailboxId,
        deadline_ms: u64,
        repeated: bool,
    },
    KkSent {
        state: Box<AwaitKkHs2>,
        mailbox: MailboxId,
        deadline_ms: u64,
        repeated: bool,
    },
    /// The pairing is being made durable before HS3 is sent.
    Pairing {
        ticket: Ticket,
        hs3: Cell,
        established: Box<Established>,
        mailbox: MailboxId,
    },
    AwaitAck {
        established: Box<Established>,
        mailbox: MailboxId,
        deadline_ms: u64,
    },
    /// The acknowledged contact is being made durable.
    Paired {
        ticket: Ticket,
        established: Box<Established>,
        mailbox: MailboxId,
    },
    Over,
}

/// What the room has to do after a step.
pub(crate) enum JoinEffect {
    /// The therapist's computer acknowledged: a call starts in `mailbox`.
    Met { established: Box<Established>, mailbox: MailboxId },
    /// It came to nothing; the sentence was said.
    Failed,
}

pub(crate) struct Join {
    pub(crate) contact: u64,
    pub(crate) server: ServerUrl,
    pub(crate) by: By,
    /// Tried after `By::Pinned` for a pairing that the therapist may not know.
    pub(crate) instead: Option<Box<By>>,
    instead_ms: Option<u64>,
    own: IdentityKey,
    /// The other side proves this key, or learns nothing of ours.
    expected: Option<PublicKey>,
    record: Option<Box<ContactRecord>>,
    label: String,
    tries: u8,
    state: State,
}

impl Join {
    pub(crate) fn new(
        contact: u64,
        server: ServerUrl,
        by: By,
        own: IdentityKey,
        record: Option<Box<ContactRecord>>,
    ) -> Self {
        Self {
            contact,
            server,
            by,
            instead: None,
            instead_ms: None,
            own,
            expected: None,
            record,
            label: String::new(),
            tries: 0,
            state: State::AwaitPeer,
        }
    }

    /// Goes on with nobody else.
    pub(crate) const fn only_with(mut self, peer: PublicKey) -> Self {
        self.expected = Some(peer);
        self
    }

    /// Tries the invite again if nothing answers at the contact's own address.
    pub(crate) fn or_else(mut self, ctx: &Ctx<'_>, by: By) -> Self {
        self.instead = Some(Box::new(by));
        self.instead_ms = Some(ctx.after(PAIRING_WAIT_MS));
        self
    }

    pub(crate) const fn own(&self) -> &IdentityKey {
        &self.own
    }

    pub(crate) fn take_record(&mut self) -> Option<Box<ContactRecord>> {
        self.record.take()
    }

    pub(crate) fn holds(&self, mailbox: MailboxId) -> bool {
        match &self.by {
            By::Code { mailbox: own, .. } => *own == Some(mailbox),
            By::Link { addresses, .. } | By::Pinned { addresses, .. } => addresses.holds(mailbox),
        }
    }

    pub(crate) const fn is_code(&self) -> bool {
        matches!(self.by, By::Code { .. })
    }

    pub(crate) fn forget(&mut self, mailbox: MailboxId) {
        if let By::Link { addresses, .. } | By::Pinned { addresses, .. } = &mut self.by {
            addresses.forget(mailbox);
        }
    }

    pub(crate) fn update(&mut self, ctx: &mut Ctx<'_>, server_unix: Option<u64>) {
        if let By::Link { addresses, .. } | By::Pinned { addresses, .. } = &mut self.by {
            addresses.update(ctx, server_unix, None);
        }
    }

    /// Leaves; `keep` is the mailbox that a call goes on to use.
    pub(crate) fn close(&mut self, ctx: &mut Ctx<'_>, keep: Option<MailboxId>) {
        match &mut self.by {
            By::Code { mailbox: Some(mailbox), .. } if keep != Some(*mailbox) => {
                ctx.server(&self.server, ServerRequest::Close(*mailbox));
            }
            By::Code { .. } => {}
            By::Link { addresses, .. } | By::Pinned { addresses, .. } => addresses.close(ctx, keep),
        }
        self.state = State::Over;
    }

    pub(crate) fn claimed(&mut self, ctx: &mut Ctx<'_>, claimed: MailboxId, owner: [u8; 16]) {
        if let By::Code { mailbox, .. } = &mut self.by {
            *mailbox = Some(claimed);
            ctx.server(&self.server, ServerRequest::Open { mailbox: claimed, side: 0, owner, slot: None });
        }
    }

    pub(crate) fn presence(&mut self, ctx: &mut Ctx<'_>, at: MailboxId, is_present: bool) {
        match &mut self.by {
            By::Code { present, mailbox, .. } if *mailbox == Some(at) => *present = is_present,
            By::Code { .. } => {}
            By::Link { addresses, .. } | By::Pinned { addresses, .. } => addresses.set_present(at, is_present),
        }
        if is_present && matches!(self.state, State::AwaitPeer) {
            self.begin(ctx);
        }
    }

    fn target(&self) -> Option<MailboxId> {
        match &self.by {
            By::Code { mailbox, present: true, .. } => *mailbox,
            By::Code { .. } => None,
            By::Link { addresses, .. } | By::Pinned { addresses, .. } => addresses.newest_present(),
        }
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        let Some(mailbox) = self.target() else {
            self.state = State::AwaitPeer;
            return;
        };
        match &self.by {
            By::Code { secret, .. } => {
                let (run, cell) = cpace::Initiator::start(secret, &mailbox.0, ctx.rng);
                ctx.server(&self.server, ServerRequest::Send(mailbox, cell.clone()));
                self.state = State::Pa1Sent {
                    run: Box::new(run),
                    cell,
                    mailbox,
                    repeat_ms: ctx.after(PA1_REPEAT_MS),
                    deadline_ms: ctx.after(2 * PA1_REPEAT_MS + 1_000),
                };
            }
            _ => self.send_hs1(ctx, mailbox, false),
        }
    }

    fn send_hs1(&mut self, ctx: &mut Ctx<'_>, mailbox: MailboxId, repeated: bool) {
        let deadline_ms = ctx.after(ANSWER_WAIT_MS);
        let (cell, state) = match &mut self.by {
            By::Code { keys, .. } => {
                let Some((psk0, context)) = keys.take().map(|keys| *keys) else { return };
                let params = Params::initiator(Purpose::Code { context }, mailbox.0, psk0, VersionRange::OURS.max);
                let (state, cell) = AwaitHs2::start(params, &self.own, None, ctx.rng);
                (cell, State::Hs1Sent { state: Box::new(state), mailbox, deadline_ms, repeated })
            }
            By::Link { keys, idhash, versions, .. } => {
                let version = VersionRange::OURS.max.min(versions.max);
                let purpose = Purpose::Invite { context: keys.context };
                let params = Params::initiator(purpose, mailbox.0, keys.psk0.clone(), version).with_printed(*versions);
                let (state, cell) = AwaitHs2::start(params, &self.own, Some(*idhash), ctx.rng);
                (cell, State::Hs1Sent { state: Box::new(state), mailbox, deadline_ms, repeated })
            }
            By::Pinned { peer, psk, version, .. } => {
                let params = Params::initiator(Purpose::Pinned, mailbox.0, psk.clone(), *version);
                let (state, cell) = AwaitKkHs2::start(params, &self.own, peer, ctx.rng);
                (cell, State::KkSent { state: Box::new(state), mailbox, deadline_ms, repeated })
            }
        };
        ctx.server(&self.server, ServerRequest::Send(mailbox, cell));
        self.state = state;
    }

    /// `resume`: the key of a session with this contact that was interrupted.
    pub(crate) fn cell(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: MailboxId,
        cell: &Cell,
        resume: Option<&Secret<32>>,
    ) -> Option<JoinEffect> {
        match cell.cell_type()? {
            CellType::Pa2 => self.pa2(ctx, from, cell),
            CellType::Hs2 => self.hs2(ctx, from, cell, resume),
            CellType::Sig => self.ack(ctx, from, cell),
            CellType::Reject => self.rejected(ctx, from),
            _ => None,
        }
    }

    fn pa2(&mut self, ctx: &mut Ctx<'_>, from: MailboxId, cell: &Cell) -> Option<JoinEffect> {
        let (run, mailbox) = match core::mem::replace(&mut self.state, State::AwaitPeer) {
            State::Pa1Sent { run, mailbox, .. } if mailbox == from && run.header_fits(cell) => (run, mailbox),
            other => {
                self.state = other;
                return None;
            }
        };
        match run.finish(cell) {
            Ok((psk0, context)) => {
                if let By::Code { keys, .. } = &mut self.by {
                    *keys = Some(Box::new((psk0, context)));
                }
                self.send_hs1(ctx, mailbox, false);
                None
            }
            Err(_) => self.try_again(ctx, "E_CODE_WRONG"),
        }
    }

    fn hs2(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: MailboxId,
        cell: &Cell,
        resume: Option<&Secret<32>>,
    ) -> Option<JoinEffect> {
        match core::mem::replace(&mut self.state, State::AwaitPeer) {
            State::Hs1Sent { state, mailbox, repeated, .. } if mailbox == from && state.header_fits(cell) => {
                match state.read(cell) {
                    Ok(read) if read.status() == Some(REVOKED) => self.give_up(ctx, "E_INVITE_BURNED"),
                    Ok(read) if read.status().is_some() => self.give_up(ctx, "E_INVITE_USED"),
                    Ok(read) => match read.finish() {
                        // Without HS3 the other side does not learn our key.
                        Ok((_, established)) if self.expected.is_some_and(|peer| peer != established.peer()) => {
                            self.give_up(ctx, "E_OTHER_PERSON")
                        }
                        Ok((hs3, established)) => {
                            let secret = Some(self.own.expose());
                            let contact = Box::new(new_contact(
                                self.contact,
                                self.label.clone(),
                                secret,
                                &established,
                                &self.server,
                                ctx.now.unix,
                                true,
                            ));
                            let ticket = ctx.store(Change::PutContact(contact.clone()));
                            self.record = Some(contact);
                            self.state = State::Pairing { ticket, hs3, established: Box::new(established), mailbox };
                            None
                        }
                        Err(fault) => self.faulted(ctx, fault, mailbox, repeated),
                    },
                    Err(fault) => self.faulted(ctx, fault, mailbox, repeated),
                }
            }
            State::KkSent { state, mailbox, repeated, .. } if mailbox == from && state.header_fits(cell) => {
                let held = self.record.as_deref().map_or([None, None], ContactRecord::held_continuity);
                match state.with_resume(resume).read(cell, held, ctx.rng) {
                    Ok((established, confirm)) => {
                        for cell in confirm {
                            ctx.server(&self.server, ServerRequest::Send(mailbox, cell));
                        }
                        self.state = State::AwaitAck {
                            established: Box::new(established),
                            mailbox,
                            deadline_ms: ctx.after(ANSWER_WAIT_MS),
                        };
                        None
                    }
                    Err(fault) => self.faulted(ctx, fault, mailbox, repeated),
                }
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// A failed HS2 is repeated once with fresh keys: it may answer an older HS1 (PROTOCOL, Appendix D).
    fn faulted(
        &mut self,
        ctx: &mut Ctx<'_>,
        fault: HandshakeFault,
        mailbox: MailboxId,
        repeated: bool,
    ) -> Option<JoinEffect> {
        if fault.is_alarming() {
            return self.give_up(ctx, fault.code());
        }
        if !repeated && !matches!(self.by, By::Code { .. }) {
            self.send_hs1(ctx, mailbox, true);
            return None;
        }
        let code = if matches!(self.by, By::Code { .. }) { "E_CODE_WRONG" } else { fault.code() };
        self.try_again(ctx, code)
    }

    fn ack(&mut self, ctx: &mut Ctx<'_>, from: MailboxId, cell: &Cell) -> Option<JoinEffect> {
        let State::AwaitAck { established, mailbox, .. } = &mut self.state else { return None };
        if *mailbox != from {
            return None;
        }
        match established.read_ack(cell, ctx.now.mono_ms) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(fault) => return self.give_up(ctx, fault.code()),
        }
        let State::AwaitAck { established, mailbox, .. } = core::mem::replace(&mut self.state, State::Over) else {
            return None;
        };
        match &mut self.record {
            Some(record) if record.pairing => {
                record.pairing = false;
                let ticket = ctx.store(Change::PutContact(record.clone()));
                self.state = State::Paired { ticket, established, mailbox };
                None
            }
            _ => {
                // The room has this contact, maybe newer.
                self.record = None;
                Some(JoinEffect::Met { established, mailbox })
            }
        }
    }

    pub(crate) fn stored(&mut self, ctx: &mut Ctx<'_>, ticket: Ticket) -> Option<JoinEffect> {
        match core::mem::replace(&mut self.state, State::Over) {
            State::Pairing { ticket: own, hs3, established, mailbox } if own == ticket => {
                ctx.server(&self.server, ServerRequest::Send(mailbox, hs3));
                self.state = State::AwaitAck { established, mailbox, deadline_ms: ctx.after(ANSWER_WAIT_MS) };
                None
            }
            State::Paired { ticket: own, established, mailbox } if own == ticket => {
                Some(JoinEffect::Met { established, mailbox })
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    pub(crate) fn store_failed(&mut self, ctx: &mut Ctx<'_>, ticket: Ticket) -> Option<JoinEffect> {
        match &self.state {
            State::Pairing { ticket: own, .. } | State::Paired { ticket: own, .. } if *own == ticket => {
                self.give_up(ctx, "E_STORE")
            }
            _ => None,
        }
    }

    /// REJECT is unauthenticated: it only ends a wait early.
    fn rejected(&mut self, ctx: &mut Ctx<'_>, from: MailboxId) -> Option<JoinEffect> {
        match &self.state {
            State::Pa1Sent { mailbox, .. } if *mailbox == from => self.try_again(ctx, "E_HS_TIMEOUT"),
            State::Hs1Sent { mailbox, .. } if *mailbox == from => match self.by {
                By::Code { .. } => self.give_up(ctx, "E_CODE_WRONG"),
                _ => self.try_again(ctx, "E_INVITE_BURNED"),
            },
            State::KkSent { mailbox, .. } | State::AwaitAck { mailbox, .. } if *mailbox == from => {
                self.try_again(ctx, "E_HS_TIMEOUT")
            }
            _ => None,
        }
    }

    fn give_up(&mut self, ctx: &mut Ctx<'_>, code: &'static str) -> Option<JoinEffect> {
        ctx.refuse(code);
        self.close(ctx, None);
        Some(JoinEffect::Failed)
    }

    fn try_again(&mut self, ctx: &mut Ctx<'_>, code: &'static str) -> Option<JoinEffect> {
        self.tries += 1;
        let is_code = matches!(self.by, By::Code { .. });
        if self.tries >= TRIES {
            if !matches!(self.by, By::Pinned { .. }) {
                return self.give_up(ctx, code);
            }
            // A pinned contact stays in front of the door: the therapist may come at any time.
            ctx.notice("E_HS_TIMEOUT", Severity::Warning);
            self.tries = TRIES - 1;
        }
        let pause = if is_code { 6_000 } else { 1_000 } << self.tries.min(3);
        self.state = State::Pause { until_ms: ctx.after(pause) };
        None
    }

    pub(crate) fn tick(&mut self, ctx: &mut Ctx<'_>) -> Option<JoinEffect> {
        let now = ctx.now.mono_ms;
        if self.instead_ms.is_some_and(|at| now >= at) && !matches!(self.state, State::AwaitAck { .. } | State::Over) {
            self.instead_ms = None;
            if let Some(by) = self.instead.take() {
                if let By::Pinned { addresses, .. } = &mut self.by {
                    addresses.close(ctx, None);
                }
                self.by = *by;
                self.tries = 0;
                self.state = State::AwaitPeer;
                self.update(ctx, None);
                return None;
            }
        }
        match &mut self.state {
            State::Pause { until_ms } if now >= *until_ms => {
                self.begin(ctx);
                None
            }
            State::Pa1Sent { deadline_ms, .. } if now >= *deadline_ms => self.try_again(ctx, "E_HS_TIMEOUT"),
            State::Pa1Sent { repeat_ms, cell, mailbox, .. } if now >= *repeat_ms => {
                *repeat_ms = now.saturating_add(PA1_REPEAT_MS);
                let (cell, mailbox) = (cell.clone(), *mailbox);
                ctx.server(&self.server, ServerRequest::Send(mailbox, cell));
                None
            }
            State::Hs1Sent { deadline_ms, .. }
            | State::KkSent { deadline_ms, .. }
            | State::AwaitAck { deadline_ms, .. }
                if now >= *deadline_ms =>
            {
                self.try_again(ctx, "E_HS_TIMEOUT")
            }
            _ => None,
        }
    }

    pub(crate) fn mailboxes(&self) -> Vec<[u8; 32]> {
        match &self.by {
            By::Code { mailbox, .. } => mailbox.iter().map(|mailbox| mailbox.0).collect(),
            By::Link { addresses, .. } | By::Pinned { addresses, .. } => addresses.mailboxes(),
        }
    }

    /// Adds everything that a foreign cell must not change.
    pub(crate) fn digest(&self, into: &mut Vec<u8>) {
        into.push(match &self.state {
            State::AwaitPeer => 0,
            State::Pause { .. } => 1,
            State::Pa1Sent { .. } => 2,
            State::Hs1Sent { .. } => 3,
            State::KkSent { .. } => 4,
            State::Pairing { .. } => 5,
            State::AwaitAck { .. } => 6,
            State::Paired { .. } => 7,
            State::Over => 8,
        });
        into.push(self.tries);
    }

    pub(crate) fn wake_at(&self) -> Option<u64> {
        let state = match &self.state {
            State::Pause { until_ms } => Some(*until_ms),
            State::Pa1Sent { repeat_ms, deadline_ms, .. } => Some(*repeat_ms.min(deadline_ms)),
            State::Hs1Sent { deadline_ms, .. }
            | State::KkSent { deadline_ms, .. }
            | State::AwaitAck { deadline_ms, .. } => Some(*deadline_ms),
            _ => None,
        };
        [state, self.instead_ms].into_iter().flatten().min()
    }
}
