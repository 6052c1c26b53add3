//! The comparison: each side reads its half of the session words and picks what it heard (PROTOCOL §6.2, §6.3).

use sotto_identity::pin;
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
}

/// One comparison. It only ever opens: a mismatch ends the session outside of it.
pub(crate) struct Comparison {
    card: Verification,
    right: usize,
    asked_again: bool,
    method: pin::Method,
    local: bool,
    remote: bool,
    /// `mono_ms` at which it is given up.
    pub(crate) deadline_ms: u64,
}

impl Comparison {
    pub(crate) const fn new(card: Verification, right: usize, deadline_ms: u64) -> Self {
        Self { card, right, asked_again: false, method: pin::Method::Words, local: false, remote: false, deadline_ms }
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
                self.method = match method {
                    CompareMethod::Qr => pin::Method::Qr,
                    CompareMethod::Fingerprint => pin::Method::Fingerprint,
                    CompareMethod::Phone => pin::Method::Phone,
                    CompareMethod::InPerson => pin::Method::InPerson,
                };
                self.local = true;
                Picked::Match
            }
        }
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
    fingerprint: String,
    reason: CompareReason,
) -> (Verification, usize) {
    let card = Verification {
        contact: ContactId(contact),
        words: words.own_words(),
        digits: words.own_digits(),
        reads_first: words.reads_first(),
        candidates: candidates.words,
        digit_candidates: candidates.digits,
        fingerprint,
        reason,
    };
    (card, candidates.right)
}
