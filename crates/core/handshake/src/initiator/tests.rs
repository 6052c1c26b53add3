//! Peers that hold the right keys and cheat all the same.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_wire::{CELL_BODY_LEN, tlv::Tag};

use super::*;
use crate::{
    AwaitConfirm, AwaitHs3, Purpose,
    kat::{Script, unhex},
    kem,
    noise::tests::{Claim, cheater},
};

const ADDRESS: [u8; 32] = [0xad; 32];
const PATTERNS: [Pattern; 2] = [Pattern::Xx, Pattern::Kk];
/// Canonical encodings of points of small order.
const SMALL_ORDER: [&str; 3] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
/// `p + 9`, a second encoding of the base point, and one with the top bit set.
const NOT_CANONICAL: [&str; 2] = [
    "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0900000000000000000000000000000000000000000000000000000000000080",
];

fn keys() -> (IdentityKey, IdentityKey) {
    (IdentityKey::from_bytes(&Secret::new([1; 32])), IdentityKey::from_bytes(&Secret::new([2; 32])))
}

fn purpose(pattern: Pattern) -> Purpose {
    match pattern {
        Pattern::Xx => Purpose::Code { context: [5; 32] },
        Pattern::Kk => Purpose::Pinned,
    }
}

fn client_params(pattern: Pattern) -> Params {
    Params::initiator(purpose(pattern), ADDRESS, Secret::new([9; 32]), 1)
}

fn therapist_params(pattern: Pattern, hs1: &Cell) -> Params {
    Params::responder(purpose(pattern), ADDRESS, Secret::new([9; 32]), hs1)
}

fn script(byte: u8) -> Script {
    Script::new(&[&[byte; 256]])
}

/// What an honest therapist makes of an HS1.
fn respond(pattern: Pattern, hs1: &Cell) -> Result<Cell, HandshakeFault> {
    let (client, therapist) = keys();
    let params = therapist_params(pattern, hs1);
    match pattern {
        Pattern::Xx => AwaitHs3::respond(params, &therapist, hs1, None, &mut script(4)).map(|(_, cell)| cell),
        Pattern::Kk => {
            AwaitConfirm::respond(params, &therapist, client.public(), hs1, &mut script(4)).map(|(_, cell)| cell)
        }
    }
}

/// An authentic HS1 with any payload.
fn hs1_with(pattern: Pattern, payload: &[u8], cheat: Option<(Claim, [u8; 32])>) -> Cell {
    let (client, therapist) = keys();
    let params = client_params(pattern);
    let (own, ephemeral) = (client.expose(), Secret::new([3; 32]));
    let start = Start {
        pattern,
        role: Role::Initiator,
        own: &own,
        peer: (pattern == Pattern::Kk).then_some(therapist.public().as_bytes()),
        psk0: &params.psk0,
        prologue: &params.prologue(),
        ephemeral: &ephemeral,
    };
    let mut noise = match cheat {
        None => Noise::start(&start),
        Some((claim, public)) => cheater(&start, claim, public),
    };
    let mut cell = Cell::with_header(CellType::Hs1, 1, 0x11);
    noise.write(payload, cell.body_mut()).unwrap();
    cell
}

fn good_ek() -> Vec<u8> {
    KemSecret::from_seed(&Secret::new([7; 64])).encapsulation_key().to_vec()
}

fn good_list() -> Tlvs {
    Tlvs::default().with(Tag::Commit, &[6; 32]).with_versions(VersionRange::OURS)
}

fn payload_of(ek: &[u8], list: &[u8]) -> Vec<u8> {
    let mut payload = [ek, list].concat();
    payload.resize(payload::HS1_LEN, 0);
    payload
}

