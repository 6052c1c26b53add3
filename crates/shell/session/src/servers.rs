//! Rendezvous connections, one per server, and the translation between their words and the room's.

use std::{collections::HashMap, path::PathBuf};

use sotto_call::{Input, ServerReport, ServerRequest, ServerUrl};
use sotto_signaling::{Endpoint, OfflineReason, RefusedRequest, Report, Request, Signaling};
use tokio::sync::mpsc;

pub(crate) struct Servers {
    connections: HashMap<ServerUrl, Signaling>,
    ca_file: Option<PathBuf>,
    inputs: mpsc::Sender<Input>,
}

impl Servers {
    pub(crate) fn new(ca_file: Option<PathBuf>, inputs: mpsc::Sender<Input>) -> Self {
        Self { connections: HashMap::new(), ca_file, inputs }
    }

    pub(crate) fn request(&mut self, server: ServerUrl, request: ServerRequest) {
        let connection = match self.connections.get(&server) {
            Some(connection) => connection,
            None => {
                let Ok(endpoint) = endpoint(&server.0, self.ca_file.clone()) else {
                    let report = ServerReport::Offline { code: "rendezvous-protocol" };
                    let _ = self.inputs.try_send(Input::Server(server, report));
                    return;
                };
                let (connection, mut reports) = Signaling::start(endpoint);
                let (inputs, url) = (self.inputs.clone(), server.clone());
                tokio::spawn(async move {
                    while let Some(report) = reports.recv().await {
                        let Some(report) = translate(report) else { continue };
                        if inputs.send(Input::Server(url.clone(), report)).await.is_err() {
                            return;
                        }
                    }
                });
                self.connections.entry(server).or_insert(connection)
            }
        };
        connection.send(match request {
            ServerRequest::Alloc => Request::Alloc,
            ServerRequest::Claim(nameplate) => Request::Claim(nameplate),
            ServerRequest::Open { mailbox, side, owner } => Request::Open { mailbox, side, owner },
            ServerRequest::Send(mailbox, cell) => Request::Send { mailbox, cell },
            ServerRequest::Close(mailbox) => Request::Close(mailbox),
            ServerRequest::Turn(mailbox) => Request::Turn(mailbox),
            ServerRequest::Kick(mailbox) => Request::Kick(mailbox),
            ServerRequest::Done(mailbox) => Request::Done(mailbox),
        });
    }

    pub(crate) fn disconnect(&mut self, server: &ServerUrl) {
        self.connections.remove(server);
    }
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
