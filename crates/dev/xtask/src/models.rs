//! `cargo xtask models`: symbolic models by Verifpal, crashes and losses by spin, each against what is expected of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Failure, Outcome,
    progress::Progress,
    run::{cargo, target_folder, workspace},
    system,
};

/// Its verdicts are what `expected.txt` compares with.
const VERIFPAL: &str = "1.6.7";

/// Model of spin, what is left out of it, and what spin must say.
const SPIN: [(&str, &[&str], bool); 6] = [
    ("continuity.pml", &[], true),
    ("continuity.pml", &["-DKEEP_PREVIOUS"], false),
    ("rekey.pml", &[], true),
    ("rekey.pml", &["-DEAGER"], false),
    ("rekey.pml", &["-DIMPATIENT"], false),
    ("rekey.pml", &["-DTRUSTING"], false),
];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::new("cargo xtask models takes no arguments"));
    }
    system::ensure_models()?;
    let progress = Progress::start();
    let models = workspace().join("docs/models");
    for (model, options, holds) in SPIN {
        spin(&models, model, options, holds)?;
    }
    let verifpal = verifpal(&progress)?;
    let expected = fs::read_to_string(models.join("expected.txt"))?;
    for (model, verdicts, meaning) in rows(&expected) {
        let mut command = Command::new(&verifpal);
        command.args(["verify", "--result-code", "--quiet"]).arg(format!("{model}.vp")).current_dir(&models);
        let output = progress.while_alive(model, || command.output())?;
        let said = String::from_utf8_lossy(&output.stdout);
        let found = said.lines().last().unwrap_or_default().trim();
        if found != verdicts {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!("{model}: {found}, where {verdicts} is expected: {meaning}\n{why}")));
        }
        println!("{model}: {verdicts}: {meaning}");
    }
    progress.say("every model is as expected, the broken controls too");
    Ok(())
}

/// Model, verdicts and meaning of each row.
fn rows(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (model, rest) = line.split_once(' ')?;
        let (verdicts, meaning) = rest.trim_start().split_once(' ')?;
        Some((model, verdicts, meaning.trim()))
    })
}

/// Checks all states of a model, and where it must hold, that every run of it comes to an end.
fn spin(models: &Path, model: &str, options: &[&str], holds: bool) -> Outcome {
    let folder = target_folder()?.join("models");
    fs::create_dir_all(&folder)?;
    let run = |program: &Path, arguments: &[&str]| -> Outcome<String> {
        let output = Command::new(program).args(arguments).current_dir(&folder).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(said)
        } else {
            let why = String::from_utf8_lossy(&output.stderr);
            Err(Failure::new(format!("{} failed on {model}:\n{said}{why}", program.display())))
        }
    };
    let path = models.join(model);
    let path = path.to_str().ok_or_else(|| Failure::new("the path of the project is not UTF-8"))?;
    let name = [&[model][..], options].concat().join(" ");
    run(Path::new("spin"), &[options, &["-a", path]].concat())?;
    let check = |kind: &[&str], arguments: &[&str]| -> Outcome<String> {
        run(Path::new("cc"), &[&["-O2", "-w", "-DVECTORSZ=2048"], kind, &["-o", "pan", "pan.c"]].concat())?;
        let said = run(&folder.join("pan"), &[&["-m1000000"], arguments].concat())?;
        if said.contains("max search depth too small") || said.contains("errors: 0") != holds {
            let expected = if holds { "no error" } else { "an error" };
            return Err(Failure::new(format!("{name}: {expected} is expected:\n{said}")));
        }
        Ok(said)
    };
    let said = check(&["-DSAFETY"], &[])?;
    let states = said.lines().find_map(|line| line.trim().strip_suffix("states, stored")).unwrap_or("?").trim();
    println!("{name}: {states} states, {}", if holds { "every promise holds" } else { "broken, as it must be" });
    if holds {
        // No label says that something is progress: a run that goes round in circles is an error.
        check(&["-DNP", "-DNOFAIR"], &["-l"])?;
        println!("{name}: every run comes to an end");
    }
    Ok(())
}

/// The program of the right version: the one that is installed, or one in the target folder.
fn verifpal(progress: &Progress) -> Outcome<PathBuf> {
    let is_right = |program: &Path| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(VERIFPAL))
    };
    let tools = target_folder()?.join("tools");
    let own = tools.join("bin/verifpal");
    if let Some(found) = [PathBuf::from("verifpal"), own.clone()].into_iter().find(|program| is_right(program)) {
        return Ok(found);
    }
    progress.step(
        "Installing Verifpal into the target folder (some five minutes)",
        cargo()
            .args(["install", "verifpal", "--locked", "--version", VERIFPAL, "--root"])
            .arg(&tools)
            // It names a newer Rust than it uses.
            .args(["--ignore-rust-version", "--no-default-features", "--features", "cli"]),
    )?;
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_a_row_and_every_row_a_model() {
        let folder = workspace().join("docs/models");
        let expected = fs::read_to_string(folder.join("expected.txt")).unwrap();
        let mut rows: Vec<String> = rows(&expected).map(|(model, ..)| format!("{model}.vp")).collect();
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.filter(|name| name.ends_with(".vp")).collect();
        rows.sort();
        files.sort();
        assert_eq!(rows, files);
        let controls = expected.lines().filter(|line| line.contains("control: ")).count();
        assert!(controls >= 3, "a model that can't be broken shows nothing");
    }
}
