//! What an operator can set.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use sotto_mailbox::Limits;
use zeroize::Zeroizing;

/// How the server proves that it is itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain `ws`; only when listening on loopback.
    None,
    /// A P-256 key and a certificate signed by itself; clients pin its hash.
    SelfSigned {
        /// Where the private key is kept, in PEM; made if it isn't there. Without it, a new key at each start.
        key: Option<PathBuf>,
    },
    /// PEM files: the certificate chain and its key.
    Files {
        /// Chain, the server's own certificate first.
        cert: PathBuf,
        /// Private key.
        key: PathBuf,
    },
}

/// Where the relay is.
#[derive(Clone)]
pub enum Relay {
    /// None: TURN is answered with ERR 8.
    None,
    /// The embedded one, on the UDP port of the same number as the server's TCP port where that is free.
    Embedded {
        /// Address that clients reach it under; by default the one listened on.
        address: Option<IpAddr>,
        /// The secret behind its credentials, for a relay that other servers use too; without it a random one.
        secret: Option<Zeroizing<Vec<u8>>>,
    },
    /// Others, for example coturn, that share a secret with this server.
    External {
        /// `turn:host:port?transport=udp`, …
        urls: Vec<String>,
        /// The shared secret, as its bytes.
        secret: Zeroizing<Vec<u8>>,
    },
}

impl core::fmt::Debug for Relay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Embedded { .. } => "Embedded",
            Self::External { .. } => "External",
        })
    }
}

/// How long things may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TLS and WebSocket handshake together, then again until HELLO.
    pub handshake: Duration,
    /// Silence after which the server sends a WebSocket ping, and again each time.
    pub ping: Duration,
    /// Silence after which it closes.
    pub idle: Duration,
    /// One frame to a reader that doesn't read.
    pub write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            ping: Duration::from_secs(30),
            idle: Duration::from_secs(90),
            write: Duration::from_secs(20),
        }
    }
}

/// Settings of one server.
#[derive(Clone, Debug)]
pub struct Config {
    /// TCP address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate.
    pub tls: Tls,
    /// Relay.
    pub relay: Relay,
    /// Limits of the mailboxes.
    pub limits: Limits,
    /// Connections from one IPv4 address or one IPv6 /64.
    pub connections_per_address: usize,
    /// Connections altogether.
    pub connections: usize,
    /// Frames that may wait for one connection; a reader that is slower is disconnected.
    pub outgoing_frames: usize,
    /// Bytes that may wait for all connections together; over it the connection that a frame is for is closed.
    pub outgoing_bytes: usize,
    /// Times.
    pub timeouts: Timeouts,
    /// Allocations of the embedded relay altogether, and per credential.
    pub allocations: (usize, usize),
}

impl Config {
    /// Defaults of PROTOCOL §9.2 for an address.
    #[must_use]
    pub fn new(listen: SocketAddr, tls: Tls, relay: Relay) -> Self {
        Self {
            listen,
            tls,
            relay,
            limits: Limits::default(),
            connections_per_address: 20,
            connections: 10_000,
            outgoing_frames: 256,
            outgoing_bytes: 64 << 20,
            timeouts: Timeouts::default(),
            allocations: (512, 4),
        }
    }
}
