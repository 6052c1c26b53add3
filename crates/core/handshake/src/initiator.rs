//! The client's side of the handshakes (PROTOCOL §4.3, §11).

use rand_core::CryptoRng;
use sotto_identity::{IdentityKey, PublicKey, Secret, derive};
use sotto_wire::{Cell, CellType, Role, VersionRange, tlv::Tag};
use zeroize::Zeroizing;

#[cfg(any(test, feature = "cheat"))]
use crate::Forger;
use crate::{
    continuity::Continuity,
    draw,
    established::{Established, Outcome},
    fault::HandshakeFault,
    kem::{CT_LEN, KemSecret},
    noise::{Noise, Pattern, Start},
    params::{Params, Terms},
    payload::{self, Tlvs},
    sas::SessionWords,
};

/// HS1 is sent; what both patterns share.
struct Sent {
    noise: Noise,
    kem: KemSecret,
    nonce_i: Secret<32>,
    own: PublicKey,
    terms: Terms,
}

impl Sent {
    fn start(
        params: &Params,
        pattern: Pattern,
        own: &IdentityKey,
        peer: Option<&PublicKey>,
        rng: &mut dyn CryptoRng,
    ) -> (Self, Cell) {
        let noise = Noise::start(&Start {
            pattern,
            role: Role::Initiator,
            own: &own.expose(),
            peer: peer.map(PublicKey::as_bytes),
            psk0: &params.psk0,
            prologue: &params.prologue(),
            ephemeral: &draw(rng),
        });
        Self::write(params, noise, *own.public(), rng)
    }

    fn write(params: &Params, mut noise: Noise, own: PublicKey, rng: &mut dyn CryptoRng) -> (Self, Cell) {
        let kem = KemSecret::from_seed(&draw(rng));
        let nonce_i: Secret<32> = draw(rng);
        let commit = commit(&nonce_i, &own);
        let list = Tlvs::default().with(Tag::Commit, &commit).with_versions(params.own);
        let mut cell = Cell::with_header(CellType::Hs1, params.version, params.own.to_byte());
        noise
            .write(&list.padded(kem.encapsulation_key(), payload::HS1_LEN), cell.body_mut())
            .expect("HS1 mixes in the own keys and, in KK, a pinned key that gave a contributory output before");
        (Self { noise, kem, nonce_i, own, terms: params.terms() }, cell)
    }

    fn header_fits(&self, cell: &Cell) -> bool {
        payload::header_fits(cell, CellType::Hs2, self.terms.version)
    }

    /// Reads HS2: gives the payload of `len` bytes.
    fn read(&mut self, cell: &Cell, len: usize) -> Result<Zeroizing<Vec<u8>>, HandshakeFault> {
        if !self.header_fits(cell) {
            return Err(HandshakeFault::Header);
        }
        let (ct, message) = cell.body().split_first_chunk::<CT_LEN>().ok_or(HandshakeFault::Header)?;
        self.noise.set_psk2(&self.kem.psk2(ct));
        let mut payload = Zeroizing::new(vec![0; len]);
        match self.noise.read(message, true, &mut payload)? {
            read if read == len => Ok(payload),
            _ => Err(HandshakeFault::Decrypt),
        }
    }
}

/// `H("commit"; N_i, I.pk)[0..32]`: binds the client before it learns anything that makes the session words.
pub(crate) fn commit(nonce_i: &Secret<32>, initiator: &PublicKey) -> [u8; 32] {
    *derive::hash("commit", &[nonce_i.expose(), initiator.as_bytes()]).first_chunk().expect("32 of 64 bytes")
}

/// First contact: HS1 is sent, HS2 awaited.
///
/// A state is used up by the cell it reads, so that none is tried twice (`hs_state_not_reused_after_error`):
///
/// ```compile_fail,E0382
/// fn twice(state: sotto_handshake::AwaitHs2, forged: &sotto_wire::Cell, honest: &sotto_wire::Cell) {
///     let _ = state.read(forged);
///     let _ = state.read(honest);
/// }
/// ```
pub struct AwaitHs2 {
    sent: Sent,
    idhash: Option<[u8; 20]>,
}

impl AwaitHs2 {
    /// Starts a first contact with fresh keys; the cell is HS1. `idhash` is the one of a long invite, `None` for a spoken
    /// code.
    ///
    /// # Panics
    /// If `params` are those of a pinned contact.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "psk0 is used up: each attempt takes its parameters over")]
    pub fn start(params: Params, own: &IdentityKey, idhash: Option<[u8; 20]>, rng: &mut dyn CryptoRng) -> (Self, Cell) {
        assert!(params.purpose.is_first_contact(), "a pinned contact meets by KK");
        let (sent, cell) = Sent::start(&params, Pattern::Xx, own, None, rng);
        (Self { sent, idhash }, cell)
    }

