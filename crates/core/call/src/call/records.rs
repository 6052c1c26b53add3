//! What comes and goes on the data channel: binding, comparison, chat (PROTOCOL §5.4, §6, §8).

use super::*;
use sotto_wire::file::FileMessage;

/// How a comparison failed, in the record, where the other person found that it did.
pub(super) const OTHER_SIDE: &str = "other-side";

impl Call {
    pub(super) fn seal(&mut self, ctx: &mut Ctx<'_>, track: TrackId, mtype: u8, data: &[u8]) -> Option<u64> {
        let id = self.transport?;
        #[cfg(feature = "cheat")]
        if self.says_instead(ctx, track, mtype, data) {
            return Some(self.sealer.next_counter(track).saturating_sub(1));
        }
        let Ok(records) = self.sealer.seal(track, mtype, data) else {
            self.fail(ctx, "E_INTERNAL");
            return None;
        };
        for record in records {
            ctx.transport(id, TransportRequest::Record(record));
        }
        Some(self.sealer.next_counter(track) - 1)
    }

    pub(super) fn control(&mut self, ctx: &mut Ctx<'_>, message: &ControlMessage) {
        self.seal(ctx, TrackId::Control, message.mtype(), &message.encode_data());
    }

    pub(super) fn send_bind(&mut self, ctx: &mut Ctx<'_>) {
        let Some(bind) = self.expected_bind() else {
            self.fail(ctx, "E_BIND");
            return;
        };
        self.control(ctx, &ControlMessage::TransportBind { role: self.role.direction(), bind });
        if let Stage::Binding { sent, .. } = &mut self.stage {
            *sent = true;
        }
        self.maybe_bound(ctx);
    }

    pub(super) fn expected_bind(&self) -> Option<[u8; 32]> {
        Some(self.bind.value(&self.fingerprints[0]?, &self.fingerprints[1]?))
    }

    pub(super) fn record(&mut self, ctx: &mut Ctx<'_>, record: &sotto_wire::SealedRecord) {
        let opened = self.opener.open(record);
        self.settle();
        let message = match opened {
            Ok(Some(message)) => message,
            Ok(None) => {
                // The record that opens an epoch is complete by itself, and an end may count it.
                self.check_ending(ctx);
                return;
            }
            Err(fault) => {
                if fault.is_fatal() {
                    self.fail(ctx, "E_DATA_ORDER");
                }
                return;
            }
        };
        #[cfg(feature = "cheat")]
        if self.only_listens(&message) {
            return;
        }
        match message.track {
            TrackId::Control => match ControlMessage::decode(message.mtype, &message.data) {
                Ok(Some(control)) => self.control_message(ctx, control, &message),
                Ok(None) => {}
                Err(_) => self.fail(ctx, "E_DATA_ORDER"),
            },
            TrackId::Chat => match ChatMessage::decode(message.mtype, &message.data) {
                Ok(Some(chat)) => self.chat_message(ctx, chat, message.counter),
                Ok(None) => {}
                Err(_) => self.fail(ctx, "E_DATA_ORDER"),
            },
            TrackId::File => match FileMessage::decode(message.mtype, &message.data) {
                Ok(Some(file)) => self.file_message(ctx, file),
                Ok(None) => {}
                Err(_) => self.fail(ctx, "E_DATA_ORDER"),
            },
            _ => {}
        }
        self.check_ending(ctx);
    }

