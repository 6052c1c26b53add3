//! Invites, spoken codes, addresses: what people type and what becomes of it (PROTOCOL §3).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use proptest::prelude::*;
use sotto_handshake::{
    Invite, InviteError, JoinError, JoinText, RendezvousUrl, SpokenCode, UrlError, address, parse_join_text,
};
use sotto_identity::Secret;
use sotto_wire::{Role, VersionRange};

const URL: &str = "wss://rdv.example/v1";

fn invite(url: &str) -> Invite {
    Invite::generate(therapist().public(), RendezvousUrl::parse(url).unwrap(), 1_800_000_059, &mut Seeded(5))
}

fn same(a: &Invite, b: &Invite) {
    assert_eq!((a.idhash(), a.versions(), a.expiry_unix()), (b.idhash(), b.versions(), b.expiry_unix()));
    assert_eq!(a.url(), b.url());
    let (a, b) = (a.keys(), b.keys());
    assert_eq!(a.context, b.context);
    assert_eq!((a.psk0.expose(), a.rendezvous_key.expose()), (b.psk0.expose(), b.rendezvous_key.expose()));
}

#[test]
fn invite_roundtrip_qr_file() {
    let pinned = format!("wss://[2001:db8::1]:8443/v1#spki={}", "A".repeat(43));
    for url in [URL, &pinned, "ws://127.0.0.1:7000/v1", "ws://[::1]/"] {
        let invite = invite(url);
        let text = invite.to_text();
        assert!(text.starts_with("tsp1:") && text.len() <= 1024);
        same(&Invite::parse_text(&text).unwrap(), &invite);
        same(&Invite::parse_text(&invite.to_file()).unwrap(), &invite);
        // Mail breaks lines, chat adds spaces, and somebody shouts the scheme.
        let broken = format!("  TSP1:{}\r\n {}\t\n", &text[5..40], &text[40..]);
        let JoinText::Invite(parsed) = parse_join_text(&broken).unwrap() else { panic!("an invite") };
        same(&parsed, &invite);
    }
    assert_eq!(invite(URL).versions(), VersionRange::OURS);
    assert_eq!(invite(URL).to_text().len(), 116, "83 bytes (PROTOCOL §3.1)");
}

