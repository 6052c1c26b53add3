//! A new invite for somebody who is a contact already (PROTOCOL §6.4), and invites that are withdrawn (§11).
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_identity::records::VerificationState;
use sotto_session_api::{AlertCode, Command, ContactId, Event, Gate, InviteForm};
use sotto_sim::{Duo, Who};
use sotto_wire::CellType;

const BOTH: [Who; 2] = [Who::Client, Who::Therapist];
const FORMS: [InviteForm; 2] = [InviteForm::Code, InviteForm::Link];

/// Two who have met and ended; their ids of each other.
fn met(seed: u64) -> (Duo, ContactId, ContactId) {
    let mut duo = Duo::new(seed);
    let [at_client, at_therapist] = duo.open_session(InviteForm::Code);
    end(&mut duo);
    (duo, at_client, at_therapist)
}

fn end(duo: &mut Duo) {
    duo.command(Who::Client, Command::End);
    duo.run_for(2_000);
}

fn relink(duo: &mut Duo, contact: ContactId, form: InviteForm) -> String {
    duo.command(Who::Therapist, Command::Relink { contact, form, minutes: None });
    duo.run_for(500);
    let invited = duo.side(Who::Therapist).events.iter().rev().find_map(|event| match event {
        Event::Invited { contact, text, .. } => Some((*contact, text.clone())),
        _ => None,
    });
    let (of, text) = invited.unwrap();
    assert_eq!(of, contact);
    text
}

fn key_changes(duo: &Duo) -> Vec<(ContactId, ContactId)> {
    let changed = |event: &Event| match event {
        Event::Alert { contact: Some(contact), code: AlertCode::KeyChanged { known } } => Some((*contact, *known)),
        _ => None,
    };
    duo.side(Who::Therapist).events.iter().filter_map(changed).collect()
}

/// Keys that the therapist's side keeps under one label.
fn kept(duo: &Duo, who: Who) -> Vec<(u64, VerificationState, [u8; 32])> {
    duo.side(who).contacts.values().map(|record| (record.id, record.state, *record.psk.expose())).collect()
}

#[test]
fn the_same_key_keeps_the_contact_with_new_secrets_and_is_compared_again() {
    for form in FORMS {
        let (mut duo, at_client, at_therapist) = met(41);
        let [old_client, old_therapist] = BOTH.map(|who| kept(&duo, who));
        let label = duo.side(Who::Therapist).contacts[&at_therapist.0].label.clone();
        let invite = relink(&mut duo, at_therapist, form);
        duo.command(Who::Client, Command::Rejoin { contact: at_client, invite });
        duo.run_for(3_000);
        assert_eq!(duo.waiting(), Some(at_client), "{form:?}: {:?}", duo.codes(Who::Client));
        for (who, old) in [(Who::Client, old_client), (Who::Therapist, old_therapist)] {
            let [(id, state, psk)] = kept(&duo, who)[..] else {
                panic!("{who:?} has {} contacts", kept(&duo, who).len())
            };
            assert_eq!((id, state), (old[0].0, VerificationState::Unverified), "{form:?} {who:?}");
            assert_ne!(psk, old[0].2, "{form:?} {who:?}: new secrets");
        }
        let record = &duo.side(Who::Therapist).contacts[&at_therapist.0];
        assert_eq!(record.label, label);
        assert!(record.verified_at.is_some(), "history stays");
        assert!(key_changes(&duo).is_empty());
        duo.admit(at_therapist);
        assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G1); 2], "{form:?}: nothing opens before the words");
        duo.compare();
        assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2]);
        end(&mut duo);
        // And the next session is one like any other.
        for who in BOTH {
            duo.restart(who);
        }
        duo.command(Who::Therapist, Command::Listen(None));
        duo.command(Who::Client, Command::JoinContact(at_client));
        duo.run_for(3_000);
        duo.admit(at_therapist);
        duo.compare();
        assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2], "{form:?}");
        for who in BOTH {
            assert!(!duo.side(who).events.iter().any(|event| matches!(event, Event::Alert { .. })), "{who:?}");
        }
    }
}

