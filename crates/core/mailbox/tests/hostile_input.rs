//! Anything at all may come in a frame: no panic, no growth, and only the sender's own connection is touched.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;

use common::{Seeded, World, add, hello, open};
use sotto_mailbox::{AddressKey, ConnectionId, Input, Limits};
use sotto_wire::server::{ClientFrame, ErrorCode, MAX_FRAME_LEN, Nameplate, ServerFrame};

const ATTACKER: u64 = 9;

/// A pair in a session with queued cells elsewhere, and an attacker that said HELLO and holds a side too.
fn world() -> World {
    let mut world = World::new(Limits::default());
    world.connect(1, 1);
    world.connect(2, 2);
    world.open(1, 9, 1, 11);
    world.open(2, 9, 0, 22);
    let (alone, _, _) = world.open(1, 10, 1, 11);
    world.frame(1, &add(alone, 1));
    world.frame(1, &ClientFrame::Alloc);
    world.connect(ATTACKER, 3);
    world.open(ATTACKER, 11, 1, 33);
    for id in [1, 2, ATTACKER] {
        world.take(id);
    }
    world
}

fn samples() -> Vec<Vec<u8>> {
    [
        hello(),
        ClientFrame::Hello { version: 1, pow: 7, token: vec![1; 255] },
        ClientFrame::Alloc,
        ClientFrame::Claim(Nameplate::parse("123456").unwrap()),
        open(9, 0, 33),
        open(77, 1, 33),
        add(1, 1),
        ClientFrame::Close(1),
        ClientFrame::Turn(1),
        ClientFrame::Ping(1),
        ClientFrame::Kick(1),
        ClientFrame::Done(1),
    ]
    .iter()
    .map(ClientFrame::encode)
    .collect()
}

/// Feeds one frame to a fresh copy. What can't be decoded must have the very effect of a lost connection.
fn feed(fresh: &World, gone: u64, bytes: &[u8]) {
    let mut world = fresh.clone();
    let frames = world.bytes(ATTACKER, bytes);
    if ClientFrame::decode(bytes).is_err() {
        assert_eq!(frames, [ServerFrame::Error { channel: 0, code: ErrorCode::BadFrame }]);
        assert!(world.inboxes[&ATTACKER].closed);
        assert_eq!(world.machine.digest(), gone);
    }
    for id in [1, 2] {
        let told = world.take(id);
        assert!(told.iter().all(|frame| matches!(frame, ServerFrame::Peer { .. })), "{told:?}");
    }
}

fn gone(fresh: &World) -> u64 {
    let mut world = fresh.clone();
    world.disconnect(ATTACKER);
    world.machine.digest()
}

#[test]
fn every_truncation_and_every_extension_closes_only_the_sender() {
    let fresh = world();
    let gone = gone(&fresh);
    for sample in samples() {
        for len in 0..sample.len() {
            assert!(ClientFrame::decode(&sample[..len]).is_err());
            feed(&fresh, gone, &sample[..len]);
        }
        let mut longer = sample.clone();
        longer.push(0);
        assert!(ClientFrame::decode(&longer).is_err());
        feed(&fresh, gone, &longer);
    }
    for len in [MAX_FRAME_LEN, MAX_FRAME_LEN + 1, 1 << 20] {
        feed(&fresh, gone, &vec![5; len]);
    }
}

#[test]
fn every_bit_flip_is_survived() {
    let fresh = world();
    let gone = gone(&fresh);
    for sample in samples() {
        // Of a cell's content only the beginning: the server reads none of it.
        for bit in 0..(sample.len() * 8).min(1024) {
            let mut flipped = sample.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            feed(&fresh, gone, &flipped);
        }
    }
}

#[test]
fn a_hundred_thousand_mutations_leave_the_machine_whole_and_small() {
    let mut rng = Seeded(0x0005_0770);
    let samples = samples();
    let mut world = world();
    let mut id = ATTACKER;
    for _ in 0..100_000 {
        let mut bytes = samples[(rng.next() % samples.len() as u64) as usize].clone();
        for _ in 0..rng.next() % 4 {
            let at = (rng.next() % bytes.len() as u64) as usize;
            match rng.next() % 4 {
                0 => bytes[at] = rng.next() as u8,
                1 => bytes[at] ^= 1 << (rng.next() % 8),
                2 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, rng.next() as u8),
            }
        }
        world.now_ms += rng.next() % 20;
        world.bytes(id, &bytes);
        for other in [1, 2] {
            let told = world.take(other);
            assert!(!told.iter().any(|frame| matches!(frame, ServerFrame::Message { .. })), "nobody's cells get in");
        }
        if world.inboxes[&id].closed {
            world.inboxes.remove(&id);
            id += 1;
            world.input(Input::Connected { connection: ConnectionId(id), address: AddressKey([3; 16]) });
            world.bytes(id, &hello().encode());
            world.bytes(id, &open(11, 1, 33).encode());
        }
    }
    assert!(id > 1000, "many of them were refused: {id}");
    let counters = world.machine.counters();
    assert_eq!(counters.connections, 3);
    assert!(counters.addresses <= 3, "{counters:?}");
    assert!(counters.mailboxes < 2000, "{counters:?}");
    world.disconnect(id);
    world.pass(600_000);
    assert_eq!(world.machine.counters().mailboxes, 2, "only the pair's are left");
}

#[test]
fn before_hello_nothing_is_stored() {
    let fresh = world();
    for sample in samples() {
        let mut world = fresh.clone();
        let before = world.machine.digest();
        world.input(Input::Connected { connection: ConnectionId(50), address: AddressKey([5; 16]) });
        world.take(50);
        world.bytes(50, &sample);
        if !sample.starts_with(&[1]) {
            assert!(world.inboxes[&50].closed);
        }
        world.disconnect(50);
        assert_eq!(world.machine.digest(), before);
    }
}

#[test]
fn one_frame_allocates_little() {
    let fresh = world();
    let flood: Vec<Vec<u8>> = samples().into_iter().chain([vec![5; 1 << 20], vec![1; MAX_FRAME_LEN]]).collect();
    for bytes in flood {
        let mut world = fresh.clone();
        let info = allocation_counter::measure(|| {
            world.bytes(ATTACKER, &bytes);
        });
        assert!(info.bytes_max < 64 << 10, "{} bytes", info.bytes_max);
    }
}
