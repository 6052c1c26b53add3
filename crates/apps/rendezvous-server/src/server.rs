//! Starts a server and accepts its connections.

use std::{net::IpAddr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sotto_mailbox::Counters;
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::{
    Config, Relay, connection,
    credentials::Issuer,
    hub::Hub,
    origin::Live,
    os::random,
    relay::{EmbeddedRelay, RelayConfig},
    tls,
};

/// Refusals that are told to the refused at once; beyond it they are only cut off.
const POLITE_REFUSALS: usize = 32;

/// Why a server doesn't start. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Plain `ws` anywhere but on loopback.
    #[error("without TLS it listens on loopback only: give --tls-self-signed or --tls-cert and --tls-key")]
    PlainOutsideLoopback,
    /// The address can't be listened on.
    #[error("can't listen there: {0}")]
    Listen(#[source] std::io::Error),
    /// Certificate or key.
    #[error("{0}")]
    Certificate(&'static str),
    /// The relay would announce an address that nobody reaches.
    #[error("the relay needs the address that clients reach it under: give --relay-addr ADDR")]
    RelayAddress,
    /// The relay's socket.
    #[error("the relay can't listen: {0}")]
    Relay(#[source] std::io::Error),
}

/// See [`Server::start`].
pub struct Server;

/// A running server; it ends when this is dropped.
pub struct Running {
    /// `ws://…` or `wss://…`, without a fragment.
    pub url: String,
    /// SHA-256 of the certificate's SubjectPublicKeyInfo; `None` for `ws`.
    pub spki: Option<[u8; 32]>,
    /// Relay URLs that clients are given.
    pub relay: Vec<String>,
    hub: Arc<Hub>,
    accepting: JoinHandle<()>,
    embedded: Option<EmbeddedRelay>,
}

impl Server {
    /// Binds, and serves in tasks of the present tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let loopback = config.listen.ip().to_canonical().is_loopback();
        if config.tls == crate::Tls::None && !loopback {
            return Err(StartError::PlainOutsideLoopback);
        }
        let announced = announced_address(&config)?;
        let tls = tls::acceptor(&config.tls, &[announced])?;
        let listener = TcpListener::bind(config.listen).await.map_err(StartError::Listen)?;
        let port = listener.local_addr().map_err(StartError::Listen)?.port();
        let (issuer, embedded, relay) = match &config.relay {
            Relay::None => (None, None, Vec::new()),
            Relay::External { urls, secret } => (Some(Issuer::new(secret.clone(), urls.clone())), None, urls.clone()),
            Relay::Embedded { secret, .. } => {
                let secret = secret.clone().unwrap_or_else(|| Zeroizing::new(random::<32>().to_vec()));
                let relay_config = RelayConfig {
                    listen: (config.listen.ip(), port).into(),
                    any_port: config.listen.port() == 0,
                    address: announced,
                    secret: secret.clone(),
                    allocations: config.allocations.0,
                    allocations_per_user: config.allocations.1,
                };
                let embedded = EmbeddedRelay::start(relay_config).await.map_err(StartError::Relay)?;
                let urls = vec![format!("turn:{}?transport=udp", host_port(announced, embedded.port))];
                (Some(Issuer::new(secret, urls.clone())), Some(embedded), urls)
            }
        };
        let hub = Arc::new(Hub::new(config.limits.clone(), issuer, config.outgoing_frames, config.outgoing_bytes));
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/", host_port(announced, port));
        let (acceptor, spki) = tls.unzip();
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::clone(&hub), config));
        Ok(Running { url, spki, relay, hub, accepting, embedded })
    }
}

impl Running {
    /// [`Self::spki`] as it stands in `#spki=`: base64url without padding.
    #[must_use]
    pub fn spki_text(&self) -> Option<String> {
        self.spki.map(|hash| URL_SAFE_NO_PAD.encode(hash))
    }

    /// The URL with the pin as its fragment, as people hand it on.
    #[must_use]
    pub fn pinned_url(&self) -> String {
        match self.spki_text() {
            Some(hash) => format!("{}#spki={hash}", self.url),
            None => self.url.clone(),
        }
    }

    /// Totals for the operator.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.hub.counters()
    }

    /// Closes every connection and the relay; returns when the ports are free.
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
        if let Some(embedded) = self.embedded.take() {
            embedded.shutdown().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Under which address clients reach this server.
fn announced_address(config: &Config) -> Result<IpAddr, StartError> {
    let listen = config.listen.ip().to_canonical();
    let Relay::Embedded { address, .. } = &config.relay else { return Ok(listen) };
    let address = address.unwrap_or(listen).to_canonical();
    // A relay on loopback is for a server on loopback; anywhere else it would lead into this machine.
    if address.is_unspecified() || address.is_multicast() || (address.is_loopback() && !listen.is_loopback()) {
        return Err(StartError::RelayAddress);
    }
    Ok(address)
}

fn host_port(ip: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(ip, port).to_string()
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, hub: Arc<Hub>, config: Config) {
    let live = Live::new();
    let refusals = Arc::new(Semaphore::new(POLITE_REFUSALS));
    // Ends its tasks when it is dropped.
    let mut tasks = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        let (tcp, ip) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, from)) => (tcp, from.ip()),
                Err(_) => {
                    // Out of file descriptors, most likely: some will come back.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            Some(_) = tasks.join_next() => continue,
            _ = ticks.tick() => {
                hub.tick();
                continue;
            }
        };
        let guard = live.enter(ip, config.connections_per_address, config.connections);
        let refusal = if guard.is_none() {
            let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() else { continue };
            Some(permit)
        } else {
            None
        };
        let (tls, hub, times) = (tls.clone(), Arc::clone(&hub), config.timeouts.clone());
        tasks.spawn(async move {
            connection::serve(tcp, ip, tls, hub, times, refusal.is_some()).await;
            drop((guard, refusal));
        });
    }
}
