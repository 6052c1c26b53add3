//! Rekey: a hybrid KK inside a session, from the root of one epoch to the root of the next (PROTOCOL §7.7).
//!
//! The root of an epoch is never kept. Whoever starts an epoch takes from it, by [`EpochRoot::open`], the keys' root
//! and what the next rekey will need; after that the epoch's own keys can be ratcheted away for good.

use rand_core::CryptoRng;
use sotto_identity::{IdentityKey, PublicKey, Secret, derive};
use sotto_wire::{
    Role,
    cell::SUITE,
    record::{RK1_LEN, RK2_LEN},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    draw,
    established::Established,
    fault::HandshakeFault,
    kem::{self, CT_LEN, EK_LEN, KemSecret},
    noise::{Noise, Pattern, Start},
};

/// The prologue's purpose byte (PROTOCOL §4.2).
const PURPOSE: u8 = 4;

/// What all rekeys of a session have in common. Holds the own identity key as long as the session lives.
pub struct RekeyTerms {
    role: Role,
    own: IdentityKey,
    peer: PublicKey,
    h: [u8; 64],
    vr_i: u8,
    version: u8,
}

impl RekeyTerms {
    /// Of a session whose handshake is done. `own` is the key that the handshake was made with.
    #[must_use]
    pub fn new(established: &Established, own: IdentityKey) -> Self {
        Self {
            role: established.role(),
            own,
            peer: established.peer(),
            h: established.session_hash(),
            vr_i: established.client_versions().to_byte(),
            version: established.version(),
        }
    }

    /// The own public key.
    #[must_use]
    pub const fn own(&self) -> &PublicKey {
        self.own.public()
    }

    /// `u32 epoch || h_session[0..32]`
    fn context(&self, epoch: u8) -> [u8; 36] {
        let mut context = [0; 36];
        context[..4].copy_from_slice(&u32::from(epoch).to_be_bytes());
        context[4..].copy_from_slice(&self.h[..32]);
        context
    }

    /// `"TSP1" | 4 | suite | vr_I | version | 32 zero bytes | u16 36 | epoch, h_session` (PROTOCOL §4.2)
    pub(crate) fn prologue(&self, epoch: u8) -> Vec<u8> {
        let mut prologue = b"TSP1".to_vec();
        prologue.extend_from_slice(&[PURPOSE, SUITE, self.vr_i, self.version]);
        prologue.extend_from_slice(&[0; 32]);
        prologue.extend_from_slice(&36_u16.to_be_bytes());
        prologue.extend_from_slice(&self.context(epoch));
        prologue
    }

    fn noise(&self, epoch: u8, psk: &RekeyPsk, rng: &mut dyn CryptoRng) -> Noise {
        Noise::start(&Start {
            pattern: Pattern::Kk,
            role: self.role,
            own: &self.own.expose(),
            peer: Some(self.peer.as_bytes()),
            psk0: &psk.0,
            prologue: &self.prologue(epoch),
            ephemeral: &draw(rng),
        })
    }

    /// `KDF(Extract(h', k1' || k2'), "epoch root", u32 epoch || h_session, 64)`
    fn root(&self, noise: Noise, epoch: u8) -> EpochRoot {
        let (h, keys) = noise.split();
        let mut context = [0; 68];
        context[..4].copy_from_slice(&u32::from(epoch).to_be_bytes());
        context[4..].copy_from_slice(&self.h);
        EpochRoot { root: derive::kdf(&derive::extract(&h, keys.expose()), "epoch root", &context), epoch }
    }

    /// The responder reads RK1 and answers it: the body of RK2, and the root of `epoch`.
    ///
    /// # Errors
    /// `Decrypt`, `PublicKey`, `KemKey`: the attempt is over, the running epoch is untouched.
    pub fn respond(
        &self,
        epoch: u8,
        psk: &RekeyPsk,
        rk1: &[u8; RK1_LEN],
        rng: &mut dyn CryptoRng,
    ) -> Result<(Box<[u8; RK2_LEN]>, EpochRoot), HandshakeFault> {
        let mut noise = self.noise(epoch, psk, rng);
        let encapsulation = draw(rng);
        let mut ek = Zeroizing::new([0; EK_LEN]);
        if noise.read(rk1, true, &mut *ek)? != EK_LEN {
            return Err(HandshakeFault::Decrypt);
        }
        let (ct, psk2) = kem::encapsulate(&ek, &encapsulation).ok_or(HandshakeFault::KemKey)?;
        noise.set_psk2(&psk2);
        let mut body = Box::new([0; RK2_LEN]);
        let (head, message) = body.split_at_mut(CT_LEN);
        head.copy_from_slice(&*ct);
        noise.write(&[], message)?;
        Ok((body, self.root(noise, epoch)))
    }
}

