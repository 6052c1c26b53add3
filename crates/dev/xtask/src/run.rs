//! `cargo xtask run`: one real side, in the terminal; and what other tasks share: cargo, folders, built programs.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{Failure, Outcome, progress::Progress, system};

const HELP: &str = "\
cargo xtask run [options of sotto]         the window; its profile is kept ($XDG_DATA_HOME/sotto without --profile)
cargo xtask run peer --role therapist|client [options of sotto-peer]

The second is the session without a window. Type one JSON command a line, for example
  {\"cmd\":\"invite\",\"label\":\"Tuesday 10:00\",\"form\":\"code\"}
  {\"cmd\":\"join\",\"invite\":\"471193-artist-paperweight-cobra-hideaway\"}
All its commands and options are in docs/PEER.md. Camera, microphone and speaker of this computer are used unless the
options say otherwise.";

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{HELP}");
        return Ok(());
    }
    system::ensure_build_packages()?;
    let progress = Progress::start();
    match arguments.split_first() {
        Some((first, rest)) if first == "peer" => peer(rest, &progress),
        _ => window(arguments, &progress),
    }
}

fn window(arguments: &[String], progress: &Progress) -> Outcome {
    system::ensure_window_packages()?;
    progress.step(
        "Building the window (the first time takes some fifteen minutes on two cores)",
        cargo().args(["build", "--locked", "-p", "sotto"]),
    )?;
    let program = target_folder()?.join("debug").join(format!("sotto{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(&program)
        .args(arguments)
        .status()
        .map_err(|error| Failure::new(format!("{} can't be started: {error}", program.display())))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("the window ended with {status}"))) }
}

fn peer(arguments: &[String], progress: &Progress) -> Outcome {
    let programs = build(progress)?;
    progress.say("Starting sotto-peer: type one JSON command a line; Ctrl-D ends the session and the program.");
    let mut command = Command::new(&programs.peer);
    command.args(arguments);
    for (option, device) in [("--camera", "device"), ("--mic", "device"), ("--audio-out", "device")] {
        if !arguments.iter().any(|argument| argument == option || argument.starts_with(&format!("{option}="))) {
            command.args([option, device]);
        }
    }
    let status = command.status().map_err(|error| Failure::new(format!("sotto-peer can't be started: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("sotto-peer ended with {status}"))) }
}

/// The programs that a session needs, built.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// `sotto-peer`
    pub(crate) peer: PathBuf,
    /// `sotto-rendezvous`
    pub(crate) rendezvous: PathBuf,
}

/// Builds both programs (dev profile). With `SOTTO_BIN_DIR` set, takes the ones of that folder as they are.
pub(crate) fn build(progress: &Progress) -> Outcome<Programs> {
    let ready_made = std::env::var_os("SOTTO_BIN_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if ready_made.is_none() {
        progress.step(
            "Building sotto-peer and sotto-rendezvous (the first time takes some ten minutes on two cores)",
            cargo().args(["build", "--locked", "-p", "sotto-peer", "-p", "sotto-rendezvous-server"]),
        )?;
    }
    let folder = match ready_made {
        Some(folder) => folder,
        None => target_folder()?.join("debug"),
    };
    let program = |name: &str| -> Outcome<PathBuf> {
        let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        if path.exists() { Ok(path) } else { Err(Failure::new(format!("there is no {}", path.display()))) }
    };
    Ok(Programs { peer: program("sotto-peer")?, rendezvous: program("sotto-rendezvous")? })
}

/// The cargo that runs us, at the top of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    // What cargo tells us about ourselves: ring's build script watches these names, so with them everything above it
    // would be built anew whenever somebody changes between `cargo xtask` and plain `cargo`.
    for (name, _) in std::env::vars_os() {
        let is_ours =
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if is_ours {
            command.env_remove(name);
        }
    }
    command
}

/// Top folder of the workspace, as cargo says it now: two clones with one target folder may share this program.
pub(crate) fn workspace() -> &'static Path {
    static TOP: OnceLock<PathBuf> = OnceLock::new();
    TOP.get_or_init(|| {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&own).ancestors().nth(3).expect("xtask lies three folders below the top").to_owned()
    })
}

/// What cargo says about the workspace, without its dependencies.
pub(crate) fn metadata() -> Outcome<serde_json::Value> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    if !output.status.success() {
        return Err(Failure::new(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr))));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Failure::new(format!("cargo metadata: {error}")))
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> Outcome<PathBuf> {
    let metadata = metadata()?;
    let folder =
        metadata["target_directory"].as_str().ok_or_else(|| Failure::new("cargo metadata names no target folder"))?;
    Ok(PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_folder_is_the_one_with_the_lock_file() {
        assert!(workspace().join("Cargo.lock").exists(), "{}", workspace().display());
        assert!(metadata().unwrap()["packages"].as_array().unwrap().len() > 10);
    }
}
