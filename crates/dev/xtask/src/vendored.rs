//! `crates/vendor`: that each crate there is the published one, but for the changes listed here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Failure, Outcome,
    run::{cargo, target_folder, workspace},
};

/// A published crate of which we keep a copy with changes.
struct Vendored {
    name: &'static str,
    version: &'static str,
    /// File, what is published, what stands there instead. Each is found once.
    changes: &'static [(&'static str, &'static str, &'static str)],
}

/// docs/decisions/0009
const VENDORED: [Vendored; 1] = [Vendored {
    name: "rtc-sctp",
    version: "0.21.1",
    changes: &[
        ("association/timer.rs", "const RTO_MIN: u64 = 1000; // msec", "const RTO_MIN: u64 = 400; // msec"),
        ("association/timer.rs", "const RTO_MAX: u64 = 60000; // msec", "const RTO_MAX: u64 = 3000; // msec"),
        ("association/timer.rs", "max_t1_init_retrans: MAX_INIT_RETRANS,", "max_t1_init_retrans: NO_MAX_RETRANS,"),
        ("association/timer.rs", "max_t1_cookie_retrans: MAX_INIT_RETRANS,", "max_t1_cookie_retrans: NO_MAX_RETRANS,"),
        ("association/timer.rs", "max_t3_rtx_retrans: PATH_MAX_RETRANS,", "max_t3_rtx_retrans: NO_MAX_RETRANS,"),
        ("association/timer.rs", "const MAX_INIT_RETRANS: usize = 8;\n", ""),
        // Its tests are not copied.
        ("association/mod.rs", "#[cfg(test)]\nmod association_test;\n", ""),
        ("chunk/mod.rs", "#[cfg(test)]\nmod chunk_test;\n", ""),
        ("endpoint/mod.rs", "#[cfg(test)]\nmod endpoint_test;\n", ""),
        ("param/mod.rs", "#[cfg(test)]\nmod param_test;\n", ""),
        ("queue/mod.rs", "#[cfg(test)]\nmod queue_test;\n", ""),
    ],
}];

/// Where the unit tests of `association/timer.rs` begin, which assert the changed numbers.
const TESTS: &str = "\n#[cfg(test)]\nmod tests {";

/// Fetches what is published and compares; returns how many files were.
pub(crate) fn check() -> Outcome<usize> {
    let mut files = 0;
    for vendored in &VENDORED {
        let published = fetched(vendored)?;
        let ours = workspace().join("crates/vendor").join(vendored.name).join("src");
        let mut names = BTreeSet::new();
        for folder in [&published, &ours] {
            sources(folder, folder, &mut names)?;
        }
        for name in names.iter().filter(|name| !name.ends_with("_test.rs")) {
            let text = |folder: &Path| fs::read_to_string(folder.join(name)).unwrap_or_default().replace("\r\n", "\n");
            let expected = vendored.changed(name, &text(&published))?;
            if text(&ours) != expected {
                return Err(Failure::new(format!(
                    "crates/vendor/{}/src/{name} differs from {} {} in more than what {} lists",
                    vendored.name,
                    vendored.name,
                    vendored.version,
                    file!()
                )));
            }
            files += 1;
        }
    }
    Ok(files)
}

impl Vendored {
    /// What should stand in the file `name`, given what is published.
    fn changed(&self, name: &str, published: &str) -> Outcome<String> {
        let mut text = published.to_owned();
        for (_, from, to) in self.changes.iter().filter(|(file, ..)| *file == name) {
            if text.matches(from).count() != 1 {
                return Err(Failure::new(format!("{}: {name} as published has not once: {from}", self.name)));
            }
            text = text.replace(from, to);
        }
        if self.changes.iter().any(|(file, from, _)| *file == name && !from.starts_with("#[cfg(test)]")) {
            text.truncate(text.find(TESTS).unwrap_or(text.len()));
        }
        Ok(text)
    }
}

/// The sources as published: cargo downloads them for a package of no use but this, and checks their sum.
fn fetched(vendored: &Vendored) -> Outcome<PathBuf> {
    let folder = target_folder()?.join("vendored").join(vendored.name);
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"published\"\nedition = \"2024\"\n\n[dependencies]\n{} = \"={}\"\n\n[workspace]\n",
            vendored.name, vendored.version
        ),
    )?;
    let output = cargo().current_dir(&folder).args(["metadata", "--format-version", "1"]).output()?;
    let unknown = |why: &str| Failure::new(format!("{} {} can't be fetched: {why}", vendored.name, vendored.version));
    if !output.status.success() {
        return Err(unknown(&String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| unknown(&error.to_string()))?;
    let package = metadata["packages"].as_array().into_iter().flatten().find(|package| {
        package["name"] == vendored.name && package["version"] == vendored.version && !package["source"].is_null()
    });
    let manifest = package.and_then(|package| package["manifest_path"].as_str()).ok_or_else(|| unknown("no such"))?;
    Ok(Path::new(manifest).with_file_name("src"))
}

/// Names of the files below `folder`, as seen from `top`, with slashes.
fn sources(top: &Path, folder: &Path, names: &mut BTreeSet<String>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(top, &path, names)?;
        } else if let Ok(name) = path.strip_prefix(top) {
            names.insert(name.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_made_where_it_is_listed_and_nowhere_else() {
        let vendored = Vendored { name: "a", version: "1", changes: &[("lib.rs", "one", "two")] };
        assert_eq!(vendored.changed("lib.rs", "is one.\n").unwrap(), "is two.\n");
        assert_eq!(vendored.changed("other.rs", "is one.\n").unwrap(), "is one.\n");
        let tested = "is one.\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(vendored.changed("lib.rs", tested).unwrap(), "is two.\n");
        for wrong in ["neither", "one and one"] {
            assert!(vendored.changed("lib.rs", wrong).is_err(), "{wrong}");
        }
    }
}
