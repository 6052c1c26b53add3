//! The embedded relay: TURN over UDP for a demo, tests or one practice (RFC 8656; PROTOCOL §9.5).
//!
//! The state machine of each allocation is the `turn` crate's. Around it, this module owns what that crate lacks:
//! who may ask at all, how much, and towards whom. Relayed addresses exist only inside this process
//! ([`switch`]), so the relay can pass packets from one of its allocations to another and to nothing else.

mod auth;
mod front;
mod stun;
mod switch;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{net::UdpSocket, sync::Mutex, task::JoinHandle, time::Instant};
use turn::{
    allocation::allocation_manager::{Manager, ManagerConfig},
    server::request::Request,
};
use webrtc_util::Conn;
use zeroize::Zeroizing;

use self::{
    auth::{Authenticator, Verdict},
    front::Front,
    stun::{Class, Method, Stun},
    switch::{Addresses, Switch},
};

/// Realm of the credentials. Says nothing about the operator.
const REALM: &str = "sotto";
/// Largest datagram taken.
const MTU: usize = 1500;
/// Life of a channel binding (RFC 8656 §12).
const CHANNEL_LIFE: Duration = Duration::from_secs(600);
/// Peers that one CreatePermission may name.
const PEERS_PER_REQUEST: usize = 8;

/// What the door does with a datagram of a stranger: reads it, and lets nobody in.
#[cfg(feature = "fuzz")]
pub(crate) fn fuzz_stun(data: &[u8]) {
    let Some(message) = Stun::parse(data) else { return };
    let from = SocketAddr::from(([192, 0, 2, 1], 4000));
    let door = Authenticator::new(Zeroizing::new(b"not known to anybody".to_vec()));
    assert!(!matches!(door.check(&message, from), Verdict::Allowed(_)), "a stranger was let in");
    for value in message.attributes(stun::XOR_PEER_ADDRESS) {
        let _ = message.xor_address(value);
    }
    let answer = message.error(401, Some(("nonce", REALM)));
    assert!(Stun::parse(&answer).is_some(), "an answer that is no message");
}

/// Settings of the relay.
pub struct RelayConfig {
    /// UDP address.
    pub listen: SocketAddr,
    /// Take any port if the one of `listen` is not free.
    pub any_port: bool,
    /// Address in relayed candidates.
    pub address: IpAddr,
    /// Shared with the issuer of credentials.
    pub secret: Zeroizing<Vec<u8>>,
    /// Allocations altogether.
    pub allocations: usize,
    /// Allocations per credential.
    pub allocations_per_user: usize,
}

/// A running relay; it ends when this is dropped.
pub struct EmbeddedRelay {
    /// Its UDP port.
    pub port: u16,
    serving: JoinHandle<()>,
    manager: Arc<Manager>,
}

impl EmbeddedRelay {
    /// Binds and serves.
    pub async fn start(config: RelayConfig) -> std::io::Result<Self> {
        let socket = match UdpSocket::bind(config.listen).await {
            Err(_) if config.any_port => UdpSocket::bind((config.listen.ip(), 0)).await?,
            other => other?,
        };
        let port = socket.local_addr()?.port();
        let switch = Switch::new(config.address);
        let manager = Arc::new(Manager::new(ManagerConfig {
            relay_addr_generator: Box::new(Addresses(Arc::clone(&switch))),
            alloc_close_notify: None,
        }));
        let front = Arc::new(Front::new(socket));
        let relay = Relay {
            auth: Arc::new(Authenticator::new(config.secret.clone())),
            config,
            switch,
            manager: Arc::clone(&manager),
            front,
            nonces: Arc::default(),
        };
        Ok(Self { port, serving: tokio::spawn(relay.serve()), manager })
    }

    /// Ends all allocations; returns when the port is free.
    pub async fn shutdown(mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        let _ = self.manager.close().await;
        // The allocations' tasks hold the socket until they notice.
        tokio::task::yield_now().await;
    }
}

