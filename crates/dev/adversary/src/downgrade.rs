//! Scripts of a server that changes what could be negotiated: version, suite and range in the header of a cell.

use std::{cell::Cell as Count, rc::Rc};

use sotto_session_api::{Command, Event, Gate, InviteForm};
use sotto_sim::{Between, Duo, Who};
use sotto_wire::{Cell, CellType, server::MailboxId};

use crate::{
    Fallen,
    scripts::{BOTH, check, form, nobody_is_fooled, try_to_meet, withstands},
};

/// How two people meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// For the first time, by a spoken code.
    Code,
    /// For the first time, by a link.
    Link,
    /// Again.
    Pinned,
}

/// What a byte becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// These bits are others.
    Flip(u8),
    /// One more.
    Next,
    /// Nothing.
    Zero,
}

impl Change {
    const fn of(self, byte: u8) -> u8 {
        match self {
            Self::Flip(bits) => byte ^ bits,
            Self::Next => byte.wrapping_add(1),
            Self::Zero => 0,
        }
    }
}

use CellType::{Hs1, Hs2, Hs3, Pa1, Pa2, Sig};
use Meeting::{Code, Link, Pinned};
use Who::{Client, Therapist};

/// All cells that a meeting is made of.
const PLACES: [(Meeting, CellType, Who); 16] = [
    (Code, Pa1, Client),
    (Code, Pa2, Therapist),
    (Code, Hs1, Client),
    (Code, Hs2, Therapist),
    (Code, Hs3, Client),
    (Code, Sig, Client),
    (Code, Sig, Therapist),
    (Link, Hs1, Client),
    (Link, Hs2, Therapist),
    (Link, Hs3, Client),
    (Link, Sig, Client),
    (Link, Sig, Therapist),
    (Pinned, Hs1, Client),
    (Pinned, Hs2, Therapist),
    (Pinned, Sig, Client),
    (Pinned, Sig, Therapist),
];

/// One negotiable byte of one kind of cell is always another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderChange {
    /// In this meeting.
    pub meeting: Meeting,
    /// In these cells,
    pub cell: CellType,
    /// where this side sends them.
    pub from: Who,
    /// 1 version, 2 suite, 3 range.
    pub at: usize,
    /// What becomes of it.
    pub change: Change,
}

impl HeaderChange {
    /// Each byte of each kind of cell in each meeting, with the changes that are most likely to mean something.
    pub fn all() -> impl Iterator<Item = Self> {
        let changes = [Change::Flip(0x01), Change::Flip(0x10), Change::Flip(0xFF), Change::Next, Change::Zero];
        let places = PLACES.into_iter().flat_map(|place| (1..=3).map(move |at| (place, at)));
        let all = places.flat_map(move |((meeting, cell, from), at)| {
            changes.map(|change| Self { meeting, cell, from, at, change })
        });
        all.filter(|this| this.change != Change::Zero || this.at != 3 || matches!(this.cell, Pa1 | Hs1))
    }

    /// The byte and the change of a seed: seeds that follow one another go through all bytes, then on to other changes.
    fn of(seed: u64) -> Self {
        const LEN: u64 = PLACES.len() as u64;
        let (meeting, cell, from) = PLACES[(seed % LEN) as usize];
        let at = 1 + (seed / LEN % 3) as usize;
        // 97 and 255 have no common divisor: every change comes.
        let change = Change::Flip(1 + (seed / LEN / 3 % 255 * 97 % 255) as u8);
        Self { meeting, cell, from, at, change }
    }

    /// Plays it once: no session comes of it, and nothing of it is remembered.
    ///
    /// # Errors
    /// Something fell, or was not really tried.
    pub fn play(self, seed: u64) -> Result<(), Fallen> {
        let what = || format!("{self:?}");
        let mut duo = Duo::new(seed);
        let changed = Rc::new(Count::new(0));
        let server = Changes { this: self, changed: Rc::clone(&changed) };
        let invite = match self.meeting {
            Code => InviteForm::Code,
            Link => InviteForm::Link,
            Pinned => return again(duo, seed, server, &changed),
        };
        let (at_therapist, text) = duo.invite(invite);
        duo.put_between(server);
        try_to_meet(&mut duo, at_therapist, text)?;
        check(changed.get() > 0, || format!("nothing was changed by {}", what()))?;
        withstands(met(&duo, [0, 0]) == 0, || format!("somebody waits after {}", what()))?;
        nobody_is_fooled(&duo)
    }
}

/// One of the negotiable bytes of one kind of cell is always another: no session comes of it.
pub(crate) fn downgrade(seed: u64) -> Result<(), Fallen> {
    HeaderChange::of(seed).play(seed)
}

/// A server that changes one byte wherever it comes.
struct Changes {
    this: HeaderChange,
    changed: Rc<Count<u32>>,
}

impl Between for Changes {
    fn cell(&mut self, from: Who, _: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        if from != self.this.from || cell.cell_type() != Some(self.this.cell) {
            return None;
        }
        let mut bytes = *cell.as_bytes();
        bytes[self.this.at] = self.this.change.of(bytes[self.this.at]);
        self.changed.set(self.changed.get() + u32::from(bytes != *cell.as_bytes()));
        Some(vec![(from.other(), Cell::from_bytes(&bytes).expect("as long as before"))])
    }
}

/// A server that keeps to the rules.
struct Honest;

impl Between for Honest {}

/// How often somebody came to a waiting room, since so many events of each side.
fn met(duo: &Duo, told: [usize; 2]) -> usize {
    let met = |event: &&Event| matches!(event, Event::Waiting(_) | Event::PeerWaiting { .. });
    BOTH.iter().zip(told).map(|(who, told)| duo.side(*who).events[told..].iter().filter(met).count()).sum()
}

/// Two who know one another: neither waits while the byte is another, both do as soon as it is not, and what each holds of
/// the other is what it was.
fn again(mut duo: Duo, seed: u64, server: Changes, changed: &Count<u32>) -> Result<(), Fallen> {
    let what = server.this;
    let [at_client, at_therapist] = duo.open_session(form(seed));
    duo.command(Client, Command::End);
    duo.run_for(5_000);
    let held = |duo: &Duo| {
        BOTH.map(|who| {
            let contacts = duo.side(who).contacts.values();
            let held = contacts.map(|held| (held.state, *held.psk.expose(), held.version_floor, held.peer_versions));
            held.collect::<Vec<_>>()
        })
    };
    let (before, told) = (held(&duo), BOTH.map(|who| duo.side(who).events.len()));
    duo.put_between(server);
    duo.command(Therapist, Command::Listen(None));
    duo.command(Client, Command::JoinContact(at_client));
    duo.run_for(60_000);
    duo.admit(at_therapist);
    check(changed.get() > 0, || format!("nothing was changed by {what:?}"))?;
    withstands(met(&duo, told) == 0, || format!("somebody waits after {what:?}"))?;
    withstands(BOTH.iter().all(|who| duo.gate(*who).is_none()), || format!("a session after {what:?}"))?;
    withstands(held(&duo) == before, || format!("{what:?} is remembered"))?;
    duo.put_between(Honest);
    duo.run_for(60_000);
    check(met(&duo, told) == 2, || format!("nobody waits when {what:?} is over: {:?}", duo.codes(Client)))?;
    duo.admit(at_therapist);
    duo.compare();
    check(BOTH.iter().all(|who| duo.gate(*who) == Some(Gate::G2)), || format!("no session when {what:?} is over"))?;
    withstands(held(&duo) == before, || format!("{what:?} is remembered"))
}
