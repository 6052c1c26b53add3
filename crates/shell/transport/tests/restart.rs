//! ICE restart through real relays: the connection survives the loss of its path.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;
use sotto_transport::{Relay, Transport, TransportConfig, TransportEvent, TransportFault};

use std::time::{Duration, Instant};

use common::{Peer, TurnServer, config, number, packet, record};
use sotto_wire::{TrackId, sig::IceCredentials};
use tokio::sync::mpsc;

async fn connected(server: &TurnServer) -> (Peer, Peer) {
    let mut made = Vec::new();
    for offerer in [true, false] {
        let (sender, events) = mpsc::channel(4096);
        let transport = Transport::new(config(offerer, server.relay()), sender).await.unwrap();
        made.push(Peer::new(transport, events));
    }
    let (mut therapist, mut client) = (made.pop().unwrap(), made.pop().unwrap());
    common::connect(&mut client, &mut therapist).await.unwrap();
    (client, therapist)
}

/// Waits for an event; media and records that come before are kept.
async fn wait_for(peer: &mut Peer, what: &str, seconds: u64, fits: impl Fn(&TransportEvent) -> bool) {
    let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        let event = tokio::time::timeout_at(until, peer.events.recv()).await;
        match event.unwrap_or_else(|_| panic!("no {what} within {seconds} s")).expect("open") {
            event if fits(&event) => return,
            TransportEvent::Packet(packet) => peer.packets.push(packet),
            TransportEvent::Record(record) => peer.records.push(record),
            TransportEvent::Failed(fault) => panic!("failed while {what} was awaited: {fault:?}"),
            _ => {}
        }
    }
}

/// One restart, with the candidates trickled both ways, until both are through or `limit` has passed.
async fn restart(client: &mut Peer, therapist: &mut Peer, relay: &Relay, limit: Duration) -> bool {
    let offer = client.transport.restart(vec![relay.clone()]).await.unwrap();
    let answer = therapist.transport.accept_restart(vec![relay.clone()], &offer).await.unwrap();
    client.transport.finish_restart(&answer).await.unwrap();
    let until = tokio::time::Instant::now() + limit;
    let (mut recovered, mut failed) = ([false; 2], [false; 2]);
    while recovered != [true; 2] {
        let (from, event) = tokio::select! {
            event = client.events.recv() => (0, event),
            event = therapist.events.recv() => (1, event),
            () = tokio::time::sleep_until(until) => return false,
        };
        let (own, other) = if from == 0 { (&mut *client, &*therapist) } else { (&mut *therapist, &*client) };
        match event.expect("open") {
            TransportEvent::LocalCandidate(candidate) => other.transport.add_candidate(&candidate).await.unwrap(),
            TransportEvent::Recovered { .. } => recovered[from] = true,
            // Both tell: what one of them tells late would be taken for the next restart's.
            TransportEvent::RestartFailed(_) => {
                failed[from] = true;
                if failed == [true; 2] {
                    return false;
                }
            }
            TransportEvent::Packet(packet) => own.packets.push(packet),
            TransportEvent::Record(record) => own.records.push(record),
            TransportEvent::Failed(fault) => panic!("{fault:?}"),
            _ => {}
        }
    }
    true
}

