//! The ratchet and rekeys in virtual time (PROTOCOL §7.7), with real sealed packets of sound.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use sotto_call::{Input, TransportId, TransportReport};
use sotto_session_api::{Command, EndReason, Event, Gate, InviteForm};
use sotto_sim::{Between, Duo, Who};
use sotto_wire::{SealedRecord, TrackId};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];
/// RK1 and RK2 take so many records. Nothing else travels on the control track around a rekey of these tests.
const RECORDS: [usize; 2] = [3, 3];

fn keys(duo: &Duo) -> [Option<(u8, u8)>; 2] {
    BOTH.map(|who| duo.side(who).media_key)
}

fn ended(duo: &Duo, who: Who) -> Option<(EndReason, bool)> {
    duo.side(who).events.iter().rev().find_map(|event| match event {
        Event::Ended { reason, complete } => Some((*reason, *complete)),
        _ => None,
    })
}

fn chats(duo: &Duo, who: Who) -> usize {
    duo.side(who).events.iter().filter(|event| matches!(event, Event::Chat { .. })).count()
}

#[test]
fn keys_ratchet_every_thirty_seconds_and_are_renewed_every_three_minutes() {
    let mut duo = Duo::new(1);
    duo.open_session(InviteForm::Code);
    assert_eq!(keys(&duo), [Some((0, 0)); 2]);
    let mut seen = Vec::new();
    for _ in 0..13 {
        duo.run_for(30_000);
        seen.push(keys(&duo));
    }
    let steps = |epoch, from: u8, to: u8| (from..=to).map(move |step| [Some((epoch, step)); 2]);
    let expected: Vec<_> = steps(0, 1, 5).chain(steps(1, 0, 5)).chain(steps(2, 0, 1)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn an_hour_of_rekeys_loses_no_packet_and_no_message_and_ends_normally() {
    let mut duo = Duo::new(2);
    duo.media_every_ms = 1_000;
    duo.open_session(InviteForm::Code);
    for n in 0..3_600 {
        duo.run_for(1_000);
        if n % 60 == 59 {
            duo.command(Who::Client, Command::Chat("still here".into()));
            duo.command(Who::Therapist, Command::Chat("good".into()));
        }
    }
    duo.run_for(2_000);
    for who in BOTH {
        let side = duo.side(who);
        assert!(side.media_key.is_some_and(|(epoch, _)| epoch >= 19), "{:?}", side.media_key);
        assert!((3_600..3_610).contains(&side.packets_opened), "{}", side.packets_opened);
        assert_eq!(chats(&duo, who), 120);
    }
    duo.command(Who::Therapist, Command::End);
    duo.run_for(1_000);
    assert_eq!(BOTH.map(|who| ended(&duo, who)), [Some((EndReason::Normal, true)); 2]);
}

/// An epoch is one byte in each packet: there is none after 255, and no number comes twice (PROTOCOL §7.5).
#[test]
fn epoch_255_is_the_last_and_then_the_session_ends() {
    let mut duo = Duo::new(8);
    duo.rekey_every(10);
    duo.media_every_ms = 1_000;
    duo.open_session(InviteForm::Code);
    let mut epochs = Vec::new();
    for _ in 0..3_600 {
        duo.run_for(1_000);
        let Some((epoch, _)) = keys(&duo)[0] else { break };
        epochs.push(epoch);
    }
    assert!(epochs.is_sorted(), "{epochs:?}");
    epochs.dedup();
    assert_eq!(epochs, (0..=255).collect::<Vec<u8>>());
    duo.run_for(5_000);
    for who in BOTH {
        assert_eq!(ended(&duo, who), Some((EndReason::Rekey, true)), "{who:?}");
        assert!(!duo.side(who).has_media, "{who:?}");
    }
    // By who would have to begin the next one.
    assert!(duo.codes(Who::Client).contains(&"E_REKEY"));
}

#[test]
fn rekeys_go_on_while_words_are_compared() {
    let mut duo = Duo::new(3);
    duo.rekey_every(10);
    let (contact, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(contact);
    duo.run_for(45_000);
    assert!(keys(&duo)[0].is_some_and(|(epoch, _)| epoch >= 3), "{:?}", keys(&duo));
    duo.compare();
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2]);
}

/// Holds what the client or the therapist sends, and gives it back in order.
#[derive(Clone, Default)]
struct Hold(Rc<RefCell<Held>>);

#[derive(Default)]
struct Held {
    /// Records of this side are held from the moment that the other's RK1 or RK2 has passed.
    side: Option<Who>,
    /// Also the side's own RK1 or RK2.
    with_own: bool,
    /// Control records that passed.
    control: [usize; 2],
    records: VecDeque<SealedRecord>,
}

impl Between for Hold {
    fn record(&mut self, from: Who, record: SealedRecord) -> Vec<(Who, SealedRecord)> {
        let mut held = self.0.borrow_mut();
        if held.side == Some(from) {
            let other = from.other() as usize;
            let has_passed = held.control[other] >= RECORDS[other];
            if !held.records.is_empty() || has_passed || (held.with_own && record.track == TrackId::Control) {
                held.records.push_back(record);
                return Vec::new();
            }
        }
        if record.track == TrackId::Control {
            held.control[from as usize] += 1;
        }
        vec![(from.other(), record)]
    }
}

impl Hold {
    fn start(duo: &mut Duo, side: Who, with_own: bool) -> Self {
        let hold = Self::default();
        *hold.0.borrow_mut() = Held { side: Some(side), with_own, ..Held::default() };
        duo.put_between(hold.clone());
        hold
    }

    /// What was held arrives now, and nothing is held any more.
    fn release(&self, duo: &mut Duo, to: Who) {
        let records = {
            let mut held = self.0.borrow_mut();
            held.side = None;
            core::mem::take(&mut held.records)
        };
        for record in records {
            duo.step(to, Input::Transport(TransportId(1), TransportReport::Record(record)));
        }
        duo.run_for(200);
    }
}

/// `rekey_media_overtakes_rk3`
#[test]
fn media_of_the_new_epoch_that_overtakes_rk3_moves_the_responder() {
    let mut duo = Duo::new(4);
    duo.media_every_ms = 0;
    duo.open_session(InviteForm::Code);
    let hold = Hold::start(&mut duo, Who::Client, false);
    duo.run_for(181_000);
    // RK3 is held; the client sends in the new epoch, the therapist does not.
    assert_eq!(keys(&duo), [Some((1, 0)), Some((0, 6))]);
    duo.exchange_media();
    duo.run_for(10);
    assert_eq!(keys(&duo), [Some((1, 0)); 2]);
    assert_eq!(BOTH.map(|who| duo.side(who).packets_opened), [1, 1]);
    duo.exchange_media();
    duo.run_for(10);
    assert_eq!(BOTH.map(|who| duo.side(who).packets_opened), [2, 2]);
    hold.release(&mut duo, Who::Therapist);
    duo.media_every_ms = 5_000;
    duo.run_for(200_000);
    assert_eq!(keys(&duo)[0].map(|(epoch, _)| epoch), Some(2), "the next rekey is not held up");
    duo.command(Who::Client, Command::End);
    duo.run_for(1_000);
    assert_eq!(BOTH.map(|who| ended(&duo, who)), [Some((EndReason::Normal, true)); 2]);
}

#[test]
fn sound_of_the_old_epoch_is_heard_for_five_seconds_more() {
    let mut duo = Duo::new(5);
    duo.media_every_ms = 0;
    duo.open_session(InviteForm::Code);
    let hold = Hold::start(&mut duo, Who::Client, false);
    duo.run_for(181_000);
    // The therapist still seals in epoch 0: the client, who is in 1, opens it.
    duo.exchange_media();
    assert_eq!(duo.side(Who::Client).packets_opened, 1);
    hold.release(&mut duo, Who::Therapist);
    assert_eq!(keys(&duo), [Some((1, 0)); 2]);
}

/// `rekey_timeout_ends_session`
#[test]
fn a_rekey_that_never_ends_pauses_media_after_eight_minutes_and_ends_the_session_after_nine() {
    for held in BOTH {
        let mut duo = Duo::new(6);
        duo.open_session(InviteForm::Code);
        let _hold = Hold::start(&mut duo, held, true);
        duo.run_for(478_000);
        assert_eq!(keys(&duo), [Some((0, 15)); 2], "{held:?}: the old epoch goes on");
        let before = BOTH.map(|who| duo.side(who).packets_opened);
        assert!(before.iter().all(|&packets| packets > 80), "{before:?}");
        duo.run_for(15_000);
        let paused = BOTH.map(|who| duo.side(who).packets_opened);
        duo.run_for(30_000);
        assert_eq!(BOTH.map(|who| duo.side(who).packets_opened), paused, "{held:?}: nothing is sealed any more");
        for who in BOTH {
            assert!(duo.codes(who).contains(&"keys-late"), "{held:?}, {who:?}");
            assert_eq!(duo.gate(who), Some(Gate::G2));
        }
        duo.run_for(30_000);
        for who in BOTH {
            assert!(ended(&duo, who).is_some(), "{held:?}, {who:?}: {:?}", duo.codes(who));
        }
        assert!(BOTH.iter().any(|who| duo.codes(*who).contains(&"E_REKEY")), "{held:?}");
    }
}

#[test]
fn a_side_that_does_not_leave_the_old_epoch_ends_the_session_after_two_minutes() {
    let mut duo = Duo::new(7);
    duo.open_session(InviteForm::Code);
    // RK3 and the empty records that open the epoch never arrive: the therapist's chat stays in the old epoch …
    let _hold = Hold::start(&mut duo, Who::Client, false);
    duo.media_every_ms = 0;
    duo.run_for(181_000 + 115_000);
    assert_eq!(duo.gate(Who::Client), Some(Gate::G2));
    // … so the client, who began the new one, ends the session.
    duo.run_for(10_000);
    assert!(duo.codes(Who::Client).contains(&"E_REKEY"), "{:?}", duo.codes(Who::Client));
    assert!(ended(&duo, Who::Client).is_some());
}

#[test]
fn a_path_that_was_lost_while_an_epoch_begins_gives_both_sides_their_time_anew() {
    let mut duo = Duo::new(9);
    duo.open_session(InviteForm::Code);
    let hold = Hold::start(&mut duo, Who::Client, false);
    duo.media_every_ms = 0;
    duo.run_for(181_000 + 60_000);
    duo.set_relay(false);
    duo.run_for(50_000);
    duo.set_relay(true);
    // Two minutes from RK3 are over; what was sent is repeated only now.
    duo.run_for(60_000);
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2], "{:?}", duo.codes(Who::Client));
    duo.media_every_ms = 20;
    hold.release(&mut duo, Who::Therapist);
    duo.command(Who::Client, Command::Chat("there you are".into()));
    duo.run_for(500);
    assert_eq!(chats(&duo, Who::Therapist), 1);
    // It does not go on for ever: without the rest of this rekey there is no next one.
    let _hold = Hold::start(&mut duo, Who::Client, false);
    duo.run_for(181_000);
    for _ in 0..10 {
        duo.set_relay(false);
        duo.run_for(30_000);
        duo.set_relay(true);
        duo.run_for(30_000);
    }
    assert!(BOTH.iter().any(|who| duo.codes(*who).contains(&"E_REKEY")), "{:?}", BOTH.map(|who| duo.codes(who)));
    assert!(BOTH.iter().all(|who| ended(&duo, *who).is_some()));
}

