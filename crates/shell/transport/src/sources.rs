//! From whom datagrams are taken (T27).
//!
//! The crate feeds DTLS and SRTP from any address into the connection once ICE is up: a stranger who finds the port can
//! end a handshake with one forged alert. So the socket asks here first, and STUN alone, which carries its own proof,
//! comes from everywhere.

use core::net::SocketAddr;
use std::sync::{Mutex, PoisonError, RwLock};

use crate::datagram;

/// Addresses kept for direct connections; more means that a peer sends us probing.
const MAX_PEERS: usize = 256;

/// Relays, as the crate names them, with their addresses.
pub(crate) type Resolved = Vec<(String, Vec<SocketAddr>)>;

/// See the module.
pub(crate) struct Sources {
    relay_only: bool,
    /// `host:port` of each relay with its addresses, resolved by us. A restart may bring other relays.
    relays: RwLock<Resolved>,
    /// Where the peer may send from: its candidates, and with direct connections whom we answered.
    peers: Mutex<Vec<SocketAddr>>,
}

impl Sources {
    pub(crate) fn new(relay_only: bool, relays: Resolved) -> Self {
        Self { relay_only, relays: RwLock::new(relays), peers: Mutex::default() }
    }

    /// Other relays from now on. The peer's earlier addresses count no more.
    pub(crate) fn restart(&self, relays: Resolved) {
        *self.relays.write().unwrap_or_else(PoisonError::into_inner) = relays;
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Addresses of a relay that we resolved; nothing else is ever looked up.
    pub(crate) fn resolve(&self, host: &str) -> Option<Vec<SocketAddr>> {
        let relays = self.relays.read().unwrap_or_else(PoisonError::into_inner);
        relays.iter().find(|(name, _)| name == host).map(|(_, addresses)| addresses.clone())
    }

    /// Addresses of all relays.
    pub(crate) fn relay_addresses(&self) -> Vec<SocketAddr> {
        let relays = self.relays.read().unwrap_or_else(PoisonError::into_inner);
        relays.iter().flat_map(|(_, addresses)| addresses.clone()).collect()
    }

    fn is_relay(&self, address: SocketAddr) -> bool {
        let relays = self.relays.read().unwrap_or_else(PoisonError::into_inner);
        relays.iter().any(|(_, addresses)| addresses.contains(&address))
    }

    /// The peer may send from here.
    pub(crate) fn add_peer(&self, address: SocketAddr) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() < MAX_PEERS && !peers.contains(&address) {
            peers.push(address);
        }
    }

    /// We sent to this address. Directly, the crate sends to strangers only after an authentic ICE check.
    pub(crate) fn sent_to(&self, address: SocketAddr) {
        if !self.relay_only && !self.is_relay(address) {
            self.add_peer(address);
        }
    }

    /// Whether a datagram from `from` may go on.
    pub(crate) fn admits(&self, from: SocketAddr, datagram: &[u8]) -> bool {
        let is_peer = |address| self.peers.lock().unwrap_or_else(PoisonError::into_inner).contains(&address);
        if self.is_relay(from) {
            // ChannelData comes from whom we bound the channel to. A Data indication comes from any port of an address
            // that we gave permission, which others on the same relay share.
            return match datagram::data_indication(datagram) {
                Some((peer, data)) => datagram::is_stun(data) || peer.is_some_and(is_peer),
                None => true,
            };
        }
        !self.relay_only && (datagram::is_stun(datagram) || is_peer(from))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// A Data indication from 192.0.2.1:32853 (the address of RFC 5769 §2.2).
    fn indication(data: &[u8]) -> Vec<u8> {
        let mut message = vec![0x00, 0x17, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        message.extend([7; 12]);
        message.extend([0, 0x12, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        message.extend([0, 0x13, 0, data.len() as u8]);
        message.extend(data);
        message.resize(message.len().next_multiple_of(4), 0);
        let body = (message.len() - 20) as u16;
        message[2..4].copy_from_slice(&body.to_be_bytes());
        message
    }

    const ALERT: [u8; 5] = [21, 0xfe, 0xfd, 0, 0];

    #[test]
    fn with_relays_only_strangers_get_nothing_in() {
        let relay = address("198.51.100.1:3478");
        let sources = Sources::new(true, vec![("relay".into(), vec![relay])]);
        let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        stun.resize(20, 0);
        for datagram in [&ALERT[..], &stun, &[0x80; 40], &[]] {
            assert!(!sources.admits(address("198.51.100.1:3479"), datagram));
            assert!(sources.admits(relay, datagram));
        }
        sources.sent_to(address("203.0.113.5:5"));
        assert!(!sources.admits(address("203.0.113.5:5"), &ALERT));
    }

    #[test]
    fn somebody_else_on_the_same_relay_gets_stun_in_and_nothing_more() {
        let relay = address("198.51.100.1:3478");
        let sources = Sources::new(true, vec![("relay".into(), vec![relay])]);
        sources.add_peer(address("192.0.2.1:32854"));
        let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        stun.resize(20, 0);
        assert!(sources.admits(relay, &indication(&stun)));
        assert!(!sources.admits(relay, &indication(&ALERT)));
        sources.add_peer(address("192.0.2.1:32853"));
        assert!(sources.admits(relay, &indication(&ALERT)));
    }

    #[test]
    fn directly_only_those_whom_we_answered_get_dtls_in() {
        let sources = Sources::new(false, Vec::new());
        let peer = address("203.0.113.5:5");
        assert!(!sources.admits(peer, &ALERT));
        sources.sent_to(peer);
        assert!(sources.admits(peer, &ALERT));
        assert!(!sources.admits(address("203.0.113.5:6"), &ALERT));
        (0..2000_u16).for_each(|port| sources.sent_to(SocketAddr::new(peer.ip(), port)));
        assert!(sources.peers.lock().unwrap().len() <= MAX_PEERS);
    }
}