#[test]
fn invite_checksum() {
    let text = invite(URL).to_text();
    for at in 5..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        let fault = Invite::parse_text(&changed).unwrap_err();
        assert!(matches!(fault, InviteError::Check | InviteError::Format), "character {at}");
        assert!(Invite::parse_text(&text[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(Invite::parse_text(&text.replace("tsp1:", "tsp2:")).unwrap_err(), InviteError::Format);
}

#[test]
fn invite_expired() {
    let invite = invite(URL);
    assert_eq!(invite.expiry_unix(), 1_800_000_000, "whole minutes, rounded down");
    assert!(!invite.is_expired(1_799_999_999));
    assert!(invite.is_expired(1_800_000_000));
}

#[test]
fn urls_are_checked() {
    let good = [
        ("wss://rdv.example/v1", "rdv.example:443"),
        ("wss://RDV.Example:8443", "rdv.example:8443"),
        ("ws://localhost/v1", "localhost:80"),
        ("wss://[2001:DB8::1]/v1", "[2001:db8::1]:443"),
        ("wss://192.0.2.1", "192.0.2.1:443"),
    ];
    for (url, host_port) in good {
        assert_eq!(RendezvousUrl::parse(url).unwrap().host_port(), host_port);
    }
    let long = format!("wss://a.example/{}", "x".repeat(255));
    let bad = [
        ("https://rdv.example", UrlError::Scheme),
        ("rdv.example", UrlError::Scheme),
        ("ws://rdv.example", UrlError::NotLoopback),
        ("ws://192.0.2.1:80/", UrlError::NotLoopback),
        ("ws://localhost.example/", UrlError::NotLoopback),
        ("wss://", UrlError::Host),
        ("wss://:443", UrlError::Host),
        ("wss://a..b", UrlError::Host),
        ("wss://rdv.example:0", UrlError::Host),
        ("wss://rdv.example:65536", UrlError::Host),
        ("wss://rdv.example:+44", UrlError::Host),
        ("wss://[::1", UrlError::Host),
        ("wss://[::1]x", UrlError::Host),
        ("wss://user@rdv.example", UrlError::Text),
        ("wss://rdv.example/ x", UrlError::Text),
        ("wss://bücher.example", UrlError::Text),
        ("wss://rdv.example#frag", UrlError::Pin),
        ("wss://rdv.example#spki=AAAA", UrlError::Pin),
        (long.as_str(), UrlError::Text),
    ];
    for (url, fault) in bad {
        assert_eq!(RendezvousUrl::parse(url), Err(fault), "{url}");
    }
}

fn parse(text: &str) -> Result<SpokenCode, JoinError> {
    match parse_join_text(text)? {
        JoinText::Code(code) => Ok(code),
        JoinText::Invite(_) => panic!("a code"),
    }
}

#[test]
fn codes_are_read_as_people_type_them() {
    let expected = ["artist", "paperweight", "cobra", "hideaway"];
    let typed = [
        "471193-artist-paperweight-cobra-hideaway",
        "  471193 Artist PAPERWEIGHT cobra hideaway\n",
        "471 193 artist, paperweight, cobra, hideaway.",
        "47-11-93_artist_paperweight_cobra_hideaway",
        "471193–artist—paperweight‑cobra-hideaway",
    ];
    for text in typed {
        let code = parse(text).unwrap();
        assert_eq!(code.nameplate(), "471193", "{text}");
        assert_eq!(code.words().map(str::to_lowercase), expected, "{text}");
        assert_eq!(code.host(), None);
        assert_eq!(code.to_text(), typed[0]);
    }
    let named = [
        ("@rdv.example", Some("rdv.example:443"), "@rdv.example"),
        (" @ RDV.example:8443 ", Some("rdv.example:8443"), "@rdv.example:8443"),
        ("@[2001:db8::1]", Some("[2001:db8::1]:443"), "@[2001:db8::1]"),
    ];
    for (suffix, host, shown) in named {
        let code = parse(&format!("{}{suffix}", typed[0])).unwrap();
        assert_eq!(code.host(), host);
        assert_eq!(code.to_text(), format!("{}{shown}", typed[0]));
    }
}

#[test]
fn wrong_codes_are_told_apart_before_anything_is_sent() {
    let cases = [
        ("", JoinError::Empty),
        (" \n", JoinError::Empty),
        ("-", JoinError::Empty),
        ("hello there", JoinError::NotACode),
        ("artist paperweight cobra hideaway", JoinError::Nameplate),
        ("47119 artist paperweight cobra hideaway", JoinError::Nameplate),
        ("4711930 artist paperweight cobra hideaway", JoinError::Nameplate),
        ("471193", JoinError::WordCount { found: 0 }),
        ("471193 artist paperweight cobra", JoinError::WordCount { found: 3 }),
        ("471193 artist paperweight cobra hideaway hideaway", JoinError::WordCount { found: 5 }),
        ("471193 paperweight artist cobra hideaway", JoinError::WordPosition { position: 0 }),
        ("471193 artist artist cobra hideaway", JoinError::WordPosition { position: 1 }),
        ("471193 artist paperweight cobra hideaway@", JoinError::Host),
        ("471193 artist paperweight cobra hideaway@a b", JoinError::Host),
        ("tsp1:", JoinError::Invite(InviteError::Format)),
        ("tsp1:AAAA", JoinError::Invite(InviteError::Format)),
        ("tsp1:AAAAAAAAAAAA", JoinError::Invite(InviteError::Check)),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_join_text(text).err(), Some(expected), "{text}");
    }
    assert_eq!(parse_join_text(&"a".repeat(2000)).err(), Some(JoinError::NotACode));
}

#[test]
fn typing_errors_get_suggestions() {
    let cases = [
        ("471193 artst paperweight cobra hideaway", 0, "artist"),
        ("471193 artisst paperweight cobra hideaway", 0, "artist"),
        ("471193 arttis paperweight cobra hideaway", 0, "artist"),
        ("471193 artist paperwieght cobra hideaway", 1, "paperweight"),
        ("471193 artist paperweight kobra hideaway", 2, "cobra"),
        ("471193 artist paperweight cobra hide", 3, "hideaway"),
    ];
    for (text, at, word) in cases {
        let Err(JoinError::UnknownWord { position, suggestions }) = parse(text).map(|_| ()) else {
            panic!("an unknown word: {text}")
        };
        assert_eq!(position, at, "{text}");
        assert!(suggestions.iter().any(|known| known.eq_ignore_ascii_case(word)), "{text}: {suggestions:?}");
        assert!(suggestions.len() <= 4);
    }
    let error = parse("471193 zzzzz paperweight cobra hideaway").unwrap_err();
    assert_eq!(error, JoinError::UnknownWord { position: 0, suggestions: vec![] });
    let shown = format!("{:?}", parse(cases[0].0).unwrap_err());
    assert!(!shown.contains("artist"), "errors may be logged, words not: {shown}");
}

#[test]
fn code_bytes_language_independent() {
    // The PAKE takes the index of each word: a code of the same bytes pairs, however it was typed.
    let typed = parse("471193 ARTIST paperweight Cobra hideaway").unwrap().secret("RDV.example:443");
    let made = sotto_handshake::CodeSecret::new(Secret::new([0x0f, 0xa5, 0x3c, 0x71]), "471193", "rdv.example:443");
    let (run, pa1) = sotto_handshake::cpace::Initiator::start(&typed, &ADDRESS, &mut Seeded(1));
    let answer = sotto_handshake::cpace::respond(&pa1, &made, &ADDRESS, &mut Seeded(2)).unwrap();
    assert_eq!(run.finish(&answer.cell).unwrap().0.expose(), answer.psk0.expose());
}

#[test]
fn generated_codes_differ_and_come_back() {
    let mut seen = std::collections::BTreeSet::new();
    let mut rng = Seeded(1);
    for _ in 0..200 {
        let code = SpokenCode::generate("471193", Some("rdv.example:8443"), &mut rng).unwrap();
        assert_eq!(parse(&code.to_text()).unwrap().to_text(), code.to_text());
        seen.insert(code.to_text());
    }
    assert_eq!(seen.len(), 200);
    assert_eq!(SpokenCode::generate("4711", None, &mut rng).unwrap_err(), JoinError::Nameplate);
    assert_eq!(SpokenCode::generate("471193", Some("a b"), &mut rng).unwrap_err(), JoinError::Host);
}

#[test]
fn secrets_do_not_show_in_debug() {
    let code = parse("471193 artist paperweight cobra hideaway@rdv.example").unwrap();
    let shown = format!("{:?} {:?} {:?} {:?}", code, code.secret("a:1"), invite(URL), invite(URL).url());
    for secret in ["471193", "artist", "rdv", "tsp1"] {
        assert!(!shown.to_lowercase().contains(secret), "{shown}");
    }
}

#[test]
fn rdv_addr_rotation_and_skew() {
    let key = Secret::new([3; 32]);
    // On the hour, and 10 minutes around it, two slots; else one. Two sides within the skew always share one.
    assert_eq!(address::slots(3600 * 10), [9, 10]);
    assert_eq!(address::slots(3600 * 10 + 599), [9, 10]);
    assert_eq!(address::slots(3600 * 10 + 600), [10]);
    assert_eq!(address::slots(3600 * 11 - 601), [10]);
    assert_eq!(address::slots(3600 * 11 - 600), [10, 11]);
    assert_eq!(address::slots(0), [0]);
    assert_eq!(address::slots(u64::MAX).last(), Some(&(u64::MAX / 3600)), "no overflow");
    for now in (3600 * 10..3600 * 12).step_by(7) {
        for skew in [0, 300, 600] {
            let (mine, theirs) = (address::slots(now), address::slots(now + skew));
            assert!(mine.iter().any(|slot| theirs.contains(slot)), "{now} +{skew}");
            assert!(mine.len() <= 3);
        }
    }
    let addresses: std::collections::BTreeSet<_> = (0..100).map(|s| address::rendezvous_address(&key, s)).collect();
    assert_eq!(addresses.len(), 100);
    let device = Secret::new([4; 32]);
    assert_ne!(
        address::owner_tag(&device, &[1; 32], Role::Initiator),
        address::owner_tag(&device, &[1; 32], Role::Responder)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn parse_join_text_never_panics(text in "\\PC{0,120}") {
        let _ = parse_join_text(&text);
    }

    #[test]
    fn any_generated_invite_comes_back(seed in any::<u64>(), expiry in 0_u64..1 << 37) {
        let url = RendezvousUrl::parse(URL).unwrap();
        let invite = Invite::generate(therapist().public(), url, expiry, &mut Seeded(seed));
        same(&Invite::parse_text(&invite.to_text()).unwrap(), &invite);
    }
}
