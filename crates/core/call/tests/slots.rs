//! The hourly mailboxes (PROTOCOL §3.3): when the next hour's is opened, and how it is told apart.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use sotto_call::{Config, Input, Now, Output, Room, ServerRequest, ServerUrl};
use sotto_identity::{IdentityKey, Secret};
use sotto_session_api::{Command, InviteForm, ProfileRole};
use sotto_sim::{Duo, SeededRng, Who};

/// A therapist with one pinned client, just started.
fn therapist() -> Room {
    let mut duo = Duo::new(41);
    duo.open_session(InviteForm::Link);
    Room::new(Config {
        role: ProfileRole::Therapist,
        identity: Some(IdentityKey::generate(&mut SeededRng::new(1))),
        device_secret: Secret::new([7; 32]),
        contacts: duo.side(Who::Therapist).contacts.values().cloned().collect(),
        invites: Vec::new(),
        rendezvous: Some(ServerUrl("ws://127.0.0.1:7000/v1".into())),
        relay_only: true,
        rekey_every_s: sotto_call::REKEY_EVERY_S,
    })
}

/// Slots opened and mailboxes closed by this step.
fn step(room: &mut Room, unix: u64, input: Input, rng: &mut SeededRng) -> (Vec<Option<u64>>, usize) {
    room.handle(Now { mono_ms: unix * 1000, unix }, input, rng);
    let (mut opened, mut closed) = (Vec::new(), 0);
    while let Some(output) = room.poll() {
        match output {
            Output::Server(_, ServerRequest::Open { slot, .. }) => opened.push(slot),
            Output::Server(_, ServerRequest::Close(_)) => closed += 1,
            _ => {}
        }
    }
    (opened, closed)
}

#[test]
fn the_next_hour_is_opened_after_ten_to_by_a_random_delay_and_the_last_one_closed_ten_past() {
    const HOUR: u64 = 500_000;
    let mut delays = BTreeSet::new();
    for seed in 0..12 {
        let (mut room, mut rng) = (therapist(), SeededRng::new(seed));
        let start = HOUR * 3600 + 20 * 60;
        let (opened, _) = step(&mut room, start, Input::Command(Command::Listen(None)), &mut rng);
        assert_eq!(opened, [Some(HOUR)], "only the present hour");
        let (mut opened_at, mut closed_at) = (None, None);
        for unix in (start..start + 3600).step_by(5) {
            let (opened, closed) = step(&mut room, unix, Input::Tick, &mut rng);
            for slot in opened {
                assert_eq!((slot, opened_at.replace(unix)), (Some(HOUR + 1), None));
            }
            if closed > 0 {
                assert_eq!((closed, closed_at.replace(unix)), (1, None));
            }
        }
        let opened_at = opened_at.unwrap() - HOUR * 3600;
        // Looked at every 15 s.
        assert!((3000..=3000 + 120 + 20).contains(&opened_at), "{opened_at}");
        delays.insert(opened_at);
        let closed_at = closed_at.unwrap() - HOUR * 3600;
        assert!((4200..=4220).contains(&closed_at), "{closed_at}");
    }
    assert!(delays.len() > 3, "random: {delays:?}");
}

#[test]
fn a_start_in_the_first_ten_minutes_opens_the_last_hour_too() {
    let (mut room, mut rng) = (therapist(), SeededRng::new(3));
    let (opened, _) = step(&mut room, 500_000 * 3600 + 300, Input::Command(Command::Listen(None)), &mut rng);
    assert_eq!(opened.into_iter().collect::<BTreeSet<_>>(), [Some(499_999), Some(500_000)].into());
}
