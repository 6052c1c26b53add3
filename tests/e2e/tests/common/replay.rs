//! Computes the keys of a session again: from the seeds of the two programs and from what they sent, sealed, to each other.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{convert::Infallible, path::Path};

use rand_core::{TryCryptoRng, TryRng};
use sotto_frame_crypto::{DataOpener, EpochKeys, SessionKeys};
use sotto_handshake::{
    AwaitHs2, AwaitHs3, AwaitRk2, CodeSecret, EpochRoot, Established, Params, Purpose, RekeyPsk, RekeyTerms, cpace,
};
use sotto_identity::{
    IdentityKey, Secret, derive,
    noted::{self, Noted},
};
use sotto_wire::{
    Cell, CellType, Role, SealedRecord, TrackId, VersionRange,
    record::{ControlMessage, RekeyAttempt},
    server::MailboxId,
};

/// What is drawn in a handshake, and how long it is.
const SCALAR: (&str, usize) = ("drawn: CPace scalar", 64);
const EPHEMERAL: (&str, usize) = ("drawn: ephemeral X25519 key", 32);
const KEM: (&str, usize) = ("drawn: ML-KEM d and z", 64);
const ENCAPSULATION: (&str, usize) = ("drawn: ML-KEM m", 32);
const NONCE: (&str, usize) = ("drawn: nonce", 32);

/// What a program wrote down (`SOTTO_SEED_LOG`).
enum Line {
    /// Its generator gave out so many bytes.
    Draw(usize),
    /// It sent a cell to a mailbox.
    Cell(MailboxId, Cell),
    /// It sent a record.
    Record(SealedRecord),
}

/// One program: its seed, and what it wrote down.
pub struct Program {
    seed: Vec<u8>,
    lines: Vec<Line>,
}

impl Program {
    pub fn read(seed: &str, log: &Path) -> Self {
        let text = std::fs::read_to_string(log).unwrap();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        Self { seed: seed.as_bytes().to_vec(), lines: whole.lines().map(line).collect() }
    }

    /// Bytes of a draw, as `seeded-for-test` makes them.
    fn drawn(&self, number: usize, len: usize) -> Vec<u8> {
        let block = |block: u64| {
            derive::hash("seeded draw", &[&self.seed, &(number as u64).to_be_bytes(), &block.to_be_bytes()])
        };
        let mut bytes: Vec<u8> = (0..len.div_ceil(64)).flat_map(|n| block(n as u64)).collect();
        bytes.truncate(len);
        bytes
    }

    /// All draws: length and bytes.
    pub fn draws(&self) -> Vec<Vec<u8>> {
        let lens = self.lines.iter().filter_map(|line| if let Line::Draw(len) = line { Some(*len) } else { None });
        lens.enumerate().map(|(number, len)| self.drawn(number, len)).collect()
    }

    /// The first cell of this type: its place, its mailbox, and itself.
    fn cell(&self, wanted: CellType) -> (usize, MailboxId, &Cell) {
        let cells = self.lines.iter().enumerate().filter_map(|(at, line)| match line {
            Line::Cell(mailbox, cell) if cell.cell_type() == Some(wanted) => Some((at, *mailbox, cell)),
            _ => None,
        });
        cells.into_iter().next().unwrap_or_else(|| panic!("no cell of type {wanted:?} was sent"))
    }

    /// The last draws before a place in the log, by what they are for; they are secrets too.
    fn before<const N: usize>(&self, place: usize, purposes: [(&str, usize); N]) -> Draws {
        let draws = self.draws();
        let end = self.lines[..place].iter().filter(|line| matches!(line, Line::Draw(_))).count();
        let drawn = draws[end - N..end].to_vec();
        for ((purpose, len), bytes) in purposes.into_iter().zip(&drawn) {
            assert_eq!(bytes.len(), len, "the draw for the {purpose} before line {place} of the log");
            noted::note(purpose, b"", bytes);
        }
        Draws(drawn.into_iter())
    }

