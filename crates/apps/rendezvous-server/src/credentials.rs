//! Relay credentials after the REST scheme that coturn knows as `use-auth-secret` (PROTOCOL §9.5).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sotto_wire::server::TurnCredentials;
use zeroize::Zeroizing;

use crate::os::random;

/// Life of credentials, s: longer than any call, since some relays check the expiry at every request.
pub const TTL_S: u64 = 12 * 3600;

/// Issues credentials for relays that know the same secret.
pub struct Issuer {
    secret: Zeroizing<Vec<u8>>,
    urls: Vec<String>,
}

impl Issuer {
    pub fn new(secret: Zeroizing<Vec<u8>>, urls: Vec<String>) -> Self {
        Self { secret, urls }
    }

    /// New ones, never the same twice.
    pub fn issue(&self, unix_now: u64) -> TurnCredentials {
        let expiry = u32::try_from(unix_now.saturating_add(TTL_S)).unwrap_or(u32::MAX);
        let tag: String = random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        let username = format!("{expiry}:{tag}");
        let password = password(&self.secret, &username);
        TurnCredentials { expiry, username, password, urls: self.urls.clone() }
    }
}

/// `base64(HMAC-SHA1(secret, username))`.
pub fn password(secret: &[u8], username: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(username.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The expiry in a username of ours, `expiry:16 hex`; `None` for any other form.
pub fn expiry(username: &str) -> Option<u64> {
    let (expiry, tag) = username.split_once(':')?;
    let digits = !expiry.is_empty() && expiry.len() <= 10 && expiry.bytes().all(|byte| byte.is_ascii_digit());
    let hex = tag.len() == 16 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits && hex { expiry.parse().ok() } else { None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_what_openssl_gives() {
        // printf '1700000000:0011223344556677' | openssl dgst -sha1 -hmac testsecret -binary | base64
        assert_eq!(password(b"testsecret", "1700000000:0011223344556677"), "h0uvsL36icyH4HBfYYaUYpNhP3w=");
    }

    #[test]
    fn credentials_expire_after_twelve_hours_and_differ() {
        let issuer = Issuer::new(Zeroizing::new(b"x".to_vec()), vec!["turn:192.0.2.1:3478?transport=udp".into()]);
        let (a, b) = (issuer.issue(1000), issuer.issue(1000));
        assert_eq!(a.expiry, 1000 + 43_200);
        assert_eq!(expiry(&a.username), Some(1000 + 43_200));
        assert_ne!(a.username, b.username);
        assert_eq!(a.password, password(b"x", &a.username));
    }

    #[test]
    fn foreign_usernames_have_no_expiry() {
        for name in ["", ":", "1", "1:", "x:0011223344556677", "+1:0011223344556677", "1:00112233445566zz", "1:0:1"] {
            assert_eq!(expiry(name), None, "{name}");
        }
    }
}
