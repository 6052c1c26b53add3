//! The machine: connections, mailboxes and everything that one does to the other.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use rand_core::CryptoRng;
use sotto_wire::{
    CELL_LEN, Cell,
    server::{ClientFrame, ErrorCode, MailboxId, Nameplate, PeerEvent, ServerFrame},
};

use crate::{
    AddressKey, ConnectionId, Counters, Input, Limits, Now, Output,
    addresses::Addresses,
    connection::{Connection, Seat},
    mailbox::{Holder, Mailbox, Waiting},
    nameplates::Nameplates,
    rate::HOUR_MS,
};

/// The only version of the server protocol.
const VERSION: u8 = 1;
/// WELCOME flag: relay credentials are available.
const FLAG_TURN: u8 = 2;

/// All mailboxes of one server.
#[derive(Clone)]
pub struct Rendezvous {
    limits: Limits,
    turn: bool,
    connections: BTreeMap<ConnectionId, Connection>,
    mailboxes: BTreeMap<MailboxId, Mailbox>,
    deadlines: BTreeSet<(u64, MailboxId)>,
    nameplates: Nameplates,
    addresses: Addresses,
    queued_cells: usize,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Rendezvous {
    /// An empty server; `turn` says whether relay credentials can be issued.
    #[must_use]
    pub fn new(limits: Limits, turn: bool) -> Self {
        Self {
            limits,
            turn,
            connections: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            nameplates: Nameplates::default(),
            addresses: Addresses::default(),
            queued_cells: 0,
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes one input. Drain [`Self::poll`] afterwards. Inputs of unknown connections are ignored.
    pub fn handle(&mut self, now: Now, input: Input<'_>, rng: &mut dyn CryptoRng) {
        self.expire(now.mono_ms);
        match input {
            Input::Connected { connection, address } => self.connected(now, connection, address, rng),
            Input::Frame { connection, bytes } => self.frame(now.mono_ms, connection, bytes, rng),
            Input::Disconnected { connection } => self.forget(now.mono_ms, connection),
            Input::Tick => {}
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > 1024 {
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`Input::Tick`] is due, in monotonic ms.
    #[must_use]
    pub fn wake_at(&self) -> Option<u64> {
        let mailbox = self.deadlines.first().map(|&(at, _)| at);
        [mailbox, self.nameplates.wake_at(), self.addresses.wake_at()].into_iter().flatten().min()
    }

    /// Totals for the operator.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            connections: self.connections.len() as u64,
            mailboxes: self.mailboxes.len() as u64,
            nameplates: self.nameplates.len() as u64,
            queued_bytes: (self.queued_cells * CELL_LEN) as u64,
            addresses: self.addresses.len() as u64,
            ..self.counters
        }
    }

    /// A hash over the whole state but the counters, the same in each run: for tests that something changed nothing.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.connections.hash(&mut hasher);
        self.mailboxes.hash(&mut hasher);
        self.deadlines.hash(&mut hasher);
        self.nameplates.hash(&mut hasher);
        self.addresses.hash(&mut hasher);
        self.queued_cells.hash(&mut hasher);
        hasher.finish()
    }

    fn connected(&mut self, now: Now, connection: ConnectionId, address: AddressKey, rng: &mut dyn CryptoRng) {
        if self.connections.contains_key(&connection) {
            return;
        }
        self.connections.insert(connection, Connection::new(now.mono_ms, address, &self.limits));
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let flags = if self.turn { FLAG_TURN } else { 0 };
        self.send(
            connection,
            ServerFrame::Welcome {
                version_min: VERSION,
                version_max: VERSION,
                pow_bits: 0,
                nonce,
                flags,
                unix_time: now.unix_s,
            },
        );
    }

    fn frame(&mut self, now: u64, id: ConnectionId, bytes: &[u8], rng: &mut dyn CryptoRng) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !connection.frames.take(now) {
            self.error(id, 0, ErrorCode::Limit);
            return self.close(now, id);
        }
        let greeted = connection.greeted;
        let Ok(frame) = ClientFrame::decode(bytes) else { return self.bad_frame(now, id) };
        match frame {
            ClientFrame::Hello { version: VERSION, .. } if !greeted => connection.greeted = true,
            // A second HELLO, another version, or anything before HELLO.
            ClientFrame::Hello { .. } => self.bad_frame(now, id),
            _ if !greeted => self.bad_frame(now, id),
            ClientFrame::Alloc => self.alloc(now, id, rng),
            ClientFrame::Claim(nameplate) => self.claim(now, id, &nameplate),
            ClientFrame::Open { mailbox, side, owner } => self.open(now, id, mailbox, side, owner),
            ClientFrame::Add { channel, cell } => self.add(now, id, channel, cell),
            ClientFrame::Close(channel) => self.close_channel(now, id, channel),
            ClientFrame::Turn(channel) => self.turn(now, id, channel),
            ClientFrame::Ping(value) => self.send(id, ServerFrame::Pong(value)),
            ClientFrame::Kick(channel) => self.kick(now, id, channel),
            ClientFrame::Done(channel) => self.done(now, id, channel),
        }
    }

    fn alloc(&mut self, now: u64, id: ConnectionId, rng: &mut dyn CryptoRng) {
        let Some(connection) = self.connections.get(&id) else { return };
        if !self.addresses.take_alloc(now, connection.address, &self.limits) {
            return self.error(id, 0, ErrorCode::Limit);
        }
        if self.nameplates.len() >= self.limits.nameplates {
            return self.error(id, 0, ErrorCode::Busy);
        }
        let mut address = [0; 32];
        rng.fill_bytes(&mut address);
        let mailbox = MailboxId(address);
        let ttl_s = self.limits.nameplate_s;
        let expires = now.saturating_add(u64::from(ttl_s) * 1000);
        match self.nameplates.allocate(mailbox, expires, rng) {
            Some(nameplate) => self.send(id, ServerFrame::Allocated { nameplate, mailbox, ttl_s }),
            None => self.error(id, 0, ErrorCode::Busy),
        }
    }

    fn claim(&mut self, now: u64, id: ConnectionId, nameplate: &Nameplate) {
        let Some(connection) = self.connections.get(&id) else { return };
        let address = connection.address;
        if !self.addresses.take_claim(now, address, &self.limits) {
            return self.error(id, 0, ErrorCode::Limit);
        }
        match self.nameplates.claim(nameplate) {
            Some(mailbox) => self.send(id, ServerFrame::Claimed(mailbox)),
            None => {
                self.addresses.claim_failed(now, address, &self.limits);
                self.error(id, 0, ErrorCode::UnknownNameplate);
            }
        }
    }

    fn open(&mut self, now: u64, id: ConnectionId, address: MailboxId, side: u8, owner: [u8; 16]) {
        if side > 1 {
            return self.bad_frame(now, id);
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !connection.opens.take(now) {
            return self.error(id, 0, ErrorCode::Limit);
        }
        let seat = usize::from(side);
        let holder = self.mailboxes.get(&address).and_then(|mailbox| mailbox.sides[seat].holder);
        let held_by_other = holder.is_some()
            && self.mailboxes.get(&address).is_some_and(|mailbox| mailbox.sides[seat].owner != Some(owner));
        if held_by_other {
            self.tell_crowded(now, address, seat);
            return self.error(id, 0, ErrorCode::Crowded);
        }
        // A takeover on the same connection gives the old channel back first, so it can't fail for want of one.
        let frees_own = holder.is_some_and(|holder| holder.connection == id);
        if connection.channels.len() >= self.limits.channels.saturating_add(usize::from(frees_own)) {
            return self.error(id, 0, ErrorCode::Limit);
        }
        if !self.mailboxes.contains_key(&address) && self.mailboxes.len() >= self.limits.mailboxes {
            return self.error(id, 0, ErrorCode::Busy);
        }
        if let Some(old) = holder {
            if let Some(connection) = self.connections.get_mut(&old.connection) {
                connection.channels.remove(&old.channel);
            }
            self.send(old.connection, ServerFrame::Peer { channel: old.channel, event: PeerEvent::Crowded });
            self.send(old.connection, ServerFrame::Closed(old.channel));
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Some(channel) = connection.add_channel(Seat { mailbox: address, side }, self.limits.channels) else {
            return self.error(id, 0, ErrorCode::Limit);
        };
        let mailbox = self.mailboxes.entry(address).or_insert_with(|| Mailbox::new(now));
        let this = &mut mailbox.sides[seat];
        if this.owner.is_some_and(|last| last != owner) {
            // What waited for another device is of no use to this one.
            self.queued_cells -= this.queue.len();
            this.queue = VecDeque::new();
        }
        this.owner = Some(owner);
        this.holder = Some(Holder { connection: id, channel });
        this.crowded_at = None;
        let waiting = std::mem::take(&mut this.queue);
        self.queued_cells -= waiting.len();
        if holder.is_none() {
            mailbox.since_ms = now;
        }
        let other = mailbox.sides[1 - seat].holder;
        self.reindex(address);
        self.send(id, ServerFrame::Opened { channel, peer_present: other.is_some() });
        for Waiting { cell, .. } in waiting {
            self.send(id, ServerFrame::Message { channel, cell });
        }
        if let Some(other) = other {
            self.send(other.connection, ServerFrame::Peer { channel: other.channel, event: PeerEvent::Joined });
        }
    }

    /// Tells the holder of a side that somebody else tried it, at most once in a while.
    fn tell_crowded(&mut self, now: u64, address: MailboxId, seat: usize) {
        let Some(mailbox) = self.mailboxes.get_mut(&address) else { return };
        let side = &mut mailbox.sides[seat];
        let due = side.crowded_at.is_none_or(|at| now.saturating_sub(at) >= self.limits.crowded_notice_ms);
        if let Some(holder) = side.holder
            && due
        {
            side.crowded_at = Some(now);
            self.send(holder.connection, ServerFrame::Peer { channel: holder.channel, event: PeerEvent::Crowded });
        }
    }

    /// The seat of a channel; a channel that isn't open (any more) is answered with CLOSED, since the client's
    /// frame may have crossed ours.
    fn seat(&mut self, id: ConnectionId, channel: u16) -> Option<Seat> {
        let seat = self.connections.get(&id)?.channels.get(&channel).copied();
        if seat.is_none() {
            self.send(id, ServerFrame::Closed(channel));
        }
        seat
    }

    fn add(&mut self, now: u64, id: ConnectionId, channel: u16, cell: Cell) {
        let Some(seat) = self.seat(id, channel) else { return };
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !(connection.cells.ready(now) && connection.cells_per_minute.ready(now)) {
            return self.error(id, channel, ErrorCode::Limit);
        }
        connection.cells.take(now);
        connection.cells_per_minute.take(now);
        let Some(mailbox) = self.mailboxes.get_mut(&seat.mailbox) else { return };
        if mailbox.cells >= self.limits.mailbox_cells {
            return self.error(id, channel, ErrorCode::Limit);
        }
        let to = &mut mailbox.sides[usize::from(1 - seat.side)];
        if let Some(reader) = to.holder {
            mailbox.cells += 1;
            self.send(reader.connection, ServerFrame::Message { channel: reader.channel, cell });
        } else if to.queue.len() >= self.limits.queue_cells {
            return self.error(id, channel, ErrorCode::QueueFull);
        } else if (self.queued_cells + 1) * CELL_LEN > self.limits.queued_bytes {
            return self.error(id, channel, ErrorCode::Busy);
        } else {
            mailbox.cells += 1;
            to.queue.push_back(Waiting { cell, since_ms: now });
            self.queued_cells += 1;
            self.reindex(seat.mailbox);
        }
        self.counters.cells += 1;
        self.send(id, ServerFrame::Added(channel));
    }

    fn close_channel(&mut self, now: u64, id: ConnectionId, channel: u16) {
        let Some(seat) = self.seat(id, channel) else { return };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.channels.remove(&channel);
        }
        self.leave(now, seat);
        self.send(id, ServerFrame::Closed(channel));
    }

    fn turn(&mut self, now: u64, id: ConnectionId, channel: u16) {
        let Some(seat) = self.seat(id, channel) else { return };
        if !self.turn {
            return self.error(id, channel, ErrorCode::NoTurn);
        }
        let Some(address) = self.connections.get(&id).map(|connection| connection.address) else { return };
        let Some(mailbox) = self.mailboxes.get_mut(&seat.mailbox) else { return };
        if mailbox.present() < 2 {
            return self.error(id, channel, ErrorCode::Busy);
        }
        let turns = &mut mailbox.sides[usize::from(seat.side)].turns;
        let per_channel = self.limits.turn_per_channel_hour;
        if turns.count(now, HOUR_MS) >= per_channel || !self.addresses.take_turn(now, address, &self.limits) {
            return self.error(id, channel, ErrorCode::Limit);
        }
        turns.take(now, per_channel, HOUR_MS);
        self.counters.turn_grants += 1;
        self.outputs.push_back(Output::IssueTurn { connection: id });
    }

    fn kick(&mut self, now: u64, id: ConnectionId, channel: u16) {
        let Some(seat) = self.seat(id, channel) else { return };
        if seat.side != 1 {
            return self.bad_frame(now, id);
        }
        let Some(mailbox) = self.mailboxes.get_mut(&seat.mailbox) else { return };
        let client = &mut mailbox.sides[0];
        self.queued_cells -= client.queue.len();
        client.queue = VecDeque::new();
        client.owner = None;
        if let Some(holder) = client.holder {
            if let Some(connection) = self.connections.get_mut(&holder.connection) {
                connection.channels.remove(&holder.channel);
            }
            self.send(holder.connection, ServerFrame::Closed(holder.channel));
            self.leave(now, Seat { mailbox: seat.mailbox, side: 0 });
        } else {
            self.reindex(seat.mailbox);
        }
    }

    fn done(&mut self, now: u64, id: ConnectionId, channel: u16) {
        let Some(seat) = self.seat(id, channel) else { return };
        if seat.side != 1 {
            return self.bad_frame(now, id);
        }
        self.nameplates.release(&seat.mailbox);
    }

    /// A side is given up; its channel is removed by the caller.
    fn leave(&mut self, now: u64, seat: Seat) {
        let Some(mailbox) = self.mailboxes.get_mut(&seat.mailbox) else { return };
        let side = usize::from(seat.side);
        mailbox.sides[side].holder = None;
        mailbox.since_ms = now;
        if let Some(other) = mailbox.sides[1 - side].holder {
            self.send(other.connection, ServerFrame::Peer { channel: other.channel, event: PeerEvent::Left });
        }
        self.reindex(seat.mailbox);
    }

    /// Takes a connection out; its sides become free, its owners are remembered.
    fn forget(&mut self, now: u64, id: ConnectionId) {
        if let Some(connection) = self.connections.remove(&id) {
            for seat in connection.channels.into_values() {
                self.leave(now, seat);
            }
        }
    }

    fn bad_frame(&mut self, now: u64, id: ConnectionId) {
        self.error(id, 0, ErrorCode::BadFrame);
        self.close(now, id);
    }

    fn close(&mut self, now: u64, id: ConnectionId) {
        self.outputs.push_back(Output::Close { connection: id });
        self.forget(now, id);
    }

    fn error(&mut self, id: ConnectionId, channel: u16, code: ErrorCode) {
        if let Some(count) = self.counters.errors.get_mut(usize::from(code as u16)) {
            *count += 1;
        }
        self.send(id, ServerFrame::Error { channel, code });
    }

    fn send(&mut self, connection: ConnectionId, frame: ServerFrame) {
        self.outputs.push_back(Output::Send { connection, frame });
    }

    /// Puts a mailbox under its next deadline, or forgets it if nothing is in it.
    fn reindex(&mut self, address: MailboxId) {
        let Some(mailbox) = self.mailboxes.get_mut(&address) else { return };
        if let Some(at) = mailbox.indexed.take() {
            self.deadlines.remove(&(at, address));
        }
        if mailbox.is_blank() {
            self.mailboxes.remove(&address);
        } else if let Some(at) = mailbox.deadline(&self.limits) {
            mailbox.indexed = Some(at);
            self.deadlines.insert((at, address));
        }
    }

    fn expire(&mut self, now: u64) {
        self.nameplates.expire(now);
        self.addresses.expire(now);
        while let Some(&(at, address)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            let Some(mailbox) = self.mailboxes.get_mut(&address) else { continue };
            mailbox.indexed = None;
            let dropped = mailbox.expire_queues(now, &self.limits);
            self.queued_cells -= dropped;
            self.counters.cells_expired += dropped as u64;
            if mailbox.ends_at(&self.limits).is_some_and(|end| end <= now) {
                self.end_mailbox(address);
            } else {
                self.reindex(address);
            }
        }
    }

    fn end_mailbox(&mut self, address: MailboxId) {
        let Some(mailbox) = self.mailboxes.remove(&address) else { return };
        self.queued_cells -= mailbox.queued();
        self.counters.cells_expired += mailbox.queued() as u64;
        for holder in mailbox.sides.iter().filter_map(|side| side.holder) {
            if let Some(connection) = self.connections.get_mut(&holder.connection) {
                connection.channels.remove(&holder.channel);
            }
            self.send(holder.connection, ServerFrame::Closed(holder.channel));
        }
    }
}
