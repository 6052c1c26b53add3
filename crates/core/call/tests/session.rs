//! Two people, from the invite to the end, in virtual time.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_session_api::{
    AlertCode, Command, CompareReason, ContactId, ContactState, EndReason, Event, Gate, InviteForm, Path, Pick,
};
use sotto_sim::{Duo, Who};

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];

fn ended(duo: &Duo, who: Who) -> Option<(EndReason, bool)> {
    duo.side(who).events.iter().rev().find_map(|event| match event {
        Event::Ended { reason, complete } => Some((*reason, *complete)),
        _ => None,
    })
}

fn alerts(duo: &Duo, who: Who) -> Vec<AlertCode> {
    duo.side(who)
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Alert { code, .. } => Some(*code),
            _ => None,
        })
        .collect()
}

fn chats(duo: &Duo, who: Who) -> Vec<(bool, String)> {
    duo.side(who)
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Chat { own, text, .. } => Some((*own, text.to_string())),
            _ => None,
        })
        .collect()
}

#[test]
fn a_spoken_code_leads_to_an_open_session_and_a_complete_end() {
    let mut duo = Duo::new(1);
    let [_, at_therapist] = duo.open_session(InviteForm::Code);
    for who in BOTH {
        assert_eq!(duo.gate(who), Some(Gate::G2), "{who:?}: {:?}", duo.side(who).events);
        assert!(duo.side(who).has_media);
    }
    duo.command(Who::Client, Command::Chat("hello".into()));
    duo.command(Who::Therapist, Command::Chat("good morning".into()));
    duo.run_for(500);
    assert_eq!(chats(&duo, Who::Client), [(false, "good morning".into()), (true, "hello".into())]);
    assert_eq!(chats(&duo, Who::Therapist), [(false, "hello".into()), (true, "good morning".into())]);

    duo.command(Who::Therapist, Command::End);
    duo.run_for(1_000);
    for who in BOTH {
        assert_eq!(ended(&duo, who), Some((EndReason::Normal, true)), "{who:?}");
        assert!(!duo.side(who).has_media);
    }
    let contacts = duo.sides[1].room.snapshot(sotto_call::Now { mono_ms: 0, unix: 0 }).contacts.clone();
    assert_eq!(contacts.iter().find(|c| c.contact == at_therapist).unwrap().state, ContactState::Verified);
}

#[test]
fn a_link_leads_to_an_open_session() {
    let mut duo = Duo::new(2);
    duo.open_session(InviteForm::Link);
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2]);
}

#[test]
fn both_see_the_same_fingerprint_and_hear_each_others_words() {
    let mut duo = Duo::new(3);
    let (contact, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(contact);
    let [client, therapist] = BOTH.map(|who| duo.card(who).unwrap());
    assert_eq!(client.fingerprint, therapist.fingerprint);
    assert_ne!(client.words, therapist.words);
    assert_ne!(client.reads_first, therapist.reads_first);
    assert!(client.candidates.contains(&therapist.words) && therapist.candidates.contains(&client.words));
    assert!(client.digit_candidates.contains(&therapist.digits));
}

#[test]
fn the_second_session_needs_no_code_also_after_both_restarted() {
    let mut duo = Duo::new(4);
    let [at_client, at_therapist] = duo.open_session(InviteForm::Code);
    duo.command(Who::Client, Command::End);
    duo.run_for(2_000);
    for who in BOTH {
        duo.restart(who);
    }
    duo.run_for(7 * 24 * 3600 * 1000);
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(at_client));
    duo.run_for(3_000);
    duo.admit(at_therapist);
    duo.compare();
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2]);
}

/// Ends the session and holds another, each with the choice to be asked for words only when something has changed, or not.
fn end_and_meet_again(duo: &mut Duo, contacts: [ContactId; 2], on_change: [bool; 2]) {
    duo.command(Who::Client, Command::End);
    duo.run_for(2_000);
    for (who, on_change) in BOTH.into_iter().zip(on_change) {
        duo.command(who, Command::CompareWhen { contact: contacts[who as usize], on_change });
        duo.restart(who);
    }
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(contacts[0]));
    duo.run_for(3_000);
    duo.admit(contacts[1]);
}

