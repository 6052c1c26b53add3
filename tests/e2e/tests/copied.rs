//! A profile that was copied, with its passphrase, and used.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Stage;
use sotto_e2e::{Meeting, Peer, PeerSetup};

#[test]
fn the_owner_of_a_copied_profile_and_the_other_side_are_told_at_their_next_session() {
    let stage = Stage::new("copied");
    let mut meeting = stage.meet("code");
    let cards = meeting.admit();
    meeting.compare(&cards);
    meeting.end();
    let Meeting { therapist, client, client_contact, therapist_contact } = meeting;
    assert!(client.close().success());
    let (profile, copy) = (stage.folder.join("client"), stage.folder.join("copy"));
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(&profile).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }

    // Whoever has the copy is taken for its owner: once.
    let setup = PeerSetup::new(&stage.programs.peer, "client", copy).with("--rendezvous", &stage.server.url);
    let meeting = Meeting::by_contact(therapist, Peer::start(&setup), &client_contact, &therapist_contact);
    let Meeting { mut therapist, client: thief, .. } = meeting;
    assert!(therapist.told("alert").is_empty());
    assert!(thief.close().success());
    therapist.expect("peer_left", 20, |_| true);

    let client = stage.start("client");
    let mut meeting = Meeting::by_contact(therapist, client, &client_contact, &therapist_contact);
    for peer in meeting.both() {
        peer.expect("alert", 10, |alert| alert["code"] == "continuity-lost");
    }
    for card in meeting.admit() {
        assert_eq!(card["reason"], "continuity");
    }
    meeting.close();
}
