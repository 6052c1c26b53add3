//! A peer with the session's real keys that says the wrong thing at the wrong time (PROTOCOL §6.3, §8): what is refused,
//! what is held, what is shown, and what becomes of the contact.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_identity::records::VerificationState::{self, Mismatch, Unverified, Verified};
use sotto_session_api::{AlertCode, Command, CompareReason, ContactId, EndReason, Event, Gate, InviteForm, Pick};
use sotto_sim::{Duo, Message, Said, Who};
use sotto_wire::{
    TrackId,
    file::{FileMessage, FileOffer},
    record::{ChatMessage, ControlMessage, End, RK1_LEN, RekeyAttempt, TrackEnd},
};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];
const BIND: u8 = 0x01;
const SAS_RESULT: u8 = 0x02;
const END: u8 = 0x30;

fn ended(duo: &Duo, who: Who) -> Option<(EndReason, bool)> {
    duo.side(who).events.iter().rev().find_map(|event| match event {
        Event::Ended { reason, complete } => Some((*reason, *complete)),
        _ => None,
    })
}

fn alerts(duo: &Duo, who: Who) -> Vec<AlertCode> {
    let alert = |event: &Event| if let Event::Alert { code, .. } = event { Some(*code) } else { None };
    duo.side(who).events.iter().filter_map(alert).collect()
}

/// What a person saw of the other's words and files.
fn shown(duo: &Duo, who: Who) -> Vec<String> {
    let one = |event: &Event| match event {
        Event::Chat { own: false, text, .. } => Some(text.to_string()),
        Event::File(file) if !file.own => Some(file.name.to_string()),
        _ => None,
    };
    duo.side(who).events.iter().filter_map(one).collect()
}

fn is_over(duo: &Duo, who: Who, code: &'static str, what: &str) {
    assert_eq!(duo.codes(who).last(), Some(&code), "{what}: {:?}", duo.codes(who));
    assert_eq!(ended(duo, who), Some((EndReason::Error, false)), "{what}");
    assert!(!duo.side(who).has_media, "{what}");
    assert!(duo.gate(who).is_none(), "{what}");
}

/// Both see the words; the contact at the client and at the therapist.
fn comparing(seed: u64) -> (Duo, [ContactId; 2]) {
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    let at_client = duo.join(&text);
    duo.admit(at_therapist);
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G1); 2]);
    (duo, [at_client, at_therapist])
}

/// A person picks what was really read.
fn pick(duo: &mut Duo, who: Who) {
    let (own, other) = (duo.card(who).unwrap(), duo.card(who.other()).unwrap());
    let right = own.candidates.iter().position(|candidate| *candidate == other.words).unwrap();
    duo.command(who, Command::Verify(Pick::Candidate(right)));
    duo.run_for(200);
}

/// A person says twice that it is none of these.
fn none_of_these(duo: &mut Duo, who: Who) {
    for _ in 0..2 {
        duo.command(who, Command::Verify(Pick::NoneOfThese));
        duo.run_for(500);
    }
}

/// The next session of two who know each other, up to the words if they are asked for.
fn meet_again(duo: &mut Duo, contacts: [ContactId; 2]) {
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(contacts[0]));
    duo.run_for(3_000);
    duo.admit(contacts[1]);
}

fn states(duo: &Duo) -> [VerificationState; 2] {
    BOTH.map(|who| duo.side(who).contacts.values().next().unwrap().state)
}

fn text(text: &str) -> Said {
    ChatMessage::Text(text.to_owned()).said()
}

fn offer(id: u8) -> Said {
    FileMessage::Offer(FileOffer { id: [id; 16], size: 3, sha512: [0; 64], name: "a.txt".into() }).said()
}

fn end(reason: u8) -> End {
    End { reason, tracks: [[TrackEnd { next_ctr: 0, tx: [0; 32] }; 3]; 2] }
}

