//! Devices that are not there.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Stage;
use sotto_e2e::{Meeting, Peer};

#[test]
fn missing_devices_are_named_and_the_session_goes_on_with_what_there_is() {
    let stage = Stage::new("devices");
    // No machine has devices of these names; there may be none at all.
    let client = stage
        .setup("client")
        .with("--camera", "device:no such camera")
        .with("--mic", "device:no such microphone")
        .with("--audio-out", "device:no such speaker");
    let mut meeting = Meeting::by_invite(stage.start("therapist"), Peer::start(&client), "code");
    meeting.open();
    for code in ["no-camera", "no-microphone", "no-speaker"] {
        let notice = meeting.client.expect("notice", 15, |notice| notice["code"] == code);
        assert!(!notice["what_to_do"].as_str().unwrap().is_empty(), "{notice}");
    }
    // The therapist's picture comes, the client's sound is silence of the usual size, the chat works.
    meeting.client.expect("media", 30, |media| media["track"] == "camera" && media["direction"] == "in");
    meeting.therapist.expect("media", 30, |media| media["track"] == "audio" && media["direction"] == "in");
    meeting.chat(true, "I have neither camera nor microphone.");
    meeting.talk(3.0);
    assert!(meeting.therapist.told("ended").is_empty());
    meeting.end();
    meeting.close();
}

#[test]
fn a_sound_file_that_cannot_be_read_is_named() {
    let stage = Stage::new("bad-file");
    let broken = stage.folder.join("broken.wav");
    std::fs::write(&broken, b"RIFF....WAVEnot sound").unwrap();
    let client = stage.setup("client").with("--mic", format!("file:{}", broken.display())).with("--camera", "none");
    let mut meeting = Meeting::by_invite(stage.start("therapist"), Peer::start(&client), "code");
    meeting.open();
    meeting.client.expect("notice", 15, |notice| notice["code"] == "device-file");
    meeting.chat(false, "Can you hear me?");
    meeting.end();
    meeting.close();
}
