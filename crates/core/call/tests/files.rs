//! Files of the session (PROTOCOL §8): offered, taken or not, whole or not at all.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_call::{FileReport, Input};
use sotto_session_api::{Command, EndReason, Event, FileId, FileStage, FileState, Gate, InviteForm};
use sotto_sim::{Duo, Who};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];
const ID: [u8; 16] = [7; 16];
const FOLDER: &str = "downloads";

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 % 251) as u8).collect()
}

fn offer(duo: &mut Duo, who: Who, id: [u8; 16], name: &str, content: &[u8]) {
    let ready = duo.sides[who as usize].files.ready(id, name, content);
    duo.step(who, Input::File(ready));
    duo.run_for(100);
}

fn accept(duo: &mut Duo, who: Who, id: [u8; 16]) {
    duo.command(who, Command::AcceptFile { file: FileId(id), folder: FOLDER.into() });
}

fn told(duo: &Duo, who: Who) -> Vec<FileState> {
    let files = duo.side(who).events.iter().filter_map(|event| match event {
        Event::File(state) => Some(state.clone()),
        _ => None,
    });
    files.collect()
}

fn stages(duo: &Duo, who: Who) -> Vec<FileStage> {
    let mut stages: Vec<FileStage> = told(duo, who).iter().map(|state| state.stage).collect();
    stages.dedup();
    stages
}

fn stored(duo: &Duo, who: Who) -> Vec<(String, Vec<u8>)> {
    let files = duo.side(who).files.stored.iter();
    files.map(|((_, name), content)| (name.clone(), content.clone())).collect()
}

fn nothing_is_left(duo: &Duo) {
    for who in BOTH {
        assert_eq!(duo.side(who).files.open(), 0, "{who:?}");
    }
}

fn ends_complete(duo: &mut Duo) {
    duo.command(Who::Client, Command::End);
    duo.run_for(4_000);
    for who in BOTH {
        let ended = duo.side(who).events.iter().rev().find_map(|event| match event {
            Event::Ended { reason, complete } => Some((*reason, *complete)),
            _ => None,
        });
        assert_eq!(ended, Some((EndReason::Normal, true)), "{who:?}");
    }
}

#[test]
fn files_go_both_ways_at_once_and_through_a_rekey() {
    let mut duo = Duo::new(70);
    duo.rekey_every(3);
    duo.open_session(InviteForm::Code);
    let contents = [content(1_000_000), content(16_000)];
    for (who, content) in BOTH.into_iter().zip(&contents) {
        offer(&mut duo, who, [who as u8; 16], "../Übung 3.pdf", content);
        let state = told(&duo, who.other()).into_iter().find(|state| !state.own).unwrap();
        assert_eq!((&*state.name, state.size, state.own), ("Übung 3.pdf", content.len() as u64, false));
    }
    duo.run_for(5_000);
    assert!(BOTH.iter().all(|who| stored(&duo, *who).is_empty()), "nothing comes unasked");
    for who in BOTH {
        accept(&mut duo, who.other(), [who as u8; 16]);
    }
    duo.run_for(20_000);
    for (who, content) in BOTH.into_iter().zip(&contents) {
        assert_eq!(stored(&duo, who.other()), [("Übung 3.pdf".to_owned(), content.clone())]);
        let of = |state: &&FileState| state.id == FileId([who as u8; 16]);
        for at in BOTH {
            let all = told(&duo, at);
            let done: Vec<u64> = all.iter().filter(of).map(|state| state.done).collect();
            assert!(done.is_sorted() && done.last() == Some(&(content.len() as u64)), "{done:?}");
            assert!(done.len() <= 24, "{}", done.len());
            assert_eq!(all.iter().rfind(of).unwrap().stage, FileStage::Complete);
        }
    }
    nothing_is_left(&duo);
    ends_complete(&mut duo);
}

