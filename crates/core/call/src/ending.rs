//! The authenticated end: both sides learn whether anything is missing (PROTOCOL §8).

use sotto_wire::record::{End, TrackEnd};
use subtle::{Choice, ConstantTimeEq};

/// How long a side waits for the other's last records or its END_ACK.
pub(crate) const END_WAIT_MS: u64 = 3000;

/// What one side sent on tracks 4, 5, 6.
pub(crate) type View = [TrackEnd; 3];

/// Both sides saw the same records in one direction; constant time in the transcripts.
pub(crate) fn same(a: &View, b: &View) -> bool {
    let mut equal = Choice::from(1);
    for (x, y) in a.iter().zip(b) {
        equal &= x.next_ctr.ct_eq(&y.next_ctr) & x.tx.ct_eq(&y.tx);
    }
    equal.into()
}

/// What a side knows while it ends.
pub(crate) enum Ending {
    /// We sent END and wait for END_ACK.
    AwaitAck {
        /// Reason that we gave.
        reason: u8,
        /// What we had sent right after END, and, if we answered an END that crossed ours, right after that.
        sent: Vec<View>,
        /// When to stop waiting.
        deadline_ms: u64,
        /// END_ACK, and the control track as it was before it; chat records that it counts may still be on their way.
        ack: Option<Box<(End, TrackEnd)>>,
    },
    /// We received END and wait for the records that it counts.
    AwaitRecords {
        /// What END says.
        end: Box<End>,
        /// Control track as it was before END.
        control_before: TrackEnd,
        /// When to stop waiting.
        deadline_ms: u64,
    },
}
