//! The therapist's side of the handshakes (PROTOCOL §4.3, §11).

use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use sotto_identity::{IdentityKey, PublicKey, Secret};
use sotto_wire::{Cell, CellType, Role, SigMessage, VersionRange, cell::SUITE, tlv::Tag};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

#[cfg(any(test, feature = "cheat"))]
use crate::Forger;
use crate::{
    draw,
    established::{Established, Outcome},
    fault::HandshakeFault,
    initiator::commit,
    kem,
    noise::{Noise, Pattern, Start},
    params::{Params, Terms},
    payload::{self, Tlvs},
    sas::SessionWords,
};

/// SHA-512 of a whole HS1 cell. The caller remembers it for each HS1 it accepted and ignores repeats (PROTOCOL §4.5).
#[must_use]
pub fn seen_hs1(cell: &Cell) -> [u8; 64] {
    Sha512::digest(cell.as_bytes()).into()
}

/// HS1 was read and HS2 written; what both patterns share.
struct Answered {
    noise: Noise,
    opening: Opening,
    terms: Terms,
}

/// What the client's next message is checked against.
struct Opening {
    commit: [u8; 32],
    nonce_r: [u8; 32],
    h2: [u8; 64],
    client: VersionRange,
    own: PublicKey,
}

impl Answered {
    fn respond(
        params: &Params,
        pattern: Pattern,
        own: &IdentityKey,
        peer: Option<&PublicKey>,
        hs1: &Cell,
        status: Option<u8>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Cell), HandshakeFault> {
        if hs1.cell_type() != Some(CellType::Hs1) || hs1.suite() != SUITE {
            return Err(HandshakeFault::Header);
        }
        // The prologue is made of `params`: they must be those of this cell.
        if (hs1.version(), hs1.vr()) != (params.version, params.vr_i) {
            return Err(HandshakeFault::Header);
        }
        let announced = params.check_hs1_header()?;
        let ephemeral = draw(rng);
        let encapsulation: Secret<32> = draw(rng);
        let nonce_r: Secret<32> = draw(rng);
        let mut noise = Noise::start(&Start {
            pattern,
            role: Role::Responder,
            own: &own.expose(),
            peer: peer.map(PublicKey::as_bytes),
            psk0: &params.psk0,
            prologue: &params.prologue(),
            ephemeral: &ephemeral,
        });

        let mut payload = Zeroizing::new(vec![0; payload::HS1_LEN]);
        if noise.read(hs1.body(), true, &mut payload)? != payload::HS1_LEN {
            return Err(HandshakeFault::Decrypt);
        }
        let (ek, list) = payload::split_hs1(&payload).ok_or(HandshakeFault::Decrypt)?;
        let list = payload::parse(list)?;
        let commit = payload::require(&list, Tag::Commit)?;
        let client = payload::versions(&list)?;
        let terms = params.terms();
        if client != announced {
            return Err(HandshakeFault::Downgrade);
        }
        terms.check(client, params.own)?;
        let (ct, psk2) = kem::encapsulate(ek, &encapsulation).ok_or(HandshakeFault::KemKey)?;
        noise.set_psk2(&psk2);

        let len = match pattern {
            Pattern::Xx => payload::XX_HS2_LEN,
            Pattern::Kk => payload::KK_HS2_LEN,
        };
        let cell = hs2(params, &mut noise, &ct, &nonce_r, status, len)?;
        let h2 = noise.hash();
        let own = *own.public();
        let opening = Opening { commit, nonce_r: *nonce_r.expose(), h2, client, own };
        Ok((Self { noise, opening, terms }, cell))
    }
}

/// Writes HS2, with a Noise payload of `len` bytes.
fn hs2(
    params: &Params,
    noise: &mut Noise,
    ct: &[u8; kem::CT_LEN],
    nonce_r: &Secret<32>,
    status: Option<u8>,
    len: usize,
) -> Result<Cell, HandshakeFault> {
    let mut answer = Tlvs::default().with(Tag::NonceR, nonce_r.expose()).with_versions(params.own);
    if let Some(status) = status {
        answer = answer.with(Tag::Status, &[status]);
    }
    let mut cell = Cell::with_header(CellType::Hs2, params.version, 0);
    let (head, message) = cell.body_mut().split_at_mut(kem::CT_LEN);
    head.copy_from_slice(ct);
    noise.write(&answer.padded(&[], len), message)?;
    Ok(cell)
}

