//! Contacts and invites of two rooms against a model of PROTOCOL §6.3, §6.4 and §11, over long random lives.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use sotto_identity::records::VerificationState::{self, Mismatch, Unverified, Verified};
use sotto_session_api::{AlertCode, Command, ContactId, Event, Gate, InviteForm, Pick};
use sotto_sim::{Duo, SeededRng, Who};
use sotto_wire::CellType;

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
    /// Wrong codes so far, of three.
    wrong: u8,
    /// Answers to HS1: each is a look at the therapist's words. Of a code all runs, of five; of a link ten are given.
    looks: u8,
    /// For a contact that was there.
    again: bool,
}

/// What the server between them does and sees.
#[derive(Default)]
struct Wire {
    /// It keeps HS3 back.
    cuts: Cell<bool>,
    hs1: Cell<u8>,
    hs2: Cell<u8>,
}

struct World {
    duo: Duo,
    wire: Rc<Wire>,
    rng: SeededRng,
    now_ms: u64,
    invites: Vec<Invite>,
    /// Therapist's contact → client's contact and state.
    contacts: BTreeMap<u64, (u64, VerificationState)>,
    /// Contacts of which the client holds a record from before the last session: continuity is lost (§4.7).
    stale: BTreeSet<u64>,
    /// How often what happened, so that a life without it is noticed.
    seen: BTreeMap<&'static str, u32>,
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

    fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    fn alerted(&self, who: Who, told: usize, code: AlertCode) -> bool {
        self.since(who, told, |event| matches!(event, Event::Alert { code: said, .. } if *said == code))
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
        self.invites.push(Invite {
            contact,
            text,
            form,
            life: Life::Fresh,
            expires_ms,
            wrong: 0,
            looks: 0,
            again: again.is_some(),
        });
    }

    /// The client uses an invite, whatever became of it; then they compare or part.
    fn join(&mut self, index: usize) {
        let Invite { contact, ref text, life, expires_ms, again, form, .. } = self.invites[index];
        let is_good = self.is_good(index);
        let known = self.contacts.get(&contact.0).copied().filter(|_| again);
        let command = match known {
            Some((at_client, _)) => Command::Rejoin { contact: ContactId(at_client), invite: text.clone() },
            None => Command::JoinInvite(text.clone()),
        };
        self.story.push(format!("join {form:?} {life:?} in time {} again {again}", self.now_ms < expires_ms));
        let told = BOTH.map(|who| self.told(who));
        self.duo.command(Who::Client, command);
        self.run_for(20_000);
        let waits = self.since(Who::Client, told[0], |event| matches!(event, Event::Waiting(_)));
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
        // New secrets: there is no continuity that could be lost.
        self.stale.remove(&contact.0);
        self.expect_continuity(told, false);
        self.meet(contact);
    }

    fn is_good(&self, index: usize) -> bool {
        self.invites[index].life == Life::Fresh && self.now_ms < self.invites[index].expires_ms
    }

    /// A good code that is typed wrong in one word: told to both with its number, and the third burns the code.
    fn mistype(&mut self, index: usize) {
        let Invite { ref text, wrong, looks, .. } = self.invites[index];
        self.story.push(format!("mistype after {wrong}"));
        let mut words: Vec<&str> = text.split('-').collect();
        words[2] = if words[2].eq_ignore_ascii_case("paperweight") { "hideaway" } else { "paperweight" };
        let told = BOTH.map(|who| self.told(who));
        self.duo.command(Who::Client, Command::JoinInvite(words.join("-")));
        self.run_for(20_000);
        assert!(!self.since(Who::Client, told[0], |event| matches!(event, Event::Waiting(_))), "{:?}", self.story);
        assert_eq!(self.duo.codes(Who::Client).last(), Some(&"E_CODE_WRONG"), "{:?}", self.story);
        let nth = |n: &u8| self.alerted(Who::Therapist, told[1], AlertCode::WrongCode { n: *n, of: 3 });
        assert_eq!((0..=9).filter(nth).collect::<Vec<_>>(), [wrong + 1], "{:?}", self.story);
        let burns = wrong == 2 || looks == 4;
        assert_eq!(self.alerted(Who::Therapist, told[1], AlertCode::Burned), burns, "{:?}", self.story);
        self.invites[index].wrong += 1;
        self.invites[index].looks += 1;
        self.count("wrong");
        if burns {
            self.invites[index].life = Life::Dead;
            self.count("burned");
        }
        self.duo.command(Who::Client, Command::End);
    }

