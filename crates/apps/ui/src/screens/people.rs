//! How people and keys are named on every screen.

use egui::Color32;
use sotto_session_api::{ContactId, ContactInfo, ContactState, KeyState};

use crate::{
    icons::{self, Icon},
    interface::Screen,
    texts::fill,
    widgets::Tone,
};

impl Screen<'_> {
    pub(crate) fn contact(&self, contact: ContactId) -> Option<&ContactInfo> {
        self.model.snapshot.contacts.iter().find(|info| info.contact == contact)
    }

    /// The label of a contact; a client's therapist may have none.
    pub(crate) fn label(&self, contact: Option<ContactId>) -> String {
        let known = contact.and_then(|contact| self.contact(contact)).map(|info| info.label.trim().to_owned());
        let made = || {
            let invite = self.memory.invites.iter().find(|invite| Some(invite.contact) == contact);
            invite.map(|invite| invite.label.clone())
        };
        known.or_else(made).filter(|label| !label.is_empty()).unwrap_or_else(|| self.t.your_therapist.to_owned())
    }

    /// A date, as `24 February`.
    pub(crate) fn date(&self, unix: u64) -> String {
        self.model.clock.local(unix).date(self.language())
    }

    pub(crate) fn time(&self, unix: u64) -> String {
        self.model.clock.local(unix).time()
    }

    /// Contacts to show: the second form of an invite is not a second person.
    pub(crate) fn people(&self) -> Vec<ContactInfo> {
        let second = |info: &&ContactInfo| {
            let invite = self.memory.invites.iter().find(|invite| invite.contact == info.contact);
            !(info.state == ContactState::Invited && invite.is_some_and(|invite| invite.sibling.is_some()))
        };
        self.model.snapshot.contacts.iter().filter(second).cloned().collect()
    }

    /// Mark, colour, words and second line of a contact's state.
    pub(crate) fn state_of(&self, info: &ContactInfo) -> (Icon, Color32, &'static str, String) {
        let (t, theme) = (self.t, self.theme);
        match info.state {
            ContactState::Invited => (icons::CLOCK_FILL, theme.ink2, t.state_invited, t.second_invited.to_owned()),
            ContactState::Pairing => (icons::CLOCK_FILL, theme.ink2, t.state_pairing, t.second_pairing.to_owned()),
            ContactState::Unverified => {
                (icons::SHIELD_WARNING_FILL, theme.warn, t.state_unverified, t.second_unverified.to_owned())
            }
            ContactState::Verified => {
                let second = info
                    .verified_at
                    .map_or_else(|| t.second_verified_some.to_owned(), |at| fill(t.second_verified, &[&self.date(at)]));
                (icons::SHIELD_CHECK_FILL, theme.ok, t.state_verified, second)
            }
            ContactState::Mismatch => {
                (icons::X_CIRCLE_FILL, theme.danger, t.state_mismatch, t.second_mismatch.to_owned())
            }
        }
    }

    /// Chip of a waiting client's key.
    pub(crate) fn key_chip(&self, contact: ContactId, key_state: KeyState) -> (Tone, Icon, String) {
        match key_state {
            KeyState::Verified => {
                let at = self.contact(contact).and_then(|info| info.verified_at);
                let text =
                    at.map_or_else(|| self.t.same_keys.to_owned(), |at| fill(self.t.same_keys_as, &[&self.date(at)]));
                (Tone::Ok, icons::SHIELD_CHECK_FILL, text)
            }
            KeyState::Unverified => (Tone::Warn, icons::SHIELD_WARNING_FILL, self.t.new_compare.to_owned()),
            KeyState::ContinuityLost => (Tone::Warn, icons::SHIELD_WARNING_FILL, self.t.continuity_lost.to_owned()),
        }
    }

    /// "just now", "1 minute", "n minutes" in the given three sentences.
    pub(crate) fn since(&self, mono: f64, now: &str, one: &str, many: &str) -> String {
        let minutes = ((self.model.clock.mono - mono).max(0.0) / 60.0) as u64;
        match minutes {
            0 => now.to_owned(),
            1 => one.to_owned(),
            n => fill(many, &[&n.to_string()]),
        }
    }
}