#[test]
fn words_are_not_asked_for_again_if_both_chose_so_and_nothing_changed() {
    for chosen in [[true, true], [true, false], [false, true]] {
        let mut duo = Duo::new(4);
        let contacts = duo.open_session(InviteForm::Code);
        end_and_meet_again(&mut duo, contacts, chosen);
        let gate = if chosen == [true, true] { Gate::G2 } else { Gate::G1 };
        assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(gate); 2], "{chosen:?}");
        assert_eq!(BOTH.map(|who| duo.card(who).is_some()), [gate == Gate::G1; 2]);
    }
}

#[test]
fn a_direct_connection_is_for_two_who_allow_it_and_are_not_asked_for_words() {
    for allowed in [[true, true], [true, false], [false, true], [false, false]] {
        for on_change in [[true, true], [true, false], [false, true]] {
            let mut duo = Duo::new(4);
            duo.allow_direct(allowed);
            let (at_therapist, text) = duo.invite(InviteForm::Code);
            let contacts = [duo.join(&text), at_therapist];
            duo.admit(at_therapist);
            assert_eq!(BOTH.map(|who| duo.side(who).is_relay_only()), [Some(true); 2], "first contact");
            duo.compare();
            assert_eq!(BOTH.map(|who| duo.side(who).is_relay_only()), [Some(true); 2]);
            end_and_meet_again(&mut duo, contacts, on_change);
            let is_relay_only = allowed != [true, true] || on_change != [true, true];
            assert_eq!(
                BOTH.map(|who| duo.side(who).is_relay_only()),
                [Some(is_relay_only); 2],
                "{allowed:?} {on_change:?}"
            );
        }
    }
}

fn path(duo: &Duo, who: Who) -> Option<Path> {
    duo.side(who).events.iter().rev().find_map(|event| match event {
        Event::Link { path, .. } => *path,
        _ => None,
    })
}

#[test]
fn relay_only_is_said_where_no_address_was_told_and_a_path_of_a_restart_is_said_as_it_is() {
    for allowed in [[true, true], [true, false]] {
        let mut duo = Duo::new(4);
        duo.allow_direct(allowed);
        let contacts = duo.open_session(InviteForm::Code);
        end_and_meet_again(&mut duo, contacts, [true, true]);
        let is_allowed = allowed == [true, true];
        let by_relay = if is_allowed { Path::RelayedAddressesKnown } else { Path::Relayed };
        let told = BOTH.map(|who| duo.side(who).addresses > 0);
        assert_eq!((told, BOTH.map(|who| path(&duo, who))), ([is_allowed; 2], [Some(by_relay); 2]), "{allowed:?}");
        // Found anew, and again, for better or worse.
        for relayed in [false, true] {
            duo.relayed = relayed || !is_allowed;
            duo.set_relay(false);
            duo.run_for(6_000);
            duo.set_relay(true);
            duo.run_for(20_000);
            let now = if duo.relayed { by_relay } else { Path::Direct };
            assert_eq!(BOTH.map(|who| path(&duo, who)), [Some(now); 2], "{allowed:?} {relayed}");
        }
        assert_eq!(BOTH.map(|who| duo.side(who).restarts > 0), [true; 2]);
        assert_eq!(BOTH.map(|who| duo.side(who).addresses > 0), [is_allowed; 2]);
    }
}

#[test]
fn nothing_but_rendezvous_is_touched_before_admit() {
    let mut duo = Duo::new(5);
    let (_, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.run_for(600_000);
    assert_eq!(BOTH.map(|who| duo.side(who).transports), [0, 0]);
    assert!(BOTH.iter().all(|who| !duo.side(*who).has_media));
}

#[test]
fn a_wrong_code_is_told_to_both_and_burned_after_three() {
    let mut duo = Duo::new(6);
    let (contact, text) = duo.invite(InviteForm::Code);
    let right: Vec<&str> = text.split('-').collect();
    // Another word that may stand in the second place.
    let other = if right[2].eq_ignore_ascii_case("paperweight") { "hideaway" } else { "paperweight" };
    let wrong = format!("{}-{}-{other}-{}-{}", right[0], right[1], right[3], right[4]);
    for n in 1..=3 {
        duo.command(Who::Client, Command::JoinInvite(wrong.clone()));
        duo.run_for(10_000);
        assert_eq!(duo.codes(Who::Client).last(), Some(&"E_CODE_WRONG"));
        assert!(alerts(&duo, Who::Therapist).contains(&AlertCode::WrongCode { n, of: 3 }), "attempt {n}");
    }
    assert!(alerts(&duo, Who::Therapist).contains(&AlertCode::Burned));
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(40_000);
    assert_eq!(duo.codes(Who::Client).last(), Some(&"E_CODE_UNKNOWN"));
    assert!(duo.waiting().is_none());
    let contacts = duo.sides[1].room.snapshot(sotto_call::Now { mono_ms: 0, unix: 0 }).contacts.clone();
    assert!(contacts.iter().all(|c| c.contact != contact));
}

#[test]
fn one_wrong_code_does_not_spoil_the_right_one() {
    let mut duo = Duo::new(7);
    let (contact, text) = duo.invite(InviteForm::Code);
    let right: Vec<&str> = text.split('-').collect();
    let other = if right[2].eq_ignore_ascii_case("paperweight") { "hideaway" } else { "paperweight" };
    let wrong = format!("{}-{}-{other}-{}-{}", right[0], right[1], right[3], right[4]);
    duo.command(Who::Client, Command::JoinInvite(wrong));
    duo.run_for(2_000);
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(30_000);
    assert!(duo.waiting().is_some(), "{:?}", duo.side(Who::Client).events);
    duo.admit(contact);
    duo.compare();
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2]);
}