/// Everything else that is said of files.
fn about_files() -> Vec<Said> {
    let id = [1; 16];
    let chunk = FileMessage::Chunk { id, offset: 0, data: vec![1, 2, 3] };
    [FileMessage::Accept(id), FileMessage::Refuse(id), chunk, FileMessage::Done(id)].iter().map(Message::said).collect()
}

#[test]
fn nothing_of_a_conversation_is_taken_before_our_own_pick() {
    let mut lies = vec![text("early"), text(""), ChatMessage::Ack(0).said(), offer(1)];
    lies.extend(about_files());
    for who in BOTH {
        for lie in &lies {
            // The peer may have said that it matched: without our own pick it can't be open.
            for has_matched in [false, true] {
                let (mut duo, _) = comparing(1);
                if has_matched {
                    pick(&mut duo, who);
                }
                duo.say(who, lie);
                duo.run_for(200);
                is_over(&duo, who.other(), "E_DATA_ORDER", &format!("{who:?} {lie:?}"));
                assert!(shown(&duo, who.other()).is_empty());
            }
        }
    }
}

#[test]
fn what_overtakes_the_result_is_held_and_shown_once_both_have_matched() {
    for who in BOTH {
        let (mut duo, _) = comparing(2);
        pick(&mut duo, who.other());
        for lie in [text("early"), offer(1), text("later")] {
            duo.say(who, &lie);
        }
        duo.run_for(5_000);
        assert!(shown(&duo, who.other()).is_empty());
        assert_eq!(duo.gate(who.other()), Some(Gate::G1));
        duo.say(who, &ControlMessage::SasResult(1));
        duo.run_for(200);
        assert_eq!(duo.gate(who.other()), Some(Gate::G2));
        assert_eq!(shown(&duo, who.other()), ["early", "later", "a.txt"]);
        let events = &duo.side(who.other()).events;
        let opened = events.iter().position(|event| *event == Event::Gate(Gate::G2)).unwrap();
        let first = events.iter().position(|event| matches!(event, Event::Chat { .. } | Event::File(_))).unwrap();
        assert!(opened < first);
    }
}

#[test]
fn what_is_held_is_forgotten_if_it_did_not_match() {
    for result in [Some(0), None] {
        let (mut duo, _) = comparing(3);
        pick(&mut duo, Who::Therapist);
        for lie in [text("early"), offer(1)] {
            duo.say(Who::Client, &lie);
        }
        match result {
            Some(result) => duo.say(Who::Client, &ControlMessage::SasResult(result)),
            None => duo.run_for(130_000),
        }
        duo.run_for(5_000);
        assert!(ended(&duo, Who::Therapist).is_some());
        assert!(shown(&duo, Who::Therapist).is_empty(), "{result:?}");
    }
}

#[test]
fn what_comes_while_a_session_ends_that_was_never_open_is_not_shown() {
    for (ends_by, has_picked) in [(0, false), (0, true), (1, false), (2, true)] {
        let (mut duo, _) = comparing(3);
        duo.go_deaf(Who::Client);
        if has_picked {
            pick(&mut duo, Who::Therapist);
        }
        match ends_by {
            0 => duo.command(Who::Therapist, Command::End),
            1 => none_of_these(&mut duo, Who::Therapist),
            _ => duo.say(Who::Client, &ControlMessage::SasResult(0)),
        }
        for lie in [text("now"), offer(1)] {
            duo.say(Who::Client, &lie);
        }
        duo.run_for(5_000);
        assert!(shown(&duo, Who::Therapist).is_empty(), "{ends_by}");
        assert_eq!(ended(&duo, Who::Therapist), Some((EndReason::Abnormal, false)), "the client answers nothing");
    }
}

