//! A peer with the session's real keys that breaks the rules of rekeys (PROTOCOL §7.7): its records are authentic and in
//! order, what they say is not what an honest side would say now.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{cell::RefCell, rc::Rc};

use sotto_call::{Input, TransportId, TransportReport};
use sotto_session_api::{Command, EndReason, Event, Gate, InviteForm};
use sotto_sim::{Between, Duo, Message, Who};
use sotto_wire::{
    SealedRecord, TrackId,
    record::{ControlMessage, RK1_LEN, RK2_LEN, RekeyAttempt},
};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];
const RK1: u8 = 0x10;
const RK2: u8 = 0x11;
const RK3: u8 = 0x12;
const RK_REQ: u8 = 0x13;
const RK_FAIL: u8 = 0x14;
const END: u8 = 0x30;

const fn of(epoch: u8, attempt: u8) -> RekeyAttempt {
    RekeyAttempt { epoch, attempt }
}

fn rk1(attempt: RekeyAttempt, body: Option<[u8; RK1_LEN]>) -> ControlMessage {
    ControlMessage::Rk1(attempt, Box::new(body.unwrap_or([0; RK1_LEN])))
}

fn bad_rk2(attempt: RekeyAttempt) -> ControlMessage {
    ControlMessage::Rk2(attempt, Box::new([0; RK2_LEN]))
}

/// An open session whose every word is remembered.
fn open(seed: u64) -> Duo {
    let mut duo = Duo::new(seed);
    duo.open_session(InviteForm::Code);
    for who in BOTH {
        duo.watch(who);
    }
    duo
}

/// Rekey messages that `who` heard, in order.
fn heard(duo: &Duo, who: Who) -> Vec<ControlMessage> {
    let all = duo.heard(who, TrackId::Control);
    let rekeys = all.iter().filter(|(mtype, _)| (RK1..=RK_FAIL).contains(mtype));
    rekeys.map(|(mtype, data)| ControlMessage::decode(*mtype, data).unwrap().unwrap()).collect()
}

fn heard_names(duo: &Duo, who: Who) -> Vec<(u8, RekeyAttempt)> {
    let named = |message: &ControlMessage| match message {
        ControlMessage::Rk1(of, _) => (RK1, *of),
        ControlMessage::Rk2(of, _) => (RK2, *of),
        ControlMessage::Rk3(of, _) => (RK3, *of),
        ControlMessage::RkFail(of) => (RK_FAIL, *of),
        _ => (RK_REQ, of(0, 0)),
    };
    heard(duo, who).iter().map(named).collect()
}

fn epochs(duo: &Duo) -> [Option<u8>; 2] {
    BOTH.map(|who| duo.side(who).media_key.map(|(epoch, _)| epoch))
}

fn ended(duo: &Duo, who: Who) -> Option<(EndReason, bool)> {
    duo.side(who).events.iter().rev().find_map(|event| match event {
        Event::Ended { reason, complete } => Some((*reason, *complete)),
        _ => None,
    })
}

/// Chat and sound of the epoch that is valid go both ways.
fn talk_goes_on(duo: &mut Duo) {
    let shown = |duo: &Duo, who: Who| {
        duo.side(who).events.iter().filter(|event| matches!(event, Event::Chat { own: false, .. })).count()
    };
    let before = BOTH.map(|who| (shown(duo, who), duo.side(who).packets_opened));
    for who in BOTH {
        duo.command(who, Command::Chat("still here".into()));
    }
    duo.exchange_media();
    duo.run_for(200);
    for (who, (chats, packets)) in BOTH.into_iter().zip(before) {
        assert_eq!(shown(duo, who), chats + 1, "{who:?}: {:?}", duo.codes(who));
        assert!(duo.side(who).packets_opened > packets, "{who:?}");
        assert_eq!(duo.gate(who), Some(Gate::G2));
    }
}

fn is_over(duo: &Duo, who: Who, code: &'static str) {
    assert_eq!(duo.codes(who).last(), Some(&code), "{who:?}: {:?}", duo.codes(who));
    assert_eq!(ended(duo, who), Some((EndReason::Error, false)), "{who:?}");
    assert!(!duo.side(who).has_media);
}

