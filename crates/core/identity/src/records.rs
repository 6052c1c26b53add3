//! What is stored about contacts and invites (PROTOCOL §2.2, §3.1).

use crate::{ComparedPeer, IdentityKey, KeyFault, PublicKey, Secret};

/// Everything durable about one relationship.
#[derive(Clone)]
pub struct ContactRecord {
    /// Local, random.
    pub id: u64,
    /// Private label (therapist) or a neutral one (client).
    pub label: String,
    /// This side's static key for the relationship; `None` on the therapist's side: the profile key.
    pub own_secret: Option<Secret<32>>,
    /// The pin: the other side's public key.
    pub peer_public: [u8; 32],
    /// `K_psk`.
    pub psk: Secret<32>,
    /// `K_rdv`.
    pub rendezvous_key: Secret<32>,
    /// Current continuity secret.
    pub continuity: Option<Secret<32>>,
    /// Previous one, only while a commit is unconfirmed.
    pub continuity_previous: Option<Secret<32>>,
    /// A session was completed up to POLICY.
    pub started: bool,
    /// Pairing not yet acknowledged (client only).
    pub pairing: bool,
    /// Verification state.
    pub state: VerificationState,
    /// The comparison is asked only when something changed.
    pub compare_on_change: bool,
    /// Authenticated version range of the peer, as `vmin << 4 | vmax`.
    pub peer_versions: u8,
    /// Highest version ever completed.
    pub version_floor: u8,
    /// Rendezvous URL with an optional `#spki=` fragment.
    pub rendezvous: String,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds of the last comparison.
    pub verified_at: Option<u64>,
}

impl ContactRecord {
    /// The continuity secrets: current, previous (PROTOCOL §4.7).
    #[must_use]
    pub fn held_continuity(&self) -> [Option<&Secret<32>>; 2] {
        [self.continuity.as_ref(), self.continuity_previous.as_ref()]
    }
}

/// `Unverified → Verified`, or `Mismatch` (PROTOCOL §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationState {
    /// Not compared.
    Unverified,
    /// Compared.
    Verified,
    /// Compared, and different: blocked.
    Mismatch,
}

/// What the therapist stores about an invite until it expires; the secret itself is not stored.
#[derive(Clone)]
pub struct InviteRecord {
    /// The contact that it will become.
    pub contact: u64,
    /// Private label.
    pub label: String,
    /// `psk0` (long invite). Spoken codes are not stored: the app must be open.
    pub psk0: Secret<32>,
    /// `K_rdv` of the invite.
    pub rendezvous_key: Secret<32>,
    /// Prologue context, `H("invite ctx"; invite)[0..32]`.
    pub context: [u8; 32],
    /// Version range printed in the invite.
    pub versions: u8,
    /// Unix seconds.
    pub expiry: u64,
    /// Valid HS1 that no valid HS3 followed.
    pub attempts: u8,
    /// SHA-512 of every HS1 cell accepted.
    pub seen_hs1: Vec<[u8; 64]>,
    /// What became of it.
    pub state: InviteState,
}

/// State of an invite (PROTOCOL §11).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum InviteState {
    /// Not used.
    Fresh,
    /// Used by this key.
    Consumed {
        /// Who used it.
        peer_public: [u8; 32],
        /// The first POLICY of the new contact arrived.
        confirmed: bool,
    },
    /// Burned by attempts or revoked.
    Burned,
}

impl ContactRecord {
    /// The pin.
    ///
    /// # Errors
    /// [`KeyFault::NotCanonical`] if the stored bytes are no key, which only a damaged record can cause.
    pub fn peer(&self) -> Result<PublicKey, KeyFault> {
        PublicKey::from_bytes(&self.peer_public)
    }

    /// This side's key for the relationship: its own on the client's side, else the profile's.
    #[must_use]
    pub fn own_key(&self, profile: Option<&IdentityKey>) -> Option<IdentityKey> {
        self.own_secret.as_ref().map(IdentityKey::from_bytes).or_else(|| profile.cloned())
    }

    /// Records a comparison that both people passed. `unix_s` is the time of it.
    ///
    /// # Errors
    /// [`WrongPeer`] if it was a comparison with another key; the record is as before.
    pub fn mark_verified(&mut self, compared: &ComparedPeer, unix_s: u64) -> Result<(), WrongPeer> {
        if compared.key().as_bytes() != &self.peer_public {
            return Err(WrongPeer);
        }
        self.state = VerificationState::Verified;
        self.verified_at = Some(unix_s);
        Ok(())
    }
}

/// A comparison belongs to another contact. It is our mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("comparison with another key")]
pub struct WrongPeer;

/// Labels, keys and addresses stay out of logs.
impl core::fmt::Debug for ContactRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ContactRecord({:?})", self.state)
    }
}

/// Labels and keys stay out of logs.
impl core::fmt::Debug for InviteRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "InviteRecord({:?})", self.state)
    }
}

impl core::fmt::Debug for InviteState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Fresh => f.write_str("Fresh"),
            Self::Consumed { confirmed, .. } => write!(f, "Consumed({confirmed})"),
            Self::Burned => f.write_str("Burned"),
        }
    }
}
