//! Attackers who have no secret: what a server and a relay can do to cells and records that they can't read.

use sotto_sim::{Between, SeededRng, Who};
use sotto_wire::{CELL_LEN, Cell, CellType, SealedRecord, server::MailboxId};

type Cells = Vec<(Who, Cell)>;

/// How to treat a cell.
#[derive(Clone, Copy)]
pub(crate) enum Trick {
    /// Each cell goes back to its sender too, first.
    Reflect,
    /// Drops, doubles and delays in any order.
    Shuffle,
    /// Each cell is followed by an old one of the same session.
    Replay,
    /// One bit of the body of each sealed signalling record, which carries the certificate, is another.
    Signalling,
}

/// A server that plays one trick all the time.
pub(crate) struct Server {
    pub(crate) trick: Trick,
    pub(crate) rng: SeededRng,
    pub(crate) old: Cells,
    /// How often it changed what arrives.
    pub(crate) count: std::rc::Rc<std::cell::Cell<u32>>,
}

impl Server {
    fn did(&self) {
        self.count.set(self.count.get() + 1);
    }
}

fn changed(cell: &Cell, at: usize, change: u8) -> Cell {
    let mut bytes = *cell.as_bytes();
    bytes[at] ^= change;
    Cell::from_bytes(&bytes).expect("as long as before")
}

impl Between for Server {
    fn cell(&mut self, from: Who, _: MailboxId, cell: &Cell, _: u64) -> Option<Cells> {
        let honest = (from.other(), cell.clone());
        match self.trick {
            Trick::Reflect => {
                self.did();
                Some(vec![(from, cell.clone()), honest])
            }
            Trick::Shuffle => {
                let mut cells = match self.rng.below(8) {
                    0 => Vec::new(),
                    1 => vec![honest.clone(), honest],
                    2 => {
                        self.old.push(honest);
                        Vec::new()
                    }
                    _ => return None,
                };
                if self.rng.below(2) == 0 {
                    cells.append(&mut self.old);
                }
                self.did();
                Some(cells)
            }
            Trick::Replay => {
                self.old.push(honest.clone());
                self.did();
                let old = self.old[self.rng.below(self.old.len() as u64) as usize].clone();
                Some(if self.rng.below(2) == 0 { vec![honest, old] } else { vec![old, honest] })
            }
            Trick::Signalling if cell.cell_type() == Some(CellType::Sig) => {
                self.did();
                let at = 4 + self.rng.below(CELL_LEN as u64 - 4) as usize;
                Some(vec![(from.other(), changed(cell, at, 1 << self.rng.below(8)))])
            }
            Trick::Signalling => None,
        }
    }
}

/// What is done to records by somebody who has opened DTLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordTrick {
    /// A bit of every record is another.
    Flip,
    /// Every record also comes back to its sender.
    Reflect,
    /// Every record comes twice.
    Repeat,
}

/// Somebody inside DTLS, without the keys of the frames.
pub(crate) struct Inside {
    pub(crate) trick: RecordTrick,
    pub(crate) rng: SeededRng,
    pub(crate) count: std::rc::Rc<std::cell::Cell<u32>>,
}

impl Between for Inside {
    fn record(&mut self, from: Who, record: SealedRecord) -> Vec<(Who, SealedRecord)> {
        self.count.set(self.count.get() + 1);
        let to = from.other();
        match self.trick {
            RecordTrick::Flip => {
                let mut bytes = record.bytes.to_vec();
                let at = self.rng.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << self.rng.below(8);
                vec![(to, SealedRecord { track: record.track, bytes: bytes.into() })]
            }
            RecordTrick::Reflect => vec![(from, record.clone()), (to, record)],
            RecordTrick::Repeat => vec![(to, record.clone()), (to, record)],
        }
    }
}
