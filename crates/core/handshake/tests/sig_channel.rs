//! The signalling channel under loss, repetition, reordering and forgery, in virtual time (PROTOCOL §5.1, Appendix D).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use sotto_handshake::{SigChannel, SigFault};
use sotto_wire::{Cell, CellType, SigMessage, sig::Card};

fn channels() -> (SigChannel, SigChannel) {
    let (mut i, mut r, _) = first(7);
    let ack = r.ack([None, None], &mut Seeded(1)).remove(0);
    assert_eq!(i.read_ack(&ack, 0), Ok(true));
    (i.into_sig(), r.into_sig())
}

fn name(n: u32) -> SigMessage {
    SigMessage::Name(format!("name {n}"))
}

fn one(channel: &mut SigChannel, n: u32) -> Cell {
    let [cell] = <[Cell; 1]>::try_from(channel.seal(&name(n))).unwrap();
    cell
}

#[test]
fn long_messages_take_up_to_four_cells() {
    let (mut i, mut r) = channels();
    let text = |len| SigMessage::Card(Card { sentence: "x".repeat(len), phone: String::new(), caller: String::new() });
    for (len, cells) in [(1, 1), (4_055, 1), (4_056, 2), (16_238, 4)] {
        let sealed = r.seal(&text(len));
        assert_eq!(sealed.len(), cells, "{len}");
        let messages: Vec<_> = sealed.iter().filter_map(|cell| i.receive(cell, 0).unwrap().message).collect();
        assert_eq!(messages, [text(len)]);
    }
    assert!(r.try_seal(&text(16_239)).is_err() && r.seal(&text(16_239)).is_empty());
    assert!(i.receive(&one(&mut r, 1), 0).unwrap().message.is_some(), "nothing was sealed for the long one");
}

#[test]
fn a_repeat_is_dropped_and_a_gap_is_filled_by_identical_bytes() {
    let (mut i, mut r) = channels();
    let cells: Vec<Cell> = (0..4).map(|n| one(&mut i, n)).collect();
    assert_eq!(r.receive(&cells[0], 0).unwrap().message, Some(name(0)));
    let repeat = r.receive(&cells[0], 0).unwrap();
    assert!(repeat.authentic && repeat.message.is_none());
    // 1 is lost; 2 and 3 wait.
    assert_eq!(r.receive(&cells[2], 100).unwrap().message, None);
    assert_eq!(r.receive(&cells[3], 100).unwrap().message, None);
    let sync = r.poll(100).expect("asks at once");
    assert_eq!(sync.sync_next_expected(), Ok(1));
    assert_eq!(r.poll(100), None, "once a second");
    let received = i.receive(&sync, 150).unwrap();
    assert!(!received.authentic);
    let again: Vec<Cell> =
        std::iter::from_fn(|| i.poll(150)).filter(|c| c.cell_type() == Some(CellType::Sig)).collect();
    assert_eq!(again, cells[1..]);
    let messages: Vec<_> = again.iter().filter_map(|cell| r.receive(cell, 200).unwrap().message).collect();
    assert_eq!(messages, [name(1), name(2), name(3)]);
    assert_eq!(r.poll(3_000), None, "the gap is filled, nothing more to ask");
}

#[test]
fn sync_is_served_once_a_second_with_at_most_eight_cells_of_the_last_64() {
    let (mut i, _) = channels();
    for n in 0..100 {
        one(&mut i, n);
    }
    let resent = |i: &mut SigChannel, next, now| {
        let result = i.receive(&Cell::sync(1, next), now).map(|_| ());
        (result, std::iter::from_fn(|| i.poll(now)).filter(|c| c.cell_type() == Some(CellType::Sig)).count())
    };
    assert_eq!(resent(&mut i, 36, 0), (Ok(()), 8));
    assert_eq!(resent(&mut i, 36, 999), (Ok(()), 0), "too soon");
    assert_eq!(resent(&mut i, 97, 1_000), (Ok(()), 3));
    assert_eq!(resent(&mut i, 100, 2_000), (Ok(()), 0), "nothing is missing");
    assert_eq!(resent(&mut i, 35, 3_000), (Err(SigFault::Header), 0), "gone");
    assert_eq!(resent(&mut i, 101, 4_000), (Err(SigFault::Header), 0), "never sent");
}

