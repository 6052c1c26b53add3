//! Keys, scanned codes and typed words come from outside: every truncation, every bit flip and 100,000 seeded mutations
//! are refused or are exactly what they claim to be, without a panic.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_identity::{
    IdentityKey, KeyFault, PublicKey, Secret,
    fingerprint::{QrResult, compare_qr, shown_qr},
    words::WordList,
};

const MUTATIONS: u32 = 100_000;

fn key(byte: u8) -> IdentityKey {
    IdentityKey::from_bytes(&Secret::new([byte; 32]))
}

/// splitmix64: the same sequence on every machine.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.insert(at, self.next().to_be_bytes()[0]),
                1 => bytes.truncate(at),
                _ if bytes.is_empty() => {}
                2 => bytes[at] = [0, 0x7F, 0xED, 0xFF][self.below(4)],
                _ => bytes[at] ^= 1 << self.below(8),
            }
        }
    }
}

fn changes(valid: &[u8], seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..valid.len()).map(|len| valid[..len].to_vec());
    let flipped = (0..valid.len() * 8).map(|bit| {
        let mut bytes = valid.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let mut rng = Rng(seed);
    let mutated = (0..MUTATIONS).map(move |_| {
        let mut bytes = valid.to_vec();
        rng.mutate(&mut bytes);
        bytes
    });
    cut.chain(flipped).chain(mutated)
}

#[test]
fn hostile_public_keys() {
    let own = key(9);
    for (round, bytes) in changes(key(1).public().as_bytes(), 1).enumerate() {
        match PublicKey::from_bytes(&bytes) {
            Ok(accepted) => {
                assert_eq!(accepted.as_bytes()[..], bytes[..]);
                // A multiplication is slow: a part of them is enough.
                if round % 64 == 0 {
                    let shared = own.diffie_hellman(&accepted);
                    assert!(shared.is_ok_and(|secret| secret.expose() != &[0; 32]));
                }
            }
            Err(fault) => assert_eq!(fault, KeyFault::NotCanonical),
        }
    }
}

#[test]
fn hostile_scanned_codes() {
    let (own, peer) = (*key(1).public(), *key(2).public());
    let valid = shown_qr(&peer, &own);
    for bytes in changes(&valid, 2) {
        assert_eq!(compare_qr(&own, &peer, &bytes) == QrResult::Match, bytes == valid);
    }
}

#[test]
fn hostile_words() {
    let mut seed = 3;
    for word in ["paperweight", "Istanbul", "aardvark"] {
        seed += 1;
        for bytes in changes(word.as_bytes(), seed) {
            let text = String::from_utf8_lossy(&bytes);
            for list in [WordList::Even, WordList::Odd] {
                if let Some(byte) = list.byte(&text) {
                    assert!(list.word(byte).eq_ignore_ascii_case(&text));
                }
                assert!(list.complete(&text).iter().all(|word| word.len() >= text.len()));
            }
        }
    }
}
