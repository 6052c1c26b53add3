//! Computers whose clocks are wrong: they meet all the same, and what has expired stays expired where that is decided
//! (PROTOCOL §3.3).
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use sotto_call::{Config, Input, Now, Output, Room, ServerReport, ServerRequest, ServerUrl};
use sotto_identity::{IdentityKey, Secret};
use sotto_session_api::{Command, ContactId, Event, Gate, InviteForm, ProfileRole};
use sotto_sim::{Duo, SeededRng, Who};
use sotto_wire::{CellType, server::MailboxId};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];
const SKEW: i64 = 600;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Two profiles, the true time this long after a full hour, and their clocks.
fn duo(seed: u64, minute: u64, ahead_s: [i64; 2]) -> Duo {
    let mut duo = Duo::new(seed);
    duo.start_unix = 1_790_000_000 / 3_600 * 3_600 + minute * 60;
    for who in BOTH {
        duo.set_clock(who, ahead_s[who as usize]);
    }
    duo
}

/// The therapist is there for four minutes at most: the mailbox of the next hour is opened two minutes after ten to.
fn waits(duo: &mut Duo, told: usize) -> bool {
    (0..24).any(|_| {
        duo.run_for(10_000);
        duo.side(Who::Client).events[told..].iter().any(|event| matches!(event, Event::Waiting(_)))
    })
}

/// They meet by this invite, and once more without it; true if both sessions open.
fn meet_twice(duo: &mut Duo, contact: ContactId, text: &str) -> bool {
    duo.command(Who::Client, Command::JoinInvite(text.into()));
    for again in [false, true] {
        let told = duo.side(Who::Client).events.len();
        if again {
            let at_client = duo.waiting().unwrap();
            duo.command(Who::Client, Command::End);
            duo.run_for(2_000);
            duo.command(Who::Therapist, Command::Listen(None));
            duo.command(Who::Client, Command::JoinContact(at_client));
        }
        if !waits(duo, if again { told } else { 0 }) {
            return false;
        }
        duo.admit(contact);
        duo.compare();
        if BOTH.map(|who| duo.gate(who)) != [Some(Gate::G2); 2] {
            return false;
        }
    }
    true
}

fn clock_notices(duo: &Duo) -> [bool; 2] {
    BOTH.map(|who| duo.codes(who).contains(&"clock"))
}

#[test]
fn clocks_that_are_wrong_by_ten_minutes_meet_at_every_moment_of_an_hour() {
    for minute in (0..60).step_by(5).chain([1, 49, 51, 59]) {
        for ahead in [[0, SKEW], [SKEW, 0], [-SKEW, 0], [0, -SKEW], [SKEW, -SKEW], [-SKEW, SKEW], [-SKEW, -SKEW]] {
            let mut duo = duo(minute, minute, ahead);
            let (contact, link) = duo.invite(InviteForm::Link);
            assert!(meet_twice(&mut duo, contact, &link), "minute {minute}, {ahead:?}: {:?}", duo.codes(Who::Client));
            assert_eq!(clock_notices(&duo), [false; 2], "{ahead:?} is allowed");
        }
    }
}

#[test]
fn clocks_that_are_wrong_by_hours_or_years_are_told_and_meet_by_the_servers() {
    for ahead in [[2 * HOUR, 0], [0, -2 * HOUR], [0, 5 * HOUR], [-YEAR, 0], [-YEAR, 2 * HOUR], [-9 * YEAR, -YEAR]] {
        for form in [InviteForm::Code, InviteForm::Link] {
            let mut duo = duo(7, 30, ahead);
            let (contact, text) = duo.invite(form);
            assert!(meet_twice(&mut duo, contact, &text), "{form:?} {ahead:?}: {:?}", duo.codes(Who::Client));
            assert_eq!(clock_notices(&duo), ahead.map(|seconds| seconds != 0), "{ahead:?}");
        }
    }
}

#[test]
fn the_therapist_alone_refuses_a_link_that_is_expired_for_it() {
    // The client's clock and the server's say that it is good for days.
    for (days, is_met) in [(6, true), (8, false)] {
        let mut duo = duo(8, 30, [-DAY, 0]);
        let (contact, link) = duo.invite(InviteForm::Link);
        assert_eq!(duo.side(Who::Therapist).invites.len(), 1);
        duo.set_clock(Who::Therapist, days * DAY);
        duo.restart(Who::Therapist);
        duo.command(Who::Therapist, Command::Listen(None));
        duo.run_for(1_000);
        assert_eq!(meet_twice(&mut duo, contact, &link), is_met, "after {days} days");
        if !is_met {
            assert_eq!(duo.side(Who::Therapist).invites.len(), 0, "nothing of it is kept");
            assert!(duo.side(Who::Therapist).contacts.is_empty() && duo.side(Who::Client).contacts.is_empty());
            assert!(!duo.codes(Who::Client).contains(&"E_INVITE_EXPIRED"), "the client did not know");
        }
    }
}

