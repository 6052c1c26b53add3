//! The programs under test, built by cargo as a person would build them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `sotto-peer`.
    pub peer: PathBuf,
    /// `sotto-rendezvous`.
    pub rendezvous: PathBuf,
}

impl Programs {
    /// The programs as they are shipped, in the development profile. Built once per test process; a folder in
    /// `SOTTO_E2E_PROGRAMS` that holds them is used instead.
    ///
    /// # Panics
    /// If they don't build.
    #[must_use]
    pub fn shipped() -> Self {
        static BUILT: OnceLock<Programs> = OnceLock::new();
        BUILT
            .get_or_init(|| match std::env::var_os("SOTTO_E2E_PROGRAMS") {
                Some(folder) => Self::in_folder(Path::new(&folder)),
                None => {
                    build(&[]);
                    Self::in_folder(&target_folder().join("debug"))
                }
            })
            .clone()
    }

    /// The control build: a peer whose media and chat leave readable, so that a scanner can show that it finds them.
    /// The peer is kept apart in `target/dangerous-plaintext-control`, and the shipped one is built again at once.
    ///
    /// # Panics
    /// If it doesn't build.
    #[must_use]
    pub fn dangerous_plaintext_control() -> Self {
        static BUILT: OnceLock<Programs> = OnceLock::new();
        BUILT.get_or_init(|| apart("dangerous-plaintext-control", "sotto-peer/dangerous-plaintext-for-test")).clone()
    }

    /// A peer whose randomness comes from `SOTTO_SEED` and which writes what it sends, sealed, into `SOTTO_SEED_LOG`, so
    /// that a test knows its keys. Kept apart in `target/seeded`, as the control build is.
    ///
    /// # Panics
    /// If it doesn't build.
    #[must_use]
    pub fn seeded() -> Self {
        static BUILT: OnceLock<Programs> = OnceLock::new();
        BUILT.get_or_init(|| apart("seeded", "sotto-peer/seeded-for-test")).clone()
    }

    /// The liar: a peer that says behind its descriptions whatever a file tells it to, with the session's real keys. Kept
    /// apart in `target/lying-candidates`, as the control build is.
    ///
    /// # Panics
    /// If it doesn't build.
    #[must_use]
    pub fn lying_candidates() -> Self {
        static BUILT: OnceLock<Programs> = OnceLock::new();
        BUILT.get_or_init(|| apart("lying-candidates", "sotto-peer/lying-candidates-for-test")).clone()
    }

    fn in_folder(folder: &Path) -> Self {
        let programs = Self { peer: folder.join("sotto-peer"), rendezvous: folder.join("sotto-rendezvous") };
        for program in [&programs.peer, &programs.rendezvous] {
            assert!(program.exists(), "{} is missing", program.display());
        }
        programs
    }
}

/// A peer that is built with a feature for tests and kept in a folder of its own.
fn apart(name: &str, feature: &str) -> Programs {
    let folder = target_folder().join(name);
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    // In the same target folder: only crates that know the feature are built a second time.
    build(&["--features", feature]);
    let built = Programs::in_folder(&target_folder().join("debug"));
    std::fs::copy(built.peer, folder.join("sotto-peer")).expect("the program was built");
    build(&[]);
    let shipped = Programs::in_folder(&target_folder().join("debug"));
    Programs { peer: folder.join("sotto-peer"), rendezvous: shipped.rendezvous }
}

/// The target folder this test was built in: `TARGET/debug/deps/TEST`.
fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    test.ancestors().nth(3).expect("tests are three folders below the target folder").to_owned()
}

fn build(more: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "sotto-peer", "--package", "sotto-rendezvous-server", "--bins"])
        .args(more)
        .arg("--target-dir")
        .arg(target_folder())
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the programs don't build:\n{}", String::from_utf8_lossy(&output.stderr));
}
