//! Every screen of the window, by name.

use egui::{Key, Modifiers, Vec2, accesskit::Action};
use egui_kittest::{Harness, kittest::Queryable as _};
use sotto_session_api::{
    AlertCode, CompareReason, ContactId, ContactInfo, ContactState, EndReason, Event, Gate, InviteForm, KeyState,
    LinkState, MediaDirection, MediaTrack, Path, Phase, ProfileRole, SecretText, Severity, SideNotice, Stats,
    Verification,
    sentences::{Language, sentence},
};
use sotto_ui::{
    Place, Preferences, Profile,
    texts::{Texts, fill},
};

use crate::{Desk, MORNING, window};

/// Who is in the list.
const TUESDAY: ContactId = ContactId(1);
const GARDEN: ContactId = ContactId(2);
const LAKE: ContactId = ContactId(3);
const LAPTOP: ContactId = ContactId(4);
/// The contact of the scene `invite`.
pub const VIOLIN: ContactId = ContactId(5);

const DAY: u64 = 86_400;

/// Twelve groups of five digits.
pub const FINGERPRINT: &str = "30412 88127 05533 91746 22018 64490 17253 98841 40067 35512 77390 10684";

/// Names of all scenes, in the order of a first session.
pub const ALL: &[&str] = &[
    "welcome",
    "first-start",
    "first-start-client",
    "first-start-moved",
    "unlock",
    "room",
    "room-more",
    "room-empty",
    "room-offline",
    "clients",
    "new-client",
    "invite",
    "invite-tries",
    "invite-link",
    "join",
    "join-refused",
    "people",
    "join-again",
    "joining",
    "waiting",
    "waiting-back",
    "admitted",
    "compare",
    "compare-client",
    "compare-changed",
    "compare-continuity",
    "compare-digits",
    "compare-picked",
    "compare-none",
    "compare-sent",
    "compare-fingerprint",
    "compare-scan",
    "mismatch",
    "session",
    "session-client",
    "session-weak",
    "session-frozen",
    "session-muted",
    "session-camera-off",
    "session-chat",
    "session-devices",
    "session-listen",
    "session-listen-client",
    "session-ending",
    "listen",
    "contact",
    "contact-mismatch",
    "contact-key-changed",
    "devices",
    "settings",
    "passphrase",
    "keyring",
    "keyring-on",
    "move",
    "move-words",
    "move-erase",
    "help",
    "ended",
    "ended-abnormal",
    "ended-lost",
];

/// The scenes that the reference pictures show.
pub const MAIN: [&str; 10] =
    ["welcome", "room", "invite", "join", "waiting", "compare", "session", "mismatch", "devices", "listen"];

