//! What a side is made from.

use sotto_call::{Config, Now, Room, ServerUrl};
use sotto_identity::{
    IdentityKey, Secret,
    records::{ContactRecord, InviteRecord},
};
use sotto_session_api::ProfileRole;
use sotto_wire::{Candidate, CandidateKind};

/// The only server.
pub(crate) const URL: &str = "ws://127.0.0.1:7000/v1";

pub(crate) fn candidate(kind: CandidateKind) -> Candidate {
    Candidate { attempt: 0, kind, priority: 1, foundation: "1".into(), ip: [192, 0, 2, 7].into(), port: 49_152 }
}

pub(crate) const fn mailbox_now(now: Now) -> sotto_mailbox::Now {
    sotto_mailbox::Now { mono_ms: now.mono_ms, unix_s: now.unix }
}

pub(crate) fn room(
    role: ProfileRole,
    identity: Option<&IdentityKey>,
    device_secret: Secret<32>,
    contacts: Vec<ContactRecord>,
    invites: Vec<InviteRecord>,
    relay_only: bool,
    rekey_every_s: u32,
) -> Room {
    Room::new(Config {
        role,
        identity: identity.cloned(),
        device_secret,
        contacts,
        invites,
        rendezvous: Some(ServerUrl(URL.into())),
        relay_only,
        rekey_every_s,
    })
}
