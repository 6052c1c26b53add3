//! What the interface has learned from events and the snapshot does not hold.

use std::collections::{BTreeMap, VecDeque};

use sotto_session_api::{
    AlertCode, Command, ContactId, ContactState, EndReason, Event, FileStage, Gate, InviteForm, KeyState, LinkState,
    MediaDirection, MediaTrack, Path, ProfileRole, Severity, Snapshot, Stats,
};
use zeroize::Zeroizing;

use crate::dates::Clock;

/// An invite that was made since the window opened.
#[derive(Clone, PartialEq)]
pub struct MadeInvite {
    /// The contact it will become.
    pub contact: ContactId,
    /// The contact whose page it was made from, where it is the second form of one invite.
    pub sibling: Option<ContactId>,
    /// Label.
    pub label: String,
    /// Code or link: a secret.
    pub text: Zeroizing<String>,
    /// Which.
    pub form: InviteForm,
    /// Unix seconds.
    pub expires: u64,
    /// The same moment by the clock that never jumps, as of when it was made.
    pub until: f64,
    /// Wrong tries so far, and how many there may be.
    pub tries: Option<(u8, u8)>,
    /// Uses that were begun and broken off, and how many there may be.
    pub broken_off: Option<(u8, u8)>,
    /// Burned.
    pub burned: bool,
    /// For a contact that was there already.
    pub again: bool,
}

impl MadeInvite {
    /// Whether it works no longer: too many tries, or its time is up by one of the two clocks.
    pub(crate) fn is_over(&self, clock: Clock) -> bool {
        self.burned || clock.unix >= self.expires || clock.mono >= self.until
    }
}

/// What waits for an [`Event::Invited`].
#[derive(Clone)]
pub(crate) struct Expected {
    pub label: String,
    pub form: InviteForm,
    pub sibling: Option<ContactId>,
    pub again: bool,
}

/// A client in the waiting room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit {
    /// When they came.
    pub since: f64,
    /// What is known of their key.
    pub key_state: KeyState,
}

/// A line of the chat.
#[derive(Clone)]
pub struct ChatLine {
    /// Ours.
    pub own: bool,
    /// Not yet acknowledged by the other computer.
    pub on_its_way: bool,
    /// Text.
    pub text: Zeroizing<String>,
}

/// How the last session ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Why.
    pub reason: EndReason,
    /// Both transcripts agree.
    pub complete: bool,
    /// With whom.
    pub contact: Option<ContactId>,
    /// Unix seconds.
    pub at: u64,
}

/// Something that stays on screen until it is solved or understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A sentence of `session_api::sentences`.
    Code(&'static str, Severity),
    /// An alert, about a contact where known.
    Alert(AlertCode, Option<ContactId>),
}

/// All of it.
#[derive(Default)]
pub struct Memory {
    /// A therapist's own fingerprint.
    pub own_fingerprint: Option<String>,
    /// The profile opens only with a key in the system's keyring too.
    pub keyring: bool,
    /// Invites of this run.
    pub invites: Vec<MadeInvite>,
    pub(crate) expected: VecDeque<Expected>,
    /// Who waits since when.
    pub visits: BTreeMap<ContactId, Visit>,
    /// Client: in the waiting room since.
    pub waiting_since: Option<f64>,
    /// Client: went back from a session to the waiting room.
    pub was_put_back: bool,
    /// Client: was told "not now".
    pub denied: bool,
    /// Contact of the present or coming session.
    pub session_contact: Option<ContactId>,
    /// A comparison was shown in this session.
    pub was_compared: bool,
    /// Verified before this session, unix seconds.
    pub verified_before: Option<u64>,
    /// Gate G2 was reached, by the jumping and by the steady clock.
    pub open_since: Option<(f64, u64)>,
    /// State of the connection and since when.
    pub link: Option<(LinkState, f64)>,
    /// Whose network is weak: `"own"` or `"theirs"`.
    pub weak_side: Option<&'static str>,
    /// Way of the media.
    pub path: Option<Path>,
    /// The other person's microphone is off.
    pub their_sound_off: bool,
    /// The other person's camera is off.
    pub their_camera_off: bool,
    /// Chat of this session.
    pub chat: Vec<ChatLine>,
    /// The other side has written since the panel was last open.
    pub chat_unread: bool,
    /// Figures of this session.
    pub stats: Option<Box<Stats>>,
    /// How the last session ended, until it is put away.
    pub outcome: Option<Outcome>,
    /// What stands on screen, latest last.
    pub standing: Vec<Standing>,
    /// Why the join did not work.
    pub join_refused: Option<&'static str>,
    /// The engine is there since; the server is not called missing before it could answer.
    pub ready_since: f64,
    /// Missing devices, as the engine reports them.
    pub no_camera: bool,
    /// No microphone.
    pub no_microphone: bool,
    /// An invite may have become another contact than the one it was made for.
    look_for_used: bool,
    /// Commands to send with the next frame.
    pub(crate) commands: Vec<Command>,
}

