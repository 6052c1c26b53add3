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
