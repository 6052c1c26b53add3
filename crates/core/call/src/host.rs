//! The therapist's side of first contact and of each later handshake (PROTOCOL §3, §4.5, §11).

use std::collections::{BTreeMap, VecDeque};

use sotto_handshake::{AwaitConfirm, AwaitHs3, Established, HandshakeFault, Params, Purpose, cpace, seen_hs1};
use sotto_identity::{
    IdentityKey, PublicKey, Secret,
    records::{ContactRecord, InviteRecord, InviteState, VerificationState},
};
use sotto_session_api::{AlertCode, ContactId, Event};
use sotto_wire::{Cell, CellType, VersionRange, server::MailboxId};

use crate::{
    addresses::Addresses,
    ctx::Ctx,
    io::{Change, Now, ServerRequest, ServerUrl, Ticket},
};

const HS3_WAIT_MS: u64 = 15_000;
const RUN_PAUSE_MS: u64 = 5_000;
const STRANGER_MS: u64 = 20_000;
const MAX_RUNS: u8 = 5;
const MAX_FAILED_RUNS: u8 = 3;
const MAX_INVITE_ATTEMPTS: u8 = 10;
/// The status in HS2 of an invite that was used, or withdrawn or burned (PROTOCOL §4.2).
pub(crate) const USED: u8 = 1;
pub(crate) const REVOKED: u8 = 2;
/// HS1 a minute and contact that are looked at (PROTOCOL §4.5).
const HS1_PER_MINUTE: usize = 20;
const SEEN: usize = 64;

/// What the host listens for.
pub(crate) enum Kind {
    /// A spoken code; the app must be open. Boxed, as the link is: what a variant leaves of the bytes of the longest
    /// holds whatever was on the stack.
    Code(Box<Code>),
    /// A link, also after its use until it expires.
    Link(Box<InviteRecord>),
    /// A pinned contact.
    Pinned { peer: PublicKey, psk: Secret<32>, floor: u8 },
}

pub(crate) struct Code {
    pub mailbox: MailboxId,
    pub secret: sotto_handshake::CodeSecret,
    pub label: String,
    pub expires_unix: u64,
    pub runs: u8,
    pub failed: u8,
    pub last_run_ms: Option<u64>,
    /// KICK if this passes without a PA1 or an HS1.
    pub stranger_ms: Option<u64>,
    /// What PA1 led to: key, prologue context, the client's announced range. Boxed, because it is taken out and the code
    /// stays.
    pub run: Option<Box<(Secret<32>, [u8; 32], VersionRange)>>,
    pub pake: Option<(Cell, Cell)>,
    pub used: bool,
    pub is_withdrawn: bool,
}

enum Pending {
    Hs3 {
        state: Box<AwaitHs3>,
        mailbox: MailboxId,
        deadline_ms: u64,
    },
    Confirm {
        state: Box<AwaitConfirm>,
        mailbox: MailboxId,
        deadline_ms: u64,
    },
    /// The contact is being made durable; ACK follows (PROTOCOL §4.5).
    Storing {
        ticket: Ticket,
        established: Box<Established>,
        mailbox: MailboxId,
        contact: Box<ContactRecord>,
        /// The invite was for this contact, which has another key.
        beside: Option<u64>,
    },
}

/// What the room has to do after a step.
pub(crate) enum HostEffect {
    /// A new contact was made durable and its ACK is due: a call starts in `mailbox`.
    Paired {
        contact: Box<ContactRecord>,
        established: Box<Established>,
        mailbox: MailboxId,
        /// The invite was for this contact, which has another key.
        beside: Option<u64>,
    },
    /// A pinned client proved its key: a call starts in `mailbox`.
    Met { established: Box<Established>, mailbox: MailboxId },
    /// The invite is over; the host can go.
    Gone,
}

pub(crate) struct Host {
    pub(crate) contact: u64,
    pub(crate) server: ServerUrl,
    pub(crate) kind: Kind,
    /// `None` for a spoken code, which has one mailbox of its own.
    pub(crate) addresses: Option<Addresses>,
    /// In a box of its own: a shorter variant has the stack of its maker in the rest of its bytes, and hosts live long.
    pending: Option<Box<Pending>>,
    seen: VecDeque<[u8; 64]>,
    recent: VecDeque<u64>,
    /// When an invite is over by the steady clock: its life by the wall clock when it was first looked at here. A wall
    /// clock that is set back afterwards does not make it longer (PROTOCOL §3.3).
    until_ms: Option<u64>,
}