/// A scene by its name.
///
/// # Panics
/// There is no such scene.
#[must_use]
pub fn scene(name: &str, preferences: Preferences) -> Desk {
    let mut desk = Desk::new(preferences);
    match name {
        "welcome" => {}
        // Reached by pressing, in the tests.
        "first-start" | "first-start-client" | "first-start-moved" => {}
        "unlock" => desk.profile = Profile::Locked,
        "room" | "room-more" => room(&mut desk),
        "room-empty" => {
            therapist(&mut desk);
            desk.snapshot.contacts.clear();
        }
        "room-offline" => {
            room(&mut desk);
            desk.snapshot.online = false;
            desk.tell(&notice("rendezvous-unreachable", Severity::Warning, preferences.language));
        }
        "clients" => {
            therapist(&mut desk);
            desk.interface.open(Place::Clients);
        }
        "new-client" => {
            therapist(&mut desk);
            desk.interface.open(Place::NewClient);
        }
        "invite" | "invite-link" => invite(&mut desk),
        "invite-tries" => {
            invite(&mut desk);
            desk.tell(&Event::Alert { contact: Some(VIOLIN), code: AlertCode::WrongCode { n: 2, of: 3 } });
        }
        "join" => client(&mut desk),
        "join-refused" => {
            client(&mut desk);
            desk.interface.offer_code("471193 artist paperweight cobra hideaway");
            let said = sentence("E_CODE_WRONG", preferences.language);
            let (what, what_to_do) = (said.what.to_owned(), said.what_to_do.to_owned());
            desk.tell(&Event::Refused { code: "E_CODE_WRONG", what, what_to_do });
        }
        "people" | "join-again" => {
            client(&mut desk);
            desk.snapshot.contacts = vec![therapist_contact()];
        }
        "joining" => {
            client(&mut desk);
            desk.snapshot.phase = Phase::Joining;
        }
        "waiting" => waiting(&mut desk),
        "waiting-back" => {
            waiting(&mut desk);
            desk.tell(&Event::PutBack(TUESDAY));
        }
        "admitted" => {
            client(&mut desk);
            desk.tell(&Event::Admitted(TUESDAY));
            desk.snapshot.phase = Phase::Connecting;
            desk.snapshot.contact = Some(TUESDAY);
        }
        "compare" | "compare-picked" | "compare-none" | "compare-sent" | "compare-fingerprint" | "compare-scan" => {
            therapist(&mut desk);
            compare(&mut desk, CompareReason::First);
        }
        "compare-digits" | "compare-client" => {
            client(&mut desk);
            compare(&mut desk, CompareReason::First);
        }
        "compare-changed" => {
            therapist(&mut desk);
            compare(&mut desk, CompareReason::Changed);
        }
        "compare-continuity" => {
            therapist(&mut desk);
            compare(&mut desk, CompareReason::Continuity);
        }
        "mismatch" => {
            client(&mut desk);
            compare(&mut desk, CompareReason::First);
            desk.tell(&Event::Alert { contact: Some(TUESDAY), code: AlertCode::Mismatch });
            desk.tell(&Event::Ended { reason: EndReason::Mismatch, complete: true });
            desk.snapshot.phase = Phase::Idle;
        }
        "session" | "session-muted" | "session-camera-off" | "session-chat" | "session-devices" | "session-listen"
        | "session-ending" => {
            therapist(&mut desk);
            session(&mut desk);
        }
        "session-client" | "session-listen-client" => {
            client(&mut desk);
            session(&mut desk);
        }
        "session-weak" => {
            client(&mut desk);
            session(&mut desk);
            desk.tell(&Event::Link { state: LinkState::Weak, path: Some(Path::Relayed), side: Some("theirs") });
            desk.snapshot.link = Some(LinkState::Weak);
        }
        "session-frozen" => {
            therapist(&mut desk);
            session(&mut desk);
            desk.tell(&Event::Link { state: LinkState::Reconnecting, path: None, side: None });
            desk.snapshot.link = Some(LinkState::Reconnecting);
            desk.clock.mono += 20.0;
        }
        "listen" => {
            therapist(&mut desk);
            desk.interface.open(Place::Listen);
        }
        "contact" => {
            therapist(&mut desk);
            desk.interface.open(Place::Contact(TUESDAY));
        }
        "contact-key-changed" => {
            therapist(&mut desk);
            desk.interface.open(Place::Contact(TUESDAY));
            if let Some(other) = desk.snapshot.contacts.iter_mut().find(|info| info.contact == GARDEN) {
                other.fingerprint = Some("80412 93377 15526 60981 44170 27035".to_owned());
            }
            let code = AlertCode::KeyChanged { known: TUESDAY };
            desk.tell(&Event::Alert { contact: Some(GARDEN), code });
        }
        "contact-mismatch" => {
            therapist(&mut desk);
            desk.interface.open(Place::Contact(LAPTOP));
        }
        "devices" => {
            therapist(&mut desk);
            desk.devices.level_db = Some(-24.0);
            desk.interface.open(Place::Devices);
        }
        "settings" => {
            therapist(&mut desk);
            desk.interface.open(Place::Settings);
        }
        "passphrase" => {
            therapist(&mut desk);
            desk.interface.open(Place::Passphrase);
        }
        "keyring" | "keyring-on" => {
            therapist(&mut desk);
            if name == "keyring-on" {
                desk.tell(&Event::Keyring { on: true });
            }
            desk.interface.open(Place::Keyring);
        }
        "move" | "move-words" | "move-erase" => {
            therapist(&mut desk);
            desk.interface.open(Place::Move);
        }
        "help" => {
            therapist(&mut desk);
            desk.interface.open(Place::Help);
        }
        "ended" | "ended-abnormal" | "ended-lost" => {
            therapist(&mut desk);
            session(&mut desk);
            desk.clock.unix += 47 * 60;
            desk.clock.mono += 47.0 * 60.0;
            let (reason, complete) = match name {
                "ended" => (EndReason::Normal, true),
                "ended-lost" => (EndReason::Interrupted, false),
                _ => (EndReason::Abnormal, false),
            };
            desk.tell(&Event::Ended { reason, complete });
            desk.snapshot.phase = Phase::Idle;
        }
        other => panic!("there is no scene {other}"),
    }
    desk
}