#[test]
fn a_lost_path_in_the_middle_of_a_rekey_delays_it_and_no_more() {
    let mut duo = Duo::new(8);
    duo.open_session(InviteForm::Code);
    let hold = Hold::start(&mut duo, Who::Therapist, true);
    duo.run_for(181_000);
    assert_eq!(keys(&duo), [Some((0, 6)); 2]);
    duo.run_for(40_000);
    assert_eq!(keys(&duo), [Some((0, 7)); 2], "an attempt does not fail by time");
    hold.release(&mut duo, Who::Client);
    assert_eq!(keys(&duo), [Some((1, 0)); 2]);
    duo.command(Who::Client, Command::Chat("there you are".into()));
    duo.command(Who::Therapist, Command::End);
    duo.run_for(1_000);
    assert_eq!(BOTH.map(|who| ended(&duo, who)), [Some((EndReason::Normal, true)); 2]);
}

#[test]
fn the_end_is_authentic_at_every_moment_of_a_rekey() {
    for who in BOTH {
        for ms in (0..200).step_by(5) {
            let mut duo = Duo::new(9);
            duo.rekey_every(20);
            duo.open_session(InviteForm::Code);
            let begun = duo.now_ms;
            // The rekey begins some 20 s after the session was bound, a little before now.
            duo.run_for(18_900 + ms - (duo.now_ms - begun));
            duo.command(who, Command::End);
            duo.run_for(4_000);
            let found = BOTH.map(|who| ended(&duo, who));
            assert_eq!(found, [Some((EndReason::Normal, true)); 2], "{who:?} ended {ms} ms in");
        }
    }
}

#[test]
fn forged_records_change_nothing_during_a_rekey() {
    let mut duo = Duo::new(10);
    duo.open_session(InviteForm::Code);
    let _hold = Hold::start(&mut duo, Who::Therapist, true);
    duo.run_for(181_000);
    for who in BOTH {
        let before = duo.side(who).room.state_digest();
        for track in [TrackId::Control, TrackId::Chat, TrackId::File] {
            for kid in 0..=u8::MAX {
                let mut bytes = vec![0x5A; 1300];
                bytes[..4].copy_from_slice(&[0x88, kid, 3, 1]);
                let report = TransportReport::Record(SealedRecord { track, bytes: bytes.into() });
                duo.step(who, Input::Transport(TransportId(1), report));
            }
        }
        assert_eq!(duo.side(who).room.state_digest(), before, "{who:?}");
    }
}
