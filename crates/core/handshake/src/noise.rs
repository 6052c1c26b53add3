//! Noise through `snow`, with our own primitives (PROTOCOL §1, §1.2): X25519 of `x25519-dalek`, AES-256-GCM and SHA-512
//! of `ring`, and randomness that the caller drew.

use ring::{aead, digest};
use snow::{
    Builder, HandshakeState,
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{BoxedCryptoResolver, CryptoResolver},
    types::{Cipher, Dh, Hash, Random},
};
use sotto_identity::Secret;
use sotto_wire::Role;
use x25519_dalek::{PublicKey, StaticSecret};

use crate::fault::HandshakeFault;

/// Which handshake pattern (Noise §7.5, §9.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// First contact, three messages.
    Xx,
    /// Pinned contact, two messages.
    Kk,
}

impl Pattern {
    const fn name(self) -> &'static str {
        match self {
            Self::Xx => "Noise_XXpsk0+psk2_25519_AESGCM_SHA512",
            Self::Kk => "Noise_KKpsk0+psk2_25519_AESGCM_SHA512",
        }
    }
}

/// The bytes that start a handshake.
pub(crate) struct Start<'a> {
    pub(crate) pattern: Pattern,
    pub(crate) role: Role,
    pub(crate) own: &'a Secret<32>,
    pub(crate) peer: Option<&'a [u8; 32]>,
    pub(crate) psk0: &'a Secret<32>,
    pub(crate) prologue: &'a [u8],
    pub(crate) ephemeral: &'a Secret<32>,
}

/// One Noise handshake. A state whose `read` failed must be dropped: `snow` does not roll all of it back.
pub(crate) struct Noise(HandshakeState);

impl Noise {
    pub(crate) fn start(start: &Start<'_>) -> Self {
        Self::with(start, Box::new(Resolver { ephemeral: start.ephemeral.clone() }))
    }

    fn with(start: &Start<'_>, resolver: BoxedCryptoResolver) -> Self {
        Self(build(start, resolver).expect("keys, psk and prologue of fixed lengths fit the pattern"))
    }

    pub(crate) fn set_psk2(&mut self, psk2: &Secret<32>) {
        self.0.set_psk(2, psk2.expose()).expect("32 bytes at place 2");
    }

    /// Writes the next message; `out` must hold exactly the message.
    pub(crate) fn write(&mut self, payload: &[u8], out: &mut [u8]) -> Result<(), HandshakeFault> {
        let written = self.0.write_message(payload, out).map_err(|error| sort(&error))?;
        debug_assert_eq!(written, out.len(), "cells are filled to the last byte");
        Ok(())
    }

    /// Reads the next message, which starts with the other side's ephemeral key if `starts_with_e`.
    pub(crate) fn read(
        &mut self,
        message: &[u8],
        starts_with_e: bool,
        payload: &mut [u8],
    ) -> Result<usize, HandshakeFault> {
        // Before any Diffie-Hellman (PROTOCOL, Appendix D).
        if starts_with_e && !message.first_chunk().is_some_and(is_canonical) {
            return Err(HandshakeFault::PublicKey);
        }
        self.0.read_message(message, payload).map_err(|error| sort(&error))
    }

    /// The handshake hash `h`.
    pub(crate) fn hash(&self) -> [u8; 64] {
        *self.0.get_handshake_hash().first_chunk().expect("SHA-512 has 64 bytes")
    }

    pub(crate) fn remote_static(&self) -> Option<[u8; 32]> {
        self.0.get_remote_static().and_then(|key| key.try_into().ok())
    }

    /// `h` and `k1 ‖ k2`.
    pub(crate) fn split(mut self) -> ([u8; 64], Secret<64>) {
        let h = self.hash();
        let (mut k1, mut k2) = self.0.dangerously_get_raw_split();
        let mut keys = [0; 64];
        keys[..32].copy_from_slice(&k1);
        keys[32..].copy_from_slice(&k2);
        let secret = Secret::new(keys);
        for buffer in [&mut keys[..], &mut k1, &mut k2] {
            zeroize::Zeroize::zeroize(buffer);
        }
        (h, secret)
    }
}

fn build(start: &Start<'_>, resolver: BoxedCryptoResolver) -> Result<HandshakeState, snow::Error> {
    let mut builder = Builder::with_resolver(start.pattern.name().parse()?, resolver)
        .local_private_key(start.own.expose())?
        .prologue(start.prologue)?
        .psk(0, start.psk0.expose())?;
    if let Some(peer) = start.peer {
        builder = builder.remote_public_key(peer)?;
    }
    match start.role {
        Role::Initiator => builder.build_initiator(),
        Role::Responder => builder.build_responder(),
    }
}

fn sort(error: &snow::Error) -> HandshakeFault {
    match error {
        snow::Error::Dh => HandshakeFault::PublicKey,
        _ => HandshakeFault::Decrypt,
    }
}

/// Top bit clear and below 2^255 − 19, so that a key has one encoding (PROTOCOL §2.1). These are public values.
pub(crate) fn is_canonical(key: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = key;
    *high < 0x7f || (*high == 0x7f && (middle.iter().any(|&byte| byte != 0xff) || *low < 0xed))
}

struct Resolver {
    ephemeral: Secret<32>,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Drawn(Some(self.ephemeral.clone()))))
    }
    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::new(X25519::default()) as Box<dyn Dh>)
    }
    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA512)
            .then(|| Box::new(Sha512(digest::Context::new(&digest::SHA512))) as Box<dyn Hash>)
    }
    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::AESGCM).then(|| Box::new(AesGcm::new(&[0; 32])) as Box<dyn Cipher>)
    }
}