/// A scene in a window, after what a person does there to come to it.
#[must_use]
pub fn open(name: &str, preferences: Preferences, size: impl Into<Vec2>) -> Harness<'static, Desk> {
    let t = Texts::of(preferences.language);
    let mut harness = window(scene(name, preferences), size);
    harness.run();
    let press = |harness: &mut Harness<'static, Desk>, label: &str| {
        harness
            .get_by(|node| {
                node.label().is_some_and(|name| name.starts_with(label)) && node.data().supports_action(Action::Click)
            })
            .click_accesskit();
        harness.run();
    };
    let key = |harness: &mut Harness<'static, Desk>, modifiers: Modifiers, key: Key| {
        harness.key_press_modifiers(modifiers, key);
        harness.run();
    };
    match name {
        "first-start" => press(&mut harness, t.am_therapist),
        "first-start-client" => press(&mut harness, t.have_code),
        "join-again" => press(&mut harness, t.home_new_code),
        "first-start-moved" => press(&mut harness, t.come_from),
        "move-words" => {
            let words =
                "aardvark adroitness absurd adviser accrue aftermath acme aggregate adrift alkali adult almighty";
            harness.state_mut().tell(&Event::Exported { words: SecretText::new(words.to_owned()) });
            harness.run();
        }
        "move-erase" => press(&mut harness, t.erase),
        "room-more" => press(&mut harness, &fill(t.more_name, &["Garden"])),
        "invite-link" => {
            press(&mut harness, t.make_link);
            harness.state_mut().tell(&Event::Invited {
                contact: ContactId(6),
                text: format!("tsp1:{}", "K7Q2MZ4R8XW1P0VN".repeat(10)),
                form: InviteForm::Link,
                expires: MORNING.unix + 7 * DAY,
            });
        }
        "compare-digits" => press(&mut harness, t.digits_instead),
        "compare-fingerprint" => press(&mut harness, t.show_fingerprint),
        "compare-scan" => {
            press(&mut harness, t.show_fingerprint);
            press(&mut harness, t.compared_camera);
            press(&mut harness, t.scan_start);
        }
        "compare-picked" => key(&mut harness, Modifiers::NONE, Key::Num2),
        "compare-none" => key(&mut harness, Modifiers::NONE, Key::Num5),
        "compare-sent" => {
            key(&mut harness, Modifiers::NONE, Key::Num3);
            key(&mut harness, Modifiers::NONE, Key::Num3);
        }
        "session-muted" => {
            key(&mut harness, Modifiers::COMMAND, Key::D);
            harness.state_mut().snapshot.audio_muted = true;
        }
        "session-camera-off" => {
            key(&mut harness, Modifiers::COMMAND, Key::E);
            let desk = harness.state_mut();
            desk.snapshot.camera_muted = true;
            for (track, muted) in [(MediaTrack::Camera, true), (MediaTrack::Audio, true)] {
                let direction = MediaDirection::In;
                desk.tell(&Event::Media { track, direction, first_ms: None, codec: None, size: None, muted });
            }
        }
        "session-chat" => {
            key(&mut harness, Modifiers::COMMAND, Key::T);
            for (own, text) in [
                (false, "The form is at example.org/form, on the second page."),
                (true, "Thank you, I have it. The second page asks for the name of the practice, is that yours?"),
                (false, "Yes."),
            ] {
                harness.state_mut().tell(&Event::Chat { own, id: 1, text: text.to_owned().into() });
            }
        }
        "session-devices" => press(&mut harness, t.devices),
        "session-listen" | "session-listen-client" => press(&mut harness, t.can_anyone_listen),
        "session-ending" => key(&mut harness, Modifiers::COMMAND, Key::End),
        _ => {}
    }
    harness.run();
    harness
}

/// A notice as the engine words it.
fn notice(code: &'static str, severity: Severity, language: Language) -> Event {
    let said = sentence(code, language);
    let (what, what_to_do) = (said.what.to_owned(), said.what_to_do.to_owned());
    Event::Notice(SideNotice { code, what, what_to_do, severity })
}

fn contact(contact: ContactId, label: &str, state: ContactState, days_ago: Option<u64>) -> ContactInfo {
    ContactInfo {
        contact,
        label: label.to_owned(),
        state,
        fingerprint: (state != ContactState::Invited).then(|| FINGERPRINT.to_owned()),
        verified_at: days_ago.map(|days| MORNING.unix - days * DAY),
        compare_on_change: false,
    }
}

fn therapist_contact() -> ContactInfo {
    contact(TUESDAY, "Dr. Weber", ContactState::Verified, Some(7))
}

fn therapist(desk: &mut Desk) {
    desk.profile = Profile::Open;
    desk.snapshot.role = Some(ProfileRole::Therapist);
    desk.snapshot.online = true;
    desk.snapshot.contacts = vec![
        contact(TUESDAY, "Tuesday 10:00", ContactState::Verified, Some(7)),
        contact(GARDEN, "Garden", ContactState::Unverified, None),
        contact(LAKE, "Lake", ContactState::Verified, Some(6)),
        contact(LAPTOP, "Old laptop", ContactState::Mismatch, None),
        contact(VIOLIN, "Violin", ContactState::Invited, None),
    ];
    desk.tell(&Event::Ready {
        role: ProfileRole::Therapist,
        fingerprint: Some("14203 55718 90266 31840 77125 60093".to_owned()),
    });
}

