//! `cargo xtask fuzz`: libFuzzer on the bodies of `crates/dev/fuzz`.
//!
//! Rust of the stable channel counts branches and compared values for it, by flags of LLVM; nothing is sanitized, because
//! the bodies find by themselves what they look for: a panic, a changed state, a second encoding, too much memory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Failure, Outcome,
    progress::Progress,
    run::{cargo, target_folder, workspace},
    system,
};

mod keep;

/// Names, one a line.
const TARGETS: &str = include_str!("../../fuzz/targets.txt");

/// Counters at each edge, with their places and the compared values.
const COUNTING: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
                        -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

/// Longest input.
const MAX_LEN: &str = "-max_len=8192";

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Search {
    targets: Vec<&'static str>,
    /// For each target; 0 for no search.
    seconds: u32,
    /// The best of what was found goes into the repository.
    keeps: bool,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let Search { targets, seconds, keeps } = parse(arguments)?;
    system::ensure_build_packages()?;
    let progress = Progress::start();
    let folder = target_folder()?.join("fuzz");
    let host = host()?;
    progress.step(
        "Building the search, with counters (some minutes)",
        cargo()
            .args(["build", "--release", "--locked", "-p", "sotto-fuzz", "--features", "search", "--bin", "sotto-fuzz"])
            .args(["--target", &host])
            .env("CARGO_TARGET_DIR", &folder)
            .env("RUSTFLAGS", COUNTING),
    )?;
    let program = folder.join(&host).join("release/sotto-fuzz");
    let mut table = String::from("| target | s | inputs tried | edges and values | kept |\n|---|---|---|---|---|\n");
    for target in targets {
        if seconds > 0 {
            table.push_str(&search(&progress, &program, &folder, target, seconds)?);
        }
        if keeps {
            keep::keep(&progress, &program, &folder, target)?;
        }
    }
    if seconds > 0 {
        println!("\n{table}");
        progress.say("nothing was found");
    }
    Ok(())
}

pub(crate) fn parse(arguments: &[String]) -> Outcome<Search> {
    let usage = || {
        Failure::new(format!("cargo xtask fuzz TARGET|all [--seconds N] [--keep], where TARGET is one of\n{TARGETS}"))
    };
    let (name, mut rest) = arguments.split_first().ok_or_else(usage)?;
    let targets = TARGETS.lines().filter(|target| name == "all" || name == target).collect();
    let mut search = Search { targets, seconds: 600, keeps: false };
    loop {
        rest = match rest {
            [] => break,
            [option, seconds, rest @ ..] if option == "--seconds" => {
                search.seconds = seconds.parse().map_err(|_| usage())?;
                rest
            }
            [option, rest @ ..] if option == "--keep" => {
                search.keeps = true;
                rest
            }
            _ => return Err(usage()),
        };
    }
    if search.targets.is_empty() { Err(usage()) } else { Ok(search) }
}

/// Where the inputs of a target are that tests replay.
fn committed(target: &str) -> PathBuf {
    workspace().join("tests/fuzz").join(target)
}

/// The triple of this computer: with it named, build scripts are not counted.
fn host() -> Outcome<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("rustc -vV names no host"))
}

/// Searches one target and gives its row of the table.
fn search(progress: &Progress, program: &Path, folder: &Path, target: &str, seconds: u32) -> Outcome<String> {
    let kept = folder.join("corpus").join(target);
    let seeds = folder.join("seeds").join(target);
    let found = folder.join("found").join(target);
    for folder in [&kept, &seeds, &found] {
        fs::create_dir_all(folder)?;
    }
    let committed = committed(target);
    let mut command = Command::new(program);
    command
        .arg(&kept)
        .arg(&seeds)
        .args(committed.exists().then_some(&committed))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args([MAX_LEN, "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-use_value_profile=1"])
        .env("SOTTO_FUZZ_TARGET", target)
        .env("SOTTO_FUZZ_SEEDS", &seeds);
    progress.say(&format!("Searching {target} for {seconds} s"));
    let output = progress.while_alive(target, || command.output())?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let tail: Vec<&str> = said.lines().rev().take(40).collect();
        let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
        return Err(Failure::new(format!(
            "{tail}\n\n{target} breaks a promise. The input is in {}: mend what it shows, and keep it in {} so that \
             `cargo xtask test` tries it again.",
            found.display(),
            committed.display()
        )));
    }
    let figure = |name: &str| said.lines().rev().find_map(|line| line.trim().strip_prefix(name)).map_or("?", str::trim);
    let edges =
        said.lines().rev().find(|line| line.contains(" cov: ")).map_or("?", |line| {
            line.split(" cov: ").nth(1).and_then(|rest| rest.split(" corp:").next()).unwrap_or("?")
        });
    let tried = figure("stat::number_of_executed_units:");
    let count = fs::read_dir(&kept)?.count();
    Ok(format!("| {target} | {seconds} | {tried} | {} | {count} |\n", edges.replace(" ft:", " /")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_target_is_named_or_all_are_meant() {
        let one = |seconds, keeps| Search { targets: vec!["cell-r"], seconds, keeps };
        assert_eq!(parse(&words("cell-r")).unwrap(), one(600, false));
        assert_eq!(parse(&words("cell-r --keep")).unwrap(), one(600, true));
        assert_eq!(parse(&words("cell-r --keep --seconds 0")).unwrap(), one(0, true));
        let all = parse(&words("all --seconds 5")).unwrap();
        assert_eq!((all.targets.len(), all.seconds), (TARGETS.lines().count(), 5));
        for wrong in ["", "nothing", "cell-r --seconds", "cell-r --seconds x", "cell-r --runs 5"] {
            assert!(parse(&words(wrong)).unwrap_err().to_string().contains("cell-r\n"), "{wrong}");
        }
    }
}
