//! What a description must look like to be taken, and that a bad one does no harm.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use sotto_transport::{Relay, Transport, TransportConfig, TransportEvent, TransportFault};

use common::{TurnServer, config};
use sotto_wire::{Description, Setup};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_is_what_the_protocol_says() {
    let server = TurnServer::start().await;
    let (sender, _events) = mpsc::channel(64);
    let client = Transport::new(config(true, server.relay()), sender).await.unwrap();
    let offer = client.description().await.unwrap();
    assert_eq!(offer.setup, Setup::ActPass);
    assert_eq!(offer.payload_types, [111, 102, 103]);
    assert_eq!(offer.tracks.map(|track| (track.ssrc, track.rtx_ssrc)), config(true, server.relay()).ssrcs);
    assert!(client.description().await.unwrap() == offer, "asked twice, described once");
    let (sender, _events) = mpsc::channel(64);
    let second = Transport::new(config(true, server.relay()), sender).await.unwrap();
    assert_ne!(second.description().await.unwrap().fingerprint, offer.fingerprint, "a fresh certificate each time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptions_out_of_the_ordinary_are_refused() {
    use TransportFault::{BadDescription, Downgrade};
    type Change = fn(&mut Description);
    let cases: [(&str, Change, TransportFault); 16] = [
        ("no RTX", |d| d.payload_types.retain(|pt| *pt != 103), Downgrade),
        ("no RTX for AV1", |d| d.payload_types.push(45), Downgrade),
        ("camera without RTX SSRC", |d| d.tracks[1].rtx_ssrc = 0, Downgrade),
        ("no Opus", |d| d.payload_types.retain(|pt| *pt != 111), BadDescription),
        ("no H.264", |d| d.payload_types.retain(|pt| *pt != 102), BadDescription),
        ("unknown payload type", |d| d.payload_types.push(96), BadDescription),
        ("payload type twice", |d| d.payload_types.push(111), BadDescription),
        ("answer as offer", |d| d.setup = Setup::Active, BadDescription),
        ("short user fragment", |d| d.ufrag = "abc".into(), BadDescription),
        ("line break in user fragment", |d| d.ufrag = "abcd\r\na=x".into(), BadDescription),
        ("line break in password", |d| d.pwd.push('\n'), BadDescription),
        ("long password", |d| d.pwd = "a".repeat(256), BadDescription),
        ("SSRC 0", |d| d.tracks[0].ssrc = 0, BadDescription),
        ("one SSRC for two", |d| d.tracks[2].ssrc = d.tracks[1].ssrc, BadDescription),
        ("our own SSRC", |d| d.tracks[2].ssrc = 0x2222_0002, BadDescription),
        ("audio with RTX", |d| d.tracks[0].rtx_ssrc = 5, BadDescription),
    ];
    let server = TurnServer::start().await;
    let (sender, _events) = mpsc::channel(64);
    let client = Transport::new(config(true, server.relay()), sender).await.unwrap();
    let offer = client.description().await.unwrap();
    let (sender, _events) = mpsc::channel(64);
    let therapist = Transport::new(config(false, server.relay()), sender).await.unwrap();
    assert!(matches!(therapist.description().await, Err(TransportFault::Internal(_))), "no offer yet");
    for (name, change, fault) in cases {
        let mut bad = offer.clone();
        change(&mut bad);
        assert_eq!(therapist.set_remote(&bad).await, Err(fault), "{name}");
    }
    // None of them left a trace.
    therapist.set_remote(&offer).await.unwrap();
    assert_eq!(therapist.set_remote(&offer).await, Err(BadDescription), "only once");
    client.set_remote(&therapist.description().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_is_told_at_once() {
    let server = TurnServer::start().await;
    let good = config(true, server.relay());
    let mut twice = good.clone();
    twice.ssrcs[1].0 = twice.ssrcs[0].0;
    let mut zero = good.clone();
    zero.ssrcs[2].1 = 0;
    let none = TransportConfig { relays: Vec::new(), ..good.clone() };
    let tcp = Relay { url: "turn:127.0.0.1:1?transport=tcp".into(), ..server.relay() };
    let tcp = TransportConfig { relays: vec![tcp], ..good };
    for (config, unreachable) in [(twice, false), (zero, false), (none, true), (tcp, true)] {
        let (sender, _events) = mpsc::channel::<TransportEvent>(64);
        let fault = Transport::new(config, sender).await.err().unwrap();
        assert_eq!(fault == TransportFault::RelayUnreachable, unreachable, "{fault:?}");
    }
}