#[test]
fn nothing_is_offered_before_both_have_compared_and_one_at_a_time() {
    let mut duo = Duo::new(71);
    let (contact, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.run_for(2_000);
    offer(&mut duo, Who::Client, ID, "early.txt", b"x");
    assert!(duo.codes(Who::Client).contains(&"E_NO_SESSION"));
    duo.admit(contact);
    duo.run_for(3_000);
    assert_eq!(duo.gate(Who::Client), Some(Gate::G1));
    offer(&mut duo, Who::Client, ID, "early.txt", b"x");
    assert!(duo.codes(Who::Client).contains(&"E_NOT_NOW"));
    nothing_is_left(&duo);
    duo.compare();
    duo.run_for(1_000);
    offer(&mut duo, Who::Client, ID, "a.txt", b"a");
    offer(&mut duo, Who::Client, [8; 16], "b.txt", b"b");
    assert!(duo.codes(Who::Client).contains(&"E_FILE_BUSY"));
    assert_eq!(told(&duo, Who::Therapist).len(), 1);
    accept(&mut duo, Who::Therapist, [8; 16]);
    assert!(duo.codes(Who::Therapist).contains(&"E_UNKNOWN_FILE"));
    accept(&mut duo, Who::Therapist, ID);
    duo.run_for(1_000);
    assert_eq!(stored(&duo, Who::Therapist), [("a.txt".to_owned(), b"a".to_vec())]);
    nothing_is_left(&duo);
}

#[test]
fn either_side_says_no_at_any_time_and_nothing_is_left() {
    for (who_refuses, after_ms) in
        [(Who::Therapist, 0), (Who::Client, 0), (Who::Therapist, 2_000), (Who::Client, 2_000)]
    {
        let mut duo = Duo::new(72);
        duo.open_session(InviteForm::Code);
        offer(&mut duo, Who::Client, ID, "long.bin", &content(2_000_000));
        if after_ms > 0 {
            accept(&mut duo, Who::Therapist, ID);
            duo.run_for(after_ms);
            let done = told(&duo, Who::Therapist).last().unwrap().done;
            assert!((1..2_000_000).contains(&done), "{done}");
        }
        duo.command(who_refuses, Command::RefuseFile(FileId(ID)));
        duo.run_for(2_000);
        for who in BOTH {
            assert_eq!(stages(&duo, who).last(), Some(&FileStage::Refused), "{who:?}");
        }
        assert!(stored(&duo, Who::Therapist).is_empty());
        nothing_is_left(&duo);
        // The next one goes through.
        offer(&mut duo, Who::Client, [9; 16], "short.txt", b"now");
        accept(&mut duo, Who::Therapist, [9; 16]);
        duo.run_for(1_000);
        assert_eq!(stored(&duo, Who::Therapist).len(), 1);
        ends_complete(&mut duo);
    }
}

#[test]
fn what_is_not_what_was_offered_is_not_stored() {
    let mut duo = Duo::new(73);
    duo.open_session(InviteForm::Code);
    // Another content of the same length, read after the offer was made.
    let ready = duo.sides[Who::Client as usize].files.ready(ID, "a.txt", b"offered");
    let _ = duo.sides[Who::Client as usize].files.ready(ID, "a.txt", b"another");
    duo.step(Who::Client, Input::File(ready));
    duo.run_for(100);
    accept(&mut duo, Who::Therapist, ID);
    duo.run_for(1_000);
    assert_eq!(stages(&duo, Who::Therapist).last(), Some(&FileStage::Failed));
    assert!(stored(&duo, Who::Therapist).is_empty());
    nothing_is_left(&duo);

    // One that became shorter; one that can't be read any more; a disk that is full.
    offer(&mut duo, Who::Client, [8; 16], "b.txt", &content(50_000));
    let _ = duo.sides[Who::Client as usize].files.ready([8; 16], "b.txt", &content(20_000));
    accept(&mut duo, Who::Therapist, [8; 16]);
    duo.run_for(1_000);
    offer(&mut duo, Who::Client, [9; 16], "c.txt", &content(50_000));
    accept(&mut duo, Who::Therapist, [9; 16]);
    duo.step(Who::Client, Input::File(FileReport::Failed([9; 16])));
    duo.run_for(1_000);
    duo.sides[Who::Therapist as usize].files.is_full = true;
    offer(&mut duo, Who::Client, [10; 16], "d.txt", &content(50_000));
    accept(&mut duo, Who::Therapist, [10; 16]);
    duo.run_for(1_000);
    assert!(duo.codes(Who::Therapist).contains(&"E_FILE_STORE") && duo.codes(Who::Client).contains(&"E_FILE"));
    assert!(stored(&duo, Who::Therapist).is_empty());
    assert_eq!(stages(&duo, Who::Client).last(), Some(&FileStage::Refused), "the sender is told");
    nothing_is_left(&duo);
    ends_complete(&mut duo);
}

#[test]
fn an_end_in_the_middle_of_a_file_is_complete_and_leaves_nothing() {
    for who_ends in BOTH {
        let mut duo = Duo::new(74);
        duo.open_session(InviteForm::Code);
        offer(&mut duo, Who::Client, ID, "long.bin", &content(2_000_000));
        accept(&mut duo, Who::Therapist, ID);
        duo.run_for(2_000);
        duo.command(who_ends, Command::End);
        duo.run_for(4_000);
        for who in BOTH {
            assert_eq!(stages(&duo, who).last(), Some(&FileStage::Failed), "{who:?}");
            let ended = duo
                .side(who)
                .events
                .iter()
                .any(|event| matches!(event, Event::Ended { reason: EndReason::Normal, complete: true }));
            assert!(ended, "{who:?}");
        }
        assert!(stored(&duo, Who::Therapist).is_empty());
        nothing_is_left(&duo);
    }
}
