//! The ways out of a session, and the clock (PROTOCOL §8, §11).

use super::*;

impl Call {
    /// The person ends the session, or leaves the waiting room.
    pub(crate) fn end(&mut self, ctx: &mut Ctx<'_>) {
        if matches!(self.stage, Stage::Ending(_) | Stage::Closed) {
            return;
        }
        if self.is_bound() {
            self.send_end(ctx, 0);
        } else {
            self.send(ctx, &SigMessage::Bye);
            self.close(ctx, EndReason::Normal, true);
        }
    }

    pub(super) fn send_end(&mut self, ctx: &mut Ctx<'_>, reason: u8) {
        ctx.media(MediaRequest::Stop);
        self.drop_files(ctx);
        let end = self.sealer.end(&self.opener, reason);
        self.control(ctx, &ControlMessage::End(end));
        if matches!(self.stage, Stage::Closed) {
            return;
        }
        let deadline_ms = ctx.after(END_WAIT_MS);
        self.stage = Stage::Ending(Ending::AwaitAck { reason, sent: vec![self.sealer.view()], deadline_ms, ack: None });
    }

    pub(super) fn end_received(&mut self, ctx: &mut Ctx<'_>, end: End, control_before: TrackEnd) {
        match &mut self.stage {
            // Both pressed End at the same moment: answer, and go on waiting for our own answer.
            Stage::Ending(Ending::AwaitAck { .. }) => {
                let answer = self.sealer.end(&self.opener, end.reason);
                self.control(ctx, &ControlMessage::EndAck(answer));
                let now = self.sealer.view();
                if let Stage::Ending(Ending::AwaitAck { sent, .. }) = &mut self.stage {
                    sent.push(now);
                }
                if end.reason == 1 {
                    self.mismatch(ctx, records::OTHER_SIDE);
                }
            }
            Stage::NotAsked { .. } | Stage::Comparing(_) | Stage::Open => {
                ctx.media(MediaRequest::Stop);
                self.drop_files(ctx);
                if end.reason == 1 {
                    self.mismatch(ctx, records::OTHER_SIDE);
                }
                let deadline_ms = ctx.after(END_WAIT_MS);
                self.stage = Stage::Ending(Ending::AwaitRecords { end: Box::new(end), control_before, deadline_ms });
            }
            _ => self.fail(ctx, "E_DATA_ORDER"),
        }
    }

    pub(super) fn end_ack_received(&mut self, ctx: &mut Ctx<'_>, ack: End, control_before: TrackEnd) {
        match &mut self.stage {
            Stage::Ending(Ending::AwaitAck { ack: slot @ None, .. }) => *slot = Some(Box::new((ack, control_before))),
            _ => self.fail(ctx, "E_DATA_ORDER"),
        }
    }

    /// After each record: has everything arrived that the end counts?
    pub(super) fn check_ending(&mut self, ctx: &mut Ctx<'_>) {
        match &self.stage {
            Stage::Ending(Ending::AwaitRecords { end, control_before, .. }) => {
                let progress = self.opener.progress(end, control_before);
                if progress == EndProgress::Behind {
                    return;
                }
                let reason = end.reason;
                let answer = self.sealer.end(&self.opener, reason);
                self.control(ctx, &ControlMessage::EndAck(answer));
                self.finish(ctx, reason, progress == EndProgress::Complete);
            }
            Stage::Ending(Ending::AwaitAck { reason, sent, ack: Some(ack), .. }) => {
                let (ack, control_before) = &**ack;
                let progress = self.opener.progress(ack, control_before);
                if progress == EndProgress::Behind {
                    return;
                }
                let own = &ack.tracks[usize::from(self.role.direction())];
                let complete = progress == EndProgress::Complete && sent.iter().any(|view| ending::same(view, own));
                let reason = *reason;
                self.finish(ctx, reason, complete);
            }
            _ => {}
        }
    }

    pub(super) fn finish(&mut self, ctx: &mut Ctx<'_>, reason: u8, complete: bool) {
        if !complete {
            ctx.notice("E_TRUNCATED", Severity::Error);
            self.close(ctx, EndReason::Abnormal, false);
            return;
        }
        let reason = match reason {
            0 => EndReason::Normal,
            1 => EndReason::Mismatch,
            2 => EndReason::CompareTimeout,
            3 => EndReason::Rekey,
            5 => EndReason::Blocked,
            _ => EndReason::Error,
        };
        self.close(ctx, reason, true);
    }

    /// The other side said BYE by signalling.
    pub(super) fn left(&mut self, ctx: &mut Ctx<'_>) {
        if self.is_bound() {
            return; // only END ends a bound session
        }
        if self.is_admitted() || self.role == Role::Initiator {
            self.close(ctx, EndReason::Normal, true);
        } else {
            ctx.event(Event::PeerLeft(ContactId(self.contact)));
            self.drop_media(ctx);
        }
    }