impl Memory {
    /// Takes one event in.
    pub(crate) fn handle(&mut self, event: &Event, clock: Clock) {
        match event {
            Event::Ready { role, fingerprint } => {
                self.own_fingerprint.clone_from(fingerprint);
                self.ready_since = clock.mono;
                self.commands.push(Command::Contacts);
                if *role == ProfileRole::Therapist {
                    self.commands.push(Command::Listen(None));
                }
            }
            Event::Keyring { on } => self.keyring = *on,
            Event::File(file) => {
                // The other side may be a program that can send them; it must not wait for an answer that nobody can give.
                if file.stage == FileStage::Offered && !file.own {
                    self.commands.push(Command::RefuseFile(file.id));
                }
            }
            Event::Invited { contact, text, form, expires } => self.invited(*contact, text, *form, *expires, clock),
            Event::Waiting(contact) => {
                self.session_contact = Some(*contact);
                self.waiting_since.get_or_insert(clock.mono);
                self.join_refused = None;
                self.denied = false;
            }
            Event::PeerWaiting { contact, key_state } => {
                let visit = self.visits.entry(*contact).or_insert(Visit { since: clock.mono, key_state: *key_state });
                visit.key_state = *key_state;
                self.came_through(*contact, *key_state);
            }
            Event::PeerLeft(contact) => {
                self.visits.remove(contact);
            }
            Event::Admitted(contact) => self.session_begins(*contact),
            Event::Denied(contact) => {
                self.visits.remove(contact);
                self.denied = true;
                self.waiting_since = None;
            }
            Event::PutBack(_) => {
                self.session_is_over();
                self.was_put_back = true;
                self.waiting_since = Some(clock.mono);
            }
            Event::Verify(_) => self.was_compared = true,
            Event::Gate(Gate::G2) => {
                self.open_since.get_or_insert((clock.mono, clock.unix));
            }
            Event::Media { track, direction: MediaDirection::In, muted, .. } => match track {
                MediaTrack::Audio => self.their_sound_off = *muted,
                MediaTrack::Camera => self.their_camera_off = *muted,
                MediaTrack::Screen => {}
            },
            Event::Link { state, path, side } => {
                if self.link.is_none_or(|(old, _)| old != *state) {
                    self.link = Some((*state, clock.mono));
                }
                self.path = path.or(self.path);
                self.weak_side = *side;
            }
            Event::Chat { own, text, .. } => self.chat(*own, text),
            Event::Stats(stats) => {
                self.path = stats.path.or(self.path);
                self.stats = Some(stats.clone());
            }
            Event::Alert { contact, code } => self.alert(*contact, code),
            Event::Notice(notice) => self.notice(notice.code, notice.severity),
            Event::Ended { reason, complete } => {
                let told = self.session_contact.filter(|_| self.open_since.is_some() || self.was_compared);
                let worth_telling = told.is_some() || !matches!(reason, EndReason::Normal | EndReason::Denied);
                self.outcome = worth_telling.then_some(Outcome {
                    reason: *reason,
                    complete: *complete,
                    contact: self.session_contact,
                    at: clock.unix,
                });
                self.denied |= *reason == EndReason::Denied;
                if let Some(contact) = self.session_contact.take() {
                    self.visits.remove(&contact);
                }
                self.session_is_over();
                self.waiting_since = None;
            }
            Event::Refused { code, .. } => self.refused(code),
            Event::Listening(_)
            | Event::Gate(_)
            | Event::Media { .. }
            | Event::Contacts(_)
            | Event::Log(_)
            | Event::PassphraseChanged
            | Event::Exported { .. }
            | Event::Stopped => {}
        }
    }

    /// Keeps when the present contact was compared before: this session's own comparison replaces it in the snapshot.
    pub(crate) fn remember_keys(&mut self, snapshot: &Snapshot) {
        if core::mem::take(&mut self.look_for_used) {
            let is_there = |contact| snapshot.contacts.iter().any(|info| info.contact == contact);
            self.invites.retain(|invite| invite.burned || is_there(invite.contact));
        }
        if self.open_since.is_none() && self.verified_before.is_none() && self.session_contact.is_some() {
            let info = snapshot.contacts.iter().find(|info| Some(info.contact) == self.session_contact);
            self.verified_before =
                info.filter(|info| info.state == ContactState::Verified).and_then(|info| info.verified_at);
        }
    }

