//! The therapist's record (PROTOCOL §6.4): what is in it, what never is, and that it can't grow by somebody's trying.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_session_api::{Command, CompareMethod, ContactId, Gate, InviteForm, Pick};
use sotto_sim::{Duo, Who};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];

/// What happened, of a contact, without the times.
fn what(duo: &Duo, contact: ContactId) -> Vec<String> {
    let own = format!("\"contact\":\"{:016x}\"", contact.0);
    let lines = duo.side(Who::Therapist).log.lines.iter().filter(|(line, _)| line.contains(&own));
    lines.map(|(line, _)| line.split("\"what\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
}

fn line(duo: &Duo, what: &str) -> String {
    let needle = format!("\"what\":\"{what}\"");
    duo.side(Who::Therapist).log.lines.iter().rev().find(|(line, _)| line.contains(&needle)).unwrap().0.clone()
}

#[test]
fn a_session_is_in_the_record_from_the_invite_to_its_end() {
    let mut duo = Duo::new(1);
    let [_, contact] = duo.open_session(InviteForm::Code);
    duo.command(Who::Client, Command::Chat("not for the record".into()));
    duo.run_for(500);
    duo.command(Who::Therapist, Command::End);
    duo.run_for(1_000);
    assert_eq!(what(&duo, contact), ["invited", "waiting", "admitted", "compared", "ended"]);
    assert_eq!(duo.side(Who::Therapist).log.first_changed(), None);
    assert!(line(&duo, "ended").contains("\"reason\":\"normal\",\"complete\":true"));
    let session = line(&duo, "compared").split("\"session\":\"").nth(1).unwrap()[..32].to_owned();
    assert!(line(&duo, "ended").contains(&session));
    // The label is "Tuesday", the server's address is in the contact.
    let all = duo.side(Who::Therapist).log.export().join("\n");
    for private in ["Tuesday", "127.0.0.1", "ws:", "not for the record"] {
        assert!(!all.contains(private), "{private} in {all}");
    }
    assert!(duo.side(Who::Client).log.lines.is_empty(), "a client's computer keeps no record");
}

#[test]
fn how_people_compared_is_recorded() {
    for (method, name) in [
        (CompareMethod::Fingerprint, "fingerprint"),
        (CompareMethod::Phone, "phone"),
        (CompareMethod::InPerson, "in-person"),
        (CompareMethod::Card, "card"),
        (CompareMethod::Qr, "qr"),
    ] {
        let mut duo = Duo::new(2);
        let (contact, text) = duo.invite(InviteForm::Code);
        duo.join(&text);
        duo.admit(contact);
        for who in BOTH {
            duo.command(who, Command::Verify(Pick::Otherwise(method)));
        }
        duo.run_for(500);
        let line = line(&duo, "compared");
        assert!(line.contains(&format!("\"result\":\"same\",\"method\":\"{name}\"")), "{line}");
        assert!(line.contains("\"continuity\":\"held\""), "{line}");
    }
}

/// Each side reads the other's screen.
#[test]
fn a_scanned_code_is_compared_here_and_recorded() {
    let mut duo = Duo::new(21);
    let (contact, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(contact);
    let [client, therapist] = BOTH.map(|who| duo.card(who).unwrap());
    assert_ne!(client.qr, therapist.qr, "each has its own");
    // A poster, a link, half of the code: nothing is decided, and the right one may follow.
    for other in [&b""[..], b"https://example.org", b"TSPF", &therapist.qr[..68], &client.qr] {
        duo.command(Who::Client, Command::Verify(Pick::Scanned(other.to_vec())));
        assert_eq!(duo.codes(Who::Client).last(), Some(&"scan-other"));
    }
    duo.command(Who::Client, Command::Verify(Pick::Scanned(therapist.qr)));
    duo.run_for(500);
    assert_ne!(duo.gate(Who::Therapist), Some(Gate::G2), "one side alone opens nothing");
    duo.command(Who::Therapist, Command::Verify(Pick::Scanned(client.qr)));
    duo.run_for(500);
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2]);
    let line = line(&duo, "compared");
    assert!(line.contains("\"result\":\"same\",\"method\":\"qr\""), "{line}");
}

/// Somebody in between shows each side a code of other keys: all or nothing, at the first byte and at the last.
#[test]
fn a_code_of_other_keys_is_a_mismatch() {
    for at in [5, 36, 37, 68] {
        let mut duo = Duo::new(22);
        let (contact, text) = duo.invite(InviteForm::Code);
        duo.join(&text);
        duo.admit(contact);
        let mut shown = duo.card(Who::Client).unwrap().qr;
        shown[at] ^= 1;
        // Once it may have been a code of somebody else's, and the right one may follow.
        duo.command(Who::Therapist, Command::Verify(Pick::Scanned(shown.clone())));
        assert_eq!(duo.codes(Who::Therapist).last(), Some(&"scan-differs"));
        assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G1); 2]);
        duo.command(Who::Therapist, Command::Verify(Pick::Scanned(shown)));
        duo.run_for(1_000);
        assert!(BOTH.into_iter().all(|who| duo.gate(who) != Some(Gate::G2)));
        let compared = line(&duo, "compared");
        assert!(compared.contains("\"result\":\"different\",\"method\":\"qr\""), "{compared}");
        assert!(line(&duo, "ended").contains("\"reason\":\"mismatch\""));
    }
}

