//! Who tries to learn where somebody is, in network namespaces with a capture on every link: by invites, by the mailbox of
//! a contact, and by candidates that a peer with the session's real keys makes up. A computer writes to its server and
//! its relay, and to nobody else.
//!
//! `cargo test -p sotto-e2e --test lab_addresses -- --nocapture`; needs what the tests in `lab` need.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use common::lab::{
    PERSONS, PORT, ROLES, alone, check_datagrams_to_relay_alone, check_server_alone, check_sockets, is_of_the_kernel,
    now_us, server_in, skipped, sockets,
};
use serde_json::json;
use sotto_e2e::{Folder, Meeting, Peer, PeerSetup, Programs, Server};
use sotto_handshake::address::{rendezvous_address, slots};
use sotto_identity::Secret;
use sotto_netlab::capture::{Capture, Frame, read_pcap};
use sotto_netlab::lab::{self, Lab, Links, Site};
use sotto_netlab::packet::{Packet, Transport};
use sotto_netlab::stun::{Kind, addresses, payloads};
use sotto_netlab::wire::Random;
use sotto_signaling::{Endpoint, Report, Request, Signaling, parse_spki};
use sotto_vault::Vault;
use sotto_wire::{Cell, CellType, cell::CELL_BODY_LEN, server::MailboxId};

