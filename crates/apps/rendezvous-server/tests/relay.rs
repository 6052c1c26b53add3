//! The embedded relay, asked by the `turn` crate's client and by raw datagrams.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sotto_rendezvous_server::{Config, Relay, Running, Server, Tls};
use sotto_wire::server::{ClientFrame, MailboxId, ServerFrame, TurnCredentials};
use tokio::{
    net::{TcpStream, UdpSocket},
    time::timeout,
};
use turn::client::{Client, ClientConfig};
use webrtc_util::Conn;

/// A server with a relay, and a way to get credentials as clients do.
struct World {
    server: Running,
    relay: SocketAddr,
}

impl World {
    async fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config =
            Config::new("127.0.0.1:0".parse().unwrap(), Tls::None, Relay::Embedded { address: None, secret: None });
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        let url = &server.relay[0];
        let relay = url.trim_start_matches("turn:").split('?').next().unwrap().parse().unwrap();
        Self { server, relay }
    }

    /// By TURN on a mailbox of which this connection holds both sides.
    async fn credentials(&self) -> TurnCredentials {
        use futures_util::{SinkExt, StreamExt};
        use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};
        let mut request = self.server.url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("tsp1"));
        let authority = self.server.url.trim_start_matches("ws://").trim_end_matches('/').to_owned();
        let tcp = TcpStream::connect(authority).await.unwrap();
        let (mut socket, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
        let mailbox = MailboxId([1; 32]);
        for frame in [
            ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() },
            ClientFrame::Open { mailbox, side: 0, owner: [1; 16] },
            ClientFrame::Open { mailbox, side: 1, owner: [1; 16] },
            ClientFrame::Turn(1),
        ] {
            socket.send(Message::binary(frame.encode())).await.unwrap();
        }
        loop {
            let message = socket.next().await.unwrap().unwrap();
            if let Message::Binary(bytes) = message
                && let ServerFrame::TurnCredentials(credentials) = ServerFrame::decode(&bytes).unwrap()
            {
                return credentials;
            }
        }
    }

    async fn client(&self, username: &str, password: &str) -> Client {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let client = Client::new(ClientConfig {
            stun_serv_addr: self.relay.to_string(),
            turn_serv_addr: self.relay.to_string(),
            username: username.to_owned(),
            password: password.to_owned(),
            realm: String::new(),
            software: String::new(),
            rto_in_ms: 0,
            conn: Arc::new(socket),
            vnet: None,
        })
        .await
        .unwrap();
        client.listen().await.unwrap();
        client
    }
}