    /// From a place on, the next message of the control track, and the place after it.
    fn control(&self, mut place: usize, opener: &mut DataOpener) -> Option<(usize, ControlMessage)> {
        while let Some(line) = self.lines.get(place) {
            place += 1;
            let Line::Record(record) = line else { continue };
            let opened = opener.open(record).unwrap_or_else(|fault| panic!("record at {place} of the log: {fault}"));
            if let Some(message) = opened
                && message.track == TrackId::Control
                && let Some(message) = ControlMessage::decode(message.mtype, &message.data).unwrap()
            {
                return Some((place, message));
            }
        }
        None
    }
}

fn line(text: &str) -> Line {
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["draw", len] => Line::Draw(len.parse().unwrap()),
        ["cell", mailbox, cell] => {
            Line::Cell(MailboxId(hex(mailbox).try_into().unwrap()), Cell::from_bytes(&hex(cell)).unwrap())
        }
        ["record", track, bytes] => Line::Record(SealedRecord {
            track: TrackId::from_u8(track.parse().unwrap()).unwrap(),
            bytes: hex(bytes).into(),
        }),
        _ => panic!("not a line of this log: {text}"),
    }
}

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Gives out what a program's generator gave out; asks for another length fail.
struct Draws(std::vec::IntoIter<Vec<u8>>);

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0.next().expect("no more is drawn than the program drew"));
        Ok(())
    }
}

impl TryCryptoRng for Draws {}

/// A secret of a session.
pub struct KnownSecret {
    /// The epoch that it is of or leads to; the first handshake leads to epoch 0.
    pub epoch: u8,
    /// What it is: the label that it was derived by, or where it comes from.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Everything that two programs derived for one session that began by a spoken code.
pub struct Replay {
    pub secrets: Vec<KnownSecret>,
    /// The newest epoch that is known.
    pub epoch: u8,
}

struct Parties<'a> {
    client: &'a Program,
    therapist: &'a Program,
}

impl Replay {
    /// `identity` is the therapist's static key, `client_identity` the one that the client drew for this contact.
    pub fn of(
        (client, therapist): (&Program, &Program),
        code: &CodeSecret,
        (client_identity, identity): (&IdentityKey, &IdentityKey),
    ) -> Self {
        noted::start();
        let parties = Parties { client, therapist };
        let mut replay = Self { secrets: Vec::new(), epoch: 0 };
        let (at_client, at_therapist) = parties.first_contact(code, client_identity, identity);
        assert_eq!(at_client.session_hash(), at_therapist.session_hash());
        let _ = (at_client.contact_secrets(), at_client.next_continuity(), at_client.resume_key());
        replay.keep(0, noted::take());

        let h = at_client.session_hash();
        let terms = RekeyTerms::new(&at_client, client_identity.clone());
        let (root, mut psk, _) = EpochRoot::first(&at_client).open(&terms);
        let mut openers = [Role::Responder, Role::Initiator].map(|reader| {
            let mut keys = SessionKeys::new(root.clone(), &h, reader);
            // What this side seals goes one step on.
            keys.media_sealer.ratchet().unwrap();
            keys.data_opener
        });
        replay.keep(0, noted::take());
        let others = RekeyTerms::new(&at_therapist, identity.clone());
        let mut places = [0, 0];
        while let Some((root, next)) = parties.rekey(&mut places, &mut openers, (&terms, &others), &psk) {
            replay.epoch += 1;
            psk = next;
            for (opener, reader) in openers.iter_mut().zip([Role::Responder, Role::Initiator]) {
                opener.admit_epoch(EpochKeys::derive(root.clone(), replay.epoch, reader).data_open).unwrap();
            }
            replay.keep(replay.epoch, noted::take());
        }
        // Of a rekey that was under way when the log was read.
        replay.keep(replay.epoch + 1, noted::take());
        replay
    }

    fn keep(&mut self, epoch: u8, noted: Vec<Noted>) {
        for (name, bytes) in noted {
            if !self.secrets.iter().any(|known| known.bytes == bytes) {
                self.secrets.push(KnownSecret { epoch, name, bytes });
            }
        }
    }
}

