//! What the front end asks of the room.

use std::sync::Arc;

use sotto_handshake::{Invite, JoinError, JoinText, RendezvousUrl, SpokenCode, address, parse_join_text};
use sotto_identity::{
    IdentityKey, fingerprint,
    records::{ContactRecord, InviteRecord, InviteState, VerificationState},
};
use sotto_session_api::{
    Command, ContactId, ContactInfo, ContactState, EndReason, Event, InviteForm, MediaDirection, MediaTrack, Phase,
    ProfileRole, Snapshot, sentences,
};
use sotto_wire::{
    Role, TrackId, VersionRange,
    server::{MailboxId, Nameplate},
};

use crate::{
    call::media_event,
    ctx::Ctx,
    host::{Code, Host, Kind},
    io::{Change, MediaRequest, Now, Output, ServerRequest, ServerUrl},
    join::{By, Join},
    room::Room,
};

const LINK_MINUTES: u32 = 7 * 24 * 60;
const LINK_MINUTES_MAX: u32 = 30 * 24 * 60;
const CODE_MINUTES: u32 = 30;
const CODE_MINUTES_MAX: u32 = 60;

/// Says which part of what was typed is wrong; nothing left this computer.
fn refuse_text(ctx: &mut Ctx<'_>, error: &JoinError) {
    let (code, detail) = match error {
        JoinError::UnknownWord { position, suggestions } if suggestions.is_empty() => {
            ("E_CODE_WORD", format!(" ({})", position + 1))
        }
        JoinError::UnknownWord { position, suggestions } => {
            ("E_CODE_WORD", format!(" ({}: {}?)", position + 1, suggestions.join(", ")))
        }
        JoinError::WordPosition { position } => ("E_CODE_ORDER", format!(" ({})", position + 1)),
        _ => ("E_INVITE_FORMAT", String::new()),
    };
    let text = sentences::sentence(code, sentences::Language::English);
    let what = format!("{}{detail}", text.what);
    ctx.event(Event::Refused { code, what, what_to_do: text.what_to_do.into() });
}

impl Room {
    pub(crate) fn command(&mut self, ctx: &mut Ctx<'_>, command: Command) {
        match command {
            Command::Invite { label, form, minutes } => {
                let contact = ctx.random_u64();
                self.invite(ctx, contact, label, form, minutes);
            }
            Command::Relink { contact, form, minutes } => match self.contacts.get(&contact.0) {
                _ if self.role != ProfileRole::Therapist => ctx.refuse("E_ROLE"),
                Some(record) => {
                    let label = record.label.clone();
                    self.invite(ctx, contact.0, label, form, minutes);
                }
                None => ctx.refuse("E_UNKNOWN_CONTACT"),
            },
            Command::Withdraw(contact) => {
                if self.withdraw(ctx, contact.0) {
                    let contacts = self.contact_list();
                    ctx.event(Event::Contacts(contacts));
                } else {
                    ctx.refuse("E_UNKNOWN_CONTACT");
                }
            }
            Command::JoinInvite(text) => self.join_invite(ctx, &text, None),
            Command::Rejoin { contact, invite } => match self.contacts.get(&contact.0).cloned() {
                Some(record) => self.join_invite(ctx, &invite, Some(&record)),
                None => ctx.refuse("E_UNKNOWN_CONTACT"),
            },
            Command::JoinContact(contact) => {
                if self.role != ProfileRole::Client {
                    ctx.refuse("E_ROLE");
                } else if self.join.is_some() || !self.calls.is_empty() {
                    ctx.refuse("E_BUSY_SESSION");
                } else {
                    self.join_contact(ctx, contact);
                }
            }
            Command::Listen(contacts) => self.listen(ctx, contacts),
            Command::Admit(contact) => {
                let busy = self.calls.values().any(|call| call.is_admitted());
                match self.calls.get_mut(&contact.0) {
                    _ if self.role != ProfileRole::Therapist => ctx.refuse("E_ROLE"),
                    Some(call) if call.is_waiting() && busy => {
                        let _ = call;
                        ctx.refuse("E_BUSY_SESSION");
                    }
                    Some(call) if call.is_waiting() && !self.away.contains(&contact.0) => {
                        (self.audio_muted, self.camera_muted) = (false, false);
                        call.admit(ctx);
                    }
                    _ => ctx.refuse("E_NOT_WAITING"),
                }
            }
            Command::Deny(contact) => match self.calls.get_mut(&contact.0) {
                _ if self.role != ProfileRole::Therapist => ctx.refuse("E_ROLE"),
                Some(call) if call.is_waiting() => call.deny(ctx),
                _ => ctx.refuse("E_NOT_WAITING"),
            },
            Command::PutBack(contact) => match self.calls.get_mut(&contact.0) {
                _ if self.role != ProfileRole::Therapist => ctx.refuse("E_ROLE"),
                Some(call) if call.is_admitted() => call.put_back(ctx),
                _ => ctx.refuse("E_NO_SESSION"),
            },
            Command::Verify(pick) => match self.admitted_call() {
                Some(call) => call.verify(ctx, pick),
                None => ctx.refuse("E_NO_SESSION"),
            },
            Command::Mute { track, on } => self.mute(ctx, track, on),
            Command::Chat(text) => match self.admitted_call() {
                Some(call) => call.chat(ctx, &text),
                None => ctx.refuse("E_NO_SESSION"),
            },
            Command::AcceptFile { file, folder } => match self.admitted_call() {
                Some(call) => call.accept_file(ctx, file, folder),
                None => ctx.refuse("E_NO_SESSION"),
            },
            Command::RefuseFile(file) => match self.admitted_call() {
                Some(call) => call.refuse_file(ctx, file),
                None => ctx.refuse("E_NO_SESSION"),
            },
            Command::Contacts => {
                let contacts = self.contact_list();
                ctx.event(Event::Contacts(contacts));
            }
            // The disk's own: the shell answers before this is asked.
            Command::Log
            | Command::SendFile(_)
            | Command::ChangePassphrase { .. }
            | Command::UseKeyring { .. }
            | Command::Export(_)
            | Command::Erase => {}
            Command::CompareWhen { contact, on_change } => self.compare_when(ctx, contact, on_change),
            Command::Forget(contact) => self.forget(ctx, contact),
            Command::End => self.end(ctx),
            Command::Quit => {
                if self.join.is_some() || !self.calls.is_empty() {
                    self.end(ctx);
                }
            }
            Command::Stats => {}
        }
    }