/// Media stop at once, and the other side is told by END(3) why; it may answer or not.
fn gives_up(duo: &mut Duo, who: Who) {
    assert!(duo.codes(who).contains(&"E_REKEY"), "{who:?}: {:?}", duo.codes(who));
    assert!(!duo.side(who).has_media);
    let has_said = duo.said(who, TrackId::Control).iter().any(|message| message.0 == 0x30);
    duo.run_for(20_000);
    assert!(has_said || ended(duo, who.other()) == Some((EndReason::Rekey, true)), "no END");
    let end = ended(duo, who);
    assert!(matches!(end, Some((EndReason::Rekey, true) | (EndReason::Abnormal, false))), "{end:?}");
}

/// The client's RK1 that therapist never sees, as it would have been; the client hears and does nothing from then on.
fn client_with_rk1(seed: u64) -> (Duo, [u8; RK1_LEN]) {
    let mut duo = open(seed);
    duo.say_instead(Who::Client, TrackId::Control, RK1, &[]);
    duo.run_for(181_000);
    let said = duo.said(Who::Client, TrackId::Control);
    let (_, data) = said.iter().find(|(mtype, _)| *mtype == RK1).unwrap();
    let body = data[5..].try_into().unwrap();
    duo.go_deaf(Who::Client);
    assert!(heard(&duo, Who::Client).is_empty());
    (duo, body)
}

#[test]
fn rekey_failure_keeps_old_epoch() {
    let mut duo = open(1);
    duo.say_instead(Who::Client, TrackId::Control, RK1, &[rk1(of(1, 1), None).said()]);
    duo.run_for(181_000);
    assert_eq!(heard_names(&duo, Who::Client), [(RK_FAIL, of(1, 1))]);
    assert_eq!(epochs(&duo), [Some(0); 2]);
    talk_goes_on(&mut duo);
    duo.say_honestly(Who::Client, TrackId::Control, RK1);
    duo.run_for(7_000);
    assert_eq!(epochs(&duo), [Some(0); 2], "not before ten seconds");
    duo.run_for(3_000);
    assert_eq!(epochs(&duo), [Some(1); 2], "{:?}", heard_names(&duo, Who::Therapist));
    talk_goes_on(&mut duo);
}

#[test]
fn a_bad_answer_is_told_and_the_next_attempt_succeeds() {
    let mut duo = open(2);
    duo.say_instead(Who::Therapist, TrackId::Control, RK2, &[bad_rk2(of(1, 1)).said()]);
    duo.run_for(181_000);
    assert_eq!(heard_names(&duo, Who::Therapist), [(RK1, of(1, 1)), (RK_FAIL, of(1, 1))]);
    assert_eq!(epochs(&duo), [Some(0); 2]);
    talk_goes_on(&mut duo);
    duo.say_honestly(Who::Therapist, TrackId::Control, RK2);
    duo.run_for(10_000);
    let heard = heard_names(&duo, Who::Therapist);
    assert_eq!(heard[2..], [(RK1, of(1, 2)), (RK3, of(1, 2))]);
    assert_eq!(epochs(&duo), [Some(1); 2]);
    talk_goes_on(&mut duo);
}

#[test]
fn failed_attempts_are_made_again_after_ten_seconds_three_times_and_then_every_thirty() {
    let mut duo = open(3);
    let opened = duo.now_ms;
    duo.go_deaf(Who::Therapist);
    // The liar refuses each attempt at once.
    let (mut begun, mut seen, mut end) = (Vec::new(), 0, None);
    while end.is_none() {
        duo.run_for(100);
        end = duo.heard(Who::Therapist, TrackId::Control).into_iter().find(|(mtype, _)| *mtype == END);
        let heard = heard_names(&duo, Who::Therapist);
        for (mtype, attempt) in heard.iter().skip(seen).filter(|(mtype, _)| *mtype == RK1) {
            begun.push(duo.now_ms);
            assert_eq!((*mtype, *attempt), (RK1, of(1, begun.len() as u8)));
            duo.try_to_say(Who::Therapist, &ControlMessage::RkFail(*attempt));
        }
        seen = heard.len();
    }
    let pauses: Vec<u64> = begun.windows(2).map(|pair| (pair[1] - pair[0] + 500) / 1000).collect();
    assert!(pauses.len() >= 12 && pauses[..3] == [10; 3] && pauses[3..].iter().all(|s| *s == 30), "{pauses:?}");
    // Step 15 is used up eight minutes after the first step, and a minute later the session ends by END.
    assert_eq!(end.unwrap().1[0], 3, "its reason");
    assert!((535_000..545_000).contains(&(duo.now_ms - opened)), "{}", duo.now_ms - opened);
    assert!(duo.codes(Who::Client).contains(&"keys-late") && duo.codes(Who::Client).contains(&"E_REKEY"));
}

