//! What assistive technology is given: names, roles, and a way to each control with Tab.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use egui::{
    Key,
    accesskit::{Action, NodeId, Role},
};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use sotto_session_api::{AlertCode, Event, LinkState, Path, Stats, sentences::Language};
use sotto_ui::{
    Look, Preferences,
    texts::{Texts, fill},
};
use sotto_ui_tests::{Desk, scenes};

type Window = Harness<'static, Desk>;

fn each_scene(check: impl Fn(&str, &mut Window)) {
    for language in [Language::English, Language::German] {
        for name in scenes::ALL {
            let look = Some(Look::Light);
            let preferences = Preferences { look, language, reduced_motion: true, ..Preferences::default() };
            let mut window = scenes::open(name, preferences, [1280.0, 800.0]);
            check(&format!("{name} in {language:?}"), &mut window);
        }
    }
}

/// Id, role and name of what can be pressed or typed into.
fn controls(window: &Window) -> Vec<(NodeId, Role, String)> {
    window
        .query_all_by(|node| {
            let data = node.data();
            let acts = data.supports_action(Action::Click) || data.supports_action(Action::Focus);
            acts && !node.is_disabled() && !matches!(node.role(), Role::Window | Role::ScrollView | Role::ScrollBar)
        })
        .map(|node| {
            let node = node.accesskit_node();
            (node.locate().0, node.role(), node.label().unwrap_or_default())
        })
        .collect()
}

/// What Tab comes to until it is round, from `start` of the window.
fn walk(window: &mut Window, most: usize) -> BTreeSet<NodeId> {
    let mut reached = BTreeSet::new();
    for _ in 0..most {
        window.key_press(Key::Tab);
        window.run();
        let focused = window.query_all_by(|node| node.is_focused()).next().map(|node| node.accesskit_node().locate().0);
        if let Some(id) = focused
            && !reached.insert(id)
        {
            break;
        }
    }
    reached
}

/// Whether anything on the screen has these words.
fn says(window: &Window, words: &str) -> bool {
    let says = |said: Option<String>| said.is_some_and(|said| said.contains(words));
    window.query_all_by(|node| says(node.value().or_else(|| node.label()))).next().is_some()
}

#[test]
fn each_control_has_a_name_and_a_role() {
    each_scene(|scene, window| {
        for (_, role, name) in controls(window) {
            assert!(!name.trim().is_empty(), "{scene}: a {role:?} without a name");
            assert!(!matches!(role, Role::Unknown | Role::GenericContainer), "{scene}: {name:?} is {role:?}");
        }
    });
}

#[test]
fn tab_comes_to_each_control() {
    each_scene(|scene, window| {
        let wanted = controls(window);
        assert!(!wanted.is_empty(), "{scene} has nothing to press");
        let reached = walk(window, wanted.len() + 8);
        // A question lies over the rest, which can wait.
        let over = scene.starts_with("session-ending");
        for (id, role, name) in wanted {
            let asked = [Language::English, Language::German].map(Texts::of);
            let of_the_question = asked.iter().any(|t| [t.end_yes, t.end_no, t.end_put_back].contains(&name.as_str()));
            assert!(reached.contains(&id) || (over && !of_the_question), "{scene}: Tab passes {role:?} {name:?}");
        }
    });
}

#[test]
fn no_two_controls_of_a_screen_have_the_same_name() {
    each_scene(|scene, window| {
        let mut seen = BTreeMap::new();
        for (_, role, name) in controls(window) {
            // The same device may be a microphone and a loudspeaker: the headings tell them apart.
            if role != Role::RadioButton {
                *seen.entry((format!("{role:?}"), name)).or_insert(0) += 1;
            }
        }
        for ((role, name), count) in seen {
            assert_eq!(count, 1, "{scene}: {count} times {role} {name:?}");
        }
    });
}

#[test]
fn each_screen_has_one_title_and_its_headings_have_names() {
    each_scene(|scene, window| {
        let headings: Vec<(Option<usize>, String)> = window
            .query_all_by(|node| node.role() == Role::Heading)
            .map(|node| {
                let node = node.accesskit_node();
                (node.data().level(), node.label().unwrap_or_default())
            })
            .collect();
        assert!(headings.iter().all(|(_, name)| !name.trim().is_empty()), "{scene}: {headings:?}");
        // In a session the picture is the screen.
        if !scene.starts_with("session") {
            assert!(headings.iter().any(|(level, _)| *level == Some(1)), "{scene} has no title: {headings:?}");
        }
    });
}