/// The therapist's own key, lent for one step.
pub(crate) struct Own<'a> {
    pub key: &'a IdentityKey,
    /// Everybody who is known.
    pub contacts: &'a BTreeMap<u64, Box<ContactRecord>>,
}

impl Host {
    pub(crate) fn new(contact: u64, server: ServerUrl, kind: Kind, addresses: Option<Addresses>) -> Self {
        let seen = match &kind {
            Kind::Link(record) => record.seen_hs1.iter().copied().collect(),
            _ => VecDeque::new(),
        };
        Self { contact, server, kind, addresses, pending: None, seen, recent: VecDeque::new(), until_ms: None }
    }

    /// When an invite is over by the wall clock, as everybody was told; `None` if this is none that expires.
    const fn expires_unix(&self) -> Option<u64> {
        match &self.kind {
            Kind::Code(code) if code.used => None,
            Kind::Code(code) => Some(code.expires_unix),
            Kind::Link(record) => Some(record.expiry),
            Kind::Pinned { .. } => None,
        }
    }

    /// Whether an invite is over: by the wall clock or the steady one, whichever comes first.
    fn is_expired(&self, now: Now) -> bool {
        let is_late = |until_ms| now.mono_ms >= until_ms;
        self.expires_unix().is_some_and(|unix| now.unix >= unix || self.until_ms.is_some_and(is_late))
    }

    /// The end of an invite's life by the steady clock is fixed, once.
    fn fix_end(&mut self, now: Now) {
        if let (None, Some(unix)) = (self.until_ms, self.expires_unix()) {
            self.until_ms = Some(ms_until(now, unix));
        }
    }

    pub(crate) fn holds(&self, mailbox: MailboxId) -> bool {
        match (&self.kind, &self.addresses) {
            (Kind::Code(code), _) => code.mailbox == mailbox,
            (_, Some(addresses)) => addresses.holds(mailbox),
            (_, None) => false,
        }
    }

    fn reject(&self, ctx: &mut Ctx<'_>, mailbox: MailboxId) {
        let cell = Cell::reject(VersionRange::OURS.max, VersionRange::OURS.to_byte());
        ctx.server(&self.server, ServerRequest::Send(mailbox, cell));
    }

    pub(crate) fn peer_joined(&mut self, ctx: &mut Ctx<'_>) {
        if let Kind::Code(code) = &mut self.kind
            && !code.used
        {
            code.stranger_ms = Some(ctx.after(STRANGER_MS));
        }
    }

    pub(crate) fn peer_left(&mut self) {
        if let Kind::Code(code) = &mut self.kind {
            code.stranger_ms = None;
            code.pake = None;
        }
    }

    pub(crate) fn cell(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: &Own<'_>,
        mailbox: MailboxId,
        cell: &Cell,
    ) -> Vec<HostEffect> {
        if self.is_expired(ctx.now) {
            // The next look at it takes it away.
            return Vec::new();
        }
        match cell.cell_type() {
            Some(CellType::Pa1) => {
                self.pa1(ctx, mailbox, cell);
                Vec::new()
            }
            Some(CellType::Hs1) => {
                self.hs1(ctx, own, mailbox, cell);
                Vec::new()
            }
            Some(CellType::Hs3) => self.hs3(ctx, own, mailbox, cell),
            Some(CellType::Sig) => self.confirm(ctx, mailbox, cell),
            _ => Vec::new(),
        }
    }

    /// A run that has begun is not taken back by another PA1: it ends by HS3 or is counted. Else whoever knows the code
    /// could look at the words of HS2 as often as they like (PROTOCOL §3.2), and a replayed PA1 could keep the client out.
    fn pa1(&mut self, ctx: &mut Ctx<'_>, mailbox: MailboxId, cell: &Cell) {
        let Kind::Code(code) = &mut self.kind else { return };
        let run_is_open = self.pending.is_some();
        if code.used || run_is_open || is_paused(code.last_run_ms, ctx.now.mono_ms) {
            return;
        }
        let answer = match &code.pake {
            Some((first, answer)) if first == cell => answer.clone(),
            _ => {
                let Ok(run) = cpace::respond(cell, &code.secret, &mailbox.0, ctx.rng) else { return };
                code.run = Some(Box::new((run.psk0, run.context, run.versions)));
                code.pake = Some((cell.clone(), run.cell.clone()));
                code.stranger_ms = Some(ctx.after(STRANGER_MS));
                run.cell
            }
        };
        ctx.server(&self.server, ServerRequest::Send(mailbox, answer));
    }