#[test]
fn another_key_becomes_a_contact_beside_the_old_one_and_replaces_nothing() {
    for form in FORMS {
        let (mut duo, at_client, at_therapist) = met(42);
        let before = kept(&duo, Who::Therapist);
        let invite = relink(&mut duo, at_therapist, form);
        // A computer that has nothing of before: a new key.
        duo.command(Who::Client, Command::Forget(at_client));
        duo.join(&invite);
        let after = kept(&duo, Who::Therapist);
        assert_eq!(after.len(), 2, "{form:?}");
        assert!(after.contains(&before[0]), "{form:?}: the known contact is as it was");
        let new = after.iter().find(|contact| contact.0 != at_therapist.0).unwrap();
        assert_eq!(new.1, VerificationState::Unverified);
        assert_eq!(key_changes(&duo), [(ContactId(new.0), at_therapist)], "{form:?}");
        let numbers = duo.side(Who::Therapist).room.snapshot(sotto_call::Now { mono_ms: 0, unix: 0 }).contacts.clone();
        let numbers: Vec<_> = numbers.iter().map(|info| info.fingerprint.clone().unwrap()).collect();
        assert_ne!(numbers[0], numbers[1], "both are there to be compared");
        // Who uses the invite is the new contact: the known one is not waiting.
        duo.command(Who::Therapist, Command::Admit(at_therapist));
        assert_eq!(duo.codes(Who::Therapist).last(), Some(&"E_NOT_WAITING"));
        duo.admit(ContactId(new.0));
        assert_eq!(duo.gate(Who::Therapist), Some(Gate::G1));
        duo.compare();
        end(&mut duo);
        // Durable, also the invite: it is not open again after a restart.
        duo.restart(Who::Therapist);
        assert_eq!(kept(&duo, Who::Therapist).len(), 2);
        duo.command(Who::Client, Command::JoinInvite(invite));
        duo.run_for(60_000);
        assert!(kept(&duo, Who::Therapist).len() == 2, "{form:?}: used once");
    }
}

#[test]
fn a_mismatch_is_lifted_by_a_new_invite_alone() {
    let (mut duo, at_client, at_therapist) = met(43);
    for who in BOTH {
        for record in duo.sides[who as usize].contacts.values_mut() {
            record.state = VerificationState::Mismatch;
        }
        duo.restart(who);
    }
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(at_client));
    assert_eq!(duo.codes(Who::Client).last(), Some(&"E_BLOCKED"));
    let invite = relink(&mut duo, at_therapist, InviteForm::Link);
    duo.command(Who::Client, Command::JoinInvite(invite));
    duo.run_for(3_000);
    duo.admit(at_therapist);
    assert_eq!(duo.gate(Who::Client), Some(Gate::G1));
    duo.compare();
    assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2]);
}

#[test]
fn an_invite_that_is_to_be_from_one_therapist_is_refused_from_another_before_our_key_is_shown() {
    let (mut duo, at_client, at_therapist) = met(44);
    // What the client knows is another therapist's key.
    let other = met(45).0.side(Who::Client).contacts.values().next().unwrap().peer_public;
    duo.sides[Who::Client as usize].contacts.get_mut(&at_client.0).unwrap().peer_public = other;
    duo.restart(Who::Client);
    for form in FORMS {
        let invite = relink(&mut duo, at_therapist, form);
        duo.command(Who::Client, Command::Rejoin { contact: at_client, invite });
        duo.run_for(5_000);
        assert_eq!(duo.codes(Who::Client).last(), Some(&"E_OTHER_PERSON"), "{form:?}");
        assert_eq!(kept(&duo, Who::Therapist).len(), 1);
        assert_eq!(kept(&duo, Who::Client).len(), 1);
        assert_eq!(kept(&duo, Who::Therapist)[0].1, VerificationState::Verified, "{form:?}: nothing has changed");
    }
}

#[test]
fn secrets_from_before_open_nothing_after_a_new_invite() {
    let (mut duo, at_client, at_therapist) = met(46);
    let copy = duo.side(Who::Client).contacts.clone();
    let invite = relink(&mut duo, at_therapist, InviteForm::Link);
    duo.command(Who::Client, Command::JoinInvite(invite));
    duo.run_for(3_000);
    duo.admit(at_therapist);
    duo.compare();
    end(&mut duo);
    // Who copied the profile before comes with what it held.
    duo.sides[Who::Client as usize].contacts = copy;
    duo.restart(Who::Client);
    let told = duo.side(Who::Therapist).events.len();
    duo.command(Who::Client, Command::JoinContact(at_client));
    duo.run_for(60_000);
    let waiting = |event: &Event| matches!(event, Event::PeerWaiting { .. });
    assert!(!duo.side(Who::Therapist).events[told..].iter().any(waiting));
}

