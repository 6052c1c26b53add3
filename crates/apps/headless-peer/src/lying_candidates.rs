//! **A LIAR.** Reads from a file what this peer says behind its descriptions: one message a line, type and data in
//! hexadecimal.
//!
//! For the capture test of crafted candidates alone, behind the feature `lying-candidates-for-test`.

use std::fs;

/// Names the file.
const FILE: &str = "SOTTO_LYING_CANDIDATES";

/// Begins to lie if the environment names a file. False if that can't be read.
pub(crate) fn start() -> bool {
    let Some(path) = std::env::var_os(FILE) else { return true };
    let lies = fs::read_to_string(path).ok().and_then(|text| text.lines().map(message).collect::<Option<Vec<_>>>());
    let is_read = lies.is_some();
    sotto_session::lying_candidates::set(lies.unwrap_or_default());
    is_read
}

fn message(line: &str) -> Option<(u8, Vec<u8>)> {
    let (mtype, data) = line.split_once(' ')?;
    let byte = |at: usize| u8::from_str_radix(data.get(at..at + 2)?, 16).ok();
    let data = (0..data.len()).step_by(2).map(byte).collect::<Option<Vec<_>>>()?;
    Some((u8::from_str_radix(mtype, 16).ok()?, data))
}