    fn hs1(&mut self, ctx: &mut Ctx<'_>, own: &Own<'_>, mailbox: MailboxId, cell: &Cell) {
        let now = ctx.now.mono_ms;
        let hash = seen_hs1(cell);
        let is_seen = self.seen.contains(&hash) && !cfg!(sotto_broken = "seen");
        if is_seen || matches!(self.pending.as_deref(), Some(Pending::Storing { .. })) {
            return;
        }
        while self.recent.front().is_some_and(|at| now.saturating_sub(*at) > 60_000) {
            self.recent.pop_front();
        }
        let too_soon = self.recent.back().is_some_and(|at| now.saturating_sub(*at) < 1_000);
        if too_soon || self.recent.len() >= HS1_PER_MINUTE {
            return;
        }
        let is_begun = matches!(self.pending.as_deref(), Some(Pending::Hs3 { .. }));
        match &mut self.kind {
            Kind::Code(code) => {
                if code.used {
                    return;
                }
                let Some((psk0, context, announced)) = code.run.take().map(|run| *run) else { return };
                code.pake = None;
                let params =
                    Params::responder(Purpose::Code { context }, mailbox.0, psk0, cell).with_announced(announced);
                self.recent.push_back(now);
                match AwaitHs3::respond(params, own.key, cell, None, ctx.rng) {
                    Ok((state, answer)) => {
                        code.stranger_ms = None;
                        remember(&mut self.seen, hash);
                        ctx.server(&self.server, ServerRequest::Send(mailbox, answer));
                        self.pending = Some(Box::new(Pending::Hs3 {
                            state: Box::new(state),
                            mailbox,
                            deadline_ms: ctx.after(HS3_WAIT_MS),
                        }));
                    }
                    Err(_) => {
                        self.count_run(ctx, true);
                        self.reject(ctx, mailbox);
                    }
                }
            }
            Kind::Link(record) => {
                let status = match record.state {
                    InviteState::Consumed { confirmed: true, .. } => Some(USED),
                    InviteState::Burned => Some(REVOKED),
                    _ => None,
                };
                let purpose = Purpose::Invite { context: record.context };
                let mut params = Params::responder(purpose, mailbox.0, record.psk0.clone(), cell);
                if let Some(printed) = VersionRange::from_byte(record.versions) {
                    params = params.with_printed(printed);
                }
                // An HS1 that does not decrypt is ignored and never counted: else the server could burn invites.
                let Ok((state, answer)) = AwaitHs3::respond(params, own.key, cell, status, ctx.rng) else { return };
                self.recent.push_back(now);
                if record.state == InviteState::Burned {
                    remember(&mut self.seen, hash);
                    ctx.server(&self.server, ServerRequest::Send(mailbox, answer));
                    return;
                }
                remember(&mut self.seen, hash);
                if is_begun {
                    // The next one begins before the time of the one before is up.
                    let code = AlertCode::BrokenOff { n: record.attempts, of: MAX_INVITE_ATTEMPTS };
                    ctx.event(Event::Alert { contact: Some(ContactId(record.contact)), code });
                }
                record.attempts = record.attempts.saturating_add(1);
                if record.attempts <= MAX_INVITE_ATTEMPTS {
                    record.seen_hs1.push(hash);
                }
                if status.is_some() && !cfg!(sotto_broken = "used") {
                    // Whoever comes now is told that it is used, and gets no further: an HS3 would take the contact from
                    // its owner, or let a blocked one out of its block.
                    if record.attempts <= MAX_INVITE_ATTEMPTS {
                        ctx.store(Change::PutInvite(record.clone()));
                        let contact = Some(ContactId(record.contact));
                        ctx.event(Event::Alert { contact, code: AlertCode::SecondUse });
                    }
                    ctx.server(&self.server, ServerRequest::Send(mailbox, answer));
                    return;
                }
                // Also where it is used but not confirmed: each HS2 is a look at the words.
                let burned = record.attempts > MAX_INVITE_ATTEMPTS && !cfg!(sotto_broken = "looks");
                if burned {
                    record.state = InviteState::Burned;
                    ctx.event(Event::Alert { contact: Some(ContactId(record.contact)), code: AlertCode::Burned });
                }
                ctx.store(Change::PutInvite(record.clone()));
                if burned {
                    self.reject(ctx, mailbox);
                    return;
                }
                ctx.server(&self.server, ServerRequest::Send(mailbox, answer));
                self.pending = Some(Box::new(Pending::Hs3 {
                    state: Box::new(state),
                    mailbox,
                    deadline_ms: ctx.after(HS3_WAIT_MS),
                }));
            }
            Kind::Pinned { peer, psk, floor } => {
                if cell.version() < *floor {
                    return;
                }
                let params = Params::responder(Purpose::Pinned, mailbox.0, psk.clone(), cell).with_floor(*floor);
                self.recent.push_back(now);
                let Ok((state, answer)) = AwaitConfirm::respond(params, own.key, peer, cell, ctx.rng) else { return };
                remember(&mut self.seen, hash);
                ctx.server(&self.server, ServerRequest::Send(mailbox, answer));
                self.pending = Some(Box::new(Pending::Confirm {
                    state: Box::new(state),
                    mailbox,
                    deadline_ms: ctx.after(HS3_WAIT_MS),
                }));
            }
        }
    }