/// Somebody who recorded HS1 and HS2 and has every X25519 secret of both sides and `psk0`, but not the secret of ML-KEM,
/// can't read HS2, whose tag hangs on what all later keys are made of.
#[test]
fn hs_every_x25519_secret_without_that_of_ml_kem_reads_no_hs2() {
    let (client, therapist) = keys();
    for pattern in PATTERNS {
        let peer = (pattern == Pattern::Kk).then_some(therapist.public());
        // He is the client again, as far as X25519 goes.
        let client = || Sent::start(&client_params(pattern), pattern, &client, peer, &mut script(3));
        let (state, hs1) = client();
        let hs2 = respond(pattern, &hs1).unwrap();
        let (ct, message) = hs2.body().split_first_chunk::<CT_LEN>().unwrap();
        let read = |psk2: &Secret<32>| {
            let (mut he, again) = client();
            assert_eq!(again, hs1, "he has all but ML-KEM");
            he.noise.set_psk2(psk2);
            he.noise.read(message, true, &mut [0; CELL_BODY_LEN]).map(drop)
        };
        // Key and ciphertext were sent, so that he has all that `psk2` is made of but the shared secret.
        let ek = state.kem.encapsulation_key();
        for guess in [Secret::new([0; 32]), kem::combine(&[0; 32], ek, ct), kem::combine(&[0x5a; 32], ek, ct)] {
            assert_eq!(read(&guess), Err(HandshakeFault::Decrypt), "{pattern:?}");
        }
        assert_eq!(read(&state.kem.psk2(ct)), Ok(()), "control: {pattern:?}");
    }
}

/// What either side draws for X25519, and for ML-KEM: each alone makes other keys.
#[test]
fn hs_keys_depend_on_each_draw() {
    let (client, therapist) = keys();
    let root = |pattern: Pattern, [at_i, kem_i, at_r, kem_r]: [u8; 4]| {
        let mut i = Script::new(&[&[at_i; 32], &[kem_i; 64], &[5; 32]]);
        let mut r = Script::new(&[&[at_r; 32], &[kem_r; 32], &[6; 32]]);
        let (params, peer) = (client_params(pattern), therapist.public());
        let established = if pattern == Pattern::Xx {
            let (state, hs1) = AwaitHs2::start(params, &client, None, &mut i);
            let params = therapist_params(pattern, &hs1);
            let (_, hs2) = AwaitHs3::respond(params, &therapist, &hs1, None, &mut r).unwrap();
            state.read(&hs2).unwrap().finish().unwrap().1
        } else {
            let (state, hs1) = AwaitKkHs2::start(params, &client, peer, &mut i);
            let params = therapist_params(pattern, &hs1);
            let (_, hs2) = AwaitConfirm::respond(params, &therapist, client.public(), &hs1, &mut r).unwrap();
            state.read(&hs2, [None, None], &mut script(7)).unwrap().0
        };
        *established.hs_root().expose()
    };
    for pattern in PATTERNS {
        let drawn = [1, 2, 3, 4];
        assert_eq!(root(pattern, drawn), root(pattern, drawn));
        for at in 0..drawn.len() {
            let mut other = drawn;
            other[at] = 9;
            assert_ne!(root(pattern, drawn), root(pattern, other), "{pattern:?}, draw {at}");
        }
    }
}

#[test]
fn hs_bad_ek_rejected() {
    for pattern in PATTERNS {
        let good = hs1_with(pattern, &payload_of(&good_ek(), &good_list().bare()), None);
        respond(pattern, &good).expect("the control is accepted");
        // FIPS 203 §7.2: a coefficient of 4095 is not below q = 3329.
        let mut ek = good_ek();
        ek[0..2].copy_from_slice(&[0xff, 0xff]);
        let bad = hs1_with(pattern, &payload_of(&ek, &good_list().bare()), None);
        let fault = respond(pattern, &bad).unwrap_err();
        assert_eq!(fault, HandshakeFault::KemKey);
        assert!(fault.counts_as_failed_decryption());
    }
}

#[test]
fn hs_unknown_tlv_ignored() {
    for pattern in PATTERNS {
        let mut list = vec![0x7f, 0, 3, 1, 2, 3];
        list.extend(good_list().bare());
        list.extend([0xee, 0, 0]);
        respond(pattern, &hs1_with(pattern, &payload_of(&good_ek(), &list), None)).unwrap();
    }
}

#[test]
fn hs_nonzero_padding_rejected() {
    for pattern in PATTERNS {
        let mut payload = payload_of(&good_ek(), &good_list().bare());
        *payload.last_mut().unwrap() = 1;
        assert_eq!(respond(pattern, &hs1_with(pattern, &payload, None)).unwrap_err(), HandshakeFault::Decrypt);
    }
}

