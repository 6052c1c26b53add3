//! Rekey between honest sides, and against whoever holds the running epoch's root.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{
    Forger,
    kat::{Script, hex, pinned_contact, unhex, vectors},
};

type Opened = (Secret<64>, RekeyPsk, RekeyProof);

struct Pair {
    client: RekeyTerms,
    therapist: RekeyTerms,
    at_client: Opened,
    at_therapist: Opened,
}

/// A pinned session of the vectors, with epoch 0 opened on both sides.
fn pair() -> Pair {
    let ((i, at_i), (r, at_r)) = pinned_contact();
    let (client, therapist) = (RekeyTerms::new(&at_i, i), RekeyTerms::new(&at_r, r));
    let at_client = EpochRoot::first(&at_i).open(&client);
    let at_therapist = EpochRoot::first(&at_r).open(&therapist);
    Pair { client, therapist, at_client, at_therapist }
}

/// Randomness that differs between calls with another `byte`.
fn script(byte: u8) -> Script {
    Script::new(&[&[byte; 32], &[byte; 64]])
}

fn rekey(pair: &Pair, epoch: u8) -> (Opened, Opened) {
    let (state, rk1) = AwaitRk2::start(&pair.client, epoch, &pair.at_client.1, &mut script(epoch));
    let (rk2, root) = pair.therapist.respond(epoch, &pair.at_therapist.1, &rk1, &mut script(epoch + 100)).unwrap();
    let at_client = state.read(&pair.client, &rk2).unwrap();
    (at_client.open(&pair.client), root.open(&pair.therapist))
}

#[test]
fn kat_tsp1_rekey() {
    let kat = vectors();
    let pair = pair();
    for (root, psk, _) in [&pair.at_client, &pair.at_therapist] {
        assert_eq!(hex(root.expose()), kat["kk_epoch_root0"]);
        assert_eq!(hex(psk.0.expose()), kat["rekey_psk0_epoch1"]);
    }
    let prologue = crate::kat::extra("rekey prologue epoch 1 (vr 0x11, version 1)");
    assert_eq!([hex(&pair.client.prologue(1)), hex(&pair.therapist.prologue(1))], [prologue.clone(), prologue]);
    let h = pair.client.noise(1, &pair.at_client.1, &mut script(1)).hash();
    assert_eq!(hex(&h), crate::kat::extra("rekey Noise h after prologue and statics"));
    assert_eq!(unhex(&hex(&h)).len(), 64);
}

#[test]
fn both_sides_get_the_same_root_and_a_new_one_each_time() {
    let mut pair = pair();
    let mut roots = vec![*pair.at_client.0.expose()];
    for epoch in 1..=3 {
        (pair.at_client, pair.at_therapist) = rekey(&pair, epoch);
        assert_eq!(pair.at_client.0.expose(), pair.at_therapist.0.expose());
        assert!(pair.at_therapist.2.is(&pair.at_client.2.to_wire()));
        assert!(!pair.at_therapist.2.is(&[0; 32]));
        assert!(!roots.contains(pair.at_client.0.expose()), "epoch {epoch}");
        roots.push(*pair.at_client.0.expose());
    }
}

#[test]
fn a_changed_byte_of_rk1_fails_at_the_responder() {
    let pair = pair();
    let (_, rk1) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
    for at in 0..RK1_LEN {
        let mut changed = rk1.clone();
        changed[at] ^= 1;
        assert!(pair.therapist.respond(1, &pair.at_therapist.1, &changed, &mut script(2)).is_err(), "byte {at}");
    }
}

#[test]
fn a_changed_byte_of_rk2_fails_at_the_initiator() {
    let pair = pair();
    let (_, rk1) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
    let (rk2, _) = pair.therapist.respond(1, &pair.at_therapist.1, &rk1, &mut script(2)).unwrap();
    // Also in the ciphertext, where ML-KEM itself does not notice: the tag does.
    for at in (0..RK2_LEN).step_by(7).chain([RK2_LEN - 1]) {
        let (state, _) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
        let mut changed = rk2.clone();
        changed[at] ^= 1;
        assert!(state.read(&pair.client, &changed).is_err(), "byte {at}");
    }
    let (state, _) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
    assert!(state.read(&pair.client, &rk2).is_ok(), "the honest one is read");
}