    /// A run of a spoken code that came to nothing (PROTOCOL §3.2).
    fn count_run(&mut self, ctx: &mut Ctx<'_>, undecryptable: bool) {
        let Kind::Code(code) = &mut self.kind else { return };
        if cfg!(sotto_broken = "runs") {
            return;
        }
        code.runs += 1;
        code.failed += u8::from(undecryptable);
        code.last_run_ms = Some(ctx.now.mono_ms);
        let contact = Some(ContactId(self.contact));
        let tried = if undecryptable {
            AlertCode::WrongCode { n: code.failed, of: MAX_FAILED_RUNS }
        } else {
            AlertCode::BrokenOff { n: code.runs, of: MAX_RUNS }
        };
        ctx.event(Event::Alert { contact, code: tried });
        if code.runs >= MAX_RUNS || code.failed >= MAX_FAILED_RUNS {
            code.used = true;
            ctx.event(Event::Alert { contact, code: AlertCode::Burned });
            ctx.server(&self.server, ServerRequest::Done(code.mailbox));
        }
    }

    /// A use of a link that came to nothing; it was counted when it began.
    fn tell_of_link(&self, ctx: &mut Ctx<'_>) {
        if let Kind::Link(record) = &self.kind {
            let code = AlertCode::BrokenOff { n: record.attempts, of: MAX_INVITE_ATTEMPTS };
            ctx.event(Event::Alert { contact: Some(ContactId(record.contact)), code });
        }
    }

    fn hs3(&mut self, ctx: &mut Ctx<'_>, own: &Own<'_>, from: MailboxId, cell: &Cell) -> Vec<HostEffect> {
        let (state, mailbox) = match self.pending.take().map(|pending| *pending) {
            Some(Pending::Hs3 { state, mailbox, .. }) if mailbox == from && state.header_fits(cell) => (state, mailbox),
            other => {
                self.pending = other.map(Box::new);
                return Vec::new();
            }
        };
        let established = match state.read(cell) {
            Ok(established) => established,
            Err(fault) => {
                self.failed_hs3(ctx, fault, mailbox);
                return Vec::new();
            }
        };
        let peer = established.peer();
        // Whoever is known by this key is the same contact again; where the invite was for somebody else who is known,
        // it is one beside them.
        let same = own.contacts.values().find(|known| known.peer_public == *peer.as_bytes());
        let invited_for = own.contacts.get(&self.contact);
        let beside = invited_for.filter(|known| known.peer_public != *peer.as_bytes()).map(|known| known.id);
        let id = match (same, beside) {
            (Some(known), _) => known.id,
            (None, Some(_)) => ctx.random_u64(),
            (None, None) => self.contact,
        };
        match &mut self.kind {
            Kind::Code(code) => {
                code.used = true;
                ctx.server(&self.server, ServerRequest::Done(mailbox));
            }
            Kind::Link(record) => match record.state {
                InviteState::Consumed { peer_public, confirmed }
                    if (confirmed && !cfg!(sotto_broken = "used")) || peer_public != *peer.as_bytes() =>
                {
                    ctx.event(Event::Alert { contact: Some(ContactId(record.contact)), code: AlertCode::SecondUse });
                    self.reject(ctx, mailbox);
                    return Vec::new();
                }
                _ => {
                    record.state = InviteState::Consumed { peer_public: *peer.as_bytes(), confirmed: false };
                    if id != record.contact {
                        ctx.store(Change::RemoveInvite(record.contact));
                        record.contact = id;
                    }
                    ctx.store(Change::PutInvite(record.clone()));
                }
            },
            Kind::Pinned { .. } => return Vec::new(),
        }
        let label = match &self.kind {
            Kind::Code(code) => code.label.clone(),
            Kind::Link(record) => record.label.clone(),
            Kind::Pinned { .. } => String::new(),
        };
        self.contact = id;
        let fresh = new_contact(id, label, None, &established, &self.server, ctx.now.unix, false);
        let contact = Box::new(match same {
            Some(known) => relinked(known, fresh),
            None => fresh,
        });
        let ticket = ctx.store(Change::PutContact(contact.clone()));
        self.pending =
            Some(Box::new(Pending::Storing { ticket, established: Box::new(established), mailbox, contact, beside }));
        Vec::new()
    }