    // ---- therapist --------------------------------------------------------------------------------------------

    fn invite(&mut self, ctx: &mut Ctx<'_>, contact: u64, label: String, form: InviteForm, minutes: Option<u32>) {
        let (Some(identity), ProfileRole::Therapist) = (&self.identity, self.role) else {
            ctx.refuse("E_ROLE");
            return;
        };
        let Some(server) = self.rendezvous.clone() else {
            ctx.refuse("rendezvous-missing");
            return;
        };
        match form {
            InviteForm::Code => {
                let minutes = minutes.unwrap_or(CODE_MINUTES).clamp(1, CODE_MINUTES_MAX);
                self.allocating.push_back((contact, label, minutes));
                ctx.server(&server, ServerRequest::Alloc);
            }
            InviteForm::Link => {
                let minutes = minutes.unwrap_or(LINK_MINUTES).clamp(1, LINK_MINUTES_MAX);
                let expires = ctx.now.unix.saturating_add(u64::from(minutes) * 60);
                let Ok(url) = RendezvousUrl::parse(&server.0) else {
                    ctx.refuse("rendezvous-missing");
                    return;
                };
                let invite = Invite::generate(identity.public(), url, expires, ctx.rng);
                let keys = invite.keys();
                let record = InviteRecord {
                    contact,
                    label,
                    psk0: keys.psk0,
                    rendezvous_key: keys.rendezvous_key.clone(),
                    context: keys.context,
                    versions: VersionRange::OURS.to_byte(),
                    expiry: invite.expiry_unix(),
                    attempts: 0,
                    seen_hs1: Vec::new(),
                    state: InviteState::Fresh,
                };
                let ticket = ctx.store(Change::PutInvite(Box::new(record.clone())));
                let event = Event::Invited {
                    contact: ContactId(contact),
                    text: invite.to_text(),
                    form,
                    expires: record.expiry,
                };
                self.announce.push((ticket, event));
                let addresses = self.addresses(&server, keys.rendezvous_key, Role::Responder);
                self.hosts.push(Box::new(Host::new(contact, server, Kind::Link(Box::new(record)), Some(addresses))));
                self.look(ctx);
            }
        }
    }