#[test]
fn mistyped_unknown_and_expired_are_told_apart() {
    let mut duo = Duo::new(8);
    let (_, link) = duo.invite(InviteForm::Link);
    for (typed, code) in [
        ("471193-artist-paperweight-cobra-hideawai", "E_CODE_WORD"),
        ("471193-paperweight-artist-cobra-hideaway", "E_CODE_ORDER"),
        ("471193-artist-paperweight", "E_INVITE_FORMAT"),
        ("000000-artist-paperweight-cobra-hideaway", "E_CODE_UNKNOWN"),
        (&link[..link.len() - 2], "E_INVITE_FORMAT"),
    ] {
        duo.command(Who::Client, Command::JoinInvite(typed.into()));
        duo.run_for(1_000);
        assert_eq!(duo.codes(Who::Client).last(), Some(&code), "{typed}");
    }
    duo.run_for(8 * 24 * 3600 * 1000);
    duo.command(Who::Client, Command::JoinInvite(link));
    assert_eq!(duo.codes(Who::Client).last(), Some(&"E_INVITE_EXPIRED"));
}

#[test]
fn a_used_link_is_refused_and_the_therapist_is_told() {
    let mut duo = Duo::new(9);
    let (contact, link) = duo.invite(InviteForm::Link);
    duo.join(&link);
    duo.admit(contact);
    duo.compare();
    duo.command(Who::Client, Command::End);
    duo.run_for(2_000);
    duo.command(Who::Client, Command::JoinInvite(link));
    duo.run_for(5_000);
    assert_eq!(duo.codes(Who::Client).last(), Some(&"E_INVITE_USED"));
    assert!(alerts(&duo, Who::Therapist).contains(&AlertCode::SecondUse));
}

#[test]
fn a_wrong_pick_ends_the_session_on_both_sides_and_blocks_a_new_contact() {
    let mut duo = Duo::new(10);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    let at_client = duo.join(&text);
    duo.admit(at_therapist);
    let (client, therapist) = (duo.card(Who::Client).unwrap(), duo.card(Who::Therapist).unwrap());
    let wrong = client.candidates.iter().position(|c| *c != therapist.words).unwrap();
    duo.command(Who::Client, Command::Verify(Pick::Candidate(wrong)));
    while !alerts(&duo, Who::Therapist).contains(&AlertCode::Mismatch) {
        duo.run_for(1);
    }
    // The therapist picks at the same moment: neither a mistake nor a way back.
    let right = therapist.candidates.iter().position(|c| *c == client.words).unwrap();
    assert_eq!(ended(&duo, Who::Therapist), None);
    duo.command(Who::Therapist, Command::Verify(Pick::Candidate(right)));
    duo.run_for(2_000);
    assert!(!duo.codes(Who::Therapist).contains(&"E_NOT_NOW"));
    for who in BOTH {
        assert_eq!(ended(&duo, who), Some((EndReason::Mismatch, true)), "{who:?}");
        assert!(alerts(&duo, who).contains(&AlertCode::Mismatch));
        assert!(!duo.side(who).has_media);
    }
    duo.command(Who::Client, Command::JoinContact(at_client));
    assert_eq!(duo.codes(Who::Client).last(), Some(&"E_BLOCKED"));
}

