#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::kat::Script;

fn words(role: Role, seed: u8) -> SessionWords {
    let mut hash = [0; 64];
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = (i as u8).wrapping_mul(37).wrapping_add(seed);
    }
    SessionWords::from_hash(role, &hash)
}

fn random(seed: u64) -> Script {
    let bytes: Vec<u8> =
        (0..8_u64).flat_map(|block| derive::hash("test", &[&seed.to_be_bytes(), &block.to_be_bytes()])).collect();
    Script::new(&[&bytes])
}

#[test]
fn each_side_finds_the_others_half_among_four() {
    let mut places = BTreeMap::new();
    for seed in 0..400 {
        let (client, therapist) = (words(Role::Initiator, seed as u8), words(Role::Responder, seed as u8));
        assert_ne!(client.reads_first(), therapist.reads_first());
        for (own, peer) in [(&client, &therapist), (&therapist, &client)] {
            let candidates = own.candidates(&mut random(seed));
            assert_eq!(candidates.words[candidates.right], peer.own_words());
            assert_eq!(candidates.digits[candidates.right], peer.own_digits());
            *places.entry(candidates.right).or_insert(0) += 1;
        }
    }
    assert_eq!(places.len(), 4, "the right one has no favourite place");
    assert!(places.values().all(|&times| (130..270).contains(&times)), "{places:?}");
}

#[test]
fn no_single_word_decides() {
    for seed in 0..200 {
        let candidates = words(Role::Initiator, seed as u8).candidates(&mut random(seed));
        for position in 0..3 {
            let mut count = BTreeMap::new();
            let mut pairs = BTreeMap::new();
            for (words, digits) in candidates.words.iter().zip(&candidates.digits) {
                *count.entry(words[position]).or_insert(0) += 1;
                *pairs.entry(&digits[position * 2..position * 2 + 2]).or_insert(0) += 1;
            }
            assert_eq!(count.values().copied().collect::<Vec<_>>(), [2, 2]);
            assert_eq!(pairs.values().copied().collect::<Vec<_>>(), [2, 2]);
        }
        assert_eq!(candidates.words.iter().collect::<BTreeSet<_>>().len(), 4);
        assert_eq!(candidates.digits.iter().collect::<BTreeSet<_>>().len(), 4);
        assert!(candidates.digits.iter().all(|digits| digits.len() == 6));
    }
}
