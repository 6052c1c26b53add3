//! The register of what we claim, `docs/SECURITY-PROPERTIES.md`: each claim names where it is said and the tests and
//! commands that show it, each test passed, and no sentence about security is said without a claim behind it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    Failure, Outcome,
    citations::{Citation, Proofs, Tests, proofs, quoted},
    run::{target_folder, workspace},
};

const REGISTER: &str = "docs/SECURITY-PROPERTIES.md";
/// Documents whose tests must exist and pass too.
const ALSO: [&str; 1] = ["docs/THREAT-MODEL.md"];
/// What runs at each change.
const CI: &str = ".ci/run";
/// Where the last full `cargo xtask test` left the names of what passed.
const PASSED: &str = "passed-tests.txt";

/// Where people are told something, and how a sentence is named there.
const SENTENCES: [&str; 2] = ["crates/apps/ui/src/texts/english.rs", "crates/core/session-api/src/sentences.rs"];

/// Words that a sentence about security hardly does without. A sentence with one must be in the register.
const WORDS: [&str; 40] = [
    "encrypt",
    "decrypt",
    "nobody",
    "no one",
    "never",
    "secure",
    "private",
    "only you",
    "erased",
    "destroyed",
    " gone",
    "sealed",
    "forged",
    "nothing is sent",
    "nothing was sent",
    "no account",
    "knows no",
    "works once",
    "work once",
    "same keys",
    "blocked",
    "kept out",
    "match",
    "same computer",
    "microphone stop",
    "microphone are off",
    "record",
    "can’t be used",
    "locks everything",
    "stays on this computer",
    "sees or hears",
    "in between",
    "address",
    "own keys",
    "one size",
    "restored from a copy",
    "destroy",
    "has no key",
    "between the two",
    "key exchange",
];

/// One claim.
#[derive(Debug, Default, PartialEq, Eq)]
struct Claim {
    title: String,
    said: Vec<String>,
    shown_by: Proofs,
    has_residual: bool,
}

/// The register.
#[derive(Debug, Default)]
struct Register {
    claims: Vec<Claim>,
    /// Sentences that promise nothing.
    quiet: Vec<String>,
    /// Commands that `.ci/run` runs, and those that only a person does, without `cargo xtask`.
    in_ci: Vec<String>,
    by_hand: Vec<String>,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::new("cargo xtask claims takes no arguments"));
    }
    let (claims, tests) = check()?;
    println!("{claims} claims name {tests} tests");
    Ok(())
}

/// Checks register and sentences against the sources: every test is there, every sentence has its claim. Returns the
/// numbers of claims and tests.
pub(crate) fn check() -> Outcome<(usize, usize)> {
    let register = Register::parse(&read(REGISTER)?);
    let mut wrong = register.incomplete();
    let (mut tests, mut commands) = (BTreeSet::new(), BTreeSet::new());
    for (document, proofs) in all_proofs(&register)? {
        wrong.extend(proofs.wrong.iter().map(|why| format!("{document}: {why}")));
        tests.extend(proofs.tests);
        commands.extend(proofs.commands);
    }
    let known = Tests::in_sources()?;
    wrong.extend(tests.iter().filter_map(|citation| known.objection(citation)));
    wrong.extend(register.wrong_about_commands(&commands, &read(CI)?));
    let sentences = sentences()?;
    let claims = &register.claims;
    let registered: BTreeSet<&str> =
        claims.iter().flat_map(|claim| &claim.said).chain(&register.quiet).map(String::as_str).collect();
    for (key, text) in &sentences {
        if promises(text) && !registered.contains(key.as_str()) {
            wrong.push(format!("{key} (“{text}”) speaks of security and is not in {REGISTER}"));
        }
    }
    for key in registered {
        // What is said in a document is named by the document's path.
        if !sentences.contains_key(key) && !workspace().join(key).exists() {
            wrong.push(format!("{REGISTER} speaks of the sentence {key}, which there is none of"));
        }
    }
    if wrong.is_empty() {
        Ok((claims.len(), tests.len()))
    } else {
        Err(Failure::new(format!("Claims without proof:\n    {}", wrong.join("\n    "))))
    }
}

