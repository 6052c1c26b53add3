//! Searches for an input that breaks a target: `cargo xtask fuzz TARGET`.
//!
//! The target's name is in `SOTTO_FUZZ_TARGET`; the command line is libFuzzer's. With `SOTTO_FUZZ_SEEDS` the inputs that a
//! search starts from are written to that folder first.
#![no_main]

use std::sync::OnceLock;

use sotto_fuzz::Target;

static TARGET: OnceLock<&Target> = OnceLock::new();

fn start() {
    let name = std::env::var("SOTTO_FUZZ_TARGET").unwrap_or_default();
    let target = sotto_fuzz::target(&name).expect("SOTTO_FUZZ_TARGET names a target");
    if let Some(folder) = std::env::var_os("SOTTO_FUZZ_SEEDS") {
        for (n, seed) in target.seeds().iter().enumerate() {
            let file = std::path::Path::new(&folder).join(format!("seed-{n}"));
            std::fs::write(file, seed).expect("the folder for seeds can be written to");
        }
    }
    let _ = TARGET.set(target);
}

libfuzzer_sys::fuzz_target!(
    init: start(),
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            target.check(data);
        }
    }
);
