//! Long-term fingerprints that people compare (PROTOCOL §6.1).

use crate::{PublicKey, words::words_of};

/// Head of the QR code that one side shows.
const QR_MAGIC: &[u8; 5] = b"TSPF\x02";
/// Bytes in it.
pub const QR_LEN: usize = 69;

/// The stretched hash of one key. Making it takes about 2 ms: keep it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 64]);

impl Fingerprint {
    /// Of a key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self(key.stretched_hash())
    }

    /// All 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Six groups of five digits, joined by spaces: 30 digits, as printed on a therapist's card.
    #[must_use]
    pub fn digits(&self) -> String {
        let groups: Vec<String> = self.0[..30].chunks_exact(5).map(group).collect();
        groups.join(" ")
    }

    /// Twelve words.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        words_of(&self.0[32..44])
    }
}

/// `u40 mod 100000`, five digits.
fn group(bytes: &[u8]) -> String {
    let number = bytes.iter().fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
    format!("{:05}", number % 100_000)
}

impl core::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// Both halves of a pair's number, twelve groups of five digits joined by spaces; the same on both sides.
#[must_use]
pub fn pair_number(a: &PublicKey, b: &PublicKey) -> String {
    let (low, high) = ordered(a, b);
    format!("{} {}", Fingerprint::of(low).digits(), Fingerprint::of(high).digits())
}

/// Both halves of a pair's number as 24 words; the same on both sides.
#[must_use]
pub fn pair_words(a: &PublicKey, b: &PublicKey) -> Vec<&'static str> {
    let (low, high) = ordered(a, b);
    let mut words = Fingerprint::of(low).words();
    words.extend(Fingerprint::of(high).words());
    words
}

/// What the QR code holds that one side shows the other: `"TSPF" | u8 2 | pk of who shows it | pk of the other`. Each side has
/// its own, so that nobody's own code, seen in a mirror or in the other's preview, passes for the other's.
#[must_use]
pub fn shown_qr(own: &PublicKey, peer: &PublicKey) -> [u8; QR_LEN] {
    let mut qr = [0; QR_LEN];
    qr[..5].copy_from_slice(QR_MAGIC);
    qr[5..37].copy_from_slice(own.as_bytes());
    qr[37..].copy_from_slice(peer.as_bytes());
    qr
}

/// What scanning the other side's QR code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrResult {
    /// The other side shows exactly this pair.
    Match,
    /// A fingerprint code of other keys.
    Mismatch,
    /// The own code.
    Own,
    /// Not a fingerprint code.
    NotACode,
}

/// Compares a scanned code with what the other side has to show, all or nothing.
#[must_use]
pub fn compare_qr(own: &PublicKey, peer: &PublicKey, scanned: &[u8]) -> QrResult {
    if scanned.len() != QR_LEN || !scanned.starts_with(QR_MAGIC) {
        QrResult::NotACode
    } else if scanned == shown_qr(peer, own) {
        QrResult::Match
    } else if scanned == shown_qr(own, peer) {
        QrResult::Own
    } else {
        QrResult::Mismatch
    }
}

/// The smaller key first, bytewise.
fn ordered<'a>(a: &'a PublicKey, b: &'a PublicKey) -> (&'a PublicKey, &'a PublicKey) {
    if a <= b { (a, b) } else { (b, a) }
}
