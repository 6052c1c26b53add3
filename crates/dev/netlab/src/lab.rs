//! Three places and the links between them: server and relay in the middle, one person on each side.
//!
//! ```text
//!  therapist  198.51.100.7 ──── 198.51.100.1  server  203.0.113.1 ──── 203.0.113.9  client
//!                                            192.0.2.10
//! ```
//!
//! The server's place forwards packets, so the two persons could reach each other directly: that they don't is then
//! the doing of what is tested. IPv6 works too. The addresses are documentation ranges (RFC 5737, RFC 3849), which
//! count as public for ICE.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::Command;

use crate::capture::Capture;
use crate::wire::{Impairment, Wire};
use crate::{LabError, Namespace, namespace, reap_leftovers};

/// A place in the laboratory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// Rendezvous and relay.
    Server,
    /// The therapist's computer.
    Therapist,
    /// The client's computer.
    Client,
}

/// How the places are joined.
#[derive(Clone, Debug, PartialEq)]
pub enum Links {
    /// By veth pairs: nothing is lost.
    Veth,
    /// By TUN devices and a userspace wire: therapist's link, client's link.
    Wires([Impairment; 2]),
}

/// Address of rendezvous and relay.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// The therapist's address.
pub const THERAPIST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// The client's address.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
/// The therapist's IPv6 address.
pub const THERAPIST_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5100, 0, 0, 0, 0x51, 7);
/// The client's IPv6 address.
pub const CLIENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x3113, 0, 0, 0, 0x31, 9);

/// Name of a person's interface.
const UPLINK: &str = "up0";

/// The laboratory; dropping it removes everything.
#[derive(Debug)]
pub struct Lab {
    // Wires first: their threads hold interfaces of the namespaces below.
    wires: Vec<Wire>,
    server: Namespace,
    therapist: Namespace,
    client: Namespace,
}

impl Lab {
    /// Builds the three places and their links. Leftovers of dead runs are removed first.
    ///
    /// # Errors
    /// As [`Namespace::new`]; ask [`missing`] first.
    pub fn new(links: &Links) -> Result<Self, LabError> {
        reap_leftovers();
        let mut lab = Self {
            wires: Vec::new(),
            server: Namespace::new("srv")?,
            therapist: Namespace::new("ther")?,
            client: Namespace::new("cli")?,
        };
        lab.server.ip(&["addr", "add", &format!("{SERVER}/32"), "dev", "lo"])?;
        lab.link(
            links,
            Site::Therapist,
            0,
            [198, 51, 100, 1].into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0x5100, 0, 0, 0, 0, 1),
        )?;
        lab.link(links, Site::Client, 1, [203, 0, 113, 1].into(), Ipv6Addr::new(0x2001, 0xdb8, 0x3113, 0, 0, 0, 0, 1))?;
        lab.server.set("net/ipv4/ip_forward", "1")?;
        lab.server.set("net/ipv6/conf/all/forwarding", "1")?;
        Ok(lab)
    }

    fn link(
        &mut self,
        links: &Links,
        person: Site,
        index: usize,
        router: Ipv4Addr,
        router_v6: Ipv6Addr,
    ) -> Result<(), LabError> {
        let (home, server) = (self.place(person), &self.server);
        let port = if index == 0 { "ther" } else { "cli" };
        let wire = match links {
            Links::Veth => {
                let (a, b) = (home.name(), server.name());
                namespace::ip(&["link", "add", UPLINK, "netns", a, "type", "veth", "peer", "name", port, "netns", b])?;
                None
            }
            Links::Wires(impairments) => Some(Wire::join((home, UPLINK), (server, port), impairments[index])?),
        };
        let (own, own_v6) = match person {
            Site::Therapist => (THERAPIST, THERAPIST_V6),
            _ => (CLIENT, CLIENT_V6),
        };
        for (place, interface, address, address_v6) in [(home, UPLINK, own, own_v6), (server, port, router, router_v6)]
        {
            place.ip(&["addr", "add", &format!("{address}/24"), "dev", interface])?;
            place.ip(&["addr", "add", &format!("{address_v6}/64"), "dev", interface, "nodad"])?;
            place.ip(&["link", "set", interface, "up"])?;
        }
        home.ip(&["route", "add", "default", "via", &router.to_string()])?;
        home.ip(&["-6", "route", "add", "default", "via", &router_v6.to_string(), "dev", UPLINK])?;
        self.wires.extend(wire);
        Ok(())
    }

    /// The namespace of a place.
    #[must_use]
    pub fn place(&self, site: Site) -> &Namespace {
        match site {
            Site::Server => &self.server,
            Site::Therapist => &self.therapist,
            Site::Client => &self.client,
        }
    }

    /// The wires: therapist's, client's; empty with [`Links::Veth`].
    #[must_use]
    pub fn wires(&self) -> &[Wire] {
        &self.wires
    }

    /// A command that will run at a place.
    pub fn command(&self, site: Site, program: impl AsRef<OsStr>) -> Command {
        self.place(site).command(program)
    }

    /// Starts to capture everything on a person's link into `file`; for the server both links in one file.
    ///
    /// # Errors
    /// [`LabError::Program`] without tcpdump.
    pub fn capture(&self, site: Site, file: &Path) -> Result<Capture, LabError> {
        self.capture_matching(site, file, "")
    }

    /// As [`Lab::capture`], of what a filter of tcpdump lets through: little enough that nothing is lost on a loaded
    /// machine.
    ///
    /// # Errors
    /// As [`Lab::capture`], and [`LabError::Refused`] for a filter that tcpdump doesn't take.
    pub fn capture_matching(&self, site: Site, file: &Path, filter: &str) -> Result<Capture, LabError> {
        let interface = if site == Site::Server { "any" } else { UPLINK };
        Capture::start(self.place(site), interface, file, filter)
    }
}

