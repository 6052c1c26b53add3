//! Sessions that were interrupted a moment ago: who comes back soon, with the same computer, need not compare words again.

use std::collections::BTreeMap;

use sotto_identity::Secret;

use crate::io::Now;

/// How long an interrupted session can be gone on from (PROTOCOL §8).
const RESUME_MS: u64 = 15 * 60_000;

/// The key of an interrupted session, and since when, by both clocks: one of them stands still in suspend, the other can
/// be set.
struct Resumable {
    key: Secret<32>,
    lost: Now,
}

impl Resumable {
    fn is_over(&self, now: Now) -> bool {
        let passed_s = now.unix.checked_sub(self.lost.unix);
        now.mono_ms.saturating_sub(self.lost.mono_ms) >= RESUME_MS || passed_s.is_none_or(|s| s >= RESUME_MS / 1000)
    }
}

/// By contact. Boxed: a slot that something was moved out of keeps what it held.
#[derive(Default)]
pub(crate) struct Resumables(BTreeMap<u64, Box<Resumable>>);

impl Resumables {
    pub(crate) fn keep(&mut self, now: Now, contact: u64, key: Secret<32>) {
        self.0.insert(contact, Box::new(Resumable { key, lost: now }));
    }

    pub(crate) fn forget(&mut self, contact: u64) {
        self.0.remove(&contact);
    }

    /// The key of a session with this contact that was interrupted a moment ago.
    pub(crate) fn key(&self, now: Now, contact: u64) -> Option<&Secret<32>> {
        self.0.get(&contact).filter(|kept| !kept.is_over(now)).map(|kept| &kept.key)
    }

    pub(crate) fn expire(&mut self, now: Now) {
        self.0.retain(|_, kept| !kept.is_over(now));
    }
}
