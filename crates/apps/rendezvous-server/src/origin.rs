//! Where connections come from, as keyed hashes (PROTOCOL §9.3).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sotto_mailbox::AddressKey;

use crate::os::random;

const RENEW: Duration = Duration::from_secs(3600);

/// The part of an address that limits count by: IPv4 whole, IPv6 its /64.
fn counted(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    }
}

fn keyed(key: &[u8; 32], ip: IpAddr) -> AddressKey {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(&counted(ip));
    let mut out = [0; 16];
    out.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    AddressKey(out)
}

/// Makes [`AddressKey`]s with a key that is renewed hourly. A limit per hour may so start anew once an hour.
pub struct AddressKeys {
    key: [u8; 32],
    made: Instant,
}

impl AddressKeys {
    pub fn new() -> Self {
        Self { key: random(), made: Instant::now() }
    }

    pub fn key(&mut self, ip: IpAddr) -> AddressKey {
        if self.made.elapsed() >= RENEW {
            *self = Self::new();
        }
        keyed(&self.key, ip)
    }
}

/// Counts live connections per address. Under a key of its own that lives with the process: a renewed one would
/// forget connections that are still there. An entry ends with its last connection.
pub struct Live {
    key: [u8; 32],
    counts: Mutex<HashMap<AddressKey, usize>>,
}

/// One counted connection.
pub struct LiveGuard {
    live: Arc<Live>,
    key: AddressKey,
}

impl Live {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { key: random(), counts: Mutex::default() })
    }

    /// Counts one more; `None` if that is one too many for the address or altogether.
    pub fn enter(self: &Arc<Self>, ip: IpAddr, per_address: usize, altogether: usize) -> Option<LiveGuard> {
        let key = keyed(&self.key, ip);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.values().sum::<usize>() >= altogether || counts.get(&key).is_some_and(|&count| count >= per_address) {
            return None;
        }
        *counts.entry(key).or_default() += 1;
        Some(LiveGuard { live: Arc::clone(self), key })
    }
}

impl Drop for LiveGuard {
    fn drop(&mut self) {
        let mut counts = self.live.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_counts_as_one_and_a_mapped_address_as_ipv4() {
        let mut keys = AddressKeys::new();
        let mut key = |text: &str| keys.key(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }

    #[test]
    fn live_connections_are_counted_until_they_end() {
        let live = Live::new();
        let (a, b): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let first = live.enter(a, 2, 3).unwrap();
        let _second = live.enter(a, 2, 3).unwrap();
        assert!(live.enter(a, 2, 3).is_none());
        let _third = live.enter(b, 2, 3).unwrap();
        drop(first);
        let _fourth = live.enter(b, 2, 3).unwrap();
        assert!(live.enter(a, 2, 3).is_none(), "altogether");
    }
}
