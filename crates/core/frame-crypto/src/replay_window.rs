//! Sliding window over one counter: has this packet been opened before? (PROTOCOL §7.4 rule 4)
//!
//! Screen before decryption, record after it: an unauthenticated counter changes nothing.

/// What a window says about a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Not seen.
    Fresh,
    /// Seen.
    Repeated,
    /// Left of the window, so not known.
    TooOld,
}

/// The last `64 × WORDS` counters up to the highest one recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayWindow<const WORDS: usize> {
    /// One above the highest counter recorded; 0 when empty.
    end: u64,
    /// A ring: the bit of counter `c` is `c mod SIZE`.
    bits: [u64; WORDS],
}

impl<const WORDS: usize> Default for ReplayWindow<WORDS> {
    fn default() -> Self {
        const { assert!(WORDS.is_power_of_two(), "the ring must divide 2^64 evenly") };
        Self { end: 0, bits: [0; WORDS] }
    }
}

impl<const WORDS: usize> ReplayWindow<WORDS> {
    /// Counters in the window.
    pub const SIZE: u64 = 64 * WORDS as u64;

    /// Highest counter recorded.
    #[must_use]
    pub const fn highest(&self) -> Option<u64> {
        self.end.checked_sub(1)
    }

    /// Looks a counter up. Changes nothing.
    #[must_use]
    pub const fn screen(&self, ctr: u64) -> Screen {
        if ctr >= self.end {
            return Screen::Fresh;
        }
        if self.end - ctr > Self::SIZE {
            return Screen::TooOld;
        }
        let (word, bit) = Self::place(ctr);
        if self.bits[word] & bit == 0 { Screen::Fresh } else { Screen::Repeated }
    }

    /// Records a counter that was authenticated. One that is too old, or `u64::MAX`, is ignored.
    pub fn record(&mut self, ctr: u64) {
        let Some(end) = ctr.checked_add(1) else { return };
        if end > self.end {
            if end - self.end >= Self::SIZE {
                self.bits = [0; WORDS];
            } else {
                for skipped in self.end..ctr {
                    let (word, bit) = Self::place(skipped);
                    self.bits[word] &= !bit;
                }
            }
            self.end = end;
        } else if self.end - ctr > Self::SIZE {
            return;
        }
        let (word, bit) = Self::place(ctr);
        self.bits[word] |= bit;
    }

    /// State for a digest.
    pub(crate) fn words(&self) -> impl Iterator<Item = u64> {
        core::iter::once(self.end).chain(self.bits)
    }

    const fn place(ctr: u64) -> (usize, u64) {
        (((ctr % Self::SIZE) / 64) as usize, 1 << (ctr % 64))
    }
}