/// A link whose therapist is another: right place, right secret, wrong key (`idhash` and `check` of PROTOCOL §3.1).
fn of_another_therapist(link: &str) -> String {
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(link.strip_prefix("tsp1:").unwrap()).unwrap();
    bytes[6] ^= 1;
    let end = bytes.len() - 4;
    let check = sotto_identity::derive::hash("invite check", &[&bytes[..end]]);
    bytes[end..].copy_from_slice(&check[..4]);
    format!("tsp1:{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Who has the right mailbox and the wrong key reaches each of the two, again and again: neither computer ever sends
/// anything to anyone but the server, has a port open, or asks for a relay.
#[test]
fn somebody_with_the_right_mailbox_and_the_wrong_key_learns_no_address() {
    if skipped() {
        return;
    }
    let _alone = alone();
    let folder = Folder::new("probed");
    let programs = Programs::shipped();
    let lab = Lab::new(&Links::Veth).unwrap();
    let server = server_in(&lab, &programs);
    let captures = PERSONS.map(|person| lab.capture(person, &folder.join(&format!("{person:?}.pcap"))).unwrap());
    let [mut therapist, mut client] = [0, 1].map(|index| {
        let setup =
            PeerSetup::new(&programs.peer, ROLES[index], folder.join(ROLES[index])).with("--rendezvous", &server.url);
        Peer::start_in(&lab, PERSONS[index], &setup)
    });
    // The client is probed by a “therapist” who answers in the right mailbox with a key that is not the invited one; the
    // therapist by a “client” who knows the number of a code and not its words.
    let (_, link) = Meeting::invite(&mut therapist, "link");
    let (_, code) = Meeting::invite(&mut therapist, "code");
    let number = code.split('-').next().unwrap();
    let guesses = ["artist", "cobra"].map(|word| {
        let rest: Vec<&str> = code.split('-').skip(2).collect();
        format!("{number}-{word}-{}", rest.join("-"))
    });
    let guess = guesses.into_iter().find(|guess| !guess.eq_ignore_ascii_case(&code)).unwrap();
    let mut reached = 0;
    for invite in [of_another_therapist(&link), guess.clone(), guess] {
        client.send(&json!({"cmd": "join", "invite": invite}));
        // Ten seconds of waiting, being answered and trying again.
        for _ in 0..10 {
            std::thread::sleep(Duration::from_secs(1));
            for peer in [&therapist, &client] {
                check_sockets(&sockets(peer.pid()));
            }
        }
        reached += usize::from(!client.told("error").is_empty()) + therapist.told("alert").len();
    }
    assert!(reached > 0, "the probes were answered by nobody: {}", client.story());
    for peer in [&therapist, &client] {
        for event in ["peer_waiting", "waiting", "link"] {
            assert!(peer.told(event).is_empty(), "{}", peer.story());
        }
    }
    let until_us = now_us();
    therapist.close();
    client.close();
    for (capture, person) in captures.into_iter().zip(PERSONS) {
        let frames = read_pcap(&capture.stop().unwrap()).unwrap();
        check_server_alone(&frames, person, until_us);
        let payloads = frames.iter().filter_map(Packet::parse).filter(|packet| !packet.payload.is_empty()).count();
        assert!(payloads > 20, "{person:?}: {payloads} packets with anything in them");
    }
}

/// Copies a profile and gives the copy another key: it knows the contact's mailbox and the pre-shared key, and is not who
/// the other side pinned.
fn with_another_key(profile: &Path, copy: PathBuf) -> PathBuf {
    copy_profile(profile, &copy);
    open(&copy)
        .update(|profile| {
            let other = || Secret::new([0x5A; 32]);
            if profile.identity.is_some() {
                profile.identity = Some(other());
            }
            for contact in profile.contacts.iter_mut().filter(|contact| contact.own_secret.is_some()) {
                contact.own_secret = Some(other());
            }
        })
        .unwrap();
    copy
}

/// A profile of a program that isn't running, by the passphrase beside it.
fn open(profile: &Path) -> Vault {
    let passphrase = std::fs::read_to_string(profile.join("passphrase")).unwrap();
    Vault::open(profile, passphrase.lines().next().unwrap()).unwrap()
}

fn copy_profile(profile: &Path, copy: &Path) {
    std::fs::create_dir(copy).unwrap();
    for file in std::fs::read_dir(profile).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
}

/// A first session of two, whole; what each then calls the other.
fn paired([therapist, client]: [Peer; 2]) -> [String; 2] {
    let mut meeting = Meeting::by_invite(therapist, client, "link");
    meeting.open();
    meeting.end();
    let contacts = [meeting.client_contact.clone(), meeting.therapist_contact.clone()];
    meeting.close();
    contacts
}

fn check_met_nobody(peer: &Peer) {
    for event in ["peer_waiting", "waiting", "link", "admitted"] {
        assert!(peer.told(event).is_empty(), "{}", peer.story());
    }
}

/// `peer` waits for its contact as its role does: the therapist listens, the client joins.
fn wait_for(peer: &mut Peer, role: usize, contact: &str) {
    if role == 0 {
        peer.send(&json!({"cmd": "listen", "contacts": [contact]}));
        peer.expect("listening", 45, |_| true);
    } else {
        peer.send(&json!({"cmd": "join", "contact": contact}));
    }
}

/// Somebody meets a pinned contact in its right mailbox, with everything of the other side but its key: each of the two in
/// turn waits, and is probed. No answer names anybody, nothing but the connection to rendezvous is on the link. The
/// control: the same profile with its key comes into the waiting room.
#[test]
fn somebody_who_knows_a_contacts_mailbox_and_not_its_key_learns_no_address() {
    if skipped() {
        return;
    }
    let _alone = alone();
    let folder = Folder::new("probed-contact");
    let programs = Programs::shipped();
    let lab = Lab::new(&Links::Veth).unwrap();
    let server = server_in(&lab, &programs);
    let start = |role: usize, profile: PathBuf| {
        let setup = PeerSetup::new(&programs.peer, ROLES[role], profile).with("--rendezvous", &server.url);
        Peer::start_in(&lab, PERSONS[role], &setup)
    };
    let contacts = paired([0, 1].map(|role| start(role, folder.join(ROLES[role]))));

    let captures = PERSONS.map(|person| lab.capture(person, &folder.join(&format!("{person:?}.pcap"))).unwrap());
    for (waits, comes) in [(0, 1), (1, 0)] {
        let mut honest = start(waits, folder.join(ROLES[waits]));
        wait_for(&mut honest, waits, &contacts[waits]);
        let copy = with_another_key(&folder.join(ROLES[comes]), folder.join(&format!("{}-other-key", ROLES[comes])));
        let mut prober = start(comes, copy);
        wait_for(&mut prober, comes, &contacts[comes]);
        for _ in 0..12 {
            std::thread::sleep(Duration::from_secs(1));
            check_sockets(&sockets(honest.pid()));
        }
        for peer in [&honest, &prober] {
            check_met_nobody(peer);
        }
        println!("the {} was probed:\n{}the prober:\n{}", ROLES[waits], honest.story(), prober.story());
        prober.close();
        let mut known = start(comes, folder.join(ROLES[comes]));
        wait_for(&mut known, comes, &contacts[comes]);
        let [therapist, client] = if waits == 0 { [&mut honest, &mut known] } else { [&mut known, &mut honest] };
        therapist.expect("peer_waiting", 60, |_| true);
        client.expect("waiting", 60, |_| true);
        known.close();
        honest.close();
    }
    let until_us = now_us();
    for (capture, person) in captures.into_iter().zip(PERSONS) {
        let frames = read_pcap(&capture.stop().unwrap()).unwrap();
        check_server_alone(&frames, person, until_us);
        let carrying = frames.iter().filter_map(Packet::parse).filter(|packet| !packet.payload.is_empty()).count();
        println!("{person:?}'s link: {carrying} packets with anything in them, all of them to or from rendezvous");
        assert!(carrying > 50, "{person:?}: {carrying} packets");
    }
}

/// Who sits in the mailboxes of a contact without being it: what it hears, and where.
struct Intruder {
    place: Site,
    side: u8,
    rendezvous_key: Secret<32>,
}

impl Intruder {
    /// Sits there for ten seconds, says cells of every type with nonsense in them and, by turns, `known` ones, and gives
    /// back to everybody what they said. `meanwhile` is asked each second.
    fn sit(self, lab: &Lab, url: &str, known: &[(MailboxId, Cell)], meanwhile: impl Fn()) -> Vec<(MailboxId, Cell)> {
        let Self { place, side, rendezvous_key } = self;
        let (url, pin) = url.split_once("#spki=").unwrap();
        let endpoint = Endpoint { url: url.to_owned(), spki: parse_spki(pin), ca_file: None };
        let known = known.to_vec();
        std::thread::scope(|scope| {
            let there = scope.spawn(move || {
                lab.place(place).run(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(intrude(endpoint, side, &rendezvous_key, &known))
                })
            });
            while !there.is_finished() {
                std::thread::sleep(Duration::from_secs(1));
                meanwhile();
            }
            there.join().unwrap().unwrap()
        })
    }
}

async fn intrude(
    endpoint: Endpoint,
    side: u8,
    rendezvous_key: &Secret<32>,
    known: &[(MailboxId, Cell)],
) -> Vec<(MailboxId, Cell)> {
    const TYPES: [CellType; 5] = [CellType::Hs1, CellType::Hs2, CellType::Hs3, CellType::Sig, CellType::Sync];
    let (signaling, mut reports) = Signaling::start(endpoint);
    let mailboxes: Vec<MailboxId> = slots(now_us() / 1_000_000)
        .into_iter()
        .map(|slot| MailboxId(rendezvous_address(rendezvous_key, slot)))
        .collect();
    for &mailbox in &mailboxes {
        signaling.send(Request::Open { mailbox, side, owner: [9; 16] });
    }
    let mut heard = Vec::new();
    let mut random = Random::new(side.into());
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    let (mut beat, mut beats) = (tokio::time::interval(Duration::from_secs(2)), 0);
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(until) => return heard,
            report = reports.recv() => match *report.unwrap() {
                Report::Received { mailbox, cell } => {
                    signaling.send(Request::Send { mailbox, cell: cell.clone() });
                    heard.push((mailbox, cell));
                }
                Report::Refused { code, .. } => panic!("{code:?}"),
                _ => {}
            },
            _ = beat.tick() => {
                beats += 1;
                // By turns: an HS1 that follows another within a second is not even looked at.
                let cells: Vec<(MailboxId, Cell)> = if beats % 2 == 0 {
                    let nonsense = |&cell_type| {
                        let mut body = [0; CELL_BODY_LEN];
                        random.fill(&mut body);
                        Cell::new(cell_type, 1, 0x11, &body)
                    };
                    let cells: Vec<Cell> = TYPES.iter().map(nonsense).collect();
                    mailboxes.iter().flat_map(|&mailbox| cells.iter().map(move |cell| (mailbox, cell.clone()))).collect()
                } else {
                    known.to_vec()
                };
                for (mailbox, cell) in cells {
                    signaling.send(Request::Send { mailbox, cell });
                }
            }
        }
    }
}

