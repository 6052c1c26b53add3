//! Invites that don't fit, and what people are told.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use common::Stage;
use serde_json::{Value, json};
use sotto_e2e::{Meeting, Peer};

fn join(client: &mut Peer, invite: &str) {
    client.send(&json!({"cmd": "join", "invite": invite}));
}

/// Joins and is refused: the code of the refusal.
fn refused(client: &mut Peer, invite: &str, seconds: u64) -> String {
    join(client, invite);
    let error = client.expect("error", seconds, |_| true);
    assert!(
        !error["what"].as_str().unwrap().is_empty() && !error["what_to_do"].as_str().unwrap().is_empty(),
        "{error}"
    );
    error["code"].as_str().unwrap().to_owned()
}

/// The same code with another, equally possible first word.
fn with_another_word(code: &str) -> String {
    let mut parts: Vec<&str> = code.split('-').collect();
    parts[1] = if parts[1].eq_ignore_ascii_case("cobra") { "artist" } else { "cobra" };
    parts.join("-")
}

#[test]
fn a_wrong_code_is_told_to_both_and_burns_the_code_at_the_third_time() {
    let stage = Stage::new("wrong-code");
    let (mut therapist, mut client) = (stage.start("therapist"), stage.start("client"));
    let (_, code) = Meeting::invite(&mut therapist, "code");
    let wrong = with_another_word(&code);
    for attempt in 1..=3 {
        if attempt > 1 {
            // Counted runs are at least five seconds apart (PROTOCOL §3.2); earlier ones would be dropped unanswered.
            std::thread::sleep(Duration::from_secs(6));
        }
        assert_eq!(refused(&mut client, &wrong, 40), "E_CODE_WRONG");
        let alert = therapist.expect("alert", 10, |alert| alert["code"] == "wrong-code");
        assert!(alert["text"].as_str().unwrap().contains(&format!("{attempt} of 3")), "{alert}");
    }
    therapist.expect("alert", 10, |alert| alert["code"] == "burned");
    // The right code comes too late, and nobody gets in.
    let late = refused(&mut client, &code, 60);
    assert!(["E_CODE_UNKNOWN", "E_CODE_BURNED", "E_HS_TIMEOUT"].contains(&late.as_str()), "{late}");
    assert!(therapist.told("peer_waiting").is_empty());
}

#[test]
fn mistyped_codes_are_told_apart_before_anything_is_sent() {
    let stage = Stage::new("mistyped");
    let (mut therapist, mut client) = (stage.start("therapist"), stage.start("client"));
    let (_, code) = Meeting::invite(&mut therapist, "code");
    let parts: Vec<&str> = code.split('-').collect();
    let misspelled = [parts[0], parts[1], parts[2], parts[3], "hideawayy"].join("-");
    assert_eq!(refused(&mut client, &misspelled, 5), "E_CODE_WORD");
    let swapped = [parts[0], parts[2], parts[1], parts[3], parts[4]].join("-");
    assert_eq!(refused(&mut client, &swapped, 5), "E_CODE_ORDER");
    let short = [parts[0], parts[1], parts[2], parts[3]].join("-");
    assert_eq!(refused(&mut client, &short, 5), "E_INVITE_FORMAT");
    let other = if parts[0] == "000000" { "000001" } else { "000000" };
    let unknown = [other, parts[1], parts[2], parts[3], parts[4]].join("-");
    assert_eq!(refused(&mut client, &unknown, 30), "E_CODE_UNKNOWN");
    assert!(therapist.told("alert").is_empty(), "typing errors that this computer notices are nobody else's business");
    // The right one, as a person might type it.
    join(&mut client, &format!("  {} {} ", parts[0], parts[1..].join(" ").to_uppercase()));
    let mut meeting = Meeting::in_waiting_room(therapist, client);
    meeting.open();
    meeting.end();
    meeting.close();
}

