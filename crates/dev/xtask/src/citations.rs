//! What a document names as proof, in the words of the document, and which tests of the sources that is.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::{Outcome, run::workspace};

/// A test, or all of a file: `crate/file::test`, `crate::test` or `crate/file`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Citation {
    /// Folder name of the crate; `*` stands for any.
    package: String,
    /// Path in the crate, without `src`, `tests` and `.rs`; a folder stands for all below it, nothing for the crate.
    file: String,
    /// Name of the test, with a `*` at its end for any rest; `None` for all of the file.
    test: Option<String>,
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.package)?;
        if !self.file.is_empty() {
            write!(f, "/{}", self.file)?;
        }
        self.test.as_ref().map_or(Ok(()), |test| write!(f, "::{test}"))
    }
}

/// What stands in one place of a document as proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proofs {
    pub(crate) tests: Vec<Citation>,
    /// Without `cargo xtask`.
    pub(crate) commands: Vec<String>,
    /// What can't be understood, as sentences.
    pub(crate) wrong: Vec<String>,
}

impl Proofs {
    pub(crate) fn is_empty(&self) -> bool {
        self.tests.is_empty() && self.commands.is_empty()
    }
}

/// What stands between backticks.
pub(crate) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Reads a text in which everything between backticks is a proof: a citation, a command of `cargo xtask`, or a path of
/// the repository. A bare name belongs to the place that was cited before it.
pub(crate) fn proofs(text: &str) -> Proofs {
    let mut proofs = Proofs::default();
    for code in quoted(text) {
        if let Some(command) = code.strip_prefix("cargo xtask ") {
            proofs.commands.push(command.to_owned());
            continue;
        }
        let is_path = code.contains('/') && !code.starts_with(['/', '.']) && workspace().join(code).exists();
        match citation(code, proofs.tests.last()) {
            _ if is_path => {}
            Ok(citation) => proofs.tests.push(citation),
            Err(why) => proofs.wrong.push(why),
        }
    }
    proofs
}

fn citation(code: &str, before: Option<&Citation>) -> Result<Citation, String> {
    let is_name = |name: &str| {
        let name = name.strip_suffix('*').unwrap_or(name);
        name.contains('_') && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let at = |place: &str, test: Option<&str>| {
        let (package, file) = place.split_once('/').unwrap_or((place, ""));
        let is_path = |path: &str| path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_/".contains(&b));
        // A whole crate is no proof.
        let is_package = package == "*" || !package.is_empty() && is_path(package);
        if !is_package || !is_path(file) || (file.is_empty() && test.is_none()) {
            return Err(format!("`{code}` is no crate/file::test, file or command"));
        }
        Ok(Citation { package: package.to_owned(), file: file.to_owned(), test: test.map(str::to_owned) })
    };
    match code.rsplit_once("::") {
        Some((place, test)) if is_name(test) => at(place, Some(test)),
        Some(_) => Err(format!("`{code}` names no test")),
        None if is_name(code) => match before {
            Some(before) => Ok(Citation { test: Some(code.to_owned()), ..before.clone() }),
            None => Err(format!("`{code}` has no crate, and nothing before it has one")),
        },
        None => at(code, None),
    }
}

/// A test in the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    package: String,
    file: String,
    pub(crate) name: String,
    /// Only run when asked for.
    pub(crate) is_ignored: bool,
}

