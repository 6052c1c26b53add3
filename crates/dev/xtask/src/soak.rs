//! `cargo xtask soak`: what takes minutes and is therefore left out of `cargo xtask test`.

use crate::{Failure, Outcome, progress::Progress, run::cargo, system};

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if arguments != ["handshake"] {
        return Err(Failure::new("cargo xtask soak handshake; there is no other soak yet"));
    }
    system::ensure_build_packages()?;
    Progress::start().step(
        "Every bit flip and 100,000 mutations of each handshake message (six minutes on two cores)",
        cargo().args(["test", "-p", "sotto-handshake", "--test", "hostile_input", "--", "--ignored"]),
    )
}
