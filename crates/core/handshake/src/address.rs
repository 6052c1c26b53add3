//! Where two people who know each other meet on a rendezvous server (PROTOCOL §3.3, §9.1).

use sotto_identity::{Secret, derive};
use sotto_wire::Role;

/// Length of a slot, seconds.
pub const SLOT_S: u64 = 3600;
/// Clock difference that still meets, seconds.
pub const SKEW_S: u64 = 600;

/// The slots in which a side is present at `unix` seconds: ascending, one or two for this skew, never more than three.
/// The initiator starts in the newest slot where the responder is present.
#[must_use]
pub fn slots(unix: u64) -> Vec<u64> {
    let mut slots: Vec<u64> =
        [unix.saturating_sub(SKEW_S), unix, unix.saturating_add(SKEW_S)].map(|time| time / SLOT_S).into();
    slots.dedup();
    slots
}

/// `addr(K_rdv, slot)`: a random-looking mailbox id; two slots or two contacts cannot be linked by value.
#[must_use]
pub fn rendezvous_address(rendezvous_key: &Secret<32>, slot: u64) -> [u8; 32] {
    let prk = derive::extract(b"TSP1 rdv", rendezvous_key.expose());
    *derive::kdf::<32>(&prk, "mailbox", &slot.to_be_bytes()).expose()
}

/// Tag by which one device takes its own side of a mailbox over after a network change. `device_secret` is per vault.
#[must_use]
pub fn owner_tag(device_secret: &Secret<32>, mailbox: &[u8; 32], role: Role) -> [u8; 16] {
    let mut context = [0; 33];
    context[..32].copy_from_slice(mailbox);
    context[32] = role.direction();
    *derive::kdf::<16>(&derive::extract(b"TSP1 side", device_secret.expose()), "owner", &context).expose()
}
