//! Every event of `docs/PEER.md`, as text.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use sotto_peer::{ParseError, render_error, render_event};
use sotto_session_api::{
    AlertCode, AudioStats, CompareReason, ContactId, ContactInfo, ContactState, EndReason, Event, FileId, FileStage,
    FileState, Gate, InviteForm, KeyState, LinkState, MediaDirection, MediaTrack, Path, ProfileRole, Severity,
    SideNotice, Stats, Verification, VideoStats,
};

const CONTACT: ContactId = ContactId(0xff);
const ID: &str = "00000000000000ff";

fn shown(event: &Event) -> Value {
    let line = render_event(event, 1.234_567).expect("this event is shown");
    assert!(!line.contains('\n') && !line.contains('\r'), "one event is one line: {line}");
    assert!(line.starts_with(r#"{"event":""#), "{line}");
    let mut value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value.as_object_mut().unwrap().remove("t"), Some(json!(1.235)));
    value
}

#[test]
fn every_event_is_shown_with_its_fields() {
    let card = Verification {
        contact: CONTACT,
        words: ["ahead", "positive", "blockade"],
        digits: "950154".into(),
        reads_first: true,
        candidates: [["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"], ["j", "k", "l"]],
        digit_candidates: ["1", "2", "3", "4"].map(String::from),
        fingerprint: "54430 81152".into(),
        qr: b"TSPF\x01".to_vec(),
        reason: CompareReason::First,
    };
    let rows = [
        (
            Event::Ready { role: ProfileRole::Therapist, fingerprint: Some("54430".into()) },
            json!({"event": "ready", "version": env!("CARGO_PKG_VERSION"), "role": "therapist", "fingerprint": "54430"}),
        ),
        (
            Event::Ready { role: ProfileRole::Client, fingerprint: None },
            json!({"event": "ready", "version": env!("CARGO_PKG_VERSION"), "role": "client"}),
        ),
        (
            Event::Invited { contact: CONTACT, text: "4711-a-b-c-d".into(), form: InviteForm::Code, expires: 17 },
            json!({"event": "invite", "contact": ID, "code": "4711-a-b-c-d", "expires": 17}),
        ),
        (
            Event::Invited { contact: CONTACT, text: "tsp1:x".into(), form: InviteForm::Link, expires: 17 },
            json!({"event": "invite", "contact": ID, "link": "tsp1:x", "expires": 17}),
        ),
        (Event::Waiting(CONTACT), json!({"event": "waiting", "contact": ID})),
        (Event::Listening(vec![CONTACT]), json!({"event": "listening", "contacts": [ID]})),
        (
            Event::PeerWaiting { contact: CONTACT, key_state: KeyState::ContinuityLost },
            json!({"event": "peer_waiting", "contact": ID, "key_state": "continuity-lost"}),
        ),
        (Event::PeerLeft(CONTACT), json!({"event": "peer_left", "contact": ID})),
        (Event::Admitted(CONTACT), json!({"event": "admitted", "contact": ID})),
        (Event::Denied(CONTACT), json!({"event": "denied", "contact": ID})),
        (Event::PutBack(CONTACT), json!({"event": "put_back", "contact": ID})),
        (
            Event::Verify(card),
            json!({"event": "verify", "contact": ID, "words": ["ahead", "positive", "blockade"], "digits": "950154",
                   "reads_first": true,
                   "candidates": [["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"], ["j", "k", "l"]],
                   "digit_candidates": ["1", "2", "3", "4"], "fingerprint": "54430 81152", "qr": "5453504601", "reason": "first"}),
        ),
        (Event::Gate(Gate::G1), json!({"event": "gate", "gate": "G1"})),
        (
            Event::Media {
                track: MediaTrack::Camera,
                direction: MediaDirection::In,
                first_ms: Some(412),
                codec: Some("H264"),
                size: Some((640, 480)),
                muted: false,
            },
            json!({"event": "media", "track": "camera", "direction": "in", "first_ms": 412, "codec": "H264", "width": 640,
                   "height": 480, "muted": false}),
        ),
        (
            Event::Media {
                track: MediaTrack::Audio,
                direction: MediaDirection::Out,
                first_ms: None,
                codec: None,
                size: None,
                muted: true,
            },
            json!({"event": "media", "track": "audio", "direction": "out", "muted": true}),
        ),
        (
            Event::Link { state: LinkState::Weak, path: Some(Path::Relayed), side: Some("theirs") },
            json!({"event": "link", "state": "weak", "path": "relayed", "side": "theirs"}),
        ),
        (
            Event::Chat { own: true, id: 3, text: "a\nb\u{2028}".into() },
            json!({"event": "chat", "from": "me", "id": 3, "text": "a\nb\u{2028}"}),
        ),
        (
            Event::Chat { own: false, id: 0, text: "x".into() },
            json!({"event": "chat", "from": "them", "id": 0, "text": "x"}),
        ),
        (Event::Keyring { on: true }, json!({"event": "keyring", "on": true})),
        (
            Event::File(FileState {
                id: FileId([0x0a; 16]),
                own: false,
                name: "a.pdf".into(),
                size: 9,
                done: 4,
                stage: FileStage::Running,
            }),
            json!({"event": "file", "id": "0a".repeat(16), "from": "them", "name": "a.pdf", "size": 9, "done": 4,
                "state": "running"}),
        ),
        (
            Event::Contacts(vec![ContactInfo {
                contact: CONTACT,
                label: "Tuesday".into(),
                state: ContactState::Verified,
                fingerprint: Some("1 2".into()),
                verified_at: Some(5),
                compare_on_change: true,
            }]),
            json!({"event": "contacts", "contacts": [{"contact": ID, "label": "Tuesday", "state": "verified",
                   "fingerprint": "1 2", "verified_at": 5, "compare_on_change": true}]}),
        ),
        (
            Event::Notice(SideNotice {
                code: "no-camera",
                what: "No camera was found.".into(),
                what_to_do: "Connect one.".into(),
                severity: Severity::Warning,
            }),
            json!({"event": "notice", "code": "no-camera", "what": "No camera was found.", "what_to_do": "Connect one.",
                   "severity": "warning"}),
        ),
        (
            Event::Ended { reason: EndReason::Normal, complete: true },
            json!({"event": "ended", "reason": "normal", "complete": true}),
        ),
        (
            Event::Refused { code: "E_ROLE", what: "No.".into(), what_to_do: "Join.".into() },
            json!({"event": "error", "code": "E_ROLE", "what": "No.", "what_to_do": "Join."}),
        ),
    ];
    for (event, expected) in rows {
        assert_eq!(shown(&event), expected);
    }
    assert_eq!(render_event(&Event::Stopped, 0.0), None);
}

#[test]
fn every_alert_has_a_code_of_its_own_and_a_sentence() {
    let codes = [
        AlertCode::WrongCode { n: 1, of: 3 },
        AlertCode::BrokenOff { n: 2, of: 5 },
        AlertCode::Burned,
        AlertCode::SecondUse,
        AlertCode::AnotherDevice,
        AlertCode::ContinuityLost,
        AlertCode::KeyChanged { known: ContactId(1) },
        AlertCode::Mismatch,
        AlertCode::Integrity,
        AlertCode::Crowded,
    ];
    let mut seen = std::collections::BTreeSet::new();
    for code in codes {
        let value = shown(&Event::Alert { contact: Some(CONTACT), code });
        assert_eq!(value["contact"], ID);
        assert!(value["text"].as_str().unwrap().ends_with('.'), "{value}");
        assert!(seen.insert(value["code"].to_string()), "{value}");
    }
    let value = shown(&Event::Alert { contact: None, code: AlertCode::WrongCode { n: 2, of: 3 } });
    assert!(value["text"].as_str().unwrap().contains("2 of 3") && value.get("contact").is_none(), "{value}");
}

#[test]
fn stats_hold_what_the_interface_promises() {
    let stats = Stats {
        audio_in: AudioStats {
            packets: 1,
            bytes: 2,
            lost: 3,
            concealed_ms: 4,
            jitter_buffer_ms: 5,
            longest_gap_ms: 6,
            level_db: -20.5,
        },
        audio_out: AudioStats { level_db: f32::NEG_INFINITY, ..AudioStats::default() },
        video_in: VideoStats { frames: 9, fps: 29.97, width: 640, height: 480, ..VideoStats::default() },
        rtt_ms: Some(1.25),
        path: Some(Path::Relayed),
        srtp_profile: "SRTP_AEAD_AES_256_GCM".into(),
        sizes_constant: Some(true),
        cpu_s: 1.5,
        ..Stats::default()
    };
    let value = shown(&Event::Stats(Box::new(stats)));
    for field in ["packets", "bytes", "level_db"] {
        assert!(value["audio_out"].get(field).is_some(), "audio_out {field}");
    }
    for field in ["packets", "bytes", "lost", "concealed_ms", "jitter_buffer_ms", "longest_gap_ms", "level_db"] {
        assert!(value["audio_in"].get(field).is_some(), "audio_in {field}");
    }
    for (direction, own) in [("video_out", &["encode_ms"][..]), ("video_in", &["decode_ms", "freezes", "freeze_ms"])] {
        for field in ["packets", "bytes", "frames", "width", "height", "fps", "kbps", "key_frames"].iter().chain(own) {
            assert!(value[direction].get(field).is_some(), "{direction} {field}");
        }
    }
    for field in [
        "rtt_ms",
        "target_kbps",
        "path",
        "srtp_profile",
        "epoch",
        "step",
        "sizes_constant",
        "integrity_failures",
        "replays",
        "cpu_s",
        "rss_kb",
    ] {
        assert!(value.get(field).is_some(), "{field}");
    }
    assert_eq!(value["audio_in"]["level_db"], -20.5);
    assert_eq!(value["audio_out"]["level_db"], Value::Null, "silence has no level");
    assert_eq!(value["video_in"]["fps"], 29.97);
}

#[test]
fn an_error_says_that_nothing_changed() {
    let value: Value = serde_json::from_str(&render_error(&ParseError::NotYet("share"), 0.5)).unwrap();
    assert_eq!(value["event"], "error");
    assert_eq!(value["code"], "E_NOT_YET");
    assert!(value["what_to_do"].as_str().unwrap().contains("Nothing was changed"));
}
