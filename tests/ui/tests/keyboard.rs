//! Whole sessions by keyboard alone, and what a habitual key must never do.
#![allow(clippy::unwrap_used, reason = "tests")]

use egui::{Event as Input, Key, Modifiers};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use sotto_session_api::Command;
use sotto_session_api::{
    CompareMethod, CompareReason, Event, FileId, FileStage, FileState, Gate, InviteForm, MediaTrack, Phase, Pick,
    ProfileRole,
    sentences::{Language, sentence},
};
use sotto_ui::{Look, Preferences, Request, texts::Texts};
use sotto_ui_tests::{Desk, FakeEngine, scenes, window};

type Window = Harness<'static, Desk>;

const SIZE: [f32; 2] = [1280.0, 800.0];

fn preferences() -> Preferences {
    Preferences { look: Some(Look::Light), reduced_motion: true, ..Preferences::default() }
}

fn t() -> &'static Texts {
    Texts::of(Language::English)
}

/// One key, and what the engine answers to it.
fn press(window: &mut Window, engine: &mut FakeEngine, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run();
    engine.answer(window.state_mut());
    window.run();
    engine.answer(window.state_mut());
}

fn plain(window: &mut Window, engine: &mut FakeEngine, key: Key) {
    press(window, engine, Modifiers::NONE, key);
}

/// Letters as a keyboard gives them: a frame for each.
fn type_text(window: &mut Window, engine: &mut FakeEngine, text: &str) {
    for letter in text.chars() {
        if letter == ' ' {
            // A real keyboard gives the key and the letter.
            window.key_down(Key::Space);
            window.event(Input::Text(" ".to_owned()));
            window.key_up(Key::Space);
        } else {
            window.event(Input::Text(letter.to_string()));
        }
        window.run();
    }
    engine.answer(window.state_mut());
}

fn focused(window: &Window) -> String {
    window
        .query_all_by(|node| node.is_focused())
        .next()
        .and_then(|node| node.accesskit_node().label())
        .unwrap_or_default()
}

/// Tab until a control is reached whose name begins so.
fn tab_to(window: &mut Window, name: &str) {
    let mut passed = Vec::new();
    for _ in 0..60 {
        if focused(window).starts_with(name) {
            return;
        }
        passed.push(focused(window));
        window.key_press(Key::Tab);
        window.run();
    }
    panic!("Tab never comes to {name:?}: {passed:?}");
}

fn screen(window: &Window) -> &'static str {
    window.state().interface.screen()
}

#[test]
fn a_therapist_holds_a_whole_session_by_keyboard() {
    let mut window = window(Desk::new(preferences()), SIZE);
    let mut engine = FakeEngine::default();
    window.run();
    tab_to(&mut window, t().am_therapist);
    plain(&mut window, &mut engine, Key::Enter);
    assert_eq!(screen(&window), "first-start");
    tab_to(&mut window, t().passphrase);
    type_text(&mut window, &mut engine, "four words of nobody");
    plain(&mut window, &mut engine, Key::Tab);
    type_text(&mut window, &mut engine, "four words of nobody");
    tab_to(&mut window, t().server);
    type_text(&mut window, &mut engine, "wss://meet.example.org");
    plain(&mut window, &mut engine, Key::Enter);
    assert_eq!((screen(&window), window.state().snapshot.role), ("room", Some(ProfileRole::Therapist)));

    tab_to(&mut window, t().new_client);
    plain(&mut window, &mut engine, Key::Enter);
    tab_to(&mut window, t().label);
    type_text(&mut window, &mut engine, "Garden");
    plain(&mut window, &mut engine, Key::Enter);
    assert_eq!(screen(&window), "invite");
    window.get_by_label("4 7 1 1 9 3");

    FakeEngine::client_arrives(window.state_mut());
    window.run();
    tab_to(&mut window, t().room);
    plain(&mut window, &mut engine, Key::Enter);
    plain(&mut window, &mut engine, Key::ArrowDown);
    press(&mut window, &mut engine, Modifiers::COMMAND, Key::Enter);
    assert_eq!(screen(&window), "compare");
    plain(&mut window, &mut engine, Key::Num3);
    assert_eq!(screen(&window), "compare", "one press only marks");
    plain(&mut window, &mut engine, Key::Num3);
    assert_eq!(screen(&window), "session");

    press(&mut window, &mut engine, Modifiers::COMMAND, Key::D);
    press(&mut window, &mut engine, Modifiers::COMMAND, Key::T);
    type_text(&mut window, &mut engine, "example.org");
    plain(&mut window, &mut engine, Key::Enter);
    press(&mut window, &mut engine, Modifiers::COMMAND, Key::End);
    assert_eq!(screen(&window), "session", "the therapist is asked first");
    tab_to(&mut window, t().end_yes);
    plain(&mut window, &mut engine, Key::Enter);
    assert_eq!(screen(&window), "ended");

    let contact = window.state().snapshot.contacts[0].contact;
    let expected = [
        Command::Contacts,
        Command::Listen(None),
        Command::Invite { label: "Garden".to_owned(), form: InviteForm::Code, minutes: None },
        Command::Admit(contact),
        Command::Verify(Pick::Candidate(2)),
        Command::Mute { track: MediaTrack::Audio, on: true },
        Command::Chat("example.org".to_owned()),
        Command::End,
    ];
    assert_eq!(engine.commands, expected);
}

