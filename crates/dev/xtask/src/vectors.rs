//! `cargo xtask check-vectors`: an independent implementation, in Python, computes the known answers again.

use std::process::Command;

use crate::{
    Failure, Outcome,
    progress::Progress,
    run::{target_folder, workspace},
    system,
};

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::new("cargo xtask check-vectors takes no arguments"));
    }
    system::ensure_python()?;
    let progress = Progress::start();
    let folder = workspace().join("tests").join("vectors").join("tsp1");
    // A virtual environment: nothing of the system's Python is changed.
    let environment = target_folder()?.join("vectors-python");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() {
        progress.step("Making a Python environment", Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    progress.step(
        "Installing what the independent implementation uses (cryptography, kyber-py, argon2)",
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(folder.join("requirements.txt")),
    )?;
    progress.step("Computing the known answers again", Command::new(&python).arg(folder.join("check.py")))
}
