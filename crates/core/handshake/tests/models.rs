//! The bytes of invites against a naive reading of PROTOCOL §3.1, and sealed cells against a plain list of their bodies.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::Cell as Count;

use common::*;
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use sha2::{Digest, Sha512};
use sotto_handshake::{Invite, RendezvousUrl, SigChannel};
use sotto_wire::{Cell, SigMessage, sig::Card};

/// Tries many inputs and counts what became of them, so that a generator that makes only one kind is noticed.
fn judged<S: Strategy>(cases: u32, inputs: &S, check: impl Fn(S::Value) -> Result<bool, TestCaseError>) {
    let (accepted, refused) = (Count::new(0), Count::new(0));
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
        .run(inputs, |input| {
            let count = if check(input)? { &accepted } else { &refused };
            count.set(count.get() + 1);
            Ok(())
        })
        .unwrap();
    let least = cases / 10;
    assert!(accepted.get() > least && refused.get() > least, "{} accepted, {} refused", accepted.get(), refused.get());
}

// ---- Invites

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const GOOD_URLS: [&str; 3] = ["wss://rdv.example/v1", "ws://127.0.0.1:7000/v1", "wss://[2001:db8::1]:8443/"];
const BAD_URLS: [&str; 4] = ["", "https://rdv.example", "ws://rdv.example/v1", "wss://rdv.example/ x"];

fn check_bytes(body: &[u8]) -> Vec<u8> {
    let mut hashed = vec![17];
    hashed.extend(b"TSP1 invite check");
    hashed.extend((body.len() as u32).to_be_bytes());
    hashed.extend(body);
    Sha512::digest(hashed)[..4].to_vec()
}

fn base64url(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1)).collect();
    bits.chunks(6)
        .map(|six| char::from(ALPHABET[(0..6).fold(0, |n, at| n * 2 + usize::from(*six.get(at).unwrap_or(&0)))]))
        .collect()
}

#[derive(Debug, PartialEq)]
struct Read {
    versions: u8,
    expiry_minutes: u32,
    idhash: Vec<u8>,
    url: String,
}

/// What an invite's text says, or `None` where it must be refused.
fn invite_model(text: &str) -> Option<Read> {
    if text.len() > 1024 {
        return None;
    }
    let text: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let prefix: String = text.iter().take(5).collect();
    if !prefix.eq_ignore_ascii_case("tsp1:") {
        return None;
    }
    let mut bits = Vec::new();
    for c in &text[5..] {
        let six = ALPHABET.iter().position(|known| char::from(*known) == *c)?;
        bits.extend((0..6).rev().map(|n| six >> n & 1));
    }
    let whole = bits.len() / 8 * 8;
    // No character too many, and what is left over is zero: one text for one invite.
    if bits.len() - whole >= 6 || bits[whole..].contains(&1) {
        return None;
    }
    let bytes: Vec<u8> = bits[..whole].chunks(8).map(|byte| byte.iter().fold(0, |n, bit| n * 2 + *bit as u8)).collect();
    let body = &bytes[..bytes.len().checked_sub(4)?];
    if body.len() < 59 || check_bytes(body) != bytes[body.len()..] {
        return None;
    }
    let (lowest, highest) = (body[1] >> 4, body[1] & 15);
    // This program speaks version 1 alone.
    let speaks = lowest == 1 && highest >= 1;
    let url = std::str::from_utf8(&body[59..]).ok()?;
    let is_whole = body[0] == 1 && speaks && usize::from(body[58]) == url.len() && RendezvousUrl::parse(url).is_ok();
    is_whole.then(|| Read {
        versions: body[1],
        expiry_minutes: body[2..6].iter().fold(0, |n, byte| n << 8 | u32::from(*byte)),
        idhash: body[6..26].to_vec(),
        url: url.to_owned(),
    })
}

#[derive(Clone, Debug)]
enum Bend {
    Nothing,
    /// Another byte somewhere, with check bytes that fit or without.
    Byte(Index, u8, bool),
    Cut(Index, bool),
    Longer(u8, bool),
    /// Another character of the text.
    Char(Index, char),
    CutText(Index),
    MoreText(String),
    Spaces(Index),
    Shouted,
    TooLong,
}