#[test]
fn a_client_holds_a_whole_session_by_keyboard() {
    let mut window = window(Desk::new(preferences()), SIZE);
    let mut engine = FakeEngine::default();
    window.run();
    tab_to(&mut window, t().have_code);
    plain(&mut window, &mut engine, Key::Space);
    tab_to(&mut window, t().passphrase);
    type_text(&mut window, &mut engine, "four words of nobody");
    plain(&mut window, &mut engine, Key::Tab);
    type_text(&mut window, &mut engine, "four words of nobody");
    plain(&mut window, &mut engine, Key::Enter);
    assert_eq!(screen(&window), "join");
    assert_eq!(focused(&window), t().code_field, "the code field is ready");
    // Another case, a space in the number, dashes, and words that are only begun.
    type_text(&mut window, &mut engine, "471 193 ARTIST-PaperW cob hideaway");
    assert!(engine.commands.iter().all(|command| *command == Command::Contacts), "nothing is sent by typing");
    plain(&mut window, &mut engine, Key::Enter);
    assert_eq!(screen(&window), "waiting");

    FakeEngine::admit(window.state_mut());
    window.run();
    assert_eq!(screen(&window), "compare");
    plain(&mut window, &mut engine, Key::Num1);
    plain(&mut window, &mut engine, Key::Num1);
    assert_eq!(screen(&window), "session");
    tab_to(&mut window, t().end_session);
    plain(&mut window, &mut engine, Key::Enter);
    assert_eq!(screen(&window), "ended");

    let [Command::Contacts, Command::JoinInvite(code), Command::Verify(Pick::Candidate(0)), Command::End] =
        engine.commands.as_slice()
    else {
        panic!("{:?}", engine.commands)
    };
    assert_eq!(code.to_lowercase(), "471193-artist-paperweight-cobra-hideaway");
}

#[test]
fn the_last_letter_and_enter_in_one_moment_are_both_heard() {
    let mut window = window(Desk::new(preferences()), SIZE);
    let mut engine = FakeEngine::default();
    window.run();
    tab_to(&mut window, t().have_code);
    plain(&mut window, &mut engine, Key::Space);
    tab_to(&mut window, t().passphrase);
    type_text(&mut window, &mut engine, "four words of nobody");
    plain(&mut window, &mut engine, Key::Tab);
    type_text(&mut window, &mut engine, "four words of nobod");
    // A computer that is busy hands both over at once.
    window.event(Input::Text("y".to_owned()));
    plain(&mut window, &mut engine, Key::Enter);
    assert_eq!(screen(&window), "join");
}

