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

/// Documents that tell people something: each of their sentences about security is quoted as said, as `README.md: “…”`.
const DOCUMENTS: [&str; 3] = ["README.md", "docs/FIRST-USE.md", "docs/PEER.md"];

/// Words that a sentence about security hardly does without. A sentence with one must be in the register.
const WORDS: [&str; 44] = [
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
    "no content",
    "neither",
    "relay only",
    "relay-only",
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
    let registered: BTreeSet<&str> = register.registered().collect();
    for (key, text) in &sentences {
        if promises(text) && !registered.contains(key.as_str()) {
            wrong.push(format!("{key} (“{text}”) speaks of security and is not in {REGISTER}"));
        }
    }
    for key in registered {
        // What is said in a document is quoted, or named by the path of a document that is no text for everybody.
        let is_document = DOCUMENTS.iter().any(|document| key.starts_with(document));
        if !is_document && !sentences.contains_key(key) && !workspace().join(key).exists() {
            wrong.push(format!("{REGISTER} speaks of the sentence {key}, which there is none of"));
        }
    }
    for document in DOCUMENTS {
        wrong.extend(register.wrong_about_document(document, &read(document)?));
    }
    if wrong.is_empty() {
        Ok((register.claims.len(), tests.len()))
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

    /// Everything that is named as said, with a claim or as promising nothing.
    fn registered(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().flat_map(|claim| &claim.said).chain(&self.quiet).map(String::as_str)
    }

    /// What is not so about a document: a promise that is not quoted, and a quotation of what it doesn't say.
    fn wrong_about_document(&self, document: &str, text: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let said = sentences_of(text);
        let mut is_quoted = vec![false; said.len()];
        for entry in self.registered() {
            let Some(rest) = entry.strip_prefix(document) else { continue };
            let quotation = rest.strip_prefix(": “").and_then(|rest| rest.strip_suffix('”'));
            let Some(quotation) = quotation.map(spaced).filter(|quotation| !quotation.is_empty()) else {
                wrong.push(format!("{REGISTER} says `{entry}` and not which sentence: `{document}: “…”`"));
                continue;
            };
            let found: Vec<usize> = (0..said.len()).filter(|at| said[*at].contains(&quotation)).collect();
            match found[..] {
                [at] => is_quoted[at] = true,
                [] => wrong.push(format!("{REGISTER} quotes “{quotation}”, which {document} doesn't say")),
                _ => wrong.push(format!("{REGISTER} quotes “{quotation}”, which is in {document} more than once")),
            }
        }
        for (sentence, is_quoted) in said.iter().zip(is_quoted) {
            // What stands between backticks is a name or a command and promises nothing by itself.
            let words: String = sentence.split('`').step_by(2).collect();
            if promises(&words) && !is_quoted {
                wrong.push(format!("{document} (“{sentence}”) speaks of security and is not quoted in {REGISTER}"));
            }
        }
        wrong
    }

    /// What claims lack, as sentences.
    fn incomplete(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for claim in &self.claims {
            let Proofs { tests, commands, .. } = &claim.shown_by;
            let by_hand = !commands.is_empty() && commands.iter().all(|command| self.by_hand.contains(command));
            for (is_missing, what) in [
                (tests.is_empty() && by_hand, "is shown by nothing but what somebody runs by hand"),
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

/// The sentences of a document in Markdown. A row of a table is one, its heading none; so is a line of a block of code.
fn sentences_of(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut paragraph = String::new();
    let mut is_code = false;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim();
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        let is_alone = is_code || is_fence || line.starts_with(['|', '#']);
        let is_item = line.starts_with("- ") || line.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok());
        if is_alone || is_item || line.is_empty() {
            all.append(&mut in_paragraph(&std::mem::take(&mut paragraph)));
        }
        let is_rule = |line: &str| line.trim().starts_with("|--");
        let is_heading = line.starts_with('|') && lines.peek().is_some_and(|next| is_rule(next));
        if is_alone && !is_fence && !is_heading && !is_rule(line) {
            all.push(spaced(line));
        } else if !is_alone {
            paragraph.extend([line, "\n"]);
        }
    }
    all.append(&mut in_paragraph(&paragraph));
    all
}

/// A sentence ends with a mark before a space, also where a quotation or stress ends there.
fn in_paragraph(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(sentence) = all.last_mut() else { continue };
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(word);
        if word.trim_end_matches(['"', '”', ')', '*']).ends_with(['.', '!', '?']) {
            all.push(String::new());
        }
    }
    all.retain(|sentence| !sentence.is_empty());
    all
}

/// With one space wherever there are some, or an end of a line.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
    fn what_only_a_person_runs_shows_no_claim() {
        let claim = |shown: &str| {
            let text = format!(
                "### A\n\n- **Said:** `a`\n- **Shown by:** {shown}\n- **Stays true:** b\n\n## Commands\n\n\
                 - **In CI:** `cargo xtask models`\n- **By hand:** `cargo xtask soak leaks`, `cargo xtask soak capture`\n"
            );
            Register::parse(&text).incomplete()
        };
        let wrong = claim("`cargo xtask soak leaks`, `cargo xtask soak capture`");
        assert!(wrong.len() == 1 && wrong[0].contains("by hand"), "{wrong:?}");
        assert!(claim("`cargo xtask soak leaks`, `cargo xtask models`").is_empty());
        assert!(claim("`call/session::gates_open`; `cargo xtask soak leaks`").is_empty());
    }

    #[test]
    fn a_promise_of_a_document_must_be_quoted_and_a_quotation_must_be_there() {
        let wrong = |said: &str, document: &str| {
            let text =
                format!("### A\n\n- **Said:** {said}\n\n## Sentences that promise nothing\n\n`a.md: “never mind”`\n");
            Register::parse(&text).wrong_about_document("a.md", document)
        };
        let document = "# A\n\nWe talk. Nobody listens,\nnot even we. But never mind.\n\n| who | address |\n|---|---|\n| x | none |\n";
        let said = "`a.md: “Nobody listens, not even we”`, `another`";
        assert_eq!(wrong(said, document), Vec::<String>::new());
        let more = wrong(said, &document.replace("| x | none |", "| x | encrypted |\n\n- So it is secure!\n- More"));
        assert!(more.len() == 2, "{more:?}");
        assert!(more[0].contains("“| x | encrypted |”) speaks of security"), "{more:?}");
        assert!(more[1].contains("“- So it is secure!”) speaks of security"), "{more:?}");
        let stale = wrong(said, &document.replace("not even we", "not even you"));
        assert!(stale.len() == 2, "{stale:?}");
        assert!(stale[0].contains("which a.md doesn't say") && stale[1].contains("speaks of security"), "{stale:?}");
        let twice = wrong(said, &document.replace("We talk.", "Nobody listens, not even we."));
        assert!(twice[0].contains("more than once"), "{twice:?}");
        let whole = wrong("`a.md`", document);
        assert!(whole[0].contains("not which sentence") && whole[1].contains("speaks of security"), "{whole:?}");
    }

    #[test]
    fn a_document_is_read_in_sentences() {
        let sentences = sentences_of(
            "# Title\n\nOne (a, 0.5 s) two\nthree. **Four?** Five: six\n1. first.\n   Still\n2. second\n\n```sh\nrun  it # so. There\n```\n",
        );
        let expected = [
            "# Title",
            "One (a, 0.5 s) two three.",
            "**Four?**",
            "Five: six",
            "1.",
            "first.",
            "Still",
            "2.",
            "second",
            "run it # so. There",
        ];
        assert_eq!(sentences, expected);
    }

    #[test]
    fn sentences_are_found_in_the_sources() {
        let sentences = sentences().unwrap();
        assert!(promises(&sentences["listen_yes_session"]) && promises(&sentences["E_COMMIT"]));
        assert!(!promises(&sentences["mute"]));
    }
}
