//! What two people, a stranger and a crowd do to the server.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;

use common::{World, add, cell, hello, number, open};
use sotto_mailbox::{AddressKey, ConnectionId, Input, Limits};
use sotto_wire::server::{ClientFrame, ErrorCode, Nameplate, PeerEvent, ServerFrame};

const THERAPIST: u64 = 1;
const CLIENT: u64 = 2;
const STRANGER: u64 = 3;

fn error(channel: u16, code: ErrorCode) -> Vec<ServerFrame> {
    vec![ServerFrame::Error { channel, code }]
}

fn peer(channel: u16, event: PeerEvent) -> ServerFrame {
    ServerFrame::Peer { channel, event }
}

/// Both connected and open on mailbox 9: (world, therapist's channel, client's channel).
fn pair() -> (World, u16, u16) {
    let mut world = World::new(Limits::default());
    world.connect(THERAPIST, 1);
    world.connect(CLIENT, 2);
    let (r, present, _) = world.open(THERAPIST, 9, 1, 11);
    assert!(!present);
    let (i, present, _) = world.open(CLIENT, 9, 0, 22);
    assert!(present);
    assert_eq!(world.take(THERAPIST), [peer(r, PeerEvent::Joined)]);
    (world, r, i)
}

fn alloc(world: &mut World, id: u64) -> Nameplate {
    match world.frame(id, &ClientFrame::Alloc).remove(0) {
        ServerFrame::Allocated { nameplate, ttl_s: 1800, .. } => nameplate,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_spoken_code_leads_both_to_one_mailbox() {
    let mut world = World::new(Limits::default());
    world.connect(THERAPIST, 1);
    world.connect(CLIENT, 2);
    let ServerFrame::Allocated { nameplate, mailbox, .. } = world.frame(THERAPIST, &ClientFrame::Alloc).remove(0)
    else {
        panic!()
    };
    assert_eq!(nameplate.as_str().len(), 6);
    let claimed = world.frame(CLIENT, &ClientFrame::Claim(nameplate.clone()));
    assert_eq!(claimed, [ServerFrame::Claimed(mailbox)]);
    assert_eq!(world.frame(CLIENT, &ClientFrame::Claim(nameplate.clone())), claimed, "it stays claimable");
    let opened = world.frame(THERAPIST, &ClientFrame::Open { mailbox, side: 1, owner: [1; 16] });
    let [ServerFrame::Opened { channel, .. }] = opened[..] else { panic!() };
    assert!(world.frame(THERAPIST, &ClientFrame::Done(channel)).is_empty());
    assert_eq!(world.frame(CLIENT, &ClientFrame::Claim(nameplate)), error(0, ErrorCode::UnknownNameplate));
}

#[test]
fn a_nameplate_ends_after_half_an_hour() {
    let mut world = World::new(Limits::default());
    world.connect(THERAPIST, 1);
    world.connect(CLIENT, 2);
    let nameplate = alloc(&mut world, THERAPIST);
    world.pass(1_799_999);
    assert!(matches!(world.frame(CLIENT, &ClientFrame::Claim(nameplate.clone()))[..], [ServerFrame::Claimed(_)]));
    world.pass(1);
    assert_eq!(world.frame(CLIENT, &ClientFrame::Claim(nameplate)), error(0, ErrorCode::UnknownNameplate));
    assert_eq!(world.machine.counters().nameplates, 0);
}

#[test]
fn cells_pass_in_order_both_ways() {
    let (mut world, r, i) = pair();
    for n in 0..100 {
        world.now_ms += 150;
        assert_eq!(world.frame(CLIENT, &add(i, n)), [ServerFrame::Added(i)]);
        assert_eq!(world.frame(THERAPIST, &add(r, 1000 + n)).last(), Some(&ServerFrame::Added(r)));
        assert_eq!(world.take(CLIENT), [ServerFrame::Message { channel: i, cell: cell(1000 + n) }]);
    }
}

#[test]
fn queued_cells_follow_opened_and_are_sixteen_at_most() {
    let mut world = World::new(Limits::default());
    world.connect(THERAPIST, 1);
    world.connect(CLIENT, 2);
    let (i, _, _) = world.open(CLIENT, 9, 0, 22);
    for n in 0..16 {
        assert_eq!(world.frame(CLIENT, &add(i, n)), [ServerFrame::Added(i)]);
    }
    assert_eq!(world.frame(CLIENT, &add(i, 16)), error(i, ErrorCode::QueueFull));
    assert_eq!(world.machine.counters().queued_bytes, 16 * 4096);
    let (_, present, messages) = world.open(THERAPIST, 9, 1, 11);
    assert!(present);
    let numbers: Vec<u64> = messages
        .iter()
        .map(|frame| match frame {
            ServerFrame::Message { cell, .. } => number(cell),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, (0..16).collect::<Vec<_>>());
    assert_eq!(world.machine.counters().queued_bytes, 0);
}

#[test]
fn a_queued_cell_is_dropped_after_two_minutes() {
    let mut world = World::new(Limits::default());
    world.connect(THERAPIST, 1);
    world.connect(CLIENT, 2);
    let (i, _, _) = world.open(CLIENT, 9, 0, 22);
    world.frame(CLIENT, &add(i, 1));
    world.now_ms += 60_000;
    world.frame(CLIENT, &add(i, 2));
    assert_eq!(world.machine.wake_at(), Some(1000 + 120_000));
    world.pass(60_000);
    let (r, _, messages) = world.open(THERAPIST, 9, 1, 11);
    assert_eq!(messages, [ServerFrame::Message { channel: r, cell: cell(2) }]);
    assert_eq!(world.machine.counters().cells_expired, 1);
}

#[test]
fn the_owner_takes_over_and_the_old_connection_is_told() {
    let (mut world, r, i) = pair();
    world.connect(4, 2);
    let (_, present, _) = world.open(4, 9, 0, 22);
    assert!(present);
    assert_eq!(world.take(CLIENT), [peer(i, PeerEvent::Crowded), ServerFrame::Closed(i)]);
    assert_eq!(world.take(THERAPIST), [peer(r, PeerEvent::Joined)]);
    assert_eq!(world.frame(CLIENT, &add(i, 1)), [ServerFrame::Closed(i)], "the old channel carries nothing");
    assert!(world.take(THERAPIST).is_empty());
    world.disconnect(CLIENT);
    assert!(world.take(THERAPIST).is_empty(), "the dead connection's end changes nothing");
}

#[test]
fn a_takeover_on_the_same_connection_gets_a_new_channel() {
    let (mut world, r, i) = pair();
    let frames = world.frame(CLIENT, &open(9, 0, 22));
    let [ServerFrame::Peer { .. }, ServerFrame::Closed(old), ServerFrame::Opened { channel, .. }] = frames[..] else {
        panic!("{frames:?}")
    };
    assert_eq!(old, i);
    assert_ne!(channel, i);
    assert_eq!(world.take(THERAPIST), [peer(r, PeerEvent::Joined)]);
    world.frame(THERAPIST, &add(r, 5));
    assert_eq!(world.take(CLIENT), [ServerFrame::Message { channel, cell: cell(5) }]);
}

#[test]
fn another_owner_is_refused_and_the_holder_is_warned_once_a_second() {
    let (mut world, _, i) = pair();
    world.connect(STRANGER, 3);
    for _ in 0..3 {
        assert_eq!(world.frame(STRANGER, &open(9, 0, 33)), error(0, ErrorCode::Crowded));
    }
    assert_eq!(world.take(CLIENT), [peer(i, PeerEvent::Crowded)]);
    world.now_ms += 1000;
    assert_eq!(world.frame(STRANGER, &open(9, 0, 33)), error(0, ErrorCode::Crowded));
    assert_eq!(world.take(CLIENT), [peer(i, PeerEvent::Crowded)]);
}

#[test]
fn cells_for_one_device_are_not_given_to_another() {
    let (mut world, r, i) = pair();
    world.frame(CLIENT, &ClientFrame::Close(i));
    world.frame(THERAPIST, &add(r, 1));
    world.connect(STRANGER, 3);
    let (_, _, messages) = world.open(STRANGER, 9, 0, 33);
    assert!(messages.is_empty());
    assert_eq!(world.machine.counters().queued_bytes, 0);
}

#[test]
fn the_therapist_kicks_a_stranger_and_the_client_gets_in() {
    let mut world = World::new(Limits::default());
    world.connect(THERAPIST, 1);
    world.connect(CLIENT, 2);
    world.connect(STRANGER, 3);
    let (r, _, _) = world.open(THERAPIST, 9, 1, 11);
    let (s, _, _) = world.open(STRANGER, 9, 0, 33);
    assert_eq!(world.frame(CLIENT, &open(9, 0, 22)), error(0, ErrorCode::Crowded));
    world.take(THERAPIST);
    world.take(STRANGER);
    assert_eq!(world.frame(THERAPIST, &ClientFrame::Kick(r)), [peer(r, PeerEvent::Left)]);
    assert_eq!(world.take(STRANGER), [ServerFrame::Closed(s)]);
    let (_, present, _) = world.open(CLIENT, 9, 0, 22);
    assert!(present);
    assert_eq!(world.take(THERAPIST), [peer(r, PeerEvent::Joined)]);
}

#[test]
fn only_the_therapist_may_kick_or_be_done() {
    for frame in [ClientFrame::Kick as fn(u16) -> ClientFrame, ClientFrame::Done] {
        let (mut world, r, i) = pair();
        assert_eq!(world.frame(CLIENT, &frame(i)), error(0, ErrorCode::BadFrame));
        assert!(world.inboxes[&CLIENT].closed);
        assert_eq!(world.take(THERAPIST), [peer(r, PeerEvent::Left)]);
    }
}

#[test]
fn leaving_is_told_by_close_and_by_a_lost_connection() {
    let (mut world, r, i) = pair();
    assert_eq!(world.frame(CLIENT, &ClientFrame::Close(i)), [ServerFrame::Closed(i)]);
    assert_eq!(world.take(THERAPIST), [peer(r, PeerEvent::Left)]);
    world.open(CLIENT, 9, 0, 22);
    world.take(THERAPIST);
    world.disconnect(CLIENT);
    assert_eq!(world.take(THERAPIST), [peer(r, PeerEvent::Left)]);
}

#[test]
fn a_mailbox_lives_as_the_table_says() {
    // Both: 12 hours.
    let (mut world, r, i) = pair();
    world.pass(12 * 3_600_000 - 1);
    assert!(world.take(CLIENT).is_empty());
    world.pass(1);
    assert_eq!(world.take(CLIENT), [ServerFrame::Closed(i)]);
    assert_eq!(world.take(THERAPIST), [ServerFrame::Closed(r)]);
    assert_eq!(world.machine.counters().mailboxes, 0);
    // One: as long as it is connected. None: 10 minutes.
    let (mut world, _, i) = pair();
    world.frame(CLIENT, &add(i, 1));
    world.disconnect(CLIENT);
    world.pass(48 * 3_600_000);
    assert_eq!(world.machine.counters().mailboxes, 1);
    world.disconnect(THERAPIST);
    world.pass(599_999);
    assert_eq!(world.machine.counters().mailboxes, 1);
    world.pass(1);
    assert_eq!(world.machine.counters().mailboxes, 0);
}

#[test]
fn an_unused_mailbox_costs_nothing_after_its_last_side_left() {
    let mut world = World::new(Limits::default());
    world.connect(CLIENT, 2);
    world.open(CLIENT, 9, 0, 22);
    world.disconnect(CLIENT);
    assert_eq!(world.machine.counters().mailboxes, 0);
    assert_eq!(world.machine.wake_at(), None);
}

#[test]
fn a_mailbox_takes_512_cells_in_its_life() {
    let (mut world, r, i) = pair();
    for n in 0..512 {
        world.now_ms += 200;
        let (id, channel) = if n % 2 == 0 { (CLIENT, i) } else { (THERAPIST, r) };
        assert_eq!(world.frame(id, &add(channel, n)).last(), Some(&ServerFrame::Added(channel)));
    }
    world.take(CLIENT);
    assert_eq!(world.frame(CLIENT, &add(i, 512)), error(i, ErrorCode::Limit));
}

#[test]
fn cells_are_limited_per_second_and_per_minute() {
    let (mut world, _, i) = pair();
    let accepted = |world: &mut World, tries: u64| {
        (0..tries).filter(|&n| world.frame(CLIENT, &add(i, n)) == [ServerFrame::Added(i)]).count()
    };
    assert_eq!(accepted(&mut world, 50), 40);
    world.now_ms += 1000;
    assert_eq!(accepted(&mut world, 50), 20);
    let (mut world, r, i) = pair();
    let mut total = 0;
    for _ in 0..590 {
        world.now_ms += 51;
        total += usize::from(world.frame(CLIENT, &add(i, 1)) == [ServerFrame::Added(i)]);
    }
    assert_eq!(total, 512, "2 MiB at once, and the mailbox's life besides");
    assert_eq!(world.take(THERAPIST).len(), 512);
    assert_eq!(world.frame(THERAPIST, &add(r, 1)), error(r, ErrorCode::Limit));
}

#[test]
fn a_flood_of_frames_ends_the_connection() {
    let (mut world, r, _) = pair();
    let mut answered = 0;
    while !world.inboxes[&CLIENT].closed {
        let frames = world.frame(CLIENT, &ClientFrame::Ping(7));
        if frames == [ServerFrame::Pong(7)] {
            answered += 1;
        } else {
            assert_eq!(frames, error(0, ErrorCode::Limit));
        }
    }
    assert!((500..=600).contains(&answered), "{answered}");
    assert_eq!(world.take(THERAPIST), [peer(r, PeerEvent::Left)]);
    assert!(world.frame(CLIENT, &ClientFrame::Ping(7)).is_empty(), "a forgotten connection is not heard");
}

#[test]
fn alloc_is_limited_per_address_not_per_connection() {
    let mut world = World::new(Limits::default());
    for id in 0..10 {
        world.connect(id, 1);
        alloc(&mut world, id);
    }
    world.connect(10, 1);
    assert_eq!(world.frame(10, &ClientFrame::Alloc), error(0, ErrorCode::Limit));
    world.connect(11, 2);
    alloc(&mut world, 11);
    world.pass(3_600_000);
    alloc(&mut world, 10);
}

#[test]
fn five_unknown_nameplates_mean_ten_minutes_of_pause() {
    let mut world = World::new(Limits::default());
    world.connect(THERAPIST, 1);
    let real = alloc(&mut world, THERAPIST);
    let wrong = Nameplate::parse(if real.as_str() == "123456" { "123457" } else { "123456" }).unwrap();
    world.connect(CLIENT, 2);
    for _ in 0..5 {
        assert_eq!(world.frame(CLIENT, &ClientFrame::Claim(wrong.clone())), error(0, ErrorCode::UnknownNameplate));
    }
    assert_eq!(world.frame(CLIENT, &ClientFrame::Claim(real.clone())), error(0, ErrorCode::Limit));
    world.connect(4, 2);
    assert_eq!(world.frame(4, &ClientFrame::Claim(real.clone())), error(0, ErrorCode::Limit), "the address pauses");
    world.pass(600_000);
    assert!(matches!(world.frame(CLIENT, &ClientFrame::Claim(real))[..], [ServerFrame::Claimed(_)]));
}

#[test]
fn claims_are_twenty_an_hour() {
    let mut world = World::new(Limits::default());
    world.connect(THERAPIST, 1);
    let real = alloc(&mut world, THERAPIST);
    for n in 0..21 {
        let frames = world.frame(THERAPIST, &ClientFrame::Claim(real.clone()));
        assert_eq!(frames == error(0, ErrorCode::Limit), n == 20);
    }
}

#[test]
fn relay_credentials_need_both_sides_and_keep_to_their_limits() {
    let (mut world, r, i) = pair();
    let limits = Limits::default();
    let (of_channel, of_address) = (limits.turn_per_channel_hour, limits.turn_per_address_hour);
    for _ in 0..of_channel {
        assert!(world.frame(CLIENT, &ClientFrame::Turn(i)).is_empty());
    }
    assert_eq!(world.inboxes[&CLIENT].turn, of_channel);
    assert_eq!(world.frame(CLIENT, &ClientFrame::Turn(i)), error(i, ErrorCode::Limit));
    assert!(world.frame(THERAPIST, &ClientFrame::Turn(r)).is_empty(), "the other side has its own");
    // A reconnect does not reset it.
    world.disconnect(CLIENT);
    world.take(THERAPIST);
    assert_eq!(world.frame(THERAPIST, &ClientFrame::Turn(r)), error(r, ErrorCode::Busy), "alone");
    world.connect(4, 2);
    let (i, _, _) = world.open(4, 9, 0, 22);
    assert_eq!(world.frame(4, &ClientFrame::Turn(i)), error(i, ErrorCode::Limit));
    // And of each address, over any number of mailboxes.
    let mut granted = of_channel;
    for mailbox in 20..30 {
        let (a, _, _) = world.open(4, mailbox, 0, 1);
        world.open(4, mailbox, 1, 1);
        world.take(4);
        for _ in 0..of_channel {
            granted += usize::from(world.frame(4, &ClientFrame::Turn(a)).is_empty());
        }
    }
    assert_eq!(granted, of_address);
    world.pass(3_600_000);
    assert!(world.frame(4, &ClientFrame::Turn(i)).is_empty());
}

#[test]
fn without_a_relay_there_are_no_credentials() {
    let (mut world, _, _) = pair();
    world.machine = sotto_mailbox::Rendezvous::new(Limits::default(), false);
    world.inboxes.clear();
    world.input(Input::Connected { connection: ConnectionId(1), address: AddressKey([1; 16]) });
    assert!(matches!(world.take(1)[..], [ServerFrame::Welcome { flags: 0, .. }]));
    world.frame(1, &hello());
    let (channel, _, _) = world.open(1, 9, 0, 22);
    assert_eq!(world.frame(1, &ClientFrame::Turn(channel)), error(channel, ErrorCode::NoTurn));
}

#[test]
fn channels_are_limited_and_numbers_come_back_late() {
    let mut world = World::new(Limits { opens_per_minute: 100_000, channels: 3, ..Limits::default() });
    world.connect(CLIENT, 2);
    let channels: Vec<u16> = (0..3).map(|mailbox| world.open(CLIENT, mailbox, 0, 1).0).collect();
    assert_eq!(channels, [1, 2, 3]);
    assert_eq!(world.frame(CLIENT, &open(4, 0, 1)), error(0, ErrorCode::Limit));
    world.frame(CLIENT, &ClientFrame::Close(1));
    assert_eq!(world.open(CLIENT, 4, 0, 1).0, 4, "not 1 again");
}

#[test]
fn opens_are_limited_per_minute() {
    let mut world = World::new(Limits::default());
    world.connect(CLIENT, 2);
    let mut opened = 0;
    for mailbox in 0..=255u8 {
        world.now_ms += 20;
        opened += usize::from(world.frame(CLIENT, &open(mailbox, 0, 1)) != error(0, ErrorCode::Limit));
        if mailbox >= 200 {
            world.frame(CLIENT, &ClientFrame::Close(u16::from(mailbox) - 199));
        }
    }
    assert_eq!(opened, 256);
    let mut more = 0;
    for mailbox in 0..200u8 {
        world.now_ms += 20;
        let frames = world.frame(CLIENT, &open(mailbox, 1, 1));
        more += usize::from(frames.iter().any(|frame| matches!(frame, ServerFrame::Opened { .. })));
        for frame in frames {
            if let ServerFrame::Opened { channel, .. } = frame {
                world.frame(CLIENT, &ClientFrame::Close(channel));
            }
        }
    }
    assert!((300..350).contains(&(opened + more)), "300 at once and 5 a second: {}", opened + more);
}

#[test]
fn memory_caps_refuse_the_new_and_keep_the_old() {
    let mut world = World::new(Limits { queued_bytes: 3 * 4096, mailboxes: 2, nameplates: 1, ..Limits::default() });
    world.connect(CLIENT, 2);
    let (a, _, _) = world.open(CLIENT, 1, 0, 1);
    let (b, _, _) = world.open(CLIENT, 2, 0, 1);
    assert_eq!(world.frame(CLIENT, &open(3, 0, 1)), error(0, ErrorCode::Busy));
    for n in 0..3 {
        assert_eq!(world.frame(CLIENT, &add(a, n)), [ServerFrame::Added(a)]);
    }
    assert_eq!(world.frame(CLIENT, &add(b, 3)), error(b, ErrorCode::Busy));
    let (_, _, messages) = world.open(CLIENT, 1, 1, 1);
    assert_eq!(messages.iter().filter(|frame| matches!(frame, ServerFrame::Message { .. })).count(), 3);
    alloc(&mut world, CLIENT);
    assert_eq!(world.frame(CLIENT, &ClientFrame::Alloc), error(0, ErrorCode::Busy));
}

#[test]
fn the_table_of_addresses_is_bounded_and_swept() {
    let mut world = World::new(Limits { addresses: 2, ..Limits::default() });
    for id in 1..=3 {
        world.connect(id, u8::try_from(id).unwrap());
    }
    alloc(&mut world, 1);
    alloc(&mut world, 2);
    assert_eq!(world.frame(3, &ClientFrame::Alloc), error(0, ErrorCode::Limit));
    world.pass(3_600_000);
    assert_eq!(world.machine.counters().addresses, 0);
    alloc(&mut world, 3);
}

#[test]
fn hello_comes_first_and_once() {
    for bytes in [ClientFrame::Alloc.encode(), vec![], vec![0x01], ClientFrame::Ping(1).encode()] {
        let mut world = World::new(Limits::default());
        world.input(Input::Connected { connection: ConnectionId(1), address: AddressKey([1; 16]) });
        world.take(1);
        assert_eq!(world.bytes(1, &bytes), error(0, ErrorCode::BadFrame));
        assert!(world.inboxes[&1].closed);
    }
    let mut world = World::new(Limits::default());
    world.connect(1, 1);
    assert_eq!(world.frame(1, &hello()), error(0, ErrorCode::BadFrame));
    let mut world = World::new(Limits::default());
    world.input(Input::Connected { connection: ConnectionId(1), address: AddressKey([1; 16]) });
    world.take(1);
    let other = ClientFrame::Hello { version: 2, pow: 0, token: Vec::new() };
    assert_eq!(world.frame(1, &other), error(0, ErrorCode::BadFrame));
}