#[test]
fn after_a_code_that_does_not_fit_the_keyboard_is_in_the_field() {
    let mut window = window(Desk::new(preferences()), SIZE);
    let mut engine = FakeEngine::default();
    window.run();
    tab_to(&mut window, t().have_code);
    plain(&mut window, &mut engine, Key::Space);
    tab_to(&mut window, t().passphrase);
    type_text(&mut window, &mut engine, "four words of nobody");
    plain(&mut window, &mut engine, Key::Tab);
    type_text(&mut window, &mut engine, "four words of nobody");
    plain(&mut window, &mut engine, Key::Enter);
    type_text(&mut window, &mut engine, "471193 artist paperweight cobra hideaway");
    window.key_press(Key::Enter);
    window.run();
    let refused = Event::Refused { code: "E_CODE_WRONG", what: "".into(), what_to_do: "".into() };
    window.state_mut().tell(&refused);
    window.run();
    assert_eq!((screen(&window), focused(&window).as_str()), ("join", t().code_field));
}

fn comparing() -> Window {
    scenes::open("compare", preferences(), SIZE)
}

#[test]
fn a_card_to_print_has_what_is_compared_later() {
    let mut window = scenes::open("invite-link", preferences(), [1280.0, 800.0]);
    window.get_by_label(t().save_card).click();
    window.run();
    let requests = std::mem::take(&mut window.state_mut().requests);
    let cards: Vec<_> = requests.iter().filter(|request| matches!(request, Request::SaveCard(_))).collect();
    let [Request::SaveCard(card)] = cards[..] else { panic!("{} cards", cards.len()) };
    assert!(card.text.expose().contains("14203 55718 90266 31840 77125 60093"), "the therapist's own digits");
}

fn picks(window: &mut Window) -> Vec<Request> {
    let requests = std::mem::take(&mut window.state_mut().requests);
    requests.into_iter().filter(|request| matches!(request, Request::Session(Command::Verify(_)))).collect()
}

#[test]
fn enter_and_space_never_pass_the_comparison() {
    let mut window = comparing();
    for row in ["ahead holiness drumbeat", t().none_of_these] {
        window.get_by_label(row).focus();
        for key in [Key::Enter, Key::Space, Key::Enter] {
            window.key_press(key);
            window.run();
        }
    }
    assert_eq!(picks(&mut window), []);
    assert!(window.query_by_label_contains("I heard").is_none(), "nothing is even marked");
    window.key_press(Key::Num2);
    window.run();
    let confirm = "I heard";
    window.get_by_label_contains(confirm).focus();
    window.run();
    assert!(focused(&window).starts_with(confirm));
    for key in [Key::Enter, Key::Space, Key::Enter, Key::Space] {
        window.key_press(key);
        window.run();
    }
    assert_eq!(picks(&mut window), []);
    // Assistive technology chooses on purpose, with the words in the name.
    window.get_by_label("I heard: merit positive drumbeat").click_accesskit();
    window.run();
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::Candidate(1)))]);
}

#[test]
fn a_small_window_is_passed_by_habit_as_little() {
    let mut window = scenes::open("compare", preferences(), [640.0, 480.0]);
    window.key_press(Key::Num2);
    window.run();
    window.get_by_label("I heard: merit positive drumbeat").focus();
    for key in [Key::Enter, Key::Space] {
        window.key_press(key);
        window.run();
    }
    assert_eq!(picks(&mut window), []);
    window.key_press(Key::Num2);
    window.run();
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::Candidate(1)))]);
}

#[test]
fn a_click_marks_and_the_confirmation_needs_another() {
    let mut window = comparing();
    window.get_by_label("ahead positive blockade").click();
    window.run();
    assert_eq!(picks(&mut window), []);
    window.get_by_label_contains("I heard").click();
    window.run();
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::Candidate(2)))]);
}

