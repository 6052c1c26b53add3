//! Whole sessions on one computer.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{Stage, pictures::frame_numbers};
use serde_json::json;
use sotto_e2e::{Meeting, Peer, figure};

/// What every session that runs must show.
fn check_figures(peer: &mut Peer, seconds: f64) {
    peer.gains(None, &["/audio_out/packets", "/audio_in/packets"], seconds * 25.0);
    let stats = peer.gains(None, &["/video_in/frames"], seconds * 5.0);
    assert_eq!(stats["srtp_profile"], "SRTP_AEAD_AES_256_GCM", "{stats}");
    assert_eq!(stats["path"], "relayed", "{stats}");
    assert_eq!((figure(&stats, "/integrity_failures"), figure(&stats, "/replays")), (0.0, 0.0), "{stats}");
    assert_eq!(figure(&stats, "/video_in/width"), 640.0, "{stats}");
    println!("{}: {stats}", peer.pid());
}

/// Sound goes first on a computer that has too little time for all: threads that work on pictures give way.
fn check_priorities(peer: &Peer) {
    let mut nice = BTreeMap::new();
    for thread in std::fs::read_dir(format!("/proc/{}/task", peer.pid())).unwrap() {
        // A thread that ended meanwhile is none of those.
        let Ok(stat) = std::fs::read_to_string(thread.unwrap().path().join("stat")) else { continue };
        let (before, after) = stat.rsplit_once(')').unwrap();
        // proc_pid_stat(5): the name is field 2, in parentheses; nice is field 19, the 17th after them.
        let name = before.split_once('(').unwrap().1.to_owned();
        nice.insert(name, after.split_whitespace().nth(16).unwrap().parse::<i32>().unwrap());
    }
    let own = nice["microphone"];
    for (name, more) in [("open", 0), ("speaker", 0), ("camera", 10), ("picture", 10)] {
        assert_eq!(nice.get(name), Some(&(own + more).min(19)), "{name}: {nice:?}");
    }
}

#[test]
fn two_people_meet_by_spoken_code_and_again_by_their_pinned_keys() {
    let stage = Stage::new("loopback");
    let pictures = stage.folder.join("pictures");
    let client_setup = stage.setup("client").with("--video-out", format!("png:{}", pictures.display()));
    let mut meeting = Meeting::by_invite(stage.start("therapist"), Peer::start(&client_setup), "code");
    meeting.open();
    meeting.see_and_hear();
    meeting.chat(true, "Guten Tag! Können Sie mich sehen?");
    meeting.chat(false, "Ja, gut. \"Zitate\" und \\ auch.");
    meeting.talk(6.0);
    for peer in meeting.both() {
        check_figures(peer, 6.0);
        check_priorities(peer);
    }
    meeting.end();
    let (count, numbers) = frame_numbers(&pictures);
    assert!(count >= 3 && numbers.len() * 10 >= count * 9, "{} of {count} pictures have a number", numbers.len());
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "pictures come in order: {numbers:?}");

    // Both programs are started again: what they know of each other was kept.
    let (client_contact, therapist_contact) = (meeting.client_contact.clone(), meeting.therapist_contact.clone());
    meeting.close();
    let mut meeting =
        Meeting::by_contact(stage.start("therapist"), stage.start("client"), &client_contact, &therapist_contact);
    assert_eq!(meeting.client_contact, client_contact);
    let cards = meeting.admit();
    assert_eq!(cards[0]["reason"], "every", "{}", cards[0]);
    meeting.compare(&cards);
    meeting.see_and_hear();
    meeting.chat(true, "wieder da");
    meeting.end();
    // The verification survived, too.
    meeting.therapist.send(&json!({"cmd": "contacts"}));
    let contacts = meeting.therapist.expect("contacts", 5, |_| true);
    assert_eq!(contacts["contacts"][0]["state"], "verified", "{contacts}");
    meeting.close();
}

#[test]
fn two_who_allow_it_meet_directly_once_no_words_are_asked_for() {
    let stage = Stage::new("direct");
    let start = |role| Peer::start(&stage.setup(role).with("--relay-only", "false"));
    let mut meeting = Meeting::by_invite(start("therapist"), start("client"), "code");
    meeting.open();
    let path = |peer: &Peer| peer.told("link").iter().rev().find_map(|link| link["path"].as_str().map(str::to_owned));
    for peer in meeting.both() {
        assert_eq!(path(peer).as_deref(), Some("relayed"), "words are asked for");
    }
    let (client_contact, therapist_contact) = (meeting.client_contact.clone(), meeting.therapist_contact.clone());
    meeting.therapist.send(&json!({"cmd": "compare_when", "contact": client_contact, "on_change": true}));
    meeting.client.send(&json!({"cmd": "compare_when", "contact": therapist_contact, "on_change": true}));
    meeting.end();
    meeting.close();

    let mut meeting = Meeting::by_contact(start("therapist"), start("client"), &client_contact, &therapist_contact);
    meeting.therapist.send(&json!({"cmd": "admit", "contact": client_contact}));
    for peer in meeting.both() {
        peer.expect("gate", 45, |gate| gate["gate"] == "G2");
        assert_eq!((peer.told("verify").len(), path(peer).as_deref()), (0, Some("direct")));
    }
    meeting.see_and_hear();
    meeting.talk(3.0);
    for peer in meeting.both() {
        let stats = peer.gains(None, &["/audio_in/packets"], 75.0);
        assert_eq!((&stats["path"], figure(&stats, "/integrity_failures")), (&json!("direct"), 0.0), "{stats}");
    }
    meeting.end();
    meeting.close();
}

#[test]
fn a_link_names_the_server_so_the_client_needs_to_know_nothing() {
    let stage = Stage::new("link");
    let mut client = stage.setup("client");
    let at = client.arguments.iter().position(|argument| argument == "--rendezvous").unwrap();
    client.arguments.drain(at..at + 2);
    let mut meeting = Meeting::by_invite(stage.start("therapist"), Peer::start(&client), "link");
    meeting.open();
    meeting.chat(false, "hello");
    meeting.end();
    meeting.close();
}

#[test]
fn closing_a_program_in_a_session_ends_the_session_properly() {
    let stage = Stage::new("eof");
    let mut meeting = stage.meet("code");
    meeting.open();
    let Meeting { mut therapist, client, .. } = meeting;
    assert!(client.close().success());
    let ended = therapist.expect("ended", 15, |_| true);
    assert_eq!((&ended["reason"], &ended["complete"]), (&"normal".into(), &true.into()), "{ended}");
    assert!(therapist.close().success());
}