    pub(super) fn control_message(&mut self, ctx: &mut Ctx<'_>, control: ControlMessage, message: &DataMessage) {
        match control {
            ControlMessage::TransportBind { role, bind } => {
                use subtle::ConstantTimeEq;
                let good = self.expected_bind().is_some_and(|own| bool::from(own.ct_eq(&bind)));
                match &mut self.stage {
                    Stage::Binding { verified, .. } if good && role == self.role.peer().direction() => *verified = true,
                    _ => {
                        self.fail(ctx, "E_BIND");
                        return;
                    }
                }
                self.maybe_bound(ctx);
            }
            ControlMessage::SasResult(result) => self.sas_result(ctx, result),
            ControlMessage::MediaState { .. } | ControlMessage::Keyframe { .. } if self.is_out_of_place(ctx) => {}
            ControlMessage::MediaState { audio, camera, .. } => {
                for (track, on) in [(TrackId::Audio, audio), (TrackId::Camera, camera)] {
                    ctx.event(media_event(track, sotto_session_api::MediaDirection::In, !on));
                }
            }
            ControlMessage::Keyframe { track } => {
                if let Some(track @ (TrackId::Camera | TrackId::Screen)) = TrackId::from_u8(track) {
                    self.keyframe_asked(ctx, track);
                }
            }
            ControlMessage::Rk1(..)
            | ControlMessage::Rk2(..)
            | ControlMessage::Rk3(..)
            | ControlMessage::RkReq
            | ControlMessage::RkFail(_) => self.rekey_message(ctx, control),
            ControlMessage::End(end) => self.end_received(ctx, end, message.before),
            ControlMessage::EndAck(end) => self.end_ack_received(ctx, end, message.before),
        }
    }

    /// A message of a running session that comes before it is bound, which ends it, or while it ends, which is ignored.
    pub(super) fn is_out_of_place(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let is_out_of_place = !self.has_live_keys();
        if is_out_of_place && !matches!(self.stage, Stage::Ending(_)) {
            self.fail(ctx, "E_DATA_ORDER");
        }
        is_out_of_place
    }

    /// Both hold the other's key by words that were compared, and neither asks for words now: gate G2 follows at once.
    pub(super) fn is_compared_before(&self) -> bool {
        let Some(peer) = self.peer_policy else { return false };
        let both_on_change = self.trust.compare_on_change && peer.compare == 1;
        let both_held = self.trust.verified && !self.trust.continuity_lost && peer.held == 1;
        (both_on_change || self.trust.resumed) && both_held
    }

    pub(super) fn maybe_bound(&mut self, ctx: &mut Ctx<'_>) {
        let Stage::Binding { sent: true, verified: true, .. } = self.stage else { return };
        let Some((sealer, opener)) = self.media.take() else { return };
        self.link_connected(ctx);
        let camera_in_g1 = self.trust.verified && !self.trust.continuity_lost;
        ctx.media(MediaRequest::Start { sealer, opener, camera_in_g1, admitted_ms: self.admitted_ms });
        self.start_key_clock(ctx);
        ctx.event(Event::Gate(Gate::G1));
        let peer = self.peer_policy.expect("POLICY is exchanged before ADMIT");
        if self.is_compared_before() {
            self.stage = Stage::NotAsked { deadline_ms: ctx.after(10_000) };
            self.control(ctx, &ControlMessage::SasResult(2));
            return;
        }
        let reason = match (self.trust.verified, self.trust.continuity_lost || peer.held == 2) {
            (_, true) => CompareReason::Continuity,
            (true, false) => CompareReason::Every,
            (false, false) => CompareReason::First,
        };
        let limit_ms = if reason == CompareReason::Every { 300_000 } else { 120_000 };
        let pair = Pair { own: *self.rekey.own(), peer: *self.peer.key() };
        let candidates = self.words.candidates(ctx.rng);
        let card = compare::card(&self.words, candidates, self.contact, &pair, reason);
        let comparison = Comparison::new(card, pair, ctx.after(limit_ms));
        ctx.event(Event::Verify(comparison.card()));
        self.stage = Stage::Comparing(comparison);
    }

    pub(crate) fn verification(&self) -> Option<sotto_session_api::Verification> {
        match &self.stage {
            Stage::Comparing(comparison) if !comparison.is_picked() => Some(comparison.card()),
            _ => None,
        }
    }

