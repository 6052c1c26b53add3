//! An open profile that nobody uses is locked, and said to be before; never in a session or a waiting room.
#![allow(clippy::unwrap_used, reason = "tests")]

use egui::Key;
use egui_kittest::{Harness, kittest::Queryable as _};
use sotto_session_api::Phase;
use sotto_ui::{Preferences, Request};
use sotto_ui_tests::{Desk, scenes};

type Window = Harness<'static, Desk>;

fn open(name: &str) -> Window {
    let mut window = scenes::open(name, Preferences::default(), [1280.0, 800.0]);
    window.run();
    window.state_mut().requests.clear();
    window
}

fn pass(window: &mut Window, seconds: f64) {
    window.state_mut().clock.mono += seconds;
    window.step();
}

fn is_locked(window: &Window) -> bool {
    window.state().requests.contains(&Request::Lock)
}

fn is_said(window: &Window, words: &str) -> bool {
    window.query_all_by_label_contains(words).next().is_some()
}

/// A room where nobody waits.
fn empty_room() -> Window {
    let mut window = open("room");
    window.state_mut().snapshot.waiting.clear();
    window.step();
    window
}

#[test]
fn five_minutes_without_use_lock_and_are_announced() {
    let mut window = empty_room();
    pass(&mut window, 269.0);
    assert!(!is_said(&window, "Any key keeps it open"), "too early");
    pass(&mut window, 10.0);
    assert!(is_said(&window, "Locks itself in 30 s"));
    assert!(!is_locked(&window));
    pass(&mut window, 21.0);
    assert!(is_locked(&window));
}

#[test]
fn a_key_keeps_it_open() {
    let mut window = empty_room();
    pass(&mut window, 290.0);
    window.key_press(Key::F6);
    window.step();
    pass(&mut window, 290.0);
    assert!(!is_locked(&window));
    pass(&mut window, 10.0);
    assert!(is_locked(&window));
}

#[test]
fn nobody_is_locked_out_of_a_session_or_a_waiting_room() {
    for (scene, phase) in [("session", Phase::Open), ("compare", Phase::Comparing), ("waiting", Phase::Waiting)] {
        let mut window = open(scene);
        assert_eq!(window.state().snapshot.phase, phase);
        for _ in 0..20 {
            pass(&mut window, 60.0);
        }
        assert!(!is_locked(&window), "{scene}");
    }
    // A client waits to be let in.
    let mut window = open("room");
    assert!(!window.state().snapshot.waiting.is_empty());
    pass(&mut window, 3600.0);
    assert!(!is_locked(&window));
    // The code on the screen is being read aloud.
    let mut window = open("invite");
    pass(&mut window, 1200.0);
    assert!(!is_locked(&window));
}

#[test]
fn a_time_that_was_chosen_holds() {
    let mut window = empty_room();
    window.state_mut().interface = sotto_ui::Interface::new(Preferences { lock_minutes: 15, ..Preferences::default() });
    window.step();
    pass(&mut window, 890.0);
    assert!(!is_locked(&window));
    pass(&mut window, 10.0);
    assert!(is_locked(&window));
}