/// Checks that each test that the register and the threat model name is among `passed`, which a full run of all tests
/// gave, each name with how many tests of that name passed; keeps the list for later readers.
pub(crate) fn check_passed(passed: &BTreeMap<String, usize>) -> Outcome<usize> {
    let list: Vec<&str> = passed.keys().map(String::as_str).collect();
    fs::write(target_folder()?.join(PASSED), list.join("\n") + "\n")?;
    let register = Register::parse(&read(REGISTER)?);
    let cited: BTreeSet<Citation> = all_proofs(&register)?.into_iter().flat_map(|(_, proofs)| proofs.tests).collect();
    let known = Tests::in_sources()?;
    let failed: Vec<String> =
        cited.iter().filter(|citation| !known.passed(citation, passed)).map(ToString::to_string).collect();
    if failed.is_empty() {
        Ok(cited.len())
    } else {
        Err(Failure::new(format!("Claims whose test did not pass in this run:\n    {}", failed.join("\n    "))))
    }
}

/// What each document names as proof.
fn all_proofs(register: &Register) -> Outcome<Vec<(&'static str, Proofs)>> {
    let mut all: Vec<_> = register.claims.iter().map(|claim| (REGISTER, claim.shown_by.clone())).collect();
    for document in ALSO {
        all.extend(in_tables(&read(document)?).into_iter().map(|proofs| (document, proofs)));
    }
    Ok(all)
}

impl Register {
    fn parse(text: &str) -> Self {
        let mut register = Self::default();
        let mut is_quiet = false;
        let mut field = String::new();
        let mut shown_by = String::new();
        for line in text.lines() {
            if line.starts_with('#') || line.is_empty() || line.starts_with("- **") {
                if let Some(claim) = register.claims.last_mut().filter(|_| field == "Shown by:") {
                    claim.shown_by = proofs(&std::mem::take(&mut shown_by));
                }
                let named = line.strip_prefix("- **").and_then(|rest| rest.split("**").next());
                named.unwrap_or_default().clone_into(&mut field);
            }
            if let Some(title) = line.strip_prefix("### ") {
                register.claims.push(Claim { title: title.to_owned(), ..Claim::default() });
            } else if line.starts_with("## ") {
                is_quiet = line == "## Sentences that promise nothing";
            }
            if is_quiet {
                register.quiet.extend(quoted(line).map(str::to_owned));
                continue;
            }
            let commands = || quoted(line).map(|code| code.strip_prefix("cargo xtask ").unwrap_or(code).to_owned());
            match (field.as_str(), register.claims.last_mut()) {
                ("In CI:", _) => register.in_ci.extend(commands()),
                ("By hand:", _) => register.by_hand.extend(commands()),
                ("Said:", Some(claim)) => claim.said.extend(quoted(line).map(str::to_owned)),
                ("Shown by:", _) => shown_by.extend([line, "\n"]),
                ("Stays true:", Some(claim)) => claim.has_residual = true,
                _ => {}
            }
        }
        register
    }

    /// What claims lack, as sentences.
    fn incomplete(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for claim in &self.claims {
            for (is_missing, what) in [
                (claim.said.is_empty(), "says not where it is said"),
                (claim.shown_by.is_empty(), "names nothing that shows it"),
                (!claim.has_residual, "says not what stays true"),
            ] {
                if is_missing {
                    wrong.push(format!("{REGISTER}: “{}” {what}", claim.title));
                }
            }
        }
        wrong
    }