/// The caller's 32 bytes, once: a handshake has one ephemeral key.
struct Drawn(Option<Secret<32>>);

impl Random for Drawn {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), snow::Error> {
        let bytes = self.0.take().ok_or(snow::Error::Rng)?;
        if dest.len() != 32 {
            return Err(snow::Error::Rng);
        }
        dest.copy_from_slice(bytes.expose());
        Ok(())
    }
}

/// X25519 (RFC 7748) that refuses non-canonical keys and zero outputs.
struct X25519 {
    secret: StaticSecret,
    public: [u8; 32],
}

impl Default for X25519 {
    fn default() -> Self {
        Self { secret: StaticSecret::from([0; 32]), public: [0; 32] }
    }
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }
    fn pub_len(&self) -> usize {
        32
    }
    fn priv_len(&self) -> usize {
        32
    }
    fn set(&mut self, privkey: &[u8]) {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(privkey);
        self.secret = StaticSecret::from(bytes);
        zeroize::Zeroize::zeroize(&mut bytes);
        self.public = PublicKey::from(&self.secret).to_bytes();
    }
    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), snow::Error> {
        let mut bytes = [0; 32];
        rng.try_fill_bytes(&mut bytes)?;
        self.set(&bytes);
        zeroize::Zeroize::zeroize(&mut bytes);
        Ok(())
    }
    fn pubkey(&self) -> &[u8] {
        &self.public
    }
    fn privkey(&self) -> &[u8] {
        self.secret.as_bytes()
    }
    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        // `snow` hands its whole key buffer over; the key is its head.
        let public = pubkey.first_chunk::<32>().filter(|key| is_canonical(key)).ok_or(snow::Error::Dh)?;
        let shared = self.secret.diffie_hellman(&PublicKey::from(*public));
        if !shared.was_contributory() {
            return Err(snow::Error::Dh);
        }
        out.get_mut(..32).ok_or(snow::Error::Dh)?.copy_from_slice(shared.as_bytes());
        #[cfg(feature = "noted-for-test")]
        sotto_identity::noted::note("X25519", b"", shared.as_bytes());
        Ok(())
    }
}

struct Sha512(digest::Context);

impl Hash for Sha512 {
    fn name(&self) -> &'static str {
        "SHA512"
    }
    fn block_len(&self) -> usize {
        128
    }
    fn hash_len(&self) -> usize {
        64
    }
    fn reset(&mut self) {
        self.0 = digest::Context::new(&digest::SHA512);
    }
    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }
    fn result(&mut self, out: &mut [u8]) {
        out[..64].copy_from_slice(self.0.clone().finish().as_ref());
    }
    /// As `snow` does it: chaining keys and what is split off them come out of here.
    #[cfg(feature = "noted-for-test")]
    fn hmac(&mut self, key: &[u8], data: &[u8], out: &mut [u8]) {
        let pad = |with: u8| {
            let mut pad = [with; 128];
            pad.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
            pad
        };
        let mut inner = [0; 64];
        self.reset();
        self.input(&pad(0x36));
        self.input(data);
        self.result(&mut inner);
        self.reset();
        self.input(&pad(0x5c));
        self.input(&inner);
        self.result(out);
        sotto_identity::noted::note("Noise HMAC", b"", &out[..64]);
    }
}

struct AesGcm(aead::LessSafeKey);

impl AesGcm {
    fn new(key: &[u8; 32]) -> Self {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).expect("AES-256 keys have 32 bytes");
        Self(aead::LessSafeKey::new(key))
    }

    /// Noise §12.4: 32 zero bits, then the counter, big-endian.
    fn nonce(counter: u64) -> aead::Nonce {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&counter.to_be_bytes());
        aead::Nonce::assume_unique_for_key(bytes)
    }
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }
    fn set(&mut self, key: &[u8; 32]) {
        *self = Self::new(key);
        #[cfg(feature = "noted-for-test")]
        sotto_identity::noted::note("Noise cipher key", b"", key);
    }
    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let (text, rest) = out.split_at_mut(plaintext.len());
        text.copy_from_slice(plaintext);
        let tag = self
            .0
            .seal_in_place_separate_tag(Self::nonce(nonce), aead::Aad::from(authtext), text)
            .expect("handshake messages are far below the limit of AES-GCM");
        rest[..16].copy_from_slice(tag.as_ref());
        plaintext.len() + 16
    }
    fn decrypt(&self, nonce: u64, authtext: &[u8], ciphertext: &[u8], out: &mut [u8]) -> Result<usize, snow::Error> {
        let Some(len) = ciphertext.len().checked_sub(16).filter(|&len| len <= out.len()) else {
            return Err(snow::Error::Decrypt);
        };
        let mut buffer = ciphertext.to_vec();
        let opened = self.0.open_in_place(Self::nonce(nonce), aead::Aad::from(authtext), &mut buffer);
        let result = opened.map(|text| out[..len].copy_from_slice(text)).map_err(|_| snow::Error::Decrypt);
        zeroize::Zeroize::zeroize(&mut buffer);
        result.map(|()| len)
    }
}

#[cfg(any(test, feature = "cheat"))]
pub(crate) mod forger;
#[cfg(test)]
pub(crate) mod tests;
