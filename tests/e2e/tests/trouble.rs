//! Servers and relays that are not there, or go.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use std::time::{Duration, Instant};

use common::Stage;
use serde_json::json;
use sotto_e2e::{Folder, Meeting, Peer, PeerSetup, Programs, Proxy, Server, ServerSetup};

/// Trouble must be said within five seconds.
const SAID_WITHIN: Duration = Duration::from_secs(5);
/// What grows while a session goes on.
const GOING_ON: [&str; 3] = ["/audio_in/packets", "/audio_out/packets", "/video_in/frames"];

#[test]
fn a_server_that_is_not_there_is_said_within_five_seconds_and_tried_again() {
    let programs = Programs::shipped();
    let folder = Folder::new("unreachable");
    // A port that was free a moment ago: nobody listens.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let setup = PeerSetup::new(&programs.peer, "therapist", folder.join("therapist"))
        .with("--rendezvous", format!("ws://{address}/"));
    let mut therapist = Peer::start(&setup);
    let asked = Instant::now();
    therapist.send(&json!({"cmd": "invite", "label": "Anna", "form": "code"}));
    let (notice, at) = therapist.expect_timed("notice", 10, |notice| notice["code"] == "rendezvous-unreachable");
    assert!(at - asked < SAID_WITHIN, "{:?}", at - asked);
    assert!(!notice["what_to_do"].as_str().unwrap().is_empty());
    // It comes up, and what was asked for is done by itself.
    let server = Server::start(&programs.rendezvous, &ServerSetup::arguments(&["--listen", &address.to_string()]));
    therapist.expect("invite", 45, |invite| invite["code"].is_string());
    drop(server);
}

#[test]
fn a_server_that_is_full_is_said_within_five_seconds_and_tried_again() {
    let stage = Stage::new("full");
    // Twenty connections from one address are allowed (PROTOCOL §9.2).
    let crowd: Vec<_> = (0..20).map(|_| std::net::TcpStream::connect(stage.server.address()).unwrap()).collect();
    let mut therapist = stage.start("therapist");
    let asked = Instant::now();
    therapist.send(&json!({"cmd": "invite", "label": "Anna", "form": "code"}));
    let (_, at) = therapist.expect_timed("notice", 10, |notice| notice["code"] == "rendezvous-full");
    assert!(at - asked < SAID_WITHIN, "{:?}", at - asked);
    drop(crowd);
    therapist.expect("invite", 45, |invite| invite["code"].is_string());
}

#[test]
fn a_running_session_survives_the_loss_of_rendezvous() {
    let stage = Stage::new("rendezvous-lost");
    let proxy = Proxy::to(stage.server.address());
    let url = format!("ws://{}/", proxy.address());
    let [therapist, client] =
        ["therapist", "client"].map(|role| Peer::start(&stage.setup(role).with("--rendezvous", &url)));
    let mut meeting = Meeting::by_invite(therapist, client, "code");
    meeting.open();
    meeting.see_and_hear();
    let cut = Instant::now();
    proxy.cut();
    for peer in meeting.both() {
        let (_, at) = peer.expect_timed("notice", 10, |notice| {
            matches!(
                notice["code"].as_str(),
                Some("rendezvous-lost" | "rendezvous-unreachable" | "rendezvous-protocol")
            )
        });
        assert!(at - cut < SAID_WITHIN, "{:?}", at - cut);
    }
    let before = meeting.client.stats();
    meeting.talk(8.0);
    meeting.client.gains(Some(&before), &GOING_ON, 40.0);
    meeting.chat(true, "still here");
    assert!(meeting.therapist.told("ended").is_empty());
    proxy.mend();
    meeting.end();
    meeting.close();
}

