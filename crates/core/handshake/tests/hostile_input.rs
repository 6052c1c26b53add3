//! Everything that an active server or a stranger can send, through the public API: no panic, no success, no state
//! changed by what is dropped, at most 1 MiB allocated.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use sotto_handshake::{CodeSecret, HandshakeFault, SigFault, cpace, parse_join_text};
use sotto_identity::Secret;
use sotto_wire::{CELL_LEN, Cell, CellType, SigMessage};

const MAX_BYTES: u64 = 1 << 20;

/// Runs `f`; what it held at once stays within the limit.
fn bounded<T>(f: impl FnOnce() -> T) -> T {
    let mut out = None;
    let info = allocation_counter::measure(|| out = Some(f()));
    assert!(info.bytes_max <= MAX_BYTES, "{} bytes allocated", info.bytes_max);
    out.unwrap()
}

/// One of the ways in which bytes get changed.
fn mutate(rng: &mut Seeded, cell: &Cell, donor: &Cell) -> Cell {
    altered(cell, |bytes| match rng.below(6) {
        0 => bytes[rng.below(CELL_LEN)] ^= 1 << rng.below(8),
        1 => bytes[rng.below(CELL_LEN)..].fill(0),
        2 => (0..8).for_each(|_| bytes[rng.below(64)] = rng.next() as u8),
        3 => bytes.fill_with(|| rng.next() as u8),
        4 => {
            let at = rng.below(CELL_LEN);
            bytes[at..].copy_from_slice(&donor.as_bytes()[at..]);
        }
        _ => bytes[rng.below(12)] = [0, 1, 2, 0x11, 0x12, 0x13, 0x20, 0x21, 0x7e, 0xff][rng.below(10)],
    })
}

#[test]
fn truncated_cells_are_no_cells() {
    let (_, _, cells) = first(1);
    for len in 0..CELL_LEN {
        assert!(Cell::from_bytes(&cells[0].as_bytes()[..len]).is_err());
    }
}

/// The cells of a whole pairing, PA1 to the first SIG of both directions.
fn recorded() -> Vec<Cell> {
    let code = CodeSecret::new(Secret::new([1, 2, 3, 4]), "471193", "rdv.example:443");
    let (_, pa1) = cpace::Initiator::start(&code, &ADDRESS, &mut Seeded(1));
    let pa2 = cpace::respond(&pa1, &code, &ADDRESS, &mut Seeded(2)).unwrap().cell;
    let (mut i, mut r, first) = first(1);
    let (_, _, pinned) = pinned(1);
    let ack = r.ack([None, None], &mut Seeded(3)).remove(0);
    let bye = i.sig_mut().seal(&SigMessage::Bye).remove(0);
    let mut cells = vec![pa1, pa2, ack, bye, Cell::sync(1, 0), Cell::reject(1, 0x11)];
    cells.extend(first);
    cells.extend(pinned);
    cells
}

/// Every state refuses every cell that is not the one it awaits, and every mutation of any.
#[test]
fn hs_states_survive_wrong_and_mutated_cells() {
    let cells = recorded();
    let code = CodeSecret::new(Secret::new([1, 2, 3, 4]), "471193", "rdv.example:443");
    let (_, pa1) = cpace::Initiator::start(&code, &ADDRESS, &mut Seeded(1));
    let (_, _, xx) = first(1);
    let (_, _, kk) = pinned(1);
    let try_all = |cell: &Cell| {
        bounded(|| {
            // A mutation may be the identity: then the cell is the honest one, and is taken.
            if cell != &xx[0] {
                assert!(respond_first(cell, 1).is_err());
            }
            if cell != &kk[0] {
                assert!(respond_pinned(cell, 1).is_err());
            }
            let (i, _) = start_first(1);
            if cell != &xx[1] {
                assert!(i.read(cell).is_err());
            }
            let (i, _) = start_pinned(1);
            if cell != &kk[1] {
                assert!(i.read(cell, [None, None], &mut Seeded(1)).is_err());
            }
            let (r, _) = respond_first(&xx[0], 1).unwrap();
            if cell != &xx[2] {
                assert!(r.read(cell).is_err());
            }
            let (r, _) = respond_pinned(&kk[0], 1).unwrap();
            if cell != &kk[2] {
                assert!(r.read(cell).is_err());
            }
        });
    };
    cells.iter().for_each(&try_all);
    let mut rng = Seeded(42);
    for _ in 0..1_500 {
        let (cell, donor) = (&cells[rng.below(cells.len())], &cells[rng.below(cells.len())]);
        try_all(&mutate(&mut rng, cell, donor));
    }
    // A PAKE share is unauthenticated: another valid point only gives another key. What is refused is told apart.
    for _ in 0..5_000 {
        let donor = &cells[rng.below(cells.len())];
        let cell = mutate(&mut rng, &pa1, donor);
        match bounded(|| cpace::respond(&cell, &code, &ADDRESS, &mut Seeded(2))) {
            Ok(answer) => assert_eq!(answer.cell.cell_type(), Some(CellType::Pa2)),
            Err(fault) => assert!(matches!(
                fault,
                HandshakeFault::Header
                    | HandshakeFault::PakePoint
                    | HandshakeFault::Version
                    | HandshakeFault::Downgrade
            )),
        }
    }
}

