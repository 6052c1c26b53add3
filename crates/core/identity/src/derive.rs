//! Key derivation helpers (PROTOCOL §1.1). All labels are written without the `TSP1 ` prefix.

use hkdf::Hkdf;
use sha2::{Digest, Sha512};
use zeroize::Zeroize;

use crate::Secret;

const PREFIX: &[u8] = b"TSP1 ";

/// `Extract(salt, ikm)`: HKDF-Extract with SHA-512 (RFC 5869 §2.2).
#[must_use]
pub fn extract(salt: &[u8], ikm: &[u8]) -> Secret<64> {
    let (mut prk, _) = Hkdf::<Sha512>::extract(Some(salt), ikm);
    let mut bytes = [0; 64];
    bytes.copy_from_slice(&prk);
    prk.as_mut_slice().zeroize();
    #[cfg(feature = "noted-for-test")]
    {
        let salt = core::str::from_utf8(salt).unwrap_or("h");
        crate::noted::note(&format!("Extract({salt}) of"), b"", ikm);
        crate::noted::note(&format!("Extract({salt})"), b"", &bytes);
    }
    Secret::new(bytes)
}

/// `KDF(prk, label, ctx, N)`: HKDF-Expand with an injective info.
///
/// # Panics
/// If `label` is longer than 250 bytes, `context` than 65535, or `N` above 16320: all are constants of the protocol.
#[must_use]
pub fn kdf<const N: usize>(prk: &Secret<64>, label: &str, context: &[u8]) -> Secret<N> {
    let mut info = Vec::with_capacity(PREFIX.len() + label.len() + context.len() + 5);
    info.push(u8::try_from(PREFIX.len() + label.len()).expect("labels are short constants"));
    info.extend_from_slice(PREFIX);
    info.extend_from_slice(label.as_bytes());
    info.extend_from_slice(&u16::try_from(context.len()).expect("contexts are short").to_be_bytes());
    info.extend_from_slice(context);
    info.extend_from_slice(&u16::try_from(N).expect("outputs are short").to_be_bytes());
    let secret = expand_unnoted(prk, &info);
    info.zeroize();
    #[cfg(feature = "noted-for-test")]
    crate::noted::note(label, context, secret.expose());
    secret
}

/// Plain HKDF-Expand with SHA-512 (RFC 5869 §2.3), for labels that other specifications fix.
///
/// # Panics
/// If `N` is above 16320.
#[must_use]
pub fn expand<const N: usize>(prk: &Secret<64>, info: &[u8]) -> Secret<N> {
    let secret = expand_unnoted(prk, info);
    #[cfg(feature = "noted-for-test")]
    {
        let text = info.iter().take_while(|byte| byte.is_ascii_graphic() || **byte == b' ').count();
        let (label, context) = info.split_at(text);
        crate::noted::note(&String::from_utf8_lossy(label), context, secret.expose());
    }
    secret
}

fn expand_unnoted<const N: usize>(prk: &Secret<64>, info: &[u8]) -> Secret<N> {
    let mut out = [0; N];
    Hkdf::<Sha512>::from_prk(prk.expose())
        .expect("a PRK of 64 bytes is long enough for SHA-512")
        .expand(info, &mut out)
        .expect("N is at most 255 × 64");
    let secret = Secret::new(out);
    out.zeroize();
    secret
}

/// `H(label; parts…)`: SHA-512 over a length-prefixed label and length-prefixed parts.
///
/// # Panics
/// If a part is longer than `u32::MAX`.
#[must_use]
pub fn hash(label: &str, parts: &[&[u8]]) -> [u8; 64] {
    let mut hasher = Sha512::new();
    hasher.update([u8::try_from(PREFIX.len() + label.len()).expect("labels are short constants")]);
    hasher.update(PREFIX);
    hasher.update(label.as_bytes());
    for part in parts {
        hasher.update(u32::try_from(part.len()).expect("parts are short").to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
