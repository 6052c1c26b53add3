//! A running session checks the sizes of what it sends before it may say that they tell nothing (PROTOCOL §7.5).

/// Packets that must have been looked at before anything is said: two seconds of sound.
const ENOUGH: u64 = 100;

/// Compares each packet's size, as it is handed to the transport, with the only one it may have. It stays wrong once it
/// was wrong: a packet that has left can't be taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeCheck {
    looked_at: u64,
    wrong: u64,
}

impl SizeCheck {
    /// A packet of `size` bytes leaves; its track and rung allow `expected` alone.
    pub const fn note(&mut self, size: usize, expected: usize) {
        self.looked_at += 1;
        if size != expected {
            self.wrong += 1;
        }
    }

    /// True: all had their size. False: some had another. `None`: too few to say.
    #[must_use]
    pub const fn verdict(&self) -> Option<bool> {
        match self {
            Self { wrong: 1.., .. } => Some(false),
            Self { looked_at: ENOUGH.., .. } => Some(true),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_claimed_before_two_seconds_and_one_wrong_packet_is_enough() {
        let mut check = SizeCheck::default();
        for n in 1..=ENOUGH {
            assert_eq!(check.verdict(), None, "after {} packets", n - 1);
            check.note(104, 104);
        }
        assert_eq!(check.verdict(), Some(true));
        check.note(103, 104);
        check.note(104, 104);
        assert_eq!(check.verdict(), Some(false), "it is not forgotten");
        let mut early = SizeCheck::default();
        early.note(105, 104);
        assert_eq!(early.verdict(), Some(false), "what is wrong is said at once");
    }
}
