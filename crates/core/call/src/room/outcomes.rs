//! What becomes of durable writes, and of what calls did.

use sotto_session_api::EndReason;

use super::*;

impl Room {
    pub(super) fn stored(&mut self, ctx: &mut Ctx<'_>, ticket: Ticket) {
        if let Some(position) = self.announce.iter().position(|(own, _)| *own == ticket) {
            let (_, event) = self.announce.swap_remove(position);
            ctx.event(event);
        }
        for call in self.calls.values_mut() {
            call.stored(ctx, ticket);
        }
        let effects: Vec<_> =
            self.hosts.iter_mut().filter_map(|host| host.stored(ticket).map(|effect| (host.contact, effect))).collect();
        for (contact, effect) in effects {
            self.host_effect(ctx, contact, effect);
        }
        if let Some(join) = &mut self.join
            && let Some(JoinEffect::Met { established, mailbox }) = join.stored(ctx, ticket)
        {
            self.met_as_client(ctx, *established, mailbox);
        }
    }

    pub(super) fn store_failed(&mut self, ctx: &mut Ctx<'_>, ticket: Ticket) {
        ctx.notice("E_STORE", Severity::Error);
        self.announce.retain(|(own, _)| *own != ticket);
        for host in &mut self.hosts {
            host.store_failed(ticket);
        }
        for call in self.calls.values_mut() {
            call.store_failed(ctx, ticket);
        }
        if let Some(join) = &mut self.join
            && join.store_failed(ctx, ticket).is_some()
        {
            self.join_failed(ctx);
        }
    }

    pub(super) fn announce_waiting(&self, ctx: &mut Ctx<'_>, contact: u64) {
        if let Some(call) = self.calls.get(&contact) {
            ctx.event(Event::PeerWaiting { contact: ContactId(contact), key_state: call.key_state() });
        }
    }

    pub(super) fn effects(&mut self, ctx: &mut Ctx<'_>) {
        let effects: Vec<(u64, Vec<Effect>)> = self
            .calls
            .iter_mut()
            .map(|(contact, call)| (*contact, call.take_effects()))
            .filter(|(_, effects)| !effects.is_empty())
            .collect();
        for (contact, effects) in effects {
            let put_back = effects.iter().any(|effect| matches!(effect, Effect::PutBack));
            for effect in effects {
                match effect {
                    Effect::Commit(write) => self.commit(ctx, contact, *write),
                    Effect::Waiting => self.waiting(ctx, contact),
                    Effect::Compared(compared) => self.judge(ctx, contact, Ok(&compared)),
                    Effect::Mismatched(how) => self.judge(ctx, contact, Err(how)),
                    Effect::PutBack => {}
                    Effect::Resumable(key) => self.resumable.keep(ctx.now, contact, key),
                    Effect::Closed => self.call_closed(ctx, contact, put_back),
                }
            }
        }
    }

    /// The continuity secret of a session becomes durable (PROTOCOL §4.7).
    fn commit(&mut self, ctx: &mut Ctx<'_>, contact: u64, write: ContinuityWrite) {
        let (Some(record), Some(call)) = (self.contacts.get_mut(&contact), self.calls.get_mut(&contact)) else {
            return;
        };
        (record.continuity, record.continuity_previous) = (Some(write.current), write.previous);
        record.started |= write.started;
        if write.started {
            let (peers, spoken) = write.versions;
            record.peer_versions = peers.to_byte();
            // What was completed once is the least from now on (PROTOCOL §4.6).
            record.version_floor = record.version_floor.max(spoken);
        }
        if write.lost && record.state == VerificationState::Verified {
            // Until words were compared again, also if this session ends before: else the next one would ask nothing.
            record.state = VerificationState::Unverified;
        }
        call.committing(ctx.store(Change::PutContact(record.clone())));
    }

    pub(super) fn waiting(&mut self, ctx: &mut Ctx<'_>, contact: u64) {
        if self.role == ProfileRole::Client {
            ctx.event(Event::Waiting(ContactId(contact)));
            return;
        }
        self.announce_waiting(ctx, contact);
        for host in self.hosts.iter_mut().filter(|host| host.contact == contact) {
            if let Kind::Link(record) = &mut host.kind
                && let InviteState::Consumed { confirmed: confirmed @ false, .. } = &mut record.state
            {
                *confirmed = true;
                // From here on it counts second uses.
                record.attempts = 0;
                ctx.store(Change::PutInvite(record.clone()));
            }
        }
    }

    /// The comparison's outcome becomes durable (PROTOCOL §6.3).
    pub(super) fn judge(&mut self, ctx: &mut Ctx<'_>, contact: u64, compared: Result<&ComparedPeer, &'static str>) {
        let Some(record) = self.contacts.get_mut(&contact) else { return };
        if let Ok(compared) = compared {
            if record.mark_verified(compared, ctx.now.unix).is_err() {
                return; // a comparison with another key says nothing about this contact
            }
        } else {
            // A verified contact with unbroken continuity gets one more comparison; the second mismatch blocks.
            record.state = match record.state {
                VerificationState::Verified => VerificationState::Unverified,
                VerificationState::Unverified | VerificationState::Mismatch => VerificationState::Mismatch,
            };
        }
        let blocked = record.state == VerificationState::Mismatch;
        ctx.store(Change::PutContact(record.clone()));
        self.log_comparison(ctx, contact, compared);
        if blocked {
            self.stop_listening(ctx, contact);
        }
    }

    pub(super) fn call_closed(&mut self, ctx: &mut Ctx<'_>, contact: u64, put_back: bool) {
        let Some(call) = self.calls.remove(&contact) else { return };
        self.away.remove(&contact);
        if let Some((reason, complete)) = call.ended() {
            self.log_end(ctx, contact, &call.session_id(), reason, complete);
            if reason != EndReason::Interrupted {
                self.resumable.forget(contact);
            }
        }
        let Place { server, mailbox } = call.place;
        let is_host_mailbox = self.hosts.iter().any(|host| host.holds(mailbox) && !matches!(host.kind, Kind::Code(_)));
        if !is_host_mailbox {
            ctx.server(&server, ServerRequest::Close(mailbox));
        }
        self.hosts.retain(|host| !matches!(&host.kind, Kind::Code(code) if code.mailbox == mailbox && code.used));
        if self.role == ProfileRole::Client {
            if put_back {
                self.join_contact(ctx, ContactId(contact));
            } else {
                ctx.out.push_back(Output::Disconnect(server));
            }
        }
    }
}
