//! The register of what we claim, `docs/SECURITY-PROPERTIES.md`: each claim names where it is said and the tests that
//! show it, each test passed, and no sentence about security is said without a claim behind it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Failure, Outcome,
    run::{target_folder, workspace},
};

const REGISTER: &str = "docs/SECURITY-PROPERTIES.md";
/// Documents whose tests must exist and pass too.
const ALSO: [&str; 1] = ["docs/THREAT-MODEL.md"];
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
    tests: Vec<String>,
    commands: Vec<String>,
    has_residual: bool,
}

/// Checks register and sentences against the sources: every test is there, every sentence has its claim. Returns the
/// numbers of claims and tests.
pub(crate) fn check() -> Outcome<(usize, usize)> {
    let mut wrong = Vec::new();
    let register = read(REGISTER)?;
    let (claims, quiet) = parse(&register);
    let known = tests_in_sources()?;
    let mut names = BTreeSet::new();
    for claim in &claims {
        for (is_missing, what) in [
            (claim.said.is_empty(), "says not where it is said"),
            (claim.tests.is_empty() && claim.commands.is_empty(), "names nothing that shows it"),
            (!claim.has_residual, "says not what stays true"),
        ] {
            if is_missing {
                wrong.push(format!("{REGISTER}: “{}” {what}", claim.title));
            }
        }
        names.extend(claim.tests.iter().cloned());
    }
    for document in ALSO {
        names.extend(tests_named(&read(document)?));
    }
    for name in &names {
        match matching(name, known.keys()).as_slice() {
            [] => wrong.push(format!("there is no test {name}")),
            found if found.iter().all(|test| known[*test]) => {
                wrong.push(format!("{name} is ignored: name the command that runs it"));
            }
            _ => {}
        }
    }
    let sentences = sentences()?;
    let registered: BTreeSet<&str> =
        claims.iter().flat_map(|claim| &claim.said).chain(&quiet).map(String::as_str).collect();
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
        Ok((claims.len(), names.len()))
    } else {
        Err(Failure::new(format!("Claims without proof:\n    {}", wrong.join("\n    "))))
    }
}

/// Checks that each test that the register and the threat model name is among `passed`, which a full run of all tests
/// gave; keeps the list for later readers.
pub(crate) fn check_passed(passed: &BTreeSet<String>) -> Outcome<usize> {
    let list: Vec<&str> = passed.iter().map(String::as_str).collect();
    fs::write(target_folder()?.join(PASSED), list.join("\n") + "\n")?;
    let mut names = BTreeSet::new();
    for document in [REGISTER].iter().chain(&ALSO) {
        names.extend(tests_named(&read(document)?));
    }
    let failed: Vec<&String> = names.iter().filter(|name| matching(name, passed.iter()).is_empty()).collect();
    if failed.is_empty() {
        Ok(names.len())
    } else {
        let list = failed.iter().map(|name| name.as_str()).collect::<Vec<_>>().join("\n    ");
        Err(Failure::new(format!("Claims whose test did not pass in this run:\n    {list}")))
    }
}

/// Claims, and the sentences that promise nothing.
fn parse(register: &str) -> (Vec<Claim>, Vec<String>) {
    let (mut claims, mut quiet) = (Vec::<Claim>::new(), Vec::new());
    let mut is_quiet = false;
    let mut field = String::new();
    for line in register.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            claims.push(Claim { title: title.to_owned(), ..Claim::default() });
            field.clear();
        } else if line.starts_with("## ") {
            is_quiet = line == "## Sentences that promise nothing";
            field.clear();
        }
        if is_quiet {
            quiet.extend(quoted(line));
            continue;
        }
        if let Some(rest) = line.strip_prefix("- **") {
            rest.split("**").next().unwrap_or_default().clone_into(&mut field);
        } else if line.is_empty() {
            field.clear();
        }
        let Some(claim) = claims.last_mut() else { continue };
        match field.as_str() {
            "Said:" => claim.said.extend(quoted(line)),
            "Shown by:" => {
                claim.tests.extend(tests_named(line));
                claim.commands.extend(quoted(line).filter(|code| code.starts_with("cargo xtask ")));
            }
            "Stays true:" => claim.has_residual = true,
            _ => {}
        }
    }
    (claims, quiet)
}

