//! `cargo xtask test`: the one test command, for strangers and for CI.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    Failure, Outcome,
    progress::{Progress, clock, shown},
    properties,
    run::cargo,
    system,
};

/// With it set, `sotto_netlab::skip` fails a test that can't run.
const NO_SKIP: &str = "SOTTO_NO_SKIP";

/// Sum over all test programs of one `cargo test`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    programs: u32,
    passed: u32,
    failed: u32,
    ignored: u32,
    /// Names of those that passed, without their modules, and how many of each name.
    names: BTreeMap<String, usize>,
}

impl Tally {
    /// Takes a line such as `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; …` into account.
    fn read(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... ok")) {
            let name = name.split(" - ").next().unwrap_or(name);
            *self.names.entry(name.rsplit("::").next().unwrap_or(name).to_owned()).or_default() += 1;
        }
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        self.programs += 1;
        let words: Vec<&str> = rest.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u32>() else { continue };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    system::ensure_build_packages()?;
    system::try_test_packages();
    let progress = Progress::start();
    progress.step(
        "Building everything (the first time takes some ten minutes on two cores)",
        &mut test_command(arguments, true),
    )?;
    // The end-to-end tests start these two; built here, with progress, rather than inside a test.
    progress.step(
        "Building the two programs that the end-to-end tests start",
        cargo().args(["build", "-p", "sotto-peer", "-p", "sotto-rendezvous-server"]),
    )?;

    let mut command = test_command(arguments, false);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    progress.say(&format!("Testing: {}", shown(&command)));
    let begun = Instant::now();
    let (tally, status) = progress.while_alive("Testing", || -> Outcome<_> {
        let mut child = command.spawn()?;
        let output = child.stdout.take().expect("stdout is piped above");
        let mut tally = Tally::default();
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tally.read(&line);
        }
        Ok((tally, child.wait()?))
    })?;
    let sum = format!(
        "{} tests passed, {} failed, {} ignored, in {} test programs, {}",
        tally.passed,
        tally.failed,
        tally.ignored,
        tally.programs,
        clock(begun.elapsed())
    );
    if !status.success() || tally.failed > 0 {
        return Err(Failure::new(format!("{sum}. The failing ones are listed above.")));
    }
    if tally.passed == 0 {
        return Err(Failure::new(format!("{sum}: a run that tests nothing proves nothing.")));
    }
    println!("{sum}");
    if arguments.is_empty() {
        // Only a run of all tests can say that a claim has none that passed.
        let cited = properties::check_passed(&tally.names)?;
        println!("{cited} tests that claims rest on are among them{}", skips(std::env::var_os(NO_SKIP).as_deref()));
    }
    Ok(())
}

/// What a run that allows skips can't say.
fn skips(no_skip: Option<&OsStr>) -> &'static str {
    if no_skip.is_some_and(|value| !value.is_empty()) {
        ""
    } else {
        "; those that can't run on this computer count as passed: with SOTTO_NO_SKIP=1 they fail"
    }
}

fn test_command(pass_on: &[String], build_only: bool) -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace"]);
    // A failing crate must not hide the state of the others.
    command.arg(if build_only { "--no-run" } else { "--no-fail-fast" });
    let to_cargo = pass_on.iter().position(|argument| argument == "--").unwrap_or(pass_on.len());
    command.args(&pass_on[..if build_only { to_cargo } else { pass_on.len() }]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_and_others_ignored() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test media::one_size ... ok",
            "test tests::one_size - should panic ... ok",
            "test media::other ... FAILED",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ] {
            tally.read(line);
        }
        assert_eq!(
            tally,
            Tally { programs: 2, passed: 7, failed: 2, ignored: 1, names: [("one_size".to_owned(), 2)].into() }
        );
    }

    #[test]
    fn a_run_that_allows_skips_says_so_and_ci_allows_none() {
        assert!(skips(None).contains("SOTTO_NO_SKIP=1") && !skips(Some(OsStr::new(""))).is_empty());
        assert_eq!(skips(Some(OsStr::new("1"))), "");
        let ci = std::fs::read_to_string(crate::run::workspace().join(".ci/run")).unwrap();
        let set = ci.find("\nexport SOTTO_NO_SKIP=1\n").unwrap();
        assert!(set < ci.find("\ncargo xtask test\n").unwrap(), "it is set before the tests run");
    }

    #[test]
    fn arguments_after_two_dashes_reach_only_the_run() {
        let pass_on: Vec<String> = ["-p", "sotto-wire", "--", "--nocapture"].map(String::from).to_vec();
        assert!(!shown(&test_command(&pass_on, true)).contains("nocapture"));
        assert!(shown(&test_command(&pass_on, false)).ends_with("-- --nocapture"));
    }
}
