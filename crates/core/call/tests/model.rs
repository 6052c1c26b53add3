//! Contacts and invites of two rooms against a model of PROTOCOL §6.3, §6.4 and §11, over long random lives.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use sotto_identity::records::VerificationState::{self, Mismatch, Unverified, Verified};
use sotto_session_api::{Command, ContactId, Event, Gate, InviteForm, Pick};
use sotto_sim::{Duo, SeededRng, Who};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];
const SEEDS: u64 = 60;
const STEPS: usize = 40;
/// Between steps: codes live for five of them, links for many.
const STEP_MS: u64 = 6 * 60_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    Fresh,
    Used,
    Dead,
}

struct Invite {
    contact: ContactId,
    text: String,
    form: InviteForm,
    life: Life,
    expires_ms: u64,
    /// For a contact that was there.
    again: bool,
}

struct World {
    duo: Duo,
    rng: SeededRng,
    now_ms: u64,
    invites: Vec<Invite>,
    /// Therapist's contact → client's contact and state.
    contacts: BTreeMap<u64, (u64, VerificationState)>,
    story: Vec<String>,
}

impl World {
    fn run_for(&mut self, ms: u64) {
        self.duo.run_for(ms);
        self.now_ms += ms;
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.rng.below(from.len() as u64) as usize])
    }

    fn told(&self, who: Who) -> usize {
        self.duo.side(who).events.len()
    }

    fn since(&self, who: Who, told: usize, fits: impl Fn(&Event) -> bool) -> bool {
        self.duo.side(who).events[told..].iter().any(fits)
    }

    fn invite(&mut self, again: Option<ContactId>) {
        let form = if self.rng.below(2) == 0 { InviteForm::Code } else { InviteForm::Link };
        let told = self.told(Who::Therapist);
        self.duo.command(
            Who::Therapist,
            match again {
                None => Command::Invite { label: "x".into(), form, minutes: None },
                Some(contact) => Command::Relink { contact, form, minutes: None },
            },
        );
        self.run_for(1_000);
        let made = self.duo.side(Who::Therapist).events[told..].iter().find_map(|event| match event {
            Event::Invited { contact, text, .. } => Some((*contact, text.clone())),
            _ => None,
        });
        let (contact, text) = made.unwrap_or_else(|| panic!("no invite: {:?}", self.story));
        let lives_ms = if form == InviteForm::Code { 30 * 60_000 } else { 7 * 24 * 3_600_000 };
        let expires_ms = self.now_ms + lives_ms;
        self.story.push(format!("invite {form:?} again {again:?}"));
        self.invites.push(Invite { contact, text, form, life: Life::Fresh, expires_ms, again: again.is_some() });
    }

    /// The client uses an invite, whatever became of it; then they compare or part.
    fn join(&mut self, index: usize) {
        let Invite { contact, ref text, life, expires_ms, again, form } = self.invites[index];
        let is_good = life == Life::Fresh && self.now_ms < expires_ms;
        let known = self.contacts.get(&contact.0).copied().filter(|_| again);
        let command = match known {
            Some((at_client, _)) => Command::Rejoin { contact: ContactId(at_client), invite: text.clone() },
            None => Command::JoinInvite(text.clone()),
        };
        self.story.push(format!("join {form:?} {life:?} in time {} again {again}", self.now_ms < expires_ms));
        let told = self.told(Who::Client);
        self.duo.command(Who::Client, command);
        self.run_for(20_000);
        let waits = self.since(Who::Client, told, |event| matches!(event, Event::Waiting(_)));
        assert_eq!(waits, is_good, "{:?}\n{:?}", self.story, self.duo.codes(Who::Client));
        if !waits {
            self.duo.command(Who::Client, Command::End);
            return;
        }
        let at_client = self.duo.waiting().unwrap().0;
        self.invites[index].life = Life::Used;
        if let Some((known, _)) = known {
            assert_eq!(at_client, known, "the same two keys are one contact: {:?}", self.story);
        }
        // A link tells the client whom it is from: somebody who is known is met with the key that is known.
        let first = self.contacts.iter().min_by_key(|(_, (at_client, _))| *at_client).map(|(id, _)| ContactId(*id));
        let contact = if again || form == InviteForm::Code { contact } else { first.unwrap_or(contact) };
        if let Some((known, _)) = self.contacts.get(&contact.0) {
            assert_eq!(at_client, *known, "{:?}", self.story);
        }
        for invite in &mut self.invites {
            if invite.contact == contact && invite.life == Life::Fresh {
                invite.life = Life::Dead; // whoever has come needs no other
            }
        }
        self.contacts.insert(contact.0, (at_client, Unverified));
        self.meet(contact);
    }

    fn join_contact(&mut self, contact: ContactId) {
        let (at_client, state) = self.contacts[&contact.0];
        self.story.push(format!("join contact {state:?}"));
        let told = self.told(Who::Client);
        self.duo.command(Who::Therapist, Command::Listen(None));
        self.duo.command(Who::Client, Command::JoinContact(ContactId(at_client)));
        self.run_for(20_000);
        let waits = self.since(Who::Client, told, |event| matches!(event, Event::Waiting(_)));
        assert_eq!(waits, state != Mismatch, "{:?}\n{:?}", self.story, self.duo.codes(Who::Client));
        if waits {
            self.meet(contact);
        }
    }

    /// In the waiting room: nothing, a match, or a mismatch.
    fn meet(&mut self, contact: ContactId) {
        let (at_client, state) = self.contacts[&contact.0];
        let told = BOTH.map(|who| self.told(who));
        match self.rng.below(4) {
            0 => {
                self.story.push("denied".into());
                self.duo.command(Who::Therapist, Command::Deny(contact));
            }
            // A verified contact would get another try: that has a test of its own, in `lying_peer.rs`.
            1 if state == Unverified => {
                self.story.push("different".into());
                self.duo.admit(contact);
                // Once is asked again, twice is a mismatch.
                for _ in 0..2 {
                    self.duo.command(Who::Therapist, Command::Verify(Pick::NoneOfThese));
                    self.run_for(2_000);
                }
                self.contacts.insert(contact.0, (at_client, Mismatch));
            }
            _ => {
                self.story.push("same".into());
                self.duo.admit(contact);
                for (who, told) in BOTH.into_iter().zip(told) {
                    let opened = self.since(who, told, |event| *event == Event::Gate(Gate::G2));
                    assert!(!opened, "open before words were compared: {:?}", self.story);
                }
                self.duo.compare();
                let codes = BOTH.map(|who| self.duo.codes(who));
                assert_eq!(BOTH.map(|who| self.duo.gate(who)), [Some(Gate::G2); 2], "{:?} {codes:?}", self.story);
                self.contacts.insert(contact.0, (at_client, Verified));
                self.duo.command(Who::Client, Command::End);
            }
        }
        self.run_for(5_000);
    }

    fn step(&mut self) {
        let fresh: Vec<usize> = (0..self.invites.len()).filter(|i| self.invites[*i].life == Life::Fresh).collect();
        let all: Vec<usize> = (0..self.invites.len()).collect();
        let known: Vec<u64> = self.contacts.keys().copied().collect();
        match self.rng.below(10) {
            0 | 1 => self.invite(None),
            2 | 3 => {
                if let Some(index) = self.pick(&fresh) {
                    self.join(index);
                }
            }
            4 => {
                if let Some(index) = self.pick(&all) {
                    self.join(index);
                }
            }
            5 => {
                if let Some(contact) = self.pick(&known) {
                    self.join_contact(ContactId(contact));
                }
            }
            6 => {
                if let Some(contact) = self.pick(&known)
                    && !self.invites.iter().any(|i| i.again && i.contact.0 == contact && i.life == Life::Fresh)
                {
                    self.invite(Some(ContactId(contact)));
                }
            }
            7 => {
                if let Some(index) = self.pick(&fresh) {
                    self.story.push("withdraw".into());
                    let contact = self.invites[index].contact;
                    self.duo.command(Who::Therapist, Command::Withdraw(contact));
                    for invite in self.invites.iter_mut().filter(|i| i.contact == contact && i.life == Life::Fresh) {
                        invite.life = Life::Dead;
                    }
                }
            }
            8 => {
                if let Some(contact) = self.pick(&known) {
                    self.story.push("forget".into());
                    let (at_client, _) = self.contacts.remove(&contact).unwrap();
                    self.duo.command(Who::Therapist, Command::Forget(ContactId(contact)));
                    self.duo.command(Who::Client, Command::Forget(ContactId(at_client)));
                    for invite in self.invites.iter_mut().filter(|i| i.contact.0 == contact) {
                        invite.life = Life::Dead;
                    }
                }
            }
            _ => {
                let who = BOTH[self.rng.below(2) as usize];
                self.story.push(format!("restart {who:?}"));
                self.duo.restart(who);
                if who == Who::Therapist {
                    // A code lives as long as the program that shows it.
                    for invite in self.invites.iter_mut().filter(|i| i.form == InviteForm::Code) {
                        invite.life = if invite.life == Life::Fresh { Life::Dead } else { invite.life };
                    }
                }
            }
        }
        self.run_for(STEP_MS);
    }

    /// What is on both disks is what the model says.
    fn check(&self) {
        let disk = |who: Who| -> BTreeMap<u64, VerificationState> {
            self.duo.side(who).contacts.values().filter(|c| !c.pairing).map(|c| (c.id, c.state)).collect()
        };
        let therapist: BTreeMap<u64, _> = self.contacts.iter().map(|(id, (_, state))| (*id, *state)).collect();
        assert_eq!(disk(Who::Therapist), therapist, "{:?}", self.story);
        let client: BTreeMap<u64, _> = self.contacts.values().copied().collect();
        assert_eq!(disk(Who::Client), client, "{:?}", self.story);
    }
}

#[test]
fn contacts_and_invites_live_as_the_model_says() {
    for seed in 0..SEEDS {
        let mut world = World {
            duo: Duo::new(seed),
            rng: SeededRng::new(seed ^ 0x40D31),
            now_ms: 0,
            invites: Vec::new(),
            contacts: BTreeMap::new(),
            story: vec![format!("seed {seed}")],
        };
        for _ in 0..STEPS {
            world.step();
            world.check();
        }
    }
}
