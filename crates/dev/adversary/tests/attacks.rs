//! Every script, some hundred runs.

use sotto_adversary::SCRIPTS;

const RUNS: u64 = 24;

#[test]
fn every_script_is_played() {
    let mut fallen = Vec::new();
    for script in SCRIPTS {
        for seed in 0..RUNS {
            if let Err(what) = (script.play)(seed) {
                fallen.push(format!("{}, seed {seed}: {what}", script.name));
            }
        }
    }
    assert!(fallen.is_empty(), "{}", fallen.join("\n"));
}

/// A look at the words of HS2 that is broken off before HS3 counts, however fast the next one comes (PROTOCOL §3.2).
#[test]
fn mitm_abort_before_hs3_counted() {
    let script = SCRIPTS.iter().find(|script| script.name == "broken-off-runs").expect("among the scripts");
    for seed in RUNS..RUNS + 8 {
        assert_eq!((script.play)(seed), Ok(()), "seed {seed}");
    }
}
