//! Every command of `docs/PEER.md`, as text, and what is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_peer::{ParseError, parse_command};
use sotto_session_api::{Command, CompareMethod, ContactId, FileId, InviteForm, MediaTrack, Pick, SecretText};

#[test]
fn every_command_is_read() {
    let contact = ContactId(0x0123_4567_89ab_cdef);
    let rows: &[(&str, Command)] = &[
        (
            r#"{"cmd":"invite","label":"Tuesday 10:00","form":"code"}"#,
            Command::Invite { label: "Tuesday 10:00".into(), form: InviteForm::Code, minutes: None },
        ),
        (
            r#" { "minutes": 30, "form": "link", "label": "ü", "cmd": "invite" } "#,
            Command::Invite { label: "ü".into(), form: InviteForm::Link, minutes: Some(30) },
        ),
        (
            r#"{"cmd":"join","invite":"471193 Artist-paperweight"}"#,
            Command::JoinInvite("471193 Artist-paperweight".into()),
        ),
        (r#"{"cmd":"join","contact":"0123456789abcdef"}"#, Command::JoinContact(contact)),
        (
            r#"{"cmd":"join","invite":"a","contact":"0123456789abcdef"}"#,
            Command::Rejoin { contact, invite: "a".into() },
        ),
        (r#"{"cmd":"withdraw","contact":"0123456789abcdef"}"#, Command::Withdraw(contact)),
        (
            r#"{"cmd":"relink","contact":"0123456789abcdef","form":"link"}"#,
            Command::Relink { contact, form: InviteForm::Link, minutes: None },
        ),
        (
            r#"{"cmd":"change_passphrase","old":"a","new":"b"}"#,
            Command::ChangePassphrase { old: SecretText::new("a".to_owned()), new: SecretText::new("b".to_owned()) },
        ),
        (r#"{"cmd":"export","file":"/x/y"}"#, Command::Export("/x/y".into())),
        (
            r#"{"cmd":"use_keyring","passphrase":"a","on":true}"#,
            Command::UseKeyring { passphrase: SecretText::new("a".to_owned()), on: true },
        ),
        (r#"{"cmd":"send_file","path":"/x/y"}"#, Command::SendFile("/x/y".into())),
        (
            r#"{"cmd":"accept_file","id":"0102030405060708090a0b0c0d0e0f10","dir":"/d"}"#,
            Command::AcceptFile {
                file: FileId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
                folder: "/d".into(),
            },
        ),
        (r#"{"cmd":"refuse_file","id":"FF000000000000000000000000000000"}"#, {
            let mut id = [0; 16];
            id[0] = 0xff;
            Command::RefuseFile(FileId(id))
        }),
        (r#"{"cmd":"erase"}"#, Command::Erase),
        (r#"{"cmd":"listen","contacts":"all"}"#, Command::Listen(None)),
        (r#"{"cmd":"listen","contacts":[]}"#, Command::Listen(Some(vec![]))),
        (r#"{"cmd":"listen","contacts":["0123456789ABCDEF"]}"#, Command::Listen(Some(vec![contact]))),
        (r#"{"cmd":"admit","contact":"0123456789abcdef"}"#, Command::Admit(contact)),
        (r#"{"cmd":"deny","contact":"0123456789abcdef"}"#, Command::Deny(contact)),
        (r#"{"cmd":"put_back","contact":"0123456789abcdef"}"#, Command::PutBack(contact)),
        (r#"{"cmd":"verify","pick":3}"#, Command::Verify(Pick::Candidate(3))),
        (r#"{"cmd":"verify","digits":2}"#, Command::Verify(Pick::Digits(2))),
        (r#"{"cmd":"verify","none":true}"#, Command::Verify(Pick::NoneOfThese)),
        (r#"{"cmd":"verify","method":"fingerprint"}"#, Command::Verify(Pick::Otherwise(CompareMethod::Fingerprint))),
        (r#"{"cmd":"verify","method":"phone"}"#, Command::Verify(Pick::Otherwise(CompareMethod::Phone))),
        (r#"{"cmd":"verify","method":"in-person"}"#, Command::Verify(Pick::Otherwise(CompareMethod::InPerson))),
        (r#"{"cmd":"verify","method":"card"}"#, Command::Verify(Pick::Otherwise(CompareMethod::Card))),
        (r#"{"cmd":"verify","method":"qr","same":true}"#, Command::Verify(Pick::Otherwise(CompareMethod::Qr))),
        (r#"{"cmd":"verify","method":"phone","same":false}"#, Command::Verify(Pick::Differs(CompareMethod::Phone))),
        (r#"{"cmd":"verify","scanned":"545350ff"}"#, Command::Verify(Pick::Scanned(vec![0x54, 0x53, 0x50, 0xff]))),
        (r#"{"cmd":"verify","scanned":""}"#, Command::Verify(Pick::Scanned(Vec::new()))),
        (r#"{"cmd":"mute","track":"audio","on":true}"#, Command::Mute { track: MediaTrack::Audio, on: true }),
        (r#"{"cmd":"mute","track":"camera","on":false}"#, Command::Mute { track: MediaTrack::Camera, on: false }),
        (r#"{"cmd":"chat","text":"line\nnext 🙂"}"#, Command::Chat("line\nnext 🙂".into())),
        (r#"{"cmd":"stats"}"#, Command::Stats),
        (r#"{"cmd":"contacts"}"#, Command::Contacts),
        (
            r#"{"cmd":"compare_when","contact":"0123456789abcdef","on_change":true}"#,
            Command::CompareWhen { contact, on_change: true },
        ),
        (r#"{"cmd":"forget","contact":"0123456789abcdef"}"#, Command::Forget(contact)),
        (r#"{"cmd":"end"}"#, Command::End),
        (r#"{"cmd":"quit"}"#, Command::Quit),
    ];
    for (text, command) in rows {
        assert_eq!(parse_command(text).as_ref(), Ok(command), "{text}");
    }
}

#[test]
fn what_is_not_exactly_a_command_is_refused_with_a_reason() {
    let rows: &[(&str, &str, &str)] = &[
        ("", "E_JSON", "JSON"),
        ("end", "E_JSON", "JSON"),
        ("[]", "E_JSON", "JSON"),
        (r#"{"cmd":"end"} {"cmd":"end"}"#, "E_JSON", "JSON"),
        (r#"{"cmd":"end","cmd":"quit"}"#, "E_JSON", "JSON"),
        (r#"{}"#, "E_FIELD", "\"cmd\" is missing"),
        (r#"{"cmd":7}"#, "E_FIELD", "\"cmd\" must hold a text"),
        (r#"{"cmd":"End"}"#, "E_COMMAND", "\"End\""),
        (r#"{"cmd":"end","reason":"x"}"#, "E_FIELD", "no field \"reason\""),
        (r#"{"cmd":"stats","every":1}"#, "E_FIELD", "no field \"every\""),
        (r#"{"cmd":"invite","form":"code"}"#, "E_FIELD", "\"label\" is missing"),
        (r#"{"cmd":"invite","label":"x","form":"qr"}"#, "E_FIELD", "\"form\" must hold"),
        (r#"{"cmd":"invite","label":"x","form":"code","minutes":0}"#, "E_FIELD", "\"minutes\""),
        (r#"{"cmd":"invite","label":"x","form":"code","minutes":1.5}"#, "E_FIELD", "\"minutes\""),
        (r#"{"cmd":"invite","label":"x","form":"link","minutes":43201}"#, "E_FIELD", "\"minutes\""),
        (r#"{"cmd":"join"}"#, "E_FIELD", "Exactly one"),
        (r#"{"cmd":"join","invite":1,"contact":"0123456789abcdef"}"#, "E_FIELD", "\"invite\""),
        (r#"{"cmd":"join","contact":12}"#, "E_FIELD", "\"contact\""),
        (r#"{"cmd":"join","contact":"+123456789abcdef"}"#, "E_FIELD", "\"contact\""),
        (r#"{"cmd":"listen","contacts":"none"}"#, "E_FIELD", "\"contacts\""),
        (r#"{"cmd":"listen","contacts":["0123"]}"#, "E_FIELD", "\"contact\""),
        (r#"{"cmd":"admit"}"#, "E_FIELD", "\"contact\" is missing"),
        (r#"{"cmd":"verify"}"#, "E_FIELD", "Exactly one"),
        (r#"{"cmd":"verify","pick":4}"#, "E_FIELD", "0 to 3"),
        (r#"{"cmd":"verify","pick":-1}"#, "E_FIELD", "0 to 3"),
        (r#"{"cmd":"verify","none":false}"#, "E_FIELD", "\"none\""),
        (r#"{"cmd":"verify","pick":1,"none":true}"#, "E_FIELD", "Exactly one"),
        (r#"{"cmd":"verify","method":"skip"}"#, "E_FIELD", "\"method\""),
        (r#"{"cmd":"verify","method":"qr","same":1}"#, "E_FIELD", "\"same\""),
        (r#"{"cmd":"verify","pick":1,"same":true}"#, "E_FIELD", "\"same\""),
        (r#"{"cmd":"verify","scanned":"5"}"#, "E_FIELD", "\"scanned\""),
        (r#"{"cmd":"verify","scanned":"+5"}"#, "E_FIELD", "\"scanned\""),
        (r#"{"cmd":"verify","scanned":"50","digits":1}"#, "E_FIELD", "Exactly one"),
        (r#"{"cmd":"mute","track":"screen","on":true}"#, "E_FIELD", "\"track\""),
        (r#"{"cmd":"mute","track":"audio","on":1}"#, "E_FIELD", "\"on\""),
        (r#"{"cmd":"chat"}"#, "E_FIELD", "\"text\" is missing"),
        (r#"{"cmd":"share","on":true}"#, "E_NOT_YET", "\"share\""),
        (r#"{"cmd":"accept_file","id":1,"dir":"x"}"#, "E_FIELD", "\"id\""),
        (r#"{"cmd":"refuse_file","id":"+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1"}"#, "E_FIELD", "\"id\""),
        (r#"{"cmd":"accept_file","id":"0102","dir":"x"}"#, "E_FIELD", "\"id\""),
        (r#"{"cmd":"refuse_file","id":"0102030405060708090a0b0c0d0e0fgg"}"#, "E_FIELD", "\"id\""),
        (r#"{"cmd":"relink","contact":"0123456789abcdef"}"#, "E_FIELD", "\"form\" is missing"),
    ];
    for (text, code, part) in rows {
        let error = parse_command(text).expect_err(text);
        assert_eq!(error.code(), *code, "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn what_somebody_typed_is_quoted_shortly_and_without_control_characters() {
    let error = parse_command(&format!(r#"{{"cmd":"\u001b[2J{}"}}"#, "x".repeat(1000))).unwrap_err();
    assert!(matches!(error, ParseError::UnknownCommand(_)));
    let text = error.to_string();
    assert!(text.len() < 120 && !text.chars().any(char::is_control), "{text}");
}