#[test]
fn what_is_heard_in_digits_is_picked_as_digits() {
    let mut window = comparing();
    window.get_by_label("Digits instead of words").click();
    window.run();
    for _ in 0..2 {
        window.key_press(Key::B);
        window.run();
    }
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::Digits(1)))]);
}

#[test]
fn other_words_need_a_new_choice() {
    let mut window = comparing();
    window.key_press(Key::Num2);
    window.run();
    let mut other = scenes::verification(CompareReason::First, true);
    other.candidates.swap(1, 2);
    let desk = window.state_mut();
    desk.tell(&Event::Verify(other.clone()));
    desk.snapshot.verification = Some(other);
    window.run();
    window.key_press(Key::Num2);
    window.run();
    assert_eq!(picks(&mut window), [], "the mark of the old words does not count");
}

fn shift(window: &mut Window, after: f64) {
    window.state_mut().clock.mono += after;
    window.key_press(Key::ShiftLeft);
    window.run();
}

#[test]
fn shift_three_times_leaves_at_once_and_covers_everything() {
    for scene in ["join", "waiting", "compare-client", "session-client"] {
        let mut window = scenes::open(scene, preferences(), SIZE);
        window.state_mut().requests.clear();
        for _ in 0..3 {
            shift(&mut window, 0.3);
        }
        assert!(window.state().requests.contains(&Request::QuickExit), "{scene}");
        let picture = window.render().unwrap();
        let first = *picture.get_pixel(0, 0);
        assert!(picture.pixels().all(|pixel| *pixel == first), "{scene} is still to be seen");
    }
}

#[test]
fn slow_or_mixed_shifts_and_a_therapists_do_nothing() {
    let mut slow = scenes::open("waiting", preferences(), SIZE);
    for _ in 0..4 {
        shift(&mut slow, 0.8);
    }
    let mut mixed = scenes::open("waiting", preferences(), SIZE);
    shift(&mut mixed, 0.1);
    shift(&mut mixed, 0.1);
    mixed.key_press(Key::Tab);
    mixed.run();
    shift(&mut mixed, 0.1);
    let mut therapist = scenes::open("session", preferences(), SIZE);
    for _ in 0..3 {
        shift(&mut therapist, 0.1);
    }
    for window in [slow, mixed, therapist] {
        assert!(!window.state().requests.contains(&Request::QuickExit));
    }
}

#[test]
fn escape_closes_only_the_top_layer() {
    let mut window = scenes::open("session-chat", preferences(), SIZE);
    window.state_mut().requests.clear();
    window.key_press_modifiers(Modifiers::COMMAND, Key::End);
    window.run();
    assert!(window.query_by_label(t().end_title).is_some());
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_label(t().end_title).is_none());
    assert!(window.query_by_label(t().chat_text).is_some(), "the chat stays");
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_label(t().chat_text).is_none());
    window.key_press(Key::Escape);
    window.run();
    assert_eq!((screen(&window), window.state().snapshot.phase), ("session", Phase::Open));
    assert!(!window.state().requests.contains(&Request::Session(Command::End)));
    assert_eq!(window.state().snapshot.gate, Some(Gate::G2));
}

#[test]
fn after_a_loss_of_continuity_a_match_needs_the_person_recognised() {
    let mut window = scenes::open("compare-continuity", preferences(), SIZE);
    for _ in 0..2 {
        window.key_press(Key::Num2);
        window.run();
    }
    assert_eq!(picks(&mut window), [], "words alone do not pass it");
    window.get_by_label(t().recognise).click_accesskit();
    window.run();
    window.key_press(Key::Num2);
    window.run();
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::Candidate(1)))]);
    // "None of these" is never held up.
    let mut window = scenes::open("compare-continuity", preferences(), SIZE);
    for _ in 0..2 {
        window.key_press(Key::Num5);
        window.run();
    }
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::NoneOfThese))]);
}

