//! Moving to another computer (PROTOCOL §2.3): a file of the vault's own format under words of its own.
//!
//! It holds keys, contacts and the record, but no continuity secret, no device secret and no invite: at the next session
//! with each contact both sides see that something changed and compare words. So a copy that somebody else made is
//! noticed too.

use sotto_identity::{
    Secret,
    records::ContactRecord,
    words::{WordList, words_of},
};
use zeroize::Zeroizing;

use crate::{
    Profile, VaultError, body,
    container::{self, Header, Kind},
    cost::KdfParams,
};

/// Words of a file: 96 bits.
pub const WORDS: usize = 12;

/// The words that open a file; shown once, stored nowhere, erased on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct MoveWords([u8; WORDS]);

impl zeroize::Zeroize for MoveWords {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for MoveWords {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(self);
    }
}

impl core::fmt::Debug for MoveWords {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MoveWords(…)")
    }
}

impl MoveWords {
    pub(crate) fn new(bytes: [u8; WORDS]) -> Self {
        Self(bytes)
    }

    /// Reads what a person typed: case, commas, dashes, line ends and numbers before the words do not matter. `None` if
    /// a word is missing, or not one of its place's list.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut typed = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
        let mut words = Self([0; WORDS]);
        for (position, byte) in words.0.iter_mut().enumerate() {
            *byte = WordList::at(position).byte(typed.next()?)?;
        }
        typed.next().is_none().then_some(words)
    }

    /// The words, as the list writes them.
    #[must_use]
    pub fn words(&self) -> [&'static str; WORDS] {
        let words = words_of(&self.0);
        core::array::from_fn(|place| words[place])
    }

    /// What the key derivation gets.
    fn passphrase(&self) -> Zeroizing<String> {
        let words = self.words();
        let mut text = Zeroizing::new(String::with_capacity(words.iter().map(|word| word.len() + 1).sum()));
        for word in words {
            if !text.is_empty() {
                text.push('-');
            }
            text.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        }
        text
    }
}

/// A file of what `profile` takes along.
pub(crate) fn seal(
    profile: &Profile,
    words: &MoveWords,
    params: KdfParams,
    seed: &container::HeaderSeed,
    write_salt: &[u8; 32],
    dek: &Secret<32>,
) -> Result<Vec<u8>, VaultError> {
    let (header, _) = Header::wrap(Kind::Move, params, (&words.passphrase(), None), seed, dek)?;
    let mut taken = profile.clone();
    taken.invites.clear();
    taken.device_secret = Secret::new([0; 32]);
    // Who has only been invited has nothing yet that could move.
    taken.contacts.retain(|contact| !contact.pairing);
    taken.contacts.iter_mut().for_each(without_continuity);
    header.seal(dek, write_salt, 0, &body::encode(&taken)?)
}

/// What a file holds. Blocks for the key derivation.
pub(crate) fn open(file: &[u8], words: &MoveWords, floor: KdfParams) -> Result<Profile, VaultError> {
    let header = Header::of(Kind::Move, file)?;
    header.params().check_floor(floor)?;
    let dek = header.unwrap_dek(&header.kek(&words.passphrase(), None)?)?;
    let (_, plain) = container::open_body(file, &dek)?;
    let mut profile = body::decode(&plain)?;
    profile.invites.clear();
    // Whoever wrote the file: a continuity secret is never taken from one.
    profile.contacts.iter_mut().for_each(without_continuity);
    Ok(profile)
}

fn without_continuity(contact: &mut ContactRecord) {
    (contact.continuity, contact.continuity_previous) = (None, None);
}