    /// What is not so about commands that are named as proof, against the text of `.ci/run`.
    fn wrong_about_commands(&self, cited: &BTreeSet<String>, ci: &str) -> Vec<String> {
        let runs = |line: &str, command: &str| {
            let rest = line.strip_prefix("cargo xtask ").and_then(|line| line.strip_prefix(command));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        // A line counts for the longest command that it is: a run with `--broken` is none without.
        let in_ci = |command: &String| {
            let is_longer =
                |line: &str| self.in_ci.iter().any(|other| other.len() > command.len() && runs(line, other));
            ci.lines().any(|line| runs(line, command) && !is_longer(line))
        };
        let mut wrong = Vec::new();
        let listed = self.in_ci.iter().chain(&self.by_hand);
        for command in cited.iter().chain(listed).collect::<BTreeSet<_>>() {
            if !crate::follows(command) {
                wrong.push(format!("there is no `cargo xtask {command}`"));
            }
            match (self.in_ci.contains(command), self.by_hand.contains(command), in_ci(command)) {
                (true, false, true) | (false, true, false) => {}
                (false, false, _) => {
                    wrong
                        .push(format!("{REGISTER} says not who runs `cargo xtask {command}`: CI, or a person by hand"));
                }
                (true, true, _) => {
                    wrong.push(format!("{REGISTER} says two things of who runs `cargo xtask {command}`"));
                }
                (true, false, false) => wrong.push(format!("{CI} does not run `cargo xtask {command}`")),
                (false, true, true) => {
                    wrong.push(format!("`cargo xtask {command}` is not only run by hand: {CI} has it"));
                }
            }
        }
        wrong
    }
}

/// Proofs in the column “test” of each table, by row; and what is cited with its crate anywhere else.
fn in_tables(text: &str) -> Vec<Proofs> {
    let mut all = Vec::new();
    let mut column = None;
    for line in text.lines() {
        let cells: Vec<&str> = line.strip_prefix('|').map(|row| row.split('|').collect()).unwrap_or_default();
        if cells.is_empty() {
            column = None;
        } else if let Some(at) = cells.iter().position(|cell| cell.trim() == "test") {
            column = Some(at);
        }
        let test_cell = column.and_then(|at| cells.get(at).copied()).unwrap_or_default();
        all.push(proofs(test_cell));
        let beside = quoted(line).filter(|code| code.contains("::") && !quoted(test_cell).any(|cited| cited == *code));
        all.extend(beside.map(|code| proofs(&format!("`{code}`"))));
    }
    all
}

/// Sentences that people are shown, by key or code.
fn sentences() -> Outcome<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for line in read(SENTENCES[0])?.lines() {
        if let Some((key, text)) = line.trim().split_once(": \"")
            && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && let Some(text) = text.strip_suffix("\",")
        {
            all.insert(key.to_owned(), text.to_owned());
        }
    }
    let codes = read(SENTENCES[1])?;
    for part in codes.split("code: \"").skip(1) {
        let (Some((code, rest)), true) = (part.split_once('"'), part.contains("german: ")) else { continue };
        let english = rest.split("german: ").next().unwrap_or_default();
        let text: Vec<&str> = english.split('"').skip(1).step_by(2).collect();
        if !code.is_empty() {
            all.insert(code.to_owned(), text.join(" "));
        }
    }
    Ok(all)
}

