//! **DANGEROUS.** A generator whose draws are known to whoever knows its seed, and a log of what left this program sealed.
//!
//! With both a test computes every key of a session again, in a process of its own, and looks for them in the memory of
//! this one. Behind the feature `seeded-for-test`, off by default; a build without debug assertions is refused.

use std::{
    convert::Infallible,
    fs::{File, OpenOptions},
    io::Write as _,
    sync::{LazyLock, Mutex, PoisonError},
};

use rand_core::{TryCryptoRng, TryRng};
use sotto_call::{Output, ServerRequest, TransportRequest};
use sotto_identity::derive;
use zeroize::Zeroize;

#[cfg(not(debug_assertions))]
compile_error!("`seeded-for-test` makes keys that others can compute and never ships: no release build with it");

/// The environment variable with the seed.
const SEED: &str = "SOTTO_SEED";
/// The one that names the file of the log.
const LOG: &str = "SOTTO_SEED_LOG";

struct State {
    seed: Vec<u8>,
    draws: u64,
    log: File,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(|| {
    let seed = std::env::var(SEED).expect("a program with `seeded-for-test` is given a seed").into_bytes();
    let path = std::env::var_os(LOG).expect("a program with `seeded-for-test` is given a file for its log");
    let log = OpenOptions::new().create(true).append(true).open(path).expect("the log of the draws can be written");
    Mutex::new(State { seed, draws: 0, log })
});

/// Draw number `n` is made of the blocks `H("seeded draw"; seed, u64 n, u64 block)`. The log has its length alone.
pub(crate) struct SeededRng;

pub(crate) const fn seeded_rng() -> SeededRng {
    SeededRng
}

impl TryRng for SeededRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.draws;
        state.draws += 1;
        for (block, out) in (0_u64..).zip(out.chunks_mut(64)) {
            let mut bytes = derive::hash("seeded draw", &[&state.seed, &number.to_be_bytes(), &block.to_be_bytes()]);
            out.copy_from_slice(&bytes[..out.len()]);
            bytes.zeroize();
        }
        state.write(&format!("draw {}", out.len()));
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

impl State {
    fn write(&mut self, line: &str) {
        writeln!(self.log, "{line}").expect("the log of the draws can be written");
    }
}

/// Writes down what is handed to the network: cells and records, as others see them too.
pub(crate) fn note(output: &Output) {
    let line = match output {
        Output::Server(_, ServerRequest::Send(mailbox, cell)) => {
            format!("cell {} {}", hex(&mailbox.0), hex(cell.as_bytes()))
        }
        Output::Transport(_, TransportRequest::Record(record)) => {
            format!("record {} {}", record.track as u8, hex(&record.bytes))
        }
        _ => return,
    };
    STATE.lock().unwrap_or_else(PoisonError::into_inner).write(&line);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
