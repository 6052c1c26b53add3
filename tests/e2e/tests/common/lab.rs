//! What the tests in network namespaces share: places, the server at its place, and who was written to on a link.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sotto_e2e::{Programs, Server, ServerSetup};
use sotto_netlab::capture::Frame;
use sotto_netlab::lab::{self, Lab, Site};
use sotto_netlab::packet::{Packet, Transport};

/// TCP port of rendezvous; the relay has the same number.
pub const PORT: u16 = 8443;
/// Those who meet. Therapist first, client second.
pub const PERSONS: [Site; 2] = [Site::Therapist, Site::Client];
pub const ROLES: [&str; 2] = ["therapist", "client"];

/// One laboratory at a time: two calls at once would measure each other.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn skipped() -> bool {
    let missing = lab::missing();
    if let Some(why) = &missing {
        sotto_netlab::skip(why);
    }
    missing.is_some()
}

/// Rendezvous and relay at their place.
pub fn server_in(lab: &Lab, programs: &Programs) -> Server {
    let listen = format!("{}:{PORT}", lab::SERVER);
    let relay = lab::SERVER.to_string();
    let setup =
        ServerSetup::arguments(&["--listen", &listen, "--tls-self-signed", "--embedded-relay", "--relay-addr", &relay]);
    Server::start_in(lab, &programs.rendezvous, &setup)
}

/// Now, as captures have it.
pub fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

/// TCP and UDP sockets in the namespace of a process, with their remote ends. Each person has a namespace alone.
pub fn sockets(pid: u32) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for protocol in ["tcp", "tcp6", "udp", "udp6"] {
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/{protocol}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // State 06 is TIME_WAIT: a connection that is over.
            if let [_, _, remote, state, ..] = fields[..]
                && !(protocol.starts_with("tcp") && state == "06")
            {
                found.push((protocol.to_owned(), remote.to_owned()));
            }
        }
    }
    found
}

/// `192.0.2.10:8443` as /proc/net/tcp writes it.
pub fn server_in_proc() -> String {
    format!("{:08X}:{PORT:04X}", u32::from_le_bytes(lab::SERVER.octets()))
}

pub fn own(person: Site) -> IpAddr {
    lab::addresses(person)[0]
}

/// Nobody can reach this computer, and it has reached nobody but the server.
pub fn check_sockets(sockets: &[(String, String)]) {
    assert!(!sockets.is_empty(), "the waiting room is a connection");
    assert!(sockets.iter().all(|(protocol, remote)| protocol == "tcp" && *remote == server_in_proc()), "{sockets:?}");
}

/// Until then, nothing on the link but the connection to rendezvous.
pub fn check_server_alone(frames: &[Frame], person: Site, until_us: u64) {
    let before: Vec<_> = frames.iter().filter_map(Packet::parse).filter(|packet| packet.at_us < until_us).collect();
    assert!(!before.is_empty());
    for packet in before {
        let to_server = [packet.source, packet.destination]
            .iter()
            .any(|end| end.ip() == IpAddr::from(lab::SERVER) && end.port() == PORT);
        assert!(
            is_of_the_kernel(&packet) || (to_server && matches!(packet.transport, Transport::Tcp { .. })),
            "{person:?}: {packet:?}"
        );
    }
}

/// No datagram to or from anybody but the relay: no mDNS, no direct check.
pub fn check_datagrams_to_relay_alone(frames: &[Frame], person: Site) {
    for packet in frames.iter().filter_map(Packet::parse).filter(Packet::is_udp) {
        let far = if packet.source.ip() == own(person) { packet.destination } else { packet.source };
        assert_eq!(far.ip(), IpAddr::from(lab::SERVER), "a datagram to a stranger");
    }
    assert!(frames.iter().filter_map(Packet::parse).all(|packet| packet.transport != Transport::Fragment));
}

/// The kernel's own neighbour discovery: ICMPv6 (58), also behind hop-by-hop options (0), and IGMP (2).
pub fn is_of_the_kernel(packet: &Packet<'_>) -> bool {
    match packet.transport {
        Transport::Other(58 | 2) => true,
        Transport::Other(0) => packet.payload.first() == Some(&58),
        _ => false,
    }
}
