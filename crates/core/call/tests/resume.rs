//! A session that was interrupted, and the one that goes on from it (PROTOCOL §8).
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_session_api::{Command, ContactId, EndReason, Event, Gate, InviteForm};
use sotto_sim::{Duo, Who};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];

/// An open session.
fn open(seed: u64) -> (Duo, ContactId, ContactId) {
    let mut duo = Duo::new(seed);
    let [at_client, at_therapist] = duo.open_session(InviteForm::Code);
    (duo, at_client, at_therapist)
}

/// The network is gone until both have given up.
fn lose(duo: &mut Duo) {
    duo.set_relay(false);
    duo.run_for(75_000);
    for who in BOTH {
        let ended = duo.side(who).events.iter().rev().find_map(|event| match event {
            Event::Ended { reason, .. } => Some(*reason),
            _ => None,
        });
        assert_eq!(ended, Some(EndReason::Interrupted), "{who:?}");
    }
    duo.set_relay(true);
}

/// They meet again: the gates after the connection is made, and whether words were asked.
fn meet_again(duo: &mut Duo, at_client: ContactId, at_therapist: ContactId) -> ([Option<Gate>; 2], bool) {
    let told = BOTH.map(|who| duo.side(who).events.len());
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(at_client));
    duo.run_for(5_000);
    duo.admit(at_therapist);
    let asked = BOTH
        .into_iter()
        .zip(told)
        .any(|(who, told)| duo.side(who).events[told..].iter().any(|event| matches!(event, Event::Verify(_))));
    (BOTH.map(|who| duo.gate(who)), asked)
}

const GOES_ON: ([Option<Gate>; 2], bool) = ([Some(Gate::G2); 2], false);
const IS_ASKED: ([Option<Gate>; 2], bool) = ([Some(Gate::G1); 2], true);

#[test]
fn an_interrupted_session_goes_on_without_words_for_a_quarter_of_an_hour() {
    for (minutes, expected) in [(0, GOES_ON), (12, GOES_ON), (15, IS_ASKED), (60, IS_ASKED)] {
        let (mut duo, at_client, at_therapist) = open(61);
        lose(&mut duo);
        duo.run_for(minutes * 60_000);
        assert_eq!(meet_again(&mut duo, at_client, at_therapist), expected, "after {minutes} minutes");
    }
}

/// One clock stands still in suspend, the other can be set: the quarter of an hour is over when either says so.
#[test]
fn the_quarter_of_an_hour_is_over_by_either_clock() {
    const MINUTE: u64 = 60;
    type Pass = fn(&mut Duo);
    let cases: [(&str, Pass, _); 5] = [
        ("suspended for ten minutes", |duo| duo.start_unix += 10 * MINUTE, GOES_ON),
        ("suspended for sixteen", |duo| duo.start_unix += 16 * MINUTE, IS_ASKED),
        ("one of them was suspended for sixteen", |duo| duo.set_clock(Who::Client, 16 * 60), IS_ASKED),
        ("set back behind the loss", |duo| duo.start_unix -= 10 * MINUTE, IS_ASKED),
        (
            "sixteen minutes by a clock that is set back in each by most of it",
            |duo| {
                for _ in 0..16 {
                    duo.run_for(60_000);
                    duo.start_unix -= 50;
                }
            },
            IS_ASKED,
        ),
    ];
    for (what, pass, expected) in cases {
        let (mut duo, at_client, at_therapist) = open(67);
        lose(&mut duo);
        pass(&mut duo);
        assert_eq!(meet_again(&mut duo, at_client, at_therapist), expected, "{what}");
    }
}

#[test]
fn it_goes_on_as_often_as_it_is_interrupted_and_ends_complete() {
    let (mut duo, at_client, at_therapist) = open(62);
    for _ in 0..3 {
        lose(&mut duo);
        let met = meet_again(&mut duo, at_client, at_therapist);
        assert_eq!(met, GOES_ON, "{:?}", BOTH.map(|who| duo.codes(who)));
    }
    duo.command(Who::Client, Command::Chat("here again".into()));
    duo.run_for(500);
    assert!(duo.side(Who::Therapist).events.iter().any(|event| matches!(event, Event::Chat { own: false, .. })));
    duo.command(Who::Therapist, Command::End);
    duo.run_for(2_000);
    assert_eq!(meet_again(&mut duo, at_client, at_therapist), IS_ASKED, "after an end it is another session");
}

/// What is not in memory any more can't be had from the disk: a copy of the profile does not go on either.
#[test]
fn a_program_that_was_restarted_or_a_copy_of_its_profile_is_asked() {
    for who in BOTH {
        let (mut duo, at_client, at_therapist) = open(63);
        lose(&mut duo);
        duo.restart(who);
        assert_eq!(meet_again(&mut duo, at_client, at_therapist), IS_ASKED, "{who:?}");
    }
}

#[test]
fn a_comparison_that_was_interrupted_is_asked_again() {
    let mut duo = Duo::new(64);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    let at_client = duo.join(&text);
    duo.admit(at_therapist);
    duo.run_for(1_000);
    lose(&mut duo);
    assert_eq!(meet_again(&mut duo, at_client, at_therapist), IS_ASKED);
}

/// The client's computer gives up and comes back before the therapist's has noticed.
#[test]
fn who_comes_back_while_the_other_still_waits_goes_on() {
    let (mut duo, at_client, at_therapist) = open(65);
    lose(&mut duo);
    assert_eq!(meet_again(&mut duo, at_client, at_therapist), GOES_ON);
    let lines = duo.side(Who::Therapist).log.lines.iter().map(|(line, _)| line.clone()).collect::<Vec<_>>();
    assert!(lines.iter().any(|line| line.contains("\"reason\":\"interrupted\"")), "{lines:?}");
}

#[test]
fn a_contact_that_is_forgotten_leaves_no_key_to_go_on_with() {
    let (mut duo, _, at_therapist) = open(66);
    lose(&mut duo);
    duo.command(Who::Therapist, Command::Forget(at_therapist));
    duo.run_for(500);
    assert!(duo.side(Who::Therapist).contacts.is_empty());
}