    /// Whether `cell` can be the awaited HS2. Others are dropped without touching the state (PROTOCOL, Appendix D).
    #[must_use]
    pub fn header_fits(&self, cell: &Cell) -> bool {
        self.sent.header_fits(cell)
    }

    /// Reads HS2. The own key has not been revealed yet, and is not if this fails.
    ///
    /// # Errors
    /// `Decrypt`, `PublicKey`, `IdHash`, `Downgrade`; `Header` if [`header_fits`](Self::header_fits) is false.
    pub fn read(mut self, cell: &Cell) -> Result<FirstHs2, HandshakeFault> {
        let payload = self.sent.read(cell, payload::XX_HS2_LEN)?;
        let remote = self.sent.noise.remote_static().ok_or(HandshakeFault::Decrypt)?;
        let peer = PublicKey::from_bytes(&remote).map_err(|_| HandshakeFault::PublicKey)?;
        let other = self.idhash.is_some_and(|idhash| !peer.has_idhash(&idhash));
        if other && cfg!(not(sotto_broken = "idhash")) {
            return Err(HandshakeFault::IdHash);
        }
        let list = payload::parse(&payload)?;
        let nonce_r = payload::require(&list, Tag::NonceR)?;
        let peer_versions = payload::versions(&list)?;
        let status = list.optional::<1>(Tag::Status).map_err(|_| HandshakeFault::Decrypt)?.map(|[status]| status);
        self.sent.terms.check(self.sent.terms.own, peer_versions)?;
        let h2 = self.sent.noise.hash();
        Ok(FirstHs2 { sent: self.sent, peer, peer_versions, status, nonce_r, h2 })
    }
}

/// First contact: HS2 is good, HS3 not sent yet.
pub struct FirstHs2 {
    sent: Sent,
    peer: PublicKey,
    peer_versions: VersionRange,
    status: Option<u8>,
    nonce_r: [u8; 32],
    h2: [u8; 64],
}

impl FirstHs2 {
    /// The therapist's key; a re-link compares it with the stored one before HS3 (PROTOCOL §6.4).
    #[must_use]
    pub const fn peer(&self) -> PublicKey {
        self.peer
    }

    /// What became of the invite, if it is not fresh: 1 used, 2 revoked. With a status the client stops here.
    #[must_use]
    pub const fn status(&self) -> Option<u8> {
        self.status
    }

    /// The therapist's authenticated version range.
    #[must_use]
    pub const fn peer_versions(&self) -> VersionRange {
        self.peer_versions
    }

    /// Gives HS3. The caller stores the contact durably before it sends the cell (PROTOCOL §4.5).
    ///
    /// # Errors
    /// `PublicKey` if the therapist's ephemeral key has a small order.
    pub fn finish(self) -> Result<(Cell, Established), HandshakeFault> {
        let Sent { mut noise, nonce_i, own, terms, .. } = self.sent;
        let list = Tlvs::default().with(Tag::NonceI, nonce_i.expose()).with_versions(terms.own);
        let mut cell = Cell::with_header(CellType::Hs3, terms.version, 0);
        noise.write(&list.padded(&[], payload::HS3_LEN), cell.body_mut())?;
        let words = SessionWords::new(Role::Initiator, nonce_i.expose(), &self.nonce_r, &self.h2, &own, &self.peer);
        let outcome = Outcome::new(noise, Role::Initiator, &terms, self.peer, self.peer_versions);
        Ok((cell, Established::new(outcome, words)))
    }
}

/// For the adversary kit: a client that opens its commitment with another nonce than it committed to.
#[cfg(feature = "cheat")]
impl FirstHs2 {
    /// The session words that this nonce would give.
    #[must_use]
    pub fn words_with(&self, nonce_i: &[u8; 32]) -> SessionWords {
        SessionWords::new(Role::Initiator, nonce_i, &self.nonce_r, &self.h2, &self.sent.own, &self.peer)
    }

    /// As [`finish`](Self::finish), with this nonce.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_with(mut self, nonce_i: [u8; 32]) -> Result<(Cell, Established), HandshakeFault> {
        self.sent.nonce_i = Secret::new(nonce_i);
        self.finish()
    }
}

