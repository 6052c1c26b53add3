//! Pin decisions and their proofs (PROTOCOL §6.3, §6.4).
//!
//! None of the proofs can be built outside this module: who holds one went through the decision that gives it.

use crate::PublicKey;

/// What the pin says about the key that a peer proved.
#[derive(Debug)]
pub enum PinDecision {
    /// The pinned key.
    Match(PinnedPeer),
    /// There is no pin yet.
    FirstUse(PendingPin),
    /// Another key than the pinned one. Nothing is replaced by itself, ever.
    Changed {
        /// The key that stays pinned.
        old: PublicKey,
        /// The key that was presented; it may become a new contact beside the old one.
        pending: PendingPin,
    },
}

/// Decides about the key that a peer proved in the handshake.
#[must_use]
pub fn check_pin(pinned: Option<&PublicKey>, presented: &PublicKey) -> PinDecision {
    match pinned {
        None => PinDecision::FirstUse(PendingPin(*presented)),
        Some(old) if old == presented => PinDecision::Match(PinnedPeer(*presented)),
        Some(old) => PinDecision::Changed { old: *old, pending: PendingPin(*presented) },
    }
}

/// A peer whose proven key is the pinned one.
#[derive(Debug, PartialEq, Eq)]
pub struct PinnedPeer(PublicKey);

/// A peer whose proven key is not pinned for this contact: good up to the comparison (gate G1).
#[derive(Debug, PartialEq, Eq)]
pub struct PendingPin(PublicKey);

/// A peer with whom the two people compared, and both found the same. Opening gate G2 consumes it.
#[derive(Debug, PartialEq, Eq)]
pub struct ComparedPeer {
    key: PublicKey,
    method: Method,
}

/// How the people compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Session words.
    Words,
    /// Session digits.
    Digits,
    /// The pair's fingerprint.
    Fingerprint,
    /// The pair's QR code.
    Qr,
    /// On the telephone.
    Phone,
    /// Face to face.
    InPerson,
    /// Face to face, from the therapist's printed card.
    Card,
}

impl Method {
    /// As the event log has it (PROTOCOL §6.4).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Digits => "digits",
            Self::Fingerprint => "fingerprint",
            Self::Qr => "qr",
            Self::Phone => "phone",
            Self::InPerson => "in-person",
            Self::Card => "card",
        }
    }
}

/// What both sides said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How.
    pub method: Method,
    /// The person here picked what belongs to this session.
    pub local_same: bool,
    /// The other side's authenticated result, `SAS_RESULT = 1`.
    pub remote_same: bool,
}

/// The comparison failed: the session ends (PROTOCOL §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The person here heard something else.
    #[error("different here")]
    Local,
    /// The other side said so. Alone it never blocks a verified contact.
    #[error("different on the other side")]
    Remote,
}

impl PinnedPeer {
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.0
    }

    /// The outcome of a comparison with this peer.
    ///
    /// # Errors
    /// [`Mismatch`] if either side found a difference.
    pub fn compared(&self, comparison: Comparison) -> Result<ComparedPeer, Mismatch> {
        compared(self.0, comparison)
    }
}

impl PendingPin {
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.0
    }

    /// Pins the key for a contact of its own, unverified: after a first use, or beside the contact whose key changed.
    #[must_use]
    pub const fn pin_as_new_contact(self) -> PinnedPeer {
        PinnedPeer(self.0)
    }

    /// The outcome of a comparison with this peer.
    ///
    /// # Errors
    /// [`Mismatch`] if either side found a difference.
    pub fn compared(&self, comparison: Comparison) -> Result<ComparedPeer, Mismatch> {
        compared(self.0, comparison)
    }
}

impl ComparedPeer {
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// How it was compared.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }
}

const fn compared(key: PublicKey, comparison: Comparison) -> Result<ComparedPeer, Mismatch> {
    match comparison {
        Comparison { local_same: false, .. } => Err(Mismatch::Local),
        Comparison { remote_same: false, .. } => Err(Mismatch::Remote),
        Comparison { method, .. } => Ok(ComparedPeer { key, method }),
    }
}