#[test]
fn a_comparison_outside_the_window_is_told_with_its_method() {
    for (name, method) in [
        (t().compared_here, CompareMethod::Fingerprint),
        (t().compared_phone, CompareMethod::Phone),
        (t().compared_in_person, CompareMethod::InPerson),
        (t().compared_card, CompareMethod::Card),
    ] {
        let mut window = scenes::open("compare-fingerprint", preferences(), SIZE);
        window.get_by_label(name).click_accesskit();
        window.run();
        window.get_by_label(t().fingerprint_same).click_accesskit();
        window.run();
        assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::Otherwise(method)))]);
    }
}

/// It ends the session, so one press is not enough.
#[test]
fn a_fingerprint_that_differs_is_asked_once_more() {
    let mut window = scenes::open("compare-fingerprint", preferences(), SIZE);
    window.get_by_label(t().compared_phone).click_accesskit();
    window.run();
    window.get_by_label(t().fingerprint_differs).click_accesskit();
    window.run();
    assert_eq!(picks(&mut window), []);
    window.get_by_label(t().fingerprint_differs_yes).click_accesskit();
    window.run();
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::Differs(CompareMethod::Phone)))]);
}

/// The camera reads until it has read something; what it was is for the engine to say.
#[test]
fn the_other_screen_is_read_by_the_camera_and_goes_to_the_engine() {
    let scans = |window: &mut Window| -> Vec<Request> {
        let requests = std::mem::take(&mut window.state_mut().requests);
        let wanted = |request: &Request| {
            matches!(request, Request::Scan(_)) || matches!(request, Request::Session(Command::Verify(_)))
        };
        requests.into_iter().filter(wanted).collect()
    };
    let mut window = scenes::open("compare-fingerprint", preferences(), SIZE);
    scans(&mut window);
    window.get_by_label(t().compared_camera).click_accesskit();
    window.run();
    window.get_by_label(t().scan_start).click_accesskit();
    window.run();
    assert_eq!(scans(&mut window), [Request::Scan(true)]);
    // Back to the words: the camera goes off.
    window.get_by_label(t().hide_fingerprint).click_accesskit();
    window.run();
    assert_eq!(scans(&mut window), [Request::Scan(false)]);
    window.get_by_label(t().show_fingerprint).click_accesskit();
    window.run();
    window.get_by_label(t().compared_camera).click_accesskit();
    window.run();
    window.get_by_label(t().scan_start).click_accesskit();
    window.run();
    scans(&mut window);
    window.state_mut().interface.offer_scan(b"anything");
    window.run();
    let read = Request::Session(Command::Verify(Pick::Scanned(b"anything".to_vec())));
    assert_eq!(scans(&mut window), [read, Request::Scan(false)]);
    // After a loss of continuity the person has to be recognised first; then what was read counts.
    let mut window = scenes::open("compare-continuity", preferences(), SIZE);
    window.get_by_label(t().show_fingerprint).click_accesskit();
    window.run();
    window.get_by_label(t().compared_camera).click_accesskit();
    window.run();
    window.get_by_label(t().scan_start).click_accesskit();
    window.run();
    scans(&mut window);
    window.state_mut().interface.offer_scan(b"anything");
    window.run();
    assert_eq!(scans(&mut window), [Request::Scan(false)]);
    window.get_by_label(t().recognise).click_accesskit();
    window.run();
    let read = Request::Session(Command::Verify(Pick::Scanned(b"anything".to_vec())));
    assert_eq!(scans(&mut window), [read]);
}

