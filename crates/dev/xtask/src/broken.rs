//! `cargo xtask bench adversary --broken`: builds of the adversary kit with a defence left out, which it must notice.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{
    Failure, Outcome,
    progress::Progress,
    run::{cargo, target_folder},
    system,
};

/// A defence that `--cfg sotto_broken` leaves out, and the script that must notice it.
type Defence = (&'static str, &'static str);

/// One build each; defences of different parts, whose scripts don't meet, share one.
const BUILDS: [&[Defence]; 11] = [
    &[("commitment", "ground-words")],
    &[("window", "repeated-sound")],
    &[("idhash", "swapped-keys")],
    &[("fingerprint", "certificate-swap")],
    &[("runs", "broken-off-runs")],
    &[("words", "known-code")],
    &[("replay", "repeated-chat")],
    &[("continuity", "copied-profile")],
    &[("used", "used-link"), ("looks", "link-looks")],
    &[("order", "cut-middle"), ("end", "cut-end-of-therapist"), ("track", "swapped-tracks")],
    &[
        ("header", "downgrade"),
        ("seen", "older-session"),
        ("heard", "copied-device-in-session"),
        ("crowded", "copied-profile-listens"),
    ],
];

/// The name of this program as cargo's wrapper of the compiler starts so; the defences to leave out follow.
const WRAPPER: &str = "without-";

/// Leaves each defence out in turn: the kit must find that it fell, or it proves nothing.
pub(crate) fn run() -> Outcome {
    system::ensure_build_packages()?;
    let progress = Progress::start();
    // Away from what is shipped and tested.
    let target = target_folder()?.join("broken");
    let wrappers = target.join("wrappers");
    fs::create_dir_all(&wrappers)?;
    let own = std::env::current_exe()?;
    for build in BUILDS {
        let wrapper = wrappers.join(wrapper_name(build));
        fs::copy(&own, &wrapper)?;
        for (defence, script) in build {
            let output = progress.while_alive(defence, || kit(&target, &wrapper, script).output())?;
            let said = String::from_utf8_lossy(&output.stdout);
            if output.status.code() != Some(1) || !said.contains("the defence fell") {
                let why = String::from_utf8_lossy(&output.stderr);
                return Err(Failure::new(format!(
                    "without {defence}, {script} did not find that it fell:\n{said}{why}"
                )));
            }
            println!("without {defence}: {}", said.lines().last().unwrap_or_default());
        }
    }
    progress.say("each defence that was left out was missed");
    Ok(())
}

/// Flags of the compiler for the workspace alone: the crates below it are built once for all.
fn kit(target: &Path, wrapper: &PathBuf, script: &str) -> Command {
    let mut command = cargo();
    command
        .args(["run", "--locked", "-q", "-p", "sotto-adversary", "--", "--runs", "6", "--script", script])
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTC_WORKSPACE_WRAPPER", wrapper);
    command
}

fn wrapper_name(build: &[Defence]) -> String {
    let names: Vec<&str> = build.iter().map(|(defence, _)| *defence).collect();
    format!("{WRAPPER}{}{}", names.join("-"), std::env::consts::EXE_SUFFIX)
}

/// Where cargo runs us in front of the compiler: the compiler, with the defences of our name left out.
pub(crate) fn as_wrapper() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let own = PathBuf::from(arguments.next()?);
    let names = own.file_stem()?.to_str()?.strip_prefix(WRAPPER)?.to_owned();
    let status = Command::new(arguments.next()?).args(arguments).args(flags(&names)).status();
    // Where there is no code a signal ended it.
    let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    Some(ExitCode::from(code.unwrap_or(1)))
}

fn flags(names: &str) -> impl Iterator<Item = String> + '_ {
    names.split('-').flat_map(|name| ["--cfg".to_owned(), format!("sotto_broken=\"{name}\"")])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::run::workspace;

    #[test]
    fn each_defence_that_can_be_left_out_is() {
        let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
        let known = manifest.lines().find_map(|line| line.split("cfg(sotto_broken, values(").nth(1)).unwrap();
        let mut known: Vec<&str> = known.split('"').skip(1).step_by(2).collect();
        known.retain(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()));
        let mut tried: Vec<&str> = BUILDS.concat().iter().map(|(defence, _)| *defence).collect();
        known.sort_unstable();
        tried.sort_unstable();
        assert_eq!(tried, known);
    }

    #[test]
    fn the_wrappers_name_says_what_is_left_out() {
        let name = wrapper_name(&[("used", "used-link"), ("looks", "link-looks")]);
        let names = Path::new(&name).file_stem().unwrap().to_str().unwrap().strip_prefix(WRAPPER).unwrap().to_owned();
        let flags: Vec<String> = flags(&names).collect();
        assert_eq!(flags, ["--cfg", "sotto_broken=\"used\"", "--cfg", "sotto_broken=\"looks\""]);
    }
}
