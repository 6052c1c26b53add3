//! Which keys are accepted, what the pin decides, and what nothing shows.
#![allow(clippy::unwrap_used, reason = "tests")]

use core::convert::Infallible;

use proptest::prelude::*;
use rand_core::{TryCryptoRng, TryRng};
use sotto_identity::{
    ComparedPeer, IdentityKey, KeyFault, PinDecision, PublicKey, Secret, check_pin,
    pin::{Comparison, Method, Mismatch},
    records::{ContactRecord, InviteRecord, InviteState, VerificationState, WrongPeer},
    words::{WordList, words_of},
};

/// Counts up: the tests say which bytes a key is made of.
struct CountingRng(u8);

impl TryRng for CountingRng {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for CountingRng {}

fn key(byte: u8) -> IdentityKey {
    IdentityKey::from_bytes(&Secret::new([byte; 32]))
}

#[test]
fn a_generated_key_is_the_callers_randomness_and_survives_storage() {
    let made = IdentityKey::generate(&mut CountingRng(7));
    let expected: [u8; 32] = core::array::from_fn(|i| 7 + u8::try_from(i).unwrap());
    assert_eq!(made.expose().expose(), &expected);
    let stored = IdentityKey::from_bytes(&made.expose());
    assert_eq!(stored.public(), made.public());
    assert_ne!(IdentityKey::generate(&mut CountingRng(8)).public(), made.public());
}

#[test]
fn pk_check_accepts_one_encoding_per_key() {
    let mut largest = [0xFF; 32];
    largest[0] = 0xEC;
    largest[31] = 0x7F; // 2^255 − 20
    assert!(PublicKey::from_bytes(&largest).is_ok());
    for first in 0xED..=0xFF {
        let mut too_large = largest;
        too_large[0] = first; // 2^255 − 19 … 2^255 − 1: other encodings of 0 … 18
        assert_eq!(PublicKey::from_bytes(&too_large), Err(KeyFault::NotCanonical));
    }
    let mut top_bit = *key(1).public().as_bytes();
    top_bit[31] |= 0x80;
    assert_eq!(PublicKey::from_bytes(&top_bit), Err(KeyFault::NotCanonical));
    for len in [0, 31, 33, 64] {
        assert_eq!(PublicKey::from_bytes(&vec![1; len]), Err(KeyFault::NotCanonical));
    }
}

#[test]
fn x25519_zero_output_rejected() {
    let unhex =
        |text: &str| -> [u8; 32] { core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()) };
    // Every point of small order that has a canonical encoding: 0, 1, two of order 8, −1.
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xFF; 32];
    minus_one[0] = 0xEC;
    minus_one[31] = 0x7F;
    let order_8 = [
        unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        unhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    ];
    for point in [[0; 32], one, minus_one, order_8[0], order_8[1]] {
        let public = PublicKey::from_bytes(&point).unwrap();
        for secret in [1, 0x77, 0xFF] {
            assert_eq!(key(secret).diffie_hellman(&public).err(), Some(KeyFault::SmallOrder));
        }
    }
}

#[test]
fn the_pin_matches_is_missing_or_has_changed() {
    let (old, new) = (*key(1).public(), *key(2).public());
    assert!(matches!(check_pin(Some(&old), &old), PinDecision::Match(peer) if *peer.key() == old));
    assert!(matches!(check_pin(None, &new), PinDecision::FirstUse(pending) if *pending.key() == new));
    match check_pin(Some(&old), &new) {
        PinDecision::Changed { old: kept, pending } => {
            assert_eq!(kept, old);
            assert_eq!(*pending.pin_as_new_contact().key(), new);
        }
        other => panic!("{other:?}"),
    }
}