#[test]
fn of_files_one_offer_alone_may_overtake_the_result() {
    let mut second = about_files();
    second.push(offer(2));
    for lie in second {
        let (mut duo, _) = comparing(4);
        pick(&mut duo, Who::Therapist);
        duo.say(Who::Client, &offer(1));
        duo.run_for(100);
        assert_eq!(duo.gate(Who::Therapist), Some(Gate::G1));
        duo.say(Who::Client, &lie);
        duo.run_for(200);
        is_over(&duo, Who::Therapist, "E_DATA_ORDER", &format!("{lie:?}"));
        assert!(shown(&duo, Who::Therapist).is_empty());
    }
}

#[test]
fn no_more_than_64_kib_and_256_messages_are_held() {
    let full = text(&"x".repeat(8_192));
    for (count, lie, more) in [(8, full, text("x")), (256, text(""), text(""))] {
        let (mut duo, _) = comparing(5);
        pick(&mut duo, Who::Therapist);
        for _ in 0..count {
            duo.say(Who::Client, &lie);
        }
        duo.run_for(500);
        assert_eq!(duo.gate(Who::Therapist), Some(Gate::G1));
        duo.say(Who::Client, &more);
        duo.run_for(200);
        is_over(&duo, Who::Therapist, "E_DATA_ORDER", &format!("{count}"));
        assert!(shown(&duo, Who::Therapist).is_empty());
    }
}

#[test]
fn a_result_said_again_opens_nothing_and_one_in_an_open_session_ends_it() {
    let (mut duo, _) = comparing(6);
    for _ in 0..3 {
        duo.say(Who::Client, &ControlMessage::SasResult(1));
    }
    duo.run_for(10_000);
    assert_eq!(duo.gate(Who::Therapist), Some(Gate::G1));
    assert!(duo.card(Who::Therapist).is_some(), "the person still picks");
    pick(&mut duo, Who::Therapist);
    assert_eq!(duo.gate(Who::Therapist), Some(Gate::G2));
    for result in [0, 1, 2] {
        let mut duo = Duo::new(6);
        duo.open_session(InviteForm::Code);
        duo.say(Who::Client, &ControlMessage::SasResult(result));
        duo.run_for(200);
        is_over(&duo, Who::Therapist, "E_DATA_ORDER", "a result in an open session");
        assert_eq!(states(&duo)[1], Verified);
    }
}

#[test]
fn a_comparison_is_not_skipped_by_a_peer_that_says_it_was_not_asked() {
    let (mut duo, _) = comparing(7);
    pick(&mut duo, Who::Therapist);
    duo.say(Who::Client, &ControlMessage::SasResult(2));
    duo.run_for(200);
    is_over(&duo, Who::Therapist, "E_DATA_ORDER", "not asked");
    assert_eq!(states(&duo)[1], Unverified);
}

#[test]
fn a_mismatch_is_not_taken_back() {
    // In whatever order they come, with our own pick before or after.
    for results in [[0, 1], [1, 0]] {
        for picks_first in [true, false] {
            let (mut duo, _) = comparing(8);
            let right = {
                let (own, other) = (duo.card(Who::Therapist).unwrap(), duo.card(Who::Client).unwrap());
                own.candidates.iter().position(|candidate| *candidate == other.words).unwrap()
            };
            duo.go_deaf(Who::Client);
            if picks_first && results == [0, 1] {
                duo.command(Who::Therapist, Command::Verify(Pick::Candidate(right)));
            }
            for result in results {
                duo.try_to_say(Who::Client, &ControlMessage::SasResult(result));
            }
            duo.run_for(200);
            assert!(!duo.side(Who::Therapist).has_media, "media stop at once");
            duo.command(Who::Therapist, Command::Verify(Pick::Candidate(right)));
            duo.run_for(5_000);
            assert_eq!(states(&duo)[1], Mismatch, "{results:?}");
            assert!(!duo.side(Who::Therapist).events.contains(&Event::Gate(Gate::G2)), "{results:?}");
            assert!(ended(&duo, Who::Therapist).is_some());
            let said = duo.heard(Who::Client, TrackId::Control);
            assert!(said.iter().any(|(mtype, data)| *mtype == END && data[0] == 1), "END(MISMATCH) goes out");
        }
    }
}

