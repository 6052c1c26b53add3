//! `sotto-adversary [--runs N] [--seed S] [--script NAME]`: many runs of the scripts, on all cores.
//!
//! `cargo xtask bench adversary` starts it. Ends with 0 if every defence held and every attack was really made.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sotto_adversary::{Fallen, SCRIPTS, Script};

const USAGE: &str = "sotto-adversary [--runs N] [--seed S] [--script NAME]";
/// Of each script's failures so many are printed.
const SHOWN: usize = 5;

struct Options {
    runs: u64,
    seed: u64,
    scripts: Vec<&'static Script>,
}

fn options() -> Option<Options> {
    let mut options = Options { runs: 10_000, seed: 1, scripts: SCRIPTS.iter().collect() };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--runs" => options.runs = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            "--script" => options.scripts.retain(|script| script.name == value),
            _ => return None,
        }
    }
    (!options.scripts.is_empty() && options.runs > 0).then_some(options)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}\nScripts: {}", SCRIPTS.iter().map(|script| script.name).collect::<Vec<_>>().join(", "));
        return ExitCode::from(2);
    };
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let fallen: Mutex<BTreeMap<&str, Vec<(u64, Fallen)>>> = Mutex::default();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= options.runs {
                        break;
                    }
                    let script = options.scripts[(run % options.scripts.len() as u64) as usize];
                    let seed = options.seed.wrapping_mul(1 << 32).wrapping_add(run / options.scripts.len() as u64);
                    if let Err(why) = (script.play)(seed) {
                        let mut fallen = fallen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        fallen.entry(script.name).or_default().push((seed, why));
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            let mut told = Instant::now();
            while done.load(Ordering::Relaxed) < options.runs {
                std::thread::sleep(Duration::from_millis(50));
                if told.elapsed() >= Duration::from_secs(10) {
                    told = Instant::now();
                    println!("{} of {} runs", done.load(Ordering::Relaxed), options.runs);
                }
            }
        });
    });
    let fallen = fallen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let all = || fallen.values().flatten();
    let defences = all().filter(|(_, why)| matches!(why, Fallen::Defence(_))).count();
    for (name, runs) in &fallen {
        for (seed, why) in runs.iter().take(SHOWN) {
            println!("{name}, seed {seed}: {why}");
        }
    }
    println!(
        "{} runs of {} scripts from seed {} in {:.0} s: defences that fell: {defences}; runs that failed otherwise: {}",
        options.runs,
        options.scripts.len(),
        options.seed,
        started.elapsed().as_secs_f64(),
        all().count() - defences
    );
    ExitCode::from(u8::from(!fallen.is_empty()))
}
