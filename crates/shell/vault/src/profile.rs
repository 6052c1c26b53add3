//! What a profile holds.

use sotto_identity::{
    IdentityKey, Secret,
    event_log::EventLog,
    records::{ContactRecord, InviteRecord},
};
use sotto_session_api::ProfileRole;

/// Everything durable of one person on one device.
#[derive(Clone)]
pub struct Profile {
    /// Fixed when the vault is made.
    pub role: ProfileRole,
    /// The therapist's static key; `None` for a client, who has one per relationship.
    pub identity: Option<Secret<32>>,
    /// From which owner tags are made (PROTOCOL §9.1).
    pub device_secret: Secret<32>,
    /// Contacts.
    pub contacts: Vec<ContactRecord>,
    /// Invites, until they expire.
    pub invites: Vec<InviteRecord>,
    /// Rendezvous URL with an optional `#spki=` fragment.
    pub rendezvous: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// What happened (therapist).
    pub log: EventLog,
}

impl Profile {
    /// The therapist's key pair.
    #[must_use]
    pub fn identity_key(&self) -> Option<IdentityKey> {
        self.identity.as_ref().map(IdentityKey::from_bytes)
    }
}

/// Labels, keys and addresses stay out of logs.
impl core::fmt::Debug for Profile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Profile({:?})", self.role)
    }
}