/// Pinned contact: HS1 is sent, HS2 awaited.
pub struct AwaitKkHs2 {
    sent: Sent,
    peer: PublicKey,
    resume: Option<Secret<32>>,
}

impl AwaitKkHs2 {
    /// The key of a session with this contact that was interrupted (PROTOCOL §8).
    #[must_use]
    pub fn with_resume(mut self, key: Option<&Secret<32>>) -> Self {
        self.resume = key.cloned();
        self
    }

    /// Starts a handshake with a pinned contact; the cell is HS1.
    ///
    /// # Panics
    /// If `params` are those of a first contact, or `peer` has a small order: such a key never becomes a pin, because the
    /// first contact made an output with it.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "psk0 is used up: each attempt takes its parameters over")]
    pub fn start(params: Params, own: &IdentityKey, peer: &PublicKey, rng: &mut dyn CryptoRng) -> (Self, Cell) {
        assert!(!params.purpose.is_first_contact(), "a first contact meets by XX");
        let (sent, cell) = Sent::start(&params, Pattern::Kk, own, Some(peer), rng);
        (Self { sent, peer: *peer, resume: None }, cell)
    }

    /// Whether `cell` can be the awaited HS2. Others are dropped without touching the state.
    #[must_use]
    pub fn header_fits(&self, cell: &Cell) -> bool {
        self.sent.header_fits(cell)
    }

    /// Reads HS2; gives the session and the cells of CONFIRM. The ACK is awaited next
    /// ([`Established::read_ack`]).
    ///
    /// CONFIRM carries a tag of each continuity secret in `held` and of the resume key, random ones for what there is
    /// not (PROTOCOL §4.7, §8).
    ///
    /// # Errors
    /// `Decrypt`, `PublicKey`, `Downgrade`; `Header` if [`header_fits`](Self::header_fits) is false.
    pub fn read(
        mut self,
        cell: &Cell,
        held: Continuity<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Established, Vec<Cell>), HandshakeFault> {
        let payload = self.sent.read(cell, payload::KK_HS2_LEN)?;
        let list = payload::parse(&payload)?;
        let nonce_r = payload::require(&list, Tag::NonceR)?;
        let peer_versions = payload::versions(&list)?;
        let Sent { noise, nonce_i, own, terms, .. } = self.sent;
        terms.check(terms.own, peer_versions)?;
        let words = SessionWords::new(Role::Initiator, nonce_i.expose(), &nonce_r, &noise.hash(), &own, &self.peer);
        let outcome = Outcome::new(noise, Role::Initiator, &terms, self.peer, peer_versions);
        let mut established = Established::new(outcome, words);
        established.set_resume(self.resume.as_ref());
        let confirm = established.confirm(&nonce_i, terms.own, held, rng);
        Ok((established, confirm))
    }
}

/// For the adversary kit: somebody who passes for the client.
#[cfg(any(test, feature = "cheat"))]
impl AwaitKkHs2 {
    /// As [`start`](Self::start), by `forger`.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "as in `start`")]
    pub fn forge(params: Params, forger: &Forger, rng: &mut dyn CryptoRng) -> (Self, Cell) {
        let noise = forger.noise(Role::Initiator, &params.psk0, &params.prologue(), &draw(rng));
        let (sent, cell) = Sent::write(&params, noise, *forger.claimed(), rng);
        (Self { sent, peer: *forger.peer(), resume: None }, cell)
    }

    /// CONFIRM under the keys that a forger has come to, whether it could read HS2 or not: nothing of HS2's payload goes
    /// into it.
    ///
    /// # Errors
    /// `Header` and `PublicKey` as [`read`](Self::read).
    pub fn confirm_unread(mut self, cell: &Cell, rng: &mut dyn CryptoRng) -> Result<Vec<Cell>, HandshakeFault> {
        self.sent.read(cell, payload::KK_HS2_LEN)?;
        let Sent { noise, nonce_i, own, terms, .. } = self.sent;
        let words = SessionWords::new(Role::Initiator, nonce_i.expose(), &[0; 32], &noise.hash(), &own, &self.peer);
        let outcome = Outcome::new(noise, Role::Initiator, &terms, self.peer, terms.own);
        Ok(Established::new(outcome, words).confirm(&nonce_i, terms.own, [None, None], rng))
    }
}

macro_rules! redacted_debug {
    ($($name:ident),*) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}
redacted_debug!(AwaitHs2, FirstHs2, AwaitKkHs2);

#[cfg(test)]
mod tests;
