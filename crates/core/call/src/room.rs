//! The room: contacts, who listens where, who waits, and at most one admitted session.

#[cfg(feature = "cheat")]
mod cheat;
mod clock;
mod outcomes;
mod record;
mod relink;
mod resume;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::CryptoRng;
use sotto_handshake::{Established, address};
use sotto_identity::{
    ComparedPeer, IdentityKey, PinDecision, Secret, check_pin, derive,
    records::{ContactRecord, InviteRecord, InviteState, VerificationState},
};
use sotto_session_api::{AlertCode, ContactId, Event, ProfileRole, Severity};
use sotto_wire::{
    Cell, CellType, Role, VersionRange,
    server::{ErrorCode, MailboxId, PeerEvent},
};

use crate::{
    addresses::{Addresses, CLOCK_TOLERANCE_S, LOOK_EVERY_MS},
    call::{Call, CallConfig, ContinuityWrite, Effect, Place, Trust},
    ctx::{Counters, Ctx},
    host::{Host, HostEffect, Kind, Own},
    io::{Change, FileReport, FileRequest, Input, Now, Output, ServerReport, ServerRequest, ServerUrl, Ticket},
    join::{Join, JoinEffect},
    room::{clock::ServerClock, resume::Resumables},
};

/// An HS1 of a pinned client never replaces a session that was heard this recently (PROTOCOL §4.5).
const HEARD_MS: u64 = 5_000;
/// A pairing that never completed goes after a day (PROTOCOL §4.5).
const PAIRING_LIFE_S: u64 = 24 * 3600;

/// What a room starts with.
pub struct Config {
    /// Whose profile it is.
    pub role: ProfileRole,
    /// The therapist's identity key; `None` for a client, who has one per contact.
    pub identity: Option<IdentityKey>,
    /// Random per vault; owner tags come from it.
    pub device_secret: Secret<32>,
    /// Stored contacts.
    pub contacts: Vec<ContactRecord>,
    /// Stored invites.
    pub invites: Vec<InviteRecord>,
    /// Server for new invites and for codes that name none.
    pub rendezvous: Option<ServerUrl>,
    /// Media only by relay, both ways.
    pub relay_only: bool,
    /// From one rekey of a session to the next, s (PROTOCOL §7.7).
    pub rekey_every_s: u32,
}

/// The longest time from one rekey to the next, s (PROTOCOL §7.7).
pub const REKEY_EVERY_S: u32 = 180;