/// Somebody who knows a contact's mailbox alone, as the server does, sits in it: says nonsense, gives each its own cells
/// back, and repeats to the therapist what the true client said before. Nobody is let in, no port is open, and there is
/// nothing on the link but the connection to rendezvous.
#[test]
fn forged_reflected_and_repeated_cells_in_a_contacts_mailbox_learn_no_address() {
    if skipped() {
        return;
    }
    let _alone = alone();
    let folder = Folder::new("intruded");
    let programs = Programs::shipped();
    let lab = Lab::new(&Links::Veth).unwrap();
    let server = server_in(&lab, &programs);
    let start = |role: usize| {
        let setup =
            PeerSetup::new(&programs.peer, ROLES[role], folder.join(ROLES[role])).with("--rendezvous", &server.url);
        Peer::start_in(&lab, PERSONS[role], &setup)
    };
    let contacts = paired([start(0), start(1)]);
    let rendezvous_key = {
        let vault = open(&folder.join(ROLES[0]));
        vault.profile().contacts[0].rendezvous_key.clone()
    };
    let captures = PERSONS.map(|person| lab.capture(person, &folder.join(&format!("{person:?}.pcap"))).unwrap());
    let mut known = Vec::new();
    // The client's cells first: the therapist is to hear them again.
    for waits in [1, 0] {
        let mut honest = start(waits);
        wait_for(&mut honest, waits, &contacts[waits]);
        let intruder = Intruder {
            place: PERSONS[1 - waits],
            side: u8::try_from(waits).unwrap(),
            rendezvous_key: rendezvous_key.clone(),
        };
        let heard = intruder.sit(&lab, &server.url, &known, || check_sockets(&sockets(honest.pid())));
        let types: Vec<_> = heard.iter().map(|(_, cell)| cell.cell_type()).collect();
        println!("the {} said {types:?} to the intruder, who had {} cells to repeat", ROLES[waits], known.len());
        assert!(!heard.is_empty(), "the right mailbox, and somebody in it: {}", honest.story());
        check_met_nobody(&honest);
        known = heard;
        honest.close();
    }
    let until_us = now_us();
    for (capture, person) in captures.into_iter().zip(PERSONS) {
        let frames = read_pcap(&capture.stop().unwrap()).unwrap();
        check_server_alone(&frames, person, until_us);
    }
}

