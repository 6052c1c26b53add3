//! Whoever holds the rendezvous server and the path between two sides.

use sotto_wire::{Cell, SealedRecord, server::MailboxId};

use crate::Who;

/// Sees what the two sides send and decides what arrives. It knows no key but those it brings along.
pub trait Between {
    /// `from` gives a cell to the server at `now_ms`. `None`: the honest server has it; else these arrive instead.
    fn cell(&mut self, from: Who, mailbox: MailboxId, cell: &Cell, now_ms: u64) -> Option<Vec<(Who, Cell)>> {
        let _ = (from, mailbox, cell, now_ms);
        None
    }

    /// `from` sends a record inside DTLS, which whoever is here has opened. What arrives, and where.
    fn record(&mut self, from: Who, record: SealedRecord) -> Vec<(Who, SealedRecord)> {
        vec![(from.other(), record)]
    }
}