/// What anybody could have sent counts for nothing: a picture in a file, and the other side's video, in which there may be a
/// square. Nor is the own square beside the camera's picture, in which the other's is.
#[test]
fn only_the_camera_reads_and_what_it_sees_is_the_square_alone() {
    let mut window = scenes::open("compare-fingerprint", preferences(), SIZE);
    let is_there = |window: &Window, name: &str| window.query_all_by_label(name).next().is_some();
    assert!(is_there(&window, t().their_picture));
    let clock = window.state().clock;
    window.state_mut().interface.offer_scan(b"nobody has asked for it");
    window.state_mut().interface.offer_picture(Some(b"TSPF"), clock);
    window.run();
    assert_eq!(picks(&mut window), []);
    assert!(is_there(&window, t().scan_by_camera));
    window.get_by_label(t().compared_camera).click_accesskit();
    window.run();
    assert!(is_there(&window, t().scan_square) && !is_there(&window, t().their_picture));
    window.get_by_label(t().scan_start).click_accesskit();
    window.run();
    assert!(is_there(&window, t().own_picture));
    assert!(!is_there(&window, t().scan_square) && !is_there(&window, t().their_picture));
    // Read, and now the other side reads: the square again, and still nobody's picture.
    window.state_mut().interface.offer_scan(b"anything");
    window.run();
    assert!(is_there(&window, t().compare_sent_title) && is_there(&window, t().scan_square));
    assert!(!is_there(&window, t().their_picture));
}

/// By keys alone, from the words to the camera.
#[test]
fn the_way_by_camera_is_reached_with_tab_and_enter() {
    let mut window = scenes::open("compare", preferences(), SIZE);
    for name in [t().show_fingerprint, t().compared_camera, t().scan_start] {
        for _ in 0..30 {
            if window.get_by_label(name).accesskit_node().is_focused() {
                break;
            }
            window.key_press(Key::Tab);
            window.run();
        }
        assert!(window.get_by_label(name).accesskit_node().is_focused(), "{name}");
        window.key_press(Key::Enter);
        window.run();
    }
    let requests = std::mem::take(&mut window.state_mut().requests);
    assert!(requests.contains(&Request::Scan(true)));
}

/// "None of these" for the first time: the words are read again, and the choice is open again.
#[test]
fn after_none_of_these_one_can_choose_again() {
    let mut window = scenes::open("compare", preferences(), SIZE);
    for _ in 0..2 {
        window.key_press(Key::Num5);
        window.run();
    }
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::NoneOfThese))]);
    let card = window.state().snapshot.verification.clone().unwrap();
    window.state_mut().tell(&Event::Verify(card));
    window.run();
    for _ in 0..2 {
        window.key_press(Key::Num2);
        window.run();
    }
    assert_eq!(picks(&mut window), [Request::Session(Command::Verify(Pick::Candidate(1)))]);
}

fn commands(window: &mut Window) -> Vec<Command> {
    let requests = std::mem::take(&mut window.state_mut().requests);
    let session = |request| match request {
        Request::Session(command) => Some(command),
        _ => None,
    };
    requests.into_iter().filter_map(session).collect()
}

#[test]
fn a_new_code_is_from_the_therapist_who_is_known_unless_somebody_says_otherwise() {
    for (new, expected) in [(false, true), (true, false)] {
        let mut window = scenes::open("join-again", preferences(), SIZE);
        if new {
            window.get_by_label(t().code_from_new).click_accesskit();
            window.run();
        }
        window.get_by_label(t().code_field).focus();
        window.run();
        window.event(Input::Text("471193 artist paperweight cobra hideaway".to_owned()));
        window.run();
        window.key_press(Key::Enter);
        window.run();
        let said = commands(&mut window);
        let is_again = said.iter().any(|command| matches!(command, Command::Rejoin { .. }));
        let is_new = said.iter().any(|command| matches!(command, Command::JoinInvite(_)));
        assert_eq!((is_again, is_new), (expected, !expected), "{said:?}");
    }
}

#[test]
fn an_invite_is_withdrawn_and_nothing_is_forgotten_by_it() {
    let mut window = scenes::open("invite-link", preferences(), SIZE);
    commands(&mut window);
    window.get_by_label(t().withdraw).click_accesskit();
    window.run();
    let said = commands(&mut window);
    assert_eq!(said.len(), 2, "both forms: {said:?}");
    assert!(said.iter().all(|command| matches!(command, Command::Withdraw(_))), "{said:?}");
}