/// How far somebody with the root of the running epoch and these secret keys comes who passes for the client: whether the
/// therapist takes RK1, and RK3.
fn as_the_client(pair: &Pair, held: &[&IdentityKey]) -> [bool; 2] {
    let forger = Forger::new(*pair.client.own(), *pair.therapist.own(), held);
    let mut noise = forger.noise(Role::Initiator, &pair.at_client.1.0, &pair.client.prologue(1), &Secret::new([7; 32]));
    let kem = KemSecret::from_seed(&Secret::new([8; 64]));
    let mut rk1 = [0; RK1_LEN];
    noise.write(kem.encapsulation_key(), &mut rk1).unwrap();
    let (rk2, root) = match pair.therapist.respond(1, &pair.at_therapist.1, &rk1, &mut script(2)) {
        Ok(answered) => answered,
        Err(fault) => {
            assert_eq!(fault, HandshakeFault::Decrypt);
            return [false; 2];
        }
    };
    let (_, _, proof) = AwaitRk2 { noise, kem, epoch: 1 }.read(&pair.client, &rk2).unwrap().open(&pair.client);
    [true, root.open(&pair.therapist).2.is(&proof.to_wire())]
}

/// Whether the client takes RK2 of somebody with the root of the running epoch and these secret keys who passes for the
/// therapist. He is told what he would have to read in RK1, so that ML-KEM does not stand in his way.
fn as_the_therapist(pair: &Pair, held: &[&IdentityKey]) -> bool {
    let (state, rk1) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
    let forger = Forger::new(*pair.therapist.own(), *pair.client.own(), held);
    let prologue = pair.therapist.prologue(1);
    let mut noise = forger.noise(Role::Responder, &pair.at_therapist.1.0, &prologue, &Secret::new([7; 32]));
    noise.read(&*rk1, true, &mut [0; EK_LEN]).unwrap();
    let (ct, psk2) = kem::encapsulate(state.kem.encapsulation_key(), &Secret::new([8; 32])).unwrap();
    noise.set_psk2(&psk2);
    let mut rk2 = [0; RK2_LEN];
    rk2[..CT_LEN].copy_from_slice(&*ct);
    noise.write(&[], &mut rk2[CT_LEN..]).unwrap();
    match state.read(&pair.client, &rk2) {
        Ok(root) => {
            let same = pair.therapist.root(noise, 1).open(&pair.therapist).2;
            assert!(same.is(&root.open(&pair.client).2.to_wire()), "both come to the same root");
            true
        }
        Err(fault) => {
            assert_eq!(fault, HandshakeFault::Decrypt);
            false
        }
    }
}

/// `rekey_pcs_old_root_useless`: with the root of the running epoch and both public keys, but neither secret one, nobody
/// gets between. The cases differ by single secrets, so that each says which output of X25519 stands in the way.
#[test]
fn the_old_root_alone_opens_no_new_epoch() {
    let pair = pair();
    let (i, r) = (&pair.client.own, &pair.therapist.own);
    let ephemeral = |byte| IdentityKey::from_bytes(&Secret::new([byte; 32]));
    // He passes for the client …
    let of_the_therapist = &ephemeral(2);
    assert_eq!(as_the_client(&pair, &[]), [false; 2], "the root alone: neither `ss` nor `se`");
    assert_eq!(as_the_client(&pair, &[of_the_therapist]), [false; 2], "no `ss`");
    assert_eq!(as_the_client(&pair, &[r]), [true, false], "`ss`, but no `se`");
    assert_eq!(as_the_client(&pair, &[r, of_the_therapist]), [true; 2], "control: both");
    assert_eq!(as_the_client(&pair, &[i]), [true; 2], "control: the client's own key");
    // … and for the therapist.
    let of_the_client = &ephemeral(1);
    assert!(!as_the_therapist(&pair, &[]), "the root alone: neither `ss` nor `es`");
    assert!(!as_the_therapist(&pair, &[of_the_client]), "no `ss`");
    assert!(!as_the_therapist(&pair, &[i]), "`ss`, but no `es`");
    assert!(as_the_therapist(&pair, &[i, of_the_client]), "control: both");
    assert!(as_the_therapist(&pair, &[r]), "control: the therapist's own key");
}