fn bend() -> impl Strategy<Value = Bend> {
    prop_oneof![
        3 => Just(Bend::Nothing),
        2 => (any::<Index>(), any::<u8>(), any::<bool>()).prop_map(|(at, byte, fits)| Bend::Byte(at, byte, fits)),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(at, fits)| Bend::Cut(at, fits)),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(byte, fits)| Bend::Longer(byte, fits)),
        2 => (any::<Index>(), prop_oneof!["[A-Za-z0-9_-]", "[+/= é:]"])
            .prop_map(|(at, text)| Bend::Char(at, text.chars().next().unwrap())),
        1 => any::<Index>().prop_map(Bend::CutText),
        1 => prop_oneof!["A", "=", "==", "AA", "\\."].prop_map(Bend::MoreText),
        2 => any::<Index>().prop_map(Bend::Spaces),
        1 => Just(Bend::Shouted),
        1 => Just(Bend::TooLong),
    ]
}

fn invite_text() -> impl Strategy<Value = String> {
    let format = prop_oneof![9 => Just(1_u8), 1 => 0..4_u8];
    let versions = prop_oneof![6 => Just(0x11_u8), 2 => 0x10..=0x1F_u8, 1 => any::<u8>()];
    let url = prop_oneof![
        9 => any::<Index>().prop_map(|of| GOOD_URLS[of.index(3)]),
        1 => any::<Index>().prop_map(|of| BAD_URLS[of.index(4)]),
    ];
    let len = prop_oneof![12 => Just(0_u8), 1 => any::<u8>()];
    (format, versions, any::<u32>(), any::<[u8; 20]>(), any::<[u8; 32]>(), (url, len), bend()).prop_map(
        |(format, versions, expiry, idhash, secret, (url, len), bend)| {
            let mut body = [&[format, versions][..], &expiry.to_be_bytes(), &idhash, &secret].concat();
            body.push((url.len() as u8).wrapping_add(len));
            body.extend(url.as_bytes());
            let good = check_bytes(&body);
            let (mut body, fits) = match bend {
                Bend::Byte(at, byte, fits) => {
                    let at = at.index(body.len());
                    body[at] = byte;
                    (body, fits)
                }
                Bend::Cut(at, fits) => (body[..at.index(body.len())].to_vec(), fits),
                Bend::Longer(byte, fits) => ([body, vec![byte]].concat(), fits),
                _ => (body, true),
            };
            let check = if fits { check_bytes(&body) } else { good };
            body.extend(check);
            let mut text = format!("tsp1:{}", base64url(&body));
            match bend {
                Bend::Char(at, c) => {
                    let at = at.index(text.len());
                    text.replace_range(at..=at, &c.to_string());
                }
                Bend::CutText(at) => text.truncate(at.index(text.len())),
                Bend::MoreText(more) => text.push_str(&more),
                Bend::Spaces(at) => text.insert_str(at.index(text.len()), " \r\n\t"),
                Bend::Shouted => text.replace_range(..4, "TSp1"),
                Bend::TooLong => text.push_str(&" ".repeat(1025 - text.len())),
                _ => {}
            }
            text
        },
    )
}

#[test]
fn invites_say_what_the_naive_reading_says() {
    judged(6_000, &invite_text(), |text| {
        let (parsed, model) = (Invite::parse_text(&text), invite_model(&text));
        prop_assert_eq!(parsed.is_ok(), model.is_some(), "{}: {:?}", text, parsed.err());
        let (Ok(parsed), Some(model)) = (parsed, model) else { return Ok(false) };
        let read = Read {
            versions: parsed.versions().to_byte(),
            expiry_minutes: (parsed.expiry_unix() / 60) as u32,
            idhash: parsed.idhash().to_vec(),
            url: parsed.url().as_str().to_owned(),
        };
        prop_assert_eq!(read, model);
        // One invite has one text.
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        prop_assert_eq!(&parsed.to_text()[5..], &plain[5..]);
        Ok(true)
    });
}

// ---- Sealed cells

