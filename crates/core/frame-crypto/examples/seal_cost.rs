//! What the inner layer costs: microseconds to seal and open one packet.
//! `cargo run -p sotto-frame-crypto --example seal_cost [--release]`
#![allow(clippy::print_stdout, reason = "prints figures for people")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a measurement: it is not part of the crate")]

use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use sotto_frame_crypto::{SessionKeys, Shape, TrackSet};
use sotto_identity::Secret;
use sotto_wire::{Codec, Role, TrackId};

const PACKETS: usize = 2_000;
const ROUNDS: usize = 25;

fn main() -> Result<(), Box<dyn Error>> {
    let h = [1; 64];
    let mut sealer = SessionKeys::new(Secret::new([2; 64]), &h, Role::Initiator).media_sealer;
    let mut opener = SessionKeys::new(Secret::new([2; 64]), &h, Role::Responder).media_opener;
    opener.set_allowed(TrackSet::ALL);

    println!("µs a packet, the median of {ROUNDS} rounds of {PACKETS}        seal    open");
    for (name, track, codec, payload, shape) in [
        ("audio, plaintext of 82 bytes and padding", TrackId::Audio, Codec::Opus, 80, Shape::Audio),
        ("video, plaintext of 1138 bytes", TrackId::Camera, Codec::H264, 1136, Shape::VideoFull),
    ] {
        let payload = vec![0x5A; payload];
        let (mut seal_times, mut open_times) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut packets = Vec::with_capacity(PACKETS);
            let start = Instant::now();
            for n in 0..PACKETS {
                packets.push(sealer.seal(track, codec, false, u32::try_from(n)?, black_box(&payload), shape)?);
            }
            seal_times.push(start.elapsed());
            let start = Instant::now();
            for packet in &packets {
                black_box(opener.open(packet, 0)?);
            }
            open_times.push(start.elapsed());
        }
        println!("{name:<52} {:>7.2} {:>7.2}", each_us(&mut seal_times), each_us(&mut open_times));
    }
    Ok(())
}

fn each_us(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6 / PACKETS as f64
}