#[test]
fn the_therapist_asks_twenty_seconds_late_and_then_every_thirty() {
    let mut duo = open(4);
    duo.say_instead(Who::Client, TrackId::Control, RK1, &[]);
    duo.go_deaf(Who::Client);
    let (mut due, mut asked) = (None, Vec::new());
    for _ in 0..2_900 {
        duo.run_for(100);
        if due.is_none() && duo.said(Who::Client, TrackId::Control).iter().any(|(mtype, _)| *mtype == RK1) {
            due = Some(duo.now_ms);
        }
        if heard(&duo, Who::Client).len() > asked.len() {
            asked.push(duo.now_ms);
        }
    }
    assert!(heard_names(&duo, Who::Client).iter().all(|(mtype, _)| *mtype == RK_REQ));
    let late: Vec<u64> = asked.iter().map(|at| (at - due.unwrap() + 500) / 1000).collect();
    assert_eq!(late, [20, 50, 80, 110], "seconds after the client should have begun");
    talk_goes_on_one_way(&mut duo);
}

/// The therapist is still there, and its old epoch too.
fn talk_goes_on_one_way(duo: &mut Duo) {
    let before = duo.side(Who::Therapist).packets_opened;
    duo.exchange_media();
    duo.run_for(100);
    assert!(duo.side(Who::Therapist).packets_opened > before);
    assert_eq!(duo.gate(Who::Therapist), Some(Gate::G2));
}

#[test]
fn a_request_is_followed_no_sooner_than_ten_seconds_after_the_last_rekey() {
    let mut duo = open(5);
    duo.run_for(60_000);
    duo.say(Who::Therapist, &ControlMessage::RkReq);
    duo.run_for(200);
    assert_eq!(epochs(&duo), [Some(1); 2], "the last one is long ago: at once");
    // Asking without end makes the next no sooner.
    let begun = duo.now_ms;
    while epochs(&duo) == [Some(1); 2] {
        duo.say(Who::Therapist, &ControlMessage::RkReq);
        duo.run_for(500);
        assert!(duo.now_ms < begun + 12_000);
    }
    assert!(duo.now_ms >= begun + 9_500, "{}", duo.now_ms - begun);
    talk_goes_on(&mut duo);
}

#[test]
fn requests_do_not_shorten_the_pause_after_a_failed_attempt() {
    let mut duo = open(6);
    duo.go_deaf(Who::Therapist);
    duo.run_for(60_000);
    duo.say(Who::Therapist, &ControlMessage::RkReq);
    duo.run_for(200);
    assert_eq!(heard_names(&duo, Who::Therapist), [(RK1, of(1, 1))]);
    duo.say(Who::Therapist, &ControlMessage::RkFail(of(1, 1)));
    for _ in 0..18 {
        duo.say(Who::Therapist, &ControlMessage::RkReq);
        duo.run_for(500);
    }
    assert_eq!(heard_names(&duo, Who::Therapist).len(), 1, "nine seconds");
    duo.run_for(1_500);
    assert_eq!(heard_names(&duo, Who::Therapist), [(RK1, of(1, 1)), (RK1, of(1, 2))]);
    // While one is under way there is no other.
    for _ in 0..60 {
        duo.say(Who::Therapist, &ControlMessage::RkReq);
        duo.run_for(500);
    }
    assert_eq!(heard_names(&duo, Who::Therapist).len(), 2);
}

