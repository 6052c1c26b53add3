//! Values of PROTOCOL Appendix B that this crate computes; they were made by two independent implementations.
#![allow(clippy::unwrap_used, reason = "tests")]

use sha2::{Digest, Sha256};
use sotto_identity::{
    Fingerprint, IdentityKey, Secret,
    derive::{extract, kdf},
    fingerprint::{QrResult, compare_qr, pair_number, pair_words, shown_qr},
    words::{WordList, words_of},
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> [u8; 32] {
    core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

fn key(byte: u8) -> IdentityKey {
    IdentityKey::from_bytes(&Secret::new([byte; 32]))
}

#[test]
fn public_keys_and_idhash() {
    assert_eq!(hex(key(0x11).public().as_bytes()), "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13");
    let therapist = key(0x22);
    assert_eq!(hex(therapist.public().as_bytes()), "0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f20");
    assert_eq!(hex(&therapist.public().idhash()), "3d0ee1d4f6a71ef88785d608fadf3ccb049f4508");
    assert!(therapist.public().has_idhash(&therapist.public().idhash()));
    assert!(!therapist.public().has_idhash(&key(0x11).public().idhash()));
}

#[test]
fn derivation_of_an_invite() {
    let secret: [u8; 32] = core::array::from_fn(|i| u8::try_from(i).unwrap());
    let prk = extract(b"TSP1 invite", &secret);
    assert_eq!(
        hex(kdf::<32>(&prk, "psk", b"").expose()),
        "7c67ca62951479d7acb46175d8590ecf726441afbb87ee59acad810fb5ea8d19"
    );
    let rdv = kdf::<32>(&prk, "rdv", b"");
    assert_eq!(hex(rdv.expose()), "87df4cf972d15b436f3c0c20cf8bf4d4116e7eb0629a419053f7bd3c0121518f");
    let mailbox = kdf::<32>(&extract(b"TSP1 rdv", rdv.expose()), "mailbox", &485_000_u64.to_be_bytes());
    assert_eq!(hex(mailbox.expose()), "49f7b1880ab9b7e6ace20ca6ec4d8f0d69058f77162bc8116bdf13726373b630");
}

#[test]
fn fingerprint_digits_kat() {
    let fingerprint = Fingerprint::of(key(0x11).public());
    assert_eq!(
        hex(fingerprint.as_bytes()),
        "e4421591bd97009580c82dc6c936a0ec64375f02b732539632ea5cdbbed9450c\
         b0f23d87d209b6fdb1788f808116019e3243eb50f3d8152f74393e4b22b1d35e"
    );
    assert_eq!(fingerprint.digits(), "53309 59528 03808 32258 53906 52377");
    assert_eq!(Fingerprint::of(key(0x22).public()).digits(), "54430 81152 88350 60281 80724 53337");
    let number = "54430 81152 88350 60281 80724 53337 53309 59528 03808 32258 53906 52377";
    assert_eq!(pair_number(key(0x11).public(), key(0x22).public()), number);
    assert_eq!(pair_number(key(0x22).public(), key(0x11).public()), number);
}

#[test]
fn fingerprint_words_kat() {
    let words =
        "ruffled vagabond commence liberty standard applicant Scotland Wyoming sailboat indigo payday intention";
    assert_eq!(Fingerprint::of(key(0x11).public()).words().join(" "), words);
    let pair = pair_words(key(0x11).public(), key(0x22).public());
    assert_eq!(pair.len(), 24);
    assert_eq!(pair[12..].join(" "), words);
    assert_eq!(pair, pair_words(key(0x22).public(), key(0x11).public()));
}

#[test]
fn words_of_the_session_vector() {
    let shown = words_of(&[0x07, 0xb5, 0x22, 0xd7, 0xe4, 0xfa]);
    assert_eq!(shown.join(" "), "ahead positive blockade stethoscope tonic whimsical");
    let code: Vec<_> = ["artist", "paperweight", "cobra", "hideaway"]
        .into_iter()
        .enumerate()
        .map(|(position, word)| WordList::at(position).byte(word).unwrap())
        .collect();
    assert_eq!(code, [0x0f, 0xa5, 0x3c, 0x71]);
}

#[test]
fn word_list_has_its_published_hash() {
    let lines: Vec<String> = (0..=255)
        .map(|byte| format!("{} {}", WordList::Even.word(byte), WordList::Odd.word(byte)).to_lowercase())
        .collect();
    assert_eq!(
        hex(&Sha256::digest(lines.join("\n"))),
        "a35f57f4637764f521bf540aeb484635cf3852f9b35c6507a35e0c57f223faa1"
    );
}

#[test]
fn the_code_that_the_other_side_shows_matches_exactly_or_not_at_all() {
    let (client, therapist) = (key(0x11), key(0x22));
    let qr = shown_qr(client.public(), therapist.public());
    assert_eq!(&qr[..5], b"TSPF\x02");
    assert_eq!(&qr[5..37], client.public().as_bytes(), "who shows it first");
    assert_eq!(&qr[37..], therapist.public().as_bytes());
    assert_eq!(compare_qr(therapist.public(), client.public(), &qr), QrResult::Match);
    assert_eq!(compare_qr(client.public(), therapist.public(), &qr), QrResult::Own);
    for at in 0..qr.len() {
        let mut changed = qr;
        changed[at] ^= 1;
        let expected = if at < 5 { QrResult::NotACode } else { QrResult::Mismatch };
        assert_eq!(compare_qr(therapist.public(), client.public(), &changed), expected, "byte {at}");
        assert_eq!(compare_qr(therapist.public(), client.public(), &qr[..at]), QrResult::NotACode);
    }
}

/// Somebody in between has a key towards each side: what one side shows is for the other a code of other keys.
#[test]
fn in_between_no_code_of_one_side_passes_on_the_other() {
    let (client, therapist, between) = (key(0x11), key(0x22), key(0x33));
    let [client, therapist, between] = [&client, &therapist, &between].map(|key| key.public());
    for (reads, shows) in [(client, therapist), (therapist, client)] {
        let shown = shown_qr(shows, between);
        assert_eq!(compare_qr(reads, between, &shown), QrResult::Mismatch);
    }
}

#[test]
fn x25519_rfc7748() {
    // RFC 7748 §6.1
    let alice = unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let alice_public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    let bob = unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let bob_public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    let shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    let (alice, bob) = (IdentityKey::from_bytes(&Secret::new(alice)), IdentityKey::from_bytes(&Secret::new(bob)));
    assert_eq!(hex(alice.public().as_bytes()), alice_public);
    assert_eq!(hex(bob.public().as_bytes()), bob_public);
    assert_eq!(hex(alice.diffie_hellman(bob.public()).unwrap().expose()), shared);
    assert_eq!(hex(bob.diffie_hellman(alice.public()).unwrap().expose()), shared);
}
