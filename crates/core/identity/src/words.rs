//! The PGP word list: one word per byte, from two lists that alternate (PROTOCOL §3.2, §6.1, §6.2).
//!
//! Words at even positions have two syllables, at odd positions three, so a swapped or lost word is noticed.

use std::sync::LazyLock;

/// 256 lines `even SP odd`.
const LIST: &str = include_str!("../../../../assets/pgp-words.txt");

static TABLES: LazyLock<[Vec<&'static str>; 2]> = LazyLock::new(|| {
    let mut tables = [Vec::with_capacity(256), Vec::with_capacity(256)];
    for line in LIST.lines() {
        let (even, odd) = line.split_once(' ').expect("the list in assets has two words per line");
        tables[0].push(even);
        tables[1].push(odd);
    }
    tables
});

/// Which of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordList {
    /// Two syllables, at positions 0, 2, 4…
    Even = 0,
    /// Three syllables, at positions 1, 3, 5…
    Odd = 1,
}

impl WordList {
    /// The list used at a position, counted from 0.
    #[must_use]
    pub const fn at(position: usize) -> Self {
        if position.is_multiple_of(2) { Self::Even } else { Self::Odd }
    }

    /// The word of a byte, capitalised as in the list.
    ///
    /// # Panics
    /// Never: the list in assets has 256 lines.
    #[must_use]
    pub fn word(self, byte: u8) -> &'static str {
        TABLES[self as usize][usize::from(byte)]
    }

    /// The byte of a word, whatever its case; `None` if the word is not in this list.
    #[must_use]
    pub fn byte(self, word: &str) -> Option<u8> {
        (0..=255).find(|&byte| self.word(byte).eq_ignore_ascii_case(word))
    }

    /// All 256 words, by byte.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        TABLES[self as usize].iter().copied()
    }

    /// The words that begin with `prefix`, whatever its case, in alphabetical order.
    #[must_use]
    pub fn complete(self, prefix: &str) -> Vec<&'static str> {
        let begins = |word: &&str| word.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        let mut found: Vec<_> = self.words().filter(begins).collect();
        found.sort_unstable_by_key(|word| word.to_ascii_lowercase());
        found
    }
}

/// The words of some bytes, beginning at an even position.
#[must_use]
pub fn words_of(bytes: &[u8]) -> Vec<&'static str> {
    bytes.iter().enumerate().map(|(position, &byte)| WordList::at(position).word(byte)).collect()
}
