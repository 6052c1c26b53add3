//! Short spoken codes, e.g. `471193-artist-paperweight-cobra-hideaway` (PROTOCOL §3.2).

use rand_core::CryptoRng;
use sotto_identity::{Secret, words::WordList};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{draw, join_text::JoinError, url::HostPort};

/// Life of a spoken code: 30 minutes.
pub const CODE_LIFETIME_S: u64 = 30 * 60;
/// Longest life of a spoken code: 60 minutes.
pub const CODE_MAX_LIFETIME_S: u64 = 60 * 60;

const WORDS: usize = 4;
const NAMEPLATE_DIGITS: usize = 6;
/// A code with a long host is well below this.
const MAX_TEXT_LEN: usize = 512;

/// A spoken code: the server's nameplate, four words that the server never sees, and the server if it is not the default.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SpokenCode {
    nameplate: String,
    bytes: [u8; WORDS],
    host: Option<String>,
}

impl SpokenCode {
    /// Draws four words, 32 bits, for the nameplate that the server allotted. `host` is `host[:port]` if the code is to
    /// name its server.
    ///
    /// # Errors
    /// `Nameplate` unless it has six digits, `Host` if the host is not valid.
    pub fn generate(nameplate: &str, host: Option<&str>, rng: &mut dyn CryptoRng) -> Result<Self, JoinError> {
        if nameplate.len() != NAMEPLATE_DIGITS || !nameplate.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(JoinError::Nameplate);
        }
        let host = host.map(host_port).transpose()?;
        Ok(Self { nameplate: nameplate.to_owned(), bytes: *draw::<WORDS>(rng).expose(), host })
    }

    /// Parses what a person typed: any case, words set apart by spaces, dashes, dots, commas or underscores, digits of
    /// the nameplate in groups.
    ///
    /// # Errors
    /// `Nameplate`, `WordCount`, `UnknownWord`, `WordPosition`, `Host`, `NotACode`: nothing has left this computer.
    pub fn parse(text: &str) -> Result<Self, JoinError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(JoinError::NotACode);
        }
        let (code, host) = match text.rsplit_once('@') {
            Some((code, host)) => (code, Some(host_port(host.trim())?)),
            None => (text, None),
        };
        let parts: Vec<&str> = code.split(is_separator).filter(|part| !part.is_empty()).collect();
        let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
        let digits = parts.iter().take_while(|part| is_number(part)).count();
        let (digits, words) = parts.split_at(digits);
        let nameplate = digits.concat();
        match (nameplate.len(), words.len()) {
            (0, 0) => return Err(JoinError::Empty),
            // One word alone, or a sentence, is no attempt at a code.
            (0, found) if found != WORDS => return Err(JoinError::NotACode),
            (NAMEPLATE_DIGITS, WORDS) => {}
            (NAMEPLATE_DIGITS, found) => return Err(JoinError::WordCount { found }),
            _ => return Err(JoinError::Nameplate),
        }
        let mut bytes = [0; WORDS];
        for (position, (byte, word)) in bytes.iter_mut().zip(words).enumerate() {
            *byte = word_byte(position, word)?;
        }
        Ok(Self { nameplate, bytes, host })
    }

    /// As it is said and shown: `471193-artist-paperweight-cobra-hideaway[@host:port]`, in lower case. A secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = self.nameplate.clone();
        for word in self.words() {
            text.push('-');
            text.push_str(&word.to_ascii_lowercase());
        }
        if let Some(host) = &self.host {
            text.push('@');
            text.push_str(host.strip_suffix(":443").unwrap_or(host));
        }
        text
    }

    /// The six digits that find the mailbox. The server knows them.
    #[must_use]
    pub fn nameplate(&self) -> &str {
        &self.nameplate
    }

    /// The four words.
    #[must_use]
    pub fn words(&self) -> [&'static str; WORDS] {
        core::array::from_fn(|position| WordList::at(position).word(self.bytes[position]))
    }

    /// The server that the code names, as lower-case `host:port`; `None`: the default one.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// What CPace takes; `default_host_port` is the `host:port` of the own rendezvous URL
    /// ([`RendezvousUrl::host_port`](crate::RendezvousUrl::host_port)), used unless the code names a server.
    #[must_use]
    pub fn secret(&self, default_host_port: &str) -> CodeSecret {
        let host_port = self.host.as_deref().unwrap_or(default_host_port);
        CodeSecret::new(Secret::new(self.bytes), &self.nameplate, host_port)
    }
}

impl core::fmt::Debug for SpokenCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SpokenCode(…)")
    }
}

/// The inputs that both sides of a CPace run share.
#[derive(Clone)]
pub struct CodeSecret {
    bytes: Secret<WORDS>,
    nameplate: String,
    host_port: String,
}

impl CodeSecret {
    /// From the index of each word, the nameplate as it is, and `host:port`, which is taken in lower case.
    #[must_use]
    pub fn new(bytes: Secret<WORDS>, nameplate: &str, host_port: &str) -> Self {
        Self { bytes, nameplate: nameplate.to_owned(), host_port: host_port.to_ascii_lowercase() }
    }

    /// `PRS`: one byte a word, so that the language of the list does not matter.
    pub(crate) fn password(&self) -> &[u8; WORDS] {
        self.bytes.expose()
    }

    /// `CI = "TSP1 pair" 00 nameplate 00 host:port`
    pub(crate) fn channel_identifier(&self) -> Vec<u8> {
        [b"TSP1 pair", self.nameplate.as_bytes(), self.host_port.as_bytes()].join(&0)
    }
}

impl core::fmt::Debug for CodeSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CodeSecret(…)")
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '_' | '.' | ',' | ';' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// A code means `wss`, so the default port is 443.
fn host_port(host: &str) -> Result<String, JoinError> {
    HostPort::parse(host, 443).map(|host| host.to_string()).ok_or(JoinError::Host)
}

fn word_byte(position: usize, word: &str) -> Result<u8, JoinError> {
    let list = WordList::at(position);
    if let Some(byte) = list.byte(word) {
        return Ok(byte);
    }
    // The lists differ in their numbers of syllables: this catches words swapped, left out or said twice.
    if WordList::at(position + 1).byte(word).is_some() {
        return Err(JoinError::WordPosition { position });
    }
    let typed = Zeroizing::new(word.to_ascii_lowercase());
    let mut near: Vec<(usize, &'static str)> = list
        .words()
        .map(|known| (distance(typed.as_bytes(), known.to_ascii_lowercase().as_bytes()), known))
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    near.sort_unstable();
    let nearest = near.first().map_or(0, |(distance, _)| *distance);
    let mut suggestions: Vec<&'static str> =
        near.into_iter().filter(|(distance, _)| *distance == nearest).map(|(_, known)| known).collect();
    if suggestions.is_empty() && typed.len() >= 2 {
        suggestions = list.complete(&typed);
    }
    suggestions.truncate(4);
    Err(JoinError::UnknownWord { position, suggestions })
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), stopped early for words that
/// differ much in length.
fn distance(a: &[u8], b: &[u8]) -> usize {
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}
