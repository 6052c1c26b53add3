//! `cargo xtask soak`: what takes minutes and is therefore left out of `cargo xtask test`.

use crate::{Failure, Outcome, Task, progress::Progress, run::cargo, system};

/// What takes long.
pub(crate) const SOAKS: [(&str, Task); 4] =
    [("handshake", handshake), ("leaks", leaks), ("capture", capture), ("shape", shape)];

/// What the scanners need to judge a call, seconds.
const SHORTEST_CAPTURE: u32 = 25;

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let known = arguments.split_first().and_then(|(what, rest)| Some((crate::named(what, &SOAKS)?, rest)));
    known.map_or_else(|| Err(usage()), |(soak, rest)| soak(rest))
}

fn usage() -> Failure {
    Failure::new(
        "cargo xtask soak handshake | cargo xtask soak leaks [--sessions N] | cargo xtask soak capture [--seconds N] \
         | cargo xtask soak shape [--seconds N]",
    )
}

fn handshake(options: &[String]) -> Outcome {
    if !options.is_empty() {
        return Err(usage());
    }
    system::ensure_build_packages()?;
    Progress::start().step(
        "Every bit flip and 100,000 mutations of each handshake message, and 10,000 middles who know the code (seven minutes \
         on two cores)",
        cargo()
            .args(["test", "-p", "sotto-handshake", "--test", "hostile_input", "--test", "handshake"])
            .args(["--", "--ignored"]),
    )
}

/// Many sessions of the same two programs; then their files, logs and the server's memory are searched.
fn leaks(options: &[String]) -> Outcome {
    let sessions = match options {
        [] => "100",
        [option, sessions] if option == "--sessions" => sessions,
        _ => return Err(usage()),
    };
    if !sessions.parse::<u32>().is_ok_and(|sessions| sessions > 0) {
        return Err(Failure::new("--sessions N: one session or more"));
    }
    system::ensure_build_packages()?;
    let search = ["test", "-p", "sotto-e2e", "--test", "leaks", "nothing_personal", "--", "--nocapture"];
    Progress::start().step(
        &format!("{sessions} sessions, and what they leave behind (100 take about half an hour)"),
        cargo().args(search).env("SOTTO_LEAK_SESSIONS", sessions),
    )
}

/// A long call in network namespaces, and everything that an eavesdropper tries on the captures of its links.
fn capture(options: &[String]) -> Outcome {
    let what = |seconds: &str| {
        format!("A call of {seconds} seconds, and what its captures show (600 take about twenty minutes)")
    };
    call(options, "600", what, "SOTTO_CAPTURE_SECONDS", &["a_relayed_session", "--", "--nocapture"])
}

/// What an observer sees of the sound of a whole session.
fn shape(options: &[String]) -> Outcome {
    let what = |seconds: &str| format!("A session of {seconds} seconds, and what its sound looks like from outside");
    call(options, "3000", what, "SOTTO_SHAPE_SECONDS", &["a_whole_session", "--", "--ignored", "--nocapture"])
}

/// Runs a test of the laboratory with a length of its own.
fn call(options: &[String], usual: &str, what: impl FnOnce(&str) -> String, variable: &str, test: &[&str]) -> Outcome {
    let seconds = match options {
        [] => usual,
        [option, seconds] if option == "--seconds" => seconds,
        _ => return Err(usage()),
    };
    if !seconds.parse::<u32>().is_ok_and(|seconds| seconds >= SHORTEST_CAPTURE) {
        return Err(Failure::new(format!("--seconds N: {SHORTEST_CAPTURE} seconds or more")));
    }
    system::ensure_build_packages()?;
    system::try_test_packages();
    // A run that was skipped would have shown nothing.
    Progress::start().step(
        &what(seconds),
        cargo()
            .args(["test", "-p", "sotto-e2e", "--test", "lab"])
            .args(test)
            .env(variable, seconds)
            .env("SOTTO_NO_SKIP", "1"),
    )
}