fn client(desk: &mut Desk) {
    desk.profile = Profile::Open;
    desk.snapshot.role = Some(ProfileRole::Client);
    desk.snapshot.online = true;
    desk.tell(&Event::Ready { role: ProfileRole::Client, fingerprint: None });
}

fn room(desk: &mut Desk) {
    therapist(desk);
    desk.tell(&Event::PeerWaiting { contact: TUESDAY, key_state: KeyState::Verified });
    desk.clock.mono += 180.0;
    desk.tell(&Event::PeerWaiting { contact: GARDEN, key_state: KeyState::Unverified });
    desk.clock.mono += 70.0;
    desk.snapshot.waiting = vec![TUESDAY, GARDEN];
}

fn invite(desk: &mut Desk) {
    therapist(desk);
    desk.tell(&Event::Invited {
        contact: VIOLIN,
        text: "471193-artist-paperweight-cobra-hideaway".to_owned(),
        form: InviteForm::Code,
        expires: MORNING.unix + 1800,
    });
}

fn waiting(desk: &mut Desk) {
    client(desk);
    desk.snapshot.contacts = vec![therapist_contact()];
    desk.snapshot.phase = Phase::Waiting;
    desk.snapshot.contact = Some(TUESDAY);
    desk.tell(&Event::Waiting(TUESDAY));
    desk.clock.mono += 130.0;
}

/// The comparison of the pictures.
#[must_use]
pub fn verification(reason: CompareReason, is_therapist: bool) -> Verification {
    Verification {
        contact: TUESDAY,
        words: ["stethoscope", "tonic", "whimsical"],
        digits: "204817".to_owned(),
        reads_first: is_therapist,
        candidates: [
            ["ahead", "holiness", "drumbeat"],
            ["merit", "positive", "drumbeat"],
            ["ahead", "positive", "blockade"],
            ["merit", "holiness", "blockade"],
        ],
        digit_candidates: ["118204".to_owned(), "559371".to_owned(), "118371".to_owned(), "559204".to_owned()],
        fingerprint: FINGERPRINT.to_owned(),
        qr: [b"TSPF\x02".as_slice(), &core::array::from_fn::<u8, 64, _>(|n| (n * 37 + 129) as u8)].concat(),
        reason,
    }
}

fn compare(desk: &mut Desk, reason: CompareReason) {
    let is_therapist = desk.snapshot.role == Some(ProfileRole::Therapist);
    desk.tell(&Event::Admitted(TUESDAY));
    let verification = verification(reason, is_therapist);
    desk.tell(&Event::Verify(verification.clone()));
    desk.snapshot.contact = Some(TUESDAY);
    desk.snapshot.phase = Phase::Comparing;
    desk.snapshot.gate = Some(Gate::G1);
    desk.snapshot.verification = Some(verification);
    if !is_therapist {
        desk.snapshot.contacts = vec![contact(TUESDAY, "", ContactState::Unverified, None)];
    }
}

fn session(desk: &mut Desk) {
    compare(desk, CompareReason::Every);
    desk.tell(&Event::Gate(Gate::G2));
    for direction in [MediaDirection::Out, MediaDirection::In] {
        for (track, codec, size) in [(MediaTrack::Audio, "opus", None), (MediaTrack::Camera, "h264", Some((1280, 720)))]
        {
            desk.tell(&Event::Media { track, direction, first_ms: Some(300), codec: Some(codec), size, muted: false });
        }
    }
    desk.tell(&Event::Link { state: LinkState::Connected, path: Some(Path::Relayed), side: None });
    desk.tell(&Event::Stats(Box::new(figures())));
    desk.snapshot.phase = Phase::Open;
    desk.snapshot.gate = Some(Gate::G2);
    desk.snapshot.verification = None;
    desk.snapshot.link = Some(LinkState::Connected);
    desk.snapshot.path = Some(Path::Relayed);
    if desk.snapshot.role == Some(ProfileRole::Client) {
        desk.snapshot.contacts = vec![therapist_contact()];
    } else if let Some(first) = desk.snapshot.contacts.first_mut() {
        first.verified_at = Some(MORNING.unix);
    }
    // Twelve minutes in: the own picture is hidden again.
    desk.clock.mono += 720.0;
    desk.clock.unix += 720;
}

/// Figures of a session that goes well.
#[must_use]
pub fn figures() -> Stats {
    let mut stats = Stats {
        rtt_ms: Some(38.0),
        target_kbps: 1232,
        path: Some(Path::Relayed),
        srtp_profile: "SRTP_AEAD_AES_256_GCM".to_owned(),
        sizes_constant: Some(true),
        dtls_cipher: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256".to_owned(),
        ..Stats::default()
    };
    stats.audio_in.packets = 36_000;
    stats.audio_out.packets = 36_000;
    stats.video_in.packets = 120_000;
    stats.video_out.packets = 120_000;
    stats
}