#[test]
fn a_passphrase_is_changed_by_keyboard_and_no_copy_stays_in_a_field() {
    let mut window = scenes::open("passphrase", preferences(), SIZE);
    let mut engine = FakeEngine::default();
    assert_eq!(focused(&window), t().passphrase_present);
    type_text(&mut window, &mut engine, "the one from before");
    plain(&mut window, &mut engine, Key::Tab);
    type_text(&mut window, &mut engine, "four other words here");
    plain(&mut window, &mut engine, Key::Tab);
    type_text(&mut window, &mut engine, "four other words hare");
    plain(&mut window, &mut engine, Key::Enter);
    assert!(window.query_by_label(t().change_busy).is_none(), "twice the same first");
    tab_to(&mut window, t().passphrase_again);
    plain(&mut window, &mut engine, Key::End);
    for _ in 0..4 {
        plain(&mut window, &mut engine, Key::Backspace);
    }
    type_text(&mut window, &mut engine, "here");
    plain(&mut window, &mut engine, Key::Enter);
    let changed = engine.commands.iter().find_map(|command| match command {
        Command::ChangePassphrase { old, new } => Some((old.expose().to_owned(), new.expose().to_owned())),
        _ => None,
    });
    assert_eq!(changed, Some(("the one from before".into(), "four other words here".into())));
    for name in [t().passphrase_present, t().passphrase_new, t().passphrase_again] {
        let field = window.get_by_role_and_label(egui::accesskit::Role::PasswordInput, name);
        assert!(field.value().unwrap_or_default().is_empty(), "{name}");
    }
    window.state_mut().tell(&Event::PassphraseChanged);
    window.run();
    assert_eq!(screen(&window), "settings");
}

#[test]
fn the_second_key_is_put_on_and_off_by_keyboard() {
    for (scene, on) in [("keyring", true), ("keyring-on", false)] {
        let mut window = scenes::open(scene, preferences(), SIZE);
        let mut engine = FakeEngine::default();
        assert_eq!(focused(&window), t().passphrase_present);
        plain(&mut window, &mut engine, Key::Enter);
        let asks =
            |engine: &FakeEngine| engine.commands.iter().any(|command| matches!(command, Command::UseKeyring { .. }));
        assert!(!asks(&engine), "not without the passphrase");
        type_text(&mut window, &mut engine, "the one from before");
        plain(&mut window, &mut engine, Key::Enter);
        let asked = engine.commands.iter().find_map(|command| match command {
            Command::UseKeyring { passphrase, on } => Some((passphrase.expose().to_owned(), *on)),
            _ => None,
        });
        assert_eq!(asked, Some(("the one from before".into(), on)));
        let field = window.get_by_role_and_label(egui::accesskit::Role::PasswordInput, t().passphrase_present);
        assert!(field.value().unwrap_or_default().is_empty());
        // It may be refused, and asked again.
        window.state_mut().tell(&Event::refused("E_KEYRING"));
        window.run();
        assert_eq!(screen(&window), "keyring");
        window.state_mut().tell(&Event::Keyring { on });
        window.run();
        assert_eq!(screen(&window), "settings");
    }
}

/// The other side may be a program that can send files; it must not wait for an answer that nobody here can give.
#[test]
fn a_file_that_is_offered_is_refused_and_that_is_said() {
    let mut window = scenes::open("session", preferences(), SIZE);
    let mut engine = FakeEngine::default();
    let file = FileState {
        id: FileId([3; 16]),
        own: false,
        name: "worksheet.pdf".into(),
        size: 9,
        done: 0,
        stage: FileStage::Offered,
    };
    window.state_mut().tell(&Event::File(file));
    plain(&mut window, &mut engine, Key::Tab);
    let refused = |command: &Command| matches!(command, Command::RefuseFile(FileId(id)) if *id == [3; 16]);
    assert!(engine.commands.iter().any(refused), "{:?}", engine.commands);
    let said = sentence("file-not-taken", Language::English).what;
    assert!(window.query_all_by_label_contains(said).next().is_some());
}
