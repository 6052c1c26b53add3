//! Invite pairing and authenticated key agreement as state machines (PROTOCOL §3, §4, §5.1, §6.2).
//!
//! This crate owns how two people get a common secret: invites and spoken codes, CPace, Noise with ML-KEM-768, the
//! commitment, the session words, and the sealed signalling channel that follows. One struct per awaited message;
//! transitions consume; a state that met an error is gone, so nothing is ever tried twice with the same keys.
//!
//! It deliberately knows no socket, no clock and no storage: the caller brings cells, milliseconds and randomness, counts
//! attempts, and makes the contact durable between [`FirstHs2::finish`] and sending what it gave.
//!
//! ```
//! # fn main() -> Result<(), sotto_handshake::HandshakeFault> {
//! # struct Rng(u64);
//! # impl rand_core::TryRng for Rng {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok(self.try_next_u64()? as u32) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
//! #         self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
//! #         Ok(self.0 >> 7)
//! #     }
//! #     fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
//! #         for byte in dst { *byte = self.try_next_u64()? as u8; }
//! #         Ok(())
//! #     }
//! # }
//! # impl rand_core::TryCryptoRng for Rng {}
//! # let rng = &mut Rng(1);
//! use sotto_handshake::{AwaitHs2, AwaitHs3, Params, Purpose};
//! use sotto_identity::{IdentityKey, Secret};
//!
//! let (client, therapist) = (IdentityKey::generate(rng), IdentityKey::generate(rng));
//! let (address, psk0) = ([7; 32], Secret::new([9; 32]));
//! let purpose = Purpose::Code { context: [5; 32] };
//!
//! let (client_state, hs1) = AwaitHs2::start(Params::initiator(purpose, address, psk0.clone(), 1), &client, None, rng);
//! let params = Params::responder(purpose, address, psk0, &hs1);
//! let (therapist_state, hs2) = AwaitHs3::respond(params, &therapist, &hs1, None, rng)?;
//! let (hs3, at_client) = client_state.read(&hs2)?.finish()?;
//! let at_therapist = therapist_state.read(&hs3)?;
//! assert_eq!(at_client.session_hash(), at_therapist.session_hash());
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod address;
pub mod cpace;

mod code;
mod continuity;
#[cfg(feature = "dangerous-plaintext-for-test")]
pub mod dangerous_plaintext;
mod established;
mod fault;
mod initiator;
mod invite;
mod join_text;
#[cfg(test)]
mod kat;
mod kem;
#[cfg(feature = "lying-candidates-for-test")]
pub mod lying_candidates;
mod noise;
mod params;
mod payload;
mod rekey;
mod responder;
mod resume;
mod sas;
mod sig_channel;
mod url;

pub use code::{CODE_LIFETIME_S, CODE_MAX_LIFETIME_S, CodeSecret, SpokenCode};
pub use continuity::Continuity;
pub use established::{Binding, Established};
pub use fault::{HandshakeFault, SigFault};
pub use initiator::{AwaitHs2, AwaitKkHs2, FirstHs2};
pub use invite::{INVITE_LIFETIME_S, INVITE_MAX_LIFETIME_S, INVITE_QR_LIFETIME_S, Invite, InviteError, InviteKeys};
pub use join_text::{JoinError, JoinText, parse_join_text};
#[cfg(any(test, feature = "cheat"))]
pub use noise::forger::Forger;
pub use params::{Params, Purpose};
pub use rekey::{AwaitRk2, EpochRoot, RekeyProof, RekeyPsk, RekeyTerms};
pub use responder::{AwaitConfirm, AwaitHs3, seen_hs1};
pub use sas::{Candidates, SessionWords};
pub use sig_channel::{Received, SigChannel};
pub use url::{RendezvousUrl, UrlError};

/// Draws `N` secret bytes from the caller's generator.
pub(crate) fn draw<const N: usize>(rng: &mut dyn rand_core::CryptoRng) -> sotto_identity::Secret<N> {
    let mut bytes = zeroize::Zeroizing::new([0; N]);
    rng.fill_bytes(&mut *bytes);
    sotto_identity::Secret::new(*bytes)
}