/// Addresses of a third computer, at the server's place, that nobody has a reason to write to.
const COLLECTOR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 77);
const COLLECTOR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc011, 0, 0, 0, 0, 0x77);
/// Types of a candidate (PROTOCOL, Appendix D), and one that there is not: peer-reflexive.
const HOST: u8 = 0;
const SERVER_REFLEXIVE: u8 = 1;
const RELAY: u8 = 2;
const PEER_REFLEXIVE: u8 = 3;
/// Address families: the two that there are, and one for names such as mDNS uses.
const FAMILY_V4: u8 = 4;
const FAMILY_V6: u8 = 6;
const FAMILY_NAME: u8 = 1;
/// `mtype` of CAND.
const CAND: u8 = 6;
/// Where made-up candidates point to.
const MADE_UP_PORT: u16 = 40_404;

/// CAND: `u8 attempt | u8 type | u8 component | u32 priority | u8 n | foundation | u8 family | address | u16 port`.
fn cand(kind: u8, family: u8, address: &[u8], port: u16) -> Vec<u8> {
    let mut data = vec![0, kind, 1];
    // The highest that there is: tried first.
    data.extend(0x7FFF_FFFF_u32.to_be_bytes());
    data.extend(b"\x04liar");
    data.push(family);
    data.extend_from_slice(address);
    data.extend(port.to_be_bytes());
    data
}

fn made_up(kind: u8, address: impl Into<IpAddr>, port: u16) -> Vec<u8> {
    match address.into() {
        IpAddr::V4(ip) => cand(kind, FAMILY_V4, &ip.octets(), port),
        IpAddr::V6(ip) => cand(kind, FAMILY_V6, &ip.octets(), port),
    }
}