    fn invited(&mut self, contact: ContactId, text: &str, form: InviteForm, expires: u64, clock: Clock) {
        let place = self.expected.iter().position(|expected| expected.form == form);
        let expected = place.and_then(|place| self.expected.remove(place));
        let (label, sibling, again) =
            expected.map_or_else(Default::default, |expected| (expected.label, expected.sibling, expected.again));
        self.invites.push(MadeInvite {
            contact,
            sibling,
            label,
            text: Zeroizing::new(text.to_owned()),
            form,
            expires,
            until: clock.mono + expires.saturating_sub(clock.unix) as f64,
            tries: None,
            broken_off: None,
            burned: false,
            again,
        });
    }

    /// Someone came with an invite: its other form must not let a second person in.
    fn came_through(&mut self, contact: ContactId, key_state: KeyState) {
        let Some(used) = self.invites.iter().find(|invite| invite.contact == contact).cloned() else {
            // Maybe somebody who is known, by an invite that was made for somebody new.
            self.look_for_used = true;
            return;
        };
        if used.again && key_state == KeyState::Verified {
            return; // by the keys from before: the new invite still waits
        }
        self.invites.retain(|invite| invite.contact != contact);
        let others: Vec<ContactId> = self
            .invites
            .iter()
            .filter(|other| other.sibling == Some(contact) || used.sibling == Some(other.contact))
            .map(|other| other.contact)
            .collect();
        self.invites.retain(|invite| !others.contains(&invite.contact));
        self.commands.extend(others.into_iter().map(Command::Withdraw));
    }

    fn session_begins(&mut self, contact: ContactId) {
        self.session_is_over();
        self.session_contact = Some(contact);
        self.outcome = None;
        self.was_put_back = false;
        self.visits.remove(&contact);
    }

    /// Forgets what belonged to one session; chat texts are erased when dropped.
    fn session_is_over(&mut self) {
        self.was_compared = false;
        self.verified_before = None;
        self.open_since = None;
        self.link = None;
        self.weak_side = None;
        self.path = None;
        self.their_sound_off = false;
        self.their_camera_off = false;
        self.chat.clear();
        self.chat_unread = false;
        self.stats = None;
        self.standing.clear();
    }

    fn chat(&mut self, own: bool, text: &str) {
        if own && let Some(line) = self.chat.iter_mut().find(|line| line.own && line.on_its_way) {
            line.on_its_way = false;
            return;
        }
        self.chat_unread |= !own;
        self.chat.push(ChatLine { own, on_its_way: false, text: Zeroizing::new(text.to_owned()) });
    }

    fn alert(&mut self, contact: Option<ContactId>, code: &AlertCode) {
        let invite = self.invites.iter_mut().find(|invite| Some(invite.contact) == contact);
        match (code, invite) {
            (AlertCode::WrongCode { n, of }, Some(invite)) => invite.tries = Some((*n, *of)),
            (AlertCode::BrokenOff { n, of }, Some(invite)) => invite.broken_off = Some((*n, *of)),
            (AlertCode::Burned, Some(invite)) => invite.burned = true,
            // The outcome's own screen tells it.
            (AlertCode::Mismatch, _) => {}
            _ => self.stand(Standing::Alert(*code, contact)),
        }
    }

    fn notice(&mut self, code: &'static str, severity: Severity) {
        match code {
            "no-camera" => self.no_camera = true,
            "no-microphone" => self.no_microphone = true,
            _ => {}
        }
        self.stand(Standing::Code(code, severity));
    }

    fn refused(&mut self, code: &'static str) {
        if let Some(line) = self.chat.iter().rposition(|line| line.on_its_way)
            && matches!(code, "E_TOO_LONG" | "E_NO_SESSION" | "E_NOT_NOW")
        {
            self.chat.remove(line);
        }
        self.expected.clear();
        self.join_refused = Some(code);
        self.stand(Standing::Code(code, Severity::Warning));
    }

    pub(crate) fn stand(&mut self, what: Standing) {
        self.standing.retain(|old| match (old, &what) {
            (Standing::Code(old, _), Standing::Code(new, _)) => old != new,
            (old, new) => old != new,
        });
        self.standing.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invite_is_over_by_the_first_of_both_clocks() {
        let made = Clock { mono: 100.0, unix: 1_800_000_000, utc_offset: 0 };
        let after = |mono: f64, unix: i64| {
            let clock = Clock { mono: made.mono + mono, unix: made.unix.saturating_add_signed(unix), ..made };
            let mut memory = Memory::default();
            let (text, form) = ("4711-a-b-c-d".into(), InviteForm::Code);
            memory.handle(&Event::Invited { contact: ContactId(1), text, form, expires: made.unix + 1_800 }, made);
            memory.invites.iter().map(|invite| invite.is_over(clock)).collect::<Vec<_>>()
        };
        assert_eq!(after(1_799.0, 1_799), [false]);
        assert_eq!(after(1_799.0, -86_400), [false]);
        assert_eq!(after(1_800.0, 1_800 - 86_400), [true], "the clock was set back");
        assert_eq!(after(10.0, 1_800), [true], "the clock was set forward");
    }
}
