//! Clock, randomness and figures of this process.

use std::time::{SystemTime, UNIX_EPOCH};

use sotto_call::Now;

/// How much nicer than the program threads are that work on pictures.
const NICER: i32 = 10;

/// Randomness of the operating system. Its failure ends the program: nothing may go on without it.
#[cfg(not(feature = "seeded-for-test"))]
pub(crate) const fn os_rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

#[cfg(feature = "seeded-for-test")]
pub(crate) use crate::seeded::seeded_rng as os_rng;

pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    Now { mono_ms: mono_ms(), unix }
}

pub(crate) fn mono_ms() -> u64 {
    sotto_devices::monotonic_us() / 1000
}

/// Processor seconds used and resident memory in KiB; zero where the system doesn't tell.
pub(crate) fn usage() -> (f64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the closing parenthesis: state is field 3, utime 14, stime 15, in ticks of 1/100 s.
    let ticks: f64 = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum())
        .unwrap_or_default();
    let pages: u64 = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split_whitespace().nth(1).and_then(|n| n.parse().ok()))
        .unwrap_or_default();
    (ticks / 100.0, pages * 4)
}

/// This thread gives way to those of the sound when there is too little computer for all: people talk on with a picture
/// that falters, and not the other way round.
pub(crate) fn give_way_to_sound() {
    use rustix::{
        process::{getpriority_process, setpriority_process},
        thread::gettid,
    };
    // Takes no privilege. Linux has a priority for each thread, named by its number, and takes more than 19 for 19.
    let thread = Some(gettid());
    if getpriority_process(thread).and_then(|nice| setpriority_process(thread, nice + NICER)).is_err() {
        tracing::debug!("the picture's thread keeps its priority");
    }
}

/// No core dump, no other program of this user may read our memory, and none of it is swapped out where the system
/// lets a program ask for that (PROTOCOL §2.2). [`crate::start`] does it too; a program that asks for the passphrase
/// itself does it before.
pub fn harden() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if setrlimit(Resource::Core, none).is_err() || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err() {
        tracing::warn!("core dumps could not be switched off");
    }
    lock_memory();
}

/// All or nothing: with a limit that the program could grow beyond, what is asked for later would be refused to it in the
/// middle of a session. The keys lie in many places (DTLS, SRTP, allocator), so single pages would not do.
fn lock_memory() {
    use rustix::{
        mm::{MlockAllFlags, mlockall},
        process::{Resource, Rlimit, setrlimit},
        thread::{CapabilitySet, capabilities},
    };
    let unlimited = Rlimit { current: None, maximum: None };
    // Whoever has the capability has no limit (mlock(2)).
    let has_no_limit = || capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    let may = setrlimit(Resource::Memlock, unlimited).is_ok() || has_no_limit();
    // On fault: what is never touched takes no memory.
    if !may || mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).is_err() {
        tracing::info!("the system may write memory of this program to its swap space");
    }
}
