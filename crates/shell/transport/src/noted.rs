//! **DANGEROUS.** Writes down the keys of DTLS and SRTP, so that a test can look for them in the memory of this program.
//!
//! Their generator is not ours and not seeded, so they can't be computed again from outside. Behind the feature
//! `seeded-for-test`, off by default; a build without debug assertions is refused.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    sync::{LazyLock, Mutex, PoisonError},
};

#[cfg(not(debug_assertions))]
compile_error!("`seeded-for-test` writes keys into a file and never ships: no release build with it");

/// The environment variable that names the file.
const LOG: &str = "SOTTO_TRANSPORT_KEYS_LOG";

static FILE: LazyLock<Mutex<File>> = LazyLock::new(|| {
    let path =
        std::env::var_os(LOG).expect("a program with `seeded-for-test` is given a file for the transport's keys");
    let file = OpenOptions::new().create(true).append(true).open(path);
    Mutex::new(file.expect("the file for the transport's keys can be written"))
});

/// One line: what the key is for, and the key in hexadecimal.
pub(crate) fn key(purpose: &dyn core::fmt::Debug, key: &[u8]) {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(file, "{purpose:?} {hex}").expect("the file for the transport's keys can be written");
}
