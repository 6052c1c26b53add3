//! Two peers in one process over real sockets on loopback and a real TURN server.
//!
//! Shared by the crate's own tests, which may turn counter-measures off, and by those in `tests/`.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sotto_wire::{Codec, SealedPacket, SealedRecord, TrackId};
use tokio::sync::mpsc;
use turn::{
    auth::{AuthHandler, generate_auth_key},
    relay::relay_static::RelayAddressGeneratorStatic,
    server::{
        Server,
        config::{ConnConfig, ServerConfig},
    },
};
use webrtc_util::vnet::net::Net;

use super::{Relay, Transport, TransportConfig, TransportEvent, TransportFault};

const SECRET: &str = "shared by the relay and the rendezvous server";

/// A relay with credentials that run out (draft-uberti-behave-turn-rest), on loopback.
pub struct TurnServer {
    server: Server,
    pub address: SocketAddr,
}

struct RestAuth;

fn password(user: &str) -> String {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(user.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl AuthHandler for RestAuth {
    fn auth_handle(&self, user: &str, realm: &str, _: SocketAddr) -> Result<Vec<u8>, turn::Error> {
        let expiry = user.split(':').next().and_then(|text| text.parse().ok()).unwrap_or(0_u64);
        if expiry < now() {
            return Err(turn::Error::ErrNoSuchUser);
        }
        Ok(generate_auth_key(user, realm, &password(user)))
    }
}

impl TurnServer {
    pub async fn start() -> Self {
        Self::with_relay_address(IpAddr::V4(Ipv4Addr::LOCALHOST)).await
    }

    /// `relay_address`: what the server says its relayed addresses are.
    pub async fn with_relay_address(relay_address: IpAddr) -> Self {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let generator = RelayAddressGeneratorStatic {
            relay_address,
            address: "127.0.0.1".to_owned(),
            net: Arc::new(Net::new(None)),
        };
        let server = Server::new(ServerConfig {
            conn_configs: vec![ConnConfig { conn: Arc::new(socket), relay_addr_generator: Box::new(generator) }],
            realm: "test".to_owned(),
            auth_handler: Arc::new(RestAuth),
            channel_bind_timeout: Duration::ZERO,
            alloc_close_notify: None,
        })
        .await
        .unwrap();
        Self { server, address }
    }

    pub fn relay(&self) -> Relay {
        let username = format!("{}:someone", now() + 600);
        let password = password(&username);
        Relay { url: format!("turn:{}?transport=udp", self.address), username, password }
    }

    /// From where the relay's users talk to it.
    pub async fn users(&self) -> Vec<SocketAddr> {
        self.server.get_allocations_info(None).await.unwrap().into_keys().map(|tuple| tuple.src_addr).collect()
    }

    /// Gone, with everything that it relayed.
    pub async fn stop(&self) {
        self.server.close().await.unwrap();
    }

    pub async fn allocations(&self) -> usize {
        self.server.get_allocations_info(None).await.unwrap().len()
    }
}

/// Relay-only on loopback.
pub fn config(offerer: bool, relay: Relay) -> TransportConfig {
    let ssrcs = if offerer {
        [(0x1111_0001, 0), (0x1111_0002, 0x1111_0003), (0x1111_0004, 0x1111_0005)]
    } else {
        [(0x2222_0001, 0), (0x2222_0002, 0x2222_0003), (0x2222_0004, 0x2222_0005)]
    };
    TransportConfig { offerer, relays: vec![relay], relay_only: true, allow_local_relay: true, ssrcs }
}

/// One side.
pub struct Peer {
    pub transport: Arc<Transport>,
    pub events: mpsc::Receiver<TransportEvent>,
    /// Media that came while something else was waited for.
    pub packets: Vec<SealedPacket>,
    /// Likewise.
    pub records: Vec<SealedRecord>,
    pub connected: Option<Connected>,
    pub data_open: bool,
}

#[derive(Clone, Debug)]
pub struct Connected {
    pub remote_fingerprint: [u8; 32],
    pub srtp_profile: String,
    pub dtls_cipher: String,
    pub relayed: bool,
}

impl Peer {
    pub fn new(transport: Transport, events: mpsc::Receiver<TransportEvent>) -> Self {
        Self {
            transport: Arc::new(transport),
            events,
            packets: Vec::new(),
            records: Vec::new(),
            connected: None,
            data_open: false,
        }
    }

    pub async fn next(&mut self) -> TransportEvent {
        tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await.expect("an event").expect("open")
    }
}

/// Offer, answer, trickled candidates, as signalling would carry them, until both say connected and data-open.
pub async fn connect(offerer: &mut Peer, answerer: &mut Peer) -> Result<(), TransportFault> {
    let offer = offerer.transport.description().await?;
    answerer.transport.set_remote(&offer).await?;
    let answer = answerer.transport.description().await?;
    offerer.transport.set_remote(&answer).await?;
    finish(offerer, answerer).await
}

/// The part of [`connect`] after the descriptions.
pub async fn finish(offerer: &mut Peer, answerer: &mut Peer) -> Result<(), TransportFault> {
    while !(offerer.data_open && answerer.data_open) {
        let (event, from_offerer) = tokio::select! {
            event = offerer.next() => (event, true),
            event = answerer.next() => (event, false),
        };
        let (from, to) = if from_offerer { (&mut *offerer, &mut *answerer) } else { (&mut *answerer, &mut *offerer) };
        match event {
            TransportEvent::LocalCandidate(candidate) => to.transport.add_candidate(&candidate).await?,
            TransportEvent::CandidatesEnd => to.transport.candidates_end().await?,
            TransportEvent::Connected { remote_fingerprint, srtp_profile, dtls_cipher, relayed } => {
                from.connected = Some(Connected { remote_fingerprint, srtp_profile, dtls_cipher, relayed });
            }
            TransportEvent::DataOpen => from.data_open = true,
            TransportEvent::Packet(packet) => from.packets.push(packet),
            TransportEvent::Failed(fault) => return Err(fault),
            TransportEvent::Record(record) => from.records.push(record),
            TransportEvent::KeyframeRequest(_)
            | TransportEvent::Interrupted
            | TransportEvent::Recovered { .. }
            | TransportEvent::RestartFailed(_) => {}
        }
    }
    Ok(())
}

pub async fn close(offerer: &Peer, answerer: &Peer) {
    offerer.transport.close().await;
    answerer.transport.close().await;
}

/// A packet whose payload starts with its number.
pub fn packet(track: TrackId, number: u32, len: usize) -> SealedPacket {
    let codec = if track == TrackId::Audio { Codec::Opus } else { Codec::H264 };
    let mut bytes = vec![track as u8; len];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    SealedPacket {
        track,
        marker: number.is_multiple_of(3),
        rtp_timestamp: number.wrapping_mul(960),
        codec,
        bytes: Bytes::from(bytes),
    }
}

pub fn number(packet: &SealedPacket) -> u32 {
    u32::from_be_bytes(packet.bytes[..4].try_into().unwrap())
}

pub fn record(track: TrackId, number: u32, len: usize) -> SealedRecord {
    let mut bytes = vec![track as u8; len];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    SealedRecord { track, bytes: Bytes::from(bytes) }
}
