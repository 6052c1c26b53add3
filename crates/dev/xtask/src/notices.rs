//! The notices of all that is compiled into a program, as their licences ask for: of each crate, and of the C libraries
//! that crates bring along.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{Failure, Outcome, run::cargo};

/// Names under which licences and notices lie, in capital letters.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];
/// How many folders below a crate's own are looked through: the sources of a C library lie in one.
const DEPTH: usize = 1;

/// Notices of everything that the package `program` is built of for `target`, our own crates left out. A text that
/// several share is there once, under all their names.
pub(crate) fn of(program: &str, target: &str) -> Outcome<String> {
    let mut command = cargo();
    command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target]);
    let output = command.output()?;
    if !output.status.success() {
        return Err(Failure::new(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| Failure::new(format!("cargo metadata: {error}")))?;
    written(&built_in(&metadata, program)?)
}

/// The packages below `program` that end up in it: neither build scripts' nor tests' own, nor those of the workspace. What
/// lies in `crates/vendor` is no member of it.
fn built_in<'a>(metadata: &'a Value, program: &str) -> Outcome<Vec<&'a Value>> {
    let list = |value: &'a Value| value.as_array().into_iter().flatten();
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"]).filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let first = packages.iter().find(|(_, package)| package["name"] == program && package["source"].is_null());
    let (&first, _) = first.ok_or_else(|| Failure::new(format!("cargo metadata knows no {program}")))?;
    let (mut seen, mut left) = (BTreeSet::from([first]), vec![first]);
    while let Some(id) = left.pop() {
        for dependency in nodes.get(id).map(|node| list(&node["deps"])).into_iter().flatten() {
            let is_built_in = list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
            if let Some(id) = dependency["pkg"].as_str().filter(|_| is_built_in)
                && seen.insert(id)
            {
                left.push(id);
            }
        }
    }
    let members: BTreeSet<&str> = list(&metadata["workspace_members"]).filter_map(Value::as_str).collect();
    let mut found: Vec<&Value> = seen.difference(&members).filter_map(|id| packages.get(id).copied()).collect();
    found.sort_by_key(|package| package["name"].as_str());
    Ok(found)
}

/// One part for each text, with the names of those that it belongs to; crates without a text of their own last.
fn written(packages: &[&Value]) -> Outcome<String> {
    let mut by_text: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut without = String::new();
    for package in packages {
        let text = |field: &str| package[field].as_str().unwrap_or_default();
        let name = format!("{} {} ({})", text("name"), text("version"), text("license"));
        let folder =
            Path::new(text("manifest_path")).parent().ok_or_else(|| Failure::new(format!("{name} has no folder")))?;
        let mut files = Vec::new();
        find(folder, DEPTH, &mut files)?;
        if files.is_empty() {
            let authors: Vec<&str> =
                package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            without.push_str(&format!("{name}; {}; {}\n", authors.join(", "), text("repository")));
        }
        for file in files {
            let words = String::from_utf8_lossy(&fs::read(&file)?).replace("\r\n", "\n");
            let part = file.strip_prefix(folder).unwrap_or(&file).display();
            by_text.entry(words.trim().to_owned()).or_default().insert(format!("{name}: {part}"));
        }
    }
    let mut out = String::new();
    let mut parts: Vec<(&String, &BTreeSet<String>)> = by_text.iter().collect();
    parts.sort_by_key(|(_, names)| *names);
    for (words, names) in parts {
        out.push_str("\n\n==== ");
        out.push_str(&names.iter().map(String::as_str).collect::<Vec<_>>().join("\n     "));
        out.push_str(&format!(" ====\n\n{words}\n"));
    }
    out.push_str("\n\n==== Without a licence file of their own ====\n\n");
    out.push_str(&without);
    Ok(out)
}

/// Files below `folder` that are named like a licence.
fn find(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Outcome {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<_>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let is_source = [".RS", ".C", ".H", ".PY"].iter().any(|end| name.ends_with(end));
        if path.is_file() && NAMES.iter().any(|known| name.starts_with(known)) && !is_source {
            into.push(path);
        } else if path.is_dir() && depth > 0 {
            find(&path, depth - 1, into)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn crates_and_the_c_libraries_in_them_are_named() {
        let text = of("sotto", "x86_64-unknown-linux-gnu").unwrap();
        for name in ["eframe ", "webrtc ", "ring ", "snow ", "rtc-sctp "] {
            assert!(
                ["\n==== ", "\n     ", "\n"].iter().any(|start| text.contains(&format!("{start}{name}"))),
                "{name}"
            );
        }
        assert!(text.contains("Cisco Systems"), "OpenH264's own licence");
        assert!(text.contains("Xiph.Org") && text.contains("Skype"), "Opus's own licence");
        assert!(!text.contains("==== sotto-wire"), "ours are under the licence at the top");
        assert!(!text.contains("\n==== egui_kittest"), "what only tests use is not in the program");
    }
}
