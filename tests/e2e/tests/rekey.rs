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
const REKEYS: u64 = 20;
/// Longest measurement. Under loss SCTP waits before it repeats, and a rekey is three messages.
const LONGEST_S: u32 = 400;
const PERSONS: [Site; 2] = [Site::Therapist, Site::Client];

/// What a person heard and saw in a session, by its figures of each second.
struct Figures {
    epochs: u64,
    seconds: f64,
    concealed_ms: u64,
    freeze_ms: u64,
    longest_gap_ms: u64,
    median_gap_ms: u64,
    /// Concealed and frozen, ms in a second: in the seconds around each rekey, and in the others.
    around: [f64; 2],
    elsewhere: [f64; 2],
}

/// Means over the seconds with an epoch's beginning in them, before them or after them, and over all others.
fn around_rekeys(seconds: &[Value]) -> [[f64; 2]; 2] {
    let epochs: Vec<u64> = seconds.iter().map(|stats| figure(stats, "/epoch")).collect();
    let mut sums = [[0.0; 2]; 2];
    let mut counts = [0.0; 2];
    for at in 1..seconds.len() {
        let reach = &epochs[at.saturating_sub(2)..(at + 2).min(epochs.len())];
        let elsewhere = usize::from(reach.first() == reach.last());
        counts[elsewhere] += 1.0;
        for (sum, figure_at) in sums[elsewhere].iter_mut().zip(["/audio_in/concealed_ms", "/video_in/freeze_ms"]) {
            *sum += (figure(&seconds[at], figure_at) - figure(&seconds[at - 1], figure_at)) as f64;
        }
    }
    [0, 1].map(|which| sums[which].map(|sum| sum / f64::max(counts[which], 1.0)))
}

fn figure(stats: &Value, at: &str) -> u64 {
    stats.pointer(at).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {at} in {stats}"))
}

/// A session in which `loss` of what the client is sent and sends gets lost: for `seconds`, or until there were twenty rekeys.
fn measured(loss: f64, rekey_every_s: u32, seed: u64, seconds: Option<u32>) -> [Figures; 2] {
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
    lab.wires()[1].set_loss([loss; 2]);
    meeting.talk(2.0);
    let skip = meeting.both().map(|peer| peer.told("stats").len());
    for second in 1..=seconds.unwrap_or(LONGEST_S) {
        meeting.talk(1.0);
        let stats = meeting.client.told("stats");
        let gained = figure(&stats[stats.len() - 1], "/epoch").saturating_sub(figure(&stats[skip[1]], "/epoch"));
        let story = |peer: &Peer| ["link", "notice"].map(|event| peer.told(event));
        assert!(
            meeting.client.told("ended").is_empty(),
            "the session ended after {second} s: {:?} {:?}",
            story(&meeting.therapist),
            story(&meeting.client)
        );
        if seconds.is_none() && (gained >= REKEYS || second == LONGEST_S) {
            break;
        }
    }
    let stats = meeting.both().map(|peer| peer.told("stats"));
    if loss == 0.0 {
        meeting.end();
        meeting.close();
    }
    [0, 1].map(|person| {
        let seconds = &stats[person][skip[person]..];
        let (first, last) = (&seconds[0], &seconds[seconds.len() - 1]);
        let gained = |at: &str| figure(last, at) - figure(first, at);
        let mut gaps: Vec<u64> = seconds.iter().map(|stats| figure(stats, "/audio_in/longest_gap_ms")).collect();
        gaps.sort_unstable();
        assert_eq!(figure(last, "/integrity_failures"), 0, "{last}");
        let [around, elsewhere] = around_rekeys(seconds);
        Figures {
            epochs: gained("/epoch"),
            seconds: last["t"].as_f64().unwrap() - first["t"].as_f64().unwrap(),
            concealed_ms: gained("/audio_in/concealed_ms"),
            freeze_ms: gained("/video_in/freeze_ms"),
            longest_gap_ms: gaps.last().copied().unwrap_or_default(),
            median_gap_ms: gaps[gaps.len() / 2],
            around,
            elsewhere,
        }
    })
}

#[test]
#[ignore = "a measurement of some four minutes: cargo xtask bench rekey runs it, by hand and in no CI"]
fn rekeys_beside_none_without_loss() {
    beside_none(0.0, 3);
}

#[test]
#[ignore = "a measurement of some eight minutes: cargo xtask bench rekey runs it, by hand and in no CI"]
fn rekeys_beside_none_at_thirty_per_cent() {
    beside_none(0.3, 5);
}

fn beside_none(loss: f64, every_s: u32) {
    println!(
        "| loss | session | person | rekeys | s | concealed ms/s: all, around rekeys, elsewhere | frozen ms/s: the same \
         | longest gap in a second, median / most, ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut concealed = [0.0; 2];
    let mut frozen = [0.0; 2];
    let mut around = [0.0; 2];
    let mut length = None;
    for (with, every_s) in [every_s, 180].into_iter().enumerate() {
        let name = ["with rekeys", "without"][with];
        let figures = measured(loss, every_s, 100, length);
        length = Some(figures[1].seconds.ceil() as u32);
        for (figures, person) in figures.iter().zip(["therapist", "client"]) {
            let rate = |ms: u64| ms as f64 / figures.seconds;
            println!(
                "| {:.0} % | {name} | {person} | {} | {:.0} | {:.1}, {:.1}, {:.1} | {:.1}, {:.1}, {:.1} | {} / {} |",
                loss * 100.0,
                figures.epochs,
                figures.seconds,
                rate(figures.concealed_ms),
                figures.around[0],
                figures.elsewhere[0],
                rate(figures.freeze_ms),
                figures.around[1],
                figures.elsewhere[1],
                figures.median_gap_ms,
                figures.longest_gap_ms
            );
            concealed[with] += rate(figures.concealed_ms) / 2.0;
            frozen[with] += rate(figures.freeze_ms) / 2.0;
            if with == 0 {
                assert!(figures.epochs >= REKEYS, "{} rekeys in {} s", figures.epochs, figures.seconds);
                for (sum, figure) in around.iter_mut().zip(figures.around) {
                    *sum += figure / 2.0;
                }
            }
        }
    }
    println!(
        "loss {:.0} % both ways, means of both: around rekeys {:.1} ms/s concealed and {:.1} frozen; in the whole session \
         {:.1} and {:.1}; in a session without rekeys {:.1} and {:.1}",
        loss * 100.0,
        around[0],
        around[1],
        concealed[0],
        frozen[0],
        concealed[1],
        frozen[1]
    );
}
