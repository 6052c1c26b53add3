//! `cargo xtask soak`: what takes minutes and is therefore left out of `cargo xtask test`.

use crate::{Failure, Outcome, progress::Progress, run::cargo, system};

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    match arguments {
        [what] if what == "handshake" => handshake(),
        [what] if what == "leaks" => leaks("100"),
        [what, option, sessions] if what == "leaks" && option == "--sessions" => leaks(sessions),
        _ => Err(Failure::new("cargo xtask soak handshake | cargo xtask soak leaks [--sessions N]")),
    }
}

fn handshake() -> Outcome {
    system::ensure_build_packages()?;
    Progress::start().step(
        "Every bit flip and 100,000 mutations of each handshake message (six minutes on two cores)",
        cargo().args(["test", "-p", "sotto-handshake", "--test", "hostile_input", "--", "--ignored"]),
    )
}

/// Many sessions of the same two programs; then their files, logs and the server's memory are searched.
fn leaks(sessions: &str) -> Outcome {
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
