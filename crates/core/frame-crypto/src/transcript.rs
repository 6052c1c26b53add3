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

    /// One record more: `tx = H("tx"; tx, unpadded record)` (PROTOCOL Appendix D).
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// From another implementation, which took the bare bytes `abc` for a record.
    #[test]
    fn chain_of_another_implementation() {
        let unhex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let h = unhex(concat!(
            "3c820d43629f5a9c673e96de264c7efadb99a8ed8636a48158826db59d299abc",
            "0257c3b69d363e0341eba415102733ee22c4b5853e48b7e135ecf023fbf9bdec"
        ));
        let mut transcript = Transcript::new(&h.try_into().unwrap());
        transcript.add(b"abc");
        let tx = unhex(concat!(
            "b384139d954983b22e3a18b5a5c6708a6b6a2fa62a2ede7bb838d7388a55d251",
            "13e862a7920c16d35c2300ecfe9969a7279220ff9d20505855aed3ec9356ce0c"
        ));
        assert_eq!(transcript.words(), (1_u64.to_be_bytes(), &tx.try_into().unwrap()));
    }
}
