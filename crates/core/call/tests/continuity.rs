//! Continuity (PROTOCOL §4.7): whatever breaks off, nobody is alarmed for nothing; a copied profile is noticed.
//!
//! Real rooms and handshakes. The search is exhaustive: a state is which of the four stored secrets are equal or absent,
//! and which side knows that a session started. From each state that can be reached, a session is broken off at each place
//! where it can be, and each kind of copy is used.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{
    cell::Cell as Count,
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use sotto_identity::records::{ContactRecord, VerificationState};
use sotto_session_api::{AlertCode, Command, CompareReason, ContactId, Event, Gate, InviteForm};
use sotto_sim::{Between, Duo, Who};
use sotto_wire::{Cell, CellType, server::MailboxId};

const SEED: u64 = 47;
const BOTH: [Who; 2] = [Who::Client, Who::Therapist];

type Disks = [BTreeMap<u64, ContactRecord>; 2];

/// Where a session start breaks off; both programs are started anew after it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    /// The nth SIG cell is lost, and all after it: CONFIRM, ACK, the client's POLICY, the therapist's.
    Lost(usize),
    /// After the nth SIG cell nothing is durable any more on one side, and nothing is confirmed.
    Stuck(Who, usize),
    Done,
}

const STOPS: [Stop; 8] = [
    Stop::Lost(1),
    Stop::Lost(2),
    Stop::Lost(3),
    Stop::Lost(4),
    Stop::Stuck(Who::Client, 2),
    Stop::Stuck(Who::Therapist, 3),
    Stop::Stuck(Who::Client, 4),
    Stop::Done,
];

/// Counts SIG cells of both sides; loses everything from the nth on.
struct Cut {
    nth: usize,
    seen: Rc<Count<usize>>,
}

impl Between for Cut {
    fn cell(&mut self, _: Who, _: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        self.seen.set(self.seen.get() + usize::from(cell.cell_type() == Some(CellType::Sig)));
        (self.seen.get() >= self.nth).then(Vec::new)
    }
}

struct Outcome {
    disks: Disks,
    /// Who was told that continuity is lost, and why words are compared.
    alarmed: [bool; 2],
    duo: Duo,
}

fn disks(duo: &Duo) -> Disks {
    BOTH.map(|who| duo.side(who).contacts.clone())
}

fn alarmed(duo: &Duo, who: Who) -> bool {
    let is_alarm = |event: &Event| matches!(event, Event::Alert { code: AlertCode::ContinuityLost, .. });
    duo.side(who).events.iter().any(is_alarm)
}

/// Starts a session of two profiles and lets it break off.
fn start(disks_before: Disks, stop: Stop, chance: &mut u64) -> Outcome {
    *chance += 1;
    let contact = ContactId(*disks_before[0].keys().next().unwrap());
    let mut duo = Duo::resumed(SEED, disks_before, *chance);
    let seen = Rc::new(Count::new(0));
    let nth = if let Stop::Lost(nth) = stop { nth } else { usize::MAX };
    duo.put_between(Cut { nth, seen: Rc::clone(&seen) });
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(contact));
    for _ in 0..400 {
        duo.run_for(5);
        if let Stop::Stuck(who, after) = stop
            && seen.get() >= after
        {
            duo.sides[who as usize].disk_is_stuck = true;
        }
    }
    let (disks, alarmed) = (disks(&duo), BOTH.map(|who| alarmed(&duo, who)));
    Outcome { disks, alarmed, duo }
}

/// Equal secrets get equal numbers; 0 is none. Then who knows that a session started.
fn class(disks: &Disks) -> Vec<usize> {
    let records = disks.each_ref().map(|disk| disk.values().next().unwrap());
    let mut seen: Vec<[u8; 32]> = Vec::new();
    let mut class: Vec<usize> = records
        .iter()
        .flat_map(|record| record.held_continuity())
        .map(|secret| {
            let Some(secret) = secret else { return 0 };
            if !seen.contains(secret.expose()) {
                seen.push(*secret.expose());
            }
            1 + seen.iter().position(|known| known == secret.expose()).unwrap()
        })
        .collect();
    class.extend(records.map(|record| usize::from(record.started)));
    class
}

/// First contacts that broke off at each place after which both hold a contact.
fn first_contacts() -> Vec<Disks> {
    [2, 3, usize::MAX]
        .map(|nth| {
            let mut duo = Duo::new(SEED);
            let (_, text) = duo.invite(InviteForm::Code);
            // ACK, the client's POLICY, the therapist's.
            duo.put_between(Cut { nth, seen: Rc::default() });
            duo.command(Who::Client, Command::JoinInvite(text));
            duo.run_for(5_000);
            disks(&duo)
        })
        .into()
}

