//! What the machine knows of one connection: its channels and its rates.

use std::collections::BTreeMap;

use sotto_wire::server::MailboxId;

use crate::{AddressKey, Limits, rate::Bucket};

/// Which side of which mailbox a channel stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    pub mailbox: MailboxId,
    pub side: u8,
}

/// One connection.
#[derive(Clone, Hash)]
pub struct Connection {
    pub address: AddressKey,
    /// HELLO came.
    pub greeted: bool,
    pub channels: BTreeMap<u16, Seat>,
    next_channel: u16,
    pub frames: Bucket,
    pub opens: Bucket,
    pub cells: Bucket,
    pub cells_per_minute: Bucket,
}

impl Connection {
    pub fn new(now_ms: u64, address: AddressKey, limits: &Limits) -> Self {
        Self {
            address,
            greeted: false,
            channels: BTreeMap::new(),
            next_channel: 1,
            frames: Bucket::new(now_ms, limits.frames_burst, limits.frames_per_second, 1000),
            opens: Bucket::new(now_ms, limits.opens_per_minute, limits.opens_per_minute, 60_000),
            cells: Bucket::new(now_ms, limits.cells_burst, limits.cells_per_second, 1000),
            cells_per_minute: Bucket::new(now_ms, limits.cells_per_minute, limits.cells_per_minute, 60_000),
        }
    }

    /// Takes a channel number, never 0 (which stands for "none" in ERR) and as late as possible one used before.
    /// `None` when the limit is reached.
    pub fn add_channel(&mut self, seat: Seat, limit: usize) -> Option<u16> {
        if self.channels.len() >= limit.min(usize::from(u16::MAX) - 1) {
            return None;
        }
        while self.next_channel == 0 || self.channels.contains_key(&self.next_channel) {
            self.next_channel = self.next_channel.wrapping_add(1);
        }
        let channel = self.next_channel;
        self.next_channel = channel.wrapping_add(1);
        self.channels.insert(channel, seat);
        Some(channel)
    }
}