impl Opening {
    /// The client opened its commitment: checks it, and that the range is still the same; gives the session words.
    fn check(&self, nonce_i: [u8; 32], client: VersionRange, peer: &PublicKey) -> Result<SessionWords, HandshakeFault> {
        let nonce_i = Secret::new(nonce_i);
        let opens = bool::from(commit(&nonce_i, peer).ct_eq(&self.commit)) || cfg!(sotto_broken = "commitment");
        if !opens {
            return Err(HandshakeFault::Commit);
        }
        if client != self.client {
            return Err(HandshakeFault::Downgrade);
        }
        Ok(SessionWords::new(Role::Responder, nonce_i.expose(), &self.nonce_r, &self.h2, peer, &self.own))
    }
}

/// First contact: HS2 is sent, HS3 awaited.
pub struct AwaitHs3 {
    answered: Answered,
}

impl AwaitHs3 {
    /// Reads HS1 and answers it; the cell is HS2. `status` is 1 for a used and 2 for a revoked invite, else `None`.
    ///
    /// # Errors
    /// `Version` (REJECT carries the own range then), `Downgrade`, `Decrypt`, `PublicKey`, `KemKey`, `Header`. Which of
    /// them count as a wrong guess of a code: [`HandshakeFault::counts_as_failed_decryption`].
    ///
    /// # Panics
    /// If `params` are those of a pinned contact.
    #[expect(clippy::needless_pass_by_value, reason = "psk0 is used up: each attempt takes its parameters over")]
    pub fn respond(
        params: Params,
        own: &IdentityKey,
        hs1: &Cell,
        status: Option<u8>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Cell), HandshakeFault> {
        assert!(params.purpose.is_first_contact(), "a pinned contact meets by KK");
        let (answered, cell) = Answered::respond(&params, Pattern::Xx, own, None, hs1, status, rng)?;
        Ok((Self { answered }, cell))
    }

    /// Whether `cell` can be the awaited HS3. Others are dropped without touching the state.
    #[must_use]
    pub fn header_fits(&self, cell: &Cell) -> bool {
        payload::header_fits(cell, CellType::Hs3, self.answered.terms.version)
    }

    /// Reads HS3. The caller stores the contact durably before it sends [`Established::ack`].
    ///
    /// # Errors
    /// `Decrypt`, `PublicKey`, `Commit`, `Downgrade`; `Header` if [`header_fits`](Self::header_fits) is false.
    pub fn read(mut self, cell: &Cell) -> Result<Established, HandshakeFault> {
        if !self.header_fits(cell) {
            return Err(HandshakeFault::Header);
        }
        let mut payload = Zeroizing::new(vec![0; payload::HS3_LEN]);
        if self.answered.noise.read(cell.body(), false, &mut payload)? != payload::HS3_LEN {
            return Err(HandshakeFault::Decrypt);
        }
        let remote = self.answered.noise.remote_static().ok_or(HandshakeFault::Decrypt)?;
        let peer = PublicKey::from_bytes(&remote).map_err(|_| HandshakeFault::PublicKey)?;
        let list = payload::parse(&payload)?;
        let nonce_i = payload::require(&list, Tag::NonceI)?;
        let client = payload::versions(&list)?;
        let Answered { noise, opening, terms } = self.answered;
        let words = opening.check(nonce_i, client, &peer)?;
        Ok(Established::new(Outcome::new(noise, Role::Responder, &terms, peer, client), words))
    }
}

/// Pinned contact: HS2 is sent, CONFIRM awaited.
pub struct AwaitConfirm {
    answered: Answered,
    peer: PublicKey,
}

