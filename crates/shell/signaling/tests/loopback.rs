//! The client against the real server, over sockets on loopback.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::{net::SocketAddr, time::Duration};

use sotto_mailbox::Limits;
use sotto_rendezvous_server::{Config, Relay, Running, Server, Tls};
use sotto_signaling::{Endpoint, OfflineReason, RefusedRequest, Report, Request, Signaling};
use sotto_wire::{
    CELL_LEN, Cell,
    server::{ErrorCode, MailboxId, Nameplate, PeerEvent},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, timeout},
};

const M: MailboxId = MailboxId([7; 32]);

fn config(tls: Tls) -> Config {
    Config::new("127.0.0.1:0".parse().unwrap(), tls, Relay::Embedded { address: None, secret: None })
}

fn endpoint(server: &Running) -> Endpoint {
    Endpoint { url: server.url.clone(), spki: server.spki, ca_file: None }
}

fn cell(number: u32) -> Cell {
    let mut bytes = [0x33; CELL_LEN];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Cell::from_bytes(&bytes).unwrap()
}

fn number(cell: &Cell) -> u32 {
    u32::from_be_bytes(cell.as_bytes()[..4].try_into().unwrap())
}

struct Client {
    handle: Signaling,
    reports: mpsc::Receiver<Box<Report>>,
}

impl Client {
    fn new(endpoint: Endpoint) -> Self {
        let (handle, reports) = Signaling::start(endpoint);
        Self { handle, reports }
    }

    async fn online(server: &Running) -> Self {
        let mut client = Self::new(endpoint(server));
        assert!(matches!(client.next().await, Report::Online { turn: true, .. }));
        client
    }

    async fn next(&mut self) -> Report {
        *timeout(Duration::from_secs(20), self.reports.recv()).await.expect("a report comes").expect("the task lives")
    }

    async fn open(&mut self, side: u8, owner: u8) -> bool {
        self.handle.send(Request::Open { mailbox: M, side, owner: [owner; 16] });
        match self.next().await {
            Report::Opened { mailbox: M, peer_present } => peer_present,
            other => panic!("{other:?}"),
        }
    }

    async fn peer(&mut self) -> PeerEvent {
        match self.next().await {
            Report::Peer { mailbox: M, event } => event,
            other => panic!("{other:?}"),
        }
    }

