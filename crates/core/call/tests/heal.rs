//! A path that is lost in a running session, and its way back (PROTOCOL §8), in virtual time.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_session_api::{Command, EndReason, Event, Gate, InviteForm, LinkState};
use sotto_sim::{Duo, Who};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];

fn links(duo: &Duo, who: Who) -> Vec<LinkState> {
    duo.side(who)
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Link { state, .. } => Some(*state),
            _ => None,
        })
        .collect()
}

fn ended(duo: &Duo, who: Who) -> Option<(EndReason, bool)> {
    duo.side(who).events.iter().rev().find_map(|event| match event {
        Event::Ended { reason, complete } => Some((*reason, *complete)),
        _ => None,
    })
}

fn assert_healthy(duo: &mut Duo) {
    for who in BOTH {
        assert_eq!(links(duo, who).last(), Some(&LinkState::Connected), "{who:?}: {:?}", links(duo, who));
        assert_eq!(duo.gate(who), Some(Gate::G2));
        assert!(duo.side(who).has_media, "media was never stopped");
        assert_eq!(duo.side(who).transports, 1, "keys and counters stay with their transport");
    }
    duo.command(Who::Client, Command::Chat("still here".into()));
    duo.run_for(500);
    let heard = duo.side(Who::Therapist).events.iter().any(|event| matches!(event, Event::Chat { own: false, .. }));
    assert!(heard);
    duo.command(Who::Therapist, Command::End);
    duo.run_for(5_000);
    assert_eq!(BOTH.map(|who| ended(duo, who)), [Some((EndReason::Normal, true)); 2]);
}

#[test]
fn a_relay_that_comes_back_is_found_again_and_the_session_goes_on() {
    let mut duo = Duo::new(31);
    duo.open_session(InviteForm::Code);
    duo.set_relay(false);
    duo.run_for(5_000);
    for who in BOTH {
        assert_eq!(links(&duo, who).last(), Some(&LinkState::Reconnecting));
        assert!(duo.codes(who).contains(&"interrupted"), "it is said");
    }
    duo.run_for(15_000);
    duo.set_relay(true);
    duo.run_for(15_000);
    assert_healthy(&mut duo);
}

#[test]
fn restarts_come_with_growing_pauses() {
    let mut duo = Duo::new(32);
    duo.open_session(InviteForm::Code);
    duo.set_relay(false);
    let mut at_ms = Vec::new();
    for ms in (0..60_000).step_by(100) {
        while (at_ms.len() as u32) < duo.side(Who::Client).restarts {
            at_ms.push(ms);
        }
        duo.run_for(100);
    }
    let pauses: Vec<i64> = at_ms.windows(2).map(|pair| i64::from(pair[1]) - i64::from(pair[0])).collect();
    assert!(at_ms[0] <= 4_500, "the first at once: {at_ms:?}");
    assert!(pauses.len() >= 4 && pauses.windows(2).all(|pair| pair[1] >= pair[0]), "{pauses:?}");
    assert_eq!(duo.side(Who::Therapist).restarts, duo.side(Who::Client).restarts, "each is answered");
}

#[test]
fn a_path_that_stays_lost_for_a_minute_ends_as_interrupted() {
    let mut duo = Duo::new(33);
    duo.open_session(InviteForm::Code);
    duo.set_relay(false);
    duo.run_for(62_000);
    assert_eq!(BOTH.map(|who| ended(&duo, who)), [None; 2], "4 s until noticed, then a minute");
    duo.run_for(3_000);
    assert_eq!(BOTH.map(|who| ended(&duo, who)), [Some((EndReason::Interrupted, false)); 2]);
    assert!(BOTH.iter().all(|who| !duo.side(*who).has_media));
}

#[test]
fn a_restart_survives_cells_that_the_server_loses() {
    let mut duo = Duo::new(34);
    duo.open_session(InviteForm::Link);
    let mut seen = 0_u32;
    duo.tamper(move |_, cell| {
        seen += 1;
        if seen.is_multiple_of(3) { Vec::new() } else { vec![cell] }
    });
    duo.set_relay(false);
    duo.run_for(6_000);
    duo.set_relay(true);
    duo.run_for(45_000);
    assert_healthy(&mut duo);
}

#[test]
fn the_end_can_be_said_while_the_path_is_lost() {
    let mut duo = Duo::new(35);
    duo.open_session(InviteForm::Code);
    duo.set_relay(false);
    duo.run_for(6_000);
    duo.command(Who::Client, Command::End);
    duo.run_for(5_000);
    assert_eq!(ended(&duo, Who::Client), Some((EndReason::Abnormal, false)), "nobody could confirm it");
    assert!(!duo.side(Who::Client).has_media);
}
