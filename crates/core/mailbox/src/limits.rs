//! Every limit of PROTOCOL §9.1, §9.2 and §9.5, with its default.

/// Limits of the machine. A clinic behind one address needs higher ones per address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// OPEN per connection and minute.
    pub opens_per_minute: u32,
    /// Open channels per connection.
    pub channels: usize,
    /// ALLOC per address and hour.
    pub allocs_per_hour: usize,
    /// CLAIM per address and hour.
    pub claims_per_hour: usize,
    /// Unknown nameplates from one address until it has to pause.
    pub claim_failures: usize,
    /// That pause, ms.
    pub claim_pause_ms: u64,
    /// ADD per connection and second.
    pub cells_per_second: u32,
    /// ADD that may come at once.
    pub cells_burst: u32,
    /// ADD per connection and minute: 512 cells are 2 MiB.
    pub cells_per_minute: u32,
    /// Frames of any kind per connection and second; who exceeds it is disconnected.
    pub frames_per_second: u32,
    /// Frames of any kind that may come at once.
    pub frames_burst: u32,
    /// Cells queued per direction while that side is away.
    pub queue_cells: usize,
    /// Age at which a queued cell is dropped, ms.
    pub queue_ms: u64,
    /// Cells that a mailbox takes in its life.
    pub mailbox_cells: u32,
    /// Life of a mailbox that nobody is connected to, ms.
    pub vacant_ms: u64,
    /// Life of a mailbox since both sides are connected, ms.
    pub both_ms: u64,
    /// Life of a nameplate, s.
    pub nameplate_s: u16,
    /// Nameplates at once; few of a million, so that guessing stays hopeless.
    pub nameplates: usize,
    /// Mailboxes at once.
    pub mailboxes: usize,
    /// Bytes of queued cells at once; over it new cells are refused, old ones never dropped.
    pub queued_bytes: usize,
    /// Addresses that limits are remembered for.
    pub addresses: usize,
    /// TURN per channel (a side of a mailbox) and hour.
    pub turn_per_channel_hour: usize,
    /// TURN per address and hour.
    pub turn_per_address_hour: usize,
    /// Shortest time between two notices "somebody else tried this meeting point", ms.
    pub crowded_notice_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            opens_per_minute: 300,
            channels: 256,
            allocs_per_hour: 10,
            claims_per_hour: 20,
            claim_failures: 5,
            claim_pause_ms: 600_000,
            cells_per_second: 20,
            cells_burst: 40,
            cells_per_minute: 512,
            frames_per_second: 60,
            frames_burst: 600,
            queue_cells: 16,
            queue_ms: 120_000,
            mailbox_cells: 512,
            vacant_ms: 600_000,
            both_ms: 12 * 3_600_000,
            nameplate_s: 1800,
            nameplates: 20_000,
            mailboxes: 200_000,
            queued_bytes: 256 << 20,
            addresses: 100_000,
            turn_per_channel_hour: 16,
            turn_per_address_hour: 64,
            crowded_notice_ms: 1000,
        }
    }
}
