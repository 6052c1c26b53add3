//! A relay that lies: it alters and repeats what it relays, between two ends that trust its address.

use core::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};
use std::{collections::VecDeque, sync::Arc};

use sotto_wire::{SealedPacket, SealedRecord, TrackId};
use tokio::{net::UdpSocket, sync::mpsc};

use super::{
    Relay, Transport, TransportEvent,
    common::{Peer, TurnServer, close, config, connect, number, packet, record},
};
use crate::{datagram, knobs::Knobs};

/// A relayed datagram of one kind is sent again when this many more of its kind have passed.
const LATER: usize = 7;

/// Datagrams of one kind from one side: how many there were, and which are to come once more, and when.
#[derive(Default)]
struct Seen {
    count: usize,
    again: VecDeque<(usize, Vec<u8>)>,
}

/// What the liar did, by kind: SRTP, DTLS.
#[derive(Default)]
struct Lies {
    at_work: AtomicBool,
    beside: [AtomicUsize; 2],
    instead: [AtomicUsize; 2],
    repeated: [AtomicUsize; 2],
}

/// Stands before the true relay for one of the two sides, and lies about what this side sends.
async fn liar(server: &TurnServer, lies: Arc<Lies>) -> Relay {
    let (front, back) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
    back.connect(server.address).await.unwrap();
    let url = format!("turn:{}?transport=udp", front.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut at_front, mut at_back) = (vec![0; 2048], vec![0; 2048]);
        let mut user: Option<SocketAddr> = None;
        let mut seen = <[Seen; 2]>::default();
        loop {
            tokio::select! {
                got = front.recv_from(&mut at_front) => {
                    let Ok((len, from)) = got else { return };
                    user = Some(from);
                    for datagram in told(&at_front[..len], &lies, &mut seen) {
                        let _ = back.send(&datagram).await;
                    }
                }
                got = back.recv(&mut at_back) => {
                    if let (Ok(len), Some(user)) = (got, user) {
                        let _ = front.send_to(&at_back[..len], user).await;
                    }
                }
            }
        }
    });
    Relay { url, ..server.relay() }
}

/// What becomes of a datagram. Of each ten of a kind one goes with an altered copy before it, one is altered, one comes
/// once more later.
fn told(datagram: &[u8], lies: &Lies, seen: &mut [Seen; 2]) -> Vec<Vec<u8>> {
    let inner = datagram::inner(datagram);
    let kind = match inner.first() {
        Some(128..=191) => 0,
        Some(20..=63) => 1,
        _ => return vec![datagram.to_vec()],
    };
    if !lies.at_work.load(Ordering::Relaxed) {
        return vec![datagram.to_vec()];
    }
    let Seen { count, again } = &mut seen[kind];
    *count += 1;
    // Each time another bit, in headers, ciphertext and tags.
    let start = datagram.windows(inner.len()).position(|part| part == inner).unwrap();
    let mut altered = datagram.to_vec();
    altered[start + *count * 37 % inner.len()] ^= 1 << (*count / 10 % 8);
    let mut out = match *count % 10 {
        2 => {
            lies.beside[kind].fetch_add(1, Ordering::Relaxed);
            vec![altered, datagram.to_vec()]
        }
        5 => {
            lies.instead[kind].fetch_add(1, Ordering::Relaxed);
            vec![altered]
        }
        8 => {
            again.push_back((*count + LATER, datagram.to_vec()));
            vec![datagram.to_vec()]
        }
        _ => vec![datagram.to_vec()],
    };
    if again.front().is_some_and(|(due, _)| due <= count) {
        lies.repeated[kind].fetch_add(1, Ordering::Relaxed);
        out.extend(again.pop_front().map(|(_, datagram)| datagram));
    }
    out
}

/// All that came, until the last record.
async fn received(peer: &mut Peer, last: u32) -> (Vec<SealedPacket>, Vec<SealedRecord>) {
    let (mut packets, mut records) = (Vec::new(), Vec::<SealedRecord>::new());
    while records.last().is_none_or(|record| record.bytes[..4] != last.to_be_bytes()) {
        match peer.next().await {
            TransportEvent::Packet(packet) => packets.push(packet),
            TransportEvent::Record(record) => records.push(record),
            TransportEvent::Failed(fault) => panic!("the call ended: {fault}"),
            _ => {}
        }
    }
    (packets, records)
}

/// Nothing altered and nothing twice comes to the application, and the call goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_relay_alters_or_repeats_is_not_delivered() {
    const SENT: u32 = 300;
    let server = TurnServer::start().await;
    let lies = Arc::new(Lies::default());
    let mut peers = Vec::new();
    for offerer in [true, false] {
        let (sender, events) = mpsc::channel(8192);
        let config = config(offerer, liar(&server, lies.clone()).await);
        peers.push(Peer::new(Transport::with_knobs(config, sender, Knobs::default()).await.unwrap(), events));
    }
    let [mut client, mut therapist] = <[Peer; 2]>::try_from(peers).ok().unwrap();
    connect(&mut client, &mut therapist).await.unwrap();
    lies.at_work.store(true, Ordering::Relaxed);
    let senders = [client.transport.clone(), therapist.transport.clone()].map(|transport| {
        tokio::spawn(async move {
            for number in 0..SENT {
                // Sound alone: a picture's packet that is lost may honestly come twice, repaired.
                transport.send_packet(packet(TrackId::Audio, number, 120));
                transport.send_record(record(TrackId::Chat, number, 256)).await.unwrap();
                tokio::time::sleep(core::time::Duration::from_millis(5)).await;
            }
        })
    });
    let both = tokio::join!(received(&mut client, SENT - 1), received(&mut therapist, SENT - 1));
    for sender in senders {
        sender.await.unwrap();
    }
    for (packets, records) in [both.0, both.1] {
        let mut numbers: Vec<u32> = packets.iter().map(number).collect();
        assert!(packets.iter().zip(&numbers).all(|(got, &number)| *got == packet(TrackId::Audio, number, 120)));
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "twice: {numbers:?}");
        assert!(numbers.len() > SENT as usize / 2, "{} of {SENT}", numbers.len());
        // Records are repeated by SCTP until they are there.
        let want: Vec<SealedRecord> = (0..SENT).map(|number| record(TrackId::Chat, number, 256)).collect();
        assert_eq!(records, want);
    }
    for (what, counts) in [("beside", &lies.beside), ("instead", &lies.instead), ("repeated", &lies.repeated)] {
        let counts = counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        eprintln!("{what}: {counts:?}");
        assert!(counts.iter().all(|&count| count >= 10), "{what}: {counts:?} lies");
    }
    close(&client, &therapist).await;
}
