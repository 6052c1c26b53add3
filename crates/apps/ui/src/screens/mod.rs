//! One file per screen; each draws from what it is given and asks for things.

pub(crate) mod admitted;
pub(crate) mod bar;
pub(crate) mod clients;
pub(crate) mod compare;
pub(crate) mod computer;
pub(crate) mod contact;
pub(crate) mod devices;
pub(crate) mod ended;
mod fingerprint;
pub(crate) mod first_start;
pub(crate) mod help;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod listen;
pub(crate) mod new_client;
pub(crate) mod people;
pub(crate) mod room;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod standing;
pub(crate) mod unlock;
pub(crate) mod waiting;
pub(crate) mod welcome;

use sotto_session_api::{ContactId, Event};

use crate::interface::Place;

/// The interface's own state, screen by screen.
#[derive(Default)]
pub(crate) struct State {
    pub place: Place,
    pub first: first_start::FirstStart,
    pub unlock: unlock::Unlock,
    pub room: room::RoomState,
    pub new_client: new_client::NewClient,
    pub contact: contact::ContactPage,
    pub invite: invite::InvitePage,
    pub join: join::JoinState,
    pub waiting: waiting::WaitingState,
    pub compare: compare::CompareState,
    pub session: session::SessionState,
    pub listen: listen::ListenState,
    pub devices: devices::DevicesState,
    pub computer: computer::Computer,
    pub profile_failed: Option<String>,
    pub leave_now: bool,
}

impl State {
    /// What an event means for the screens.
    pub(crate) fn handle(&mut self, event: &Event) {
        self.computer.handle(event);
        match event {
            Event::Invited { contact, form, .. } => {
                self.new_client.busy = false;
                self.invite.making = false;
                if *form == sotto_session_api::InviteForm::Code {
                    self.place = Place::Invite(*contact);
                    self.new_client = new_client::NewClient::default();
                }
            }
            Event::Verify(verification) => self.compare.asked_again(verification),
            Event::Admitted(_) => {
                self.compare = compare::CompareState::default();
                self.session = session::SessionState::default();
                self.place = Place::Home;
                self.room.admitting = None;
            }
            Event::Refused { .. } => {
                if std::mem::take(&mut self.join.busy) {
                    // Back into the field: who types by keyboard would otherwise be nowhere.
                    self.join.opened = false;
                }
                self.new_client.busy = false;
                self.invite.making = false;
                self.room.admitting = None;
                self.compare.sent = false;
            }
            Event::PassphraseChanged => self.place = Place::Settings,
            Event::Keyring { .. } if self.place == Place::Keyring => self.place = Place::Settings,
            Event::Waiting(_) => {
                self.join = join::JoinState::default();
                self.place = Place::Home;
            }
            Event::Ended { .. } => {
                self.compare = compare::CompareState::default();
                self.session = session::SessionState::default();
                self.waiting = waiting::WaitingState::default();
                self.room.admitting = None;
                self.join.busy = false;
            }
            _ => {}
        }
    }
}

/// A number of a contact that may go into ids and salts.
pub(crate) const fn salt(contact: ContactId) -> u64 {
    contact.0
}