    pub(crate) fn allocated(
        &mut self,
        ctx: &mut Ctx<'_>,
        server: &ServerUrl,
        nameplate: &Nameplate,
        mailbox: MailboxId,
        ttl_s: u16,
    ) {
        let Some((contact, label, minutes)) = self.allocating.pop_front() else { return };
        // From now on, when it comes to be: a clock that was set since it was asked for changes nothing.
        let expires = ctx.now.unix.saturating_add((u64::from(minutes) * 60).min(u64::from(ttl_s)));
        let code = SpokenCode::generate(nameplate.as_str(), None, ctx.rng);
        let (Ok(code), Ok(url)) = (code, RendezvousUrl::parse(&server.0)) else {
            ctx.refuse("rendezvous-protocol");
            return;
        };
        let (secret, text) = (code.secret(url.host_port()), code.to_text());
        let owner = address::owner_tag(&self.device, &mailbox.0, Role::Responder);
        ctx.server(server, ServerRequest::Open { mailbox, side: 1, owner, slot: None });
        let code = Code {
            mailbox,
            secret,
            label,
            expires_unix: expires,
            runs: 0,
            failed: 0,
            last_run_ms: None,
            stranger_ms: None,
            run: None,
            pake: None,
            used: false,
            is_withdrawn: false,
        };
        self.hosts.push(Box::new(Host::new(contact, server.clone(), Kind::Code(Box::new(code)), None)));
        ctx.event(Event::Invited { contact: ContactId(contact), text, form: InviteForm::Code, expires });
    }

    fn listen(&mut self, ctx: &mut Ctx<'_>, contacts: Option<Vec<ContactId>>) {
        if self.role != ProfileRole::Therapist {
            ctx.refuse("E_ROLE");
            return;
        }
        let all: Vec<u64> = self.contacts.keys().copied().collect();
        let wanted: Vec<u64> = match contacts {
            None => all,
            Some(list) => {
                if let Some(unknown) = list.iter().find(|id| !self.contacts.contains_key(&id.0)) {
                    let _ = unknown;
                    ctx.refuse("E_UNKNOWN_CONTACT");
                    return;
                }
                list.into_iter().map(|id| id.0).collect()
            }
        };
        for host in &mut self.hosts {
            if matches!(host.kind, Kind::Pinned { .. }) && !wanted.contains(&host.contact) {
                let keep = self.calls.get(&host.contact).map(|call| call.place.mailbox);
                if let Some(addresses) = &mut host.addresses {
                    addresses.close(ctx, keep);
                }
            }
        }
        self.hosts.retain(|host| !matches!(host.kind, Kind::Pinned { .. }) || wanted.contains(&host.contact));
        for contact in &wanted {
            self.listen_to(*contact);
        }
        ctx.event(Event::Listening(wanted.into_iter().map(ContactId).collect()));
        self.look(ctx);
    }

    // ---- client -----------------------------------------------------------------------------------------------

    /// `from`: the contact whose invite it is to be.
    fn join_invite(&mut self, ctx: &mut Ctx<'_>, text: &str, from: Option<&ContactRecord>) {
        if self.role != ProfileRole::Client {
            ctx.refuse("E_ROLE");
            return;
        }
        if self.join.is_some() || !self.calls.is_empty() {
            ctx.refuse("E_BUSY_SESSION");
            return;
        }
        match parse_join_text(text) {
            Err(error) => refuse_text(ctx, &error),
            Ok(JoinText::Invite(invite)) => self.join_link(ctx, &invite, from),
            Ok(JoinText::Code(code)) => {
                let server = match code.host() {
                    Some(host) => ServerUrl(format!("wss://{host}")),
                    None => match self.rendezvous.clone() {
                        Some(server) => server,
                        None => {
                            ctx.refuse("rendezvous-missing");
                            return;
                        }
                    },
                };
                (self.audio_muted, self.camera_muted) = (false, false);
                let (Ok(url), Ok(nameplate)) = (RendezvousUrl::parse(&server.0), Nameplate::parse(code.nameplate()))
                else {
                    ctx.refuse("E_INVITE_FORMAT");
                    return;
                };
                let secret = code.secret(url.host_port());
                let contact = ctx.random_u64();
                let known = from.and_then(|record| Some((record.own_key(None)?, record.peer().ok()?)));
                ctx.server(&server, ServerRequest::Claim(nameplate));
                let by = By::Code { secret, mailbox: None, present: false, keys: None };
                self.join = Some(Box::new(match known {
                    Some((own, peer)) => Join::new(contact, server, by, own, None).only_with(peer),
                    None => Join::new(contact, server, by, IdentityKey::generate(ctx.rng), None),
                }));
            }
        }
    }

