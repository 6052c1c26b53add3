//! Rendezvous connections, and the translation between their words and the room's.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use sotto_call::{Input, ServerReport, ServerRequest, ServerUrl};
use sotto_signaling::{Endpoint, OfflineReason, RefusedRequest, Report, Request, Signaling};
use sotto_wire::server::MailboxId;
use tokio::sync::mpsc;

pub(crate) struct Servers {
    servers: HashMap<ServerUrl, Server>,
    ca_file: Option<PathBuf>,
    inputs: mpsc::Sender<Box<Input>>,
}

/// One server, with a connection for each hour whose mailboxes are in use: a connection that carried two hours would
/// tell the server that both belong to the same person (PROTOCOL §3.3).
#[derive(Default)]
struct Server {
    connections: BTreeMap<u64, Connection>,
    online: Arc<AtomicUsize>,
}

struct Connection {
    signaling: Signaling,
    mailboxes: Mailboxes,
}

/// The mailboxes that a connection carries: opened by us, and closed by us or by the server.
#[derive(Clone, Default)]
struct Mailboxes(Arc<Mutex<HashSet<MailboxId>>>);

impl Mailboxes {
    fn lock(&self) -> MutexGuard<'_, HashSet<MailboxId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Servers {
    pub(crate) fn new(ca_file: Option<PathBuf>, inputs: mpsc::Sender<Box<Input>>) -> Self {
        Self { servers: HashMap::new(), ca_file, inputs }
    }

    pub(crate) fn request(&mut self, url: ServerUrl, request: ServerRequest) {
        let server = self.servers.entry(url.clone()).or_default();
        let hour = server.hour_of(&request);
        if !server.connections.contains_key(&hour) {
            let Ok(endpoint) = endpoint(&url.0, self.ca_file.clone()) else {
                let report = ServerReport::Offline { code: "rendezvous-protocol" };
                let _ = self.inputs.try_send(Box::new(Input::Server(url, report)));
                return;
            };
            let mailboxes = Mailboxes::default();
            let signaling = connect(endpoint, url, self.inputs.clone(), server.online.clone(), mailboxes.clone());
            server.connections.insert(hour, Connection { signaling, mailboxes });
        }
        let Some(connection) = server.connections.get(&hour) else { return };
        match request {
            ServerRequest::Open { mailbox, .. } => {
                connection.mailboxes.lock().insert(mailbox);
            }
            ServerRequest::Close(mailbox) => {
                connection.mailboxes.lock().remove(&mailbox);
            }
            _ => {}
        }
        connection.signaling.send(match request {
            ServerRequest::Alloc => Request::Alloc,
            ServerRequest::Claim(nameplate) => Request::Claim(nameplate),
            ServerRequest::Open { mailbox, side, owner, .. } => Request::Open { mailbox, side, owner },
            ServerRequest::Send(mailbox, cell) => Request::Send { mailbox, cell },
            ServerRequest::Close(mailbox) => Request::Close(mailbox),
            ServerRequest::Turn(mailbox) => Request::Turn(mailbox),
            ServerRequest::Kick(mailbox) => Request::Kick(mailbox),
            ServerRequest::Done(mailbox) => Request::Done(mailbox),
        });
        // Nothing live uses it any more. The newest stays for what has no mailbox yet.
        let newest = server.newest();
        server.connections.retain(|hour, carried| Some(*hour) == newest || !carried.mailboxes.lock().is_empty());
    }

    pub(crate) fn disconnect(&mut self, server: &ServerUrl) {
        self.servers.remove(server);
    }
}

impl Server {
    fn newest(&self) -> Option<u64> {
        self.connections.last_key_value().map(|(hour, _)| *hour)
    }

    /// Which connection carries a request: the one that its mailbox was opened on, else the newest.
    fn hour_of(&self, request: &ServerRequest) -> u64 {
        let (mailbox, slot) = match request {
            ServerRequest::Alloc | ServerRequest::Claim(_) => (None, None),
            ServerRequest::Open { mailbox, slot, .. } => (Some(mailbox), *slot),
            ServerRequest::Send(mailbox, _)
            | ServerRequest::Close(mailbox)
            | ServerRequest::Turn(mailbox)
            | ServerRequest::Kick(mailbox)
            | ServerRequest::Done(mailbox) => (Some(mailbox), None),
        };
        let carries = |mailbox| self.connections.iter().find(|(_, carried)| carried.mailboxes.lock().contains(mailbox));
        mailbox
            .and_then(carries)
            .map(|(hour, _)| *hour)
            .or(slot)
            .or_else(|| self.newest())
            // A code's mailbox belongs to no hour.
            .unwrap_or_default()
    }
}