fn rest_password(secret: &[u8], username: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).unwrap();
    mac.update(username.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn receive(conn: &impl Conn, ms: u64) -> Option<(Vec<u8>, SocketAddr)> {
    let mut buffer = [0; 1500];
    let (len, from) = timeout(Duration::from_millis(ms), conn.recv_from(&mut buffer)).await.ok()?.unwrap();
    Some((buffer[..len].to_vec(), from))
}

#[tokio::test]
async fn two_clients_reach_each_other_through_their_relayed_addresses() {
    let world = World::new(|_| {}).await;
    let credentials = world.credentials().await;
    let a = world.client(&credentials.username, &credentials.password).await;
    let b = world.client(&credentials.username, &credentials.password).await;
    let (relayed_a, relayed_b) = (a.allocate().await.unwrap(), b.allocate().await.unwrap());
    let (address_a, address_b) = (relayed_a.local_addr().unwrap(), relayed_b.local_addr().unwrap());
    assert_ne!(address_a, address_b);
    // Each opens its permission by sending once; then indications, and channels after a while.
    for n in 0..20u8 {
        let _ = relayed_a.send_to(&[n; 900], address_b).await;
        let _ = relayed_b.send_to(&[n; 900], address_a).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while receive(&relayed_a, 50).await.is_some() {}
    while receive(&relayed_b, 50).await.is_some() {}
    for n in 0..50u8 {
        relayed_a.send_to(&[n; 1200], address_b).await.unwrap();
        assert_eq!(receive(&relayed_b, 2000).await, Some((vec![n; 1200], address_a)));
        relayed_b.send_to(&[n; 7], address_a).await.unwrap();
        assert_eq!(receive(&relayed_a, 2000).await, Some((vec![n; 7], address_b)));
    }
}

#[tokio::test]
async fn wrong_and_expired_credentials_get_no_allocation() {
    let world = World::new(|_| {}).await;
    let good = world.credentials().await;
    let expired = "1700000000:0011223344556677";
    let future = format!("{}:0011223344556677", good.expiry);
    for (username, password) in [
        (good.username.as_str(), "wrong".to_owned()),
        (future.as_str(), rest_password(b"guessed", &future)),
        (expired, rest_password(b"guessed", expired)),
        ("somebody", good.password.clone()),
        ("", String::new()),
    ] {
        let client = world.client(username, &password).await;
        let allocated = timeout(Duration::from_secs(5), client.allocate()).await.expect("it is answered");
        assert!(allocated.is_err(), "{username}");
    }
    let client = world.client(&good.username, &good.password).await;
    assert!(client.allocate().await.is_ok(), "the good ones still work");
}

#[tokio::test]
async fn a_peer_outside_the_relay_gets_nothing_and_reaches_nobody() {
    let world = World::new(|_| {}).await;
    let credentials = world.credentials().await;
    let client = world.client(&credentials.username, &credentials.password).await;
    let relayed = client.allocate().await.unwrap();
    // On the same IP address, so that only the port tells it from a relayed address; and on another.
    for bind in ["127.0.0.1:0", "127.0.0.2:0"] {
        let outside = UdpSocket::bind(bind).await.unwrap();
        let to = outside.local_addr().unwrap();
        for _ in 0..5 {
            let _ = timeout(Duration::from_millis(500), relayed.send_to(b"let me in", to)).await;
        }
        let mut buffer = [0; 100];
        assert!(timeout(Duration::from_millis(300), outside.recv_from(&mut buffer)).await.is_err(), "{bind}");
        // The other way round: nobody listens at the relayed address.
        let _ = outside.send_to(b"hello", relayed.local_addr().unwrap()).await;
        assert!(receive(&relayed, 300).await.is_none());
    }
}

#[tokio::test]
async fn allocations_per_credential_and_altogether_are_limited() {
    let world = World::new(|config| config.allocations = (6, 4)).await;
    let (first, second) = (world.credentials().await, world.credentials().await);
    let mut kept = Vec::new();
    let mut allocate = async |credentials: &TurnCredentials| {
        let client = world.client(&credentials.username, &credentials.password).await;
        match timeout(Duration::from_secs(5), client.allocate()).await.expect("it is answered") {
            Ok(relayed) => {
                kept.push((Box::new(client), relayed.local_addr().unwrap()));
                // Dropping it would end the allocation.
                std::mem::forget(relayed);
                true
            }
            Err(_) => false,
        }
    };
    let of_first = [allocate(&first).await, allocate(&first).await, allocate(&first).await, allocate(&first).await];
    assert_eq!(of_first, [true; 4]);
    assert!(!allocate(&first).await, "the fifth of one credential");
    assert!(allocate(&second).await && allocate(&second).await);
    assert!(!allocate(&second).await, "the seventh altogether");
}

/// A STUN message by hand.
struct Raw(Vec<u8>);

impl Raw {
    fn new(kind: u16, transaction: u8) -> Self {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0, 0x21, 0x12, 0xA4, 0x42]);
        bytes.extend([transaction; 12]);
        Self(bytes)
    }
    fn with(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend(kind.to_be_bytes());
        self.0.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        let len = u16::try_from(self.0.len() - 20).unwrap();
        self.0[2..4].copy_from_slice(&len.to_be_bytes());
        self
    }
    fn signed(self, credentials: &TurnCredentials, nonce: &[u8]) -> Vec<u8> {
        let mut raw = self.with(0x06, credentials.username.as_bytes()).with(0x14, b"sotto").with(0x15, nonce);
        let key = turn::auth::generate_auth_key(&credentials.username, "sotto", &credentials.password);
        let len = u16::try_from(raw.0.len() - 20 + 24).unwrap();
        raw.0[2..4].copy_from_slice(&len.to_be_bytes());
        let mut mac = Hmac::<Sha1>::new_from_slice(&key).unwrap();
        mac.update(&raw.0);
        raw.with(0x08, &mac.finalize().into_bytes()).0
    }
}

/// The value of an attribute in an answer.
fn attribute(bytes: &[u8], wanted: u16) -> Option<Vec<u8>> {
    let mut at = 20;
    while at + 4 <= bytes.len() {
        let kind = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let len = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if kind == wanted {
            return Some(bytes[at + 4..at + 4 + len].to_vec());
        }
        at += 4 + len.next_multiple_of(4);
    }
    None
}

fn error_code(bytes: &[u8]) -> Option<u16> {
    attribute(bytes, 0x09).map(|value| u16::from(value[2]) * 100 + u16::from(value[3]))
}

async fn ask(socket: &UdpSocket, relay: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
    socket.send_to(bytes, relay).await.unwrap();
    let mut buffer = [0; 1500];
    let (len, _) = timeout(Duration::from_millis(1500), socket.recv_from(&mut buffer)).await.ok()?.unwrap();
    Some(buffer[..len].to_vec())
}

fn xor_peer(address: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(address) = address else { panic!() };
    let mut value = vec![0, 1];
    value.extend((address.port() ^ 0x2112).to_be_bytes());
    value.extend((u32::from(*address.ip()) ^ 0x2112_A442).to_be_bytes());
    value
}

