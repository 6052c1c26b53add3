//! What somebody on the way sees, and what strangers can do.

use core::time::Duration;
use std::sync::Arc;

use sotto_wire::TrackId;

use super::{
    TransportEvent, TransportFault,
    common::{TurnServer, close, connect, number, packet, record},
    network::{Capture, LongHandshake, is_rtp},
    pair,
};
use crate::knobs::Knobs;

/// The control of the capture test: with `dangerous-plaintext-for-test` payloads are readable, without they are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_are_readable_on_the_wire_in_a_dangerous_build_only() {
    let server = TurnServer::start().await;
    let capture = Arc::new(Capture::default());
    let knobs = Knobs { impairment: Some(capture.clone()), ..Knobs::default() };
    let [mut client, mut therapist] = pair(&server, [knobs, Knobs::default()]).await;
    connect(&mut client, &mut therapist).await.unwrap();
    client.transport.send_packet(packet(TrackId::Camera, 0x1357_9bdf, 1000));
    client.transport.send_record(record(TrackId::Chat, 0x0246_8ace, 256)).await.unwrap();
    let (mut media, mut chat) = (false, false);
    while !(media && chat) {
        match therapist.next().await {
            TransportEvent::Packet(got) => media = number(&got) == 0x1357_9bdf,
            TransportEvent::Record(got) => chat = got.track == TrackId::Chat,
            _ => {}
        }
    }
    close(&client, &therapist).await;
    let sent = capture.0.lock().unwrap();
    let seen = |needle: &[u8]| sent.iter().any(|datagram| datagram.windows(needle.len()).any(|part| part == needle));
    let dangerous = cfg!(feature = "dangerous-plaintext-for-test");
    assert_eq!(seen(&[0x13, 0x57, 0x9b, 0xdf, 1, 1, 1, 1, 1, 1]), dangerous);
    assert_eq!(seen(&[0x02, 0x46, 0x8a, 0xce, 5, 5, 5, 5, 5, 5]), dangerous);
}

/// The header is all that is left in the clear of a media packet: RTP's own twelve bytes and the transport-wide number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_packets_have_the_promised_size_and_no_header_extension_but_one() {
    let server = TurnServer::start().await;
    let capture = Arc::new(Capture::default());
    let knobs = Knobs { impairment: Some(capture.clone()), ..Knobs::default() };
    let [mut client, mut therapist] = pair(&server, [knobs, Knobs::default()]).await;
    connect(&mut client, &mut therapist).await.unwrap();
    for (track, len) in [(TrackId::Audio, 120), (TrackId::Camera, 1160), (TrackId::Screen, 1160)] {
        client.transport.send_packet(packet(track, 1, len));
    }
    let mut left = 3;
    while left > 0 {
        if let TransportEvent::Packet(_) = therapist.next().await {
            left -= 1;
        }
    }
    close(&client, &therapist).await;
    let sent = capture.0.lock().unwrap();
    let media: Vec<&Vec<u8>> = sent.iter().filter(|datagram| is_rtp(datagram)).collect();
    assert_eq!(media.len(), 3, "a track that sends nothing sends nothing");
    for datagram in media {
        assert_eq!(datagram[0], 0x90, "version 2, one header extension block, no padding, no CSRC");
        // RFC 8285: 0xBEDE, one word, id 2 of length 2, one byte of padding.
        assert_eq!((&datagram[12..16], datagram[16], datagram[19]), (&[0xbe, 0xde, 0, 1][..], 0x21, 0));
        let payload = if datagram[1] & 0x7f == 111 { 120 } else { 1160 };
        assert_eq!(datagram.len(), 12 + 8 + payload + 16);
        assert!(datagram.len() <= 1200);
    }
}

/// T27: junk from other addresses, aimed at the socket itself, before, during and after the handshake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cannot_disturb_a_call() {
    // A handshake is over within some rounds of the attack; a long one is certainly hit.
    let long = || Knobs { impairment: Some(Arc::new(LongHandshake::default())), ..Knobs::default() };
    assert_eq!(call_under_attack(Knobs::default()).await, Ok(100));
    assert_eq!(call_under_attack(long()).await, Ok(100));
    // The crate alone: a forged alert or hello ends the handshake.
    let alone = call_under_attack(Knobs { source_filter: false, ..long() }).await;
    assert_ne!(alone, Ok(100), "the defect is gone, and so may be the counter-measure");
}

/// How many of 100 packets arrived, in order.
async fn call_under_attack(knobs: Knobs) -> Result<usize, TransportFault> {
    let server = TurnServer::start().await;
    let [mut client, mut therapist] = pair(&server, [knobs.clone(), knobs]).await;
    // Allocations exist from the descriptions on.
    let offer = client.transport.description().await.unwrap();
    therapist.transport.set_remote(&offer).await.unwrap();
    let answer = therapist.transport.description().await.unwrap();
    while server.allocations().await < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let targets = server.users().await;
    let stranger = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let attack = tokio::spawn(async move {
        let mut hello = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 1, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 48];
        hello.resize(73, 7);
        let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        stun.resize(20, 9);
        let alert = vec![21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
        let srtp = vec![0x90; 200];
        let channel_data = [&[0x40, 0, 0, 15][..], &alert].concat();
        let refusal = vec![1, 0x13, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let junk = [hello, stun, alert, srtp, channel_data, refusal, Vec::new(), vec![0], vec![0xff; 1400]];
        loop {
            for target in &targets {
                for datagram in &junk {
                    let _ = stranger.send_to(datagram, target).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    });
    client.transport.set_remote(&answer).await.unwrap();
    let finished = super::common::finish(&mut client, &mut therapist).await;
    if finished.is_err() {
        attack.abort();
        close(&client, &therapist).await;
        finished?;
    }
    for at in 0..100 {
        client.transport.send_packet(packet(TrackId::Audio, at, 120));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut got = Vec::new();
    let quiet = Duration::from_secs(2);
    while let Ok(Some(event)) = tokio::time::timeout(quiet, therapist.events.recv()).await {
        match event {
            TransportEvent::Packet(packet) => got.push(number(&packet)),
            TransportEvent::Failed(fault) => return Err(fault),
            TransportEvent::Interrupted => return Err(TransportFault::NoPath),
            _ => {}
        }
    }
    attack.abort();
    close(&client, &therapist).await;
    Ok((0..100).zip(got).take_while(|(want, got)| want == got).count())
}
