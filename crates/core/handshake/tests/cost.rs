//! What a handshake costs. Figures only: `cargo xtask bench crypto`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it times what the core does")]

mod common;

use std::time::{Duration, Instant};

use common::{ADDRESS, Seeded, first, pinned};
use sotto_handshake::{CodeSecret, cpace};
use sotto_identity::Secret;
use x25519_dalek::{PublicKey, StaticSecret};

const RUNS: u64 = 200;

fn median(mut one: impl FnMut(u64)) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|seed| {
            let started = Instant::now();
            one(seed);
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// What the curve alone needs for XX: of each side an ephemeral key and three agreements.
fn curve_alone() -> Duration {
    median(|seed| {
        let mut rng = Seeded(seed);
        for _ in 0..2 {
            let mut bytes = [0; 32];
            rand_core::Rng::fill_bytes(&mut rng, &mut bytes);
            let ephemeral = StaticSecret::from(bytes);
            let public = PublicKey::from(&ephemeral);
            for _ in 0..3 {
                std::hint::black_box(ephemeral.diffie_hellman(&public));
            }
        }
    })
}

#[test]
#[ignore = "a measurement, no test: cargo xtask bench crypto runs it, also in CI"]
fn both_sides_of_a_handshake() {
    let code = CodeSecret::new(Secret::new([1, 2, 3, 4]), "471193", "localhost:443");
    let pake = median(|seed| {
        let mut rng = Seeded(seed);
        let (run, pa1) = cpace::Initiator::start(&code, &ADDRESS, &mut rng);
        let answer = cpace::respond(&pa1, &code, &ADDRESS, &mut rng).unwrap();
        run.finish(&answer.cell).unwrap();
    });
    let (met, again) = (median(|seed| drop(first(seed))), median(|seed| drop(pinned(seed))));
    let alone = curve_alone();
    println!("handshakes, both sides together, medians of {RUNS}");
    println!("CPace of a spoken code: {pake:.0?}");
    println!("first contact, HS1 to HS3: {met:.0?}; pinned, HS1 to CONFIRM: {again:.0?}");
    println!(
        "eight X25519 alone: {alone:.0?}; ratio {:.1} and {:.1}",
        met.as_secs_f64() / alone.as_secs_f64(),
        again.as_secs_f64() / alone.as_secs_f64()
    );
}