#[test]
fn can_anyone_listen_says_in_a_session_what_was_agreed_and_checked() {
    let t = Texts::of(Language::English);
    for scene in ["session-listen", "session-listen-client"] {
        let preferences = Preferences { look: Some(Look::Light), reduced_motion: true, ..Preferences::default() };
        let window = scenes::open(scene, preferences, [1280.0, 800.0]);
        let said = [
            "SRTP_AEAD_AES_256_GCM",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            t.check_relay,
            t.check_words,
            "9:56, matched on both sides",
        ];
        for words in said {
            assert!(says(&window, words), "{scene} does not say {words:?}");
        }
    }
}

#[test]
fn packets_are_called_constant_only_when_the_running_session_has_found_them_so() {
    let t = Texts::of(Language::English);
    let preferences = Preferences { look: Some(Look::Light), reduced_motion: true, ..Preferences::default() };
    let mut window = scenes::open("session-listen", preferences, [1280.0, 800.0]);
    for verdict in [None, Some(true), Some(false), None] {
        let stats = Stats { sizes_constant: verdict, ..scenes::figures() };
        window.state_mut().tell(&Event::Stats(Box::new(stats)));
        window.run();
        let said = [t.check_sizes, t.check_sizes_bad].map(|words| says(&window, words));
        assert_eq!(said, [verdict == Some(true), verdict == Some(false)], "{verdict:?}");
    }
}

#[test]
fn relay_only_is_said_of_a_session_in_which_no_address_was_told() {
    let t = Texts::of(Language::English);
    let preferences = Preferences { look: Some(Look::Light), reduced_motion: true, ..Preferences::default() };
    let mut window = scenes::open("session-listen", preferences, [1280.0, 800.0]);
    for path in [Path::RelayedAddressesKnown, Path::Direct, Path::Relayed] {
        window.state_mut().tell(&Event::Link { state: LinkState::Connected, path: Some(path), side: None });
        window.run();
        let untold = [t.check_relay, t.check_relay_text, t.their_computer_text].map(|words| says(&window, words));
        let told = says(&window, t.their_computer_direct);
        assert_eq!((untold, told), ([path == Path::Relayed; 3], path != Path::Relayed), "{path:?}");
        assert_eq!(says(&window, t.relay_text), path != Path::Direct, "{path:?}");
        let kinds = [t.check_relay_known, t.check_direct].map(|words| says(&window, words));
        assert_eq!(kinds, [path == Path::RelayedAddressesKnown, path == Path::Direct], "{path:?}");
    }
}

#[test]
fn tries_are_counted_to_the_therapist_while_they_happen() {
    let t = Texts::of(Language::English);
    let preferences = Preferences { look: Some(Look::Light), reduced_motion: true, ..Preferences::default() };
    let mut window = scenes::open("invite", preferences, [1280.0, 800.0]);
    assert!(says(&window, t.nobody_tried));
    let contact = scenes::VIOLIN;
    for n in 1..=2_u8 {
        window.state_mut().tell(&Event::Alert { contact: Some(contact), code: AlertCode::WrongCode { n, of: 3 } });
        window.run();
        let counted = fill(t.tried_wrong, &[&n.to_string(), "3"]);
        assert!(says(&window, &counted) && !says(&window, t.nobody_tried), "{counted}");
    }
    window.state_mut().tell(&Event::Alert { contact: Some(contact), code: AlertCode::Burned });
    window.run();
    assert!(says(&window, t.burned));
}

#[test]
fn a_different_key_is_told_with_both_numbers() {
    let preferences = Preferences { look: Some(Look::Light), reduced_motion: true, ..Preferences::default() };
    let window = scenes::open("contact-key-changed", preferences, [1280.0, 800.0]);
    let alert = window.state().snapshot.contacts.iter().filter_map(|contact| contact.fingerprint.clone());
    let numbers: BTreeSet<String> = alert.collect();
    let told = window.query_all_by(|node| {
        let said = node.value().or_else(|| node.label()).unwrap_or_default();
        numbers.iter().filter(|number| said.contains(number.as_str())).count() == 2
    });
    assert!(told.count() > 0, "no sentence holds two of {numbers:?}");
}

#[test]
fn the_three_ends_of_a_session_are_told_apart_by_ear_too() {
    for language in [Language::English, Language::German] {
        let t = Texts::of(language);
        let preferences = Preferences { language, reduced_motion: true, ..Preferences::default() };
        let said = ["ended", "ended-lost", "ended-abnormal"].map(|name| {
            let window = scenes::open(name, preferences, [1280.0, 800.0]);
            let status = window.get_by_role(Role::Status);
            status.accesskit_node().label().unwrap_or_default()
        });
        for (said, title) in said.iter().zip([t.ended_title, t.ended_lost_title, t.ended_abnormal_title]) {
            assert!(said.starts_with(&format!("{title}. ")), "{said}");
        }
        assert!(said[2].ends_with(t.ended_abnormal_text) && !said[0].contains(t.ended_abnormal_text), "{said:?}");
    }
}