impl AwaitConfirm {
    /// Reads HS1 of a pinned contact and answers it; the cell is HS2.
    ///
    /// # Errors
    /// As [`AwaitHs3::respond`].
    ///
    /// # Panics
    /// If `params` are those of a first contact.
    #[expect(clippy::needless_pass_by_value, reason = "psk0 is used up: each attempt takes its parameters over")]
    pub fn respond(
        params: Params,
        own: &IdentityKey,
        peer: &PublicKey,
        hs1: &Cell,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Cell), HandshakeFault> {
        assert!(!params.purpose.is_first_contact(), "a first contact meets by XX");
        let (answered, cell) = Answered::respond(&params, Pattern::Kk, own, Some(peer), hs1, None, rng)?;
        Ok((Self { answered, peer: *peer }, cell))
    }

    /// Whether `cell` can be CONFIRM: a SIG cell with sequence number 0. Others, such as late cells of an older session,
    /// are dropped without touching the state.
    #[must_use]
    pub fn header_fits(&self, cell: &Cell) -> bool {
        payload::header_fits(cell, CellType::Sig, self.answered.terms.version) && cell.body().starts_with(&[0; 8])
    }

    /// Reads CONFIRM, which proves that the client holds its pinned key. After an error the caller listens again.
    ///
    /// # Errors
    /// `Decrypt`, `Commit`, `Downgrade`; `Header` if [`header_fits`](Self::header_fits) is false.
    pub fn read(self, cell: &Cell) -> Result<Established, HandshakeFault> {
        if !self.header_fits(cell) {
            return Err(HandshakeFault::Header);
        }
        let Answered { noise, opening, terms } = self.answered;
        let mut outcome = Outcome::new(noise, Role::Responder, &terms, self.peer, opening.client);
        let confirm = match outcome.sig.receive(cell, 0).map(|received| received.message) {
            Ok(Some(SigMessage::Confirm(list))) => Zeroizing::new(list),
            _ => return Err(HandshakeFault::Decrypt),
        };
        let list = payload::parse(&confirm)?;
        let nonce_i = payload::require(&list, Tag::NonceI)?;
        let client = payload::versions(&list)?;
        let tags = payload::require::<32>(&list, Tag::ContTags)?;
        let resume = payload::require::<16>(&list, Tag::ResumeTag)?;
        let words = opening.check(nonce_i, client, &self.peer)?;
        outcome.sig.restart_clock();
        Ok(Established::new(outcome, words).with_tags(tags, resume))
    }
}

/// For the adversary kit: somebody who passes for the therapist.
#[cfg(any(test, feature = "cheat"))]
impl AwaitConfirm {
    /// HS2 by `forger`, whether it could read HS1 or not. `told` is the encapsulation key in HS1, for one who has it from
    /// elsewhere; without it, and without the means to read HS1, ML-KEM is answered at random.
    ///
    /// # Errors
    /// `PublicKey` as [`respond`](Self::respond).
    ///
    /// # Panics
    /// Never: a key made here passes the modulus check.
    pub fn forge(
        params: &Params,
        forger: &Forger,
        hs1: &Cell,
        told: Option<&[u8; kem::EK_LEN]>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Cell, HandshakeFault> {
        let mut noise = forger.noise(Role::Responder, &params.psk0, &params.prologue(), &draw(rng));
        let (encapsulation, nonce_r) = (draw(rng), draw(rng));
        let mut payload = vec![0; payload::HS1_LEN];
        noise.read(hs1.body(), true, &mut payload)?;
        let read = payload::split_hs1(&payload).map(|(ek, _)| ek);
        let (ct, psk2) = told
            .or(read)
            .and_then(|ek| kem::encapsulate(ek, &encapsulation))
            .or_else(|| kem::encapsulate(kem::KemSecret::from_seed(&draw(rng)).encapsulation_key(), &encapsulation))
            .expect("a key made here passes the modulus check");
        noise.set_psk2(&psk2);
        hs2(params, &mut noise, &ct, &nonce_r, None, payload::KK_HS2_LEN)
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
redacted_debug!(AwaitHs3, AwaitConfirm);
