//! Keys are renewed while people talk (PROTOCOL §7.7).
//!
//! `cargo xtask bench rekey` runs the measurement: twenty rekeys beside a session without one, with and without loss.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use common::Stage;
use serde_json::Value;
use sotto_e2e::{Folder, Meeting, Peer, PeerSetup, Programs, Server, ServerSetup};
use sotto_netlab::lab::{self, Lab, Links, Site};
use sotto_netlab::wire::Impairment;

#[test]
fn a_session_renews_its_keys_while_people_talk() {
    let stage = Stage::new("rekey");
    let [therapist, client] =
        ["therapist", "client"].map(|role| Peer::start(&stage.setup(role).with("--rekey-seconds", "2")));
    let mut meeting = Meeting::by_invite(therapist, client, "code");
    meeting.open();
    meeting.see_and_hear();
    let before = meeting.both().map(Peer::stats);
    for n in 0..4 {
        meeting.talk(2.0);
        meeting.chat(n % 2 == 0, "still here");
    }
    let after = meeting.both().map(Peer::stats);
    for (before, after) in before.iter().zip(&after) {
        let gained =
            |at: &str| after.pointer(at).unwrap().as_f64().unwrap() - before.pointer(at).unwrap().as_f64().unwrap();
        assert!(gained("/epoch") >= 3.0, "{before} then {after}");
        assert!(gained("/audio_in/packets") > 300.0, "{before} then {after}");
        assert!(gained("/video_in/frames") > 60.0, "{before} then {after}");
        assert_eq!((after["integrity_failures"].as_u64(), after["replays"].as_u64()), (Some(0), Some(0)), "{after}");
    }
    meeting.end();
    meeting.close();
}

/// Rekeys in a measured session.
const REKEYS: u32 = 20;
/// From one to the next, s: the two seconds around each are most of the session.
const EVERY_S: u32 = 3;
const PERSONS: [Site; 2] = [Site::Therapist, Site::Client];

/// What a person heard and saw in a session, by its figures of each second.
struct Figures {
    epochs: u64,
    concealed_ms: u64,
    freezes: u64,
    freeze_ms: u64,
    longest_gap_ms: u64,
    median_gap_ms: u64,
}

fn figure(stats: &Value, at: &str) -> u64 {
    stats.pointer(at).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {at} in {stats}"))
}

fn measured(loss: f64, rekey_every_s: u32, seed: u64) -> [Figures; 2] {
    let programs = Programs::shipped();
    let folder = Folder::new("rekey-measured");
    let wire = |seed| Impairment { delay: std::time::Duration::from_millis(15), ..Impairment::lossy(seed, 0.0) };
    let lab = Lab::new(&Links::Wires([wire(seed), wire(seed + 1)])).unwrap();
    let listen = format!("{}:8443", lab::SERVER);
    let relay = lab::SERVER.to_string();
    let server =
        ServerSetup::arguments(&["--listen", &listen, "--tls-self-signed", "--embedded-relay", "--relay-addr", &relay]);
    let server = Server::start_in(&lab, &programs.rendezvous, &server);
    let every = rekey_every_s.to_string();
    let setup = |role| {
        PeerSetup::new(&programs.peer, role, folder.join(role))
            .with("--rekey-seconds", &every)
            .with("--stats-every", "1")
    };
    let therapist = Peer::start_in(&lab, PERSONS[0], &setup("therapist").with("--rendezvous", &server.url));
    let client = Peer::start_in(&lab, PERSONS[1], &setup("client"));
    let mut meeting = Meeting::by_invite(therapist, client, "link");
    meeting.open();
    meeting.see_and_hear();
    meeting.talk(3.0);
    // Lost is what goes over the client's link, both ways.
    lab.wires()[1].set_loss(loss);
    meeting.talk(2.0);
    let skip = meeting.both().map(|peer| peer.told("stats").len());
    meeting.talk(f64::from(REKEYS * EVERY_S));
    let stats = meeting.both().map(|peer| peer.told("stats"));
    lab.wires()[1].set_loss(0.0);
    meeting.talk(2.0);
    meeting.end();
    meeting.close();
    [0, 1].map(|person| {
        let seconds = &stats[person][skip[person]..];
        let (first, last) = (&seconds[0], &seconds[seconds.len() - 1]);
        let gained = |at: &str| figure(last, at) - figure(first, at);
        let mut gaps: Vec<u64> = seconds.iter().map(|stats| figure(stats, "/audio_in/longest_gap_ms")).collect();
        gaps.sort_unstable();
        assert_eq!(figure(last, "/integrity_failures"), 0, "{last}");
        Figures {
            epochs: gained("/epoch"),
            concealed_ms: gained("/audio_in/concealed_ms"),
            freezes: gained("/video_in/freezes"),
            freeze_ms: gained("/video_in/freeze_ms"),
            longest_gap_ms: gaps.last().copied().unwrap_or_default(),
            median_gap_ms: gaps[gaps.len() / 2],
        }
    })
}

#[test]
#[ignore = "a measurement of some eight minutes: cargo xtask bench rekey"]
fn rekeys_beside_none() {
    println!(
        "| loss | session | person | rekeys | concealed ms | freezes | frozen ms | longest gap in a second, median / most, ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for loss in [0.0, 0.3] {
        let mut concealed = [0, 0];
        let mut frozen = [0, 0];
        for round in 0..2 {
            for (with, every_s) in [EVERY_S, 180].into_iter().enumerate() {
                let name = ["with rekeys", "without"][with];
                for (figures, person) in measured(loss, every_s, 100 + round).iter().zip(["therapist", "client"]) {
                    println!(
                        "| {:.0} % | {name} | {person} | {} | {} | {} | {} | {} / {} |",
                        loss * 100.0,
                        figures.epochs,
                        figures.concealed_ms,
                        figures.freezes,
                        figures.freeze_ms,
                        figures.median_gap_ms,
                        figures.longest_gap_ms
                    );
                    let expected = if with == 0 { u64::from(REKEYS) - 4 } else { 0 };
                    assert!(figures.epochs >= expected, "{} rekeys", figures.epochs);
                    concealed[with] += figures.concealed_ms;
                    frozen[with] += figures.freeze_ms;
                }
            }
        }
        let ratio = |[with, without]: [u64; 2]| with as f64 / without.max(1) as f64;
        println!(
            "loss {:.0} %: with rekeys / without: concealed sound {:.2}, frozen picture {:.2}",
            loss * 100.0,
            ratio(concealed),
            ratio(frozen)
        );
    }
}
