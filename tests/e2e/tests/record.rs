//! The therapist's record: kept in the vault, exported, and checked outside.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::process::Command;

use common::Stage;
use serde_json::{Value, json};

fn rows(log: &Value) -> Vec<String> {
    log["rows"].as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_record_of_a_session_survives_a_restart_and_shows_what_was_changed() {
    let stage = Stage::new("record");
    let mut meeting = stage.meet("code");
    meeting.open();
    meeting.see_and_hear();
    meeting.end();
    meeting.close();

    let mut therapist = stage.start("therapist");
    therapist.send(&json!({"cmd": "log"}));
    let log = therapist.expect("log", 20, |_| true);
    assert!(log["first_changed"].is_null(), "{log}");
    let rows = rows(&log);
    let all = rows.join("\n");
    for what in ["invited", "waiting", "admitted", "compared", "ended"] {
        assert!(all.contains(&format!("\"what\":\"{what}\"")), "{what}: {all}");
    }
    assert!(!all.contains("Anna"), "a label is in the record: {all}");

    let file = stage.folder.join("record.txt");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Command::new(&stage.programs.peer).arg("--check-log").arg(&file).output().unwrap()
    };
    let good = check(&all);
    let said: Value = serde_json::from_slice(&good.stdout).unwrap();
    assert!(good.status.success() && said["lines"] == rows.len() - 1, "{said}");
    let changed = check(&all.replace("\"reason\":\"normal\"", "\"reason\":\"mismatch\""));
    assert_eq!(changed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&changed.stderr).contains("is not what it was"));
    let cut = check(&[&rows[..2], &rows[3..]].concat().join("\n"));
    assert_eq!(cut.status.code(), Some(1));
}