impl core::fmt::Debug for RekeyTerms {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RekeyTerms(…)")
    }
}

/// `psk0` of the rekey to the next epoch: lives until that epoch has started.
#[derive(Clone)]
pub struct RekeyPsk(Secret<32>);

/// What the initiator proves in RK3 that it holds the epoch's root.
#[derive(Clone)]
pub struct RekeyProof(Secret<32>);

impl RekeyProof {
    /// The 32 bytes of RK3.
    #[must_use]
    pub fn to_wire(&self) -> [u8; 32] {
        *self.0.expose()
    }

    /// Whether the bytes of a received RK3 are the right ones; in constant time.
    #[must_use]
    pub fn is(&self, received: &[u8; 32]) -> bool {
        self.0.expose().ct_eq(received).into()
    }
}

/// The root of an epoch, for the moment between a handshake and its keys.
pub struct EpochRoot {
    root: Secret<64>,
    epoch: u8,
}

impl EpochRoot {
    /// Of epoch 0. Take everything else that comes from it first (`continuity`).
    #[must_use]
    pub fn first(established: &Established) -> Self {
        Self { root: established.epoch_root_0(), epoch: 0 }
    }

    /// Takes it apart: the root for the keys, which erase it; the secret of the next rekey; and the proof of RK3.
    #[must_use]
    pub fn open(self, terms: &RekeyTerms) -> (Secret<64>, RekeyPsk, RekeyProof) {
        // Epoch 255 is the last: no rekey will ask for the one after it.
        let psk = derive::kdf(&self.root, "rekey psk", &terms.context(self.epoch.wrapping_add(1)));
        let proof = derive::kdf(&self.root, "rekey ok", b"");
        (self.root, RekeyPsk(psk), RekeyProof(proof))
    }
}

/// The initiator has sent RK1 and awaits RK2.
pub struct AwaitRk2 {
    noise: Noise,
    kem: KemSecret,
    epoch: u8,
}

impl AwaitRk2 {
    /// Starts an attempt with fresh keys; gives the Noise message of RK1.
    ///
    /// # Panics
    /// Never: the pinned key gave a contributory output in the session's handshake.
    #[must_use]
    pub fn start(terms: &RekeyTerms, epoch: u8, psk: &RekeyPsk, rng: &mut dyn CryptoRng) -> (Self, Box<[u8; RK1_LEN]>) {
        let mut noise = terms.noise(epoch, psk, rng);
        let kem = KemSecret::from_seed(&draw(rng));
        let mut message = Box::new([0; RK1_LEN]);
        noise
            .write(kem.encapsulation_key(), &mut *message)
            .expect("RK1 mixes in keys that gave a contributory output before");
        (Self { noise, kem, epoch }, message)
    }

    /// Reads RK2; gives the root of the next epoch.
    ///
    /// # Errors
    /// `Decrypt`, `PublicKey`: the attempt is over, the running epoch is untouched.
    pub fn read(mut self, terms: &RekeyTerms, rk2: &[u8; RK2_LEN]) -> Result<EpochRoot, HandshakeFault> {
        let (ct, message) = rk2.split_first_chunk::<CT_LEN>().ok_or(HandshakeFault::Decrypt)?;
        self.noise.set_psk2(&self.kem.psk2(ct));
        match self.noise.read(message, true, &mut [])? {
            0 => Ok(terms.root(self.noise, self.epoch)),
            _ => Err(HandshakeFault::Decrypt),
        }
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
redacted_debug!(RekeyPsk, RekeyProof, EpochRoot, AwaitRk2);

#[cfg(test)]
mod tests;