#[test]
fn none_of_these_asks_once_more_before_it_is_a_mismatch() {
    let mut duo = Duo::new(11);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(at_therapist);
    duo.command(Who::Therapist, Command::Verify(Pick::NoneOfThese));
    duo.run_for(200);
    assert!(ended(&duo, Who::Therapist).is_none());
    duo.command(Who::Therapist, Command::Verify(Pick::NoneOfThese));
    duo.run_for(1_000);
    assert_eq!(ended(&duo, Who::Client), Some((EndReason::Mismatch, true)));
}

#[test]
fn one_side_alone_never_opens_the_session() {
    let mut duo = Duo::new(12);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(at_therapist);
    let (client, therapist) = (duo.card(Who::Client).unwrap(), duo.card(Who::Therapist).unwrap());
    let right = client.candidates.iter().position(|c| *c == therapist.words).unwrap();
    duo.command(Who::Client, Command::Verify(Pick::Candidate(right)));
    duo.command(Who::Client, Command::Chat("too early".into()));
    duo.run_for(10_000);
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G1); 2]);
    assert_eq!(duo.codes(Who::Client).last(), Some(&"E_NOT_NOW"));
    assert!(chats(&duo, Who::Therapist).is_empty());
    duo.run_for(120_000);
    assert_eq!(ended(&duo, Who::Therapist).map(|e| e.0), Some(EndReason::CompareTimeout));
}

/// Who has compared before gets five minutes, in which nothing but sound passes.
#[test]
fn a_comparison_of_every_session_may_take_five_minutes() {
    let mut duo = Duo::new(12);
    let [at_client, at_therapist] = duo.open_session(InviteForm::Code);
    duo.command(Who::Client, Command::End);
    duo.run_for(2_000);
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(at_client));
    duo.run_for(3_000);
    duo.admit(at_therapist);
    let card = duo.card(Who::Therapist).unwrap();
    assert_eq!(card.reason, CompareReason::Every);
    duo.run_for(290_000);
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G1); 2]);
    duo.run_for(20_000);
    for who in BOTH {
        assert_eq!(ended(&duo, who).map(|end| end.0), Some(EndReason::CompareTimeout), "{who:?}");
    }
}

#[test]
fn deny_and_put_back() {
    let mut duo = Duo::new(13);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(at_therapist);
    duo.compare();
    duo.command(Who::Therapist, Command::PutBack(at_therapist));
    duo.run_for(5_000);
    assert!(BOTH.iter().all(|who| duo.gate(*who).is_none() && !duo.side(*who).has_media));
    let waits = duo.side(Who::Client).events.iter().filter(|e| matches!(e, Event::Waiting(_))).count();
    assert_eq!(waits, 2, "back in the waiting room with a fresh handshake");
    duo.command(Who::Therapist, Command::Deny(at_therapist));
    duo.run_for(1_000);
    assert_eq!(ended(&duo, Who::Client), Some((EndReason::Denied, true)));
}

#[test]
fn another_certificate_than_the_announced_one_ends_the_session_before_media() {
    let mut duo = Duo::new(14);
    duo.lie_about_certificate([9; 32]);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    duo.admit(at_therapist);
    for who in BOTH {
        assert!(duo.codes(who).contains(&"E_FP"), "{who:?}");
        assert!(!duo.side(who).has_media);
    }
}

#[test]
fn a_server_that_flips_replays_and_reorders_cells_can_only_deny_service() {
    for seed in 0..60 {
        let mut duo = Duo::new(1000 + seed);
        let (at_therapist, text) = duo.invite(if seed % 2 == 0 { InviteForm::Code } else { InviteForm::Link });
        let mut rng = sotto_sim::SeededRng::new(seed);
        let mut old: Vec<sotto_wire::Cell> = Vec::new();
        duo.tamper(move |_, cell| {
            old.push(cell.clone());
            match rng.below(10) {
                0 => {
                    let mut bytes = *cell.as_bytes();
                    bytes[rng.below(4096) as usize] ^= 1 << rng.below(8);
                    vec![sotto_wire::Cell::from_bytes(&bytes).unwrap()]
                }
                1 => Vec::new(),
                2 => vec![cell.clone(), cell],
                3 => vec![cell, old[rng.below(old.len() as u64) as usize].clone()],
                _ => vec![cell],
            }
        });
        duo.command(Who::Client, Command::JoinInvite(text));
        duo.run_for(60_000);
        duo.command(Who::Therapist, Command::Admit(at_therapist));
        duo.run_for(20_000);
        // If there are cards, they are of one session: the attacker changed nothing in it.
        if let (Some(client), Some(therapist)) = (duo.card(Who::Client), duo.card(Who::Therapist)) {
            assert!(client.candidates.contains(&therapist.words), "seed {seed}");
            assert_eq!(client.fingerprint, therapist.fingerprint);
        }
    }
}

