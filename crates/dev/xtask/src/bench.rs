//! `cargo xtask bench`: what a session and a window cost, and how fast they are there.

use std::{fs, time::Duration};

use crate::{
    Failure, Outcome, Task, broken,
    demo::{Options, Server, voices},
    progress::Progress,
    run::{self, cargo, target_folder},
    session::{self, Meeting, Session, Stage},
    system, windows,
};

/// What can be measured.
pub(crate) const BENCHES: [(&str, Task); 6] = [
    ("call", call),
    ("window", |options| windows::bench(&Options::parse(options, 12, "bench-report")?)),
    ("transport", |options| without(options, transport)),
    ("crypto", |options| without(options, crypto)),
    ("rekey", |options| without(options, rekey)),
    ("adversary", adversary),
];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let known = arguments.split_first().and_then(|(what, rest)| Some((crate::named(what, &BENCHES)?, rest)));
    known.map_or_else(|| Err(usage()), |(bench, rest)| bench(rest))
}

fn usage() -> Failure {
    Failure::new(
        "cargo xtask bench call|window [--seconds N] [--out DIR] | cargo xtask bench transport|crypto|rekey \
         | cargo xtask bench adversary [--broken [DEFENCE…] | [--runs N] [--seed S] [--script NAME]]",
    )
}

fn without(options: &[String], bench: fn() -> Outcome) -> Outcome {
    if options.is_empty() { bench() } else { Err(usage()) }
}

/// Two transports and a relay in one process, without codecs: the development profile, for comparison with itself.
fn transport() -> Outcome {
    system::ensure_build_packages()?;
    Progress::start().step(
        "Measuring a call below the codecs",
        cargo().args(["test", "-p", "sotto-transport", "--test", "cost", "--", "--ignored", "--nocapture"]),
    )
}

/// Sessions with twenty rekeys beside sessions with none, in network namespaces, at no loss and at thirty per cent.
fn rekey() -> Outcome {
    system::ensure_build_packages()?;
    system::try_test_packages();
    Progress::start().step(
        "Measuring sessions with and without rekeys (some thirty-five minutes)",
        cargo().args(["test", "-p", "sotto-e2e", "--test", "rekey", "--"]).args([
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ]),
    )
}

/// Attacks on two rooms, optimised; 10,000 runs without `--runs`.
fn adversary(options: &[String]) -> Outcome {
    if let [first, only @ ..] = options
        && first == "--broken"
    {
        return broken::run(only);
    }
    system::ensure_build_packages()?;
    Progress::start().step(
        "Attacking two rooms by seeded scripts",
        cargo().args(["run", "--release", "--locked", "-q", "-p", "sotto-adversary", "--"]).args(options),
    )
}

/// Handshakes and the inner layer, optimised, each beside what it is built on.
fn crypto() -> Outcome {
    system::ensure_build_packages()?;
    let measure = ["test", "--release", "--locked", "-p", "sotto-handshake", "-p", "sotto-frame-crypto"];
    Progress::start().step(
        "Measuring handshakes and the inner layer, optimised",
        cargo().args(measure).args(["--test", "cost", "--", "--ignored", "--nocapture"]),
    )
}

fn call(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, 30, "bench-report")?;
    system::ensure_build_packages()?;
    let progress = Progress::start();
    progress.step(
        "Building the programs, optimised (the first time takes some twenty minutes on two cores)",
        cargo().args(["build", "--locked", "--release", "-p", "sotto-peer", "-p", "sotto-rendezvous-server"]),
    )?;
    let folder = target_folder()?.join("release");
    let programs = run::Programs { peer: folder.join("sotto-peer"), rendezvous: folder.join("sotto-rendezvous") };
    let voices = voices(&options.out.join("voices"), &progress)?;
    let folder = options.out.join("run");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    let server = Server::start(&programs, &folder)?;
    let stage = Stage { programs: &programs, folder: &folder, rendezvous: &server.url, voices, pictures: false };
    let first = session::hold(
        &stage,
        &progress,
        session::start(&stage, Meeting::Code)?,
        Meeting::Code,
        Duration::from_secs(5),
    )?;
    // Measured in the second session: that is what every week after the first is like.
    let second =
        session::hold(&stage, &progress, session::start(&stage, Meeting::Pinned)?, Meeting::Pinned, options.open)?;
    server.program.stop()?;

    let text = table(&first, &second);
    println!("{text}");
    fs::write(options.out.join("call.md"), text)?;
    Ok(())
}

fn table(first: &Session, second: &Session) -> String {
    let mut text = format!(
        "\n# bench call: both sides, server and relay on one computer with {} cores, {:.0} s\n\n\
         | | therapist | client |\n|---|---|---|\n",
        std::thread::available_parallelism().map_or(0, usize::from),
        second.open_s
    );
    let mut row = |what: &str, value: &dyn Fn(&session::Side) -> String| {
        text.push_str(&format!("| {what} | {} | {} |\n", value(&second.therapist), value(&second.client)));
    };
    let millis = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    row("processor-seconds per second", &|side| {
        side.processor.map_or_else(|| "–".to_owned(), |used| format!("{used:.3}"))
    });
    row("resident memory, MB", &|side| format!("{:.0}", side.memory_kb as f64 / 1024.0));
    row("Admit → first sound, ms", &|side| millis(side.first_sound_ms));
    row("Admit → first picture, ms", &|side| millis(side.first_picture_ms));
    row("picture received", &|side| {
        let video = &side.stats["video_in"];
        format!("{}×{}, {} frames/s", video["width"], video["height"], video["fps"])
    });
    row("picture received, kbit/s", &|side| side.stats["video_in"]["kbps"].to_string());
    row("encode / decode a picture, ms", &|side| {
        let figure = |track: &str, field: &str| {
            side.stats[track][field].as_f64().map_or_else(|| "–".to_owned(), |ms| format!("{ms:.2}"))
        };
        format!("{} / {}", figure("video_out", "encode_ms"), figure("video_in", "decode_ms"))
    });
    row("sound lost / concealed ms", &|side| {
        format!("{} / {}", side.stats["audio_in"]["lost"], side.stats["audio_in"]["concealed_ms"])
    });
    text.push_str(&format!(
        "\njoin → waiting room: {} ms by code, {} ms by pinned key. The first session's Admit → sound / picture at the client: {} / {} ms.\n",
        first.peer_waiting_ms,
        second.peer_waiting_ms,
        millis(first.client.first_sound_ms),
        millis(first.client.first_picture_ms)
    ));
    text
}
