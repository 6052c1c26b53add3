//! Before anybody is let in.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Stage;
use serde_json::json;
use sotto_e2e::Meeting;

#[test]
fn a_client_who_is_sent_away_is_told_so_and_hears_nothing() {
    let stage = Stage::new("deny");
    let mut meeting = stage.meet("code");
    meeting.therapist.send(&json!({"cmd": "deny", "contact": meeting.client_contact}));
    meeting.therapist.expect("denied", 10, |_| true);
    meeting.client.expect("denied", 10, |_| true);
    for peer in meeting.both() {
        assert!(peer.told("gate").iter().all(|gate| gate["gate"] == "G0"));
        assert!(peer.told("media").is_empty());
    }
    let _ = meeting;
}

#[test]
fn a_client_who_is_put_back_waits_and_can_be_let_in_again_with_new_words() {
    let stage = Stage::new("put-back");
    let mut meeting = stage.meet("code");
    let first = meeting.admit();
    meeting.compare(&first);
    meeting.therapist.send(&json!({"cmd": "put_back", "contact": meeting.client_contact}));
    meeting.therapist.expect("put_back", 10, |_| true);
    meeting.client.expect("put_back", 10, |_| true);
    let Meeting { therapist, client, .. } = meeting;
    let mut meeting = Meeting::in_waiting_room(therapist, client);
    let second = meeting.admit();
    assert_ne!(first[0]["words"], second[0]["words"], "keys and words never outlive a connection");
    assert_eq!(first[0]["fingerprint"], second[0]["fingerprint"]);
    meeting.compare(&second);
    meeting.chat(true, "wieder drin");
    meeting.end();
    meeting.close();
}

#[test]
fn commands_out_of_place_are_refused_and_change_nothing() {
    let stage = Stage::new("refused");
    let mut meeting = stage.meet("code");
    let nobody = "0000000000000001";
    for (command, code) in [
        (json!({"cmd": "admit", "contact": nobody}), "E_NOT_WAITING"),
        (json!({"cmd": "end"}), "E_NO_SESSION"),
        (json!({"cmd": "chat", "text": "too early"}), "E_"),
        (json!({"cmd": "share", "on": true}), "E_NOT_YET"),
        (json!({"cmd": "send_file", "path": "/etc/passwd"}), "E_NO_SESSION"),
        (json!({"cmd": "accept_file", "id": "00".repeat(16), "dir": "/nowhere"}), "E_NO_SESSION"),
        (json!({"cmd": "refuse_file", "id": "00".repeat(16)}), "E_NO_SESSION"),
        (json!({"cmd": "relink", "contact": nobody, "form": "code"}), "E_UNKNOWN_CONTACT"),
        (json!({"cmd": "withdraw", "contact": nobody}), "E_UNKNOWN_CONTACT"),
        (json!({"cmd": "dance"}), "E_COMMAND"),
        (json!({"cmd": "admit", "contact": nobody, "now": true}), "E_FIELD"),
        (json!(["admit"]), "E_JSON"),
    ] {
        meeting.therapist.send(&command);
        let error = meeting.therapist.expect("error", 5, |_| true);
        assert!(error["code"].as_str().unwrap().starts_with(code), "{command}: {error}");
        assert!(!error["what"].as_str().unwrap().is_empty() && !error["what_to_do"].as_str().unwrap().is_empty());
    }
    // In the waiting room nothing is done to the vault.
    for command in [json!({"cmd": "erase"}), json!({"cmd": "export", "file": "/nowhere/at/all"})] {
        meeting.client.send(&command);
        assert_eq!(meeting.client.expect("error", 5, |_| true)["code"], "E_BUSY_SESSION");
    }
    meeting.client.send(&json!({"cmd": "admit", "contact": meeting.therapist_contact}));
    assert_eq!(meeting.client.expect("error", 5, |_| true)["code"], "E_ROLE");
    meeting.open();
    meeting.end();
    meeting.close();
}
