//! Devices that are not there, and devices that go.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::{Duration, Instant};

use common::Stage;
use sotto_e2e::{Meeting, Peer};
use sotto_netlab::sound_server::SoundServer;

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

#[test]
fn real_devices_that_go_in_a_session_are_named_and_the_session_goes_on() {
    let stage = Stage::new("devices-lost");
    let Some(sound) = SoundServer::start(&stage.folder.join("sound")) else {
        return sotto_netlab::skip("no PulseAudio here");
    };
    let client = stage
        .setup("client")
        .with("--mic", "device")
        .with("--audio-out", "device")
        .with_variable("PULSE_SERVER", sound.address().into())
        .with_variable("XDG_RUNTIME_DIR", stage.folder.join("sound"));
    let mut meeting = Meeting::by_invite(stage.start("therapist"), Peer::start(&client), "code");
    meeting.open();
    meeting.see_and_hear();
    meeting.talk(2.0);
    assert!(meeting.client.told("notice").iter().all(|notice| !notice["code"].as_str().unwrap().contains("-lost")));
    let gone = Instant::now();
    sound.kill();
    for code in ["microphone-lost", "speaker-lost"] {
        let (notice, at) = meeting.client.expect_timed("notice", 10, |notice| notice["code"] == code);
        assert!(at - gone < Duration::from_secs(5), "{code} after {:?}", at - gone);
        assert!(!notice["what_to_do"].as_str().unwrap().is_empty(), "{notice}");
    }
    // Silence of the usual size goes on, pictures and chat too.
    let before = meeting.therapist.stats();
    meeting.therapist.gains(Some(&before), &["/audio_in/packets", "/video_in/frames"], 60.0);
    meeting.chat(true, "My headset has just gone.");
    // Plugged in again, it works by itself.
    let back = SoundServer::start(&stage.folder.join("sound")).unwrap();
    for code in ["microphone-back", "speaker-back"] {
        meeting.client.expect("notice", 15, |notice| notice["code"] == code);
    }
    meeting.talk(2.0);
    drop(back);
    meeting.end();
    meeting.close();
}
