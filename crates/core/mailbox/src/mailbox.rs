//! One mailbox: two sides, a queue towards each, and how long it lives.

use std::{
    collections::VecDeque,
    hash::{Hash, Hasher},
};

use sotto_wire::Cell;

use crate::{ConnectionId, Limits, rate::SlidingLog};

/// Who holds a side: a channel of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    pub connection: ConnectionId,
    pub channel: u16,
}

/// A cell that waits for its reader.
#[derive(Clone)]
pub struct Waiting {
    pub cell: Cell,
    pub since_ms: u64,
}

impl Hash for Waiting {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.cell.as_bytes().hash(state);
        self.since_ms.hash(state);
    }
}

/// One side.
#[derive(Clone, Default, Hash)]
pub struct Side {
    pub holder: Option<Holder>,
    /// Owner tag of the holder, or of the last one.
    pub owner: Option<[u8; 16]>,
    /// Cells towards this side; filled only while nobody holds it.
    pub queue: VecDeque<Waiting>,
    /// Relay credentials issued to this side.
    pub turns: SlidingLog,
    /// When the holder was last told that somebody else tried.
    pub crowded_at: Option<u64>,
}

/// One mailbox.
#[derive(Clone, Hash)]
pub struct Mailbox {
    pub sides: [Side; 2],
    /// Cells taken so far.
    pub cells: u32,
    /// Since when the present number of sides is connected.
    pub since_ms: u64,
    /// Under which moment it stands in the index of deadlines.
    pub indexed: Option<u64>,
}

impl Mailbox {
    pub fn new(now_ms: u64) -> Self {
        Self { sides: [Side::default(), Side::default()], cells: 0, since_ms: now_ms, indexed: None }
    }

    /// How many sides are connected.
    pub fn present(&self) -> usize {
        self.sides.iter().filter(|side| side.holder.is_some()).count()
    }

    /// Nothing in it that anybody could miss: it may be forgotten when the last side leaves.
    pub fn is_blank(&self) -> bool {
        self.cells == 0 && self.present() == 0 && self.sides.iter().all(|side| side.turns.is_empty())
    }

    /// When the mailbox as a whole ends; `None` while exactly one side is connected.
    pub fn ends_at(&self, limits: &Limits) -> Option<u64> {
        match self.present() {
            0 => Some(self.since_ms.saturating_add(limits.vacant_ms)),
            1 => None,
            _ => Some(self.since_ms.saturating_add(limits.both_ms)),
        }
    }

    /// The next moment at which something in it expires.
    pub fn deadline(&self, limits: &Limits) -> Option<u64> {
        let queued = self.sides.iter().filter_map(|side| side.queue.front());
        queued.map(|waiting| waiting.since_ms.saturating_add(limits.queue_ms)).chain(self.ends_at(limits)).min()
    }

    /// Drops queued cells that are too old; says how many.
    pub fn expire_queues(&mut self, now_ms: u64, limits: &Limits) -> usize {
        let mut dropped = 0;
        for side in &mut self.sides {
            while side.queue.front().is_some_and(|w| w.since_ms.saturating_add(limits.queue_ms) <= now_ms) {
                side.queue.pop_front();
                dropped += 1;
            }
            if side.queue.is_empty() {
                side.queue = VecDeque::new();
            }
        }
        dropped
    }

    /// Cells queued in both directions.
    pub fn queued(&self) -> usize {
        self.sides.iter().map(|side| side.queue.len()).sum()
    }
}
