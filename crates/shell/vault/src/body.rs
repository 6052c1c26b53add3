//! The plaintext of a vault: a version byte and a postcard record. These mirrors of the profile's types are the format.

use serde::{Deserialize, Serialize};
use sotto_identity::{
    Secret,
    event_log::EventLog,
    records::{ContactRecord, InviteRecord, InviteState, VerificationState},
};
use sotto_session_api::ProfileRole;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{Profile, VaultError, container::too_large};

/// 2: the event log follows the record. A body of version 1 is read, with an empty log.
const VERSION: u8 = 2;

type Bytes32 = [u8; 32];

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Body {
    is_therapist: bool,
    identity: Option<Bytes32>,
    device_secret: Bytes32,
    contacts: Vec<Contact>,
    invites: Vec<Invite>,
    rendezvous: Option<String>,
    name: Option<String>,
}

#[derive(Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Log {
    start: Bytes32,
    lines: Vec<(String, Bytes32)>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Contact {
    id: u64,
    label: String,
    own_secret: Option<Bytes32>,
    peer_public: Bytes32,
    psk: Bytes32,
    rendezvous_key: Bytes32,
    continuity: Option<Bytes32>,
    continuity_previous: Option<Bytes32>,
    started: bool,
    pairing: bool,
    /// 0 unverified, 1 verified, 2 mismatch.
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
    psk0: Bytes32,
    rendezvous_key: Bytes32,
    context: Bytes32,
    versions: u8,
    expiry: u64,
    attempts: u8,
    /// SHA-512 in two halves.
    seen_hs1: Vec<(Bytes32, Bytes32)>,
    is_burned: bool,
    /// Who used it, and whether that was confirmed.
    consumed: Option<(Bytes32, bool)>,
}

/// The body of a profile.
pub(crate) fn encode(profile: &Profile) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let body = Body {
        is_therapist: profile.role == ProfileRole::Therapist,
        identity: bytes(profile.identity.as_ref()),
        device_secret: *profile.device_secret.expose(),
        contacts: profile.contacts.iter().map(contact_out).collect(),
        invites: profile.invites.iter().map(invite_out).collect(),
        rendezvous: profile.rendezvous.clone(),
        name: profile.name.clone(),
    };
    // Measured first, so that no growing buffer leaves copies behind.
    let log = Log { start: profile.log.start, lines: profile.log.lines.clone() };
    let parts = (&body, &log);
    let len = postcard::experimental::serialized_size(&parts).map_err(|_| too_large())?;
    let mut out = Zeroizing::new(vec![0; 1 + len]);
    out[0] = VERSION;
    postcard::to_slice(&parts, &mut out[1..]).map_err(|_| too_large())?;
    Ok(out)
}

/// The profile of a body that the key has opened.
pub(crate) fn decode(bytes: &[u8]) -> Result<Profile, VaultError> {
    let (&version, rest) = bytes.split_first().ok_or(VaultError::Open)?;
    if version == 0 || version > VERSION {
        let newer = std::io::Error::new(std::io::ErrorKind::Unsupported, "written by a newer version");
        return Err(VaultError::Io(newer));
    }
    let (body, left) = postcard::take_from_bytes::<Body>(rest).map_err(|_| VaultError::Open)?;
    let (log, left) = match version {
        1 => (Log::default(), left),
        _ => postcard::take_from_bytes::<Log>(left).map_err(|_| VaultError::Open)?,
    };
    if !left.is_empty() {
        return Err(VaultError::Open);
    }
    Ok(Profile {
        role: if body.is_therapist { ProfileRole::Therapist } else { ProfileRole::Client },
        identity: body.identity.map(Secret::new),
        device_secret: Secret::new(body.device_secret),
        contacts: body.contacts.iter().map(contact_in).collect::<Result<_, _>>()?,
        invites: body.invites.iter().map(invite_in).collect(),
        rendezvous: body.rendezvous.clone(),
        name: body.name.clone(),
        log: EventLog { start: log.start, lines: log.lines.clone() },
    })
}

