//! What was derived, for tests that look for it: on this thread, where a test computes the keys of a session again
//! ([`start`]), or in the whole process, where it holds one ([`start_everywhere`]). Behind the feature `noted-for-test`, off
//! by default; nothing is noted before it is asked for.

use std::{
    cell::RefCell,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

/// A secret: what it is, and its bytes.
pub type Noted = (String, Vec<u8>);

/// Contexts up to this length are part of a name: epoch, direction, track, step.
const SHORT: usize = 12;

thread_local! {
    static NOTED: RefCell<Option<Vec<Noted>>> = const { RefCell::new(None) };
}

/// From now on, on this thread.
pub fn start() {
    NOTED.set(Some(Vec::new()));
}

/// Everything since [`start`] or the last call.
#[must_use]
pub fn take() -> Vec<Noted> {
    NOTED.with_borrow_mut(|noted| noted.as_mut().map(core::mem::take)).unwrap_or_default()
}

/// What every thread has derived since [`start_everywhere`]; `None` before it.
static EVERYWHERE: Mutex<Option<Vec<Noted>>> = Mutex::new(None);

/// From now on, on all threads.
pub fn start_everywhere() {
    *EVERYWHERE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// Everything of all threads since [`start_everywhere`] or the last call.
#[must_use]
pub fn take_everywhere() -> Vec<Noted> {
    EVERYWHERE.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(core::mem::take).unwrap_or_default()
}

/// Notes a secret, if it was asked for.
pub fn note(what: &str, context: &[u8], secret: &[u8]) {
    let named = || {
        let mut name = what.trim().to_owned();
        if (1..=SHORT).contains(&context.len()) {
            name.push(' ');
            for byte in context {
                let _ = write!(name, "{byte:02x}");
            }
        }
        (name, secret.to_vec())
    };
    NOTED.with_borrow_mut(|noted| {
        if let Some(noted) = noted {
            noted.push(named());
        }
    });
    if let Some(noted) = &mut *EVERYWHERE.lock().unwrap_or_else(PoisonError::into_inner) {
        noted.push(named());
    }
}
