//! What was said on a data track so far, in one hash (PROTOCOL §8, "Authenticated end").

use sotto_identity::{Secret, derive};
use sotto_wire::record::TrackEnd;
use subtle::{Choice, ConstantTimeEq};

/// Next counter and running hash of one direction and track.
#[derive(Clone)]
pub(crate) struct Transcript {
    pub(crate) next_ctr: u64,
    tx: Secret<64>,
}

impl Transcript {
    /// `tx0 = H("tx0"; h)`.
    pub(crate) fn new(h: &[u8; 64]) -> Self {
        Self { next_ctr: 0, tx: Secret::new(derive::hash("tx0", &[h])) }
    }

    /// One record more: `tx = H("tx"; tx, unpadded record)`. The parts are hashed as one, without a copy of them.
    pub(crate) fn add(&mut self, unpadded: &[u8]) {
        self.tx = Secret::new(derive::hash("tx", &[self.tx.expose(), unpadded]));
        self.next_ctr += 1;
    }

    /// As END carries it.
    pub(crate) fn end(&self) -> TrackEnd {
        let mut tx = [0; 32];
        tx.copy_from_slice(&self.tx.expose()[..32]);
        TrackEnd { next_ctr: self.next_ctr, tx }
    }

    pub(crate) fn words(&self) -> ([u8; 8], &[u8; 64]) {
        (self.next_ctr.to_be_bytes(), self.tx.expose())
    }
}

/// Equality in constant time.
pub(crate) fn same(a: &TrackEnd, b: &TrackEnd) -> Choice {
    a.next_ctr.ct_eq(&b.next_ctr) & a.tx.ct_eq(&b.tx)
}