    pub(crate) fn verify(&mut self, ctx: &mut Ctx<'_>, pick: Pick) {
        let comparison = match &mut self.stage {
            Stage::Comparing(comparison) => comparison,
            // It crossed with the end of the session, which is said.
            Stage::Ending(_) | Stage::Closed => return,
            _ => {
                ctx.refuse("E_NOT_NOW");
                return;
            }
        };
        if comparison.is_picked() {
            ctx.refuse("E_NOT_NOW");
            return;
        }
        let is_none = pick == Pick::NoneOfThese;
        match comparison.pick(pick) {
            Picked::Match => {
                self.control(ctx, &ControlMessage::SasResult(1));
                self.maybe_open(ctx);
            }
            Picked::ReadAgain => {
                let card = comparison.card();
                ctx.notice("sas-again", Severity::Warning);
                ctx.event(Event::Verify(card));
            }
            Picked::NotACode => ctx.refuse("scan-other"),
            Picked::ScanAgain => ctx.refuse("scan-differs"),
            Picked::Mismatch => {
                let how = if is_none { "none-of-these" } else { comparison.method().name() };
                self.control(ctx, &ControlMessage::SasResult(0));
                self.mismatch(ctx, how);
                self.send_end(ctx, 1);
            }
        }
    }

    pub(super) fn sas_result(&mut self, ctx: &mut Ctx<'_>, result: u8) {
        match (&mut self.stage, result) {
            // For good: an END of our own follows, so that nothing that is said or picked later takes it back.
            (Stage::Comparing(_), 0) => {
                self.mismatch(ctx, OTHER_SIDE);
                self.send_end(ctx, 1);
            }
            (Stage::Comparing(comparison), 1) => {
                comparison.remote_matched();
                self.maybe_open(ctx);
            }
            (Stage::NotAsked { .. }, 2) => self.open(ctx),
            (Stage::Ending(_) | Stage::Closed, _) => {}
            _ => self.fail(ctx, "E_DATA_ORDER"),
        }
    }

    /// Media stops at once; the contact is judged by the room, once.
    pub(super) fn mismatch(&mut self, ctx: &mut Ctx<'_>, how: &'static str) {
        if core::mem::replace(&mut self.is_mismatch, true) {
            return;
        }
        ctx.media(MediaRequest::Stop);
        ctx.event(Event::Alert { contact: Some(ContactId(self.contact)), code: AlertCode::Mismatch });
        self.effects.push(Effect::Mismatched(how));
    }

    pub(super) fn maybe_open(&mut self, ctx: &mut Ctx<'_>) {
        // Gate G2 of a compared session opens only with the proof that both people found the same.
        if let Stage::Comparing(comparison) = &self.stage
            && let Ok(compared) = self.peer.compared(comparison.outcome())
        {
            self.effects.push(Effect::Compared(compared));
            self.open(ctx);
        }
    }

    pub(super) fn open(&mut self, ctx: &mut Ctx<'_>) {
        self.stage = Stage::Open;
        self.was_open = true;
        ctx.media(MediaRequest::Open);
        ctx.event(Event::Gate(Gate::G2));
        for (held, counter) in core::mem::take(&mut self.held_chat) {
            self.show_chat(ctx, held, counter);
        }
        self.open_files(ctx);
    }

    pub(crate) const fn gate(&self) -> Option<Gate> {
        match self.stage {
            Stage::NotAsked { .. } | Stage::Comparing(_) => Some(Gate::G1),
            Stage::Open => Some(Gate::G2),
            Stage::AwaitRelay { .. } | Stage::Connecting(_) | Stage::Binding { .. } => Some(Gate::G0),
            _ => None,
        }
    }

    pub(crate) fn chat(&mut self, ctx: &mut Ctx<'_>, text: &str) {
        if !matches!(self.stage, Stage::Open) {
            ctx.refuse("E_NOT_NOW");
            return;
        }
        if text.len() > MAX_TEXT {
            ctx.refuse("E_TOO_LONG");
            return;
        }
        let message = ChatMessage::Text(text.to_owned());
        if let Some(counter) = self.seal(ctx, TrackId::Chat, message.mtype(), &message.encode_data()) {
            self.sent_chat.push((counter, text.into()));
        }
    }