/// The therapist has stored the new secrets, the client does not know it: whichever way it comes, it comes in.
#[test]
fn an_acknowledgement_that_is_lost_locks_nobody_out() {
    for by_invite in [true, false] {
        let (mut duo, at_client, at_therapist) = met(47);
        let invite = relink(&mut duo, at_therapist, InviteForm::Link);
        duo.tamper(|from, cell| {
            let is_ack = from == Who::Therapist && matches!(cell.cell_type(), Some(CellType::Sig | CellType::Sync));
            if is_ack { Vec::new() } else { vec![cell] }
        });
        duo.command(Who::Client, Command::JoinInvite(invite.clone()));
        duo.run_for(3_000);
        assert_eq!(kept(&duo, Who::Client).len(), 2, "the new secrets beside the old ones");
        duo.tamper(|_, cell| vec![cell]);
        duo.restart(Who::Client);
        duo.command(Who::Client, if by_invite { Command::JoinInvite(invite) } else { Command::JoinContact(at_client) });
        duo.run_for(30_000);
        assert_eq!(duo.waiting(), Some(at_client), "{by_invite}: {:?}", duo.codes(Who::Client));
        assert_eq!(kept(&duo, Who::Client).len(), 1, "{by_invite}");
        duo.admit(at_therapist);
        duo.compare();
        assert_eq!(BOTH.map(|who| duo.gate(who)), [Some(Gate::G2); 2], "{by_invite}");
    }
}

#[test]
fn a_withdrawn_invite_lets_nobody_in_and_says_so() {
    for form in FORMS {
        let mut duo = Duo::new(48);
        let (contact, text) = duo.invite(form);
        duo.command(Who::Therapist, Command::Withdraw(contact));
        let listed =
            |duo: &Duo| duo.side(Who::Therapist).room.snapshot(sotto_call::Now { mono_ms: 0, unix: 0 }).contacts.len();
        assert_eq!(listed(&duo), 0, "{form:?}");
        duo.run_for(500);
        if form == InviteForm::Link {
            duo.restart(Who::Therapist);
        }
        duo.command(Who::Client, Command::JoinInvite(text));
        duo.run_for(30_000);
        let codes = duo.codes(Who::Client);
        let said = if form == InviteForm::Code { "E_CODE_UNKNOWN" } else { "E_INVITE_BURNED" };
        assert!(codes.contains(&said), "{form:?}: {codes:?}");
        assert!(duo.waiting().is_none());
        assert!(kept(&duo, Who::Therapist).is_empty());
        duo.command(Who::Therapist, Command::Withdraw(contact));
        assert_eq!(duo.codes(Who::Therapist).last(), Some(&"E_UNKNOWN_CONTACT"));
    }
}

#[test]
fn withdrawing_what_is_for_a_contact_keeps_the_contact_and_forgetting_it_takes_both() {
    let (mut duo, at_client, at_therapist) = met(49);
    let first = relink(&mut duo, at_therapist, InviteForm::Link);
    duo.command(Who::Therapist, Command::Withdraw(at_therapist));
    assert_eq!(kept(&duo, Who::Therapist).len(), 1);
    duo.command(Who::Client, Command::Rejoin { contact: at_client, invite: first });
    duo.run_for(5_000);
    assert!(duo.codes(Who::Client).contains(&"E_INVITE_BURNED"));
    let second = relink(&mut duo, at_therapist, InviteForm::Link);
    duo.command(Who::Therapist, Command::Forget(at_therapist));
    duo.run_for(500);
    assert!(kept(&duo, Who::Therapist).is_empty() && duo.side(Who::Therapist).invites.is_empty());
    duo.command(Who::Client, Command::Rejoin { contact: at_client, invite: second });
    duo.run_for(20_000);
    assert!(duo.waiting().is_some_and(|contact| contact == at_client), "from the first session only");
    assert!(kept(&duo, Who::Therapist).is_empty());
}

#[test]
fn one_of_two_invites_for_a_contact_that_is_used_ends_the_other() {
    let (mut duo, at_client, at_therapist) = met(50);
    let code = relink(&mut duo, at_therapist, InviteForm::Code);
    let link = relink(&mut duo, at_therapist, InviteForm::Link);
    duo.command(Who::Client, Command::Rejoin { contact: at_client, invite: code });
    duo.run_for(3_000);
    duo.admit(at_therapist);
    duo.compare();
    end(&mut duo);
    duo.command(Who::Client, Command::JoinInvite(link));
    duo.run_for(5_000);
    assert!(duo.codes(Who::Client).contains(&"E_INVITE_BURNED"), "{:?}", duo.codes(Who::Client));
}