impl Drop for EmbeddedRelay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Relay {
    config: RelayConfig,
    auth: Arc<Authenticator>,
    switch: Arc<Switch>,
    manager: Arc<Manager>,
    front: Arc<Front>,
    /// The crate wants to find a request's nonce here. Ours need no memory: each is put in for its request only.
    nonces: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Relay {
    async fn serve(self) {
        let mut buffer = vec![0; MTU];
        loop {
            // An error is about an earlier datagram that could not be delivered: not our concern.
            let Ok((len, from)) = self.front.socket.recv_from(&mut buffer).await else {
                tokio::task::yield_now().await;
                continue;
            };
            // Whatever may be wrong in the crate ends with this datagram.
            let _ = AssertUnwindSafe(self.datagram(&buffer[..len], from)).catch_unwind().await;
        }
    }

    async fn datagram(&self, bytes: &[u8], from: SocketAddr) {
        match bytes.first() {
            Some(0x40..=0x7F) if channel_data_is_whole(bytes) => self.pass_on(bytes, from).await,
            Some(0..=0x3F) => {
                let Some(message) = Stun::parse(bytes) else { return };
                if let Some(answer) = self.front.repeated_answer(&message, from) {
                    return self.front.send(&answer, from).await;
                }
                match (message.class, message.method) {
                    (Class::Request, Method::Binding) => self.pass_on(bytes, from).await,
                    (
                        Class::Request,
                        Method::Allocate | Method::Refresh | Method::CreatePermission | Method::ChannelBind,
                    ) => {
                        self.request(&message, bytes, from).await;
                    }
                    (Class::Indication, Method::Send) if self.peers_allowed(&message, true) => {
                        self.pass_on(bytes, from).await;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    async fn request(&self, message: &Stun<'_>, bytes: &[u8], from: SocketAddr) {
        let user = match self.auth.check(message, from) {
            Verdict::Allowed(user) => user,
            Verdict::Refused(code) => return self.refuse(message, code, Some(self.auth.nonce(from)), from).await,
            Verdict::Malformed => return self.refuse(message, 400, None, from).await,
        };
        if let Err(code) = self.permitted(message, user, from).await {
            return self.refuse(message, code, None, from).await;
        }
        let nonce = message.text(stun::NONCE).unwrap_or_default().to_owned();
        self.nonces.lock().await.insert(nonce, Instant::now());
        self.pass_on(bytes, from).await;
        self.nonces.lock().await.clear();
    }

    /// Limits and the peer filter; an error code of RFC 8656 §19 where one of them says no.
    async fn permitted(&self, message: &Stun<'_>, user: &str, from: SocketAddr) -> Result<(), u16> {
        match message.method {
            Method::Allocate => {
                // Pairs of ports and reservations are for RTP without multiplexing: unknown here.
                if [stun::EVEN_PORT, stun::RESERVATION_TOKEN].iter().any(|&kind| message.attribute(kind).is_some()) {
                    return Err(508);
                }
                let family = message.attribute(stun::REQUESTED_ADDRESS_FAMILY).and_then(|value| value.first().copied());
                let wanted_v6 = family == Some(2);
                if wanted_v6 != self.config.address.is_ipv6() && (family.is_some() || self.config.address.is_ipv6()) {
                    return Err(440);
                }
                let allocations = self.manager.get_allocations_info(None).await;
                let again = allocations.keys().any(|tuple| tuple.src_addr == from);
                let of_user = allocations.values().filter(|info| info.username == user).count();
                if !again && of_user >= self.config.allocations_per_user {
                    return Err(486);
                }
                if !again && allocations.len() >= self.config.allocations {
                    return Err(508);
                }
                Ok(())
            }
            Method::CreatePermission if !self.peers_allowed(message, false) => Err(403),
            Method::ChannelBind if !self.peers_allowed(message, true) => Err(403),
            _ => Ok(()),
        }
    }

    /// Every peer is one of this relay's own addresses; with `exact` also a live one.
    fn peers_allowed(&self, message: &Stun<'_>, exact: bool) -> bool {
        let peers: Vec<_> =
            message.attributes(stun::XOR_PEER_ADDRESS).map(|value| message.xor_address(value)).collect();
        let own = |peer: &Option<SocketAddr>| {
            peer.is_some_and(|peer| peer.ip() == self.config.address && (!exact || self.switch.has(peer.port())))
        };
        !peers.is_empty() && peers.len() <= PEERS_PER_REQUEST && peers.iter().all(own)
    }

    async fn refuse(&self, message: &Stun<'_>, code: u16, nonce: Option<String>, to: SocketAddr) {
        let answer = message.error(code, nonce.as_deref().map(|nonce| (nonce, REALM)));
        self.front.send(&answer, to).await;
    }

    async fn pass_on(&self, bytes: &[u8], from: SocketAddr) {
        let conn: Arc<dyn Conn + Send + Sync> = Arc::clone(&self.front) as _;
        let mut request = Request::new(conn, from, Arc::clone(&self.manager), Arc::clone(&self.auth) as _);
        request.buff = bytes.to_vec();
        request.nonces = Arc::clone(&self.nonces);
        request.realm = REALM.to_owned();
        request.channel_bind_timeout = CHANNEL_LIFE;
        // What it complains about is one client's datagram: not for a log.
        let _ = request.handle_request().await;
    }
}

fn channel_data_is_whole(bytes: &[u8]) -> bool {
    bytes.len() >= 4 && usize::from(u16::from_be_bytes([bytes[2], bytes[3]])) <= bytes.len() - 4
}