    fn failed_hs3(&mut self, ctx: &mut Ctx<'_>, fault: HandshakeFault, mailbox: MailboxId) {
        self.count_run(ctx, false);
        self.tell_of_link(ctx);
        if fault.is_alarming() {
            ctx.notice(fault.code(), sotto_session_api::Severity::Error);
        }
        self.reject(ctx, mailbox);
    }

    fn confirm(&mut self, ctx: &mut Ctx<'_>, from: MailboxId, cell: &Cell) -> Vec<HostEffect> {
        let (state, mailbox) = match self.pending.take().map(|pending| *pending) {
            Some(Pending::Confirm { state, mailbox, .. }) if mailbox == from && state.header_fits(cell) => {
                (state, mailbox)
            }
            other => {
                self.pending = other.map(Box::new);
                return Vec::new();
            }
        };
        match state.read(cell) {
            Ok(established) => vec![HostEffect::Met { established: Box::new(established), mailbox }],
            Err(fault) => {
                if fault.is_alarming() {
                    ctx.notice(fault.code(), sotto_session_api::Severity::Error);
                }
                Vec::new()
            }
        }
    }

    pub(crate) fn stored(&mut self, ticket: Ticket) -> Option<HostEffect> {
        match self.pending.take().map(|pending| *pending) {
            Some(Pending::Storing { ticket: own, established, mailbox, contact, beside }) if own == ticket => {
                Some(HostEffect::Paired { contact, established, mailbox, beside })
            }
            other => {
                self.pending = other.map(Box::new);
                None
            }
        }
    }

    /// Withdraws an invite that nobody has used; whether it is one. Whoever uses a link later is told so.
    pub(crate) fn withdraw(&mut self, ctx: &mut Ctx<'_>) -> bool {
        match &mut self.kind {
            Kind::Code(code) if !code.used => {
                (code.used, code.is_withdrawn) = (true, true);
                ctx.server(&self.server, ServerRequest::Done(code.mailbox));
                ctx.server(&self.server, ServerRequest::Close(code.mailbox));
            }
            Kind::Link(record) if record.state == InviteState::Fresh => {
                record.state = InviteState::Burned;
                ctx.store(Change::PutInvite(record.clone()));
            }
            _ => return false,
        }
        self.pending = None;
        true
    }

    pub(crate) fn store_failed(&mut self, ticket: Ticket) {
        if matches!(self.pending.as_deref(), Some(Pending::Storing { ticket: own, .. }) if *own == ticket) {
            self.pending = None;
        }
    }

