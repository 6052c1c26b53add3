//! Whether both sides were in the session that was interrupted a moment ago (PROTOCOL §8).

use rand_core::CryptoRng;
use sotto_identity::{Secret, derive};
use sotto_wire::Role;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::draw;

pub(crate) const TAG_LEN: usize = 16;

fn tag(hs_root: &Secret<64>, from: Role, key: &Secret<32>) -> Secret<TAG_LEN> {
    let mut context = Zeroizing::new([0; 33]);
    context[0] = u8::from(from == Role::Responder);
    context[1..].copy_from_slice(key.expose());
    derive::kdf(hs_root, "resume tag", &*context)
}

/// A side's tag of the key it has; random without one.
pub(crate) fn own(
    hs_root: &Secret<64>,
    from: Role,
    key: Option<&Secret<32>>,
    rng: &mut dyn CryptoRng,
) -> Secret<TAG_LEN> {
    key.map_or_else(|| draw(rng), |key| tag(hs_root, from, key))
}

/// Whether the other side's tag is of the key that we have; in constant time.
pub(crate) fn is_of(hs_root: &Secret<64>, from: Role, key: Option<&Secret<32>>, theirs: &[u8; TAG_LEN]) -> bool {
    key.is_some_and(|key| bool::from(tag(hs_root, from, key).expose().ct_eq(theirs)))
}
