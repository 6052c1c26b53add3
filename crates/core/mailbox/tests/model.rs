//! Random histories against a simple model: delivery in order and at most once, one owner per side, queues bounded.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{World, add, hello, number, open};
use proptest::prelude::*;
use sotto_mailbox::{AddressKey, ConnectionId, Input, Limits};
use sotto_wire::server::{ClientFrame, ErrorCode, PeerEvent, ServerFrame};

const CONNECTIONS: u64 = 5;
const MAILBOXES: u8 = 2;

#[derive(Clone, Debug)]
enum Op {
    Reconnect(u64),
    Open {
        id: u64,
        mailbox: u8,
        side: u8,
        owner: u8,
    },
    /// On any channel of the connection, also a closed one.
    Add {
        id: u64,
        nth: usize,
    },
    Close {
        id: u64,
        nth: usize,
    },
    Kick {
        id: u64,
        nth: usize,
    },
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let id = 0..CONNECTIONS;
    prop_oneof![
        1 => id.clone().prop_map(Op::Reconnect),
        6 => (id.clone(), 0..MAILBOXES, 0..2u8, 0..2u8)
            .prop_map(|(id, mailbox, side, owner)| Op::Open { id, mailbox, side, owner }),
        12 => (id.clone(), any::<usize>()).prop_map(|(id, nth)| Op::Add { id, nth }),
        2 => (id.clone(), any::<usize>()).prop_map(|(id, nth)| Op::Close { id, nth }),
        1 => (id, any::<usize>()).prop_map(|(id, nth)| Op::Kick { id, nth }),
        2 => prop_oneof![Just(10), Just(1000), Just(50_000), Just(200_000), Just(700_000)].prop_map(Op::Pass),
    ]
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Held {
    id: u64,
    channel: u16,
    owner: u8,
}

/// What must be true, in the plainest form.
#[derive(Default)]
struct Model {
    /// Who holds (mailbox, side).
    held: BTreeMap<(u8, u8), Held>,
    last_owner: BTreeMap<(u8, u8), u8>,
    /// Accepted cells towards (mailbox, side) that were not delivered yet: number and time.
    queued: BTreeMap<(u8, u8), Vec<(u64, u64)>>,
    /// When a mailbox got its present number of sides.
    since: BTreeMap<u8, u64>,
    /// Mailboxes that ever took a cell.
    used: BTreeMap<u8, bool>,
    /// Channels that each connection ever had.
    channels: BTreeMap<u64, Vec<u16>>,
}

impl Model {
    fn seat(&self, id: u64, channel: u16) -> Option<(u8, u8)> {
        self.held.iter().find(|(_, held)| held.id == id && held.channel == channel).map(|(seat, _)| *seat)
    }

    fn present(&self, mailbox: u8) -> usize {
        (0..2).filter(|&side| self.held.contains_key(&(mailbox, side))).count()
    }

    fn forget(&mut self, mailbox: u8) {
        for side in 0..2 {
            self.held.remove(&(mailbox, side));
            self.last_owner.remove(&(mailbox, side));
            self.queued.remove(&(mailbox, side));
        }
        self.used.remove(&mailbox);
    }

    fn leave(&mut self, seat: (u8, u8), now: u64) -> Option<Held> {
        self.held.remove(&seat);
        self.since.insert(seat.0, now);
        let other = self.held.get(&(seat.0, 1 - seat.1)).copied();
        if self.present(seat.0) == 0 && !self.used.contains_key(&seat.0) {
            self.forget(seat.0);
        }
        other
    }

