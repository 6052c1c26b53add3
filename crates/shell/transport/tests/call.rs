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
}
