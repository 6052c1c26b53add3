//! Key compromise impersonation (PROTOCOL §4.3): who has stolen one side's key, and `K_psk` with it, is still not the other
//! side to it. In each test the cases differ by single secrets, so that each says which output of X25519 stands in the way.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{
    AwaitConfirm, AwaitKkHs2, HandshakeFault, Params, Purpose,
    kat::Script,
    kem::{EK_LEN, KemSecret},
};

const ADDRESS: [u8; 32] = [0xad; 32];
/// The ephemeral keys of the honest sides, first in what they draw.
const CLIENT_EPHEMERAL: [u8; 32] = [0x33; 32];
const THERAPIST_EPHEMERAL: [u8; 32] = [0x44; 32];
/// The seed of the client's ML-KEM key, second in what it draws.
const KEM_SEED: [u8; 64] = [0x55; 64];

fn key(bytes: [u8; 32]) -> IdentityKey {
    IdentityKey::from_bytes(&Secret::new(bytes))
}

fn client() -> IdentityKey {
    key([0x11; 32])
}

fn therapist() -> IdentityKey {
    key([0x22; 32])
}

fn psk() -> Secret<32> {
    Secret::new([0x95; 32])
}

/// What the forger draws.
fn chance() -> Script {
    Script::new(&[&[0x77; 512]])
}

/// What becomes of somebody with these secrets who passes for the client: whether the therapist takes HS1, and CONFIRM.
fn as_the_client(held: &[&IdentityKey]) -> [Result<(), HandshakeFault>; 2] {
    let forger = Forger::new(*client().public(), *therapist().public(), held);
    let params = Params::initiator(Purpose::Pinned, ADDRESS, psk(), 1);
    let (state, hs1) = AwaitKkHs2::forge(params, &forger, &mut chance());
    let params = Params::responder(Purpose::Pinned, ADDRESS, psk(), &hs1);
    let mut drawn = Script::new(&[&THERAPIST_EPHEMERAL, &[0x66; 32], &[0x88; 32]]);
    let answered = AwaitConfirm::respond(params, &therapist(), client().public(), &hs1, &mut drawn);
    let (deceived, hs2) = match answered {
        Ok(answered) => answered,
        Err(fault) => return [Err(fault); 2],
    };
    let confirm = state.confirm_unread(&hs2, &mut chance()).unwrap();
    assert!(deceived.header_fits(&confirm[0]), "it is judged by its tag");
    [Ok(()), deceived.read(&confirm[0]).map(drop)]
}

#[test]
fn kci_with_the_therapists_key_hs1_passes_and_confirm_does_not() {
    let (i, r, ephemeral) = (&client(), &therapist(), &key(THERAPIST_EPHEMERAL));
    let refused = Err(HandshakeFault::Decrypt);
    assert_eq!(as_the_client(&[]), [refused; 2], "psk0 and both public keys alone: no `ss`");
    assert_eq!(as_the_client(&[r]), [Ok(()), refused], "the stolen key gives `ss`, but no `se`");
    assert_eq!(as_the_client(&[ephemeral]), [refused; 2], "`se` alone gives no `ss`");
    // Controls: with that one output, or with the client's own key, the same steps get through.
    assert_eq!(as_the_client(&[r, ephemeral]), [Ok(()); 2]);
    assert_eq!(as_the_client(&[i]), [Ok(()); 2]);
}

/// What the client makes of HS2 by somebody with these secrets who passes for the therapist.
fn as_the_therapist(held: &[&IdentityKey], told: Option<&[u8; EK_LEN]>) -> Result<(), HandshakeFault> {
    let params = Params::initiator(Purpose::Pinned, ADDRESS, psk(), 1);
    let mut drawn = Script::new(&[&CLIENT_EPHEMERAL, &KEM_SEED, &[0x99; 32]]);
    let (deceived, hs1) = AwaitKkHs2::start(params, &client(), therapist().public(), &mut drawn);
    let forger = Forger::new(*therapist().public(), *client().public(), held);
    let params = Params::responder(Purpose::Pinned, ADDRESS, psk(), &hs1);
    let hs2 = AwaitConfirm::forge(&params, &forger, &hs1, told, &mut chance()).unwrap();
    assert!(deceived.header_fits(&hs2), "it is judged by its tag");
    deceived.read(&hs2, [None, None], &mut chance()).map(drop)
}

/// Also when it is told what it would have to read in HS1, so that ML-KEM does not stand in its way.
#[test]
fn kci_with_the_clients_key_no_hs2_passes() {
    let (i, r, ephemeral) = (&client(), &therapist(), &key(CLIENT_EPHEMERAL));
    let kem = KemSecret::from_seed(&Secret::new(KEM_SEED));
    let refused = Err(HandshakeFault::Decrypt);
    for told in [None, Some(kem.encapsulation_key())] {
        let is_told = told.is_some();
        assert_eq!(as_the_therapist(&[], told), refused, "psk0 and both public keys alone; told: {is_told}");
        assert_eq!(as_the_therapist(&[i], told), refused, "the stolen key gives `ss`, but no `es`; told: {is_told}");
        assert_eq!(as_the_therapist(&[ephemeral], told), refused, "`es` alone gives no `ss`; told: {is_told}");
        // Controls: with that one output, or with the therapist's own key, the same steps get through.
        assert_eq!(as_the_therapist(&[i, ephemeral], told), Ok(()), "told: {is_told}");
        assert_eq!(as_the_therapist(&[r], told), Ok(()), "told: {is_told}");
    }
}