    pub(super) fn fail(&mut self, ctx: &mut Ctx<'_>, code: &'static str) {
        if matches!(self.stage, Stage::Closed) {
            return;
        }
        ctx.notice(code, Severity::Error);
        if matches!(code, "E_BIND" | "E_FP") {
            ctx.event(Event::Alert { contact: Some(ContactId(self.contact)), code: AlertCode::Integrity });
        }
        if !self.is_bound() {
            self.send(ctx, &SigMessage::Bye);
        }
        self.close(ctx, EndReason::Error, false);
    }

    pub(super) fn close(&mut self, ctx: &mut Ctx<'_>, reason: EndReason, complete: bool) {
        if matches!(self.stage, Stage::Closed) {
            return;
        }
        if self.is_bound() {
            self.ended = Some((reason, complete));
        }
        // Both people were in it: what goes on from here is known by this key. After END there is none.
        if reason == EndReason::Interrupted
            && matches!(self.stage, Stage::Open)
            && let Some(key) = self.resume_key.take()
        {
            self.effects.push(Effect::Resumable(key));
        }
        self.drop_media(ctx);
        ctx.event(Event::Ended { reason, complete });
    }

    /// Closes without a word to the person.
    pub(crate) fn drop_media(&mut self, ctx: &mut Ctx<'_>) {
        ctx.media(MediaRequest::Stop);
        if let Some(id) = self.transport.take() {
            ctx.transport(id, TransportRequest::Close);
        }
        self.media = None;
        self.resume_key = None;
        self.path.give_up();
        self.drop_files(ctx);
        self.held_chat.clear();
        self.sent_chat.clear();
        self.stage = Stage::Closed;
        self.effects.push(Effect::Closed);
    }

    /// The session is replaced or the peer is gone for good.
    pub(crate) fn interrupt(&mut self, ctx: &mut Ctx<'_>) {
        self.close(ctx, EndReason::Interrupted, false);
    }

    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.effects)
    }

    pub(crate) fn tick(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono_ms;
        self.flush_sig(ctx);
        if self.sig.is_broken(now) && !self.is_bound() {
            self.fail(ctx, "E_SIG_ORDER");
        }
        self.heal(ctx);
        self.move_keys(ctx);
        self.move_files(ctx);
        match &mut self.stage {
            Stage::AwaitPolicy { deadline_ms } if now >= *deadline_ms => self.policy_is_late(ctx),
            Stage::AwaitRelay { deadline_ms, .. } if now >= *deadline_ms => self.fail(ctx, "E_NO_RELAY"),
            Stage::Connecting(c) if now >= c.deadline_ms => self.fail(ctx, "E_NO_PATH"),
            Stage::Connecting(c) if c.retry_ms.is_some_and(|at| now >= at) => {
                c.retry_ms = None;
                if self.role == Role::Initiator {
                    let (attempt, rest) = (self.path.attempt.saturating_add(1), c.deadline_ms - now);
                    self.fingerprints = [None; 2];
                    self.begin(ctx, attempt, rest);
                }
            }
            Stage::Binding { deadline_ms, .. } if now >= *deadline_ms => self.fail(ctx, "E_DTLS"),
            Stage::NotAsked { deadline_ms } if now >= *deadline_ms => self.fail(ctx, "E_SAS_TIMEOUT"),
            Stage::Comparing(comparison) if now >= comparison.deadline_ms => {
                ctx.notice("E_SAS_TIMEOUT", Severity::Error);
                self.send_end(ctx, 2);
            }
            Stage::Ending(Ending::AwaitAck { deadline_ms, .. } | Ending::AwaitRecords { deadline_ms, .. })
                if now >= *deadline_ms =>
            {
                self.finish(ctx, 0, cfg!(sotto_broken = "end"));
            }
            _ => {}
        }
    }

    pub(crate) fn wake_at(&self) -> Option<u64> {
        let stage = match &self.stage {
            Stage::AwaitPolicy { deadline_ms }
            | Stage::AwaitRelay { deadline_ms, .. }
            | Stage::Binding { deadline_ms, .. }
            | Stage::NotAsked { deadline_ms }
            | Stage::Ending(Ending::AwaitAck { deadline_ms, .. } | Ending::AwaitRecords { deadline_ms, .. }) => {
                Some(*deadline_ms)
            }
            Stage::Connecting(c) => Some(c.retry_ms.unwrap_or(c.deadline_ms).min(c.deadline_ms)),
            Stage::Comparing(comparison) => Some(comparison.deadline_ms),
            Stage::Committing(_) | Stage::Waiting | Stage::Open | Stage::Closed => None,
        };
        let keys = if self.has_live_keys() { self.rekey.wake_at() } else { None };
        [stage, keys, self.heal_at(), self.sig.wake_at(), self.files.wake_at()].into_iter().flatten().min()
    }
}