#[test]
fn an_attempt_that_is_not_above_the_last_is_ignored() {
    let (mut duo, body) = client_with_rk1(7);
    duo.say(Who::Client, &rk1(of(1, 5), Some(body)));
    duo.run_for(200);
    assert_eq!(heard_names(&duo, Who::Client), [(RK2, of(1, 5))]);
    for attempt in [5, 4, 1] {
        duo.say(Who::Client, &rk1(of(1, attempt), Some(body)));
    }
    // Of other epochs too, whatever their number is.
    for (epoch, attempt) in [(2, 6), (2, 41), (255, 255)] {
        duo.say(Who::Client, &rk1(of(epoch, attempt), Some(body)));
    }
    duo.run_for(500);
    assert_eq!(heard_names(&duo, Who::Client), [(RK2, of(1, 5))]);
    // A higher one takes its place.
    duo.say(Who::Client, &rk1(of(1, 6), Some(body)));
    duo.run_for(500);
    assert_eq!(heard_names(&duo, Who::Client), [(RK2, of(1, 5)), (RK2, of(1, 6))]);
    assert_eq!(epochs(&duo), [Some(0); 2]);
    talk_goes_on_one_way(&mut duo);
}

#[test]
fn an_attempt_above_forty_ends_the_session() {
    let (mut duo, body) = client_with_rk1(8);
    duo.say(Who::Client, &rk1(of(1, 40), None));
    duo.run_for(200);
    assert_eq!(heard_names(&duo, Who::Client), [(RK_FAIL, of(1, 40))]);
    assert_eq!(duo.gate(Who::Therapist), Some(Gate::G2));
    duo.say(Who::Client, &rk1(of(1, 41), Some(body)));
    duo.run_for(200);
    gives_up(&mut duo, Who::Therapist);
}

#[test]
fn answers_of_another_attempt_are_ignored_and_the_right_one_is_taken() {
    let mut duo = open(9);
    duo.say_instead(Who::Therapist, TrackId::Control, RK2, &[]);
    duo.run_for(181_000);
    for (epoch, attempt) in [(1, 2), (2, 1), (255, 40)] {
        duo.say(Who::Therapist, &bad_rk2(of(epoch, attempt)));
        duo.say(Who::Therapist, &ControlMessage::RkFail(of(epoch, attempt)));
    }
    duo.run_for(60_000);
    assert_eq!(heard_names(&duo, Who::Therapist), [(RK1, of(1, 1))], "nothing failed, nothing is made again");
    let said = duo.said(Who::Therapist, TrackId::Control);
    let (_, data) = said.iter().find(|(mtype, _)| *mtype == RK2).unwrap();
    duo.say(Who::Therapist, &ControlMessage::decode(RK2, data).unwrap().unwrap());
    duo.run_for(500);
    assert_eq!(epochs(&duo), [Some(1); 2]);
    talk_goes_on(&mut duo);
}

#[test]
fn a_wrong_last_value_ends_the_session_and_one_of_another_attempt_does_not() {
    let (mut duo, body) = client_with_rk1(10);
    // Before there was any attempt.
    duo.say(Who::Client, &ControlMessage::Rk3(of(1, 1), [1; 32]));
    duo.say(Who::Client, &rk1(of(1, 1), Some(body)));
    duo.run_for(200);
    assert_eq!(heard_names(&duo, Who::Client), [(RK2, of(1, 1))]);
    for (epoch, attempt) in [(1, 2), (2, 1)] {
        duo.say(Who::Client, &ControlMessage::Rk3(of(epoch, attempt), [1; 32]));
    }
    duo.run_for(200);
    talk_goes_on_one_way(&mut duo);
    assert_eq!(epochs(&duo), [Some(0); 2]);
    duo.say(Who::Client, &ControlMessage::Rk3(of(1, 1), [1; 32]));
    duo.run_for(200);
    gives_up(&mut duo, Who::Therapist);
}

#[test]
fn a_failure_that_nobody_waits_for_changes_nothing() {
    let mut duo = open(11);
    for who in BOTH {
        for (epoch, attempt) in [(1, 1), (2, 1), (255, 255)] {
            duo.say(who, &ControlMessage::RkFail(of(epoch, attempt)));
        }
    }
    duo.run_for(500);
    talk_goes_on(&mut duo);
    duo.run_for(181_000);
    assert_eq!(epochs(&duo), [Some(1); 2]);
}

#[test]
fn a_failure_after_the_responder_has_moved_ends_the_session() {
    let mut duo = open(12);
    duo.media_every_ms = 0;
    duo.say_instead(Who::Client, TrackId::Control, RK3, &[]);
    duo.run_for(181_000);
    // The client's sound is of the new epoch and overtakes an RK3 that will not come.
    duo.exchange_media();
    duo.run_for(100);
    assert_eq!(epochs(&duo), [Some(1); 2]);
    duo.say(Who::Client, &ControlMessage::RkFail(of(1, 1)));
    duo.run_for(200);
    gives_up(&mut duo, Who::Therapist);
}