#[test]
fn a_client_that_is_behind_is_told_of_the_expiry_by_the_servers_clock() {
    let mut duo = duo(9, 30, [-30 * DAY, 0]);
    let (_, link) = duo.invite(InviteForm::Link);
    let (_, other) = duo.invite(InviteForm::Link);
    // It has met the server today.
    duo.join(&other);
    duo.command(Who::Client, Command::End);
    duo.run_for(8 * DAY.unsigned_abs() * 1_000);
    duo.command(Who::Client, Command::JoinInvite(link));
    assert_eq!(duo.codes(Who::Client).last(), Some(&"E_INVITE_EXPIRED"));
}

#[test]
fn a_clock_that_is_set_wrong_while_the_program_runs_keeps_nobody_apart() {
    for (who, ahead) in [(Who::Therapist, 3 * HOUR), (Who::Therapist, -YEAR), (Who::Client, -5 * HOUR)] {
        let mut duo = duo(10, 30, [0, 0]);
        let [at_client, at_therapist] = duo.open_session(InviteForm::Code);
        duo.command(Who::Client, Command::End);
        duo.command(Who::Therapist, Command::Listen(None));
        duo.run_for(2_000);
        duo.set_clock(who, ahead);
        duo.run_for(30_000);
        let told = duo.side(Who::Client).events.len();
        duo.command(Who::Client, Command::JoinContact(at_client));
        assert!(waits(&mut duo, told), "{who:?} {ahead}");
        duo.admit(at_therapist);
    }
}

/// An invite of so many minutes, as the therapist was told of it: contact, text, and when it ends by the therapist's clock.
fn invited(duo: &mut Duo, form: InviteForm, minutes: Option<u32>) -> (ContactId, String, u64) {
    duo.command(Who::Therapist, Command::Invite { label: "Tuesday".into(), form, minutes });
    duo.run_for(500);
    let told = duo.side(Who::Therapist).events.iter().rev().find_map(|event| match event {
        Event::Invited { contact, text, expires, .. } => Some((*contact, text.clone(), *expires)),
        _ => None,
    });
    told.unwrap()
}

/// Whether the therapist's window shows somebody as invited, and whether anything is listened for or stored for them.
fn is_there(duo: &Duo) -> [bool; 2] {
    let side = duo.side(Who::Therapist);
    let shown = !side.room.snapshot(Now { mono_ms: 0, unix: 0 }).contacts.is_empty();
    [shown, !side.room.open_mailboxes().is_empty() || !side.invites.is_empty()]
}

#[test]
fn an_invite_lives_no_longer_if_the_therapists_clock_is_set_back() {
    let week = 7 * 24 * 60;
    for (form, minutes, life_min) in [
        (InviteForm::Code, None, 30),
        (InviteForm::Code, Some(7), 7),
        (InviteForm::Link, Some(10), 10),
        (InviteForm::Link, None, week),
    ] {
        for back in [0, -DAY, -YEAR] {
            for is_late in [false, true] {
                let mut duo = duo(11, 20, [0, 0]);
                let (contact, text, expires) = invited(&mut duo, form, minutes);
                // A link's time is in whole minutes.
                let told_s = expires - duo.start_unix;
                assert!(told_s.abs_diff(life_min * 60) < 60, "{form:?}: what the window says");
                duo.run_for(60_000);
                duo.set_clock(Who::Therapist, back);
                let until_ms = if is_late { life_min * 60_000 + 2_000 } else { life_min * 60_000 - 61_000 };
                duo.run_for(until_ms - 60_500);
                assert_eq!(is_there(&duo), [!is_late; 2], "{form:?} of {life_min} min, {back} s, late: {is_late}");
                duo.command(Who::Client, Command::JoinInvite(text));
                assert_eq!(waits(&mut duo, 0), !is_late, "{form:?} of {life_min} min, {back} s, late: {is_late}");
                if !is_late {
                    duo.admit(contact);
                    assert_eq!(duo.gate(Who::Therapist), Some(Gate::G1));
                } else {
                    assert!(duo.side(Who::Therapist).contacts.is_empty() && duo.side(Who::Client).contacts.is_empty());
                }
            }
        }
    }
}

#[test]
fn a_link_from_before_a_restart_lives_no_longer_if_the_clock_is_set_back_after_it() {
    for (restarted_after_h, gone_after_h) in [(0, 168), (100, 168)] {
        let mut duo = duo(12, 20, [0, 0]);
        invited(&mut duo, InviteForm::Link, None);
        duo.run_for(restarted_after_h * 3_600_000);
        duo.restart(Who::Therapist);
        duo.set_clock(Who::Therapist, -30 * DAY);
        duo.run_for((gone_after_h - restarted_after_h) * 3_600_000 - 120_000);
        assert_eq!(is_there(&duo), [true; 2]);
        duo.run_for(180_000);
        assert_eq!(is_there(&duo), [false; 2], "restarted after {restarted_after_h} h");
    }
}