#[test]
fn a_link_that_was_altered_or_has_expired_is_refused_for_its_own_reason() {
    let stage = Stage::new("links");
    let (mut therapist, mut client) = (stage.start("therapist"), stage.start("client"));
    let (_, link) = Meeting::invite(&mut therapist, "link");
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(link.strip_prefix("tsp1:").unwrap()).unwrap();
    let altered = {
        let mut altered = bytes.clone();
        altered[40] ^= 1;
        format!("tsp1:{}", BASE64_URL_SAFE_NO_PAD.encode(altered))
    };
    assert_eq!(refused(&mut client, &altered, 5), "E_INVITE_FORMAT");
    assert_eq!(refused(&mut client, &link[..link.len() - 7], 5), "E_INVITE_FORMAT");
    // The same invite as if it had been made long ago: expiry is the u32 of minutes behind two bytes (PROTOCOL §3.1).
    let end = bytes.len() - 4;
    bytes[2..6].copy_from_slice(&28_000_000u32.to_be_bytes());
    let check = sotto_identity::derive::hash("invite check", &[&bytes[..end]]);
    bytes[end..].copy_from_slice(&check[..4]);
    let expired = format!("tsp1:{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    assert_eq!(refused(&mut client, &expired, 30), "E_INVITE_EXPIRED");
    // The untouched one still works.
    join(&mut client, &link);
    let meeting = Meeting::in_waiting_room(therapist, client);
    drop(meeting);
}

#[test]
fn the_second_use_of_a_link_is_told_to_both() {
    let stage = Stage::new("used");
    let (mut therapist, mut client) = (stage.start("therapist"), stage.start("client"));
    let (_, link) = Meeting::invite(&mut therapist, "link");
    join(&mut client, &link);
    let mut meeting = Meeting::in_waiting_room(therapist, client);
    meeting.open();
    meeting.end();
    let mut second =
        Peer::start(&sotto_e2e::PeerSetup { profile: stage.folder.join("second"), ..stage.setup("client") });
    assert_eq!(refused(&mut second, &link, 60), "E_INVITE_USED");
    let alert: Value = meeting.therapist.expect("alert", 10, |alert| alert["code"] == "second-use");
    assert_eq!(alert["contact"].as_str().unwrap(), meeting.client_contact);
    meeting.close();
}

#[test]
fn a_new_invite_for_a_contact_renews_it_and_a_withdrawn_one_does_nothing() {
    let stage = Stage::new("relink");
    let mut meeting = stage.meet("code");
    meeting.open();
    meeting.end();
    let Meeting { mut therapist, mut client, client_contact, therapist_contact } = meeting;
    let relink = |therapist: &mut Peer, form: &str| {
        therapist.send(&json!({"cmd": "relink", "contact": client_contact, "form": form}));
        let invite = therapist.expect("invite", 45, |event| event[form].is_string());
        assert_eq!(invite["contact"], client_contact);
        invite[form].as_str().unwrap().to_owned()
    };
    let withdrawn = relink(&mut therapist, "link");
    therapist.send(&json!({"cmd": "withdraw", "contact": client_contact}));
    therapist.expect("contacts", 10, |_| true);
    client.send(&json!({"cmd": "join", "invite": withdrawn, "contact": therapist_contact}));
    client.expect("error", 60, |error| error["code"] == "E_INVITE_BURNED");
    assert!(therapist.told("peer_waiting").len() == 1, "from the first session");

    let code = relink(&mut therapist, "code");
    client.send(&json!({"cmd": "join", "invite": code, "contact": therapist_contact}));
    let mut meeting = Meeting::in_waiting_room(therapist, client);
    assert_eq!((&meeting.client_contact, &meeting.therapist_contact), (&client_contact, &therapist_contact));
    for peer in meeting.both() {
        peer.send(&json!({"cmd": "contacts"}));
        let contacts = peer.expect("contacts", 10, |event| event["contacts"][0]["state"] == "unverified");
        assert_eq!(contacts["contacts"].as_array().unwrap().len(), 1, "{contacts}");
    }
    meeting.open();
    meeting.see_and_hear();
    meeting.end();
    meeting.close();
}
