//! Every input that was ever found, and seeded changes of it, against every target.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{fs, path::PathBuf};

use sotto_fuzz::{MAX_ALLOCATED, TARGETS, Target};
use sotto_sim::SeededRng;

/// Most of a target that is kept, files and bytes, with what once broke something.
const MOST_FILES: usize = 50;
const MOST_BYTES: usize = 80_000;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fuzz"))
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder().join(target.name));
    let entries = entries.unwrap_or_else(|error| {
        panic!("tests/fuzz/{} can't be read ({error}): `cargo xtask fuzz {0} --keep` makes it", target.name)
    });
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "tests/fuzz/{} is empty", target.name);
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn change(rng: &mut SeededRng, bytes: &mut Vec<u8>) {
    for _ in 0..=rng.below(3) {
        let len = bytes.len() as u64;
        // Most meaning is in the front.
        let reach = if rng.below(2) == 0 { len.min(48) } else { len };
        let at = rng.below(reach.max(1)) as usize;
        match rng.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << rng.below(8),
            1 if !bytes.is_empty() => bytes[at] = rng.next() as u8,
            2 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.below(5) as usize],
            3 => bytes.insert(at.min(bytes.len()), rng.next() as u8),
            4 => bytes.truncate(at),
            _ if bytes.len() < 9_000 => bytes.extend_from_within(at.min(bytes.len())..),
            _ => {}
        }
    }
}

#[test]
fn every_found_input_and_its_changes_keep_the_promises() {
    for target in TARGETS {
        target.warm_up();
        let inputs: Vec<Vec<u8>> = target.seeds().into_iter().chain(corpus(target)).collect();
        assert!(!inputs.is_empty(), "{} has nothing to start from", target.name);
        for input in &inputs {
            target.check(input);
        }
        let mut rng = SeededRng::new(0x5077);
        for _ in 0..target.changes() {
            let mut input = inputs[rng.below(inputs.len() as u64) as usize].clone();
            change(&mut rng, &mut input);
            target.check(&input);
        }
        println!("{}: {} inputs and {} changes", target.name, inputs.len(), target.changes());
    }
}

#[test]
fn the_corpus_has_a_small_folder_for_each_target_and_none_besides() {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let mut folders: Vec<String> =
        entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect();
    folders.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(folders, names);
    for target in TARGETS {
        let inputs = corpus(target);
        let bytes: usize = inputs.iter().map(Vec::len).sum();
        assert!(inputs.len() <= MOST_FILES && bytes <= MOST_BYTES, "{}: {} files, {bytes}", target.name, inputs.len());
    }
}

#[test]
fn only_an_authenticated_peer_may_cost_more_than_a_mebibyte_and_it_is_said_why() {
    for target in TARGETS {
        let says_why = !target.why_more().is_empty() && target.from == "an authenticated peer";
        assert_eq!(target.most() > MAX_ALLOCATED, says_why, "{}", target.name);
    }
}

#[test]
fn targets_have_names_of_their_own_and_are_found_by_them() {
    for target in TARGETS {
        assert_eq!(sotto_fuzz::target(target.name).unwrap().from, target.from);
        assert_eq!(TARGETS.iter().filter(|other| other.name == target.name).count(), 1);
    }
    assert!(sotto_fuzz::target("nothing").is_none());
    // What `cargo xtask fuzz` searches: it links nothing of this.
    let listed: Vec<&str> = include_str!("../targets.txt").lines().collect();
    assert_eq!(listed, TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
}