    /// Somebody who has a good invite begins and never proves a key: a server that keeps HS3 back does the same. Each
    /// answer was a look at the words, so they are counted, told, and end.
    fn break_off(&mut self, index: usize) {
        let Invite { ref text, form, wrong, looks, .. } = self.invites[index];
        self.story.push(format!("break off {form:?} after {looks}"));
        self.wire.cuts.set(true);
        self.wire.hs1.set(0);
        self.wire.hs2.set(0);
        let told = self.told(Who::Therapist);
        self.duo.command(Who::Client, Command::JoinInvite(text.clone()));
        self.run_for(90_000);
        self.duo.command(Who::Client, Command::End);
        self.run_for(30_000);
        self.wire.cuts.set(false);
        // It was somebody else: nothing of it is on the client's disk.
        self.duo.sides[0].contacts.retain(|_, contact| !contact.pairing);
        self.duo.restart(Who::Client);
        let (begun, answered) = (self.wire.hs1.get(), self.wire.hs2.get());
        let most = if form == InviteForm::Code { 5 } else { 10 };
        let given = begun.min(most - looks);
        // A code ends with its fifth run, a link with the eleventh that begins.
        let burns = if form == InviteForm::Code { looks + given == most } else { looks + begun > most };
        assert_eq!(self.alerted(Who::Therapist, told, AlertCode::Burned), burns, "{begun}: {:?}", self.story);
        // The eleventh of a link gets no answer; whoever comes after it is told that the link is gone.
        let told_gone = if form == InviteForm::Link { (looks + begun).saturating_sub(most + 1) } else { 0 };
        assert!(begun > 0 && answered == given + told_gone, "{begun} {answered}: {:?}", self.story);
        let said: Vec<u8> = self.duo.side(Who::Therapist).events[told..]
            .iter()
            .filter_map(|event| match event {
                Event::Alert { code: AlertCode::BrokenOff { n, of }, .. } if *of == most => Some(*n),
                _ => None,
            })
            .collect();
        assert_eq!(said, (looks + 1..=looks + given).collect::<Vec<_>>(), "{wrong} wrong: {:?}", self.story);
        self.invites[index].looks += given;
        self.count("broken off");
        if burns {
            self.invites[index].life = Life::Dead;
            self.count("burned by looks");
        }
    }

    /// Both are told where continuity was lost, and only there.
    fn expect_continuity(&mut self, told: [usize; 2], lost: bool) {
        let alarmed = BOTH.map(|who| self.alerted(who, told[who as usize], AlertCode::ContinuityLost));
        assert_eq!(alarmed, [lost; 2], "{:?}", self.story);
    }

    /// The client meets a compared contact, and then its disk is as it was before: a copy was put back.
    fn put_back_a_copy(&mut self, contact: ContactId) {
        let (at_client, _) = self.contacts[&contact.0];
        let copy = self.duo.side(Who::Client).contacts[&at_client].clone();
        self.join_contact(contact);
        // Only what a completed start has left behind is missed; and what was compared meanwhile is not in the copy.
        if self.contacts[&contact.0].1 == Verified {
            self.story.push("a copy is put back".into());
            self.duo.sides[0].contacts.insert(at_client, copy);
            self.duo.restart(Who::Client);
            self.stale.insert(contact.0);
            if self.rng.below(2) == 0 {
                self.run_for(STEP_MS);
                self.join_contact(contact);
            }
        }
    }

