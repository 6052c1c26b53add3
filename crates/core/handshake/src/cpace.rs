//! CPACE-RISTR255-SHA512 (draft-irtf-cfrg-cpace-21) for spoken codes (PROTOCOL §3.2, Appendix D).
//!
//! One run gives each side exactly one guess. Nothing of a run is confirmed here: an HS1 that decrypts under `psk0` is
//! the key confirmation.

use curve25519_dalek::{
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
    traits::IsIdentity,
};
use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use sotto_identity::{Secret, derive};
use sotto_wire::{Cell, CellType, VersionRange, cell::SUITE};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{code::CodeSecret, draw, fault::HandshakeFault, params::check_range};

const DSI: &[u8] = b"CPaceRistretto255";
/// Block length of SHA-512.
const BLOCK_LEN: usize = 128;

/// The client, who waits for PA2.
#[derive(ZeroizeOnDrop)]
pub struct Initiator {
    scalar: Scalar,
    share: [u8; 32],
    #[zeroize(skip)]
    header: [u8; 4],
    #[zeroize(skip)]
    sid: [u8; 32],
    #[zeroize(skip)]
    ci: Vec<u8>,
}

impl Initiator {
    /// Starts a run in the mailbox `sid`; the cell is PA1.
    #[must_use]
    pub fn start(code: &CodeSecret, sid: &[u8; 32], rng: &mut dyn CryptoRng) -> (Self, Cell) {
        Self::start_with_version(code, sid, VersionRange::OURS, VersionRange::OURS.max, rng)
    }

    /// Like [`start`](Self::start), for a version that a REJECT lowered (PROTOCOL §4.6).
    #[must_use]
    pub fn start_with_version(
        code: &CodeSecret,
        sid: &[u8; 32],
        versions: VersionRange,
        version: u8,
        rng: &mut dyn CryptoRng,
    ) -> (Self, Cell) {
        let scalar = random_scalar(rng);
        let ci = code.channel_identifier();
        let share = (scalar * generator(code.password(), &ci, sid)).compress().to_bytes();
        let cell = Cell::pa1(version, versions.to_byte(), &share);
        (Self { scalar, share, header: cell.header(), sid: *sid, ci }, cell)
    }

    /// Whether `cell` can be this run's PA2. Other cells are dropped without touching the run.
    #[must_use]
    pub fn header_fits(&self, cell: &Cell) -> bool {
        cell.cell_type() == Some(CellType::Pa2)
            && cell.version() == self.header[1]
            && cell.suite() == SUITE
            && cell.vr() == 0
    }

    /// Takes PA2; gives `psk0` and the prologue context of the handshake that follows.
    ///
    /// # Errors
    /// `Header` for a cell that is not this run's PA2 or has non-zero padding, `PakePoint` for a share that is not
    /// canonical or is the identity. The run is over either way.
    pub fn finish(self, cell: &Cell) -> Result<(Secret<32>, [u8; 32]), HandshakeFault> {
        if !self.header_fits(cell) {
            return Err(HandshakeFault::Header);
        }
        let theirs = cell.pa_share().map_err(|_| HandshakeFault::Header)?;
        let k = shared_point(&self.scalar, &theirs)?;
        let transcript =
            Transcript { sid: &self.sid, ya: &self.share, ada: &self.header, yb: &theirs, adb: &cell.header() };
        Ok((transcript.psk0(&k), context(&self.sid, &self.ci, &self.share, &theirs)))
    }
}

impl core::fmt::Debug for Initiator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("cpace::Initiator(…)")
    }
}

/// What the therapist has after answering a PA1.
pub struct Responded {
    /// Key of the handshake that follows.
    pub psk0: Secret<32>,
    /// Its prologue context.
    pub context: [u8; 32],
    /// The client's range as PA1 says; HS1 must repeat it ([`Params::with_announced`](crate::Params::with_announced)).
    pub versions: VersionRange,
    /// PA2. A byte-identical PA1 is answered with these identical bytes.
    pub cell: Cell,
}

impl core::fmt::Debug for Responded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("cpace::Responded(…)")
    }
}

