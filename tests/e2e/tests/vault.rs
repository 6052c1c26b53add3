//! The vault as its owner uses it: another passphrase, another computer, nothing left.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::Stage;
use serde_json::{Value, json};
use sotto_e2e::{DesktopKeyring, Meeting, Peer, PeerSetup};

/// Deriving keys and asking the desktop's keyring take long where everything else runs beside.
const PATIENCE_S: u64 = 60;

fn words(peer: &mut Peer, file: &Path) -> String {
    peer.send(&json!({"cmd": "export", "file": file}));
    peer.expect("exported", PATIENCE_S, |_| true)["words"].as_str().unwrap().to_owned()
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
    client.expect("error", PATIENCE_S, |event| event["code"] == "E_PASSPHRASE");
    client.send(&json!({"cmd": "change_passphrase", "old": old.trim(), "new": "another one"}));
    client.expect("passphrase_changed", PATIENCE_S, |_| true);
    assert!(client.close().success());

    // The old one lies beside the profile still.
    assert_eq!(Peer::refused(&stage.setup("client")).0, Some(3));
    fs::write(&kept, "another one\n").unwrap();
    let mut again = stage.start("client");
    again.send(&json!({"cmd": "contacts"}));
    again.expect("contacts", 10, |_| true);
    assert!(again.close().success());
}

/// With a real keyring: the file alone is of no use, an older file is told, and nothing waits for a keyring that is gone.
#[test]
fn a_second_key_in_the_keyring_is_needed_and_knows_an_older_file() {
    let stage = Stage::new("keyring");
    let folder = |name: &str| stage.folder.join(name);
    let (Some(mut keyring), Some(other)) =
        (DesktopKeyring::start(&folder("keyring")), DesktopKeyring::start(&folder("other-keyring")))
    else {
        return sotto_netlab::skip("no GNOME Keyring here");
    };
    let at = |keyring: &DesktopKeyring| {
        stage.setup("therapist").with_variable("DBUS_SESSION_BUS_ADDRESS", keyring.address().into())
    };
    let file = folder("therapist").join("vault.tsp");
    let mut therapist = Peer::start(&at(&keyring));
    let passphrase = fs::read_to_string(folder("therapist").join("passphrase")).unwrap().trim().to_owned();
    let put = |peer: &mut Peer, passphrase: &str, on: bool| {
        peer.send(&json!({"cmd": "use_keyring", "passphrase": passphrase, "on": on}));
    };
    put(&mut therapist, "not this one", true);
    therapist.expect("error", PATIENCE_S, |event| event["code"] == "E_PASSPHRASE");
    put(&mut therapist, &passphrase, true);
    therapist.expect("keyring", PATIENCE_S, |event| event["on"] == true);
    let older = fs::read(&file).unwrap();
    therapist.send(&json!({"cmd": "invite", "label": "x", "form": "link"}));
    therapist.expect("invite", 10, |_| true);
    assert!(therapist.close().success());
    let newer = fs::read(&file).unwrap();
    assert_ne!(older, newer);

    let mut again = Peer::start(&at(&keyring));
    again.expect("keyring", 10, |event| event["on"] == true);
    assert!(again.close().success());
    assert!(again_is_quiet(&at(&keyring)));

    // A thief with file and passphrase: another keyring, or none.
    let (status, said) = Peer::refused(&at(&other));
    assert!(status == Some(3) && said.contains("is not there"), "{status:?} {said}");
    let nowhere = stage.setup("therapist").with_variable("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere".into());
    let (status, said) = Peer::refused(&nowhere);
    assert!(status == Some(3) && said.contains("can't be used"), "{status:?} {said}");
    assert_eq!(fs::read(&file).unwrap(), newer, "nothing is restored over it");

    // Somebody puts the older file back.
    fs::write(&file, older).unwrap();
    let mut rolled_back = Peer::start(&at(&keyring));
    rolled_back.expect("notice", 10, |event| event["code"] == "vault-rolled-back");
    // A write goes through although the keyring is gone, and the next start still works.
    keyring.end();
    rolled_back.send(&json!({"cmd": "invite", "label": "y", "form": "link"}));
    rolled_back.expect("invite", 10, |_| true);
    assert!(rolled_back.close().success());
    assert!(keyring.unlock());
    let mut off = Peer::start(&at(&keyring));
    put(&mut off, &passphrase, false);
    off.expect("keyring", PATIENCE_S, |event| event["on"] == false);
    assert!(off.close().success());
    assert!(again_is_quiet(&nowhere), "the passphrase alone");
}

/// Starts and ends a peer; whether it had nothing to say about its vault.
fn again_is_quiet(setup: &PeerSetup) -> bool {
    let mut peer = Peer::start(setup);
    peer.send(&json!({"cmd": "contacts"}));
    peer.expect("contacts", 10, |_| true);
    let quiet = peer.told("notice").iter().all(|notice| !notice["code"].as_str().unwrap().starts_with("vault-"));
    assert!(peer.close().success());
    quiet
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
    // Another of the same list: one time in 256 two of them are the same.
    let other = (2..12).step_by(2).find(|&at| wrong[at] != wrong[0]).unwrap();
    wrong.swap(0, other);
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
