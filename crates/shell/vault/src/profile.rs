//! What a profile is.

use sotto_identity::{
    Secret,
    records::{ContactRecord, InviteRecord},
};
use sotto_session_api::ProfileRole;

use crate::{VaultError, random_secret};

/// Everything durable of one person on one computer.
#[derive(Clone)]
pub struct Profile {
    /// Whose.
    pub role: ProfileRole,
    /// The therapist's identity key; a client has one per contact.
    pub identity: Option<Secret<32>>,
    /// Owner tags come from it; it never leaves this computer, not even in a move (PROTOCOL §9.1).
    pub device_secret: Secret<32>,
    /// Paired people.
    pub contacts: Vec<ContactRecord>,
    /// Open and used invites, until they expire.
    pub invites: Vec<InviteRecord>,
    /// Rendezvous server for new invites.
    pub rendezvous: Option<String>,
}

impl Profile {
    pub(crate) fn new(role: ProfileRole) -> Result<Self, VaultError> {
        let identity = match role {
            ProfileRole::Therapist => Some(random_secret()?),
            ProfileRole::Client => None,
        };
        let device_secret = random_secret()?;
        Ok(Self { role, identity, device_secret, contacts: Vec::new(), invites: Vec::new(), rendezvous: None })
    }
}