#[test]
fn hs_malformed_tlv_rejected() {
    let good = good_list().bare();
    let commit = &good[..35];
    let cases: [(&str, Vec<u8>, HandshakeFault); 8] = [
        ("no commit", good[35..].to_vec(), HandshakeFault::Decrypt),
        ("no range", commit.to_vec(), HandshakeFault::Decrypt),
        ("commit twice", [commit, &good].concat(), HandshakeFault::Decrypt),
        ("short commit", [&[1, 0, 31], &commit[3..34], &good[35..]].concat(), HandshakeFault::Decrypt),
        ("range of zero", [commit, &[3, 0, 2, 0, 1]].concat(), HandshakeFault::Downgrade),
        ("range upside down", [commit, &[3, 0, 2, 2, 1]].concat(), HandshakeFault::Downgrade),
        ("range above 15", [commit, &[3, 0, 2, 1, 0x11]].concat(), HandshakeFault::Downgrade),
        ("another range than in the header", [commit, &[3, 0, 2, 1, 2]].concat(), HandshakeFault::Downgrade),
    ];
    for pattern in PATTERNS {
        for (name, list, expected) in &cases {
            let hs1 = hs1_with(pattern, &payload_of(&good_ek(), list), None);
            assert_eq!(respond(pattern, &hs1).unwrap_err(), *expected, "{name}");
        }
    }
}

#[test]
fn hs_low_order_points_rejected() {
    for pattern in PATTERNS {
        for point in SMALL_ORDER.iter().chain(&NOT_CANONICAL) {
            let claimed = unhex(point).try_into().unwrap();
            let payload = payload_of(&good_ek(), &good_list().bare());
            let hs1 = hs1_with(pattern, &payload, Some((Claim::Ephemeral, claimed)));
            assert_eq!(respond(pattern, &hs1).unwrap_err(), HandshakeFault::PublicKey, "{point}");
            assert_eq!(cheating_therapist(pattern, Claim::Ephemeral, claimed), HandshakeFault::PublicKey, "{point}");
        }
    }
}

#[test]
fn hs_static_noncanonical_rejected() {
    for point in NOT_CANONICAL.iter().chain(&SMALL_ORDER) {
        let claimed = unhex(point).try_into().unwrap();
        assert_eq!(cheating_therapist(Pattern::Xx, Claim::Static, claimed), HandshakeFault::PublicKey, "{point}");
        assert_eq!(cheating_client_hs3(claimed), HandshakeFault::PublicKey, "{point}");
    }
}

/// A therapist who holds the right psk0 answers an honest client with a false key.
fn cheating_therapist(pattern: Pattern, claim: Claim, public: [u8; 32]) -> HandshakeFault {
    let (client, therapist) = keys();
    let params = client_params(pattern);
    let prologue = params.prologue();
    let (own, ephemeral) = (therapist.expose(), Secret::new([8; 32]));
    let start = Start {
        pattern,
        role: Role::Responder,
        own: &own,
        peer: (pattern == Pattern::Kk).then_some(client.public().as_bytes()),
        psk0: &Secret::new([9; 32]),
        prologue: &prologue,
        ephemeral: &ephemeral,
    };
    let mut noise = cheater(&start, claim, public);
    let answer = |noise: &mut Noise, hs1: &Cell, len| {
        let mut payload = vec![0; payload::HS1_LEN];
        noise.read(hs1.body(), true, &mut payload).unwrap();
        let (ek, _) = payload::split_hs1(&payload).unwrap();
        let (ct, psk2) = kem::encapsulate(ek, &Secret::new([1; 32])).unwrap();
        noise.set_psk2(&psk2);
        let list = Tlvs::default().with(Tag::NonceR, &[8; 32]).with_versions(VersionRange::OURS);
        let mut cell = Cell::with_header(CellType::Hs2, 1, 0);
        let body: &mut [u8; CELL_BODY_LEN] = cell.body_mut();
        body[..CT_LEN].copy_from_slice(&*ct);
        noise.write(&list.padded(&[], len), &mut body[CT_LEN..]).unwrap();
        cell
    };
    match pattern {
        Pattern::Xx => {
            let (state, hs1) = AwaitHs2::start(params, &client, None, &mut script(3));
            let hs2 = answer(&mut noise, &hs1, payload::XX_HS2_LEN);
            state.read(&hs2).unwrap_err()
        }
        Pattern::Kk => {
            let (state, hs1) = AwaitKkHs2::start(params, &client, therapist.public(), &mut script(3));
            let hs2 = answer(&mut noise, &hs1, payload::KK_HS2_LEN);
            state.read(&hs2, [None, None], &mut script(3)).unwrap_err()
        }
    }
}

