//! `cargo xtask check`: everything that must hold and needs no running program.

use std::{path::PathBuf, process::Command};

use crate::{
    Failure, Outcome,
    progress::Progress,
    properties, rules,
    run::{cargo, target_folder, workspace},
    source_rules, system, vendored,
};

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let with_deny = match arguments {
        [] => std::env::var_os("CI").is_some(),
        [only] if only == "--with-deny" => true,
        _ => return Err(Failure::new("cargo xtask check [--with-deny]")),
    };
    let progress = Progress::start();
    let mut failures = Vec::new();
    let mut note = |outcome: Outcome| {
        if let Err(failure) = outcome {
            progress.say(&format!("FAILED: {failure}"));
            failures.push(failure.to_string());
        }
    };

    // Cheap ones first: they need no build.
    note(progress.step("Format", cargo().args(["fmt", "--all", "--check"])));
    note(source_rules::check().map(|files| progress.say(&format!("Source rules: hold in {files} files"))));
    note(
        rules::check()
            .map(|pairs| progress.say(&format!("Dependency rules: hold ({pairs} pairs of package and rule)"))),
    );
    note(
        properties::check().map(|(claims, tests)| progress.say(&format!("Claims: {claims} claims name {tests} tests"))),
    );
    note(vendored::check().map(|files| {
        progress.say(&format!("Vendored sources: {files} files, as published but for the changes that are listed"));
    }));
    note(licences(&progress, with_deny));

    system::ensure_build_packages()?;
    note(
        progress.step(
            "Lints",
            cargo().args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        ),
    );
    note(
        progress.step(
            "Documentation",
            cargo()
                .args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        ),
    );

    if failures.is_empty() {
        progress.say("All checks passed.");
        return Ok(());
    }
    let list = failures.iter().map(|text| text.lines().next().unwrap_or_default()).collect::<Vec<_>>().join("\n  - ");
    Err(Failure::new(format!("{} of the checks failed:\n  - {list}", failures.len())))
}

/// Licences, banned crates and sources of all dependencies, by cargo-deny.
fn licences(progress: &Progress, install: bool) -> Outcome {
    let Some(program) = cargo_deny(progress, install)? else {
        progress.say("Licences: skipped, cargo-deny is not installed (`cargo xtask check --with-deny` builds it)");
        return Ok(());
    };
    progress.step(
        "Licences, bans and sources",
        Command::new(program).current_dir(workspace()).args([
            "--locked",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ]),
    )
}

/// cargo-deny: the installed one, or our own in the target folder, built on demand.
fn cargo_deny(progress: &Progress, install: bool) -> Outcome<Option<PathBuf>> {
    if system::runs("cargo-deny", "--version") {
        return Ok(Some(PathBuf::from("cargo-deny")));
    }
    let tools = target_folder()?.join("tools");
    let ours = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if ours.exists() {
        return Ok(Some(ours));
    }
    if !install {
        return Ok(None);
    }
    system::ensure_build_packages()?;
    progress.step(
        "Building cargo-deny (once; some minutes)",
        cargo()
            .args(["install", "--locked", "--quiet", "cargo-deny", "--root"])
            .arg(&tools)
            .arg("--target-dir")
            .arg(tools.join("build")),
    )?;
    // Its build folder is large and never needed again.
    let _gone = std::fs::remove_dir_all(tools.join("build"));
    Ok(Some(ours))
}