/// 100,000 mutations of HS1 at the therapist, the state that anybody with the address reaches.
#[test]
fn hs1_mutations_never_pass() {
    let (_, _, xx) = first(1);
    let (_, _, kk) = pinned(1);
    let mut rng = Seeded(7);
    for n in 0..100_000 {
        let (own, other) = if n % 2 == 0 { (&xx[0], &kk[0]) } else { (&kk[0], &xx[0]) };
        let cell = mutate(&mut rng, own, other);
        if cell == *own || cell == *other {
            continue;
        }
        let result = if n % 2 == 0 { respond_first(&cell, 1).err() } else { respond_pinned(&cell, 1).err() };
        assert!(result.is_some_and(|fault| !matches!(fault, HandshakeFault::Commit | HandshakeFault::IdHash)));
    }
}

/// Every bit flip and 100,000 mutations of SIG and SYNC at both sides: dropped, with the state as it was.
#[test]
fn sig_cells_that_are_dropped_change_nothing() {
    let (mut i, mut r, _) = first(1);
    let ack = r.ack([None, None], &mut Seeded(3)).remove(0);
    assert_eq!(i.read_ack(&ack, 0), Ok(true));
    let (mut i, mut r) = (i.into_sig(), r.into_sig());
    let from_i = i.seal(&SigMessage::Bye).remove(0);
    let from_r = r.seal(&SigMessage::Admit).remove(0);
    assert!(i.poll(0).is_none() && r.poll(0).is_none());
    let before = (i.state_digest(), r.state_digest());
    for at in 0..CELL_LEN {
        for bit in 0..8 {
            assert!(r.receive(&altered(&from_i, |bytes| bytes[at] ^= 1 << bit), 0).is_err());
            assert!(i.receive(&altered(&from_r, |bytes| bytes[at] ^= 1 << bit), 0).is_err());
        }
    }
    assert_eq!((i.state_digest(), r.state_digest()), before);
    let mut rng = Seeded(11);
    for _ in 0..100_000 {
        let cell = mutate(&mut rng, &from_i, &from_r);
        // The honest cell itself, and a well-formed SYNC, are no forgeries.
        if cell == from_i || cell == from_r || cell.sync_next_expected().is_ok() {
            continue;
        }
        for side in [&mut i, &mut r] {
            assert!(matches!(bounded(|| side.receive(&cell, 0)), Err(SigFault::Header | SigFault::Tag)));
        }
    }
    assert_eq!((i.state_digest(), r.state_digest()), before);
    assert_eq!(r.receive(&from_i, 0).unwrap().message, Some(SigMessage::Bye));
    assert_eq!(i.receive(&from_r, 0).unwrap().message, Some(SigMessage::Admit));
}

/// Every bit flip and 100,000 mutations of one cell at the state that awaits it.
fn exhaust(cell: &Cell, refuses: impl Fn(&Cell) -> bool) {
    let donors = recorded();
    for at in 0..CELL_LEN {
        for bit in 0..8 {
            assert!(refuses(&altered(cell, |bytes| bytes[at] ^= 1 << bit)), "byte {at} bit {bit}");
        }
    }
    let mut rng = Seeded(23);
    for n in 0..100_000 {
        let donor = &donors[rng.below(donors.len())];
        let mutated = mutate(&mut rng, cell, donor);
        assert!(mutated == *cell || bounded(|| refuses(&mutated)), "mutation {n}");
    }
}

