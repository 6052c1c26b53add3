//! Two people, seeded randomness, and the ways to pair them.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part")]

use rand_core::{TryCryptoRng, TryRng};
use sotto_handshake::{AwaitConfirm, AwaitHs2, AwaitHs3, AwaitKkHs2, Established, Params, Purpose};
use sotto_identity::{IdentityKey, Secret};
use sotto_wire::{Cell, CellType, cell::CELL_LEN};

/// Reproducible (SplitMix64), not secure.
#[derive(Clone)]
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

impl TryRng for Seeded {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.next() as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.next())
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        dst.fill_with(|| self.next() as u8);
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

pub const ADDRESS: [u8; 32] = [0xad; 32];
pub const CONTEXT: [u8; 32] = [0xc0; 32];

pub fn psk0() -> Secret<32> {
    Secret::new([0x95; 32])
}

pub fn client() -> IdentityKey {
    IdentityKey::from_bytes(&Secret::new([0x11; 32]))
}

pub fn therapist() -> IdentityKey {
    IdentityKey::from_bytes(&Secret::new([0x22; 32]))
}

pub const FIRST: Purpose = Purpose::Code { context: CONTEXT };

pub fn start_first(seed: u64) -> (AwaitHs2, Cell) {
    AwaitHs2::start(Params::initiator(FIRST, ADDRESS, psk0(), 1), &client(), None, &mut Seeded(seed))
}

pub fn respond_first(hs1: &Cell, seed: u64) -> Result<(AwaitHs3, Cell), sotto_handshake::HandshakeFault> {
    let params = Params::responder(FIRST, ADDRESS, psk0(), hs1);
    AwaitHs3::respond(params, &therapist(), hs1, None, &mut Seeded(seed ^ 0xffff))
}

pub fn start_pinned(seed: u64) -> (AwaitKkHs2, Cell) {
    let params = Params::initiator(Purpose::Pinned, ADDRESS, psk0(), 1);
    AwaitKkHs2::start(params, &client(), therapist().public(), &mut Seeded(seed))
}

pub fn respond_pinned(hs1: &Cell, seed: u64) -> Result<(AwaitConfirm, Cell), sotto_handshake::HandshakeFault> {
    let params = Params::responder(Purpose::Pinned, ADDRESS, psk0(), hs1);
    AwaitConfirm::respond(params, &therapist(), client().public(), hs1, &mut Seeded(seed ^ 0xffff))
}

/// A first contact up to HS3: both sides and the three cells.
pub fn first(seed: u64) -> (Established, Established, [Cell; 3]) {
    let (i, hs1) = start_first(seed);
    let (r, hs2) = respond_first(&hs1, seed).unwrap();
    let (hs3, i) = i.read(&hs2).unwrap().finish().unwrap();
    let r = r.read(&hs3).unwrap();
    (i, r, [hs1, hs2, hs3])
}

/// A pinned session up to CONFIRM: both sides and the three cells.
pub fn pinned(seed: u64) -> (Established, Established, [Cell; 3]) {
    let (i, hs1) = start_pinned(seed);
    let (r, hs2) = respond_pinned(&hs1, seed).unwrap();
    let (i, confirm) = i.read(&hs2, [None, None], &mut Seeded(seed ^ 0xabcd)).unwrap();
    let r = r.read(&confirm[0]).unwrap();
    (i, r, [hs1, hs2, confirm[0].clone()])
}

/// A changed copy.
pub fn altered(cell: &Cell, change: impl FnOnce(&mut [u8; CELL_LEN])) -> Cell {
    let mut bytes = *cell.as_bytes();
    change(&mut bytes);
    Cell::from_bytes(&bytes).unwrap()
}

pub fn retyped(cell: &Cell, cell_type: CellType) -> Cell {
    altered(cell, |bytes| (bytes[0], bytes[3]) = (cell_type as u8, 0))
}