/// The lies as the liar reads them.
fn write_lies(file: &Path, lies: &[Vec<u8>]) {
    let mut text = String::new();
    for lie in lies {
        write!(text, "{CAND:02x} ").unwrap();
        for byte in lie {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    std::fs::write(file, text).unwrap();
}

/// A session whose one side lies, in a laboratory with a third computer in it.
struct Lied {
    // Captures first: they end before the places that they listen at.
    honest_link: Capture,
    server_links: Capture,
    meeting: Meeting,
    folder: Folder,
    lab: Lab,
    _server: Server,
}

impl Lied {
    fn new(liar: usize, lies: &[Vec<u8>]) -> Self {
        let folder = Folder::new("lied-to");
        // The liar is built first: the shipped one is then in its place again.
        let liars = Programs::lying_candidates();
        let programs = Programs::shipped();
        let lab = Lab::new(&Links::Veth).unwrap();
        let place = lab.place(Site::Server);
        place.ip(&["addr", "add", &format!("{COLLECTOR}/32"), "dev", "lo"]).unwrap();
        place.ip(&["addr", "add", &format!("{COLLECTOR_V6}/128"), "dev", "lo", "nodad"]).unwrap();
        let server = server_in(&lab, &programs);
        let honest_link = lab.capture(PERSONS[1 - liar], &folder.join("honest.pcap")).unwrap();
        let filter = format!("host {COLLECTOR} or host {COLLECTOR_V6}");
        let server_links = lab.capture_matching(Site::Server, &folder.join("server.pcap"), &filter).unwrap();
        let file = folder.join("lies");
        write_lies(&file, lies);
        let [therapist, client] = [0, 1].map(|role| {
            let program = if role == liar { &liars.peer } else { &programs.peer };
            let setup = PeerSetup::new(program, ROLES[role], folder.join(ROLES[role]))
                .with("--rendezvous", &server.url)
                .with("--log", "debug");
            let setup = if role == liar { setup.with_variable("SOTTO_LYING_CANDIDATES", file.clone()) } else { setup };
            Peer::start_in(&lab, PERSONS[role], &setup)
        });
        let meeting = Meeting::by_invite(therapist, client, "link");
        Self { honest_link, server_links, meeting, folder, lab, _server: server }
    }

    /// Ends the captures: of the honest person's link, and at the third computer. Before that, as a control, the honest
    /// person's computer does write to the third one, and the captures show it.
    fn judge(self, honest: Site) -> Vec<Frame> {
        let Self { honest_link, server_links, lab, folder, .. } = self;
        let control_us = now_us();
        lab.place(honest)
            .run(|| {
                for (from, to) in [
                    (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(COLLECTOR)),
                    (Ipv6Addr::UNSPECIFIED.into(), COLLECTOR_V6.into()),
                ] {
                    UdpSocket::bind((from, 0)).unwrap().send_to(b"control", (to, MADE_UP_PORT)).unwrap();
                }
            })
            .unwrap();
        // The first solicitation of a neighbour can go unanswered; the second follows after a second.
        std::thread::sleep(Duration::from_millis(2500));
        let [honest_frames, server_frames] =
            [honest_link, server_links].map(|capture| read_pcap(&capture.stop().unwrap()).unwrap());
        let is_before = |frame: &&Frame| frame.at_us < control_us;
        let collector = [IpAddr::from(COLLECTOR), COLLECTOR_V6.into()];
        let reaches = |packet: &Packet<'_>| collector.contains(&packet.destination.ip());
        for frames in [&honest_frames, &server_frames] {
            let (before, after): (Vec<&Frame>, Vec<&Frame>) = frames.iter().partition(is_before);
            let reached = |frames: &[&Frame]| {
                frames.iter().filter_map(|frame| Packet::parse(frame)).filter(|packet| reaches(packet)).count()
            };
            assert!(reached(&after) >= 2, "the control is seen");
            assert_eq!(reached(&before), 0, "the third computer was written to");
        }
        let frames: Vec<Frame> = honest_frames.into_iter().filter(|frame| frame.at_us < control_us).collect();
        check_datagrams_to_relay_alone(&frames, honest);
        for packet in frames.iter().filter_map(Packet::parse).filter(|packet| !packet.is_udp()) {
            let to_server = [packet.source, packet.destination].contains(&SocketAddr::from((lab::SERVER, PORT)));
            let is_connection = to_server && matches!(packet.transport, Transport::Tcp { .. });
            // ICMP (1): the server's kernel refuses what comes for a relayed port that is gone.
            let is_refusal = packet.source.ip() == lab::SERVER && packet.transport == Transport::Other(1);
            assert!(is_connection || is_refusal || is_of_the_kernel(&packet), "{packet:?}");
        }
        drop(folder);
        frames
    }
}

/// A peer with the session's real keys names, behind its description and again behind its last candidate, addresses of
/// every kind: of a third computer, of its own, of the other's network, and none of them its relay's. The other computer
/// sends nothing to any of them, and the session comes up by the candidates that are true.
#[test]
fn whatever_an_authentic_peer_names_as_its_candidates_only_the_relay_is_written_to() {
    if skipped() {
        return;
    }
    let _alone = alone();
    for liar in [1, 0] {
        let (liars, honest) = (PERSONS[liar], PERSONS[1 - liar]);
        let mut lies = Vec::new();
        let third = [IpAddr::from(COLLECTOR), COLLECTOR_V6.into()];
        for address in third.into_iter().chain(lab::addresses(liars)).chain(lab::addresses(honest)) {
            lies.extend([HOST, SERVER_REFLEXIVE, RELAY].map(|kind| made_up(kind, address, MADE_UP_PORT)));
        }
        let local = ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1"];
        let groups = ["224.0.0.251", "ff02::fb"];
        for address in local.into_iter().chain(groups).map(|address| address.parse::<IpAddr>().unwrap()) {
            lies.push(made_up(RELAY, address, 5353));
        }
        let refused = local.len() + groups.len();
        // At the relay's address, and no relayed one.
        lies.extend([PORT, 1, MADE_UP_PORT].map(|port| made_up(RELAY, lab::SERVER, port)));
        let mut lied = Lied::new(liar, &lies);
        lied.meeting.open();
        lied.meeting.see_and_hear();
        lied.meeting.talk(6.0);
        for stats in lied.meeting.both().map(Peer::stats) {
            assert_eq!(stats["path"], "relayed", "{stats}");
        }
        let [therapist, client] = lied.meeting.both();
        let peer = if liar == 1 { therapist } else { client };
        let errors = peer.errors();
        let told = errors.lines().filter(|line| line.contains("candidate of the peer refused by policy")).count();
        assert!(told >= refused, "the lies arrived: {told} refusals of {refused}\n{errors}");
        lied.meeting.end();
        let frames = lied.judge(honest);
        // What a relay is asked for by an address that a peer calls its relay's: permission, of our relay alone.
        let asked: BTreeSet<SocketAddr> = payloads(&frames)
            .filter(|payload| payload.kind == Kind::Stun && payload.destination.ip() == lab::SERVER)
            .flat_map(|payload| addresses(payload.payload).map(|(_, address)| address).collect::<Vec<_>>())
            .collect();
        println!(
            "the {} lies {} times: {told} refused at once; {} asks its relay for {asked:?}",
            ROLES[liar],
            lies.len(),
            ROLES[1 - liar]
        );
        assert!(asked.iter().any(|address| third.contains(&address.ip())), "the relay-typed lies were tried");
    }
}

/// What is no candidate of ours at all ends the session before any media, and still nobody is written to.
#[test]
fn a_candidate_of_an_unknown_kind_ends_the_session_and_nobody_is_written_to() {
    if skipped() {
        return;
    }
    let _alone = alone();
    let name = b"\x2e0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0.local";
    for (what, liar, lie) in [
        ("a peer-reflexive candidate", 1, made_up(PEER_REFLEXIVE, COLLECTOR, MADE_UP_PORT)),
        ("a name of mDNS", 0, cand(HOST, FAMILY_NAME, name, MADE_UP_PORT)),
    ] {
        let mut lied = Lied::new(liar, &[lie]);
        let contact = lied.meeting.client_contact.clone();
        lied.meeting.therapist.send(&json!({"cmd": "admit", "contact": contact}));
        let [therapist, client] = lied.meeting.both();
        let honest = if liar == 1 { therapist } else { client };
        let ended = honest.expect("ended", 30, |_| true);
        println!("{what}: {ended}");
        honest.expect("notice", 10, |notice| notice["code"] == "E_SDP");
        assert!(honest.told("media").is_empty(), "{}", honest.story());
        lied.judge(PERSONS[1 - liar]);
    }
}