impl Parties<'_> {
    /// CPace and XX, byte for byte as they went over the line.
    fn first_contact(
        &self,
        code: &CodeSecret,
        client: &IdentityKey,
        therapist: &IdentityKey,
    ) -> (Established, Established) {
        let (at, mailbox, pa1) = self.client.cell(CellType::Pa1);
        let (run, cell) = cpace::Initiator::start(code, &mailbox.0, &mut self.client.before(at, [SCALAR]));
        assert!(cell == *pa1, "PA1 comes out again");
        let (at, _, pa2) = self.therapist.cell(CellType::Pa2);
        let answer = cpace::respond(pa1, code, &mailbox.0, &mut self.therapist.before(at, [SCALAR])).unwrap();
        assert!(answer.cell == *pa2, "PA2 comes out again");
        let (psk0, context) = run.finish(pa2).unwrap();
        let purpose = Purpose::Code { context };

        let (at, _, hs1) = self.client.cell(CellType::Hs1);
        let params = Params::initiator(purpose, mailbox.0, psk0, VersionRange::OURS.max);
        let (state, cell) = AwaitHs2::start(params, client, None, &mut self.client.before(at, [EPHEMERAL, KEM, NONCE]));
        assert!(cell == *hs1, "HS1 comes out again");
        let (at, _, hs2) = self.therapist.cell(CellType::Hs2);
        let params = Params::responder(purpose, mailbox.0, answer.psk0, hs1).with_announced(answer.versions);
        let mut draws = self.therapist.before(at, [EPHEMERAL, ENCAPSULATION, NONCE]);
        let (waits, cell) = AwaitHs3::respond(params, therapist, hs1, None, &mut draws).unwrap();
        assert!(cell == *hs2, "HS2 comes out again");
        let (hs3, at_client) = state.read(hs2).unwrap().finish().unwrap();
        assert!(hs3 == *self.client.cell(CellType::Hs3).2, "HS3 comes out again");
        (at_client, waits.read(&hs3).unwrap())
    }

    /// The next rekey in the logs that came to its end: the root of the new epoch, and the secret of the next rekey.
    fn rekey(
        &self,
        places: &mut [usize; 2],
        [from_client, from_therapist]: &mut [DataOpener; 2],
        (terms, others): (&RekeyTerms, &RekeyTerms),
        psk: &RekeyPsk,
    ) -> Option<(Secret<64>, RekeyPsk)> {
        loop {
            let (of, message, place) = loop {
                let (next, message) = self.client.control(places[0], from_client)?;
                places[0] = next;
                if let ControlMessage::Rk1(of, message) = message {
                    break (of, message, next - 1);
                }
            };
            let mut draws = self.client.before(place, [EPHEMERAL, KEM]);
            let (state, rk1) = AwaitRk2::start(terms, of.epoch, psk, &mut draws);
            assert!(rk1 == message, "RK1 comes out again");
            let Some((body, place)) = self.answer(of, &mut places[1], from_therapist)? else { continue };
            let mut draws = self.therapist.before(place, [EPHEMERAL, ENCAPSULATION]);
            let (rk2, root) = others.respond(of.epoch, psk, &rk1, &mut draws).unwrap();
            assert!(rk2 == body, "RK2 comes out again");
            let (root, _, _) = root.open(others);
            let (other, next, _) = state.read(terms, &body).unwrap().open(terms);
            assert_eq!(root.expose(), other.expose(), "both sides come to one root");
            return Some((root, next));
        }
    }

    /// RK2 of this attempt and its place; `Some(None)` if it was refused.
    #[expect(clippy::option_option, reason = "the log may end, or the attempt be refused")]
    fn answer(
        &self,
        wanted: RekeyAttempt,
        place: &mut usize,
        opener: &mut DataOpener,
    ) -> Option<Option<(Box<[u8; sotto_wire::record::RK2_LEN]>, usize)>> {
        loop {
            let (next, message) = self.therapist.control(*place, opener)?;
            *place = next;
            match message {
                ControlMessage::Rk2(of, body) if of == wanted => return Some(Some((body, next - 1))),
                ControlMessage::RkFail(of) if of == wanted => return Some(None),
                _ => {}
            }
        }
    }
}