#[test]
fn a_received_end_of_a_mismatch_forces_a_comparison_of_a_verified_contact_and_blocks_nobody() {
    // While words are compared, in the open session, and where they were not to be asked for.
    for (in_g2, on_change) in [(false, false), (true, false), (true, true)] {
        let mut duo = Duo::new(9);
        let contacts = duo.open_session(InviteForm::Code);
        duo.command(Who::Client, Command::End);
        duo.run_for(2_000);
        for who in BOTH {
            duo.command(who, Command::CompareWhen { contact: contacts[who as usize], on_change });
        }
        meet_again(&mut duo, contacts);
        if in_g2 && !on_change {
            duo.compare();
        }
        assert_eq!(duo.gate(Who::Therapist), Some(if in_g2 { Gate::G2 } else { Gate::G1 }));
        assert_eq!(states(&duo), [Verified; 2]);
        duo.say(Who::Client, &ControlMessage::End(end(1)));
        duo.run_for(4_000);
        assert!(!duo.side(Who::Therapist).has_media);
        assert!(alerts(&duo, Who::Therapist).contains(&AlertCode::Mismatch));
        assert_eq!(states(&duo)[1], Unverified, "in G2 {in_g2}");
        duo.run_for(400_000);
        if duo.gate(Who::Client).is_some() {
            duo.restart(Who::Client);
            duo.run_for(100);
        }
        meet_again(&mut duo, contacts);
        assert_eq!(duo.card(Who::Therapist).map(|card| card.reason), Some(CompareReason::First), "in G2 {in_g2}");
        duo.compare();
        assert_eq!(states(&duo), [Verified; 2]);
    }
}

#[test]
fn a_mismatch_that_crosses_our_own_end_is_heard_all_the_same() {
    for (was_verified, state) in [(true, Unverified), (false, Mismatch)] {
        let mut duo = Duo::new(21);
        if was_verified {
            let contacts = duo.open_session(InviteForm::Code);
            duo.command(Who::Client, Command::End);
            duo.run_for(2_000);
            meet_again(&mut duo, contacts);
        } else {
            duo = comparing(21).0;
        }
        duo.command(Who::Therapist, Command::Verify(Pick::NoneOfThese));
        for (who, command) in [(Who::Client, Command::End), (Who::Therapist, Command::Verify(Pick::NoneOfThese))] {
            duo.command(who, command);
        }
        duo.run_for(4_000);
        assert_eq!(ended(&duo, Who::Client), Some((EndReason::Normal, true)));
        assert_eq!(ended(&duo, Who::Therapist), Some((EndReason::Mismatch, true)));
        assert_eq!(BOTH.map(|who| alerts(&duo, who).contains(&AlertCode::Mismatch)), [true; 2]);
        assert_eq!(states(&duo), [state; 2]);
    }
}

#[test]
fn a_received_mismatch_blocks_a_contact_that_was_never_compared() {
    let (mut duo, contacts) = comparing(10);
    // Only END says it: the result before it is left out.
    duo.say_instead(Who::Client, TrackId::Control, SAS_RESULT, &[]);
    none_of_these(&mut duo, Who::Client);
    duo.run_for(2_000);
    assert_eq!(ended(&duo, Who::Therapist), Some((EndReason::Mismatch, true)));
    assert_eq!(states(&duo)[1], Mismatch);
    duo.command(Who::Therapist, Command::Listen(Some(vec![contacts[1]])));
    duo.run_for(200);
    assert!(duo.side(Who::Therapist).room.open_mailboxes().is_empty(), "nobody is awaited");
}

