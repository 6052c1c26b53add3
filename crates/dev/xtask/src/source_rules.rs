//! Rules over the text of the sources that no lint covers.

use std::{fs, path::Path};

use crate::{
    Failure, Outcome,
    run::{cargo, metadata, workspace},
};

/// Crates whose roots may allow `unsafe`, block by block: foreign functions of codecs, devices and kernels.
const MAY_BE_UNSAFE: &[&str] = &["sotto-codecs", "sotto-devices", "sotto-fuzz", "sotto-netlab"];

/// Features of builds for one test: of the control build that removes encryption so that the scanners can be seen to find
/// something, of the one whose generator is seeded, and of the crates with which the test computes its keys again.
const DANGEROUS_FEATURES: [&str; 3] = ["dangerous-plaintext-for-test", "seeded-for-test", "noted-for-test"];

/// Features for the adversary kit, for the liar of tests/e2e and for fuzzing.
const TEST_FEATURES: [(&str, &str); 7] = [
    ("sotto-handshake", "lying-candidates-for-test"),
    ("sotto-handshake", "cheat"),
    ("sotto-call", "cheat"),
    ("sotto-frame-crypto", "cheat"),
    ("sotto-vault", "fuzz"),
    ("sotto-transport", "fuzz"),
    ("sotto-rendezvous-server", "fuzz"),
];

/// Text that may not land, where, and why. Split so that this file does not hold it.
fn forbidden() -> Vec<(String, &'static [&'static str], &'static str)> {
    let rust: &[&str] = &["rs"];
    let all: &[&str] = &["rs", "md", "toml", "sh", "py", "yml"];
    vec![
        (
            ["with_disable_certificate", "_fingerprint_verification"].concat(),
            rust,
            "PROTOCOL §5.3: never switch off the fingerprint check",
        ),
        (["TO", "DO"].concat(), all, "open work belongs in an issue"),
        (["FIX", "ME"].concat(), all, "open work belongs in an issue"),
        (["dbg", "!("].concat(), rust, "left over from debugging"),
        (["todo", "!("].concat(), rust, "not finished"),
        (["unimplemented", "!("].concat(), rust, "not finished"),
        (["println!(\"skip", "ped"].concat(), rust, "sotto_netlab::skip says it, and fails in CI"),
        (["println!(\"SKIP", "PED"].concat(), rust, "sotto_netlab::skip says it, and fails in CI"),
        (["/ho", "me/"].concat(), all, "a path of one machine"),
        (["/wo", "rk/"].concat(), all, "a path of one machine"),
        (["shared/", "design"].concat(), all, "a path outside this repository"),
    ]
}

/// Checks all of them; returns how many files were read.
pub(crate) fn check() -> Outcome<usize> {
    let mut broken = Vec::new();
    let mut files = Vec::new();
    collect(workspace(), &mut files)?;
    let rules = forbidden();
    for path in &files {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let Ok(text) = fs::read_to_string(path) else { continue };
        let shown = path.strip_prefix(workspace()).unwrap_or(path).display();
        for (number, line) in text.lines().enumerate() {
            for (needle, extensions, why) in &rules {
                if extensions.contains(&extension) && holds(line, needle) {
                    broken.push(format!("{shown}:{}: {needle}: {why}", number + 1));
                }
            }
        }
    }
    for root in crate_roots()? {
        let text = fs::read_to_string(&root.path)?;
        if !MAY_BE_UNSAFE.contains(&root.package.as_str()) && !text.contains("#![forbid(unsafe_code)]") {
            broken.push(format!("{}: lacks #![forbid(unsafe_code)]", root.path));
        }
    }
    broken.extend(test_features_in_shipped_programs()?);
    if broken.is_empty() {
        Ok(files.len())
    } else {
        Err(Failure::new(format!("Source rules are broken:\n    {}", broken.join("\n    "))))
    }
}

/// Whether `line` holds `needle` as a word of its own, where the needle is a word.
fn holds(line: &str, needle: &str) -> bool {
    let word = needle.bytes().all(|byte| byte.is_ascii_uppercase());
    line.match_indices(needle).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !word || !(letter(line[..at].chars().next_back()) || letter(line[at + needle.len()..].chars().next()))
    })
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.')
                && !["target", "vendor", "node_modules", "demo-report", "bench-report"].contains(&name.as_ref())
            {
                collect(&entry.path(), files)?;
            }
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

struct Root {
    package: String,
    path: String,
}

/// Roots of all libraries and programs of the workspace.
fn crate_roots() -> Outcome<Vec<Root>> {
    let metadata = metadata()?;
    let mut roots = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for target in package["targets"].as_array().into_iter().flatten() {
            let kinds: Vec<&str> =
                target["kind"].as_array().into_iter().flatten().filter_map(|kind| kind.as_str()).collect();
            if !kinds.contains(&"lib") && !kinds.contains(&"bin") {
                continue;
            }
            if let (Some(name), Some(path)) = (package["name"].as_str(), target["src_path"].as_str()) {
                roots.push(Root { package: name.to_owned(), path: path.to_owned() });
            }
        }
    }
    Ok(roots)
}

/// What is for tests must be off by default all the way down to the shipped programs.
fn test_features_in_shipped_programs() -> Outcome<Vec<String>> {
    let mut broken = Vec::new();
    for package in ["sotto", "sotto-peer", "sotto-rendezvous-server"] {
        let output = cargo()
            .args(["tree", "--locked", "-p", package, "--edges", "normal,features", "--prefix", "none"])
            .output()?;
        if !output.status.success() {
            return Err(Failure::new(format!("cargo tree -p {package}: {}", String::from_utf8_lossy(&output.stderr))));
        }
        let tree = String::from_utf8_lossy(&output.stdout);
        for (crate_name, feature) in TEST_FEATURES {
            if tree.lines().any(|line| line.starts_with(&format!("{crate_name} feature \"{feature}\""))) {
                broken.push(format!("{package} is built with the feature {feature} of {crate_name} by default"));
            }
        }
        for feature in DANGEROUS_FEATURES {
            if tree.contains(feature) {
                broken.push(format!("{package} is built with the feature {feature} by default"));
            }
        }
    }
    Ok(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_words_and_calls_anywhere() {
        let word = ["TO", "DO"].concat();
        assert!(holds(&format!("// {word}: later"), &word));
        assert!(!holds(&format!("MAS{word}N"), &word));
        let call = ["dbg", "!("].concat();
        assert!(holds(&format!("let x = {call}y);"), &call));
        let skip = ["eprintln!(\"skip", "ped: no sound here\");"].concat();
        assert!(forbidden().iter().any(|(needle, ..)| holds(&skip, needle)), "a test of its own way to skip");
    }

    #[test]
    fn this_files_own_rules_do_not_break_themselves() {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/source_rules.rs")).unwrap();
        for (needle, _, _) in forbidden() {
            assert!(!text.lines().any(|line| holds(line, &needle)), "{needle}");
        }
    }
}