/// The therapist's side: answers a PA1 in the mailbox `sid`.
///
/// # Errors
/// `Header` for another cell or non-zero padding, `Version` for a version that this side does not speak, `Downgrade` for
/// a range that does not hold the version, `PakePoint` for a share that is not canonical or is the identity.
pub fn respond(
    pa1: &Cell,
    code: &CodeSecret,
    sid: &[u8; 32],
    rng: &mut dyn CryptoRng,
) -> Result<Responded, HandshakeFault> {
    if pa1.cell_type() != Some(CellType::Pa1) || pa1.suite() != SUITE {
        return Err(HandshakeFault::Header);
    }
    let theirs = pa1.pa_share().map_err(|_| HandshakeFault::Header)?;
    let versions = VersionRange::from_byte(pa1.vr()).ok_or(HandshakeFault::Downgrade)?;
    check_range(versions, pa1.version())?;
    if !(VersionRange::OURS.min..=VersionRange::OURS.max).contains(&pa1.version()) {
        return Err(HandshakeFault::Version);
    }
    let mut scalar = random_scalar(rng);
    let ci = code.channel_identifier();
    let share = (scalar * generator(code.password(), &ci, sid)).compress().to_bytes();
    let k = shared_point(&scalar, &theirs);
    scalar.zeroize();
    let cell = Cell::pa2(pa1.version(), &share);
    let transcript = Transcript { sid, ya: &theirs, ada: &pa1.header(), yb: &share, adb: &cell.header() };
    Ok(Responded { psk0: transcript.psk0(&k?), context: context(sid, &ci, &theirs, &share), versions, cell })
}

/// `ctx` of purpose 2 (PROTOCOL §4.2).
fn context(sid: &[u8; 32], ci: &[u8], ya: &[u8; 32], yb: &[u8; 32]) -> [u8; 32] {
    *derive::hash("cpace ctx", &[sid, ci, ya, yb]).first_chunk().expect("32 of 64 bytes")
}

fn random_scalar(rng: &mut dyn CryptoRng) -> Scalar {
    let scalar = Scalar::from_bytes_mod_order_wide(draw::<64>(rng).expose());
    #[cfg(feature = "noted-for-test")]
    sotto_identity::noted::note("CPace scalar", b"", scalar.as_bytes());
    scalar
}

/// Length-value encoding: LEB128 length, then the bytes (draft §A.1).
fn push_lv(out: &mut Vec<u8>, value: &[u8]) {
    let mut len = value.len();
    loop {
        let low = (len & 0x7f) as u8;
        len >>= 7;
        out.push(if len == 0 { low } else { low | 0x80 });
        if len == 0 {
            break;
        }
    }
    out.extend_from_slice(value);
}

fn generator_string(password: &[u8], ci: &[u8], sid: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut string = Zeroizing::new(Vec::with_capacity(2 * BLOCK_LEN + ci.len() + sid.len()));
    push_lv(&mut string, DSI);
    push_lv(&mut string, password);
    let pad = (BLOCK_LEN - 1).saturating_sub(string.len());
    push_lv(&mut string, &[0; BLOCK_LEN][..pad]);
    push_lv(&mut string, ci);
    push_lv(&mut string, sid);
    string
}

fn generator(password: &[u8], ci: &[u8], sid: &[u8]) -> RistrettoPoint {
    let mut hash: [u8; 64] = Sha512::digest(&*generator_string(password, ci, sid)).into();
    let point = RistrettoPoint::from_uniform_bytes(&hash);
    hash.zeroize();
    point
}

/// `scalar_mult_vfy` (draft §7.2.2): an invalid encoding and the identity are one error.
fn shared_point(scalar: &Scalar, theirs: &[u8; 32]) -> Result<Secret<32>, HandshakeFault> {
    let mut point = CompressedRistretto(*theirs).decompress().ok_or(HandshakeFault::PakePoint)? * scalar;
    if point.is_identity() {
        return Err(HandshakeFault::PakePoint);
    }
    let k = Secret::new(point.compress().to_bytes());
    point.zeroize();
    #[cfg(feature = "noted-for-test")]
    sotto_identity::noted::note("CPace K", b"", k.expose());
    Ok(k)
}

struct Transcript<'a> {
    sid: &'a [u8],
    ya: &'a [u8; 32],
    ada: &'a [u8],
    yb: &'a [u8; 32],
    adb: &'a [u8],
}

impl Transcript<'_> {
    /// The intermediate session key, initiator-responder ordering.
    fn isk(&self, k: &Secret<32>) -> Secret<64> {
        let mut input = Zeroizing::new(Vec::with_capacity(256));
        push_lv(&mut input, &[DSI, b"_ISK"].concat());
        for part in [self.sid, k.expose(), self.ya, self.ada, self.yb, self.adb] {
            push_lv(&mut input, part);
        }
        Secret::new(Sha512::digest(&*input).into())
    }

    fn psk0(&self, k: &Secret<32>) -> Secret<32> {
        derive::kdf(&derive::extract(b"TSP1 cpace", self.isk(k).expose()), "psk", b"")
    }
}

#[cfg(test)]
mod tests;
