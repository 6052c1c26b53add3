//! How much processor time a call costs. Figures only: `cargo xtask bench transport`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;
use sotto_transport::{Relay, Transport, TransportConfig, TransportEvent, TransportFault};

use std::time::{Duration, Instant};

use common::{Peer, TurnServer, config, packet};
use sotto_wire::TrackId;
use tokio::sync::mpsc;

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, no test: cargo xtask bench transport runs it, also in CI"]
async fn ten_seconds_of_a_call() {
    let server = TurnServer::start().await;
    let mut peers = Vec::new();
    for offerer in [true, false] {
        let (sender, events) = mpsc::channel(4096);
        peers.push(Peer::new(Transport::new(config(offerer, server.relay()), sender).await.unwrap(), events));
    }
    let [mut client, mut therapist]: [Peer; 2] = peers.try_into().ok().unwrap();
    let started = Instant::now();
    common::connect(&mut client, &mut therapist).await.unwrap();
    println!("connected, relay only, after {:?}", started.elapsed());
    let before = cpu_seconds();
    let idle = Duration::from_secs(5);
    tokio::time::sleep(idle).await;
    println!("idle: {:.2} CPU-s per 10 s, two peers and the relay", (cpu_seconds() - before) * 2.0);
    let before = cpu_seconds();
    let (to_therapist, to_client) = (client.transport.clone(), therapist.transport.clone());
    let readers = [client.events, therapist.events].map(|mut events| {
        tokio::spawn(async move {
            let mut got = 0;
            while let Some(event) = events.recv().await {
                got += u32::from(matches!(event, TransportEvent::Packet(_)));
            }
            got
        })
    });
    // 2.4 Mbit/s of pictures and 50 packets of sound a second, each way.
    for frame in 0..300_u32 {
        for transport in [&to_therapist, &to_client] {
            for part in 0..9 {
                transport.send_packet(packet(TrackId::Camera, frame * 9 + part, 1160));
            }
            for part in 0..=frame % 3 / 2 {
                transport.send_packet(packet(TrackId::Audio, frame * 2 + part, 144));
            }
        }
        tokio::time::sleep(Duration::from_millis(33)).await;
    }
    println!("call: {:.2} CPU-s per 10 s, two peers and the relay", cpu_seconds() - before);
    let stats = to_client.stats().await;
    println!("{stats:?}");
    to_client.close().await;
    to_therapist.close().await;
    for reader in readers {
        println!("{} packets arrived", reader.await.unwrap());
    }
}
