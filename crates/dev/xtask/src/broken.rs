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

/// A defence that `--cfg sotto_broken` leaves out.
struct Defence {
    name: &'static str,
    /// What must notice it.
    script: &'static str,
    /// What the script then says of the fall: another fall would be the work of another defence.
    sentence: &'static str,
}

const fn defence(name: &'static str, script: &'static str, sentence: &'static str) -> Defence {
    Defence { name, script, sentence }
}

/// One build each; defences of different parts, whose scripts don't meet, share one.
const BUILDS: [&[Defence]; 11] = [
    &[defence("commitment", "ground-words", " is open")],
    &[defence("window", "repeated-sound", " packets were heard of ")],
    &[defence("idhash", "swapped-keys", "the client revealed its key")],
    &[defence("fingerprint", "certificate-swap", "somebody was asked to compare")],
    &[defence("runs", "broken-off-runs", " looks at the words of one code")],
    &[defence("words", "known-code", " is open")],
    &[defence("replay", "repeated-chat", "one message was read ")],
    &[defence("continuity", "copied-profile", " was used, and told were ")],
    // A session that ends too early would be noticed by the script of the order as well.
    &[
        defence("used", "used-link", "the contact is another"),
        defence("looks", "link-looks", " looks at the words of one link"),
        defence("order", "cut-middle", " read on: "),
    ],
    &[
        defence("end", "cut-end-of-therapist", " took it for whole: "),
        defence("track", "swapped-tracks", " packets were opened of "),
    ],
    &[
        defence("header", "downgrade", "somebody waits after "),
        defence("seen", "older-session", " is told of what was long ago: "),
        defence("heard", "copied-device-in-session", "a copy takes the place of somebody who is heard"),
        defence("crowded", "copied-profile-listens", "the owner was not told of somebody in their place"),
    ],
];

/// The name of this program as cargo's wrapper of the compiler starts so; the defences to leave out follow.
const WRAPPER: &str = "without-";

/// Leaves each defence out in turn, or those that are named: the kit must find that it fell, or it proves nothing.
pub(crate) fn run(only: &[String]) -> Outcome {
    if let Some(unknown) = only.iter().find(|name| !BUILDS.iter().copied().flatten().any(|known| known.name == **name))
    {
        return Err(Failure::new(format!("there is no defence {unknown}")));
    }
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
        for defence in build.iter().filter(|defence| only.is_empty() || only.iter().any(|name| name == defence.name)) {
            let Defence { name, script, sentence } = defence;
            let output = progress.while_alive(name, || kit(&target, &wrapper, script).output())?;
            let said = String::from_utf8_lossy(&output.stdout);
            if output.status.code() != Some(1) || !defence.is_missed(&said) {
                let why = String::from_utf8_lossy(&output.stderr);
                return Err(Failure::new(format!(
                    "without {name}, {script} did not find that it fell (“{sentence}”):\n{said}{why}"
                )));
            }
            println!("without {name}: {}", said.lines().last().unwrap_or_default());
        }
    }
    progress.say("each defence that was left out was missed");
    Ok(())
}

impl Defence {
    /// Whether its script says that this defence fell, and not another one.
    fn is_missed(&self, said: &str) -> bool {
        let fall = |line: &str| Some(line.strip_prefix(self.script)?.split_once(": the defence fell: ")?.1.to_owned());
        said.lines().filter_map(fall).any(|fall| fall.contains(self.sentence))
    }
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
    let names: Vec<&str> = build.iter().map(|defence| defence.name).collect();
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
        let mut tried: Vec<&str> = BUILDS.iter().copied().flatten().map(|defence| defence.name).collect();
        known.sort_unstable();
        tried.sort_unstable();
        assert_eq!(tried, known);
    }

    #[test]
    fn the_wrappers_name_says_what_is_left_out() {
        let name = wrapper_name(&[defence("used", "used-link", ""), defence("looks", "link-looks", "")]);
        let names = Path::new(&name).file_stem().unwrap().to_str().unwrap().strip_prefix(WRAPPER).unwrap().to_owned();
        let flags: Vec<String> = flags(&names).collect();
        assert_eq!(flags, ["--cfg", "sotto_broken=\"used\"", "--cfg", "sotto_broken=\"looks\""]);
    }

    #[test]
    fn another_fall_than_the_defences_own_does_not_count() {
        let order = defence("order", "cut-middle", " read on: ");
        let said = |what: &str| format!("cut-middle, seed 7: {what}\n6 runs of 1 scripts: defences that fell: 1\n");
        assert!(order.is_missed(&said("the defence fell: Client read on: [\"before\", \"after\"]")));
        assert!(!order.is_missed(&said("the defence fell: Client took it for whole: Some((Normal, true))")));
        assert!(!order.is_missed(&said("Client read on: [\"before\"]")), "no defence fell");
        assert!(!order.is_missed("cut-end, seed 7: the defence fell: Client read on: []"), "another script");
    }

    #[test]
    fn each_sentence_is_one_that_the_kit_says() {
        let folder = workspace().join("crates/dev/adversary/src");
        let sources: Vec<String> =
            fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        for Defence { name, script, sentence } in BUILDS.iter().copied().flatten() {
            let is_there = |text: &str| sources.iter().any(|source| source.contains(text));
            assert!(is_there(&format!("name: \"{script}\"")) && is_there(sentence.trim_end()), "{name}");
        }
    }
}
