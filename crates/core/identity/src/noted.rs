//! What was derived on this thread, for the test that computes the keys of a session again and looks for them in the
//! memory of the programs that held it. Behind the feature `noted-for-test`, off by default; nothing is noted before
//! [`start`].

use std::{cell::RefCell, fmt::Write as _};

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

/// Notes a secret, if it was asked for.
pub fn note(what: &str, context: &[u8], secret: &[u8]) {
    NOTED.with_borrow_mut(|noted| {
        if let Some(noted) = noted {
            let mut name = what.trim().to_owned();
            if (1..=SHORT).contains(&context.len()) {
                name.push(' ');
                for byte in context {
                    let _ = write!(name, "{byte:02x}");
                }
            }
            noted.push((name, secret.to_vec()));
        }
    });
}
