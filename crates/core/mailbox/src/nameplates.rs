//! Six-digit nameplates and the mailboxes behind them.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;
use sotto_wire::server::{MailboxId, Nameplate};

/// Numbers of six digits.
const SPACE: u32 = 1_000_000;
/// Largest multiple of [`SPACE`] in 32 bits: above it a draw would be biased.
const UNBIASED: u32 = u32::MAX / SPACE * SPACE;
/// Draws until the server says that it is busy.
const DRAWS: usize = 64;

/// Live nameplates.
#[derive(Clone, Default, Hash)]
pub struct Nameplates {
    by_number: BTreeMap<u32, (MailboxId, u64)>,
    by_mailbox: BTreeMap<MailboxId, u32>,
    expiry: BTreeSet<(u64, u32)>,
}

impl Nameplates {
    /// How many.
    pub fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Draws a free number for a mailbox, valid until `expires_ms`; `None` if none was found.
    pub fn allocate(&mut self, mailbox: MailboxId, expires_ms: u64, rng: &mut dyn CryptoRng) -> Option<Nameplate> {
        for _ in 0..DRAWS {
            let draw = rng.next_u32();
            let number = draw % SPACE;
            if draw >= UNBIASED || self.by_number.contains_key(&number) {
                continue;
            }
            let nameplate = Nameplate::parse(&format!("{number:06}")).ok()?;
            self.by_number.insert(number, (mailbox, expires_ms));
            self.by_mailbox.insert(mailbox, number);
            self.expiry.insert((expires_ms, number));
            return Some(nameplate);
        }
        None
    }

    /// The mailbox behind a nameplate; it stays claimable.
    pub fn claim(&self, nameplate: &Nameplate) -> Option<MailboxId> {
        let number: u32 = nameplate.as_str().parse().ok()?;
        self.by_number.get(&number).map(|&(mailbox, _)| mailbox)
    }

    /// R is done with it.
    pub fn release(&mut self, mailbox: &MailboxId) {
        if let Some(number) = self.by_mailbox.remove(mailbox)
            && let Some((_, expires)) = self.by_number.remove(&number)
        {
            self.expiry.remove(&(expires, number));
        }
    }

    /// When the next one expires.
    pub fn wake_at(&self) -> Option<u64> {
        self.expiry.first().map(|&(at, _)| at)
    }

    /// Forgets the expired.
    pub fn expire(&mut self, now_ms: u64) {
        while let Some(&(at, number)) = self.expiry.first()
            && at <= now_ms
        {
            self.expiry.pop_first();
            if let Some((mailbox, _)) = self.by_number.remove(&number) {
                self.by_mailbox.remove(&mailbox);
            }
        }
    }
}