    pub(crate) fn tick(&mut self, ctx: &mut Ctx<'_>) -> Option<HostEffect> {
        let now = ctx.now.mono_ms;
        self.fix_end(ctx.now);
        let late = match self.pending.as_deref() {
            Some(Pending::Hs3 { deadline_ms, .. } | Pending::Confirm { deadline_ms, .. }) => now >= *deadline_ms,
            _ => false,
        };
        if late {
            if matches!(self.pending.as_deref(), Some(Pending::Hs3 { .. })) {
                self.count_run(ctx, false);
                self.tell_of_link(ctx);
            }
            self.pending = None;
        }
        if let Kind::Code(code) = &mut self.kind
            && code.stranger_ms.is_some_and(|at| now >= at)
            && self.pending.is_none()
        {
            code.stranger_ms = None;
            code.pake = None;
            code.run = None;
            ctx.server(&self.server, ServerRequest::Kick(code.mailbox));
        }
        // What is being made durable came in time.
        let is_storing = matches!(self.pending.as_deref(), Some(Pending::Storing { .. }));
        (self.is_expired(ctx.now) && !is_storing).then_some(HostEffect::Gone)
    }

    pub(crate) fn mailboxes(&self) -> Vec<[u8; 32]> {
        match (&self.kind, &self.addresses) {
            (Kind::Code(code), _) => vec![code.mailbox.0],
            (_, Some(addresses)) => addresses.mailboxes(),
            (_, None) => Vec::new(),
        }
    }

    /// Adds everything that a foreign cell must not change.
    pub(crate) fn digest(&self, into: &mut Vec<u8>) {
        into.push(match self.pending.as_deref() {
            None => 0,
            Some(Pending::Hs3 { .. }) => 1,
            Some(Pending::Confirm { .. }) => 2,
            Some(Pending::Storing { .. }) => 3,
        });
        match &self.kind {
            Kind::Code(code) => {
                into.extend([code.runs, code.failed, u8::from(code.used), u8::from(code.run.is_some())]);
            }
            Kind::Link(record) => into.extend([record.attempts, u8::from(record.state == InviteState::Fresh)]),
            Kind::Pinned { floor, .. } => into.push(*floor),
        }
        into.extend(self.seen.iter().flatten());
    }

    pub(crate) fn wake_at(&self, now: Now) -> Option<u64> {
        let pending = match self.pending.as_deref() {
            Some(Pending::Hs3 { deadline_ms, .. } | Pending::Confirm { deadline_ms, .. }) => Some(*deadline_ms),
            _ => None,
        };
        let stranger = match &self.kind {
            Kind::Code(code) => code.stranger_ms,
            _ => None,
        };
        let expiry = self.expires_unix().map(|unix| self.until_ms.unwrap_or(u64::MAX).min(ms_until(now, unix)));
        [pending, stranger, expiry].into_iter().flatten().min()
    }
}

/// This moment by the wall clock, by the steady one.
const fn ms_until(now: Now, unix: u64) -> u64 {
    now.mono_ms.saturating_add(unix.saturating_sub(now.unix).saturating_mul(1000))
}

fn remember(seen: &mut VecDeque<[u8; 64]>, hash: [u8; 64]) {
    if seen.len() == SEEN {
        seen.pop_front();
    }
    seen.push_back(hash);
}

fn is_paused(last_run_ms: Option<u64>, now_ms: u64) -> bool {
    last_run_ms.is_some_and(|at| now_ms.saturating_sub(at) < RUN_PAUSE_MS)
}

/// The record of a first contact.
pub(crate) fn new_contact(
    id: u64,
    label: String,
    own_secret: Option<Secret<32>>,
    established: &Established,
    server: &ServerUrl,
    unix: u64,
    pairing: bool,
) -> ContactRecord {
    let (psk, rendezvous_key) = established.contact_secrets();
    ContactRecord {
        id,
        label,
        own_secret,
        peer_public: *established.peer().as_bytes(),
        psk,
        rendezvous_key,
        continuity: None,
        continuity_previous: None,
        started: false,
        pairing,
        state: VerificationState::Unverified,
        compare_on_change: false,
        peer_versions: established.peer_versions().to_byte(),
        version_floor: established.version(),
        rendezvous: server.0.clone(),
        created: unix,
        verified_at: None,
    }
}

/// The record of a contact that has met again by a new invite, with the key that it had: new secrets, to be compared
/// again; what belongs to the person stays (PROTOCOL §6.4).
pub(crate) fn relinked(known: &ContactRecord, fresh: ContactRecord) -> ContactRecord {
    ContactRecord {
        id: known.id,
        label: known.label.clone(),
        created: known.created,
        verified_at: known.verified_at,
        ..fresh
    }
}