impl Test {
    fn is_meant_by(&self, citation: &Citation) -> bool {
        let in_file = match self.file.strip_prefix(&citation.file) {
            Some(rest) => citation.file.is_empty() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        let named = match &citation.test {
            Some(test) => test.strip_suffix('*').map_or(self.name == *test, |start| self.name.starts_with(start)),
            None => true,
        };
        (citation.package == "*" || citation.package == self.package) && in_file && named
    }
}

/// All tests of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Tests(Vec<Test>);

impl Tests {
    /// Reads the sources.
    pub(crate) fn in_sources() -> Outcome<Self> {
        let mut files = Vec::new();
        for folder in ["crates", "tests"] {
            rust_files(&workspace().join(folder), &mut files)?;
        }
        let mut tests = Self::default();
        for file in files {
            let Some(home) = file.ancestors().skip(1).find(|folder| folder.join("Cargo.toml").exists()) else {
                continue;
            };
            let package = home.file_name().unwrap_or_default().to_string_lossy();
            let inside = file.strip_prefix(home).unwrap_or(&file);
            tests.add(&package, &shortened(inside), &fs::read_to_string(&file)?);
        }
        Ok(tests)
    }

    fn add(&mut self, package: &str, file: &str, text: &str) {
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
                    self.0.push(Test {
                        package: package.to_owned(),
                        file: file.to_owned(),
                        name: name.to_owned(),
                        is_ignored,
                    });
                }
            }
        }
    }

    /// What a citation means.
    pub(crate) fn meant<'a>(&'a self, citation: &'a Citation) -> impl Iterator<Item = &'a Test> {
        self.0.iter().filter(move |test| test.is_meant_by(citation))
    }

    /// Why a citation shows nothing, as a sentence; `None` where it does.
    pub(crate) fn objection(&self, citation: &Citation) -> Option<String> {
        let found: Vec<&Test> = self.meant(citation).collect();
        if found.is_empty() {
            let anywhere = Citation { package: "*".to_owned(), file: String::new(), test: citation.test.clone() };
            let elsewhere: Vec<String> = match citation.test {
                Some(_) => self.meant(&anywhere).map(|test| format!("{}/{}", test.package, test.file)).collect(),
                None => Vec::new(),
            };
            return Some(match elsewhere.as_slice() {
                [] => format!("there is no test {citation}"),
                places => format!("there is no test {citation}: that name is in {}", places.join(", ")),
            });
        }
        let all_ignored = found.iter().all(|test| test.is_ignored);
        all_ignored.then(|| format!("{citation} is ignored: name the command that runs it"))
    }

    /// Whether all that a citation means passed. A run tells names without crates: of several tests with one name all
    /// must have passed.
    pub(crate) fn passed(&self, citation: &Citation, passed: &BTreeMap<String, usize>) -> bool {
        let mut meant = self.meant(citation).filter(|test| !test.is_ignored).peekable();
        meant.peek().is_some()
            && meant.all(|test| {
                let namesakes = self.0.iter().filter(|other| other.name == test.name && !other.is_ignored).count();
                passed.get(&test.name).is_some_and(|&count| count >= namesakes)
            })
    }
}