    pub(super) fn chat_message(&mut self, ctx: &mut Ctx<'_>, message: ChatMessage, counter: u64) {
        match &self.stage {
            Stage::Open => self.show_chat(ctx, message, counter),
            // What was on its way when somebody pressed End; nothing of a session that was never open.
            Stage::Ending(_) if self.was_open => self.show_chat(ctx, message, counter),
            Stage::Ending(_) => {}
            stage if awaits_result(stage) => {
                // The peer's chat may overtake its SAS_RESULT, which travels on another stream.
                let size = |message: &ChatMessage| message.encode_data().len();
                let held: usize = self.held_chat.iter().map(|(message, _)| size(message)).sum();
                if held + size(&message) > HELD_CHAT_LIMIT || self.held_chat.len() >= MOST_HELD_CHAT {
                    self.fail(ctx, "E_DATA_ORDER");
                } else {
                    self.held_chat.push((message, counter));
                }
            }
            _ => self.fail(ctx, "E_DATA_ORDER"),
        }
    }

    pub(super) fn show_chat(&mut self, ctx: &mut Ctx<'_>, message: ChatMessage, id: u64) {
        match message {
            ChatMessage::Text(text) => {
                ctx.event(Event::Chat { own: false, id, text: displayable(&text).into() });
                if matches!(self.stage, Stage::Open) {
                    let ack = ChatMessage::Ack(id);
                    self.seal(ctx, TrackId::Chat, ack.mtype(), &ack.encode_data());
                }
            }
            ChatMessage::Ack(id) => {
                if let Some(position) = self.sent_chat.iter().position(|(counter, _)| *counter == id) {
                    let (id, text) = self.sent_chat.remove(position);
                    ctx.event(Event::Chat { own: true, id, text });
                }
            }
        }
    }

    pub(crate) fn media_state(&mut self, ctx: &mut Ctx<'_>, audio: bool, camera: bool) {
        if self.is_bound() && !matches!(self.stage, Stage::Ending(_)) {
            self.control(ctx, &ControlMessage::MediaState { audio, camera, screen: false });
        }
    }

    /// The peer asks for a key frame, maybe by both ways: one of them is passed on.
    pub(super) fn keyframe_asked(&mut self, ctx: &mut Ctx<'_>, track: TrackId) {
        if ctx.now.mono_ms >= self.keyframe_next_ms {
            self.keyframe_next_ms = ctx.after(KEYFRAME_PAUSE_MS);
            ctx.media(MediaRequest::Keyframe(track));
        }
    }

    pub(crate) fn need_keyframe(&mut self, ctx: &mut Ctx<'_>, track: TrackId) {
        if self.is_bound() && !matches!(self.stage, Stage::Ending(_)) {
            // By RTCP each time. On the control track now and then, should somebody suppress that; not each time: where
            // packets are lost, a heap of old requests would stand before what a rekey or the end has to say.
            if ctx.now.mono_ms >= self.keyframe_record_ms {
                self.keyframe_record_ms = ctx.after(KEYFRAME_RECORD_PAUSE_MS);
                self.control(ctx, &ControlMessage::Keyframe { track: track as u8 });
            }
            if let Some(id) = self.transport {
                ctx.transport(id, TransportRequest::RequestKeyframe(track));
            }
        }
    }
}

/// Our own answer to the words is given, or was not asked for: the peer may be open already, and what it says then may
/// overtake its result. Before that it can't be (PROTOCOL §6.3).
pub(super) const fn awaits_result(stage: &Stage) -> bool {
    match stage {
        Stage::Comparing(comparison) => comparison.is_picked(),
        Stage::NotAsked { .. } => true,
        _ => false,
    }
}
