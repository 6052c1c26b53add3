//! A profile whose last file can't be read.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Stage;
use serde_json::json;
use sotto_e2e::Meeting;

#[test]
fn a_damaged_profile_is_replaced_by_the_copy_before_and_said_so() {
    let stage = Stage::new("damage");
    let mut therapist = stage.start("therapist");
    Meeting::invite(&mut therapist, "link");
    Meeting::invite(&mut therapist, "link");
    assert!(therapist.close().success());
    let vault = stage.folder.join("therapist").join("vault.tsp");
    let mut file = std::fs::read(&vault).unwrap();
    let middle = file.len() / 2;
    file[middle] ^= 1;
    std::fs::write(&vault, &file).unwrap();

    let mut therapist = stage.start("therapist");
    therapist.expect("notice", 20, |event| event["code"] == "vault-restored");
    therapist.send(&json!({"cmd": "contacts"}));
    let contacts = therapist.expect("contacts", 10, |_| true);
    assert!(!contacts["contacts"].as_array().unwrap().is_empty(), "the copy before the last change knew somebody");
    assert!(therapist.close().success());

    // It is whole again.
    let mut therapist = stage.start("therapist");
    therapist.send(&json!({"cmd": "contacts"}));
    therapist.expect("contacts", 10, |_| true);
    assert!(therapist.told("notice").iter().all(|notice| notice["code"] != "vault-restored"));
    assert!(therapist.close().success());
}
