//! Who may ask the relay: credentials of ours that are not expired, and a nonce of ours (RFC 8489 §9.2.4).

use std::{net::SocketAddr, time::Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use turn::auth::{AuthHandler, generate_auth_key};
use zeroize::Zeroizing;

use super::{REALM, stun};
use crate::{
    credentials::{expiry, password},
    os::{random, unix_now},
    relay::stun::Stun,
};

/// Life of a nonce, s: some clients drop a call over a nonce that changes during it.
const NONCE_S: u64 = 3600;

/// What to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// By whom it is.
    Allowed(&'a str),
    /// 401 or 438, with a new nonce.
    Refused(u16),
    /// 400.
    Malformed,
}

/// Checks requests. Nonces are a time and a keyed hash over it and the client's address: they need no memory.
pub struct Authenticator {
    secret: Zeroizing<Vec<u8>>,
    nonce_key: [u8; 32],
    start: Instant,
}

impl Authenticator {
    pub fn new(secret: Zeroizing<Vec<u8>>) -> Self {
        Self { secret, nonce_key: random(), start: Instant::now() }
    }

    /// A nonce for a client: 8 hex digits of time, 32 of hash.
    pub fn nonce(&self, from: SocketAddr) -> String {
        self.nonce_at(self.start.elapsed().as_secs(), from)
    }

    fn nonce_at(&self, at_s: u64, from: SocketAddr) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.nonce_key).expect("HMAC takes a key of any length");
        mac.update(format!("{at_s:08x} {from}").as_bytes());
        let hash: String = mac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{at_s:08x}{hash}")
    }

    fn nonce_is_fresh(&self, nonce: &str, from: SocketAddr) -> bool {
        let Some(at_s) = nonce.get(..8).and_then(|text| u64::from_str_radix(text, 16).ok()) else { return false };
        let age = self.start.elapsed().as_secs().checked_sub(at_s);
        age.is_some_and(|age| age < NONCE_S) && self.nonce_at(at_s, from) == nonce
    }

    /// Checks one request.
    pub fn check<'a>(&self, message: &Stun<'a>, from: SocketAddr) -> Verdict<'a> {
        let Some((covered, tag)) = message.integrity() else { return Verdict::Refused(401) };
        let parts = (message.text(stun::USERNAME), message.text(stun::REALM), message.text(stun::NONCE));
        let (Some(user), Some(realm), Some(nonce)) = parts else { return Verdict::Malformed };
        if !self.nonce_is_fresh(nonce, from) {
            return Verdict::Refused(438);
        }
        let Some(key) = self.key(user, realm) else { return Verdict::Refused(401) };
        let mut mac = Hmac::<Sha1>::new_from_slice(&key).expect("HMAC takes a key of any length");
        mac.update(&covered);
        if mac.verify_slice(tag).is_err() {
            return Verdict::Refused(401);
        }
        Verdict::Allowed(user)
    }

    /// The long-term key of a user whose credentials have not expired.
    fn key(&self, user: &str, realm: &str) -> Option<Vec<u8>> {
        let valid = realm == REALM && expiry(user).is_some_and(|expiry| expiry > unix_now());
        valid.then(|| generate_auth_key(user, realm, &password(&self.secret, user)))
    }
}

impl AuthHandler for Authenticator {
    fn auth_handle(&self, user: &str, realm: &str, _from: SocketAddr) -> Result<Vec<u8>, turn::Error> {
        self.key(user, realm).ok_or(turn::Error::ErrNoSuchUser)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn request(auth: &Authenticator, user: &str, pass: &str, realm: &str, nonce: &str) -> Vec<u8> {
        let mut bytes = vec![0, 3, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        bytes.extend_from_slice(&[7; 12]);
        for (kind, value) in [(stun::USERNAME, user), (stun::REALM, realm), (stun::NONCE, nonce)] {
            stun::put(&mut bytes, kind, value.as_bytes());
        }
        let len = u16::try_from(bytes.len() + 4).unwrap();
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        let mut mac = Hmac::<Sha1>::new_from_slice(&generate_auth_key(user, realm, pass)).unwrap();
        mac.update(&bytes);
        stun::put(&mut bytes, stun::MESSAGE_INTEGRITY, &mac.finalize().into_bytes());
        let _ = auth;
        bytes
    }

    #[test]
    fn only_fresh_credentials_with_a_fresh_nonce_pass() {
        let auth = Authenticator::new(Zeroizing::new(b"secret".to_vec()));
        let from: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        let other: SocketAddr = "192.0.2.1:5001".parse().unwrap();
        let user = format!("{}:0011223344556677", unix_now() + 100);
        let old = format!("{}:0011223344556677", unix_now() - 1);
        let nonce = auth.nonce(from);
        let verdict = |user: &str, secret: &[u8], realm: &str, nonce: &str, from| {
            let bytes = request(&auth, user, &password(secret, user), realm, nonce);
            let message = Stun::parse(&bytes).unwrap();
            match auth.check(&message, from) {
                Verdict::Allowed(name) => {
                    assert_eq!(name, user);
                    200
                }
                Verdict::Refused(code) => code,
                Verdict::Malformed => 400,
            }
        };
        assert_eq!(verdict(&user, b"secret", REALM, &nonce, from), 200);
        assert_eq!(verdict(&user, b"other", REALM, &nonce, from), 401);
        assert_eq!(verdict(&user, b"secret", "elsewhere", &nonce, from), 401);
        assert_eq!(verdict(&old, b"secret", REALM, &nonce, from), 401);
        assert_eq!(verdict("anybody", b"secret", REALM, &nonce, from), 401);
        assert_eq!(verdict(&user, b"secret", REALM, &nonce, other), 438);
        assert_eq!(verdict(&user, b"secret", REALM, "", from), 438);
        assert_eq!(verdict(&user, b"secret", REALM, &auth.nonce_at(5000, from), from), 438, "from the future");
    }

    #[test]
    fn an_old_nonce_is_stale() {
        let mut auth = Authenticator::new(Zeroizing::new(b"secret".to_vec()));
        let from: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        let nonce = auth.nonce(from);
        assert!(auth.nonce_is_fresh(&nonce, from));
        let Some(earlier) = auth.start.checked_sub(std::time::Duration::from_secs(NONCE_S)) else { return };
        auth.start = earlier;
        assert!(!auth.nonce_is_fresh(&nonce, from));
    }
}
