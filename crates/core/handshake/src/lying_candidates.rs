//! **A LIAR.** Says what it was told behind each OFFER, ANSWER and CAND_END: sealed with the session's own keys, in order,
//! and not the truth.
//!
//! For the capture test of crafted candidates alone: whatever an authentic peer names as its candidates, the other
//! computer sends to its relay and to nobody else. Behind the feature `lying-candidates-for-test`, off by default; a
//! build without debug assertions is refused.

use std::sync::{Mutex, PoisonError};

use sotto_wire::SigMessage;

#[cfg(not(debug_assertions))]
compile_error!("`lying-candidates-for-test` tells lies about addresses and never ships: no release build with it");

static LIES: Mutex<Vec<(u8, Vec<u8>)>> = Mutex::new(Vec::new());

/// Message type and data of what is said from now on (PROTOCOL §5.1, Appendix D).
pub fn set(lies: Vec<(u8, Vec<u8>)>) {
    *LIES.lock().unwrap_or_else(PoisonError::into_inner) = lies;
}

/// What is said behind this message.
pub(crate) fn behind(message: &SigMessage) -> Vec<(u8, Vec<u8>)> {
    if matches!(message, SigMessage::Offer(_) | SigMessage::Answer(_) | SigMessage::CandidatesEnd(_)) {
        LIES.lock().unwrap_or_else(PoisonError::into_inner).clone()
    } else {
        Vec::new()
    }
}
