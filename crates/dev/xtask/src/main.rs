//! `cargo xtask`: one front door to building, testing, checking and showing Sotto.
//!
//! It depends on `std` and `serde_json` alone and on no system library, so that it builds within seconds on a
//! machine that has Rust and nothing else, and then installs or names what the rest needs.
//!
//! It deliberately links nothing of Sotto's: it drives the built programs as a person would, by their command line
//! and their JSON lines.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]
#![allow(clippy::print_stdout, reason = "standard output is this program's interface to a person")]

mod bench;
mod broken;
mod check;
mod citations;
mod claims;
mod demo;
mod fuzz;
mod models;
mod notices;
mod package;
mod picture;
mod process;
mod progress;
mod properties;
mod report;
mod rules;
mod run;
mod session;
mod soak;
mod source_rules;
mod system;
mod test;
mod vectors;
mod vendored;
mod windows;

use std::process::ExitCode;

/// Why a task did not succeed. Its text is for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure with this text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// What every task returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

const HELP: &str = "\
cargo xtask TASK

  demo [--seconds N] [--out DIR]   two windows, therapist and client, for you to use; without a display two programs
                                   without windows meet instead, and a report with pictures is written
    --auto                         the windows are used by their keys, on a display of their own; pictures, figures
    --headless                     without windows, also where there is a display
  run [ARGS…]                      start the window for real, with a profile that is kept
  run peer ARGS…                   the same without a window (sotto-peer, JSON lines)
  test [ARGS…]                     all tests; ARGS go to `cargo test`
  check [--with-deny]              format, lints, documentation, licences, dependency rules
  claims                           the register of security claims: each has a test, each sentence has a claim
  check-vectors                    an independent implementation, in Python, computes the known answers again
  soak handshake                   every bit flip and 100,000 mutations of each handshake message, and the words of 10,000
                                   middles who know the code, some minutes
  soak leaks [--sessions N]        100 sessions, then logs, files and the server's memory are searched for what was said
  soak capture [--seconds N]       a call of ten minutes in network namespaces, and what the captures of its links show
  soak shape [--seconds N]         a session of fifty minutes, and the sizes and the pace of its sound on the line
  models                           symbolic models of the protocol, and of crashes and losses, against what is expected
  fuzz TARGET|all [--seconds N]    searches for an input that breaks a promise: ten minutes a target, libFuzzer
    --keep                         and puts the best of what was found into tests/fuzz, which tests replay; 0 s search nothing
  bench call [--seconds N]         processor time, memory and set-up times of a session
  bench window                     processor time of a window in which nothing happens, with times
  bench transport                  what a call costs below the codecs
  bench adversary [--runs N] [--seed S] [--script NAME]
                                   a server, a relay and a middle that lie, in 10,000 seeded runs
  bench adversary --broken [DEFENCE…]
                                   each of seventeen defences left out in turn, or those named: its script must say
                                   that this one fell
  bench rekey                      sessions with twenty rekeys beside sessions with none, with and without loss
  bench crypto                     what a handshake and the inner layer cost, beside what they are built on
  package [--debug] [--out DIR]    the window as a Debian package, with its entry and icon
  setup                            only install, or name, the system packages that the build needs

System packages are installed by apt where that is possible (Debian, Ubuntu; as root or with sudo), and named
exactly where it is not.";

/// What does a task, given the rest of the command line.
pub(crate) type Task = fn(&[String]) -> Outcome;

const TASKS: [(&str, Task); 13] = [
    ("demo", demo::run),
    ("run", run::run),
    ("test", test::run),
    ("check", check::run),
    ("claims", properties::run),
    ("check-vectors", vectors::run),
    ("soak", soak::run),
    ("models", models::run),
    ("fuzz", fuzz::run),
    ("bench", bench::run),
    ("package", package::run),
    ("setup", |_| system::ensure_build_packages()),
    ("help", |_| {
        println!("{HELP}");
        Ok(())
    }),
];

fn named<'a, T>(name: &str, among: &'a [(&str, T)]) -> Option<&'a T> {
    among.iter().find(|(known, _)| *known == name).map(|(_, found)| found)
}

/// Whether there is such a command: its task, what of it is to be done, and its options are known.
pub(crate) fn follows(command: &str) -> bool {
    let mut words = command.split_whitespace().peekable();
    let Some(task) = words.next().filter(|task| named(task, &TASKS).is_some()) else { return false };
    let needs_more = match task {
        "bench" => Some(words.next().is_some_and(|what| named(what, &bench::BENCHES).is_some())),
        "soak" => Some(words.next().is_some_and(|what| named(what, &soak::SOAKS).is_some())),
        "fuzz" => Some(words.next().is_some_and(|what| fuzz::parse(&[what.to_owned()]).is_ok())),
        _ => None,
    };
    let mut is_option = false;
    needs_more.unwrap_or(true)
        && words.all(|word| {
            let follows_option = std::mem::replace(&mut is_option, word.starts_with("--"));
            if is_option { has_option(task, word) } else { follows_option }
        })
}

/// Whether the help knows this option of a task.
fn has_option(task: &str, option: &str) -> bool {
    let mut is_here = false;
    HELP.lines().any(|line| {
        if line.starts_with("  ") && !line.starts_with("   ") {
            is_here = line.split_whitespace().next() == Some(task);
        }
        is_here && line.split([' ', '[', ']', '|']).any(|word| word == option)
    })
}

fn main() -> ExitCode {
    if let Some(code) = broken::as_wrapper() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", &[][..]),
    };
    let name = if matches!(task, "--help" | "-h") { "help" } else { task };
    let outcome = match named(name, &TASKS) {
        Some(run) => run(rest),
        None => Err(Failure::new(format!("There is no task `{task}`.\n\n{HELP}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask {task}: {failure}");
            // 2: something is missing or was asked wrongly; 1: it was tried and failed.
            ExitCode::from(if failure.0.starts_with(system::MISSING) || failure.0.starts_with("There is no") {
                2
            } else {
                1
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_known_by_task_part_and_option() {
        for command in [
            "models",
            "check-vectors",
            "demo --auto",
            "demo --headless --seconds 5",
            "bench rekey",
            "bench adversary --broken",
            "bench adversary --runs 1500",
            "soak leaks --sessions 3",
            "soak capture --seconds 25",
            "soak shape",
            "fuzz all --seconds 5",
            "fuzz cell-r",
        ] {
            assert!(follows(command), "{command}");
        }
        for command in [
            "",
            "model",
            "models all",
            "demo --without-words",
            "bench",
            "bench dreams",
            "bench rekey now",
            "soak",
            "soak server",
            "fuzz nothing",
            "check-vectors --broken",
        ] {
            assert!(!follows(command), "{command}");
        }
    }

    #[test]
    fn the_help_names_every_task_and_part() {
        let parts = bench::BENCHES.map(|(name, _)| format!("bench {name}"));
        let parts = parts.into_iter().chain(soak::SOAKS.map(|(name, _)| format!("soak {name}")));
        let tasks = TASKS.iter().filter(|(name, _)| *name != "help").map(|(name, _)| (*name).to_owned());
        for name in tasks.chain(parts) {
            assert!(HELP.lines().any(|line| line.starts_with(&format!("  {name}"))), "{name}");
        }
    }
}