fn bytes(secret: Option<&Secret<32>>) -> Option<Bytes32> {
    secret.map(|secret| *secret.expose())
}

fn contact_out(contact: &ContactRecord) -> Contact {
    Contact {
        id: contact.id,
        label: contact.label.clone(),
        own_secret: bytes(contact.own_secret.as_ref()),
        peer_public: contact.peer_public,
        psk: *contact.psk.expose(),
        rendezvous_key: *contact.rendezvous_key.expose(),
        continuity: bytes(contact.continuity.as_ref()),
        continuity_previous: bytes(contact.continuity_previous.as_ref()),
        started: contact.started,
        pairing: contact.pairing,
        state: match contact.state {
            VerificationState::Unverified => 0,
            VerificationState::Verified => 1,
            VerificationState::Mismatch => 2,
        },
        compare_on_change: contact.compare_on_change,
        peer_versions: contact.peer_versions,
        version_floor: contact.version_floor,
        rendezvous: contact.rendezvous.clone(),
        created: contact.created,
        verified_at: contact.verified_at,
    }
}

fn contact_in(contact: &Contact) -> Result<ContactRecord, VaultError> {
    Ok(ContactRecord {
        id: contact.id,
        label: contact.label.clone(),
        own_secret: contact.own_secret.map(Secret::new),
        peer_public: contact.peer_public,
        psk: Secret::new(contact.psk),
        rendezvous_key: Secret::new(contact.rendezvous_key),
        continuity: contact.continuity.map(Secret::new),
        continuity_previous: contact.continuity_previous.map(Secret::new),
        started: contact.started,
        pairing: contact.pairing,
        state: match contact.state {
            0 => VerificationState::Unverified,
            1 => VerificationState::Verified,
            2 => VerificationState::Mismatch,
            _ => return Err(VaultError::Open),
        },
        compare_on_change: contact.compare_on_change,
        peer_versions: contact.peer_versions,
        version_floor: contact.version_floor,
        rendezvous: contact.rendezvous.clone(),
        created: contact.created,
        verified_at: contact.verified_at,
    })
}

fn invite_out(invite: &InviteRecord) -> Invite {
    let halves = |hash: &[u8; 64]| {
        let mut pair = ([0; 32], [0; 32]);
        pair.0.copy_from_slice(&hash[..32]);
        pair.1.copy_from_slice(&hash[32..]);
        pair
    };
    Invite {
        contact: invite.contact,
        label: invite.label.clone(),
        psk0: *invite.psk0.expose(),
        rendezvous_key: *invite.rendezvous_key.expose(),
        context: invite.context,
        versions: invite.versions,
        expiry: invite.expiry,
        attempts: invite.attempts,
        seen_hs1: invite.seen_hs1.iter().map(halves).collect(),
        is_burned: invite.state == InviteState::Burned,
        consumed: match invite.state {
            InviteState::Consumed { peer_public, confirmed } => Some((peer_public, confirmed)),
            InviteState::Fresh | InviteState::Burned => None,
        },
    }
}

fn invite_in(invite: &Invite) -> InviteRecord {
    let whole = |(first, second): &(Bytes32, Bytes32)| {
        let mut hash = [0; 64];
        hash[..32].copy_from_slice(first);
        hash[32..].copy_from_slice(second);
        hash
    };
    InviteRecord {
        contact: invite.contact,
        label: invite.label.clone(),
        psk0: Secret::new(invite.psk0),
        rendezvous_key: Secret::new(invite.rendezvous_key),
        context: invite.context,
        versions: invite.versions,
        expiry: invite.expiry,
        attempts: invite.attempts,
        seen_hs1: invite.seen_hs1.iter().map(whole).collect(),
        state: match (invite.is_burned, invite.consumed) {
            (true, _) => InviteState::Burned,
            (false, Some((peer_public, confirmed))) => InviteState::Consumed { peer_public, confirmed },
            (false, None) => InviteState::Fresh,
        },
    }
}