/// What a hostile server delivers.
#[derive(Clone, Debug)]
enum Delivery {
    /// A cell as it was sealed.
    AsItWas(Index),
    /// With other bits in one byte.
    Changed(Index, usize, u8),
    /// With the number of another one.
    Moved(Index, Index),
    /// The body of one behind the number of another.
    Crossed(Index, Index),
    /// What the receiver itself sealed.
    Reflected,
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let at = prop_oneof![0..16_usize, 0..4096_usize, 4080..4096_usize];
    prop_oneof![
        6 => any::<Index>().prop_map(Delivery::AsItWas),
        2 => (any::<Index>(), at, 1..=255_u8).prop_map(|(of, at, bits)| Delivery::Changed(of, at, bits)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(of, to)| Delivery::Moved(of, to)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(of, to)| Delivery::Crossed(of, to)),
        1 => Just(Delivery::Reflected),
    ]
}

fn message() -> impl Strategy<Value = SigMessage> {
    let card = |len: usize| Card { sentence: "x".repeat(len), phone: String::new(), caller: String::new() };
    prop_oneof![
        3 => "[a-z]{0,16}".prop_map(SigMessage::Name),
        1 => Just(SigMessage::Bye),
        1 => prop_oneof![0..300_usize, 4_054..4_058_usize, Just(12_000_usize)]
            .prop_map(move |len| SigMessage::Card(card(len))),
    ]
}

fn channels() -> (SigChannel, SigChannel) {
    let (mut i, mut r, _) = first(7);
    let ack = r.ack([None, None], &mut Seeded(1)).remove(0);
    assert_eq!(i.read_ack(&ack, 0), Ok(true));
    (i.into_sig(), r.into_sig())
}

fn with_number(cell: &Cell, number: &[u8]) -> Cell {
    altered(cell, |bytes| bytes[4..12].copy_from_slice(number))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The model is a list: for each cell, the message that it completes. A cell counts once, in its turn, and unchanged.
    #[test]
    fn sealed_cells_open_as_a_list_of_bodies_in_their_turn(
        messages in vec(message(), 1..6), deliveries in vec(delivery(), 0..60),
    ) {
        let (mut i, mut r) = channels();
        let mut bodies: Vec<(Cell, Option<SigMessage>)> = Vec::new();
        for message in &messages {
            let cells = r.seal(message);
            let last = cells.len() - 1;
            bodies.extend(cells.into_iter().enumerate().map(|(n, cell)| (cell, (n == last).then(|| message.clone()))));
        }
        // ACK was R's first.
        for (n, (cell, _)) in (1_u64..).zip(&bodies) {
            prop_assert_eq!(cell.as_bytes().len(), 4096);
            prop_assert_eq!(cell.header(), [0x20, 1, 1, 0]);
            prop_assert_eq!(&cell.body()[..8], &n.to_be_bytes());
        }
        let own = i.seal(&SigMessage::Bye).remove(0);
        let mut next = 0;
        for delivery in deliveries {
            let cell = |of: &Index| &bodies[of.index(bodies.len())].0;
            let sent = match &delivery {
                Delivery::AsItWas(of) => cell(of).clone(),
                Delivery::Changed(of, at, bits) => altered(cell(of), |bytes| bytes[*at] ^= bits),
                Delivery::Moved(of, to) => with_number(cell(of), &cell(to).body()[..8]),
                Delivery::Crossed(of, to) => altered(cell(of), |bytes| bytes[12..].copy_from_slice(&cell(to).body()[8..])),
                Delivery::Reflected => own.clone(),
            };
            let is_one = bodies.iter().position(|(cell, _)| *cell == sent);
            let before = i.state_digest();
            let received = i.receive(&sent, 0);
            match is_one {
                None => {
                    prop_assert!(received.is_err_and(|fault| !fault.is_fatal()), "{:?}", delivery);
                    prop_assert!(i.state_digest() == before, "{:?} changed something", delivery);
                }
                Some(n) => {
                    let received = received.unwrap();
                    prop_assert!(received.authentic);
                    let expected = if n == next { bodies[n].1.clone() } else { None };
                    prop_assert_eq!(received.message, expected);
                    next += usize::from(n == next);
                }
            }
        }
    }
}
