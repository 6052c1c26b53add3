//! An engine that only pretends: it answers commands with the events that a session would bring.

use sotto_session_api::{
    Command, CompareReason, ContactId, ContactInfo, ContactState, EndReason, Event, Gate, InviteForm, KeyState,
    LinkState, Path, Phase, Pick, ProfileRole,
};
use sotto_ui::{Profile, Request};

use crate::{Desk, MORNING, scenes};

/// A contact that the fake makes.
const NEW: ContactId = ContactId(9);

/// What the pretended other side has done.
#[derive(Debug, Default)]
pub struct FakeEngine {
    /// Commands so far.
    pub commands: Vec<Command>,
    /// Everything else that was asked for, in words.
    pub others: Vec<String>,
}

impl FakeEngine {
    /// Carries out what was asked for since the last call.
    pub fn answer(&mut self, desk: &mut Desk) {
        for request in std::mem::take(&mut desk.requests) {
            match request {
                Request::Session(command) => {
                    self.commands.push(command.clone());
                    Self::command(desk, command);
                }
                Request::CreateProfile { role, .. } => Self::open(desk, role),
                Request::Unlock(_) => Self::open(desk, ProfileRole::Therapist),
                other => self.others.push(format!("{other:?}")),
            }
        }
    }

    fn open(desk: &mut Desk, role: ProfileRole) {
        desk.profile = Profile::Open;
        desk.snapshot.role = Some(role);
        desk.snapshot.online = true;
        desk.tell(&Event::Ready { role, fingerprint: None });
    }

    /// The client of the invite arrives.
    pub fn client_arrives(desk: &mut Desk) {
        desk.snapshot.waiting = vec![NEW];
        if let Some(contact) = desk.snapshot.contacts.iter_mut().find(|contact| contact.contact == NEW) {
            contact.state = ContactState::Unverified;
            contact.fingerprint = Some(scenes::FINGERPRINT.to_owned());
        }
        desk.tell(&Event::PeerWaiting { contact: NEW, key_state: KeyState::Unverified });
    }

    /// The therapist lets the client in.
    pub fn admit(desk: &mut Desk) {
        Self::compare(desk, NEW);
    }

    fn compare(desk: &mut Desk, contact: ContactId) {
        let is_therapist = desk.snapshot.role == Some(ProfileRole::Therapist);
        desk.snapshot.waiting.clear();
        desk.snapshot.contact = Some(contact);
        desk.tell(&Event::Admitted(contact));
        let mut verification = scenes::verification(CompareReason::First, is_therapist);
        verification.contact = contact;
        desk.tell(&Event::Verify(verification.clone()));
        desk.snapshot.phase = Phase::Comparing;
        desk.snapshot.gate = Some(Gate::G1);
        desk.snapshot.verification = Some(verification);
    }

    fn command(desk: &mut Desk, command: Command) {
        match command {
            Command::Invite { label, form: InviteForm::Code, .. } => {
                desk.snapshot.contacts.push(ContactInfo {
                    contact: NEW,
                    label,
                    state: ContactState::Invited,
                    fingerprint: None,
                    verified_at: None,
                    compare_on_change: false,
                });
                desk.tell(&Event::Invited {
                    contact: NEW,
                    text: "471193-artist-paperweight-cobra-hideaway".to_owned(),
                    form: InviteForm::Code,
                    expires: MORNING.unix + 1800,
                });
            }
            Command::CompareWhen { contact, on_change } => {
                for info in desk.snapshot.contacts.iter_mut().filter(|info| info.contact == contact) {
                    info.compare_on_change = on_change;
                }
            }
            Command::JoinInvite(_) => {
                desk.snapshot.contacts.push(ContactInfo {
                    contact: NEW,
                    label: String::new(),
                    state: ContactState::Unverified,
                    fingerprint: Some(scenes::FINGERPRINT.to_owned()),
                    verified_at: None,
                    compare_on_change: false,
                });
                desk.snapshot.phase = Phase::Waiting;
                desk.snapshot.contact = Some(NEW);
                desk.tell(&Event::Waiting(NEW));
            }
            Command::Admit(contact) => Self::compare(desk, contact),
            Command::Verify(Pick::NoneOfThese) => {
                desk.snapshot.phase = Phase::Idle;
                desk.snapshot.verification = None;
                desk.tell(&Event::Ended { reason: EndReason::Mismatch, complete: true });
            }
            Command::Verify(_) => {
                desk.snapshot.phase = Phase::Open;
                desk.snapshot.gate = Some(Gate::G2);
                desk.snapshot.verification = None;
                desk.snapshot.link = Some(LinkState::Connected);
                desk.snapshot.path = Some(Path::Relayed);
                desk.tell(&Event::Gate(Gate::G2));
                desk.tell(&Event::Link { state: LinkState::Connected, path: Some(Path::Relayed), side: None });
            }
            Command::Mute { track, on } => match track {
                sotto_session_api::MediaTrack::Audio => desk.snapshot.audio_muted = on,
                _ => desk.snapshot.camera_muted = on,
            },
            Command::Chat(text) => desk.tell(&Event::Chat { own: true, id: 1, text: text.into() }),
            Command::End => {
                desk.snapshot.phase = Phase::Idle;
                desk.snapshot.contact = None;
                desk.tell(&Event::Ended { reason: EndReason::Normal, complete: true });
            }
            _ => {}
        }
    }
}