/// What stands between backticks.
fn quoted(line: &str) -> impl Iterator<Item = String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// Tests are named as `crate/file::test` or `crate::test`; after one, `::test` alone or a bare name belongs to the same
/// file. A `*` at the end stands for any rest.
fn tests_named(text: &str) -> Vec<String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'*')
    };
    let mut found = Vec::new();
    for line in text.lines() {
        for code in quoted(line) {
            if let Some((place, name)) = code.rsplit_once("::")
                && is_name(name)
                && name.contains('_')
                && !place.contains(' ')
            {
                found.push(name.to_owned());
            }
        }
    }
    found
}

fn matching<'a>(name: &str, among: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let (start, is_open) = name.strip_suffix('*').map_or((name, false), |start| (start, true));
    among.filter(|test| if is_open { test.starts_with(start) } else { test.as_str() == name }).collect()
}

/// All tests of the workspace by name, and whether they are only run when asked for.
fn tests_in_sources() -> Outcome<BTreeMap<String, bool>> {
    let mut files = Vec::new();
    for folder in ["crates", "tests"] {
        rust_files(&workspace().join(folder), &mut files)?;
    }
    let mut tests = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let (mut is_test, mut is_ignored) = (false, false);
        for line in text.lines().map(str::trim_start) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                (is_test, is_ignored) = (true, false);
            } else if line.starts_with("#[ignore") {
                is_ignored = true;
            } else if let Some(rest) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn ")) {
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                // In a `proptest!` block too the attribute comes right before.
                if std::mem::take(&mut is_test) {
                    tests.insert(name.to_owned(), is_ignored);
                }
            }
        }
    }
    Ok(tests)
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target" && name != "vendor") {
                rust_files(&path, into)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
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
  `call/session::gates_*`; `cargo xtask bench adversary`
- **Stays true:** the relay sees `when`.

### Unproven

- **Said:** `other`

## Sentences that promise nothing

`hint`, `more`
";

    #[test]
    fn claims_are_read_with_where_they_are_said_and_what_shows_them() {
        let (claims, quiet) = parse(TEXT);
        assert_eq!(quiet, ["hint", "more"]);
        let first = &claims[0];
        assert_eq!((first.title.as_str(), first.said.len(), first.has_residual), ("Nobody listens", 2, true));
        assert_eq!(first.tests, ["a_session_shows_nothing", "gates_*"], "the mechanism is no test");
        assert_eq!(first.commands, ["cargo xtask bench adversary"]);
        assert!(claims[1].tests.is_empty() && !claims[1].has_residual);
    }

    #[test]
    fn a_test_is_found_by_its_name_or_its_beginning() {
        let tests = ["gates_one", "gates_two", "other"].map(str::to_owned);
        assert_eq!(matching("gates_*", tests.iter()).len(), 2);
        assert_eq!(matching("other", tests.iter()).len(), 1);
        assert!(matching("gates", tests.iter()).is_empty());
    }

    #[test]
    fn sentences_and_tests_are_found_in_the_sources() {
        let sentences = sentences().unwrap();
        assert!(promises(&sentences["listen_yes_session"]) && promises(&sentences["E_COMMIT"]));
        assert!(!promises(&sentences["mute"]));
        let tests = tests_in_sources().unwrap();
        assert_eq!(tests.get("sentences_and_tests_are_found_in_the_sources"), Some(&false));
        assert_eq!(tests.get("hs1_exhaustive"), Some(&true), "it is ignored");
    }
}