#[test]
fn a_relay_that_is_not_there_is_said_within_five_seconds_of_admission() {
    let folder = Folder::new("relay-secret");
    let secret = folder.join("secret");
    std::fs::write(&secret, "not a secret: the relay does not exist").unwrap();
    // A bound socket that never answers: a relay behind a firewall.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("turn:{}?transport=udp", silent.local_addr().unwrap());
    let secret = secret.to_str().unwrap();
    let setup = ServerSetup::arguments(&["--listen", "127.0.0.1:0", "--turn-url", &url, "--turn-secret-file", secret]);
    let stage = Stage::with_server("relay-missing", &setup);
    let mut meeting = stage.meet("code");
    let admitted = Instant::now();
    meeting.therapist.send(&json!({"cmd": "admit", "contact": meeting.client_contact}));
    for peer in meeting.both() {
        let (notice, at) = peer.expect_timed("notice", 15, |notice| notice["code"] == "E_NO_RELAY");
        assert!(at - admitted < SAID_WITHIN, "{:?}", at - admitted);
        assert!(!notice["what_to_do"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_relay_that_is_full_is_said_within_five_seconds_and_tried_again() {
    // One place: the second of the two computers gets none.
    let full = ["--listen", "127.0.0.1:0", "--embedded-relay", "--relay-allocations", "1"];
    let stage = Stage::with_server("relay-full", &ServerSetup::arguments(&full));
    let mut meeting = stage.meet("code");
    let admitted = Instant::now();
    meeting.therapist.send(&json!({"cmd": "admit", "contact": meeting.client_contact}));
    let notices = |peer: &Peer| {
        let of_relay = |notice: &&serde_json::Value| {
            matches!(notice["code"].as_str(), Some("E_RELAY_REFUSED" | "E_NO_RELAY" | "E_NO_PATH"))
        };
        peer.told("notice").iter().filter(of_relay).count()
    };
    let deadline = admitted + SAID_WITHIN;
    while meeting.both().iter().all(|peer| notices(peer) == 0) {
        assert!(Instant::now() < deadline, "said by neither");
        std::thread::sleep(Duration::from_millis(50));
    }
    // Tried again by itself: it is said again.
    let deadline = Instant::now() + Duration::from_secs(30);
    while meeting.both().iter().map(|peer| notices(peer)).sum::<usize>() < 4 {
        assert!(Instant::now() < deadline, "tried only once");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_server_that_gives_no_more_relay_credentials_is_said_as_what_it_is() {
    // One an hour for the address that both have: the second gets none.
    let few = ["--listen", "127.0.0.1:0", "--embedded-relay", "--relay-credentials", "1"];
    let stage = Stage::with_server("relay-credentials", &ServerSetup::arguments(&few));
    let mut meeting = stage.meet("code");
    meeting.therapist.send(&json!({"cmd": "admit", "contact": meeting.client_contact}));
    let deadline = Instant::now() + SAID_WITHIN;
    let is_said = |peer: &Peer| peer.told("notice").iter().any(|notice| notice["code"] == "E_RELAY_LIMIT");
    while !meeting.both().iter().any(|peer| is_said(peer)) {
        assert!(Instant::now() < deadline, "said by neither");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A relay in a process of its own, so that it can be lost without rendezvous.
fn relay_alone(programs: &Programs, secret: &str, port: u16) -> Server {
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["--listen", &listen, "--embedded-relay", "--turn-secret-file", secret];
    Server::start(&programs.rendezvous, &ServerSetup::arguments(&arguments))
}

/// Server and relay apart: the stage, the relay with its port, and the file of the secret that both have.
fn with_relay_apart(name: &str) -> (Stage, Server, u16, Folder) {
    let programs = Programs::shipped();
    let folder = Folder::new(&format!("{name}-secret"));
    let secret = folder.join("secret");
    std::fs::write(&secret, "shared by rendezvous and relay in this test").unwrap();
    let secret = secret.to_str().unwrap();
    let relay = relay_alone(&programs, secret, 0);
    let port = relay.relay.rsplit(':').next().unwrap().split('?').next().unwrap().parse().unwrap();
    let setup =
        ServerSetup::arguments(&["--listen", "127.0.0.1:0", "--turn-url", &relay.relay, "--turn-secret-file", secret]);
    (Stage::with_server(name, &setup), relay, port, folder)
}

/// The relay is away for longer than a session waits; then the two go on without comparing words.
#[test]
fn a_session_that_was_interrupted_goes_on_without_words() {
    let (stage, relay, port, folder) = with_relay_apart("resume");
    let mut meeting = stage.meet("code");
    meeting.open();
    meeting.see_and_hear();
    relay.kill();
    for peer in meeting.both() {
        peer.expect("ended", 90, |ended| ended["reason"] == "interrupted");
    }
    let relay = relay_alone(&stage.programs, folder.join("secret").to_str().unwrap(), port);
    let Meeting { therapist, mut client, client_contact, therapist_contact } = meeting;
    let (cards, gates) = (client.told("verify").len(), client.told("gate").len());
    client.send(&json!({"cmd": "join", "contact": therapist_contact}));
    let mut meeting = Meeting::in_waiting_room(therapist, client);
    assert_eq!(meeting.client_contact, client_contact);
    meeting.therapist.send(&json!({"cmd": "admit", "contact": client_contact}));
    for peer in meeting.both() {
        peer.expect("gate", 20, |gate| gate["gate"] == "G2");
    }
    assert_eq!(meeting.client.told("verify").len(), cards, "nobody is asked");
    assert!(meeting.client.told("gate").len() > gates);
    meeting.talk(3.0);
    meeting.chat(true, "here again");
    meeting.end();
    meeting.close();
    drop(relay);
}

#[test]
fn a_relay_that_is_lost_in_a_session_is_said_within_five_seconds_and_found_again() {
    let (stage, relay, port, folder) = with_relay_apart("relay-lost");
    let mut meeting = stage.meet("code");
    meeting.open();
    meeting.see_and_hear();
    let is_connected = |link: &serde_json::Value| link["state"] == "connected" && link["path"] == "relayed";
    for peer in meeting.both() {
        peer.expect("link", 1, is_connected);
    }
    let crash = Instant::now();
    relay.kill();
    for peer in meeting.both() {
        let (_, at) = peer.expect_timed("link", 10, |link| link["state"] == "reconnecting");
        assert!(at - crash < SAID_WITHIN, "{:?}", at - crash);
        peer.expect("notice", 2, |notice| notice["code"] == "interrupted");
    }
    // The first tries meet nothing; then it is back.
    std::thread::sleep(Duration::from_secs(7));
    let back = Instant::now();
    let relay = relay_alone(&stage.programs, folder.join("secret").to_str().unwrap(), port);
    for peer in meeting.both() {
        let (_, at) = peer.expect_timed("link", 30, is_connected);
        assert!(at > back);
        println!("connected again {:?} after the relay was back", at - back);
    }
    let before = meeting.client.stats();
    meeting.client.gains(Some(&before), &GOING_ON, 40.0);
    meeting.chat(true, "there you are");
    meeting.end();
    meeting.close();
    drop(relay);
}

#[test]
fn server_and_relay_that_crash_in_a_session_are_said_within_five_seconds() {
    let stage = Stage::new("crash");
    let mut meeting = stage.meet("code");
    meeting.open();
    meeting.see_and_hear();
    let Stage { server, folder, .. } = stage;
    let crash = Instant::now();
    server.kill();
    for peer in meeting.both() {
        // Sound and picture stop with the relay: that is a matter of the link, not only of rendezvous.
        let (_, at) = peer.expect_timed("link", 10, |link| link["state"] == "reconnecting");
        assert!(at - crash < SAID_WITHIN, "{:?}", at - crash);
        let (_, at) = peer.expect_timed("notice", 10, |notice| {
            notice["code"].as_str().is_some_and(|code| code.starts_with("rendezvous-"))
        });
        assert!(at - crash < SAID_WITHIN, "{:?}", at - crash);
    }
    drop(folder);
}
