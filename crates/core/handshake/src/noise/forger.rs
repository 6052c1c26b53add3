//! One who passes for somebody else, for tests and for the adversary kit: it does all that can be computed from the secrets
//! that it has, so that what it can't do shows what the others are worth.

use core::sync::atomic::{AtomicBool, Ordering};

use snow::{
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::CryptoResolver,
    types::{Cipher, Dh, Hash, Random},
};
use sotto_identity::{IdentityKey, PublicKey, Secret};
use sotto_wire::Role;

use super::{AesGcm, Noise, Pattern, Resolver, Start};

/// Stands where an output of X25519 is needed that can't be computed. Any other would be as good.
const GUESS: [u8; 32] = [0x5a; 32];

/// Passes, in a handshake of pinned keys, for somebody whose secret key it need not have.
#[derive(Clone)]
pub struct Forger {
    claimed: PublicKey,
    peer: PublicKey,
    held: Vec<IdentityKey>,
}

impl Forger {
    /// Passes for the owner of `claimed` towards the owner of `peer`. Both public keys go into the handshake as in an honest
    /// one. `held` are the secret keys that it has got: of either or of neither, long-term or ephemeral.
    #[must_use]
    pub fn new(claimed: PublicKey, peer: PublicKey, held: &[&IdentityKey]) -> Self {
        Self { claimed, peer, held: held.iter().map(|&key| key.clone()).collect() }
    }

    /// For whom it passes.
    #[must_use]
    pub const fn claimed(&self) -> &PublicKey {
        &self.claimed
    }

    /// Towards whom.
    #[must_use]
    pub const fn peer(&self) -> &PublicKey {
        &self.peer
    }

    /// Its Noise. Reading never fails for a false tag: it goes on with the keys that it has come to.
    pub(crate) fn noise(&self, role: Role, psk0: &Secret<32>, prologue: &[u8], ephemeral: &Secret<32>) -> Noise {
        let start = Start {
            pattern: Pattern::Kk,
            role,
            own: &Secret::new([0; 32]), // not used: see `ClaimedKey`
            peer: Some(self.peer.as_bytes()),
            psk0,
            prologue,
            ephemeral,
        };
        let honest = Resolver { ephemeral: ephemeral.clone() };
        let resolver = ForgerResolver { honest, forger: self.clone(), has_static: AtomicBool::new(false) };
        Noise::with(&start, Box::new(resolver))
    }

    /// X25519 of the claimed key and another, if either secret is held.
    fn shared(&self, with: &PublicKey) -> Option<Secret<32>> {
        let secret_of = |public: &PublicKey| self.held.iter().find(|key| key.public().as_bytes() == public.as_bytes());
        let sides = [(&self.claimed, with), (with, &self.claimed)];
        sides.into_iter().find_map(|(of, other)| secret_of(of)?.diffie_hellman(other).ok())
    }
}

impl core::fmt::Debug for Forger {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Forger(…)")
    }
}

struct ForgerResolver {
    honest: Resolver,
    forger: Forger,
    has_static: AtomicBool,
}

impl CryptoResolver for ForgerResolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        self.honest.resolve_rng()
    }
    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        // `snow` asks for the static key first, then for the ephemeral one, which is the forger's own.
        if self.has_static.swap(true, Ordering::Relaxed) {
            return self.honest.resolve_dh(choice);
        }
        Some(Box::new(ClaimedKey(self.forger.clone())))
    }
    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        self.honest.resolve_hash(choice)
    }
    fn resolve_cipher(&self, _: &CipherChoice) -> Option<Box<dyn Cipher>> {
        Some(Box::new(Careless(AesGcm::new(&[0; 32]))))
    }
}

/// In place of the static key.
struct ClaimedKey(Forger);

impl Dh for ClaimedKey {
    fn name(&self) -> &'static str {
        "25519"
    }
    fn pub_len(&self) -> usize {
        32
    }
    fn priv_len(&self) -> usize {
        32
    }
    fn set(&mut self, _: &[u8]) {}
    fn generate(&mut self, _: &mut dyn Random) -> Result<(), snow::Error> {
        Err(snow::Error::Rng)
    }
    fn pubkey(&self) -> &[u8] {
        self.0.claimed.as_bytes()
    }
    fn privkey(&self) -> &[u8] {
        &[]
    }
    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        let with = pubkey.get(..32).and_then(|key| PublicKey::from_bytes(key).ok()).ok_or(snow::Error::Dh)?;
        let shared = self.0.shared(&with).unwrap_or_else(|| Secret::new(GUESS));
        out.get_mut(..32).ok_or(snow::Error::Dh)?.copy_from_slice(shared.expose());
        Ok(())
    }
}

/// Opens what has a false tag as well.
struct Careless(AesGcm);

impl Cipher for Careless {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn set(&mut self, key: &[u8; 32]) {
        self.0.set(key);
    }
    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        self.0.encrypt(nonce, authtext, plaintext, out)
    }
    fn decrypt(&self, nonce: u64, authtext: &[u8], ciphertext: &[u8], out: &mut [u8]) -> Result<usize, snow::Error> {
        self.0.decrypt(nonce, authtext, ciphertext, out).or_else(|error| {
            let len = ciphertext.len().checked_sub(16).filter(|&len| len <= out.len()).ok_or(error)?;
            // Zeros sealed are the key stream.
            let mut stream = vec![0; ciphertext.len()];
            self.0.encrypt(nonce, authtext, &vec![0; len], &mut stream);
            for ((text, sealed), mask) in out.iter_mut().zip(&ciphertext[..len]).zip(stream) {
                *text = sealed ^ mask;
            }
            Ok(len)
        })
    }
}

#[cfg(test)]
mod tests;
