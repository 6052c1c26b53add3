//! The vault as its owner uses it: another passphrase, another computer, nothing left.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::Stage;
use serde_json::{Value, json};
use sotto_e2e::{Meeting, Peer};

fn words(peer: &mut Peer, file: &Path) -> String {
    peer.send(&json!({"cmd": "export", "file": file}));
    peer.expect("exported", 20, |_| true)["words"].as_str().unwrap().to_owned()
}

fn contact(peer: &mut Peer) -> Value {
    peer.send(&json!({"cmd": "contacts"}));
    peer.expect("contacts", 10, |_| true)["contacts"][0].clone()
}

#[test]
fn a_new_passphrase_opens_the_vault_and_the_old_one_does_not() {
    let stage = Stage::new("passphrase");
    let kept = stage.folder.join("client").join("passphrase");
    let mut client = stage.start("client");
    client.send(&json!({"cmd": "contacts"}));
    client.expect("contacts", 10, |_| true);
    let old = fs::read_to_string(&kept).unwrap();
    client.send(&json!({"cmd": "change_passphrase", "old": "not this one", "new": "x"}));
    client.expect("error", 20, |event| event["code"] == "E_PASSPHRASE");
    client.send(&json!({"cmd": "change_passphrase", "old": old.trim(), "new": "another one"}));
    client.expect("passphrase_changed", 20, |_| true);
    assert!(client.close().success());

    // The old one lies beside the profile still.
    assert_eq!(Peer::refused(&stage.setup("client")).0, Some(3));
    fs::write(&kept, "another one\n").unwrap();
    let mut again = stage.start("client");
    again.send(&json!({"cmd": "contacts"}));
    again.expect("contacts", 10, |_| true);
    assert!(again.close().success());
}

/// The client moves to another computer. What the first one still has is a copy from then on, and both are told.
#[test]
fn a_profile_moves_words_are_compared_once_and_the_one_left_behind_is_noticed() {
    let stage = Stage::new("move");
    let mut meeting = stage.meet("code");
    meeting.open();
    meeting.see_and_hear();
    meeting.end();
    let file = stage.folder.join("copy.tspmove");
    let spoken = words(&mut meeting.client, &file);
    assert_eq!(spoken.split(' ').count(), 12);
    let Meeting { therapist, mut client, client_contact, therapist_contact } = meeting;
    let fingerprint = contact(&mut client)["fingerprint"].clone();
    client.close();

    // Wrong words make no profile.
    let typed = stage.folder.join("words");
    let mut there = stage.setup("client").with("--move-file", &file).with("--move-words", &typed);
    there.profile = stage.folder.join("there");
    let mut wrong: Vec<&str> = spoken.split(' ').collect();
    wrong.swap(0, 2);
    fs::write(&typed, wrong.join(" ")).unwrap();
    assert_eq!(Peer::refused(&there).0, Some(3));
    assert!(!stage.folder.join("there").join("vault.tsp").exists());

    fs::write(&typed, spoken.to_uppercase()).unwrap();
    let mut moved = Peer::start(&there);
    let known = contact(&mut moved);
    assert_eq!((&known["fingerprint"], &known["contact"]), (&fingerprint, &json!(therapist_contact)));
    // Both are told that something changed, and words are compared.
    let mut meeting = Meeting::by_contact(therapist, moved, &client_contact, &therapist_contact);
    let cards = meeting.admit();
    for card in &cards {
        assert_eq!(card["reason"], "continuity", "{card}");
    }
    meeting.compare(&cards);
    meeting.see_and_hear();
    meeting.end();
    let Meeting { therapist, client: moved, .. } = meeting;
    assert!(moved.close().success());

    // The profile left behind comes: noticed in the same way.
    let left = stage.start("client");
    let mut meeting = Meeting::by_contact(therapist, left, &client_contact, &therapist_contact);
    for card in meeting.admit() {
        assert_eq!(card["reason"], "continuity", "{card}");
    }
    meeting.end();
    let Meeting { therapist, mut client, .. } = meeting;
    therapist.close();

    // And what it was is gone for good.
    client.send(&json!({"cmd": "erase"}));
    assert!(client.close().success());
    for name in ["vault.tsp", "vault.tsp.bak", "vault.tsp.new"] {
        assert!(!stage.folder.join("client").join(name).exists(), "{name}");
    }
}
