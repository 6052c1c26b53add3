//! **DANGEROUS.** Keeps what the signalling channel opened, for the control run of the capture test alone.
//!
//! It shows what the other side's OFFER, ANSWER and CAND hold once decrypted: no address of a person's computer. Behind
//! the feature `dangerous-plaintext-for-test`, off by default; a build without debug assertions is refused.

use std::sync::{Mutex, PoisonError};

#[cfg(not(debug_assertions))]
compile_error!("`dangerous-plaintext-for-test` shows what signalling says and never ships: no release build with it");

/// Messages kept until they are taken; a session has a few dozen.
const MAX_KEPT: usize = 256;

static OPENED: Mutex<Vec<(u8, Vec<u8>)>> = Mutex::new(Vec::new());

pub(crate) fn note(mtype: u8, data: &[u8]) {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if opened.len() < MAX_KEPT {
        opened.push((mtype, data.to_vec()));
    }
}

/// Message type and data of everything opened since the last call (PROTOCOL §5.1, Appendix D).
#[must_use]
pub fn take_opened() -> Vec<(u8, Vec<u8>)> {
    core::mem::take(&mut OPENED.lock().unwrap_or_else(PoisonError::into_inner))
}