    fn join_link(&mut self, ctx: &mut Ctx<'_>, invite: &Invite, from: Option<&ContactRecord>) {
        let server = ServerUrl(invite.url().as_str().to_owned());
        let unix = self.server_unix(ctx.now, &server).unwrap_or(ctx.now.unix);
        if invite.is_expired(unix) {
            ctx.refuse("E_INVITE_EXPIRED");
            return;
        }
        let is_of = |record: &ContactRecord| record.peer().is_ok_and(|peer| peer.has_idhash(&invite.idhash()));
        if from.is_some_and(|record| !is_of(record)) {
            ctx.refuse("E_OTHER_PERSON");
            return;
        }
        (self.audio_muted, self.camera_muted) = (false, false);
        let keys = invite.keys();
        let addresses = self.addresses(&server, keys.rendezvous_key.clone(), Role::Initiator);
        let link = By::Link { keys, idhash: invite.idhash(), versions: invite.versions(), addresses };
        // A pairing whose acknowledgement was lost: its own address first, then the invite with the same key.
        let pairing = self.contacts.values().find(|record| record.pairing && is_of(record)).cloned();
        self.join = match pairing {
            Some(record) => self.pinned_join(*record).map(|join| Box::new(join.or_else(ctx, link))),
            None => {
                // The therapist whom this client knows keeps meeting the same key (PROTOCOL §6.4).
                let known =
                    from.or_else(|| self.contacts.values().map(|record| &**record).find(|record| is_of(record)));
                let known = known.and_then(|record| record.own_key(None));
                let own = known.unwrap_or_else(|| IdentityKey::generate(ctx.rng));
                Some(Box::new(Join::new(ctx.random_u64(), server, link, own, None)))
            }
        };
        self.look(ctx);
    }

    fn pinned_join(&self, record: ContactRecord) -> Option<Join> {
        let peer = record.peer().ok()?;
        let own = record.own_key(None)?;
        let server = ServerUrl(record.rendezvous.clone());
        let addresses = self.addresses(&server, record.rendezvous_key.clone(), Role::Initiator);
        let version = VersionRange::from_byte(record.peer_versions)?.max.min(VersionRange::OURS.max);
        let by = By::Pinned { peer, psk: record.psk.clone(), version, addresses };
        Some(Join::new(record.id, server, by, own, Some(Box::new(record))))
    }

    pub(crate) fn join_contact(&mut self, ctx: &mut Ctx<'_>, contact: ContactId) {
        let Some(record) = self.contacts.get(&contact.0).cloned() else {
            ctx.refuse("E_UNKNOWN_CONTACT");
            return;
        };
        let record = self.unanswered_relink(&record).cloned().unwrap_or(*record);
        if record.state == VerificationState::Mismatch {
            ctx.refuse("E_BLOCKED");
            return;
        }
        (self.audio_muted, self.camera_muted) = (false, false);
        self.join = self.pinned_join(record).map(Box::new);
        self.look(ctx);
    }

    // ---- both -------------------------------------------------------------------------------------------------

    fn mute(&mut self, ctx: &mut Ctx<'_>, track: MediaTrack, on: bool) {
        let id = match track {
            MediaTrack::Audio => {
                self.audio_muted = on;
                TrackId::Audio
            }
            MediaTrack::Camera => {
                self.camera_muted = on;
                TrackId::Camera
            }
            MediaTrack::Screen => {
                ctx.refuse("E_NOT_NOW");
                return;
            }
        };
        ctx.media(MediaRequest::Mute { track: id, on });
        ctx.event(media_event(id, MediaDirection::Out, on));
        let (audio, camera) = (!self.audio_muted, !self.camera_muted);
        if let Some(call) = self.admitted_call() {
            call.media_state(ctx, audio, camera);
        }
    }

    fn compare_when(&mut self, ctx: &mut Ctx<'_>, contact: ContactId, on_change: bool) {
        let Some(record) = self.contacts.get_mut(&contact.0) else {
            ctx.refuse("E_UNKNOWN_CONTACT");
            return;
        };
        record.compare_on_change = on_change;
        ctx.store(Change::PutContact(record.clone()));
        let contacts = self.contact_list();
        ctx.event(Event::Contacts(contacts));
    }

    fn forget(&mut self, ctx: &mut Ctx<'_>, contact: ContactId) {
        let was_invited = self.withdraw(ctx, contact.0);
        if self.contacts.remove(&contact.0).is_none() && !was_invited {
            ctx.refuse("E_UNKNOWN_CONTACT");
            return;
        }
        self.resumable.forget(contact.0);
        if let Some(call) = self.calls.get_mut(&contact.0) {
            call.end(ctx);
        }
        for host in self.hosts.iter_mut().filter(|host| host.contact == contact.0) {
            if let Some(addresses) = &mut host.addresses {
                addresses.close(ctx, None);
            }
        }
        self.hosts.retain(|host| host.contact != contact.0);
        ctx.store(Change::RemoveInvite(contact.0));
        ctx.store(Change::RemoveContact(contact.0));
        self.log_forgotten(ctx, contact.0);
        let contacts = self.contact_list();
        ctx.event(Event::Contacts(contacts));
    }