#[test]
fn the_therapists_own_pick_blocks_whatever_the_client_makes_of_it() {
    let (mut duo, contacts) = comparing(11);
    duo.go_deaf(Who::Client);
    none_of_these(&mut duo, Who::Therapist);
    duo.run_for(5_000);
    // The client's program takes no notice, and its record stays as it was.
    assert_eq!(states(&duo), [Unverified, Mismatch]);
    assert!(!duo.side(Who::Therapist).has_media);
    duo.restart(Who::Client);
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(contacts[0]));
    let waits = duo.side(Who::Client).events.iter().filter(|event| matches!(event, Event::Waiting(_))).count();
    duo.run_for(60_000);
    let waits_now = duo.side(Who::Client).events.iter().filter(|event| matches!(event, Event::Waiting(_))).count();
    assert_eq!(waits_now, waits, "there is no session, and no way to one");
    assert_eq!(states(&duo)[1], Mismatch);
}

#[test]
fn the_second_mismatch_of_a_verified_contact_blocks() {
    for who in BOTH {
        let mut duo = Duo::new(12);
        let contacts = duo.open_session(InviteForm::Code);
        duo.command(Who::Client, Command::End);
        duo.run_for(2_000);
        meet_again(&mut duo, contacts);
        let words = duo.card(who).unwrap().words;
        none_of_these(&mut duo, who);
        duo.run_for(4_000);
        assert_eq!(BOTH.map(|who| ended(&duo, who)), [Some((EndReason::Mismatch, true)); 2]);
        assert_eq!(states(&duo), [Unverified; 2], "one more is allowed");
        // A new handshake with new words may follow at once.
        meet_again(&mut duo, contacts);
        assert_ne!(duo.card(who).unwrap().words, words);
        none_of_these(&mut duo, who);
        duo.run_for(4_000);
        assert_eq!(states(&duo), [Mismatch; 2]);
        duo.command(Who::Client, Command::JoinContact(contacts[0]));
        assert_eq!(duo.codes(Who::Client).last(), Some(&"E_BLOCKED"));
        duo.command(Who::Therapist, Command::Listen(None));
        duo.run_for(200);
        assert!(duo.side(Who::Therapist).room.open_mailboxes().is_empty(), "nobody is awaited");
    }
}

#[test]
fn a_match_between_them_makes_the_second_mismatch_a_first_again() {
    let mut duo = Duo::new(13);
    let contacts = duo.open_session(InviteForm::Code);
    duo.command(Who::Client, Command::End);
    duo.run_for(2_000);
    for _ in 0..2 {
        meet_again(&mut duo, contacts);
        none_of_these(&mut duo, Who::Therapist);
        duo.run_for(4_000);
        assert_eq!(states(&duo), [Unverified; 2]);
        meet_again(&mut duo, contacts);
        duo.compare();
        assert_eq!(states(&duo), [Verified; 2]);
        duo.command(Who::Therapist, Command::End);
        duo.run_for(2_000);
    }
}

#[test]
fn nothing_at_all_is_taken_before_the_transport_is_bound() {
    let media_state = ControlMessage::MediaState { audio: true, camera: true, screen: true };
    let rk1 = ControlMessage::Rk1(RekeyAttempt { epoch: 1, attempt: 1 }, Box::new([0; RK1_LEN]));
    let controls = [
        media_state,
        ControlMessage::Keyframe { track: 1 },
        ControlMessage::SasResult(0),
        ControlMessage::SasResult(1),
        ControlMessage::SasResult(2),
        rk1,
        ControlMessage::RkReq,
        ControlMessage::RkFail(RekeyAttempt { epoch: 1, attempt: 1 }),
        ControlMessage::End(end(0)),
        ControlMessage::End(end(1)),
        ControlMessage::EndAck(end(0)),
    ];
    let mut lies: Vec<Said> = controls.iter().map(Message::said).collect();
    lies.extend([text("early"), offer(1)]);
    lies.extend(about_files());
    for lie in lies {
        let mut duo = Duo::new(14);
        let (contact, invite) = duo.invite(InviteForm::Code);
        duo.join(&invite);
        duo.say_instead(Who::Client, TrackId::Control, BIND, core::slice::from_ref(&lie));
        duo.admit(contact);
        is_over(&duo, Who::Therapist, "E_DATA_ORDER", &format!("{lie:?}"));
        let events = &duo.side(Who::Therapist).events;
        assert!(!events.iter().any(|event| matches!(event, Event::Media { .. } | Event::Gate(_))), "{lie:?}");
        assert!(shown(&duo, Who::Therapist).is_empty());
        assert_eq!(states(&duo)[1], Unverified, "{lie:?}");
    }
}