    fn join_contact(&mut self, contact: ContactId) {
        let (at_client, state) = self.contacts[&contact.0];
        self.story.push(format!("join contact {state:?}"));
        let told = BOTH.map(|who| self.told(who));
        self.duo.command(Who::Therapist, Command::Listen(None));
        self.duo.command(Who::Client, Command::JoinContact(ContactId(at_client)));
        self.run_for(20_000);
        let waits = self.since(Who::Client, told[0], |event| matches!(event, Event::Waiting(_)));
        assert_eq!(waits, state != Mismatch, "{:?}\n{:?}", self.story, self.duo.codes(Who::Client));
        if waits {
            let lost = self.stale.remove(&contact.0);
            self.expect_continuity(told, lost);
            if lost {
                self.count("continuity lost");
                self.contacts.insert(contact.0, (at_client, Unverified));
            }
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
            1 => {
                self.story.push("different".into());
                self.duo.admit(contact);
                // Once is asked again, twice is a mismatch.
                for _ in 0..2 {
                    self.duo.command(Who::Therapist, Command::Verify(Pick::NoneOfThese));
                    self.run_for(2_000);
                }
                // A contact that was compared gets one more try.
                let now = if state == Verified { Unverified } else { Mismatch };
                self.count(if state == Verified { "one more try" } else { "blocked" });
                self.contacts.insert(contact.0, (at_client, now));
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
        let codes: Vec<usize> = fresh.iter().copied().filter(|i| self.invites[*i].form == InviteForm::Code).collect();
        let compared: Vec<u64> = self.contacts.iter().filter(|(_, (_, s))| *s == Verified).map(|(id, _)| *id).collect();
        match self.rng.below(14) {
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
                    self.stale.remove(&contact);
                    self.duo.command(Who::Therapist, Command::Forget(ContactId(contact)));
                    self.duo.command(Who::Client, Command::Forget(ContactId(at_client)));
                    for invite in self.invites.iter_mut().filter(|i| i.contact.0 == contact) {
                        invite.life = Life::Dead;
                    }
                }
            }
            9 => {
                // Once or more often; the server would pause somebody who goes on with a code that is gone.
                if let Some(index) = self.pick(&codes) {
                    for _ in 0..=self.rng.below(3) {
                        if self.is_good(index) {
                            self.mistype(index);
                        }
                    }
                }
            }
            10 => {
                if let Some(index) = self.pick(&fresh) {
                    for _ in 0..=self.rng.below(4) {
                        if self.is_good(index) {
                            self.break_off(index);
                        }
                    }
                }
            }
            11 | 12 => {
                if let Some(contact) = self.pick(&compared)
                    && !self.stale.contains(&contact)
                {
                    self.put_back_a_copy(ContactId(contact));
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
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..SEEDS {
        let wire = Rc::new(Wire::default());
        let mut duo = Duo::new(seed);
        let sees = Rc::clone(&wire);
        duo.tamper(move |_, cell| {
            let seen = match cell.cell_type() {
                Some(CellType::Hs1) => Some(&sees.hs1),
                Some(CellType::Hs2) => Some(&sees.hs2),
                Some(CellType::Hs3) if sees.cuts.get() => return Vec::new(),
                _ => None,
            };
            if let Some(seen) = seen {
                seen.set(seen.get().saturating_add(1));
            }
            vec![cell]
        });
        let mut world = World {
            duo,
            wire,
            rng: SeededRng::new(seed ^ 0x40D31),
            now_ms: 0,
            invites: Vec::new(),
            contacts: BTreeMap::new(),
            stale: BTreeSet::new(),
            seen: BTreeMap::new(),
            story: vec![format!("seed {seed}")],
        };
        for _ in 0..STEPS {
            world.step();
            world.check();
        }
        for (what, times) in world.seen {
            *seen.entry(what).or_default() += times;
        }
    }
    for what in ["wrong", "burned", "continuity lost", "one more try", "blocked", "broken off", "burned by looks"] {
        assert!(seen.get(what).is_some_and(|times| *times >= 10), "hardly ever: {what} in {seen:?}");
    }
}