/// A client who holds the right psk0 shows a false static key in HS3.
fn cheating_client_hs3(public: [u8; 32]) -> HandshakeFault {
    let (client, therapist) = keys();
    let params = client_params(Pattern::Xx);
    let prologue = params.prologue();
    let (own, ephemeral) = (client.expose(), Secret::new([3; 32]));
    let start = Start {
        pattern: Pattern::Xx,
        role: Role::Initiator,
        own: &own,
        peer: None,
        psk0: &params.psk0,
        prologue: &prologue,
        ephemeral: &ephemeral,
    };
    let mut noise = cheater(&start, Claim::Static, public);
    let kem = KemSecret::from_seed(&Secret::new([7; 64]));
    let mut hs1 = Cell::with_header(CellType::Hs1, 1, 0x11);
    let payload = payload_of(kem.encapsulation_key(), &good_list().bare());
    noise.write(&payload, hs1.body_mut()).unwrap();
    let params = therapist_params(Pattern::Xx, &hs1);
    let (state, hs2) = AwaitHs3::respond(params, &therapist, &hs1, None, &mut script(4)).unwrap();
    let (ct, message) = hs2.body().split_first_chunk::<CT_LEN>().unwrap();
    noise.set_psk2(&kem.psk2(ct));
    noise.read(message, true, &mut vec![0; payload::XX_HS2_LEN]).unwrap();
    let mut hs3 = Cell::with_header(CellType::Hs3, 1, 0);
    noise.write(&vec![0; payload::HS3_LEN], hs3.body_mut()).unwrap();
    state.read(&hs3).unwrap_err()
}

#[test]
fn hs_commit_mismatch_fatal() {
    let (client, therapist) = keys();
    let (mut state, hs1) = AwaitHs2::start(client_params(Pattern::Xx), &client, None, &mut script(3));
    let params = therapist_params(Pattern::Xx, &hs1);
    let (at_r, hs2) = AwaitHs3::respond(params, &therapist, &hs1, None, &mut script(4)).unwrap();
    // The client saw HS2 and opens another nonce.
    state.sent.nonce_i = Secret::new([0xcc; 32]);
    let (hs3, _) = state.read(&hs2).unwrap().finish().unwrap();
    let fault = at_r.read(&hs3).unwrap_err();
    assert_eq!(fault, HandshakeFault::Commit);
    assert!(fault.is_alarming());

    let (mut state, hs1) = AwaitKkHs2::start(client_params(Pattern::Kk), &client, therapist.public(), &mut script(3));
    let params = therapist_params(Pattern::Kk, &hs1);
    let (at_r, hs2) = AwaitConfirm::respond(params, &therapist, client.public(), &hs1, &mut script(4)).unwrap();
    state.sent.nonce_i = Secret::new([0xcc; 32]);
    let (_, confirm) = state.read(&hs2, [None, None], &mut script(5)).unwrap();
    assert_eq!(at_r.read(&confirm[0]).unwrap_err(), HandshakeFault::Commit);
}

#[test]
fn hs_range_change_after_hs1_is_a_downgrade() {
    let (client, therapist) = keys();
    let (mut state, hs1) = AwaitHs2::start(client_params(Pattern::Xx), &client, None, &mut script(3));
    let params = therapist_params(Pattern::Xx, &hs1);
    let (at_r, hs2) = AwaitHs3::respond(params, &therapist, &hs1, None, &mut script(4)).unwrap();
    let mut hs2_read = {
        state.sent.terms.own = VersionRange::OURS;
        state.read(&hs2).unwrap()
    };
    hs2_read.sent.terms.own = VersionRange { min: 1, max: 2 };
    let (hs3, _) = hs2_read.finish().unwrap();
    assert_eq!(at_r.read(&hs3).unwrap_err(), HandshakeFault::Downgrade);
}