#[test]
fn a_binding_to_something_else_or_a_second_one_ends_the_session_with_an_alert() {
    let wrong = [
        ControlMessage::TransportBind { role: 0, bind: [7; 32] },
        ControlMessage::TransportBind { role: 1, bind: [7; 32] },
    ];
    for lie in &wrong {
        let mut duo = Duo::new(15);
        let (contact, invite) = duo.invite(InviteForm::Code);
        duo.join(&invite);
        duo.say_instead(Who::Client, TrackId::Control, BIND, &[lie.said()]);
        duo.admit(contact);
        is_over(&duo, Who::Therapist, "E_BIND", "before");
        assert_eq!(alerts(&duo, Who::Therapist), [AlertCode::Integrity]);
        let mut duo = Duo::new(15);
        duo.open_session(InviteForm::Code);
        duo.say(Who::Client, lie);
        duo.run_for(200);
        is_over(&duo, Who::Therapist, "E_BIND", "a second one");
        assert_eq!(alerts(&duo, Who::Therapist), [AlertCode::Integrity]);
    }
}

#[test]
fn what_the_peer_sends_is_told_in_g1_and_g2_and_not_after_the_end() {
    let state = ControlMessage::MediaState { audio: false, camera: true, screen: false };
    let told =
        |duo: &Duo| duo.side(Who::Therapist).events.iter().filter(|event| matches!(event, Event::Media { .. })).count();
    let (mut duo, _) = comparing(16);
    duo.say(Who::Client, &state);
    duo.run_for(200);
    assert_eq!(told(&duo), 2);
    duo.compare();
    duo.say(Who::Client, &state);
    duo.run_for(200);
    assert_eq!(told(&duo), 4);
    duo.go_deaf(Who::Client);
    duo.command(Who::Therapist, Command::End);
    for lie in [state.said(), ControlMessage::Keyframe { track: 1 }.said(), offer(1)] {
        duo.say(Who::Client, &lie);
    }
    duo.run_for(1_000);
    assert_eq!(told(&duo), 4);
    assert!(duo.codes(Who::Therapist).is_empty());
}

#[test]
fn no_picture_reaches_a_decoder_before_g2_but_a_face_whose_key_was_compared_before() {
    let (mut duo, contacts) = comparing(17);
    let taken = |duo: &mut Duo| {
        [TrackId::Audio, TrackId::Camera, TrackId::Screen, TrackId::ScreenAudio]
            .map(|track| duo.say_media(Who::Client, track, &[7; 80]))
    };
    assert_eq!(taken(&mut duo), [true, false, false, false]);
    duo.say(Who::Client, &ControlMessage::SasResult(1));
    duo.run_for(200);
    assert_eq!(taken(&mut duo), [true, false, false, false], "the peer's word alone opens nothing");
    pick(&mut duo, Who::Therapist);
    assert_eq!(taken(&mut duo), [true; 4]);
    duo.command(Who::Client, Command::End);
    duo.run_for(2_000);
    meet_again(&mut duo, contacts);
    assert_eq!(duo.gate(Who::Therapist), Some(Gate::G1));
    assert_eq!(taken(&mut duo), [true, true, false, false], "a verified contact is asked again");
}

