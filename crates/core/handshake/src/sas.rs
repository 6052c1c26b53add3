//! Session words: what the two people read to each other (PROTOCOL §6.2).

use rand_core::CryptoRng;
use sotto_identity::{PublicKey, derive, words::WordList};
use sotto_wire::Role;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One side's view of the session words.
///
/// There is no way to ask it for the half that the other side reads, but through the four candidates: who never saw the
/// right answer can't wave it through.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SessionWords {
    /// Words 0–5, the client's half first.
    words: [u8; 6],
    /// Twelve digits, the client's half first.
    digits: u64,
    client_first: bool,
    #[zeroize(skip)]
    role: Role,
}

/// Four readings of the other side's half, one of them right. The first six digits belong to the first three words, and
/// so on: both forms are in the same order.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidates {
    /// As words.
    pub words: [[&'static str; 3]; 4],
    /// As six digits.
    pub digits: [String; 4],
    /// Which one is right, 0–3.
    pub right: usize,
}

impl SessionWords {
    /// `H("sas"; N_i, N_r, h2, I.pk, R.pk)`
    pub(crate) fn new(
        role: Role,
        nonce_i: &[u8; 32],
        nonce_r: &[u8; 32],
        h2: &[u8; 64],
        initiator: &PublicKey,
        responder: &PublicKey,
    ) -> Self {
        let sas = derive::hash("sas", &[nonce_i, nonce_r, h2, initiator.as_bytes(), responder.as_bytes()]);
        Self::from_hash(role, &sas)
    }

    pub(crate) fn from_hash(role: Role, sas: &[u8; 64]) -> Self {
        Self {
            words: *sas.first_chunk().expect("6 of 64 bytes"),
            digits: u64::from_be_bytes(*sas[8..].first_chunk().expect("8 of 56 bytes")) % 1_000_000_000_000,
            client_first: sas[16] & 1 == 0,
            role,
        }
    }

    /// The half that this side reads aloud.
    #[must_use]
    pub fn own_words(&self) -> [&'static str; 3] {
        show(self.role, self.half(self.role).0)
    }

    /// The same as six digits.
    #[must_use]
    pub fn own_digits(&self) -> String {
        format!("{:06}", self.half(self.role).1)
    }

    /// Whether this side reads first.
    #[must_use]
    pub const fn reads_first(&self) -> bool {
        self.client_first == matches!(self.role, Role::Initiator)
    }

    /// Draws the four candidates for the other side's half. In each position one other word appears; each word stands in
    /// two candidates, so one heard word never decides.
    #[must_use]
    pub fn candidates(&self, rng: &mut dyn CryptoRng) -> Candidates {
        /// Which positions keep the right word: itself, then each of the three that share one word with it.
        const KEEP: [[bool; 3]; 4] =
            [[true, true, true], [true, false, false], [false, true, false], [false, false, true]];
        let peer = self.role.peer();
        let (words, digits) = self.half(peer);
        let pairs = [digits / 10_000, digits / 100 % 100, digits % 100];
        let other_words = words.map(|word| other(rng, 256, u32::from(word)) as u8);
        let other_pairs = pairs.map(|pair| other(rng, 100, pair));

        let mut order = [0, 1, 2, 3];
        for last in (1..order.len()).rev() {
            order.swap(last, below(rng, last as u32 + 1) as usize);
        }
        let pick = |keep: [bool; 3]| {
            let word = |i: usize| if keep[i] { words[i] } else { other_words[i] };
            let pair = |i: usize| if keep[i] { pairs[i] } else { other_pairs[i] };
            (show(peer, [word(0), word(1), word(2)]), format!("{:02}{:02}{:02}", pair(0), pair(1), pair(2)))
        };
        let candidates = order.map(|index| pick(KEEP[index]));
        Candidates {
            words: core::array::from_fn(|i| candidates[i].0),
            digits: candidates.map(|(_, digits)| digits),
            right: order.iter().position(|&index| index == 0).expect("a shuffle keeps all four"),
        }
    }

    fn half(&self, role: Role) -> ([u8; 3], u32) {
        let [a, b, c, d, e, f] = self.words;
        let (first, last) = (self.digits / 1_000_000, self.digits % 1_000_000);
        let (words, digits) = match role {
            Role::Initiator => ([a, b, c], first),
            Role::Responder => ([d, e, f], last),
        };
        (words, u32::try_from(digits).expect("six digits"))
    }
}

impl core::fmt::Debug for SessionWords {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SessionWords(…)")
    }
}

impl core::fmt::Debug for Candidates {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Candidates(…)")
    }
}

/// The lists alternate over all six words: the therapist's half starts with the odd one.
fn show(role: Role, half: [u8; 3]) -> [&'static str; 3] {
    let start = match role {
        Role::Initiator => 0,
        Role::Responder => 3,
    };
    core::array::from_fn(|i| WordList::at(start + i).word(half[i]))
}

/// A uniform number below `n`, by rejection.
fn below(rng: &mut dyn CryptoRng, n: u32) -> u32 {
    let limit = u32::MAX - u32::MAX % n;
    loop {
        let drawn = rng.next_u32();
        if drawn < limit {
            return drawn % n;
        }
    }
}

/// A uniform number below `n` that is not `this`.
fn other(rng: &mut dyn CryptoRng, n: u32, this: u32) -> u32 {
    (this + 1 + below(rng, n - 1)) % n
}

#[cfg(test)]
mod tests;
