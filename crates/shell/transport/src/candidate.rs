//! ICE candidates between `webrtc`'s text and the wire, and the filter that holds both ways (PROTOCOL §5.2).

use core::net::IpAddr;

use sotto_wire::{Candidate, CandidateKind};
use webrtc::peer_connection::{RTCIceCandidate, RTCIceCandidateInit, RTCIceCandidateType, RTCIceProtocol};

use crate::sdp::is_ice_string;

/// Which candidates pass, in either direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CandidatePolicy {
    /// Only relay candidates.
    pub relay_only: bool,
    /// Relay addresses on loopback or in private networks are fine.
    pub allow_local_relay: bool,
}

impl CandidatePolicy {
    /// Whether a candidate may leave this computer, or be tried from it.
    pub(crate) fn admits(self, candidate: &Candidate) -> bool {
        let kind = match candidate.kind {
            CandidateKind::Relay => self.allow_local_relay || is_public(candidate.ip),
            CandidateKind::Host | CandidateKind::ServerReflexive => !self.relay_only,
        };
        kind && candidate.port != 0
            && !candidate.ip.is_unspecified()
            && !candidate.ip.is_multicast()
            && is_ice_string(&candidate.foundation, 1, 32)
    }
}

/// Whether a relay on the Internet could own the address. Others would make us probe our own network.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b)) // RFC 6598, carrier NAT
                || (a, b, c) == (192, 0, 0)
                || (a == 198 && (b & 0xfe) == 18)) // RFC 2544
        }
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => {
                !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                // NAT64 and 6to4 carry an IPv4 address that would have to be judged again: refuse them.
                || matches!(ip.segments(), [0x64, 0xff9b, ..] | [0x2002, ..]))
            }
        },
    }
}

/// The wire form of a candidate that the crate gathered. The related address, which is an address of this computer
/// even with the relay-only policy, has no place in it. `None` for TCP, mDNS names and peer-reflexive ones.
pub(crate) fn to_wire(candidate: &RTCIceCandidate, attempt: u8) -> Option<Candidate> {
    if candidate.protocol != RTCIceProtocol::Udp || candidate.component != 1 {
        return None;
    }
    let kind = match candidate.typ {
        RTCIceCandidateType::Host => CandidateKind::Host,
        RTCIceCandidateType::Srflx => CandidateKind::ServerReflexive,
        RTCIceCandidateType::Relay => CandidateKind::Relay,
        _ => return None,
    };
    Some(Candidate {
        attempt,
        kind,
        priority: candidate.priority,
        foundation: candidate.foundation.clone(),
        ip: candidate.address.parse().ok()?,
        port: candidate.port,
    })
}

/// The crate's form of a candidate from the wire; it passed [`CandidatePolicy::admits`].
pub(crate) fn from_wire(candidate: &Candidate) -> RTCIceCandidateInit {
    let Candidate { foundation, priority, ip, port, .. } = candidate;
    let kind = match candidate.kind {
        CandidateKind::Host => "host",
        CandidateKind::ServerReflexive => "srflx raddr 0.0.0.0 rport 0",
        CandidateKind::Relay => "relay raddr 0.0.0.0 rport 0",
    };
    RTCIceCandidateInit {
        candidate: format!("candidate:{foundation} 1 udp {priority} {ip} {port} typ {kind}"),
        sdp_mid: Some(String::new()),
        sdp_mline_index: Some(0),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn candidate(kind: CandidateKind, ip: &str) -> Candidate {
        Candidate { attempt: 0, kind, priority: 1, foundation: "f1".into(), ip: ip.parse().unwrap(), port: 9 }
    }

    #[test]
    fn relay_only_drops_host_and_reflexive_candidates() {
        let policy = CandidatePolicy { relay_only: true, allow_local_relay: false };
        assert!(!policy.admits(&candidate(CandidateKind::Host, "1.1.1.1")));
        assert!(!policy.admits(&candidate(CandidateKind::ServerReflexive, "1.1.1.1")));
        assert!(policy.admits(&candidate(CandidateKind::Relay, "1.1.1.1")));
        let open = CandidatePolicy { relay_only: false, allow_local_relay: false };
        assert!(open.admits(&candidate(CandidateKind::Host, "192.168.1.2")));
    }

    #[test]
    fn relay_addresses_of_local_networks_are_refused_unless_allowed() {
        let strict = CandidatePolicy { relay_only: true, allow_local_relay: false };
        let lax = CandidatePolicy { relay_only: true, allow_local_relay: true };
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(!strict.admits(&candidate(CandidateKind::Relay, ip)), "{ip}");
            assert!(lax.admits(&candidate(CandidateKind::Relay, ip)), "{ip}");
        }
        for ip in ["9.9.9.9", "2620:fe::fe", "172.32.0.1", "100.128.0.1"] {
            assert!(strict.admits(&candidate(CandidateKind::Relay, ip)), "{ip}");
        }
        for ip in ["0.0.0.0", "::", "224.0.0.1", "ff02::1"] {
            assert!(!lax.admits(&candidate(CandidateKind::Relay, ip)), "{ip}");
        }
    }

    #[test]
    fn a_foundation_cannot_smuggle_attributes() {
        let policy = CandidatePolicy { relay_only: true, allow_local_relay: false };
        for foundation in ["", "a b", "a\r\nb", "ü", "123456789012345678901234567890123"] {
            let mut candidate = candidate(CandidateKind::Relay, "9.9.9.9");
            candidate.foundation = foundation.into();
            assert!(!policy.admits(&candidate), "{foundation:?}");
        }
    }

    #[test]
    fn the_related_address_does_not_reach_the_wire() {
        let gathered = RTCIceCandidate {
            foundation: "f".into(),
            priority: 7,
            address: "9.9.9.9".into(),
            port: 5,
            component: 1,
            protocol: RTCIceProtocol::Udp,
            typ: RTCIceCandidateType::Relay,
            related_address: "192.168.7.7".into(),
            related_port: 1234,
            ..Default::default()
        };
        let wire = to_wire(&gathered, 0).unwrap();
        assert!(!from_wire(&wire).candidate.contains("192.168.7.7"));
        assert!(!format!("{wire:?}").contains("192.168.7.7"));
    }
}