    async fn offline(&mut self) -> OfflineReason {
        match self.next().await {
            Report::Offline { reason, retry_ms } => {
                assert!((500..=30_000).contains(&retry_ms));
                reason
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The first thing that is said about an endpoint, and that it is said within five seconds.
async fn offline_reason(endpoint: Endpoint) -> OfflineReason {
    let start = Instant::now();
    let reason = Client::new(endpoint).offline().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    reason
}

async fn meet(server: &Running) -> (Client, Client) {
    let (mut therapist, mut client) = (Client::online(server).await, Client::online(server).await);
    assert!(!therapist.open(1, 1).await);
    assert!(client.open(0, 2).await);
    assert_eq!(therapist.peer().await, PeerEvent::Joined);
    (therapist, client)
}

#[tokio::test]
async fn two_meet_by_nameplate_and_pass_a_hundred_cells_each_way_in_order() {
    let mut config = config(Tls::SelfSigned { key: None });
    config.limits = Limits { cells_burst: 1000, ..Limits::default() };
    let server = Server::start(config).await.unwrap();
    let (mut therapist, mut client) = (Client::online(&server).await, Client::online(&server).await);
    therapist.handle.send(Request::Alloc);
    let Report::Allocated { nameplate, mailbox, ttl_s: 1800 } = therapist.next().await else { panic!() };
    client.handle.send(Request::Claim(nameplate.clone()));
    let Report::Claimed { nameplate: asked, mailbox: claimed } = client.next().await else { panic!() };
    assert!(asked == nameplate && claimed == mailbox);
    therapist.handle.send(Request::Open { mailbox, side: 1, owner: [1; 16] });
    assert!(matches!(therapist.next().await, Report::Opened { peer_present: false, .. }));
    client.handle.send(Request::Open { mailbox, side: 0, owner: [2; 16] });
    assert!(matches!(client.next().await, Report::Opened { peer_present: true, .. }));
    assert!(matches!(therapist.next().await, Report::Peer { event: PeerEvent::Joined, .. }));
    for n in 0..100 {
        assert!(therapist.handle.send(Request::Send { mailbox, cell: cell(n) }));
        assert!(client.handle.send(Request::Send { mailbox, cell: cell(1000 + n) }));
    }
    for n in 0..100 {
        let Report::Received { cell, .. } = client.next().await else { panic!() };
        assert_eq!(number(&cell), n);
        let Report::Received { cell, .. } = therapist.next().await else { panic!() };
        assert_eq!(number(&cell), 1000 + n);
    }
    therapist.handle.send(Request::Turn(mailbox));
    let Report::Turn { credentials, .. } = therapist.next().await else { panic!() };
    assert_eq!(credentials.urls, server.relay);
    therapist.handle.send(Request::Done(mailbox));
    therapist.handle.send(Request::Claim(nameplate));
    let Report::Refused { request: RefusedRequest::Claim(_), code } = therapist.next().await else { panic!() };
    assert_eq!(code, ErrorCode::UnknownNameplate);
    server.shutdown().await;
}

#[tokio::test]
async fn the_owner_takes_over_and_another_is_turned_away() {
    let server = Server::start(config(Tls::None)).await.unwrap();
    let (mut therapist, mut client) = meet(&server).await;
    let mut stranger = Client::online(&server).await;
    stranger.handle.send(Request::Open { mailbox: M, side: 0, owner: [3; 16] });
    let Report::Refused { request: RefusedRequest::Open(M), code } = stranger.next().await else { panic!() };
    assert_eq!(code, ErrorCode::Crowded);
    assert_eq!(client.peer().await, PeerEvent::Crowded);
    let mut again = Client::online(&server).await;
    assert!(again.open(0, 2).await);
    assert_eq!(therapist.peer().await, PeerEvent::Joined);
    assert_eq!(client.peer().await, PeerEvent::Crowded);
    assert!(matches!(client.next().await, Report::Closed(M)));
    again.handle.send(Request::Send { mailbox: M, cell: cell(1) });
    assert!(matches!(therapist.next().await, Report::Received { .. }));
    client.handle.send(Request::Send { mailbox: M, cell: cell(2) });
    assert!(matches!(client.next().await, Report::Lost(M)));
}

#[tokio::test]
async fn a_kick_makes_room() {
    let server = Server::start(config(Tls::None)).await.unwrap();
    let (mut therapist, mut stranger) = meet(&server).await;
    therapist.handle.send(Request::Kick(M));
    assert_eq!(therapist.peer().await, PeerEvent::Left);
    assert!(matches!(stranger.next().await, Report::Closed(M)));
    let mut client = Client::online(&server).await;
    assert!(client.open(0, 4).await);
}

#[tokio::test]
async fn a_dropped_handle_frees_the_side() {
    let server = Server::start(config(Tls::None)).await.unwrap();
    let (mut therapist, client) = meet(&server).await;
    drop(client);
    assert_eq!(therapist.peer().await, PeerEvent::Left);
}

#[tokio::test]
async fn sixteen_cells_wait_and_the_seventeenth_is_lost() {
    let server = Server::start(config(Tls::None)).await.unwrap();
    let mut client = Client::online(&server).await;
    client.open(0, 2).await;
    for n in 0..17 {
        client.handle.send(Request::Send { mailbox: M, cell: cell(n) });
    }
    assert!(matches!(client.next().await, Report::Lost(M)));
    let mut therapist = Client::online(&server).await;
    assert!(therapist.open(1, 1).await);
    for n in 0..16 {
        let Report::Received { cell, .. } = therapist.next().await else { panic!() };
        assert_eq!(number(&cell), n);
    }
}

#[tokio::test]
async fn after_a_restart_of_the_server_both_are_back_in_their_mailbox() {
    let server = Server::start(config(Tls::None)).await.unwrap();
    let (mut therapist, mut client) = meet(&server).await;
    let mut config = config(Tls::None);
    let authority = server.url.trim_start_matches("ws://").trim_end_matches('/').to_owned();
    config.listen = authority.parse().unwrap();
    server.shutdown().await;
    assert_eq!(therapist.offline().await, OfflineReason::Lost);
    assert_eq!(client.offline().await, OfflineReason::Lost);
    client.handle.send(Request::Send { mailbox: M, cell: cell(1) });
    assert!(matches!(client.next().await, Report::Lost(M)), "not kept in secret");
    let _server = Server::start(config).await.unwrap();
    let mut opened = 0;
    for peer in [&mut therapist, &mut client] {
        loop {
            match peer.next().await {
                Report::Offline { reason: OfflineReason::Unreachable, .. } | Report::Online { .. } => {}
                Report::Opened { mailbox: M, .. } => break opened += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(opened, 2);
    client.handle.send(Request::Send { mailbox: M, cell: cell(2) });
    loop {
        match therapist.next().await {
            Report::Received { cell, .. } => break assert_eq!(number(&cell), 2),
            Report::Peer { event: PeerEvent::Joined, .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn only_the_pinned_key_is_accepted() {
    let server = Server::start(config(Tls::SelfSigned { key: None })).await.unwrap();
    let mut right = Client::new(endpoint(&server));
    assert!(matches!(right.next().await, Report::Online { .. }));
    let wrong = Endpoint { spki: Some([1; 32]), ..endpoint(&server) };
    assert_eq!(offline_reason(wrong).await, OfflineReason::Certificate);
    let unpinned = Endpoint { spki: None, ..endpoint(&server) };
    assert_eq!(offline_reason(unpinned).await, OfflineReason::Certificate, "self-signed is not in WebPKI");
}

/// A server whose certificate comes from files: valid between two years, for a name.
async fn from_files(name: &str, years: (i32, i32)) -> (Running, std::path::PathBuf) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let dir = std::env::temp_dir().join(format!("sotto-signaling-{}-{}-{}", std::process::id(), years.0, name));
    std::fs::create_dir_all(&dir).unwrap();
    let (cert_file, key_file) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&cert_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let server = Server::start(config(Tls::Files { cert: cert_file.clone(), key: key_file })).await.unwrap();
    (server, cert_file)
}

#[tokio::test]
async fn certificates_from_files_are_checked_against_name_time_and_root() {
    let check = async |name: &str, years| {
        let (server, ca) = from_files(name, years).await;
        let by_root = Endpoint { spki: None, ca_file: Some(ca.clone()), ..endpoint(&server) };
        let first = Client::new(by_root).next().await;
        let pinned = Client::new(endpoint(&server)).next().await;
        std::fs::remove_dir_all(ca.parent().unwrap()).unwrap();
        assert!(matches!(pinned, Report::Online { .. }), "the pin holds whatever the certificate says");
        first
    };
    assert!(matches!(check("127.0.0.1", (2020, 4000)).await, Report::Online { .. }));
    let reason = |report| match report {
        Report::Offline { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(check("127.0.0.1", (2019, 2020)).await), OfflineReason::CertificateTime);
    assert_eq!(reason(check("127.0.0.1", (3999, 4000)).await), OfflineReason::CertificateTime);
    assert_eq!(reason(check("other.example", (2020, 4000)).await), OfflineReason::Certificate);
}

#[tokio::test]
async fn what_is_wrong_is_told_apart_within_five_seconds() {
    let plain = |url: String| Endpoint { url, spki: None, ca_file: None };
    let pinned = |url: String| Endpoint { url, spki: Some([0; 32]), ca_file: None };
    assert_eq!(offline_reason(pinned("wss://nobody.invalid/".into())).await, OfflineReason::Dns);
    assert_eq!(offline_reason(plain("ws://192.0.2.1/".into())).await, OfflineReason::Protocol, "ws leaves loopback");
    // A port that nobody listens on.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(offline_reason(plain(format!("ws://{free}/"))).await, OfflineReason::Unreachable);
    // One that accepts and is silent.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    assert_eq!(offline_reason(pinned(format!("wss://{address}/"))).await, OfflineReason::Unreachable);
    assert_eq!(offline_reason(plain(format!("ws://{address}/"))).await, OfflineReason::Unreachable);
    // A web server.
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = web.local_addr().unwrap();
    let answering = tokio::spawn(async move {
        loop {
            let (mut tcp, _) = web.accept().await.unwrap();
            let _ = tcp.read(&mut [0; 1024]).await;
            let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    assert_eq!(offline_reason(plain(format!("ws://{address}/"))).await, OfflineReason::Protocol);
    assert_eq!(offline_reason(pinned(format!("wss://{address}/"))).await, OfflineReason::Protocol);
    answering.abort();
}

#[tokio::test]
async fn a_full_server_says_so() {
    let mut config = config(Tls::SelfSigned { key: None });
    config.connections_per_address = 1;
    let server = Server::start(config).await.unwrap();
    let first = Client::online(&server).await;
    assert_eq!(offline_reason(endpoint(&server)).await, OfflineReason::Full);
    drop(first);
    let mut later = Client::new(endpoint(&server));
    loop {
        match later.next().await {
            Report::Online { .. } => break,
            Report::Offline { reason: OfflineReason::Full, .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_stops_answering_counts_as_lost_within_six_seconds() {
    // Between the two a pipe that can be stopped without closing anything.
    let server = Server::start(config(Tls::None)).await.unwrap();
    let upstream: SocketAddr = server.url.trim_start_matches("ws://").trim_end_matches('/').parse().unwrap();
    let pipe = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", pipe.local_addr().unwrap());
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut near, _) = pipe.accept().await.unwrap();
        let mut far = TcpStream::connect(upstream).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
            _ = &mut stopped => std::future::pending::<()>().await,
        }
    });
    let mut client = Client::new(Endpoint { url, spki: None, ca_file: None });
    assert!(matches!(client.next().await, Report::Online { .. }));
    client.open(0, 2).await;
    stop.send(()).unwrap();
    let start = Instant::now();
    client.handle.send(Request::Claim(Nameplate::parse("123456").unwrap()));
    assert_eq!(client.offline().await, OfflineReason::Lost);
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}