#[tokio::test]
async fn raw_requests_are_answered_by_the_book() {
    let world = World::new(|_| {}).await;
    let credentials = world.credentials().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let udp: &[u8] = &[17, 0, 0, 0];
    let plain = Raw::new(0x0003, 1).with(0x19, udp).0;
    let challenge = ask(&socket, world.relay, &plain).await.unwrap();
    assert_eq!(error_code(&challenge), Some(401));
    let nonce = attribute(&challenge, 0x15).unwrap();
    let stale = Raw::new(0x0003, 2).with(0x19, udp).signed(&credentials, b"00000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(error_code(&ask(&socket, world.relay, &stale).await.unwrap()), Some(438));
    let even_port = Raw::new(0x0003, 3).with(0x19, udp).with(0x18, &[0x80]).signed(&credentials, &nonce);
    assert_eq!(error_code(&ask(&socket, world.relay, &even_port).await.unwrap()), Some(508));
    let ipv6 = Raw::new(0x0003, 4).with(0x19, udp).with(0x17, &[2, 0, 0, 0]).signed(&credentials, &nonce);
    assert_eq!(error_code(&ask(&socket, world.relay, &ipv6).await.unwrap()), Some(440));
    // The answer to Allocate was lost: asked again, it is the same.
    let allocate = Raw::new(0x0003, 5).with(0x19, udp).signed(&credentials, &nonce);
    let first = ask(&socket, world.relay, &allocate).await.unwrap();
    assert_eq!(first[..2], [0x01, 0x03]);
    assert_eq!(ask(&socket, world.relay, &allocate).await.unwrap(), first);
    // A second one on the same five-tuple is a mismatch.
    let another = Raw::new(0x0003, 6).with(0x19, udp).signed(&credentials, &nonce);
    assert_eq!(error_code(&ask(&socket, world.relay, &another).await.unwrap()), Some(437));
    // Peers: of several, each counts.
    let inside = xor_peer("127.0.0.1:50000".parse().unwrap());
    let outside = xor_peer("192.0.2.7:50000".parse().unwrap());
    let permission = Raw::new(0x0008, 7).with(0x12, &inside).with(0x12, &outside).signed(&credentials, &nonce);
    assert_eq!(error_code(&ask(&socket, world.relay, &permission).await.unwrap()), Some(403));
    let permission = Raw::new(0x0008, 8).with(0x12, &inside).signed(&credentials, &nonce);
    assert_eq!(ask(&socket, world.relay, &permission).await.unwrap()[..2], [0x01, 0x08]);
    let bind = Raw::new(0x0009, 9).with(0x0C, &[0x40, 0, 0, 0]).with(0x12, &outside).signed(&credentials, &nonce);
    assert_eq!(error_code(&ask(&socket, world.relay, &bind).await.unwrap()), Some(403));
}

#[tokio::test]
async fn hostile_datagrams_leave_the_relay_working() {
    let world = World::new(|_| {}).await;
    let credentials = world.credentials().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let challenge = ask(&socket, world.relay, &Raw::new(0x0003, 1).0).await.unwrap();
    let nonce = attribute(&challenge, 0x15).unwrap();
    let samples = [
        Raw::new(0x0001, 1).0,
        Raw::new(0x0003, 2).with(0x19, &[17, 0, 0, 0]).signed(&credentials, &nonce),
        Raw::new(0x0004, 3).with(0x0D, &[0, 0, 0, 0]).signed(&credentials, &nonce),
        Raw::new(0x0008, 4).with(0x12, &xor_peer("127.0.0.1:50000".parse().unwrap())).signed(&credentials, &nonce),
        Raw::new(0x0016, 5).with(0x12, &xor_peer("127.0.0.1:50000".parse().unwrap())).with(0x13, b"data").0,
        vec![0x40, 0, 0, 4, 1, 2, 3, 4],
        vec![],
    ];
    let mut state = 1u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut sent = 0;
    for sample in &samples {
        for len in 0..sample.len() {
            socket.send_to(&sample[..len], world.relay).await.unwrap();
        }
        for bit in 0..sample.len() * 8 {
            let mut flipped = sample.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            socket.send_to(&flipped, world.relay).await.unwrap();
        }
        for _ in 0..2000 {
            let mut bytes = sample.clone();
            for _ in 0..random() % 5 {
                if !bytes.is_empty() {
                    let at = (random() % bytes.len() as u64) as usize;
                    bytes[at] = random() as u8;
                }
            }
            socket.send_to(&bytes, world.relay).await.unwrap();
            sent += 1;
            if sent % 50 == 0 {
                // Let the relay keep up, so that datagrams are read and not dropped by the kernel.
                tokio::task::yield_now().await;
                while socket.try_recv_from(&mut [0; 1500]).is_ok() {}
            }
        }
    }
    let client = world.client(&credentials.username, &credentials.password).await;
    assert!(timeout(Duration::from_secs(10), client.allocate()).await.unwrap().is_ok());
}