#[test]
fn a_fingerprint_that_differs_is_a_mismatch_at_once() {
    let mut duo = Duo::new(23);
    let (contact, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(contact);
    duo.command(Who::Client, Command::Verify(Pick::Otherwise(CompareMethod::Phone)));
    duo.command(Who::Therapist, Command::Verify(Pick::Differs(CompareMethod::Phone)));
    duo.run_for(1_000);
    assert!(BOTH.into_iter().all(|who| duo.gate(who) != Some(Gate::G2)));
    let compared = line(&duo, "compared");
    assert!(compared.contains("\"result\":\"different\",\"method\":\"phone\""), "{compared}");
}

#[test]
fn words_and_digits_are_told_apart_also_where_they_differ() {
    for (digits, right, expected) in [
        (false, true, "\"same\",\"method\":\"words\""),
        (true, true, "\"same\",\"method\":\"digits\""),
        (false, false, "\"different\",\"method\":\"words\""),
        (true, false, "\"different\",\"method\":\"digits\""),
    ] {
        let mut duo = Duo::new(9);
        let (contact, text) = duo.invite(InviteForm::Code);
        duo.join(&text);
        duo.admit(contact);
        let [client, therapist] = BOTH.map(|who| duo.card(who).unwrap());
        for (who, heard, shown) in [(Who::Therapist, &client, &therapist), (Who::Client, &therapist, &client)] {
            let heard = shown.digit_candidates.iter().position(|digits| *digits == heard.digits).unwrap();
            let index = if right { heard } else { (heard + 1) % 4 };
            duo.command(who, Command::Verify(if digits { Pick::Digits(index) } else { Pick::Candidate(index) }));
            duo.run_for(500);
        }
        let line = line(&duo, "compared");
        assert!(line.contains(&format!("\"result\":{expected}")), "{line}");
    }
}

#[test]
fn a_mismatch_and_an_abnormal_end_are_recorded_as_what_they_are() {
    let mut duo = Duo::new(3);
    let (contact, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(contact);
    for _ in 0..2 {
        duo.command(Who::Therapist, Command::Verify(Pick::NoneOfThese));
    }
    duo.run_for(1_000);
    assert!(line(&duo, "compared").contains("\"result\":\"different\",\"method\":\"none-of-these\""));
    assert!(line(&duo, "ended").contains("\"reason\":\"mismatch\""));

    let mut duo = Duo::new(4);
    duo.open_session(InviteForm::Code);
    duo.restart(Who::Client);
    duo.command(Who::Therapist, Command::End);
    duo.run_for(10_000);
    assert!(line(&duo, "ended").contains("\"reason\":\"abnormal\",\"complete\":false"));
}

#[test]
fn attempts_at_a_code_are_recorded_one_by_one() {
    let mut duo = Duo::new(6);
    let (contact, text) = duo.invite(InviteForm::Code);
    let right: Vec<&str> = text.split('-').collect();
    let other = if right[2].eq_ignore_ascii_case("paperweight") { "hideaway" } else { "paperweight" };
    let wrong = format!("{}-{}-{other}-{}-{}", right[0], right[1], right[3], right[4]);
    for _ in 0..3 {
        duo.command(Who::Client, Command::JoinInvite(wrong.clone()));
        duo.run_for(10_000);
    }
    assert_eq!(what(&duo, contact), ["invited", "wrong-code", "wrong-code", "wrong-code", "burned"]);
    assert!(line(&duo, "wrong-code").contains("\"n\":3,\"of\":3"));
}

#[test]
fn a_used_link_that_is_tried_again_and_again_is_one_line_a_minute() {
    let mut duo = Duo::new(7);
    let (contact, text) = duo.invite(InviteForm::Link);
    duo.join(&text);
    duo.command(Who::Client, Command::End);
    duo.run_for(2_000);
    let begun = duo.now_ms;
    let mut tries = 0;
    while duo.now_ms < begun + 150_000 {
        duo.command(Who::Client, Command::JoinInvite(text.clone()));
        duo.run_for(5_000);
        tries += 1;
    }
    let lines = what(&duo, contact).iter().filter(|what| *what == "second-use").count();
    assert!(tries >= 30 && (1..=3).contains(&lines), "{tries} tries, {lines} lines");
}

#[test]
fn what_is_forgotten_is_recorded_without_a_name() {
    let mut duo = Duo::new(8);
    let [_, contact] = duo.open_session(InviteForm::Code);
    duo.command(Who::Therapist, Command::End);
    duo.run_for(1_000);
    duo.command(Who::Therapist, Command::Forget(contact));
    duo.run_for(100);
    assert_eq!(what(&duo, contact).last().unwrap(), "forgotten");
}