#[test]
fn both_pressing_end_at_the_same_moment_is_complete() {
    let mut duo = Duo::new(15);
    duo.open_session(InviteForm::Code);
    for who in BOTH {
        duo.command(who, Command::End);
    }
    duo.run_for(5_000);
    assert_eq!(BOTH.map(|who| ended(&duo, who)), [Some((EndReason::Normal, true)); 2]);
}

#[test]
fn a_peer_that_vanishes_is_not_a_normal_end() {
    let mut duo = Duo::new(16);
    duo.open_session(InviteForm::Code);
    duo.restart(Who::Client);
    duo.command(Who::Therapist, Command::End);
    duo.run_for(5_000);
    assert_eq!(ended(&duo, Who::Therapist), Some((EndReason::Abnormal, false)));
    assert!(duo.codes(Who::Therapist).contains(&"E_TRUNCATED"));
}

#[test]
fn a_client_whose_ack_was_lost_meets_again_with_the_same_key() {
    let mut duo = Duo::new(17);
    let (at_therapist, text) = duo.invite(InviteForm::Link);
    let mut dropped = false;
    duo.tamper(move |from, cell| {
        let is_ack = from == Who::Therapist && cell.cell_type() == Some(sotto_wire::CellType::Sig);
        if is_ack && !dropped {
            dropped = true;
            return Vec::new();
        }
        vec![cell]
    });
    duo.command(Who::Client, Command::JoinInvite(text.clone()));
    duo.run_for(1_000);
    duo.restart(Who::Client);
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(40_000);
    assert!(duo.waiting().is_some(), "{:?}", duo.codes(Who::Client));
    assert_eq!(duo.side(Who::Therapist).contacts.len(), 1);
    duo.admit(at_therapist);
    duo.compare();
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2]);
}

/// PROTOCOL §4.6: what the other side's program can do is learned anew each time, and nothing falls below what was.
#[test]
fn each_session_learns_the_peers_versions_and_the_floor_never_falls() {
    let mut duo = Duo::new(46);
    let [contact, _] = duo.open_session(InviteForm::Code);
    let mut disks = BOTH.map(|who| duo.side(who).contacts.clone());
    for (disk, (versions, floor)) in disks.iter_mut().zip([(0x13, 0), (0x12, 1)]) {
        let record = disk.values_mut().next().unwrap();
        (record.peer_versions, record.version_floor) = (versions, floor);
    }
    let mut duo = Duo::resumed(46, disks.clone(), 9);
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(contact));
    duo.run_for(2_000);
    assert!(duo.waiting().is_some());
    for who in BOTH {
        let record = duo.side(who).contacts.values().next().unwrap();
        assert_eq!((record.peer_versions, record.version_floor), (0x11, 1), "{who:?}");
    }
    // A floor above what this session could speak: the therapist's side stays silent.
    disks[Who::Therapist as usize].values_mut().next().unwrap().version_floor = 2;
    let mut duo = Duo::resumed(46, disks, 10);
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(contact));
    duo.run_for(20_000);
    assert!(duo.waiting().is_none());
    assert_eq!(duo.side(Who::Therapist).contacts.values().next().unwrap().version_floor, 2);
}

#[test]
fn another_srtp_profile_or_dtls_suite_ends_the_session_before_anything_is_shown() {
    let (profile, suite) = ("SRTP_AEAD_AES_256_GCM", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
    for (profile, suite) in [
        ("SRTP_AES128_CM_HMAC_SHA1_80", suite),
        ("SRTP_AEAD_AES_128_GCM", suite),
        ("", suite),
        (profile, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        (profile, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
        (profile, ""),
    ] {
        let mut duo = Duo::new(47);
        let (contact, text) = duo.invite(InviteForm::Code);
        duo.join(&text);
        duo.negotiate(profile, suite);
        duo.admit(contact);
        duo.run_for(2_000);
        for who in BOTH {
            assert!(duo.codes(who).contains(&"E_SRTP"), "{profile} {suite} {who:?}");
            assert!(duo.card(who).is_none() && duo.gate(who).is_none(), "{profile} {suite} {who:?}");
        }
    }
}
