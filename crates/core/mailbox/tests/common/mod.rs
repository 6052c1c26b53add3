//! A small world around the machine: a seeded generator, named connections, their received frames.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{collections::BTreeMap, convert::Infallible};

use rand_core::{TryCryptoRng, TryRng};
use sotto_mailbox::{AddressKey, ConnectionId, Input, Limits, Now, Output, Rendezvous};
use sotto_wire::{
    CELL_LEN, Cell,
    server::{ClientFrame, MailboxId, ServerFrame},
};

/// SplitMix64: enough for tests, the same in each run.
#[derive(Clone)]
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl TryRng for Seeded {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

/// What a connection saw.
#[derive(Clone, Default)]
pub struct Inbox {
    pub frames: Vec<ServerFrame>,
    pub turn: usize,
    pub closed: bool,
}

/// The machine and its connections.
#[derive(Clone)]
pub struct World {
    pub machine: Rendezvous,
    pub rng: Seeded,
    pub now_ms: u64,
    pub inboxes: BTreeMap<u64, Inbox>,
}

impl World {
    pub fn new(limits: Limits) -> Self {
        Self { machine: Rendezvous::new(limits, true), rng: Seeded(7), now_ms: 1000, inboxes: BTreeMap::new() }
    }

    pub fn input(&mut self, input: Input<'_>) {
        let now = Now { mono_ms: self.now_ms, unix_s: 1_800_000_000 + self.now_ms / 1000 };
        self.machine.handle(now, input, &mut self.rng);
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Send { connection, frame } => {
                    let inbox = self.inboxes.entry(connection.0).or_default();
                    assert!(!inbox.closed, "nothing is sent after the close");
                    assert_eq!(ServerFrame::decode(&frame.encode()).as_ref(), Ok(&frame), "every frame can be encoded");
                    inbox.frames.push(frame);
                }
                Output::IssueTurn { connection } => self.inboxes.entry(connection.0).or_default().turn += 1,
                Output::Close { connection } => self.inboxes.entry(connection.0).or_default().closed = true,
            }
        }
    }

    pub fn bytes(&mut self, id: u64, bytes: &[u8]) -> Vec<ServerFrame> {
        self.input(Input::Frame { connection: ConnectionId(id), bytes });
        self.take(id)
    }

    pub fn frame(&mut self, id: u64, frame: &ClientFrame) -> Vec<ServerFrame> {
        self.bytes(id, &frame.encode())
    }

    /// Connects and says HELLO.
    pub fn connect(&mut self, id: u64, address: u8) {
        self.input(Input::Connected { connection: ConnectionId(id), address: AddressKey([address; 16]) });
        assert!(matches!(self.take(id).as_slice(), [ServerFrame::Welcome { flags: 2, .. }]));
        assert!(self.frame(id, &hello()).is_empty());
    }

    pub fn disconnect(&mut self, id: u64) {
        self.input(Input::Disconnected { connection: ConnectionId(id) });
    }

    pub fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.input(Input::Tick);
    }

    pub fn take(&mut self, id: u64) -> Vec<ServerFrame> {
        std::mem::take(&mut self.inboxes.entry(id).or_default().frames)
    }

    /// Opens, expecting success, with what came before thrown away: the channel, whether the other side is there, and what came at once.
    pub fn open(&mut self, id: u64, mailbox: u8, side: u8, owner: u8) -> (u16, bool, Vec<ServerFrame>) {
        self.take(id);
        let mut frames = self.frame(id, &open(mailbox, side, owner));
        match frames.remove(0) {
            ServerFrame::Opened { channel, peer_present } => (channel, peer_present, frames),
            other => panic!("{other:?}"),
        }
    }
}

pub fn hello() -> ClientFrame {
    ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() }
}

pub fn open(mailbox: u8, side: u8, owner: u8) -> ClientFrame {
    ClientFrame::Open { mailbox: MailboxId([mailbox; 32]), side, owner: [owner; 16] }
}

pub fn cell(number: u64) -> Cell {
    let mut bytes = [0x5A; CELL_LEN];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Cell::from_bytes(&bytes).unwrap()
}

pub fn number(cell: &Cell) -> u64 {
    u64::from_be_bytes(cell.as_bytes()[..8].try_into().unwrap())
}

pub fn add(channel: u16, n: u64) -> ClientFrame {
    ClientFrame::Add { channel, cell: cell(n) }
}
