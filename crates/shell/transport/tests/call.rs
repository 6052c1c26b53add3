//! Calls through a real relay, with the public interface only.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use sotto_transport::{Relay, Transport, TransportConfig, TransportEvent, TransportFault};

use std::time::{Duration, Instant};

use common::{Peer, TurnServer, config, number, packet, record};
use sotto_wire::{SealedPacket, TrackId};
use tokio::sync::mpsc;

async fn peer(config: TransportConfig) -> Peer {
    let (sender, events) = mpsc::channel(4096);
    Peer::new(Transport::new(config, sender).await.unwrap(), events)
}

async fn pair(server: &TurnServer) -> (Peer, Peer) {
    (peer(config(true, server.relay())).await, peer(config(false, server.relay())).await)
}

/// Reads until `wanted` packets came or nothing did for a second.
async fn packets(peer: &mut Peer, wanted: usize) -> Vec<SealedPacket> {
    let mut got = core::mem::take(&mut peer.packets);
    while got.len() < wanted {
        match tokio::time::timeout(Duration::from_secs(1), peer.events.recv()).await {
            Ok(Some(TransportEvent::Packet(packet))) => got.push(packet),
            Ok(Some(TransportEvent::Record(record))) => peer.records.push(record),
            Ok(Some(_)) => {}
            _ => break,
        }
    }
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_only_call_carries_media_and_records_both_ways() {
    let server = TurnServer::start().await;
    let (mut client, mut therapist) = pair(&server).await;
    let started = Instant::now();
    // Held until the channel is open.
    client.transport.send_record(record(TrackId::Control, 7, 256)).await.unwrap();
    let offer = client.transport.description().await.unwrap();
    therapist.transport.set_remote(&offer).await.unwrap();
    let answer = therapist.transport.description().await.unwrap();
    client.transport.set_remote(&answer).await.unwrap();
    common::finish(&mut client, &mut therapist).await.unwrap();
    eprintln!("relay-only, both connected and data open after {:?}", started.elapsed());

    for (peer, announced) in [(&client, &answer), (&therapist, &offer)] {
        let connected = peer.connected.clone().unwrap();
        assert_eq!(connected.remote_fingerprint, announced.fingerprint);
        assert_eq!(connected.srtp_profile, "SRTP_AEAD_AES_256_GCM");
        assert_eq!(connected.dtls_cipher, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
        assert!(connected.relayed);
    }

    // 3 s of audio at twice the pace, pictures in bursts of ten, both ways.
    let senders = [client.transport.clone(), therapist.transport.clone()].map(|transport| {
        std::thread::spawn(move || {
            for number in 0..300 {
                transport.send_packet(packet(TrackId::Audio, number, 120));
                if number % 10 == 0 {
                    for burst in 0..10 {
                        transport.send_packet(packet(TrackId::Camera, number + burst, 1160));
                        transport.send_packet(packet(TrackId::Screen, number + burst, 700));
                    }
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        })
    });
    let (at_therapist, at_client) = tokio::join!(packets(&mut therapist, 900), packets(&mut client, 900));
    for sender in senders {
        sender.join().unwrap();
    }
    for got in [at_therapist, at_client] {
        for track in [TrackId::Audio, TrackId::Camera, TrackId::Screen] {
            let numbers: Vec<u32> = got.iter().filter(|packet| packet.track == track).map(number).collect();
            assert_eq!(numbers, (0..300).collect::<Vec<_>>(), "{track:?}");
        }
        let want = |got: &SealedPacket| packet(got.track, number(got), got.bytes.len());
        assert!(got.iter().all(|got| *got == want(got)), "marker, timestamp, codec and payload as sent");
    }
    let stats = client.transport.stats().await;
    assert_eq!((stats.packets_sent, stats.send_dropped, stats.receive_dropped), (900, 0, 0));
    assert!(stats.relayed && stats.packets_received == 900);

    // Records: order within a channel, up to the longest.
    let (from_client, from_therapist) = (client.transport.clone(), therapist.transport.clone());
    for (from, to, held) in [(from_client, &mut therapist, 1), (from_therapist, &mut client, 0)] {
        let sender = tokio::spawn(async move {
            for number in 0..40 {
                for track in [TrackId::Control, TrackId::Chat, TrackId::File] {
                    let len = if track == TrackId::File { 16_161 } else { 256 };
                    from.send_record(record(track, number, len)).await.unwrap();
                }
            }
        });
        let mut got = core::mem::take(&mut to.records);
        while got.len() < 120 + held {
            if let TransportEvent::Record(record) = to.next().await {
                got.push(record);
            }
        }
        sender.await.unwrap();
        for track in [TrackId::Control, TrackId::Chat, TrackId::File] {
            let mut want: Vec<u32> = (0..40).collect();
            if held == 1 && track == TrackId::Control {
                want.insert(0, 7);
            }
            let numbers = got.iter().filter(|record| record.track == track);
            let numbers: Vec<u32> = numbers.map(|got| u32::from_be_bytes(got.bytes[..4].try_into().unwrap())).collect();
            assert_eq!(numbers, want, "{track:?}");
        }
    }

    client.transport.close().await;
    therapist.transport.close().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.allocations().await, 0, "the relay is released on close");
    while client.events.recv().await.is_some() {}
    assert!(client.transport.send_record(record(TrackId::Chat, 1, 256)).await.is_err(), "closed is closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_loss_becomes_a_keyframe_request_at_most_twice_a_second() {
    let server = TurnServer::start().await;
    let (mut client, mut therapist) = pair(&server).await;
    common::connect(&mut client, &mut therapist).await.unwrap();
    // RTCP about a stream is routed once the stream runs.
    client.transport.send_packet(packet(TrackId::Camera, 1, 100));
    assert_eq!(packets(&mut therapist, 1).await.len(), 1);
    let started = Instant::now();
    for _ in 0..12 {
        therapist.transport.request_keyframe_pli(TrackId::Camera).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut requests = 0;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(300), client.events.recv()).await {
        if let TransportEvent::KeyframeRequest(track) = event {
            assert_eq!(track, TrackId::Camera);
            requests += 1;
        }
    }
    let allowed = 1 + started.elapsed().as_millis() / 500;
    assert!((1..=allowed).contains(&requests), "{requests} of 12 passed on, {allowed} allowed");
    assert!(therapist.transport.request_keyframe_pli(TrackId::Audio).await.is_err());
    common::close(&client, &therapist).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_tracks_send_nothing_and_packets_before_the_check_are_not_sent() {
    let server = TurnServer::start().await;
    let (mut client, mut therapist) = pair(&server).await;
    client.transport.send_packet(packet(TrackId::Audio, 99, 120));
    common::connect(&mut client, &mut therapist).await.unwrap();
    client.transport.send_packet(packet(TrackId::Audio, 1, 120));
    let got = packets(&mut therapist, 2).await;
    assert_eq!(got.iter().map(number).collect::<Vec<_>>(), [1]);
    let stats = client.transport.stats().await;
    assert_eq!((stats.packets_sent, stats.send_dropped), (1, 1));
    common::close(&client, &therapist).await;
}

/// The first fault of a peer, with the time it took.
async fn fault(peer: &mut Peer) -> (TransportFault, Duration) {
    let started = Instant::now();
    loop {
        match peer.next().await {
            TransportEvent::Failed(fault) => return (fault, started.elapsed()),
            TransportEvent::Connected { .. } => panic!("must not connect"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_was_not_announced_ends_the_call() {
    let server = TurnServer::start().await;
    for lie_to_offerer in [true, false] {
        let (mut client, mut therapist) = pair(&server).await;
        let mut offer = client.transport.description().await.unwrap();
        if !lie_to_offerer {
            offer.fingerprint[0] ^= 1;
        }
        therapist.transport.set_remote(&offer).await.unwrap();
        let mut answer = therapist.transport.description().await.unwrap();
        if lie_to_offerer {
            answer.fingerprint[31] ^= 1;
        }
        client.transport.set_remote(&answer).await.unwrap();
        let (deceived, other) =
            if lie_to_offerer { (&mut client, &mut therapist) } else { (&mut therapist, &mut client) };
        let started = Instant::now();
        let mut faults = [None, None];
        while faults[0].is_none() {
            let (event, index) = tokio::select! {
                event = deceived.next() => (event, 0),
                event = other.next() => (event, 1),
            };
            match event {
                TransportEvent::LocalCandidate(candidate) => {
                    let to = if index == 0 { &other } else { &deceived };
                    to.transport.add_candidate(&candidate).await.unwrap();
                }
                TransportEvent::Connected { .. } if index == 0 => panic!("must not connect"),
                TransportEvent::Packet(_) | TransportEvent::Record(_) => panic!("nothing may be delivered"),
                TransportEvent::Failed(fault) => faults[index] = Some(fault),
                _ => {}
            }
        }
        assert_eq!(faults[0], Some(TransportFault::FingerprintMismatch), "lie to offerer: {lie_to_offerer}");
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        common::close(&client, &therapist).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_refuses_or_is_dead_is_told_within_seconds() {
    let server = TurnServer::start().await;
    let wrong = Relay { password: "wrong".into(), ..server.relay() };
    let expired = Relay { username: "1:someone".into(), ..server.relay() };
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let dead = Relay { url: format!("turn:{}", silent.local_addr().unwrap()), ..server.relay() };
    for (relay, want) in [
        (wrong, TransportFault::RelayRefused),
        (expired, TransportFault::RelayRefused),
        (dead, TransportFault::RelayUnreachable),
    ] {
        let mut client = peer(config(true, relay)).await;
        client.transport.description().await.unwrap();
        let (fault, after) = fault(&mut client).await;
        assert_eq!(fault, want);
        assert!(after < Duration::from_secs(8), "{want:?} after {after:?}");
    }
    let (sender, _events) = mpsc::channel(16);
    let nowhere = Relay { url: "turn:no-such-host.invalid:3478".into(), ..server.relay() };
    assert_eq!(Transport::new(config(true, nowhere), sender).await.err(), Some(TransportFault::RelayUnreachable));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_never_answers_is_no_path() {
    let server = TurnServer::start().await;
    let (mut client, therapist) = pair(&server).await;
    let offer = client.transport.description().await.unwrap();
    therapist.transport.set_remote(&offer).await.unwrap();
    let answer = therapist.transport.description().await.unwrap();
    client.transport.set_remote(&answer).await.unwrap();
    // No candidate is carried.
    let (fault, after) = fault(&mut client).await;
    assert_eq!(fault, TransportFault::NoPath);
    assert!(after < Duration::from_secs(15), "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_hands_out_local_addresses_is_not_used_in_the_real_world() {
    let server = TurnServer::start().await;
    let mut client = peer(TransportConfig { allow_local_relay: false, ..config(true, server.relay()) }).await;
    client.transport.description().await.unwrap();
    loop {
        match client.next().await {
            TransportEvent::Failed(fault) => {
                assert_eq!(fault, TransportFault::RelayUnreachable);
                break;
            }
            TransportEvent::LocalCandidate(_) => panic!("a loopback address left the computer"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_transport_closes_it() {
    let server = TurnServer::start().await;
    let (mut client, mut therapist) = pair(&server).await;
    common::connect(&mut client, &mut therapist).await.unwrap();
    drop(client);
    // The other side learns of it by DTLS and sees an interruption.
    loop {
        if let TransportEvent::Interrupted = therapist.next().await {
            break;
        }
    }
    therapist.transport.close().await;
    for _ in 0..50 {
        if server.allocations().await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the relay still holds an allocation");
}
