//! Lines that nobody should write: no panic, no command by accident, bounded work.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::BufReader;

use sotto_peer::{LINE_LIMIT, Line, Lines, parse_command, render_error};

const COMMANDS: &[&str] = &[
    r#"{"cmd":"invite","label":"Tuesday 10:00","form":"link","minutes":30}"#,
    r#"{"cmd":"listen","contacts":["0123456789abcdef","fedcba9876543210"]}"#,
    r#"{"cmd":"verify","method":"in-person"}"#,
    r#"{"cmd":"mute","track":"camera","on":false}"#,
    r#"{"cmd":"chat","text":"\ud83d\ude42 ü"}"#,
];

/// A small generator with a fixed seed: the same lines at every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn feed(bytes: &[u8]) {
    for line in Lines::new(BufReader::new(bytes)) {
        if let Line::Text(text) = line.unwrap()
            && let Err(error) = parse_command(&text)
        {
            let answer = render_error(&error, 0.0);
            assert!(answer.len() < 1000 && !answer.contains('\n'), "{answer}");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for command in COMMANDS {
        for end in (0..command.len()).filter(|&end| command.is_char_boundary(end)) {
            assert!(parse_command(&command[..end]).is_err(), "{}", &command[..end]);
        }
    }
}

#[test]
fn bit_flips_and_random_mutations_never_panic() {
    for command in COMMANDS {
        for bit in 0..command.len() * 8 {
            let mut bytes = command.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            feed(&bytes);
        }
    }
    let mut numbers = Numbers(0x5077_0000_0000_0001);
    for _ in 0..100_000 {
        let mut bytes = COMMANDS[numbers.below(COMMANDS.len())].as_bytes().to_vec();
        for _ in 0..=numbers.below(8) {
            let at = numbers.below(bytes.len());
            match numbers.below(4) {
                0 => bytes[at] = numbers.next() as u8,
                1 => bytes.insert(at, b"{}[]\",:0-e\\"[numbers.below(11)]),
                2 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..),
            }
            bytes.truncate(4096);
            if bytes.is_empty() {
                break;
            }
        }
        feed(&bytes);
    }
}

#[test]
fn deep_and_long_lines_are_refused_quickly() {
    for opening in ["[", "{\"a\":", "{\"cmd\":"] {
        feed(opening.repeat(LINE_LIMIT / opening.len()).as_bytes());
    }
    feed(format!("{{\"cmd\":\"chat\",\"text\":{}}}", "9".repeat(LINE_LIMIT - 100)).as_bytes());
    let fields: String = (0..4000).map(|n| format!("\"f{n}\":0,")).collect();
    feed(format!("{{{fields}\"cmd\":\"end\"}}").as_bytes());
}