#[test]
fn what_the_senders_role_never_says_ends_the_session() {
    let from_client = [ControlMessage::RkReq, bad_rk2(of(1, 1))];
    let from_therapist = [rk1(of(1, 1), None), ControlMessage::Rk3(of(1, 1), [0; 32])];
    for (who, messages) in [(Who::Client, from_client), (Who::Therapist, from_therapist)] {
        for message in messages {
            let mut duo = open(13);
            duo.say(who, &message);
            duo.run_for(200);
            is_over(&duo, who.other(), "E_DATA_ORDER");
        }
    }
}

/// Holds what the client says on one data track.
#[derive(Clone, Default)]
struct HoldTrack(Rc<RefCell<Vec<SealedRecord>>>);

impl Between for HoldTrack {
    fn record(&mut self, from: Who, record: SealedRecord) -> Vec<(Who, SealedRecord)> {
        if from == Who::Client && record.track == TrackId::File {
            self.0.borrow_mut().push(record);
            return Vec::new();
        }
        vec![(from.other(), record)]
    }
}

#[test]
fn a_rekey_that_comes_before_a_data_track_has_left_the_old_epoch_is_refused() {
    let mut duo = open(14);
    let hold = HoldTrack::default();
    duo.put_between(hold.clone());
    duo.run_for(190_000);
    assert_eq!(epochs(&duo), [Some(1); 2]);
    duo.say(Who::Therapist, &ControlMessage::RkReq);
    duo.run_for(5_000);
    assert_eq!(heard_names(&duo, Who::Client).last(), Some(&(RK_FAIL, of(2, 1))));
    assert_eq!(epochs(&duo), [Some(1); 2]);
    talk_goes_on(&mut duo);
    for record in hold.0.take() {
        duo.step(Who::Therapist, Input::Transport(TransportId(1), TransportReport::Record(record)));
    }
    duo.run_for(10_000);
    assert_eq!(epochs(&duo), [Some(2); 2], "{:?}", heard_names(&duo, Who::Client));
    talk_goes_on(&mut duo);
}

#[test]
fn a_rekey_that_comes_before_the_media_have_left_the_old_epoch_is_refused() {
    let mut duo = open(15);
    duo.run_for(60_000);
    // The client's sound does not arrive any more; its requests for a rekey do.
    let is_silent = Rc::new(RefCell::new(true));
    let silence = is_silent.clone();
    duo.tamper_with_media(move |from, packet| {
        if from == Who::Client && *silence.borrow() { Vec::new() } else { vec![(from.other(), packet)] }
    });
    duo.say(Who::Therapist, &ControlMessage::RkReq);
    duo.run_for(12_000);
    assert_eq!(epochs(&duo), [Some(1); 2]);
    duo.say(Who::Therapist, &ControlMessage::RkReq);
    duo.run_for(1_000);
    assert_eq!(heard_names(&duo, Who::Client).last(), Some(&(RK_FAIL, of(2, 1))));
    assert_eq!(epochs(&duo), [Some(1); 2]);
    *is_silent.borrow_mut() = false;
    talk_goes_on(&mut duo);
    duo.run_for(10_000);
    assert_eq!(epochs(&duo), [Some(2); 2], "{:?}", heard_names(&duo, Who::Client));
    talk_goes_on(&mut duo);
}

#[test]
fn while_an_end_is_under_way_rekey_messages_are_ignored() {
    let mut duo = open(16);
    duo.go_deaf(Who::Client);
    duo.command(Who::Therapist, Command::End);
    for message in [rk1(of(1, 41), None), ControlMessage::RkReq, ControlMessage::Rk3(of(1, 1), [0; 32])] {
        duo.say(Who::Client, &message);
    }
    duo.run_for(2_000);
    assert!(ended(&duo, Who::Therapist).is_none() && duo.codes(Who::Therapist).is_empty());
    duo.run_for(2_000);
    assert_eq!(ended(&duo, Who::Therapist), Some((EndReason::Abnormal, false)), "no END_ACK came");
}