/// Starts a connection whose reports reach the room. The server counts as offline only while no connection to it is
/// online.
fn connect(
    endpoint: Endpoint,
    url: ServerUrl,
    inputs: mpsc::Sender<Box<Input>>,
    online: Arc<AtomicUsize>,
    mailboxes: Mailboxes,
) -> Signaling {
    let (signaling, mut reports) = Signaling::start(endpoint);
    tokio::spawn(async move {
        let mut is_online = false;
        while let Some(report) = reports.recv().await.map(|report| *report) {
            let Some(report) = translate(report) else { continue };
            match &report {
                ServerReport::Online { .. } if !core::mem::replace(&mut is_online, true) => {
                    online.fetch_add(1, Ordering::Relaxed);
                }
                ServerReport::Offline { .. } => {
                    if core::mem::take(&mut is_online) {
                        online.fetch_sub(1, Ordering::Relaxed);
                    }
                    if online.load(Ordering::Relaxed) > 0 {
                        continue;
                    }
                }
                ServerReport::Closed(mailbox) | ServerReport::OpenRefused(mailbox, _) => {
                    mailboxes.lock().remove(mailbox);
                }
                _ => {}
            }
            if inputs.send(Box::new(Input::Server(url.clone(), report))).await.is_err() {
                return;
            }
        }
        if is_online {
            online.fetch_sub(1, Ordering::Relaxed);
        }
    });
    signaling
}

fn translate(report: Report) -> Option<ServerReport> {
    Some(match report {
        Report::Online { unix_time, turn } => ServerReport::Online { unix_time, turn },
        Report::Offline { reason, .. } => ServerReport::Offline {
            code: match reason {
                OfflineReason::Dns => "rendezvous-dns",
                OfflineReason::Unreachable => "rendezvous-unreachable",
                OfflineReason::Certificate => "rendezvous-certificate",
                OfflineReason::CertificateTime => "rendezvous-certificate-time",
                OfflineReason::Protocol => "rendezvous-protocol",
                OfflineReason::Full => "rendezvous-full",
                OfflineReason::Lost => "rendezvous-lost",
            },
        },
        Report::Allocated { nameplate, mailbox, ttl_s } => ServerReport::Allocated { nameplate, mailbox, ttl_s },
        Report::Claimed { mailbox, .. } => ServerReport::Claimed(mailbox),
        Report::Opened { mailbox, peer_present } => ServerReport::Opened { mailbox, peer_present },
        Report::Received { mailbox, cell } => ServerReport::Received(mailbox, cell),
        Report::Peer { mailbox, event } => ServerReport::Peer(mailbox, event),
        Report::Closed(mailbox) => ServerReport::Closed(mailbox),
        Report::Turn { mailbox, credentials } => ServerReport::Turn(mailbox, credentials),
        // The SIG layer asks again by SYNC, handshakes by their timers.
        Report::Lost(_) => return None,
        Report::Refused { request: RefusedRequest::Alloc, code } => ServerReport::AllocRefused(code),
        Report::Refused { request: RefusedRequest::Claim(_), code } => ServerReport::ClaimRefused(code),
        Report::Refused { request: RefusedRequest::Open(mailbox), code } => ServerReport::OpenRefused(mailbox, code),
        Report::Refused { request: RefusedRequest::Turn(mailbox), code } => ServerReport::TurnRefused(mailbox, code),
    })
}

/// Parses `wss://host[:port]/path[#spki=<base64url sha256>]`.
pub(crate) fn endpoint(url: &str, ca_file: Option<PathBuf>) -> Result<Endpoint, &'static str> {
    let (url, spki) = match url.split_once('#') {
        None => (url, None),
        Some((url, fragment)) => {
            let value = fragment.strip_prefix("spki=").ok_or("unknown fragment")?;
            (url, Some(sotto_signaling::parse_spki(value).ok_or("the spki is not 32 bytes of base64url")?))
        }
    };
    if !url.starts_with("wss://") && !url.starts_with("ws://") {
        return Err("it must begin with wss://");
    }
    Ok(Endpoint { url: url.to_owned(), spki, ca_file })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use sotto_rendezvous_server::{Config, Relay, Server as Rendezvous, Tls};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn each_hour_has_a_connection_of_its_own_that_ends_with_its_last_mailbox() {
        let listen = "127.0.0.1:0".parse().unwrap();
        let running = Rendezvous::start(Config::new(listen, Tls::None, Relay::None)).await.unwrap();
        let url = ServerUrl(running.url.clone());
        let (inputs, mut received) = mpsc::channel(64);
        let mut servers = Servers::new(None, inputs);
        let open = |byte: u8, slot: Option<u64>| ServerRequest::Open {
            mailbox: MailboxId([byte; 32]),
            side: 1,
            owner: [byte; 16],
            slot,
        };
        for (byte, slot) in [(1, Some(10)), (2, Some(10)), (3, Some(11)), (4, None)] {
            servers.request(url.clone(), open(byte, slot));
        }
        let mut opened = HashSet::new();
        while opened.len() < 4 {
            let input = tokio::time::timeout(Duration::from_secs(10), received.recv()).await.unwrap().unwrap();
            if let Input::Server(_, ServerReport::Opened { mailbox, .. }) = *input {
                opened.insert(mailbox);
            }
        }
        assert_eq!(running.counters().connections, 2);
        // A mailbox stays where it was opened, whatever is asked of it later.
        servers.request(url.clone(), ServerRequest::Close(MailboxId([1; 32])));
        assert_eq!(running.counters().connections, 2);
        servers.request(url.clone(), ServerRequest::Close(MailboxId([2; 32])));
        let limit = std::time::Instant::now() + Duration::from_secs(10);
        while running.counters().connections != 1 {
            assert!(std::time::Instant::now() < limit, "the old hour's connection stays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        servers.disconnect(&url);
        running.shutdown().await;
    }
}
