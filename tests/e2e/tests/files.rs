//! Files of a session from disk to disk, by the real programs.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::Stage;
use serde_json::{Value, json};
use sotto_e2e::Peer;

fn state(peer: &mut Peer, id: &Value, state: &str) -> Value {
    peer.expect("file", 60, |file| file["state"] == state && (id.is_null() || file["id"] == *id))
}

#[test]
fn a_file_arrives_whole_beside_what_is_there_and_one_that_is_not_wanted_leaves_nothing() {
    let stage = Stage::new("files");
    let downloads = stage.folder.join("downloads");
    fs::create_dir(&downloads).unwrap();
    fs::write(downloads.join("worksheet.pdf"), "mine").unwrap();
    let worksheet = stage.folder.join("worksheet.pdf");
    let content: Vec<u8> = (0..700_000_u32).map(|at| (at * 31 % 251) as u8).collect();
    fs::write(&worksheet, &content).unwrap();
    let mut meeting = stage.meet("code");
    meeting.open();
    meeting.see_and_hear();

    meeting.therapist.send(&json!({"cmd": "send_file", "path": worksheet}));
    let offered = state(&mut meeting.client, &Value::Null, "offered");
    let id = offered["id"].clone();
    assert_eq!((&offered["name"], &offered["size"]), (&json!("worksheet.pdf"), &json!(700_000)), "{offered}");
    meeting.client.send(&json!({"cmd": "accept_file", "id": id, "dir": downloads}));
    for peer in meeting.both() {
        state(peer, &id, "running");
        assert_eq!(state(peer, &id, "complete")["done"], 700_000);
    }
    assert_eq!(fs::read(downloads.join("worksheet (2).pdf")).unwrap(), content);
    assert_eq!(fs::read(downloads.join("worksheet.pdf")).unwrap(), b"mine");

    // The client sends one that the therapist does not want, and one that is no file.
    meeting.client.send(&json!({"cmd": "send_file", "path": downloads}));
    meeting.client.expect("error", 10, |error| error["code"] == "E_FILE");
    meeting.client.send(&json!({"cmd": "send_file", "path": worksheet}));
    let offered = meeting.therapist.expect("file", 10, |file| file["from"] == "them" && file["state"] == "offered");
    meeting.therapist.send(&json!({"cmd": "refuse_file", "id": offered["id"]}));
    for peer in meeting.both() {
        state(peer, &offered["id"], "refused");
    }

    // And one that is on its way when the session ends.
    let long = stage.folder.join("long.bin");
    fs::write(&long, vec![7; 20_000_000]).unwrap();
    meeting.therapist.send(&json!({"cmd": "send_file", "path": long}));
    let offered = meeting.client.expect("file", 10, |file| file["name"] == "long.bin" && file["state"] == "offered");
    meeting.client.send(&json!({"cmd": "accept_file", "id": offered["id"], "dir": downloads}));
    state(&mut meeting.client, &offered["id"], "running");
    meeting.talk(1.5);
    meeting.end();
    for peer in meeting.both() {
        state(peer, &offered["id"], "failed");
    }
    meeting.close();
    let mut left: Vec<_> = fs::read_dir(&downloads).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["worksheet (2).pdf", "worksheet.pdf"]);
}
