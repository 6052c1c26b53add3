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
  soak handshake                   every bit flip and 100,000 mutations of each handshake message, some minutes
  soak leaks [--sessions N]        100 sessions, then logs, files and the server's memory are searched for what was said
  models                           symbolic models of the protocol, and of crashes and losses, against what is expected
  fuzz TARGET|all [--seconds N]    searches for an input that breaks a promise: ten minutes a target, libFuzzer
  bench call [--seconds N]         processor time, memory and set-up times of a session
  bench window                     processor time of a window in which nothing happens, with times
  bench transport                  what a call costs below the codecs
  bench adversary [--runs N] [--seed S] [--script NAME]
                                   a server, a relay and a middle that lie, in 10,000 seeded runs
  bench adversary --broken         each of eight defences left out in turn: its script must find that it fell
  bench rekey                      sessions with twenty rekeys beside sessions with none, with and without loss
  bench crypto                     what a handshake and the inner layer cost, beside what they are built on
  package [--debug] [--out DIR]    the window as a Debian package, with its entry and icon
  setup                            only install, or name, the system packages that the build needs

System packages are installed by apt where that is possible (Debian, Ubuntu; as root or with sudo), and named
exactly where it is not.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match task {
        "demo" => demo::run(rest),
        "run" => run::run(rest),
        "test" => test::run(rest),
        "check" => check::run(rest),
        "bench" => bench::run(rest),
        "check-vectors" => vectors::run(rest),
        "claims" => properties::check().map(|(claims, tests)| println!("{claims} claims name {tests} tests")),
        "setup" => system::ensure_build_packages(),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        "soak" => soak::run(rest),
        "package" => package::run(rest),
        "fuzz" => fuzz::run(rest),
        "models" => models::run(rest),
        other => Err(Failure::new(format!("There is no task `{other}`.\n\n{HELP}"))),
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