/// Sound and records arrive both ways, in order, none of the records lost.
async fn assert_flows(client: &mut Peer, therapist: &mut Peer, first: u32) {
    for (from, to) in [(0, 1), (1, 0)] {
        let pair = [&mut *client, &mut *therapist];
        let [client, therapist] = pair;
        let (from, to) = if (from, to) == (0, 1) { (client, therapist) } else { (therapist, client) };
        for number in first..first + 50 {
            from.transport.send_packet(packet(TrackId::Audio, number, 120));
            from.transport.send_record(record(TrackId::Chat, number, 256)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let until = tokio::time::Instant::now() + Duration::from_secs(10);
        let numbers = |peer: &Peer| -> (Vec<u32>, usize) {
            let records = peer.records.iter().filter(|record| record.track == TrackId::Chat);
            let records: Vec<u32> = records.map(|got| u32::from_be_bytes(got.bytes[..4].try_into().unwrap())).collect();
            (records, peer.packets.iter().filter(|packet| number(packet) >= first).count())
        };
        while numbers(to).0.last() != Some(&(first + 49)) || numbers(to).1 < 50 {
            match tokio::time::timeout_at(until, to.events.recv()).await.expect("all arrives").expect("open") {
                TransportEvent::Packet(packet) => to.packets.push(packet),
                TransportEvent::Record(record) => to.records.push(record),
                TransportEvent::Failed(fault) => panic!("{fault:?}"),
                _ => {}
            }
        }
        let records = numbers(to).0;
        assert!(records.windows(2).all(|pair| pair[1] == pair[0] + 1), "in order, without loss: {records:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_relay_is_replaced_by_another_and_nothing_sealed_is_lost() {
    let first = TurnServer::start().await;
    let (mut client, mut therapist) = connected(&first).await;
    assert_flows(&mut client, &mut therapist, 0).await;

    first.stop().await;
    let lost = Instant::now();
    // What is said while the path is lost arrives after it is back.
    client.transport.send_record(record(TrackId::Chat, 50, 256)).await.unwrap();
    wait_for(&mut client, "Interrupted", 10, |event| matches!(event, TransportEvent::Interrupted)).await;
    wait_for(&mut therapist, "Interrupted", 10, |event| matches!(event, TransportEvent::Interrupted)).await;
    eprintln!("both noticed after {:?}", lost.elapsed());

    // A try while there is no relay fails and harms nothing.
    let nowhere = Relay { url: "turn:127.0.0.1:9?transport=udp".into(), ..first.relay() };
    assert!(!restart(&mut client, &mut therapist, &nowhere, Duration::from_secs(8)).await);

    let second = TurnServer::start().await;
    let began = Instant::now();
    assert!(restart(&mut client, &mut therapist, &second.relay(), Duration::from_secs(10)).await);
    eprintln!("back {:?} after the restart began", began.elapsed());
    // The record from before the restart is the first of the rest.
    therapist.transport.send_record(record(TrackId::Chat, 50, 256)).await.unwrap();
    assert_flows(&mut client, &mut therapist, 51).await;
    for peer in [&client, &therapist] {
        assert!(peer.transport.stats().await.relayed);
    }
    client.transport.close().await;
    therapist.transport.close().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(second.allocations().await, 0, "the relay's places are given back");
}

/// The client notices the loss first. Its restart takes the therapist's path before ICE there has missed anything, and
/// there is no relay to restart with: that the path is lost must be told all the same, or nobody's patience ever ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_comes_before_the_loss_is_noticed_tells_of_the_loss() {
    let first = TurnServer::start().await;
    let (mut client, mut therapist) = connected(&first).await;
    let nowhere = Relay { url: "turn:127.0.0.1:9?transport=udp".into(), ..first.relay() };
    let offer = client.transport.restart(vec![nowhere.clone()]).await.unwrap();
    let answer = therapist.transport.accept_restart(vec![nowhere], &offer).await.unwrap();
    client.transport.finish_restart(&answer).await.unwrap();
    first.stop().await;
    for peer in [&mut client, &mut therapist] {
        wait_for(peer, "Interrupted", 2, |event| matches!(event, TransportEvent::Interrupted)).await;
        wait_for(peer, "RestartFailed", 8, |event| matches!(event, TransportEvent::RestartFailed(_))).await;
    }
    let second = TurnServer::start().await;
    assert!(restart(&mut client, &mut therapist, &second.relay(), Duration::from_secs(10)).await);
    assert_flows(&mut client, &mut therapist, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_was_not_answered_can_be_repeated() {
    let server = TurnServer::start().await;
    let (mut client, mut therapist) = connected(&server).await;
    // The messages to the peer were lost; the last one arrives. They come faster than any relay answers.
    let first = client.transport.restart(vec![server.relay()]).await.unwrap();
    for _ in 0..3 {
        client.transport.restart(vec![server.relay()]).await.unwrap();
    }
    let second = client.transport.restart(vec![server.relay()]).await.unwrap();
    assert_ne!(first.ufrag, second.ufrag);
    let answer = therapist.transport.accept_restart(vec![server.relay()], &second).await.unwrap();
    client.transport.finish_restart(&answer).await.unwrap();
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    let mut recovered = [false; 2];
    while recovered != [true; 2] {
        let (from, event) = tokio::select! {
            event = client.events.recv() => (0, event),
            event = therapist.events.recv() => (1, event),
            () = tokio::time::sleep_until(until) => panic!("recovered: {recovered:?}"),
        };
        match event.expect("open") {
            TransportEvent::LocalCandidate(candidate) if from == 0 => {
                therapist.transport.add_candidate(&candidate).await.unwrap();
            }
            TransportEvent::LocalCandidate(candidate) => client.transport.add_candidate(&candidate).await.unwrap(),
            TransportEvent::Recovered { .. } => recovered[from] = true,
            TransportEvent::Failed(fault) | TransportEvent::RestartFailed(fault) => panic!("{fault:?}"),
            _ => {}
        }
    }
    assert_flows(&mut client, &mut therapist, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_network_a_restart_is_refused_and_can_be_tried_again() {
    let server = TurnServer::start().await;
    let (mut client, mut therapist) = connected(&server).await;
    // There is never a route to it for a socket that may not broadcast.
    let unreachable = Relay { url: "turn:255.255.255.255:3478?transport=udp".into(), ..server.relay() };
    let refused = client.transport.restart(vec![unreachable.clone()]).await;
    assert_eq!(refused, Err(TransportFault::RelayUnreachable));
    let peer = IceCredentials { ufrag: "abcd".into(), pwd: "abcdefghijklmnopqrstuv".into() };
    let refused = therapist.transport.accept_restart(vec![unreachable], &peer).await;
    assert_eq!(refused, Err(TransportFault::RelayUnreachable));
    assert_flows(&mut client, &mut therapist, 0).await;
    assert!(restart(&mut client, &mut therapist, &server.relay(), Duration::from_secs(10)).await);
    assert_flows(&mut client, &mut therapist, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_are_none_are_refused_and_change_nothing() {
    let server = TurnServer::start().await;
    let (mut client, mut therapist) = connected(&server).await;
    let good = IceCredentials { ufrag: "abcd".into(), pwd: "abcdefghijklmnopqrstuv".into() };
    // Those of the connection as it is: the crate would take that for no restart.
    let present = client.transport.description().await.unwrap();
    let bad = [
        IceCredentials { ufrag: present.ufrag, pwd: present.pwd },
        IceCredentials { ufrag: "abc".into(), ..good.clone() },
        IceCredentials { ufrag: "a".repeat(256), ..good.clone() },
        IceCredentials { ufrag: "ab\r\na=candidate:x".into(), ..good.clone() },
        IceCredentials { pwd: "tooshort".into(), ..good.clone() },
        IceCredentials { pwd: "abcdefghijklmnopqrstu\n".into(), ..good.clone() },
        IceCredentials { pwd: "ä".repeat(22), ..good.clone() },
    ];
    for credentials in &bad {
        let refused = therapist.transport.accept_restart(vec![server.relay()], credentials).await;
        assert_eq!(refused, Err(TransportFault::BadDescription));
    }
    // Nobody asked for a restart, or the wrong side does.
    assert!(client.transport.finish_restart(&good).await.is_err());
    assert!(client.transport.accept_restart(vec![server.relay()], &good).await.is_err());
    assert!(therapist.transport.restart(vec![server.relay()]).await.is_err());
    assert!(therapist.transport.finish_restart(&good).await.is_err());
    assert_flows(&mut client, &mut therapist, 0).await;
}