/// Every state that can be reached, with one pair of profiles for each. No start may alarm.
fn explore(chance: &mut u64) -> (BTreeMap<Vec<usize>, Disks>, usize) {
    let mut known = BTreeMap::new();
    let mut next: VecDeque<Disks> = first_contacts().into();
    let mut starts = 0;
    while let Some(state) = next.pop_front() {
        let name = class(&state);
        if known.contains_key(&name) {
            continue;
        }
        for stop in STOPS {
            let outcome = start(state.clone(), stop, chance);
            starts += 1;
            assert_eq!(outcome.alarmed, [false; 2], "false alarm: {name:?}, {stop:?}");
            if stop == Stop::Done {
                assert_eq!(class(&outcome.disks), [1, 0, 1, 0, 1, 1], "from {name:?}");
            }
            next.push_back(outcome.disks);
        }
        known.insert(name, state);
    }
    (known, starts)
}

#[test]
fn no_crash_and_no_loss_raises_an_alarm_and_every_copy_does() {
    let mut chance = 1_000;
    let (states, starts) = explore(&mut chance);
    let mut copies = 0;
    for (name, state) in &states {
        for copied in BOTH {
            // Whoever comes second, thief or owner, comes with what both had before the first session.
            let first = start(state.clone(), Stop::Done, &mut chance);
            assert_eq!(first.alarmed, [false; 2]);
            let mut second = first.disks;
            second[copied as usize] = state[copied as usize].clone();
            let knew = second[copied as usize].values().next().unwrap().started;
            let second = start(second, Stop::Done, &mut chance);
            copies += 1;
            assert!(second.alarmed[copied.other() as usize], "a copy of {copied:?} is not noticed: {name:?}");
            assert_eq!(second.alarmed[copied as usize], knew, "{name:?}, {copied:?}");
        }
    }
    println!("{} states, {starts} starts without a false alarm, {copies} copies, all noticed", states.len());
    assert!(states.len() >= 5, "the search went nowhere: {:?}", states.keys().collect::<BTreeSet<_>>());
}

/// Two who have compared words, and a copy of the client's profile that was used.
fn after_a_copy_was_used(chance: &mut u64) -> (Disks, ContactId) {
    let mut duo = Duo::new(SEED);
    let [_, at_therapist] = duo.open_session(InviteForm::Code);
    duo.command(Who::Client, Command::End);
    duo.run_for(5_000);
    let mut owner = disks(&duo);
    // Both want to compare only when something changed.
    for record in owner.iter_mut().flat_map(BTreeMap::values_mut) {
        record.compare_on_change = true;
    }
    assert!(owner.iter().flat_map(BTreeMap::values).all(|record| record.state == VerificationState::Verified));
    let mut disks = start(owner.clone(), Stop::Done, chance).disks;
    disks[Who::Client as usize] = owner[Who::Client as usize].clone();
    (disks, at_therapist)
}

#[test]
fn after_the_alarm_words_are_compared_also_if_the_session_ended_before() {
    let mut chance = 5_000;
    let (disks, at_therapist) = after_a_copy_was_used(&mut chance);
    let mut alarmed = start(disks, Stop::Done, &mut chance);
    assert_eq!(alarmed.alarmed, [true; 2]);
    alarmed.duo.admit(at_therapist);
    let reasons = BOTH.map(|who| alarmed.duo.card(who).unwrap().reason);
    assert_eq!(reasons, [CompareReason::Continuity; 2]);
    // Nobody compares: the session is broken off, and the next one has a common secret again.
    let mut next = start(alarmed.disks, Stop::Done, &mut chance);
    assert_eq!(next.alarmed, [false; 2]);
    next.duo.admit(at_therapist);
    assert_eq!(BOTH.map(|who| next.duo.card(who).unwrap().reason), [CompareReason::First; 2]);
    assert_eq!(BOTH.map(|who| next.duo.gate(who)), [Some(Gate::G1); 2]);
    next.duo.compare();
    assert_eq!(BOTH.map(|who| next.duo.gate(who)), [Some(Gate::G2); 2]);
}

#[test]
fn a_write_that_fails_ends_the_session_before_anything_is_said() {
    let state = first_contacts().pop().unwrap();
    let contact = ContactId(*state[0].keys().next().unwrap());
    let mut duo = Duo::resumed(SEED, state, 9_000);
    duo.sides[Who::Client as usize].disk_is_stuck = true;
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(contact));
    duo.run_for(10_000);
    let waits = |event: &Event| matches!(event, Event::Waiting(_) | Event::PeerWaiting { .. });
    assert!(BOTH.iter().all(|who| !duo.side(*who).events.iter().any(waits)), "nobody waits before it is durable");
}
