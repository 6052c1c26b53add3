//! The plaintext of the body. Secrets have no `serde`; these private mirrors have, and erase themselves.

use serde::{Deserialize, Serialize};
use sotto_identity::{
    Secret,
    records::{ContactRecord, InviteRecord, InviteState, VerificationState},
};
use sotto_session_api::ProfileRole;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{Profile, VaultError};

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Body {
    version: u8,
    therapist: bool,
    identity: Option<[u8; 32]>,
    device_secret: [u8; 32],
    contacts: Vec<Contact>,
    invites: Vec<Invite>,
    rendezvous: Option<String>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Contact {
    id: u64,
    label: String,
    own_secret: Option<[u8; 32]>,
    peer_public: [u8; 32],
    psk: [u8; 32],
    rendezvous_key: [u8; 32],
    continuity: Option<[u8; 32]>,
    continuity_previous: Option<[u8; 32]>,
    started: bool,
    pairing: bool,
    state: u8,
    compare_on_change: bool,
    peer_versions: u8,
    version_floor: u8,
    rendezvous: String,
    created: u64,
    verified_at: Option<u64>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Invite {
    contact: u64,
    label: String,
    psk0: [u8; 32],
    rendezvous_key: [u8; 32],
    context: [u8; 32],
    versions: u8,
    expiry: u64,
    attempts: u8,
    /// 64 bytes each.
    seen_hs1: Vec<u8>,
    state: u8,
    used_by: Option<[u8; 32]>,
}

fn expose(secret: Option<&Secret<32>>) -> Option<[u8; 32]> {
    secret.map(|secret| *secret.expose())
}

pub(crate) fn encode(profile: &Profile) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let body = Body {
        version: 1,
        therapist: profile.role == ProfileRole::Therapist,
        identity: expose(profile.identity.as_ref()),
        device_secret: *profile.device_secret.expose(),
        contacts: profile.contacts.iter().map(contact).collect(),
        invites: profile.invites.iter().map(invite).collect(),
        rendezvous: profile.rendezvous.clone(),
    };
    // Room for everything at once, so that no half-written copy is left behind by a growing buffer.
    let room = 4096 + 1024 * body.contacts.len() + body.invites.iter().map(|i| 1024 + i.seen_hs1.len()).sum::<usize>();
    let mut buffer = Zeroizing::new(vec![0; room + 4 * labels(profile)]);
    let used = postcard::to_slice(&body, &mut buffer).map_err(|error| std::io::Error::other(error.to_string()))?.len();
    buffer.truncate(used);
    Ok(buffer)
}

fn labels(profile: &Profile) -> usize {
    profile.contacts.iter().map(|c| c.label.len() + c.rendezvous.len()).sum::<usize>()
        + profile.invites.iter().map(|i| i.label.len()).sum::<usize>()
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Profile> {
    let body: Body = postcard::from_bytes(bytes).ok()?;
    if body.version != 1 {
        return None;
    }
    Some(Profile {
        role: if body.therapist { ProfileRole::Therapist } else { ProfileRole::Client },
        identity: body.identity.map(Secret::new),
        device_secret: Secret::new(body.device_secret),
        contacts: body.contacts.iter().map(contact_record).collect::<Option<_>>()?,
        invites: body.invites.iter().map(invite_record).collect::<Option<_>>()?,
        rendezvous: body.rendezvous.clone(),
    })
}

fn contact(record: &ContactRecord) -> Contact {
    Contact {
        id: record.id,
        label: record.label.clone(),
        own_secret: expose(record.own_secret.as_ref()),
        peer_public: record.peer_public,
        psk: *record.psk.expose(),
        rendezvous_key: *record.rendezvous_key.expose(),
        continuity: expose(record.continuity.as_ref()),
        continuity_previous: expose(record.continuity_previous.as_ref()),
        started: record.started,
        pairing: record.pairing,
        state: match record.state {
            VerificationState::Unverified => 0,
            VerificationState::Verified => 1,
            VerificationState::Mismatch => 2,
        },
        compare_on_change: record.compare_on_change,
        peer_versions: record.peer_versions,
        version_floor: record.version_floor,
        rendezvous: record.rendezvous.clone(),
        created: record.created,
        verified_at: record.verified_at,
    }
}

fn contact_record(stored: &Contact) -> Option<ContactRecord> {
    Some(ContactRecord {
        id: stored.id,
        label: stored.label.clone(),
        own_secret: stored.own_secret.map(Secret::new),
        peer_public: stored.peer_public,
        psk: Secret::new(stored.psk),
        rendezvous_key: Secret::new(stored.rendezvous_key),
        continuity: stored.continuity.map(Secret::new),
        continuity_previous: stored.continuity_previous.map(Secret::new),
        started: stored.started,
        pairing: stored.pairing,
        state: match stored.state {
            0 => VerificationState::Unverified,
            1 => VerificationState::Verified,
            2 => VerificationState::Mismatch,
            _ => return None,
        },
        compare_on_change: stored.compare_on_change,
        peer_versions: stored.peer_versions,
        version_floor: stored.version_floor,
        rendezvous: stored.rendezvous.clone(),
        created: stored.created,
        verified_at: stored.verified_at,
    })
}

fn invite(record: &InviteRecord) -> Invite {
    let (state, used_by) = match record.state {
        InviteState::Fresh => (0, None),
        InviteState::Consumed { peer_public, confirmed } => (1 + u8::from(confirmed), Some(peer_public)),
        InviteState::Burned => (3, None),
    };
    Invite {
        contact: record.contact,
        label: record.label.clone(),
        psk0: *record.psk0.expose(),
        rendezvous_key: *record.rendezvous_key.expose(),
        context: record.context,
        versions: record.versions,
        expiry: record.expiry,
        attempts: record.attempts,
        seen_hs1: record.seen_hs1.concat(),
        state,
        used_by,
    }
}

fn invite_record(stored: &Invite) -> Option<InviteRecord> {
    let state = match (stored.state, stored.used_by) {
        (0, None) => InviteState::Fresh,
        (1, Some(peer_public)) => InviteState::Consumed { peer_public, confirmed: false },
        (2, Some(peer_public)) => InviteState::Consumed { peer_public, confirmed: true },
        (3, None) => InviteState::Burned,
        _ => return None,
    };
    let (hashes, rest) = stored.seen_hs1.as_chunks::<64>();
    rest.is_empty().then(|| InviteRecord {
        contact: stored.contact,
        label: stored.label.clone(),
        psk0: Secret::new(stored.psk0),
        rendezvous_key: Secret::new(stored.rendezvous_key),
        context: stored.context,
        versions: stored.versions,
        expiry: stored.expiry,
        attempts: stored.attempts,
        seen_hs1: hashes.to_vec(),
        state,
    })
}