#[test]
fn an_end_whose_numbers_are_not_ours_is_not_a_normal_end() {
    // Numbers that were reached with another content, and numbers that are never reached.
    let (same, more) = ([0; 3], [1_000; 3]);
    for (numbers, waits_ms) in [(same, 0), (more, 2_900)] {
        let mut duo = Duo::new(18);
        duo.open_session(InviteForm::Code);
        let mut end = end(0);
        for (track, next_ctr) in end.tracks[0].iter_mut().zip(numbers) {
            track.next_ctr = next_ctr;
        }
        duo.say(Who::Client, &ControlMessage::End(end));
        duo.run_for(30 + waits_ms);
        assert_eq!(ended(&duo, Who::Therapist).is_some(), waits_ms == 0);
        duo.run_for(300);
        assert_eq!(ended(&duo, Who::Therapist), Some((EndReason::Abnormal, false)));
        assert!(duo.codes(Who::Therapist).contains(&"E_TRUNCATED"));
        assert_eq!(states(&duo)[1], Verified);
    }
}

#[test]
fn an_answer_to_no_end_a_second_end_and_an_unknown_reason_end_the_session_as_an_error() {
    let mut more = end(0);
    for track in &mut more.tracks[0] {
        track.next_ctr = 1_000;
    }
    let unknown = Said::new(TrackId::Control, END, ControlMessage::End(end(6)).encode_data());
    let more = ControlMessage::End(more).said();
    for lies in [vec![ControlMessage::EndAck(end(0)).said()], vec![more.clone(), more], vec![unknown]] {
        let mut duo = Duo::new(19);
        duo.open_session(InviteForm::Code);
        for lie in &lies {
            duo.say(Who::Client, lie);
        }
        duo.run_for(200);
        is_over(&duo, Who::Therapist, "E_DATA_ORDER", &format!("{}", lies.len()));
    }
}

#[test]
fn unknown_types_are_ignored_and_records_that_no_sealer_makes_end_the_session() {
    let part = |track, mtype, flags, data: &[u8]| Said { track, mtype, flags: Some(flags), data: data.to_vec() };
    for is_open in [false, true] {
        let scene = || if is_open { opened(20) } else { comparing(20).0 };
        let mut duo = scene();
        for track in [TrackId::Control, TrackId::Chat, TrackId::File] {
            for mtype in [0x00, 0x20, 0x7F, 0xFF] {
                duo.say(Who::Client, &Said::new(track, mtype, Vec::new()));
            }
        }
        duo.run_for(500);
        assert!(duo.gate(Who::Therapist).is_some() && shown(&duo, Who::Therapist).is_empty());
        let malformed = [
            vec![part(TrackId::Control, 0x20, 0x02, b"")],
            vec![part(TrackId::Chat, 0x20, 0x80, b"x")],
            // More of it follows, and then something else; or nothing in it.
            vec![part(TrackId::File, 0x20, 1, b"x"), part(TrackId::File, 0x21, 0, b"x")],
            vec![part(TrackId::Chat, 0x20, 1, b"")],
            // The record that opens an epoch has no contents.
            vec![part(TrackId::Control, 0x00, 0, b"x")],
            vec![Said::new(TrackId::Control, SAS_RESULT, vec![3])],
            vec![Said::new(TrackId::Control, SAS_RESULT, vec![1, 1])],
            vec![Said::new(TrackId::Control, 0x04, vec![3])],
            vec![Said::new(TrackId::Control, 0x03, vec![8])],
            vec![Said::new(TrackId::Chat, 0x01, vec![0xFF])],
            vec![Said::new(TrackId::Chat, 0x01, vec![b'x'; 8_193])],
            vec![Said::new(TrackId::File, 0x04, [&[1; 24][..], &[2; 16_001]].concat())],
        ];
        for lies in malformed {
            let mut duo = scene();
            for lie in &lies {
                duo.say(Who::Client, lie);
            }
            duo.run_for(200);
            is_over(&duo, Who::Therapist, "E_DATA_ORDER", &format!("{is_open} {:?}", lies[0].mtype));
            assert!(shown(&duo, Who::Therapist).is_empty());
        }
    }
}

fn opened(seed: u64) -> Duo {
    let mut duo = Duo::new(seed);
    duo.open_session(InviteForm::Code);
    duo
}