fn compare(local_same: bool, remote_same: bool) -> Result<ComparedPeer, Mismatch> {
    let comparison = Comparison { method: Method::Words, local_same, remote_same };
    match check_pin(None, key(1).public()) {
        PinDecision::FirstUse(pending) => pending.compared(comparison),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_comparison_that_both_sides_passed_gives_a_compared_peer() {
    assert_eq!(compare(false, true), Err(Mismatch::Local));
    assert_eq!(compare(false, false), Err(Mismatch::Local));
    assert_eq!(compare(true, false), Err(Mismatch::Remote));
    let peer = compare(true, true).unwrap();
    assert_eq!((peer.key(), peer.method()), (key(1).public(), Method::Words));
}

fn record(peer: &PublicKey) -> ContactRecord {
    ContactRecord {
        id: 1,
        label: "Erika Mustermann".into(),
        own_secret: None,
        peer_public: *peer.as_bytes(),
        psk: Secret::new([0xAB; 32]),
        rendezvous_key: Secret::new([0xAB; 32]),
        continuity: None,
        continuity_previous: None,
        started: false,
        pairing: false,
        state: VerificationState::Unverified,
        compare_on_change: false,
        peer_versions: 0x11,
        version_floor: 1,
        rendezvous: "wss://rdv.example/v1".into(),
        created: 0,
        verified_at: None,
    }
}

#[test]
fn a_record_is_verified_only_by_a_comparison_with_its_own_key() {
    let compared = compare(true, true).unwrap();
    let mut other = record(key(2).public());
    assert_eq!(other.mark_verified(&compared, 9), Err(WrongPeer));
    assert_eq!((other.state, other.verified_at), (VerificationState::Unverified, None));
    let mut own = record(key(1).public());
    assert_eq!(own.mark_verified(&compared, 9), Ok(()));
    assert_eq!((own.state, own.verified_at), (VerificationState::Verified, Some(9)));
}

#[test]
fn the_client_has_a_key_per_relationship_and_the_therapist_one() {
    let mut contact = record(key(1).public());
    assert!(contact.own_key(None).is_none());
    assert_eq!(contact.own_key(Some(&key(5))).unwrap().public(), key(5).public());
    contact.own_secret = Some(Secret::new([6; 32]));
    assert_eq!(contact.own_key(Some(&key(5))).unwrap().public(), key(6).public());
    assert_eq!(contact.peer().unwrap(), *key(1).public());
    contact.peer_public = [0xFF; 32];
    assert_eq!(contact.peer(), Err(KeyFault::NotCanonical));
}

#[test]
fn debug_shows_no_secret_label_or_key() {
    let invite = InviteRecord {
        contact: 1,
        label: "Erika Mustermann".into(),
        psk0: Secret::new([0xAB; 32]),
        rendezvous_key: Secret::new([0xAB; 32]),
        context: [0xAB; 32],
        versions: 0x11,
        expiry: 0,
        attempts: 0,
        seen_hs1: vec![],
        state: InviteState::Consumed { peer_public: [0xAB; 32], confirmed: true },
    };
    let shown = format!(
        "{:?} {invite:?} {:?} {:?} {:?} {:?}",
        record(key(1).public()),
        key(1),
        key(1).public(),
        check_pin(None, key(1).public()),
        invite.state,
    );
    assert!(shown.contains("Consumed(true)"));
    for leak in ["Erika", "rdv.example", "171", "ab", "AB"] {
        assert!(!shown.contains(leak), "{shown}");
    }
}

#[test]
fn words_complete_within_their_own_list() {
    assert_eq!(WordList::Odd.complete("ap"), ["Apollo", "applicant"]);
    assert_eq!(WordList::Even.complete("AP"), ["apple"]);
    assert_eq!(WordList::Even.complete("").len(), 256);
    assert!(WordList::Even.complete("applicant").is_empty(), "a word of the other list");
    assert!(WordList::Even.complete("é").is_empty());
    assert!(WordList::Even.complete("aardvarks").is_empty());
}

#[test]
fn the_lists_share_no_word_and_every_word_leads_back_to_its_byte() {
    for byte in 0..=255 {
        for (list, other) in [(WordList::Even, WordList::Odd), (WordList::Odd, WordList::Even)] {
            let word = list.word(byte);
            assert_eq!(list.byte(&word.to_uppercase()), Some(byte));
            assert_eq!(other.byte(word), None, "{word}");
        }
    }
}

proptest! {
    #[test]
    fn pk_check_is_the_comparison_with_the_field_prime(mut bytes in any::<[u8; 32]>(), near in any::<bool>()) {
        if near {
            bytes[1..31].fill(0xFF);
            bytes[31] = 0x7F;
        }
        let canonical = bytes[31] < 0x7F
            || (bytes[31] == 0x7F && (bytes[1..31].iter().any(|&byte| byte != 0xFF) || bytes[0] < 0xED));
        prop_assert_eq!(PublicKey::from_bytes(&bytes).is_ok(), canonical);
    }

    #[test]
    fn both_sides_agree_on_the_secret(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
        let (a, b) = (IdentityKey::from_bytes(&Secret::new(a)), IdentityKey::from_bytes(&Secret::new(b)));
        let (ab, ba) = (a.diffie_hellman(b.public()).unwrap(), b.diffie_hellman(a.public()).unwrap());
        prop_assert_eq!(ab.expose(), ba.expose());
    }

    #[test]
    fn words_and_positions_give_the_bytes_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let back: Option<Vec<u8>> = words_of(&bytes)
            .into_iter()
            .enumerate()
            .map(|(position, word)| WordList::at(position).byte(word))
            .collect();
        prop_assert_eq!(back, Some(bytes));
    }
}