/// `src/vault/tests/keyring.rs` is `vault/keyring`, `tests/common/mod.rs` is `common`.
fn shortened(path: &Path) -> String {
    let path = path.with_extension("");
    let parts = path.iter().map(|part| part.to_string_lossy());
    let parts: Vec<_> = parts.filter(|part| !["src", "tests", "mod"].contains(&part.as_ref())).collect();
    parts.join("/")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Tests {
        let mut tests = Tests::default();
        tests.add("call", "relink", "#[test]\nfn the_key_stays() {}\n#[test]\n#[ignore]\nfn too_long() {}\n");
        tests.add(
            "call",
            "session",
            "    #[tokio::test(start_paused = true)]\n    async fn gates_one() {}\nfn no_test() {}",
        );
        tests.add("vault", "vault/keyring", "#[test]\nfn both_are_needed(bytes in any::<u8>()) {}");
        tests.add("vault", "cost", "#[test]\nfn shows_nothing() {}");
        tests.add("wire", "cost", "#[test]\nfn shows_nothing() {}");
        tests
    }

    fn one(text: &str) -> Citation {
        let mut proofs = proofs(&format!("`{text}`"));
        assert_eq!((proofs.tests.len(), &proofs.wrong), (1, &Vec::new()), "{text}");
        proofs.tests.remove(0)
    }

    #[test]
    fn a_test_is_cited_by_crate_file_and_name_or_less() {
        let tests = sources();
        for right in [
            "call/relink::the_key_stays",
            "call::the_key_stays",
            "call/session::gates_*",
            "call/session",
            "*/session",
            "vault/vault/keyring::both_are_needed",
            "vault/vault::both_are_needed",
            "vault/vault",
        ] {
            assert_eq!(tests.objection(&one(right)), None, "{right}");
            assert_eq!(one(right).to_string(), right);
        }
    }

    #[test]
    fn a_test_elsewhere_or_nowhere_or_ignored_shows_nothing() {
        let tests = sources();
        for (wrong, why) in [
            ("call/session::the_key_stays", "that name is in call/relink"),
            ("vault::the_key_stays", "that name is in call/relink"),
            ("vault/keyring::both_are_needed", "that name is in vault/vault/keyring"),
            ("vault/vault/key::both_are_needed", "that name is in"),
            ("call/relink::the_key_moves", "there is no test"),
            ("call/relink::no_test", "there is no test"),
            ("call/relink::the_key_moves_*", "there is no test"),
            ("call/other", "there is no test call/other"),
            ("call/relink::too_long", "is ignored"),
        ] {
            let objection = tests.objection(&one(wrong)).unwrap_or_default();
            assert!(objection.contains(why), "{wrong}: {objection}");
        }
    }

    #[test]
    fn bare_names_count_and_belong_to_what_was_cited_before() {
        let both = proofs("`call/relink::the_key_stays`, and its control `there_is_none`; `tests/vectors`");
        assert!(both.wrong.is_empty(), "{both:?}");
        assert_eq!(both.tests[1].to_string(), "call/relink::there_is_none");
        assert!(sources().objection(&both.tests[1]).is_some());
    }

    #[test]
    fn what_is_no_proof_is_refused_where_proofs_stand() {
        for wrong in
            ["gates_one", "Debug", "identity", "a::b::c_d", "call/session::gates", "call session", "x::Y_z", "/"]
        {
            let proofs = proofs(&format!("`{wrong}`"));
            assert!(proofs.is_empty() && proofs.wrong.len() == 1, "{wrong}: {proofs:?}");
        }
        assert_eq!(proofs("`cargo xtask bench rekey`").commands, ["bench rekey"]);
    }

    #[test]
    fn only_what_passed_everywhere_has_passed() {
        let tests = sources();
        let run = |names: &[&str]| {
            let mut passed = BTreeMap::new();
            for name in names {
                *passed.entry((*name).to_owned()).or_default() += 1;
            }
            passed
        };
        assert!(tests.passed(&one("call/relink::the_key_stays"), &run(&["the_key_stays"])));
        assert!(!tests.passed(&one("call/relink::the_key_stays"), &run(&["gates_one"])));
        // An ignored one in the same file is nothing that the file's citation needs.
        assert!(tests.passed(&one("call/relink"), &run(&["the_key_stays"])));
        assert!(!tests.passed(&one("call/relink::too_long"), &run(&["too_long"])));
        assert!(!tests.passed(&one("vault/cost::shows_nothing"), &run(&["shows_nothing"])), "it may be the other's");
        assert!(tests.passed(&one("vault/cost::shows_nothing"), &run(&["shows_nothing", "shows_nothing"])));
    }

    #[test]
    fn the_sources_of_this_workspace_are_read() {
        let tests = Tests::in_sources().unwrap();
        assert_eq!(tests.objection(&one("xtask/citations::the_sources_of_this_workspace_are_read")), None);
        assert!(tests.objection(&one("handshake/hostile_input::hs1_exhaustive")).unwrap().contains("is ignored"));
        assert_eq!(shortened(Path::new("src/vault/tests/keyring.rs")), "vault/keyring");
        assert_eq!(shortened(Path::new("tests/common/mod.rs")), "common");
    }
}