/// Somebody who recorded RK1 and RK2 and has every X25519 secret of both sides and the root of the running epoch, but not the
/// secret of ML-KEM, can't read RK2 and comes to another root.
#[test]
fn every_x25519_secret_without_that_of_ml_kem_opens_no_new_epoch() {
    let pair = pair();
    let (state, rk1) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
    let (rk2, root) = pair.therapist.respond(1, &pair.at_therapist.1, &rk1, &mut script(2)).unwrap();
    let (ct, message) = rk2.split_first_chunk::<CT_LEN>().unwrap();
    let ek = state.kem.encapsulation_key();
    // He is the client again, as far as X25519 goes: RK1 comes out the same.
    let replay = |mut noise: Noise, psk2: &Secret<32>| {
        let mut again = [0; RK1_LEN];
        noise.write(ek, &mut again).unwrap();
        assert_eq!(again, *rk1, "he has all but ML-KEM");
        noise.set_psk2(psk2);
        noise.read(message, true, &mut []).map(|_| pair.client.root(noise, 1).root)
    };
    let honest = || pair.client.noise(1, &pair.at_client.1, &mut script(1));
    let forger = Forger::new(*pair.client.own(), *pair.therapist.own(), &[&pair.client.own, &pair.therapist.own]);
    let careless =
        || forger.noise(Role::Initiator, &pair.at_client.1.0, &pair.client.prologue(1), &Secret::new([1; 32]));
    // Key and ciphertext were sent, so that he has all that `psk2` is made of but the shared secret.
    for guess in [Secret::new([0; 32]), kem::combine(&[0; 32], ek, ct), kem::combine(&[0x5a; 32], ek, ct)] {
        assert_eq!(replay(honest(), &guess).err(), Some(HandshakeFault::Decrypt));
        let come_to = replay(careless(), &guess).unwrap();
        assert_ne!(come_to.expose(), root.root.expose());
    }
    // Controls: with it, the same steps get through.
    let psk2 = state.kem.psk2(ct);
    for noise in [honest(), careless()] {
        assert_eq!(replay(noise, &psk2).unwrap().expose(), root.root.expose());
    }
}

/// He who only listens, with the old root and both long-term keys, still lacks the fresh keys of both sides.
#[test]
fn the_new_root_depends_on_fresh_keys_of_both_sides() {
    let pair = pair();
    // What either side draws for X25519, and for ML-KEM.
    let root = |[client, client_kem, therapist, therapist_kem]: [u8; 4]| {
        let mut drawn = Script::new(&[&[client; 32], &[client_kem; 64]]);
        let (state, rk1) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut drawn);
        let mut drawn = Script::new(&[&[therapist; 32], &[therapist_kem; 32]]);
        let (rk2, _) = pair.therapist.respond(1, &pair.at_therapist.1, &rk1, &mut drawn).unwrap();
        *state.read(&pair.client, &rk2).unwrap().open(&pair.client).0.expose()
    };
    let drawn = [1, 2, 3, 4];
    assert_eq!(root(drawn), root(drawn));
    for at in 0..drawn.len() {
        let mut other = drawn;
        other[at] = 9;
        assert_ne!(root(drawn), root(other), "draw {at}");
    }
}

#[test]
fn messages_of_another_epoch_role_or_secret_fail() {
    let mut pair = pair();
    let (_, rk1) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
    assert!(pair.therapist.respond(2, &pair.at_therapist.1, &rk1, &mut script(2)).is_err(), "another epoch");
    assert!(pair.client.respond(1, &pair.at_client.1, &rk1, &mut script(2)).is_err(), "reflected");
    let wrong = RekeyPsk(Secret::new([0; 32]));
    assert!(pair.therapist.respond(1, &wrong, &rk1, &mut script(2)).is_err(), "another psk");
    (pair.at_client, pair.at_therapist) = rekey(&pair, 1);
    assert!(
        pair.therapist.respond(1, &pair.at_therapist.1, &rk1, &mut script(2)).is_err(),
        "replayed in the next epoch"
    );
    assert!(pair.therapist.respond(2, &pair.at_therapist.1, &rk1, &mut script(2)).is_err());
}

#[test]
fn bad_public_keys_are_refused_before_any_secret_is_used() {
    let pair = pair();
    let (_, rk1) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
    for bad in [[0; 32], [0xff; 32]] {
        let mut changed = rk1.clone();
        changed[..32].copy_from_slice(&bad);
        let fault = pair.therapist.respond(1, &pair.at_therapist.1, &changed, &mut script(2)).err();
        assert!(matches!(fault, Some(HandshakeFault::PublicKey | HandshakeFault::Decrypt)), "{fault:?}");
        let (rk2, _) = pair.therapist.respond(1, &pair.at_therapist.1, &rk1, &mut script(2)).unwrap();
        let (state, _) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
        let mut changed = rk2;
        changed[CT_LEN..CT_LEN + 32].copy_from_slice(&bad);
        let fault = state.read(&pair.client, &changed).err();
        assert!(matches!(fault, Some(HandshakeFault::PublicKey | HandshakeFault::Decrypt)), "{fault:?}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let pair = pair();
    let (state, _) = AwaitRk2::start(&pair.client, 1, &pair.at_client.1, &mut script(1));
    let (_, psk, proof) = &pair.at_client;
    let shown = format!("{:?} {state:?} {psk:?} {proof:?}", pair.client);
    assert_eq!(shown, "RekeyTerms(…) AwaitRk2(…) RekeyPsk(…) RekeyProof(…)");
}