/// Both addresses of a person.
#[must_use]
pub fn addresses(person: Site) -> Vec<IpAddr> {
    match person {
        Site::Therapist => vec![THERAPIST.into(), THERAPIST_V6.into()],
        Site::Client => vec![CLIENT.into(), CLIENT_V6.into()],
        Site::Server => vec![SERVER.into()],
    }
}

/// Why a laboratory can't be built here, as a sentence; `None` if it can. Root, namespaces and tcpdump are needed.
#[must_use]
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root".into());
    }
    if let Err(error) = Namespace::new("probe") {
        return Some(format!("network namespaces are not available: {error}"));
    }
    match Command::new("tcpdump").arg("--version").output() {
        Ok(output) if output.status.success() => None,
        _ => Some("tcpdump is not installed".into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::net::UdpSocket;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use super::*;

    /// Sends `count` datagrams from the therapist straight to the client; gives how many came.
    fn direct(lab: &Lab, count: usize) -> usize {
        let receiver = lab.place(Site::Client).run(|| UdpSocket::bind((CLIENT, 5000)).unwrap()).unwrap();
        let sender = lab.place(Site::Therapist).run(|| UdpSocket::bind((THERAPIST, 5000)).unwrap()).unwrap();
        receiver.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut buffer = [0; 64];
        let reader = std::thread::spawn(move || std::iter::from_fn(|| receiver.recv(&mut buffer).ok()).count());
        for _ in 0..count {
            sender.send_to(b"datagram", (CLIENT, 5000)).unwrap();
            std::thread::sleep(Duration::from_micros(200));
        }
        reader.join().unwrap()
    }

    #[test]
    fn the_persons_could_reach_each_other_and_the_capture_sees_it() {
        if let Some(why) = missing() {
            return crate::skip(&why);
        }
        let lab = Lab::new(&Links::Veth).unwrap();
        let file = std::env::temp_dir().join(format!("{}.pcap", lab.place(Site::Client).name()));
        let capture = lab.capture(Site::Client, &file).unwrap();
        assert_eq!(direct(&lab, 20), 20);
        let frames = crate::capture::read_pcap(&capture.stop().unwrap()).unwrap();
        let seen =
            frames.iter().filter_map(crate::packet::Packet::parse).filter(|packet| packet.payload == b"datagram");
        assert_eq!(seen.count(), 20);
        let names: Vec<_> =
            [Site::Server, Site::Therapist, Site::Client].map(|site| lab.place(site).name().to_owned()).into();
        drop(lab);
        for name in names {
            assert!(!Path::new("/run/netns").join(name).exists());
        }
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_wire_loses_the_share_it_was_told_and_the_same_packets_for_a_seed() {
        if let Some(why) = missing() {
            return crate::skip(&why);
        }
        let impairment = Impairment { delay: Duration::from_millis(5), ..Impairment::lossy(7, 0.05) };
        let lab = Lab::new(&Links::Wires([impairment, Impairment::lossy(8, 0.0)])).unwrap();
        let came = direct(&lab, 2000);
        let lost = lab.wires()[0].counters[0].lost.load(Ordering::Relaxed);
        assert!((1850..=1950).contains(&came), "{came}");
        assert!(lost as usize >= 2000 - came, "{lost} lost, {came} came");
    }

    #[test]
    fn namespaces_of_a_dead_process_are_reaped_and_those_of_a_living_one_stay() {
        if let Some(why) = missing() {
            return crate::skip(&why);
        }
        // No process has this id: above the kernel's largest pid.
        let dead = "sotto-lab-99999999-00000000-x";
        namespace::ip(&["netns", "add", dead]).unwrap();
        let living = Namespace::new("stay").unwrap();
        reap_leftovers();
        assert!(!Path::new("/run/netns").join(dead).exists());
        assert!(Path::new("/run/netns").join(living.name()).exists());
    }
}