#[test]
fn a_clock_that_is_set_while_a_code_is_asked_for_makes_its_life_neither_longer_nor_shorter() {
    for set in [-DAY, DAY] {
        let mut duo = duo(13, 20, [0, 0]);
        duo.command(
            Who::Therapist,
            Command::Invite { label: "Tuesday".into(), form: InviteForm::Code, minutes: Some(7) },
        );
        duo.set_clock(Who::Therapist, set);
        duo.run_for(6 * 60_000);
        assert_eq!(is_there(&duo), [true; 2], "{set}");
        duo.run_for(61_000);
        assert_eq!(is_there(&duo), [false; 2], "{set}");
    }
}

#[test]
fn what_comes_first_after_a_computer_slept_through_the_end_of_a_link_is_not_answered() {
    for (asleep_s, is_answered) in [(0, true), (6 * DAY, true), (8 * DAY, false)] {
        let mut duo = duo(14, 20, [0, 0]);
        let (_, link) = duo.invite(InviteForm::Link);
        let cells = Rc::new(RefCell::new(Vec::new()));
        let held = cells.clone();
        // Nothing arrives: it is kept here.
        duo.tamper(move |from, cell| {
            held.borrow_mut().push((from, cell));
            Vec::new()
        });
        duo.command(Who::Client, Command::JoinInvite(link));
        duo.run_for(2_000);
        let first = cells.borrow().iter().find(|(from, _)| *from == Who::Client).unwrap().1.clone();
        assert_eq!(first.cell_type(), Some(CellType::Hs1));
        // No tick came while it slept; the steady clock may have stood still.
        duo.set_clock(Who::Therapist, asleep_s);
        for mailbox in duo.side(Who::Therapist).room.open_mailboxes() {
            let report = ServerReport::Received(MailboxId(mailbox), first.clone());
            duo.step(Who::Therapist, Input::Server(ServerUrl("ws://127.0.0.1:7000/v1".into()), report));
        }
        duo.run_for(1_000);
        let answers = cells.borrow().iter().filter(|(from, _)| *from == Who::Therapist).count();
        assert_eq!(answers > 0, is_answered, "after {asleep_s} s");
    }
}

/// Slots that a therapist with one contact holds open after its server told these times in turn.
fn slots_after(own: u64, told: &[u64]) -> (BTreeSet<u64>, bool) {
    let mut duo = Duo::new(41);
    duo.open_session(InviteForm::Link);
    let server = ServerUrl("ws://127.0.0.1:7000/v1".into());
    let mut room = Room::new(Config {
        role: ProfileRole::Therapist,
        identity: Some(IdentityKey::generate(&mut SeededRng::new(1))),
        device_secret: Secret::new([7; 32]),
        contacts: duo.side(Who::Therapist).contacts.values().cloned().collect(),
        invites: Vec::new(),
        rendezvous: Some(server.clone()),
        relay_only: true,
        rekey_every_s: sotto_call::REKEY_EVERY_S,
    });
    let (mut rng, mut open, mut is_told) = (SeededRng::new(2), BTreeSet::new(), false);
    let mut mailboxes = std::collections::BTreeMap::new();
    let online = |unix_time| Input::Server(server.clone(), ServerReport::Online { unix_time, turn: true });
    let inputs = told.iter().map(|unix_time| online(*unix_time));
    for input in std::iter::once(Input::Command(Command::Listen(None))).chain(inputs) {
        room.handle(Now { mono_ms: 1_000, unix: own }, input, &mut rng);
        while let Some(output) = room.poll() {
            match output {
                Output::Server(_, ServerRequest::Open { slot: Some(slot), mailbox, .. }) => {
                    mailboxes.insert(mailbox.0, slot);
                    open.insert(slot);
                }
                Output::Server(_, ServerRequest::Close(mailbox)) => {
                    open.remove(&mailboxes[&mailbox.0]);
                }
                Output::Event(Event::Notice(notice)) => is_told |= notice.code == "clock",
                _ => {}
            }
        }
    }
    (open, is_told)
}

#[test]
fn a_servers_clock_is_not_believed_if_it_goes_back_or_is_older_than_the_program() {
    const NOON: u64 = 500_000 * 3_600 + 1_800;
    let slots = |own, told: &[u64]| {
        let (slots, is_told) = slots_after(own, told);
        (slots.into_iter().collect::<Vec<_>>(), is_told)
    };
    assert_eq!(slots(NOON, &[NOON + 600]), (vec![500_000], false));
    assert_eq!(slots(NOON, &[NOON + 7_200]), (vec![500_000, 500_002], true));
    assert_eq!(slots(NOON, &[NOON - 7_200]), (vec![499_998, 500_000], true));
    assert_eq!(slots(NOON, &[0]), (vec![500_000], false));
    assert_eq!(slots(NOON, &[1_767_225_599]), (vec![500_000], false));
    // It went on, and then back.
    assert_eq!(slots(NOON, &[NOON, NOON - 600]), (vec![500_000], false));
    assert_eq!(slots(NOON, &[NOON + 7_200, NOON]), (vec![500_000], true));
    assert_eq!(slots(NOON, &[NOON, NOON - 7_200]).0, [500_000]);
}
