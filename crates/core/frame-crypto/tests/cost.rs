//! What the inner layer costs for each packet. Figures only: `cargo xtask bench crypto`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it times what the core does")]

mod common;

use std::time::Instant;

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use common::{codec, pair, seal};
use sotto_wire::TrackId;

/// Packets in each timed batch.
const BATCH: u32 = 2_000;
const BATCHES: usize = 15;
/// Packets a second of a call, one way: sound of 20 ms, pictures of 1.2 Mbit/s in full packets.
const SOUND_A_SECOND: f64 = 50.0;
const PICTURES_A_SECOND: f64 = 136.0;

/// The median of the batches, in nanoseconds for each call of `one`.
fn median_ns(mut one: impl FnMut(u32)) -> f64 {
    let mut batches: Vec<f64> = (0..BATCHES as u32)
        .map(|batch| {
            let started = Instant::now();
            (0..BATCH).for_each(|n| one(batch * BATCH + n));
            started.elapsed().as_nanos() as f64 / f64::from(BATCH)
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

/// The same bytes under AES-256-GCM alone, sealed and opened in place: what no layer can be cheaper than.
fn bare_ns(len: usize) -> f64 {
    let cipher = Aes256Gcm::new(&[0x52; 32].into());
    let mut bytes = vec![0x5a; len];
    median_ns(|n| {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&n.to_be_bytes());
        let tag = cipher.encrypt_inout_detached(&nonce.into(), &[], bytes.as_mut_slice().into()).unwrap();
        cipher.decrypt_inout_detached(&nonce.into(), &[], bytes.as_mut_slice().into(), &tag).unwrap();
    })
}

#[test]
#[ignore = "a measurement, no test: cargo xtask bench crypto runs it, also in CI"]
fn sealing_and_opening_a_packet() {
    let mut share = 0.0;
    println!("inner layer, seal and open, medians of {BATCHES} batches of {BATCH} packets");
    for (name, track, payload, a_second) in
        [("sound", TrackId::Audio, 80, SOUND_A_SECOND), ("picture", TrackId::Camera, 1_000, PICTURES_A_SECOND)]
    {
        let (mut client, mut therapist) = pair();
        let payload = vec![0x5a; payload];
        let packet = seal(&mut client.media_sealer, track, &payload);
        let both = median_ns(|_| {
            let packet =
                client.media_sealer.seal(track, codec(track), true, 960, &payload, common::shape(track)).unwrap();
            therapist.media_opener.open(&packet, 0).unwrap();
        });
        let bare = bare_ns(packet.bytes.len());
        share += both * a_second / 1e9;
        println!(
            "{name}: {} bytes, {:.2} µs; AES-256-GCM alone {:.2} µs; ratio {:.1}",
            packet.bytes.len(),
            both / 1e3,
            bare / 1e3,
            both / bare
        );
    }
    println!(
        "each side of a call ({SOUND_A_SECOND} sound and {PICTURES_A_SECOND} picture packets a second, sealed and opened): \
         {:.3} % of a core",
        share * 100.0
    );
}
