//! Which secret of earlier sessions both sides still hold (PROTOCOL §4.7).

use rand_core::CryptoRng;
use sotto_identity::{Secret, derive};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::draw;

/// A contact's continuity secrets: the current one, and the one before while a commit is unconfirmed.
pub type Continuity<'a> = [Option<&'a Secret<32>>; 2];

pub(crate) const TAG_LEN: usize = 16;
const CLIENT: u8 = 0;
const THERAPIST: u8 = 1;

fn tag(hs_root: &Secret<64>, from: u8, secret: &Secret<32>) -> Secret<TAG_LEN> {
    let mut context = Zeroizing::new([0; 33]);
    context[0] = from;
    context[1..].copy_from_slice(secret.expose());
    derive::kdf(hs_root, "cont tag", &*context)
}

/// The client's two tags; a random one for a secret that it does not hold.
pub(crate) fn tags(hs_root: &Secret<64>, held: Continuity<'_>, rng: &mut dyn CryptoRng) -> [u8; 2 * TAG_LEN] {
    let mut tags = [0; 2 * TAG_LEN];
    for (place, secret) in tags.chunks_exact_mut(TAG_LEN).zip(held) {
        let tag = secret.map_or_else(|| draw(rng), |secret| tag(hs_root, CLIENT, secret));
        place.copy_from_slice(tag.expose());
    }
    tags
}

/// The therapist's search: which of the client's tags (0 none, 1 current, 2 previous) is of a secret that it holds too.
/// All four pairs are looked at, and the first counts.
pub(crate) fn find<'a>(
    hs_root: &Secret<64>,
    tags: &[u8; 2 * TAG_LEN],
    held: Continuity<'a>,
) -> (u8, Option<&'a Secret<32>>) {
    let mut found = 0_u8;
    for (number, theirs) in (1_u8..).zip(tags.chunks_exact(TAG_LEN)) {
        for (index, own) in (0_u8..).zip(held) {
            if let Some(own) = own {
                let hit = tag(hs_root, CLIENT, own).expose().ct_eq(theirs) & found.ct_eq(&0);
                found.conditional_assign(&(number << 1 | index), hit);
            }
        }
    }
    if found == 0 { (0, None) } else { (found >> 1, held[usize::from(found & 1)]) }
}

/// What the therapist says in ACK: the number, and the proof that it holds that secret; random without one.
pub(crate) fn answer(
    hs_root: &Secret<64>,
    number: u8,
    secret: Option<&Secret<32>>,
    rng: &mut dyn CryptoRng,
) -> [u8; 1 + TAG_LEN] {
    let proof = secret.map_or_else(|| draw(rng), |secret| tag(hs_root, THERAPIST, secret));
    let mut value = [number; 1 + TAG_LEN];
    value[1..].copy_from_slice(proof.expose());
    value
}

/// The client's look at the proof: the secret that both hold. `None` if it is wrong.
pub(crate) fn check<'a>(
    hs_root: &Secret<64>,
    number: u8,
    proof: &[u8],
    held: Continuity<'a>,
) -> Option<&'a Secret<32>> {
    let secret = (*held.get(usize::from(number).checked_sub(1)?)?)?;
    bool::from(tag(hs_root, THERAPIST, secret).expose().ct_eq(proof)).then_some(secret)
}