/// Many waiting calls, at most one admitted; speaks [`sotto_session_api`] upwards.
pub struct Room {
    pub(crate) role: ProfileRole,
    pub(crate) identity: Option<IdentityKey>,
    pub(crate) device: Secret<32>,
    pub(crate) rendezvous: Option<ServerUrl>,
    pub(crate) relay_only: bool,
    rekey_every_ms: u64,
    /// Boxed: a tree keeps what was taken out of it.
    pub(crate) contacts: BTreeMap<u64, Box<ContactRecord>>,
    /// Boxed: a slot that something was moved out of keeps what it held.
    #[expect(clippy::vec_box, reason = "a shift in the vector would leave copies of keys behind")]
    pub(crate) hosts: Vec<Box<Host>>,
    /// Codes whose nameplate is asked for, in order: contact, label, minutes that they are good for.
    pub(crate) allocating: VecDeque<(u64, String, u32)>,
    /// Boxed too: what is taken out of a field leaves its bytes there, and these are the words of a code, a link's key and
    /// the own key.
    pub(crate) join: Option<Box<Join>>,
    /// Boxed for the same reason.
    pub(crate) calls: BTreeMap<u64, Box<Call>>,
    pub(crate) away: BTreeSet<u64>,
    /// Servers that are connected, with their clock where it is believed.
    pub(crate) online: BTreeMap<ServerUrl, Option<ServerClock>>,
    /// The latest time that each server ever told, Unix seconds.
    latest: BTreeMap<ServerUrl, u64>,
    /// Events that wait for a durable write.
    pub(crate) announce: Vec<(Ticket, Event)>,
    pub(crate) audio_muted: bool,
    pub(crate) camera_muted: bool,
    /// Alerts of the last minute that are in the record: contact, which, Unix seconds.
    logged: Vec<(u64, &'static str, u64)>,
    /// Sessions that were interrupted a moment ago, by contact.
    pub(crate) resumable: Resumables,
    /// Whose media were authentic last, and when (`mono_ms`).
    heard: Option<(u64, u64)>,
    look_ms: u64,
    out: VecDeque<Output>,
    counters: Counters,
}

impl Room {
    /// A room at rest. The first [`Input::Tick`] drops what has expired.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let mut room = Self {
            role: config.role,
            identity: config.identity,
            device: config.device_secret,
            rendezvous: config.rendezvous,
            relay_only: config.relay_only,
            rekey_every_ms: u64::from(config.rekey_every_s.clamp(1, REKEY_EVERY_S)) * 1000,
            contacts: config.contacts.into_iter().map(|contact| (contact.id, Box::new(contact))).collect(),
            hosts: Vec::new(),
            allocating: VecDeque::new(),
            join: None,
            calls: BTreeMap::new(),
            away: BTreeSet::new(),
            online: BTreeMap::new(),
            latest: BTreeMap::new(),
            announce: Vec::new(),
            audio_muted: false,
            camera_muted: false,
            logged: Vec::new(),
            resumable: Resumables::default(),
            heard: None,
            look_ms: 0,
            out: VecDeque::new(),
            counters: Counters::default(),
        };
        for record in config.invites {
            if let Some(server) = room.rendezvous.clone() {
                let addresses = room.addresses(&server, record.rendezvous_key.clone(), Role::Responder);
                room.hosts.push(Box::new(Host::new(
                    record.contact,
                    server,
                    Kind::Link(Box::new(record)),
                    Some(addresses),
                )));
            }
        }
        room
    }

    pub(crate) fn addresses(&self, server: &ServerUrl, key: Secret<32>, role: Role) -> Addresses {
        Addresses::new(server.clone(), key, role, self.device.clone())
    }

    /// One mutation; then drain [`Room::poll`].
    pub fn handle(&mut self, now: Now, input: Input, rng: &mut dyn CryptoRng) {
        let mut out = core::mem::take(&mut self.out);
        let told_before = out.len();
        let mut counters = core::mem::take(&mut self.counters);
        let mut ctx = Ctx { now, rng, out: &mut out, counters: &mut counters };
        match input {
            Input::Command(command) => self.command(&mut ctx, command),
            Input::Server(server, report) => self.server(&mut ctx, &server, report),
            Input::Stored(ticket) => self.stored(&mut ctx, ticket),
            Input::StoreFailed(ticket) => self.store_failed(&mut ctx, ticket),
            Input::Transport(id, report) => {
                // Each call knows its own transport; a stale id matches none.
                let mut report = Some(report);
                for call in self.calls.values_mut() {
                    if call.owns(id)
                        && let Some(report) = report.take()
                    {
                        call.transport_report(&mut ctx, id, report);
                    }
                }
            }
            Input::File(report) => match (self.admitted_call(), report) {
                (Some(call), report) => call.file_report(&mut ctx, report),
                (None, FileReport::Ready(offer)) => {
                    ctx.refuse("E_NO_SESSION");
                    ctx.file(FileRequest::Drop(offer.id));
                }
                // Of a session that is over.
                (None, _) => {}
            },
            Input::NeedKeyframe(track) => {
                if let Some(call) = self.admitted_call() {
                    call.need_keyframe(&mut ctx, track);
                }
            }
            Input::MediaEpoch(epoch) => {
                if let Some(call) = self.admitted_call() {
                    call.media_epoch(&mut ctx, epoch);
                }
            }
            Input::MediaHeard => self.heard_now(now.mono_ms),
            Input::Tick => {}
        }
        self.tick(&mut ctx);
        self.effects(&mut ctx);
        self.log_events(&mut ctx, told_before);
        self.out = out;
        self.counters = counters;
    }

    /// What is to be done, in order.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.out.pop_front();
        if self.out.is_empty() {
            // Its slots keep the bytes of what was in them, and of the stack that it came from: they are given back.
            self.out = VecDeque::new();
        }
        output
    }

    /// When to call [`Room::handle`] with a tick at the latest, `mono_ms`.
    #[must_use]
    pub fn wake_at(&self, now: Now) -> u64 {
        self.hosts
            .iter()
            .filter_map(|host| host.wake_at(now))
            .chain(self.join.iter().filter_map(|join| join.wake_at()))
            .chain(self.calls.values().filter_map(|call| call.wake_at()))
            .chain([self.look_ms])
            .min()
            .unwrap_or(self.look_ms)
    }

    /// Nothing runs: no session, no way into one.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.join.is_none() && !self.calls.values().any(|c| c.is_admitted() || self.role == ProfileRole::Client)
    }

    /// Mailboxes in use, for tests that speak as the server does.
    #[doc(hidden)]
    #[must_use]
    pub fn open_mailboxes(&self) -> Vec<[u8; 32]> {
        let calls = self.calls.values().map(|call| call.place.mailbox.0);
        calls
            .chain(self.hosts.iter().flat_map(|host| host.mailboxes()))
            .chain(self.join.iter().flat_map(|join| join.mailboxes()))
            .collect()
    }

    /// Digest of all state that cells and records can reach, for tests that look whether something changed. Holds no key.
    #[doc(hidden)]
    #[must_use]
    pub fn state_digest(&self) -> [u8; 64] {
        let mut state = Vec::new();
        for call in self.calls.values() {
            call.digest(&mut state);
        }
        for host in &self.hosts {
            host.digest(&mut state);
        }
        if let Some(join) = &self.join {
            join.digest(&mut state);
        }
        state.extend(self.contacts.values().flat_map(|contact| contact.id.to_be_bytes()));
        derive::hash("room state", &[&state])
    }

    pub(crate) fn admitted_call(&mut self) -> Option<&mut Call> {
        self.calls.values_mut().map(|call| &mut **call).find(|call| call.is_admitted())
    }

    /// The time by a server's clock, where it is known and believed.
    pub(crate) fn server_unix(&self, now: Now, server: &ServerUrl) -> Option<u64> {
        self.online.get(server).copied().flatten().map(|clock| clock.at(now))
    }

    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now;
        self.resumable.expire(now);
        for call in self.calls.values_mut() {
            call.tick(ctx);
        }
        if let Some(join) = &mut self.join
            && join.tick(ctx).is_some()
        {
            self.join_failed(ctx);
        }
        let mut gone = Vec::new();
        for (index, host) in self.hosts.iter_mut().enumerate() {
            if host.tick(ctx).is_some() {
                gone.push(index);
            }
        }
        for index in gone.into_iter().rev() {
            let mut host = self.hosts.remove(index);
            let keep = self.calls.get(&host.contact).map(|call| call.place.mailbox);
            match (&mut host.addresses, &host.kind) {
                (Some(addresses), _) => addresses.close(ctx, keep),
                (None, Kind::Code(code)) if keep != Some(code.mailbox) => {
                    ctx.server(&host.server, ServerRequest::Close(code.mailbox));
                }
                _ => {}
            }
            if let Kind::Link(record) = &host.kind {
                ctx.store(Change::RemoveInvite(record.contact));
            }
        }
        if now.mono_ms >= self.look_ms {
            self.look(ctx);
        }
    }

    /// Opens the mailboxes of the hour and lets go of what has expired.
    pub(crate) fn look(&mut self, ctx: &mut Ctx<'_>) {
        self.look_ms = ctx.after(LOOK_EVERY_MS);
        let clocks: BTreeMap<ServerUrl, Option<u64>> =
            self.online.keys().map(|server| (server.clone(), self.server_unix(ctx.now, server))).collect();
        let clock = |server: &ServerUrl| clocks.get(server).copied().flatten();
        for host in &mut self.hosts {
            let keep = self.calls.get(&host.contact).map(|call| call.place.mailbox);
            if let Some(addresses) = &mut host.addresses {
                addresses.update(ctx, clock(&host.server), keep);
            }
        }
        if let Some(join) = &mut self.join {
            let unix = clock(&join.server);
            join.update(ctx, unix);
        }
        if self.role == ProfileRole::Client && self.join.is_none() && self.calls.is_empty() {
            self.merge_leftovers(ctx);
        }
        let old: Vec<u64> = self
            .contacts
            .values()
            .filter(|c| c.pairing && ctx.now.unix.saturating_sub(c.created) > PAIRING_LIFE_S)
            .filter(|c| self.join.as_ref().is_none_or(|join| join.contact != c.id))
            .map(|c| c.id)
            .collect();
        for id in old {
            self.contacts.remove(&id);
            ctx.store(Change::RemoveContact(id));
        }
    }

    // ---- rendezvous -------------------------------------------------------------------------------------------

    fn server(&mut self, ctx: &mut Ctx<'_>, server: &ServerUrl, report: ServerReport) {
        match report {
            ServerReport::Online { unix_time, .. } => {
                let latest = self.latest.entry(server.clone()).or_default();
                let clock = ServerClock::believed(unix_time, latest, ctx.now);
                let was_known = self.online.insert(server.clone(), clock).is_some();
                if clock.is_some() && unix_time.abs_diff(ctx.now.unix) > CLOCK_TOLERANCE_S && !was_known {
                    ctx.notice("clock", Severity::Warning);
                }
                self.look(ctx);
            }
            ServerReport::Offline { code } => {
                self.online.remove(server);
                ctx.notice(code, Severity::Warning);
            }
            ServerReport::Allocated { nameplate, mailbox, ttl_s } => {
                self.allocated(ctx, server, &nameplate, mailbox, ttl_s);
            }
            ServerReport::AllocRefused(code) => {
                self.allocating.pop_front();
                ctx.refuse(limit_code(code));
            }
            ServerReport::Claimed(mailbox) => {
                let owner = address::owner_tag(&self.device, &mailbox.0, Role::Initiator);
                if let Some(join) = &mut self.join {
                    join.claimed(ctx, mailbox, owner);
                }
            }
            ServerReport::ClaimRefused(code) => {
                if self.join.take().is_some() {
                    ctx.refuse(if code == ErrorCode::UnknownNameplate { "E_CODE_UNKNOWN" } else { limit_code(code) });
                    ctx.out.push_back(Output::Disconnect(server.clone()));
                }
            }
            ServerReport::Opened { mailbox, peer_present } => {
                if let Some(call) = self.call_at(mailbox) {
                    call.reconnected(ctx);
                }
                if let Some(join) = &mut self.join
                    && join.holds(mailbox)
                {
                    join.presence(ctx, mailbox, peer_present);
                }
                for host in self.hosts.iter_mut().filter(|host| peer_present && host.holds(mailbox)) {
                    host.peer_joined(ctx);
                }
            }
            ServerReport::Received(mailbox, cell) => self.received(ctx, mailbox, &cell),
            ServerReport::Peer(mailbox, PeerEvent::Joined) => self.peer_joined(ctx, mailbox),
            ServerReport::Peer(mailbox, PeerEvent::Left) => self.peer_left(ctx, mailbox),
            ServerReport::Peer(_, PeerEvent::Crowded) | ServerReport::OpenRefused(_, ErrorCode::Crowded) => {
                if let ServerReport::OpenRefused(mailbox, _) = report {
                    self.forget_mailbox(mailbox);
                }
                if cfg!(not(sotto_broken = "crowded")) {
                    ctx.event(Event::Alert { contact: None, code: AlertCode::Crowded });
                }
            }
            ServerReport::OpenRefused(mailbox, code) => {
                self.forget_mailbox(mailbox);
                ctx.notice(limit_code(code), Severity::Warning);
            }
            ServerReport::Closed(mailbox) => self.closed(ctx, mailbox),
            ServerReport::Turn(mailbox, credentials) => {
                if let Some(call) = self.call_at(mailbox) {
                    call.turn(ctx, Some(credentials));
                }
            }
            ServerReport::TurnRefused(mailbox, _) => {
                if let Some(call) = self.call_at(mailbox) {
                    call.turn(ctx, None);
                }
            }
        }
    }

    fn call_at(&mut self, mailbox: MailboxId) -> Option<&mut Call> {
        self.calls.values_mut().map(|call| &mut **call).find(|call| call.place.mailbox == mailbox)
    }

    fn forget_mailbox(&mut self, mailbox: MailboxId) {
        for host in &mut self.hosts {
            if let Some(addresses) = &mut host.addresses {
                addresses.forget(mailbox);
            }
        }
        if let Some(join) = &mut self.join {
            join.forget(mailbox);
        }
    }

    fn closed(&mut self, ctx: &mut Ctx<'_>, mailbox: MailboxId) {
        let kicked = self.join.as_ref().is_some_and(|join| join.is_code() && join.holds(mailbox));
        if kicked {
            self.join = None;
            ctx.refuse("E_HS_TIMEOUT");
        }
        self.forget_mailbox(mailbox);
        if let Some(call) = self.call_at(mailbox) {
            call.mailbox_closed();
        }
        self.hosts.retain(|host| !matches!(&host.kind, Kind::Code(code) if code.mailbox == mailbox && !code.used));
    }

    fn peer_joined(&mut self, ctx: &mut Ctx<'_>, mailbox: MailboxId) {
        let mut again = None;
        if let Some(call) = self.call_at(mailbox) {
            let (contact, waiting) = (call.contact, call.is_waiting());
            if call.is_before_admission() && call.is_initiator() {
                // The therapist's computer came back, maybe without the keys of this waiting: meet afresh.
                call.drop_media(ctx);
                again = Some(contact);
            } else {
                call.reconnected(ctx);
                if waiting && self.away.remove(&contact) {
                    self.announce_waiting(ctx, contact);
                }
            }
        }
        if let Some(contact) = again {
            self.calls.remove(&contact);
            ctx.media(crate::io::MediaRequest::Stop);
            self.rejoin(ctx, contact, mailbox);
        }
        if let Some(join) = &mut self.join
            && join.holds(mailbox)
        {
            join.presence(ctx, mailbox, true);
        }
        for host in self.hosts.iter_mut().filter(|host| host.holds(mailbox)) {
            host.peer_joined(ctx);
        }
    }

    fn peer_left(&mut self, ctx: &mut Ctx<'_>, mailbox: MailboxId) {
        if self.role == ProfileRole::Therapist
            && let Some(call) = self.call_at(mailbox)
            && call.is_waiting()
        {
            let contact = call.contact;
            self.away.insert(contact);
            ctx.event(Event::PeerLeft(ContactId(contact)));
        }
        if let Some(join) = &mut self.join
            && join.holds(mailbox)
        {
            join.presence(ctx, mailbox, false);
        }
        for host in self.hosts.iter_mut().filter(|host| host.holds(mailbox)) {
            host.peer_left();
        }
    }

    fn received(&mut self, ctx: &mut Ctx<'_>, mailbox: MailboxId, cell: &Cell) {
        if matches!(cell.cell_type(), Some(CellType::Sig | CellType::Sync))
            && let Some(call) = self.call_at(mailbox)
            && call.cell(ctx, cell)
        {
            return;
        }
        if let Some(join) = &mut self.join
            && join.holds(mailbox)
        {
            let kept = self.resumable.key(ctx.now, join.contact);
            match join.cell(ctx, mailbox, cell, kept) {
                Some(JoinEffect::Met { established, mailbox }) => self.met_as_client(ctx, *established, mailbox),
                Some(JoinEffect::Failed) => self.join_failed(ctx),
                None => {}
            }
            return;
        }
        let Some(identity) = &self.identity else { return };
        let mut effects = Vec::new();
        for host in self.hosts.iter_mut().filter(|host| host.holds(mailbox)) {
            let contact = host.contact;
            let own = Own { key: identity, contacts: &self.contacts };
            effects.extend(host.cell(ctx, &own, mailbox, cell).into_iter().map(|effect| (contact, effect)));
        }
        for (contact, effect) in effects {
            self.host_effect(ctx, contact, effect);
        }
    }

    fn host_effect(&mut self, ctx: &mut Ctx<'_>, contact: u64, effect: HostEffect) {
        match effect {
            HostEffect::Paired { contact: record, established, mailbox, beside } => {
                let id = record.id;
                // The secrets from before are not listened for any more, and no other invite for this person holds.
                self.stop_listening(ctx, id);
                self.withdraw(ctx, beside.unwrap_or(id));
                self.contacts.insert(id, record);
                self.listen_to(id);
                self.look(ctx);
                if let Some(known) = beside {
                    let code = AlertCode::KeyChanged { known: ContactId(known) };
                    ctx.event(Event::Alert { contact: Some(ContactId(id)), code });
                }
                if self.make_way(ctx, id, mailbox) {
                    self.start_call(ctx, id, *established, mailbox);
                }
            }
            HostEffect::Met { established, mailbox } => {
                if self.make_way(ctx, contact, mailbox) {
                    self.start_call(ctx, contact, *established, mailbox);
                }
            }
            HostEffect::Gone => {}
        }
    }

    /// Media of the session came and were authentic.
    fn heard_now(&mut self, now_ms: u64) {
        let in_session = self.calls.iter().find(|(_, call)| call.is_admitted());
        self.heard = in_session.map(|(contact, _)| (*contact, now_ms));
    }

    /// A contact has proved its key anew: an older call of it is over, unless it is one that is heard right now.
    fn make_way(&mut self, ctx: &mut Ctx<'_>, contact: u64, mailbox: MailboxId) -> bool {
        let Some(call) = self.calls.get_mut(&contact) else { return true };
        let is_new = |at: u64| ctx.now.mono_ms.saturating_sub(at) < HEARD_MS;
        let heard = self.heard.is_some_and(|(who, at)| who == contact && is_new(at));
        if call.is_admitted() && heard && !cfg!(sotto_broken = "heard") {
            let server = call.place.server.clone();
            let cell = Cell::reject(VersionRange::OURS.max, VersionRange::OURS.to_byte());
            ctx.server(&server, ServerRequest::Send(mailbox, cell));
            ctx.event(Event::Alert { contact: Some(ContactId(contact)), code: AlertCode::AnotherDevice });
            return false;
        }
        if call.is_admitted() {
            call.interrupt(ctx);
        } else {
            call.drop_media(ctx);
        }
        let Some(mut call) = self.calls.remove(&contact) else { return true };
        for effect in call.take_effects() {
            if let Effect::Resumable(key) = effect {
                self.resumable.keep(ctx.now, contact, key);
            }
        }
        if let Some((reason, complete)) = call.ended() {
            self.log_end(ctx, contact, &call.session_id(), reason, complete);
        }
        true
    }

    /// Nobody is awaited any more at the addresses of a pinned contact.
    fn stop_listening(&mut self, ctx: &mut Ctx<'_>, contact: u64) {
        let keep = self.calls.get(&contact).map(|call| call.place.mailbox);
        let is_it = |host: &Host| host.contact == contact && matches!(host.kind, Kind::Pinned { .. });
        for host in self.hosts.iter_mut().filter(|host| is_it(host)) {
            if let Some(addresses) = &mut host.addresses {
                addresses.close(ctx, keep);
            }
        }
        self.hosts.retain(|host| !is_it(host));
    }

    /// Therapist: a key was proved; ACK goes out and the call waits for POLICY.
    fn start_call(&mut self, ctx: &mut Ctx<'_>, contact: u64, mut established: Established, mailbox: MailboxId) {
        let Some(server) = self.server_of(contact) else { return };
        let held = self.contacts.get(&contact).map_or([None, None], |record| record.held_continuity());
        established.set_resume(self.resumable.key(ctx.now, contact));
        for cell in established.ack(held, ctx.rng) {
            ctx.server(&server, ServerRequest::Send(mailbox, cell));
        }
        let Some(own) = self.identity.clone() else { return };
        self.add_call(ctx, Role::Responder, contact, Place { server, mailbox }, own, established);
    }

    fn server_of(&self, contact: u64) -> Option<ServerUrl> {
        self.contacts.get(&contact).map(|record| ServerUrl(record.rendezvous.clone()))
    }

    fn add_call(
        &mut self,
        ctx: &mut Ctx<'_>,
        role: Role,
        contact: u64,
        place: Place,
        own: IdentityKey,
        established: Established,
    ) {
        let Some(record) = self.contacts.get(&contact) else { return };
        let allow_local_relay = is_loopback(&place.server.0);
        // The handshake proved this key; the pin decides what it may do here.
        let PinDecision::Match(peer) = check_pin(record.peer().ok().as_ref(), &established.peer()) else { return };
        let trust = Trust {
            verified: record.state == VerificationState::Verified,
            continuity_lost: record.started
                && established.matched().is_none()
                && cfg!(not(sotto_broken = "continuity")),
            compare_on_change: record.compare_on_change,
            resumed: established.is_resumed(),
        };
        let (relay_only, rekey_every_ms) = (self.relay_only, self.rekey_every_ms);
        let owner = address::owner_tag(&self.device, &place.mailbox.0, role);
        let config =
            CallConfig { role, contact, place, owner, own, peer, trust, relay_only, allow_local_relay, rekey_every_ms };
        let mut call = Call::new(config, established);
        call.start(ctx);
        self.away.remove(&contact);
        self.calls.insert(contact, Box::new(call));
    }

    /// Listens at the addresses of a pinned contact.
    pub(crate) fn listen_to(&mut self, contact: u64) {
        let Some(record) = self.contacts.get(&contact) else { return };
        let known = self.hosts.iter().any(|h| h.contact == contact && matches!(h.kind, Kind::Pinned { .. }));
        if known || record.state == VerificationState::Mismatch {
            return;
        }
        let Ok(peer) = record.peer() else { return };
        let server = ServerUrl(record.rendezvous.clone());
        let kind = Kind::Pinned { peer, psk: record.psk.clone(), floor: record.version_floor };
        let addresses = self.addresses(&server, record.rendezvous_key.clone(), Role::Responder);
        self.hosts.push(Box::new(Host::new(contact, server, kind, Some(addresses))));
    }

    // ---- client -----------------------------------------------------------------------------------------------

    fn met_as_client(&mut self, ctx: &mut Ctx<'_>, established: Established, mailbox: MailboxId) {
        let Some(mut join) = self.join.take() else { return };
        if let Some(record) = join.take_record() {
            self.contacts.insert(record.id, record);
        }
        join.close(ctx, Some(mailbox));
        let place = Place { server: join.server.clone(), mailbox };
        let contact = self.merge_relinked(ctx, join.contact);
        self.add_call(ctx, Role::Initiator, contact, place, join.own().clone(), established);
    }

    fn join_failed(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(join) = self.join.take() {
            ctx.out.push_back(Output::Disconnect(join.server.clone()));
        }
    }

    fn rejoin(&mut self, ctx: &mut Ctx<'_>, contact: u64, old: MailboxId) {
        if let Some(server) = self.server_of(contact) {
            ctx.server(&server, ServerRequest::Close(old));
        }
        self.join_contact(ctx, ContactId(contact));
    }
}

/// The rendezvous server is on this computer, so relays may be too (PROTOCOL §9.5).
fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', '#']).next().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .map_or_else(|| host.split(':').next().unwrap_or_default(), |v6| v6.split(']').next().unwrap_or_default());
    host == "localhost" || host.parse::<core::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

const fn limit_code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Limit => "rendezvous-limit",
        ErrorCode::Busy | ErrorCode::QueueFull => "rendezvous-full",
        _ => "rendezvous-protocol",
    }
}