    /// Withdraws what nobody has used; whether there was any.
    pub(crate) fn withdraw(&mut self, ctx: &mut Ctx<'_>, contact: u64) -> bool {
        let asked = self.allocating.len();
        self.allocating.retain(|(other, ..)| *other != contact);
        let mut found = self.allocating.len() < asked;
        for host in self.hosts.iter_mut().filter(|host| host.contact == contact) {
            found |= host.withdraw(ctx);
        }
        self.hosts
            .retain(|host| !(host.contact == contact && matches!(&host.kind, Kind::Code(code) if code.is_withdrawn)));
        found
    }

    fn end(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(call) = self.admitted_call() {
            call.end(ctx);
        } else if self.role == ProfileRole::Client && !self.calls.is_empty() {
            for call in self.calls.values_mut() {
                call.end(ctx);
            }
        } else if let Some(mut join) = self.join.take() {
            join.close(ctx, None);
            ctx.out.push_back(Output::Disconnect(join.server));
            ctx.event(Event::Ended { reason: EndReason::Normal, complete: true });
        } else {
            ctx.refuse("E_NO_SESSION");
        }
    }

    pub(crate) fn contact_list(&self) -> Vec<ContactInfo> {
        let paired = self.contacts.values().map(|record| ContactInfo {
            contact: ContactId(record.id),
            label: record.label.clone(),
            state: match record.state {
                _ if record.pairing => ContactState::Pairing,
                VerificationState::Unverified => ContactState::Unverified,
                VerificationState::Verified => ContactState::Verified,
                VerificationState::Mismatch => ContactState::Mismatch,
            },
            fingerprint: self.pair_fingerprint(record),
            verified_at: record.verified_at,
            compare_on_change: record.compare_on_change,
        });
        let invited = self.hosts.iter().filter(|host| !self.contacts.contains_key(&host.contact)).filter_map(|host| {
            let label = match &host.kind {
                Kind::Code(code) if !code.used => code.label.clone(),
                Kind::Link(record) if record.state == InviteState::Fresh => record.label.clone(),
                _ => return None,
            };
            let contact = ContactId(host.contact);
            let state = ContactState::Invited;
            let (fingerprint, verified_at) = (None, None);
            Some(ContactInfo { contact, label, state, fingerprint, verified_at, compare_on_change: false })
        });
        paired.chain(invited).collect()
    }

    fn pair_fingerprint(&self, record: &ContactRecord) -> Option<String> {
        let own = record.own_key(self.identity.as_ref())?;
        Some(fingerprint::pair_number(own.public(), &record.peer().ok()?))
    }

    /// The state as one value.
    #[must_use]
    pub fn snapshot(&self, _now: Now) -> Arc<Snapshot> {
        let admitted = self.calls.values().find(|call| call.is_admitted());
        let own_waiting = self.calls.values().find(|call| self.role == ProfileRole::Client && call.is_waiting());
        let gate = admitted.and_then(|call| call.gate());
        let phase = match (admitted, gate) {
            (Some(_), Some(sotto_session_api::Gate::G2)) => Phase::Open,
            (Some(_), Some(sotto_session_api::Gate::G1)) => Phase::Comparing,
            (Some(_), Some(sotto_session_api::Gate::G0)) => Phase::Connecting,
            (Some(_), None) => Phase::Ending,
            (None, _) if own_waiting.is_some() => Phase::Waiting,
            (None, _) if self.join.is_some() || (self.role == ProfileRole::Client && !self.calls.is_empty()) => {
                Phase::Joining
            }
            (None, _) => Phase::Idle,
        };
        Arc::new(Snapshot {
            role: Some(self.role),
            phase,
            contact: admitted.or(own_waiting).map(|call| ContactId(call.contact)),
            contacts: self.contact_list(),
            waiting: self
                .calls
                .values()
                .filter(|call| self.role == ProfileRole::Therapist && call.is_waiting())
                .filter(|call| !self.away.contains(&call.contact))
                .map(|call| ContactId(call.contact))
                .collect(),
            online: !self.online.is_empty(),
            gate,
            verification: admitted.and_then(|call| call.verification()),
            link: None,
            path: None,
            audio_muted: self.audio_muted,
            camera_muted: self.camera_muted,
        })
    }
}