    /// Time has passed: who is told CLOSED.
    fn expire(&mut self, now: u64) -> Vec<Held> {
        let mut told = Vec::new();
        for queue in self.queued.values_mut() {
            queue.retain(|&(_, at)| now - at < 120_000);
        }
        for mailbox in 0..MAILBOXES {
            let age = now - self.since.get(&mailbox).copied().unwrap_or(now);
            let over = match self.present(mailbox) {
                0 => age >= 600_000,
                1 => false,
                _ => age >= 12 * 3_600_000,
            };
            if over {
                told.extend((0..2).filter_map(|side| self.held.get(&(mailbox, side)).copied()));
                self.forget(mailbox);
            }
        }
        told
    }
}

type Expected = BTreeMap<u64, Vec<ServerFrame>>;

fn run(ops: Vec<Op>) {
    // Rates are tested elsewhere; here they would only hide the order.
    let limits = Limits {
        opens_per_minute: 1_000_000,
        cells_per_second: 1_000_000,
        cells_burst: 1_000_000,
        cells_per_minute: 1_000_000,
        frames_burst: 1_000_000,
        mailbox_cells: 1_000_000,
        crowded_notice_ms: 0,
        ..Limits::default()
    };
    let mut world = World::new(limits);
    let mut model = Model::default();
    for id in 0..CONNECTIONS {
        world.connect(id, 1);
    }
    let mut next_cell = 0;
    for op in ops {
        let mut expected: Expected = BTreeMap::new();
        let mut tell = |id: u64, frame: ServerFrame| expected.entry(id).or_default().push(frame);
        let now = world.now_ms;
        let channel_of = |model: &Model, id: u64, nth: usize| {
            let channels = model.channels.get(&id).filter(|list| !list.is_empty())?;
            Some(channels[nth % channels.len()])
        };
        match op {
            Op::Pass(ms) => {
                for held in model.expire(now + ms) {
                    tell(held.id, ServerFrame::Closed(held.channel));
                }
                world.pass(ms);
            }
            Op::Reconnect(id) => {
                // In the order of the channel numbers, as the machine does it.
                let mut seats: Vec<_> = model
                    .held
                    .iter()
                    .filter(|(_, held)| held.id == id)
                    .map(|(seat, held)| (held.channel, *seat))
                    .collect();
                seats.sort_unstable();
                world.disconnect(id);
                // The connection is gone as a whole: it is not told about itself.
                for (_, seat) in seats {
                    if let Some(other) = model.leave(seat, now) {
                        tell(other.id, ServerFrame::Peer { channel: other.channel, event: PeerEvent::Left });
                    }
                }
                model.channels.remove(&id);
                expected.remove(&id);
                world.take(id);
                world.input(Input::Connected { connection: ConnectionId(id), address: AddressKey([1; 16]) });
                world.take(id);
                world.input(Input::Frame { connection: ConnectionId(id), bytes: &hello().encode() });
            }
            Op::Open { id, mailbox, side, owner } => {
                let seat = (mailbox, side);
                world.input(Input::Frame { connection: ConnectionId(id), bytes: &open(mailbox, side, owner).encode() });
                let holder = model.held.get(&seat).copied();
                if let Some(held) = holder.filter(|held| held.owner != owner) {
                    tell(held.id, ServerFrame::Peer { channel: held.channel, event: PeerEvent::Crowded });
                    tell(id, ServerFrame::Error { channel: 0, code: ErrorCode::Crowded });
                } else {
                    if let Some(held) = holder {
                        tell(held.id, ServerFrame::Peer { channel: held.channel, event: PeerEvent::Crowded });
                        tell(held.id, ServerFrame::Closed(held.channel));
                    } else {
                        model.since.insert(mailbox, now);
                    }
                    // The number itself is the machine's choice, but must be a free one.
                    let channel = world.inboxes[&id].frames.iter().find_map(|frame| match frame {
                        ServerFrame::Opened { channel, .. } => Some(*channel),
                        _ => None,
                    });
                    let channel = channel.expect("OPEN is answered");
                    model.held.remove(&seat);
                    assert_eq!(model.seat(id, channel), None, "a channel stands for one side only");
                    let other = model.held.get(&(mailbox, 1 - side)).copied();
                    model.held.insert(seat, Held { id, channel, owner });
                    model.channels.entry(id).or_default().push(channel);
                    let same = model.last_owner.insert(seat, owner).is_none_or(|last| last == owner);
                    let waiting = model.queued.remove(&seat).unwrap_or_default();
                    tell(id, ServerFrame::Opened { channel, peer_present: other.is_some() });
                    for (n, _) in waiting.into_iter().filter(|_| same) {
                        tell(id, ServerFrame::Message { channel, cell: common::cell(n) });
                    }
                    if let Some(other) = other {
                        tell(other.id, ServerFrame::Peer { channel: other.channel, event: PeerEvent::Joined });
                    }
                }
            }
            Op::Add { id, nth } => {
                let Some(channel) = channel_of(&model, id, nth) else { continue };
                next_cell += 1;
                world.input(Input::Frame { connection: ConnectionId(id), bytes: &add(channel, next_cell).encode() });
                let Some((mailbox, side)) = model.seat(id, channel) else {
                    tell(id, ServerFrame::Closed(channel));
                    check(&mut world, &expected);
                    continue;
                };
                let to = (mailbox, 1 - side);
                if let Some(reader) = model.held.get(&to) {
                    let message = ServerFrame::Message { channel: reader.channel, cell: common::cell(next_cell) };
                    tell(reader.id, message);
                } else {
                    let queue = model.queued.entry(to).or_default();
                    if queue.len() == 16 {
                        tell(id, ServerFrame::Error { channel, code: ErrorCode::QueueFull });
                        check(&mut world, &expected);
                        continue;
                    }
                    queue.push((next_cell, now));
                }
                model.used.insert(mailbox, true);
                tell(id, ServerFrame::Added(channel));
            }
            Op::Close { id, nth } => {
                let Some(channel) = channel_of(&model, id, nth) else { continue };
                world
                    .input(Input::Frame { connection: ConnectionId(id), bytes: &ClientFrame::Close(channel).encode() });
                if let Some(seat) = model.seat(id, channel)
                    && let Some(other) = model.leave(seat, now)
                {
                    tell(other.id, ServerFrame::Peer { channel: other.channel, event: PeerEvent::Left });
                }
                tell(id, ServerFrame::Closed(channel));
            }
            Op::Kick { id, nth } => {
                let Some(channel) = channel_of(&model, id, nth) else { continue };
                let Some((mailbox, side)) = model.seat(id, channel) else { continue };
                if side == 0 {
                    continue;
                }
                world.input(Input::Frame { connection: ConnectionId(id), bytes: &ClientFrame::Kick(channel).encode() });
                model.queued.remove(&(mailbox, 0));
                model.last_owner.remove(&(mailbox, 0));
                if let Some(held) = model.held.get(&(mailbox, 0)).copied() {
                    tell(held.id, ServerFrame::Closed(held.channel));
                    model.leave((mailbox, 0), now);
                    tell(id, ServerFrame::Peer { channel, event: PeerEvent::Left });
                }
            }
        }
        check(&mut world, &expected);
        let queued: usize = model.queued.values().map(Vec::len).sum();
        assert_eq!(world.machine.counters().queued_bytes, queued as u64 * 4096);
    }
    // At the end nobody is left, and nothing of anybody stays.
    for id in 0..CONNECTIONS {
        world.disconnect(id);
    }
    world.pass(600_000);
    let counters = world.machine.counters();
    assert_eq!((counters.connections, counters.mailboxes, counters.queued_bytes), (0, 0, 0));
    assert_eq!(world.machine.wake_at(), None);
}

fn check(world: &mut World, expected: &Expected) {
    for id in 0..CONNECTIONS {
        let seen = world.take(id);
        let wanted = expected.get(&id).map_or(&[][..], Vec::as_slice);
        let short = |frames: &[ServerFrame]| -> Vec<String> {
            frames
                .iter()
                .map(|frame| match frame {
                    ServerFrame::Message { channel, cell } => format!("Message {channel} #{}", number(cell)),
                    other => format!("{other:?}"),
                })
                .collect()
        };
        assert_eq!(short(&seen), short(wanted), "connection {id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_does_what_the_model_does(ops in prop::collection::vec(op(), 0..120)) {
        run(ops);
    }
}