#[test]
fn silence_is_asked_about_every_three_seconds_then_rarely_then_not() {
    let (_, mut r) = channels();
    assert_eq!(r.wake_at(), Some(0), "the time was not told yet");
    assert_eq!(r.poll(1_000), None);
    assert_eq!(r.wake_at(), Some(4_000));
    assert_eq!(r.poll(3_999), None);
    let mut asked = Vec::new();
    while let Some(at) = r.wake_at() {
        assert!(r.poll(at).is_some_and(|cell| cell.cell_type() == Some(CellType::Sync)));
        asked.push(at);
    }
    assert_eq!(asked[..3], [4_000, 7_000, 10_000]);
    assert_eq!(asked.len(), 60, "a mailbox carries 512 cells in its life");
    assert_eq!(asked[59] - asked[58], 60_000);
    r.request_sync();
    assert!(r.poll(asked[59] + 5_000).is_some(), "a reconnect asks all the same");
    let (_, mut r) = channels();
    r.set_expecting(false);
    assert_eq!(r.poll(0), None);
    assert_eq!(r.wake_at(), None);
}

#[test]
fn a_gap_that_stays_a_minute_breaks_the_channel() {
    let (mut i, mut r) = channels();
    one(&mut i, 0);
    let second = one(&mut i, 1);
    r.receive(&second, 10_000).unwrap();
    assert!(!r.is_broken(69_999));
    assert!(r.is_broken(70_000));
    assert_eq!(r.poll(70_000), None);
}

#[test]
fn authentic_nonsense_is_fatal() {
    let (i, mut r, _) = first(8);
    let mut i = i.into_sig();
    // A client's first SIG message here is read as any other: CONFIRM is opaque to the channel.
    let cell = i.seal(&SigMessage::Confirm(vec![1, 2, 3])).remove(0);
    assert_eq!(r.sig_mut().receive(&cell, 0).unwrap().message, Some(SigMessage::Confirm(vec![1, 2, 3])));
    // A name above 64 bytes is E_SDP.
    let cell = i.seal(&SigMessage::Name("x".repeat(65))).remove(0);
    let fault = r.sig_mut().receive(&cell, 0).unwrap_err();
    assert_eq!((fault, fault.code(), fault.is_fatal()), (SigFault::Message, "E_SDP", true));
    assert!(r.sig_mut().is_broken(0));
}

#[test]
fn forged_reflected_and_foreign_cells_change_nothing() {
    let (mut i, mut r) = channels();
    let cell = one(&mut i, 0);
    let (_, other, _) = first(9);
    let foreign = other.into_sig().seal(&name(0)).remove(0);
    let before = (i.state_digest(), r.state_digest());
    assert_eq!(i.receive(&cell, 0), Err(SigFault::Tag), "reflected");
    assert_eq!(i.receive(&foreign, 0), Err(SigFault::Tag), "of another session");
    for at in 0..4096 {
        let forged = altered(&cell, |bytes| bytes[at] ^= 0x10);
        assert!(r.receive(&forged, 0).is_err_and(|fault| !fault.is_fatal()), "byte {at}");
    }
    assert_eq!((i.state_digest(), r.state_digest()), before);
    assert!(r.receive(&cell, 0).unwrap().message.is_some());
}

mod any_network {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is lost, repeated or swapped on the way: all messages arrive, once and in order.
        #[test]
        fn delivers_in_order_exactly_once(seed in any::<u64>(), count in 1_u32..40) {
            let (mut i, mut r) = channels();
            let mut rng = Seeded(seed);
            let mut link: Vec<(bool, Cell)> = Vec::new();
            let mut got = Vec::new();
            let (mut sent, mut now) = (0, 0);
            while got.len() < count as usize {
                now += 250;
                prop_assert!(now < 600_000, "never arrives: {} of {count}", got.len());
                if sent < count && rng.below(2) == 0 {
                    link.push((true, one(&mut i, sent)));
                    sent += 1;
                }
                link.extend(std::iter::from_fn(|| i.poll(now)).map(|cell| (true, cell)));
                link.extend(std::iter::from_fn(|| r.poll(now)).map(|cell| (false, cell)));
                if link.len() > 1 && rng.below(4) == 0 {
                    let at = rng.below(link.len() - 1);
                    link.swap(at, at + 1);
                }
                for (to_r, cell) in std::mem::take(&mut link) {
                    if rng.below(5) == 0 {
                        continue;
                    }
                    if rng.below(6) == 0 {
                        link.push((to_r, cell.clone()));
                    }
                    let channel = if to_r { &mut r } else { &mut i };
                    if let Ok(received) = channel.receive(&cell, now) {
                        got.extend(received.message);
                    }
                }
            }
            prop_assert_eq!(got, (0..count).map(name).collect::<Vec<_>>());
        }
    }
}
