//! The comparison: each side reads its half of the session words and picks what it heard (PROTOCOL §6.2, §6.3).

use sotto_identity::{
    PublicKey,
    fingerprint::{QrResult, compare_qr, pair_number, shown_qr},
    pin,
};
use sotto_session_api::{CompareMethod, CompareReason, ContactId, Pick, Verification};

/// What a pick led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picked {
    /// It matched.
    Match,
    /// "None of these" for the first time: have it read again.
    ReadAgain,
    /// It did not match.
    Mismatch,
    /// What was read is no QR code of two keys, or our own: nothing is decided.
    NotACode,
    /// The QR code of other keys was read, for the first time: it may have been somebody else's. Read it again.
    ScanAgain,
}

/// The two keys that are compared.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) own: PublicKey,
    pub(crate) peer: PublicKey,
}

const fn recorded(method: CompareMethod) -> pin::Method {
    match method {
        CompareMethod::Fingerprint => pin::Method::Fingerprint,
        CompareMethod::Phone => pin::Method::Phone,
        CompareMethod::InPerson => pin::Method::InPerson,
        CompareMethod::Card => pin::Method::Card,
        CompareMethod::Qr => pin::Method::Qr,
    }
}

/// One comparison. It only ever opens: a mismatch ends the session outside of it.
pub(crate) struct Comparison {
    card: Verification,
    right: usize,
    pair: Pair,
    asked_again: bool,
    scanned_other: bool,
    method: pin::Method,
    local: bool,
    remote: bool,
    /// `mono_ms` at which it is given up.
    pub(crate) deadline_ms: u64,
}

impl Comparison {
    pub(crate) fn new((card, right): (Verification, usize), pair: Pair, deadline_ms: u64) -> Self {
        let method = pin::Method::Words;
        Self {
            card,
            right,
            pair,
            asked_again: false,
            scanned_other: false,
            method,
            local: false,
            remote: false,
            deadline_ms,
        }
    }

    pub(crate) fn card(&self) -> Verification {
        self.card.clone()
    }

    /// Whether this side has picked already; a second pick is refused.
    pub(crate) const fn is_picked(&self) -> bool {
        self.local
    }

    pub(crate) fn pick(&mut self, pick: Pick) -> Picked {
        if cfg!(sotto_broken = "words") {
            self.local = true;
            return Picked::Match;
        }
        match pick {
            Pick::Candidate(index) | Pick::Digits(index) => {
                self.method = match pick {
                    Pick::Digits(_) => pin::Method::Digits,
                    _ => pin::Method::Words,
                };
                self.local = index == self.right;
                if self.local { Picked::Match } else { Picked::Mismatch }
            }
            Pick::NoneOfThese if self.asked_again => Picked::Mismatch,
            Pick::NoneOfThese => {
                self.asked_again = true;
                Picked::ReadAgain
            }
            Pick::Otherwise(method) => {
                self.method = recorded(method);
                self.local = true;
                Picked::Match
            }
            Pick::Differs(method) => {
                self.method = recorded(method);
                Picked::Mismatch
            }
            Pick::Scanned(bytes) => {
                let result = compare_qr(&self.pair.own, &self.pair.peer, &bytes);
                match result {
                    QrResult::Match => {
                        (self.method, self.local) = (pin::Method::Qr, true);
                        Picked::Match
                    }
                    QrResult::Mismatch if core::mem::replace(&mut self.scanned_other, true) => {
                        self.method = pin::Method::Qr;
                        Picked::Mismatch
                    }
                    QrResult::Mismatch => Picked::ScanAgain,
                    QrResult::Own | QrResult::NotACode => Picked::NotACode,
                }
            }
        }
    }

    /// How it was compared last, for the record of a mismatch.
    pub(crate) const fn method(&self) -> pin::Method {
        self.method
    }

    /// The other side said that it matched.
    pub(crate) const fn remote_matched(&mut self) {
        self.remote = true;
    }

    /// What both sides said so far.
    pub(crate) const fn outcome(&self) -> pin::Comparison {
        pin::Comparison { method: self.method, local_same: self.local, remote_same: self.remote }
    }
}

/// Builds the card.
pub(crate) fn card(
    words: &sotto_handshake::SessionWords,
    candidates: sotto_handshake::Candidates,
    contact: u64,
    pair: &Pair,
    reason: CompareReason,
) -> (Verification, usize) {
    let card = Verification {
        contact: ContactId(contact),
        words: words.own_words(),
        digits: words.own_digits(),
        reads_first: words.reads_first(),
        candidates: candidates.words,
        digit_candidates: candidates.digits,
        fingerprint: pair_number(&pair.own, &pair.peer),
        qr: shown_qr(&pair.own, &pair.peer).to_vec(),
        reason,
    };
    (card, candidates.right)
}