fn promises(text: &str) -> bool {
    let text = text.to_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

fn read(path: &str) -> Outcome<String> {
    fs::read_to_string(workspace().join(path)).map_err(|error| Failure::new(format!("{path}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Claims

### Nobody listens

- **Said:** `lead`, `README.md`
- **Because:** there is `a::mechanism` of ours.
- **Shown by:** `e2e/lab::a_session_shows_nothing`,
  `a_control`, `call/session::gates_*`; `cargo xtask bench adversary`
- **Stays true:** the relay sees `when`.

### Unproven

- **Said:** `other`

## Commands

- **In CI:** `cargo xtask bench adversary`
- **By hand:** `cargo xtask soak leaks`

## Sentences that promise nothing

`hint`, `more`
";

    #[test]
    fn claims_are_read_with_where_they_are_said_and_what_shows_them() {
        let register = Register::parse(TEXT);
        assert_eq!(register.quiet, ["hint", "more"]);
        let first = &register.claims[0];
        assert_eq!((first.title.as_str(), first.said.len(), first.has_residual), ("Nobody listens", 2, true));
        let tests: Vec<String> = first.shown_by.tests.iter().map(ToString::to_string).collect();
        assert_eq!(
            tests,
            ["e2e/lab::a_session_shows_nothing", "e2e/lab::a_control", "call/session::gates_*"],
            "the mechanism is no test, and a name of a second line belongs to the file of the first"
        );
        assert_eq!(first.shown_by.commands, ["bench adversary"]);
        assert_eq!((register.in_ci, register.by_hand), (vec!["bench adversary".into()], vec!["soak leaks".into()]));
        let second = &register.claims[1];
        assert!(second.shown_by.is_empty() && !second.has_residual);
        assert_eq!(Register::parse(TEXT).incomplete().len(), 2);
    }

    #[test]
    fn commands_must_exist_and_who_runs_them_is_told_rightly() {
        let register = Register::parse(TEXT);
        let ci = "#!/bin/sh\n# cargo xtask soak leaks\ncargo xtask bench adversary --runs 5\n";
        let wrong = |cited: &[&str], ci: &str| {
            let cited = cited.iter().map(|command| (*command).to_owned()).collect();
            register.wrong_about_commands(&cited, ci).join("\n")
        };
        assert_eq!(wrong(&["bench adversary", "soak leaks"], ci), "");
        assert!(wrong(&["bench rekey"], ci).contains("says not who runs `cargo xtask bench rekey`"));
        assert!(wrong(&["bench dreams"], ci).contains("there is no `cargo xtask bench dreams`"));
        assert!(wrong(&[], "cargo xtask bench adversary-of-another-name").contains("does not run"));
        assert!(wrong(&[], &format!("{ci}cargo xtask soak leaks\n")).contains("not only run by hand"));
        let both = vec!["bench adversary".into(), "bench adversary --broken".into()];
        let both = Register { in_ci: both, ..Register::default() };
        let found = both.wrong_about_commands(&BTreeSet::new(), "cargo xtask bench adversary --broken");
        assert_eq!(found, [".ci/run does not run `cargo xtask bench adversary`"]);
        let twice = Register { in_ci: vec!["models".into()], by_hand: vec!["models".into()], ..Register::default() };
        assert!(twice.wrong_about_commands(&BTreeSet::new(), ci)[0].contains("two things"));
    }

    #[test]
    fn everything_in_a_column_of_tests_counts() {
        let rows = in_tables(
            "`call/files::in_prose`, `file::test`\n\n\
             | attacker | mechanism | test | what stays |\n|---|---|---|---|\n\
             | network | `ring`, `wire::in_a_mechanism` | `call/session::first`, `call/heal::one_two`, `three_four` | \
             `ring` |\n\
             \n| attacker | planned |\n|---|---|\n| other | `a_b` |\n",
        );
        let tests: Vec<String> = rows.iter().flat_map(|row| &row.tests).map(ToString::to_string).collect();
        assert_eq!(
            tests,
            ["call/files::in_prose", "call/heal::one_two", "call/heal::three_four", "wire::in_a_mechanism"]
        );
        let wrong: Vec<&String> = rows.iter().flat_map(|row| &row.wrong).collect();
        assert_eq!(wrong, ["`file::test` names no test", "`call/session::first` names no test"]);
    }

    #[test]
    fn sentences_are_found_in_the_sources() {
        let sentences = sentences().unwrap();
        assert!(promises(&sentences["listen_yes_session"]) && promises(&sentences["E_COMMIT"]));
        assert!(!promises(&sentences["mute"]));
    }
}
