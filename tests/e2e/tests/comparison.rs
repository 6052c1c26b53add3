//! The words.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Stage;
use serde_json::json;
use sotto_e2e::{Meeting, figure};

#[test]
fn a_wrong_pick_is_told_to_both_and_blocks_the_contact() {
    let stage = Stage::new("wrong-pick");
    let mut meeting = stage.meet("code");
    let cards = meeting.admit();
    // The therapist heard something else than what the client reads; the client picks rightly.
    let right = Meeting::heard(&cards[0], &cards[1]);
    meeting.client.send(&json!({"cmd": "verify", "pick": Meeting::heard(&cards[1], &cards[0])}));
    meeting.therapist.send(&json!({"cmd": "verify", "pick": (right + 1) % 4}));
    for peer in meeting.both() {
        let ended = peer.expect("ended", 20, |_| true);
        assert_eq!(ended["reason"], "mismatch", "{ended}");
        let alert = peer.expect("alert", 5, |alert| alert["code"] == "mismatch");
        assert!(!alert["text"].as_str().unwrap().is_empty());
        assert!(peer.told("gate").iter().all(|gate| gate["gate"] != "G2"));
    }
    meeting.therapist.send(&json!({"cmd": "contacts"}));
    let contacts = meeting.therapist.expect("contacts", 5, |_| true);
    assert_eq!(contacts["contacts"][0]["state"], "mismatch", "{contacts}");
    // Blocked without an override, until there is a new invite.
    meeting.client.send(&json!({"cmd": "join", "contact": meeting.therapist_contact}));
    meeting.client.expect("error", 10, |error| error["code"] == "E_BLOCKED");
}

#[test]
fn no_picture_of_a_new_contact_leaves_before_the_words_agree() {
    let stage = Stage::new("no-picture");
    let mut meeting = stage.meet("code");
    let cards = meeting.admit();
    for peer in meeting.both() {
        let stats = peer.gains(None, &["/audio_out/packets", "/audio_in/packets"], 50.0);
        assert_eq!(figure(&stats, "/video_out/packets"), 0.0, "{stats}");
    }
    meeting.compare(&cards);
    meeting.see_and_hear();
    meeting.end();
    meeting.close();
}

#[test]
fn none_of_these_asks_once_more_and_then_is_a_mismatch() {
    let stage = Stage::new("none");
    let mut meeting = stage.meet("code");
    let cards = meeting.admit();
    meeting.therapist.send(&json!({"cmd": "verify", "pick": Meeting::heard(&cards[0], &cards[1])}));
    meeting.client.send(&json!({"cmd": "verify", "none": true}));
    meeting.client.expect("notice", 10, |notice| notice["code"] == "sas-again");
    assert!(meeting.client.told("ended").is_empty());
    meeting.client.send(&json!({"cmd": "verify", "none": true}));
    for peer in meeting.both() {
        assert_eq!(peer.expect("ended", 20, |_| true)["reason"], "mismatch");
    }
}

#[test]
fn comparing_the_fingerprint_by_telephone_opens_the_session_as_well() {
    let stage = Stage::new("fingerprint");
    let mut meeting = stage.meet("link");
    let cards = meeting.admit();
    assert_eq!(cards[0]["fingerprint"], cards[1]["fingerprint"]);
    for peer in meeting.both() {
        peer.send(&json!({"cmd": "verify", "method": "phone"}));
    }
    for peer in meeting.both() {
        peer.expect("gate", 30, |gate| gate["gate"] == "G2");
    }
    meeting.end();
    meeting.close();
}

#[test]
fn chat_before_the_comparison_is_refused() {
    let stage = Stage::new("early-chat");
    let mut meeting = stage.meet("code");
    let cards = meeting.admit();
    meeting.client.send(&json!({"cmd": "chat", "text": "too early"}));
    assert_eq!(meeting.client.expect("error", 5, |_| true)["code"], "E_NOT_NOW");
    meeting.compare(&cards);
    meeting.chat(true, "now");
    assert!(meeting.therapist.told("chat").iter().all(|chat| chat["text"] != "too early"));
    meeting.end();
    meeting.close();
}