/// Each attempt takes a fresh state, about half a millisecond.
#[test]
#[ignore = "minutes: cargo xtask soak handshake runs it, also in CI (270,000 fresh states)"]
fn hs1_exhaustive() {
    exhaust(&first(1).2[0], |cell| respond_first(cell, 1).is_err());
    exhaust(&pinned(1).2[0], |cell| respond_pinned(cell, 1).is_err());
}

#[test]
#[ignore = "minutes: cargo xtask soak handshake runs it, also in CI (270,000 fresh states)"]
fn hs2_exhaustive() {
    exhaust(&first(1).2[1], |cell| start_first(1).0.read(cell).is_err());
    exhaust(&pinned(1).2[1], |cell| start_pinned(1).0.read(cell, [None, None], &mut Seeded(1)).is_err());
}

#[test]
#[ignore = "minutes: cargo xtask soak handshake runs it, also in CI (270,000 fresh states)"]
fn hs3_and_confirm_exhaustive() {
    let ((_, _, xx), (_, _, kk)) = (first(1), pinned(1));
    exhaust(&xx[2], |cell| respond_first(&xx[0], 1).unwrap().0.read(cell).is_err());
    exhaust(&kk[2], |cell| respond_pinned(&kk[0], 1).unwrap().0.read(cell).is_err());
}

/// Shares are unauthenticated: whatever is taken must lead to another key than the honest run.
#[test]
#[ignore = "minutes: cargo xtask soak handshake runs it, also in CI (270,000 runs)"]
fn pa_exhaustive() {
    let code = CodeSecret::new(Secret::new([1, 2, 3, 4]), "471193", "rdv.example:443");
    let start = || cpace::Initiator::start(&code, &ADDRESS, &mut Seeded(1));
    let (run, pa1) = start();
    let respond = |cell: &Cell| cpace::respond(cell, &code, &ADDRESS, &mut Seeded(2));
    let pa2 = respond(&pa1).unwrap().cell;
    let honest = *run.finish(&pa2).unwrap().0.expose();
    exhaust(&pa1, |cell| respond(cell).is_ok_and(|answer| *answer.psk0.expose() != honest) || respond(cell).is_err());
    exhaust(&pa2, |cell| start().0.finish(cell).map_or(true, |(psk0, _)| *psk0.expose() != honest));
}

/// A server may send any SYNC: it gets few cells, all of them already sent.
#[test]
fn a_flood_of_sync_is_served_slowly_with_old_bytes() {
    let (i, _, _) = first(1);
    let mut i = i.into_sig();
    i.set_expecting(false);
    let sent: Vec<Cell> = (0..80).flat_map(|_| i.seal(&SigMessage::Bye)).collect();
    let mut rng = Seeded(13);
    let mut out = 0;
    for now in 0..10_000 {
        let _ = bounded(|| i.receive(&Cell::sync(1, rng.next() % 100), now));
        while let Some(cell) = i.poll(now) {
            assert!(sent.contains(&cell));
            out += 1;
        }
    }
    assert!(out <= 80, "{out} cells in ten seconds");
}

#[test]
fn join_text_survives_truncation_and_mutation() {
    let url = sotto_handshake::RendezvousUrl::parse("wss://rdv.example/v1").unwrap();
    let invite = sotto_handshake::Invite::generate(therapist().public(), url, 1 << 31, &mut Seeded(5)).to_text();
    let code = "471193-artist-paperweight-cobra-hideaway@rdv.example:8443";
    let mut rng = Seeded(17);
    for text in [invite.as_str(), code] {
        for at in 0..text.len() {
            let _ = bounded(|| parse_join_text(&text[..at]));
            for bit in 0..8 {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                let _ = bounded(|| parse_join_text(&String::from_utf8_lossy(&bytes)));
            }
        }
        for _ in 0..50_000 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..=rng.below(4) {
                let at = rng.below(bytes.len());
                match rng.below(3) {
                    0 => bytes[at] = rng.next() as u8,
                    1 => bytes.insert(at, b" -@:.0aZ\xc3\xa9"[rng.below(10)]),
                    _ => drop(bytes.remove(at)),
                }
            }
            let _ = parse_join_text(&String::from_utf8_lossy(&bytes));
        }
    }
}
