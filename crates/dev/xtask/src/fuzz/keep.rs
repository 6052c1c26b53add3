//! `cargo xtask fuzz TARGET --keep`: of what searches found, the few small inputs that go the most ways through a target.
//!
//! libFuzzer runs every input once and notes which ways each goes (the control file of its merge). What the seeds and the
//! inputs that once broke something go already is not paid for again; of the rest, inputs are taken that bring most for
//! their size.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{MAX_LEN, committed};
use crate::{Failure, Outcome, progress::Progress};

/// Most files of a target that are committed, besides those that once broke something.
const MAX_FILES: usize = 40;
/// Most bytes of them.
const MAX_BYTES: usize = 60_000;

/// How libFuzzer names an input that broke something; a person puts it into the repository, and it stays.
const BROKE: [&str; 4] = ["crash-", "oom-", "timeout-", "slow-unit-"];

/// One input, as the control file has it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Input {
    path: PathBuf,
    size: usize,
    /// It is there whatever is chosen.
    is_given: bool,
    ways: BTreeSet<u32>,
}

/// Replaces the committed corpus of a target by the best of it, of what searches kept, and says what it is now.
pub(super) fn keep(progress: &Progress, program: &Path, folder: &Path, target: &str) -> Outcome {
    let given = folder.join("given").join(target);
    if given.exists() {
        fs::remove_dir_all(&given)?;
    }
    let seeds = folder.join("seeds").join(target);
    let kept = folder.join("corpus").join(target);
    let committed = committed(target);
    for folder in [&given, &seeds, &kept, &committed] {
        fs::create_dir_all(folder)?;
    }
    for file in files(&seeds)?.into_iter().chain(files(&committed)?.into_iter().filter(|file| broke(file))) {
        fs::copy(&file, given.join(file.file_name().unwrap_or_default()))?;
    }
    let control = folder.join(format!("{target}.control"));
    let _ = fs::remove_file(&control);
    let mut command = Command::new(program);
    command
        .args([&given, &kept, &committed])
        .arg("-set_cover_merge=1")
        .arg(format!("-merge_control_file={}", control.display()))
        .args([MAX_LEN, "-timeout=20", "-rss_limit_mb=2048"])
        .env("SOTTO_FUZZ_TARGET", target)
        .env("SOTTO_FUZZ_SEEDS", &seeds);
    let output = progress.while_alive(target, || command.output())?;
    if !output.status.success() {
        return Err(Failure::new(format!("{target}: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let inputs = read(&fs::read_to_string(&control)?)
        .ok_or_else(|| Failure::new(format!("{} is not as libFuzzer writes it", control.display())))?;
    // Read before anything is removed: an input that is committed may be chosen again.
    let chosen: Vec<(PathBuf, Vec<u8>)> =
        choose(&inputs).into_iter().map(|path| Ok((path.clone(), fs::read(path)?))).collect::<Outcome<_>>()?;
    for old in files(&committed)?.iter().filter(|file| !broke(file)) {
        fs::remove_file(old)?;
    }
    let bytes: usize = chosen.iter().map(|(_, bytes)| bytes.len()).sum();
    for (path, bytes) in &chosen {
        // libFuzzer named it by its SHA-1.
        fs::write(committed.join(path.file_name().unwrap_or_default()), bytes)?;
    }
    progress.say(&format!("{target}: {} of {} inputs, {bytes} bytes", chosen.len(), inputs.len()));
    Ok(())
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn broke(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    BROKE.iter().any(|how| name.starts_with(how))
}

/// Reads a control file: how many files, how many of them are given, their names, and for each `STARTED number size` and
/// `FT number way way …`.
fn read(control: &str) -> Option<Vec<Input>> {
    let mut lines = control.lines();
    let count: usize = lines.next()?.parse().ok()?;
    let given: usize = lines.next()?.parse().ok()?;
    let mut inputs = Vec::new();
    for n in 0..count {
        inputs.push(Input { path: lines.next()?.into(), is_given: n < given, ..Input::default() });
    }
    for line in lines {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let input = inputs.get_mut(words.next()?.parse::<usize>().ok()?)?;
        match kind {
            "STARTED" => input.size = words.next()?.parse().ok()?,
            "FT" => input.ways = words.map(str::parse).collect::<Result<_, _>>().ok()?,
            _ => {}
        }
    }
    Some(inputs)
}

/// The inputs to keep: again and again the one with the most new ways for its size.
fn choose(inputs: &[Input]) -> Vec<&PathBuf> {
    let mut gone: BTreeSet<u32> = inputs.iter().filter(|input| input.is_given).flat_map(|i| &i.ways).copied().collect();
    let mut left: Vec<&Input> = inputs.iter().filter(|input| !input.is_given).collect();
    let (mut chosen, mut bytes) = (Vec::new(), 0);
    while chosen.len() < MAX_FILES {
        // What brings nothing now never will.
        left.retain(|input| bytes + input.size <= MAX_BYTES && !input.ways.is_subset(&gone));
        // A file costs its share of the files, however small it is.
        let cost = |input: &Input| input.size + MAX_BYTES / MAX_FILES;
        let worth = |input: &Input| (input.ways.difference(&gone).count() << 16) / cost(input);
        let Some(best) = (0..left.len()).max_by_key(|n| (worth(left[*n]), std::cmp::Reverse(*n))) else { break };
        let best = left.swap_remove(best);
        gone.extend(&best.ways);
        bytes += best.size;
        chosen.push(&best.path);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: &str = "\
4
1
given/seed-0
kept/a
kept/b
kept/c
STARTED 0 10
FT 0 1 2
COV 0 7
STARTED 1 10
FT 1 1 2
COV 1
STARTED 2 20
FT 2 2 3 4
COV 2
STARTED 3 5000
FT 3 3 4 5
COV 3
";

    #[test]
    fn inputs_that_bring_nothing_new_are_left_out_and_small_ones_come_first() {
        let inputs = read(CONTROL).unwrap();
        assert_eq!(inputs.iter().map(|input| input.size).collect::<Vec<_>>(), [10, 10, 20, 5000]);
        assert!(inputs[0].is_given && !inputs[1].is_given);
        assert_eq!(choose(&inputs), [Path::new("kept/b"), Path::new("kept/c")]);
    }

    #[test]
    fn a_control_file_that_is_cut_off_in_its_names_is_refused() {
        for cut in ["", "4\n", "4\n1\ngiven/seed-0\n"] {
            assert_eq!(read(cut), None);
        }
        assert_eq!(read(&CONTROL[..CONTROL.len() - 20]).map(|inputs| inputs.len()), Some(4), "an input that broke it");
    }

    #[test]
    fn no_more_is_kept_than_fits() {
        let of = |n: usize, size| Input {
            path: n.to_string().into(),
            size,
            is_given: false,
            ways: [u32::try_from(n).unwrap()].into(),
        };
        let small: Vec<Input> = (0..100).map(|n| of(n, 10)).collect();
        assert_eq!(choose(&small).len(), MAX_FILES);
        let large: Vec<Input> = (0..100).map(|n| of(n, 8_000)).collect();
        assert_eq!(choose(&large).len(), MAX_BYTES / 8_000);
    }

    #[test]
    fn what_once_broke_something_is_known_by_its_name() {
        assert!(broke(Path::new("tests/fuzz/cell-i/crash-8f95")));
        assert!(!broke(Path::new("tests/fuzz/cell-i/8f95ed23")));
    }
}
