//! Transports: one task each, between the room and the media threads.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc::SyncSender},
    time::Duration,
};

use sotto_call::{Input, TransportId, TransportReport, TransportRequest};
use sotto_transport::{Relay, Transport, TransportConfig, TransportEvent, TransportFault};
use sotto_wire::{SealedPacket, TrackId, server::TurnCredentials, sig::IceCredentials};
use tokio::sync::mpsc;

/// How long a transport stays up after the last record was handed to it.
const LINGER: Duration = Duration::from_millis(800);

/// Where received packets go; empty until media starts.
pub(crate) type PacketInlet = Arc<Mutex<Option<SyncSender<SealedPacket>>>>;

/// A transport that may still be in the making.
pub(crate) type SharedTransport = Arc<OnceLock<Arc<Transport>>>;

pub(crate) struct Transports {
    tasks: HashMap<TransportId, Task>,
    inputs: mpsc::Sender<Box<Input>>,
    inlet: PacketInlet,
}

struct Task {
    requests: mpsc::UnboundedSender<Box<TransportRequest>>,
    transport: SharedTransport,
    negotiated: SharedNegotiated,
}

/// What DTLS agreed on, once it has.
#[derive(Clone, Default)]
pub(crate) struct Negotiated {
    pub srtp_profile: String,
    pub dtls_cipher: String,
}

type SharedNegotiated = Arc<OnceLock<Negotiated>>;

impl Transports {
    pub(crate) fn new(inputs: mpsc::Sender<Box<Input>>, inlet: PacketInlet) -> Self {
        Self { tasks: HashMap::new(), inputs, inlet }
    }

    pub(crate) fn request(&mut self, id: TransportId, request: TransportRequest) {
        match request {
            TransportRequest::Create { offerer, relays, relay_only, allow_local_relay, ssrcs } => {
                let config =
                    TransportConfig { offerer, relays: relay_list(&relays), relay_only, allow_local_relay, ssrcs };
                // Unbounded, because the room sends at most a few records per input; records are bounded by the
                // transport's own send buffer.
                let (requests, receiver) = mpsc::unbounded_channel();
                let transport = SharedTransport::default();
                let negotiated = SharedNegotiated::default();
                let outlets = (self.inputs.clone(), self.inlet.clone());
                tokio::spawn(run(id, config, receiver, outlets, transport.clone(), negotiated.clone()));
                self.tasks.insert(id, Task { requests, transport, negotiated });
            }
            TransportRequest::Close => {
                if let Some(task) = self.tasks.remove(&id) {
                    let _ = task.requests.send(Box::new(TransportRequest::Close));
                }
            }
            other => {
                if let Some(task) = self.tasks.get(&id) {
                    let _ = task.requests.send(Box::new(other));
                }
            }
        }
    }

    /// The transport that was made last, if it is ready.
    pub(crate) fn current(&self) -> Option<Arc<Transport>> {
        self.last().and_then(|task| task.transport.get().cloned())
    }

    /// What the last transport agreed on.
    pub(crate) fn negotiated(&self) -> Negotiated {
        self.last().and_then(|task| task.negotiated.get().cloned()).unwrap_or_default()
    }

    fn last(&self) -> Option<&Task> {
        self.tasks.iter().max_by_key(|(id, _)| **id).map(|(_, task)| task)
    }
}

async fn run(
    id: TransportId,
    config: TransportConfig,
    mut requests: mpsc::UnboundedReceiver<Box<TransportRequest>>,
    (inputs, inlet): (mpsc::Sender<Box<Input>>, PacketInlet),
    shared: SharedTransport,
    negotiated: SharedNegotiated,
) {
    let offerer = config.offerer;
    let report = |report| inputs.send(Box::new(Input::Transport(id, report)));
    let (events, mut received) = mpsc::channel(1024);
    let transport = match Transport::new(config, events).await {
        Ok(transport) => Arc::new(transport),
        Err(fault) => {
            let _ = report(TransportReport::Failed(code(fault))).await;
            return;
        }
    };
    let _ = shared.set(transport.clone());
    if offerer && describe(&transport, &inputs, id).await.is_err() {
        return;
    }
    let pump = {
        let inputs = inputs.clone();
        tokio::spawn(async move {
            while let Some(event) = received.recv().await {
                let translated = match event {
                    TransportEvent::Packet(packet) => {
                        let inlet = inlet.lock().unwrap_or_else(PoisonError::into_inner);
                        if let Some(inlet) = &*inlet {
                            // Full: the media thread is stuck; the newest packet is dropped like one lost on the way.
                            let _ = inlet.try_send(packet);
                        }
                        continue;
                    }
                    TransportEvent::LocalCandidate(candidate) => TransportReport::Candidate(candidate),
                    TransportEvent::CandidatesEnd => TransportReport::CandidatesEnd,
                    TransportEvent::Connected { remote_fingerprint, srtp_profile, dtls_cipher, relayed } => {
                        let (srtp, dtls) = (srtp_profile.clone(), dtls_cipher.clone());
                        let _ = negotiated.set(Negotiated { srtp_profile: srtp, dtls_cipher: dtls });
                        TransportReport::Connected { remote_fingerprint, srtp_profile, dtls_cipher, relayed }
                    }
                    TransportEvent::DataOpen => TransportReport::DataOpen,
                    TransportEvent::Record(record) => TransportReport::Record(record),
                    TransportEvent::KeyframeRequest(track) => TransportReport::KeyframeRequest(track),
                    TransportEvent::Interrupted => TransportReport::Interrupted,
                    TransportEvent::Recovered { relayed } => TransportReport::Recovered { relayed },
                    TransportEvent::RestartFailed(fault) => TransportReport::RestartFailed(code(fault)),
                    TransportEvent::Failed(fault) => TransportReport::Failed(code(fault)),
                };
                if inputs.send(Box::new(Input::Transport(id, translated))).await.is_err() {
                    return;
                }
            }
        })
    };
    while let Some(request) = requests.recv().await {
        let result = match *request {
            TransportRequest::SetRemote(description) => match transport.set_remote(&description).await {
                Ok(()) if !offerer => describe(&transport, &inputs, id).await,
                other => other,
            },
            TransportRequest::AddCandidate(candidate) => transport.add_candidate(&candidate).await,
            TransportRequest::CandidatesEnd => transport.candidates_end().await,
            TransportRequest::Record(record) if record.track == TrackId::File => {
                // Beside the loop: control and chat must not wait for room on this stream. One is under way at a time.
                let (transport, inputs) = (transport.clone(), inputs.clone());
                tokio::spawn(async move {
                    if transport.send_record(record).await.is_ok() {
                        let _ = inputs.send(Box::new(Input::Transport(id, TransportReport::FileSent))).await;
                    }
                });
                Ok(())
            }
            TransportRequest::Record(record) => transport.send_record(record).await,
            TransportRequest::RequestKeyframe(track) => {
                // The request on the control channel stands beside it.
                let _ = transport.request_keyframe_pli(track).await;
                Ok(())
            }
            TransportRequest::Restart(relays) => {
                let _ = report(restarted(transport.restart(relay_list(&relays)).await)).await;
                Ok(())
            }
            TransportRequest::AcceptRestart(relays, peer) => {
                let _ = report(restarted(transport.accept_restart(relay_list(&relays), &peer).await)).await;
                Ok(())
            }
            TransportRequest::FinishRestart(peer) => {
                if let Err(fault) = transport.finish_restart(&peer).await {
                    let _ = report(TransportReport::RestartFailed(code(fault))).await;
                }
                Ok(())
            }
            TransportRequest::Close => break,
            TransportRequest::Create { .. } => Ok(()),
        };
        if let Err(fault) = result {
            let _ = report(TransportReport::Failed(code(fault))).await;
        }
    }
    // An END_ACK may still be on its way, and be repeated; the other side waits for it for 3 s (PROTOCOL §8).
    tokio::time::sleep(LINGER).await;
    transport.close().await;
    pump.abort();
}

fn relay_list(relays: &TurnCredentials) -> Vec<Relay> {
    let (username, password) = (&relays.username, &relays.password);
    let relay = |url: &String| Relay { url: url.clone(), username: username.clone(), password: password.clone() };
    relays.urls.iter().map(relay).collect()
}

/// A restart that fails is tried again by the room; it never ends the transport.
fn restarted(outcome: Result<IceCredentials, TransportFault>) -> TransportReport {
    match outcome {
        Ok(ice) => TransportReport::Restarted(ice),
        Err(fault) => TransportReport::RestartFailed(code(fault)),
    }
}

async fn describe(
    transport: &Transport,
    inputs: &mpsc::Sender<Box<Input>>,
    id: TransportId,
) -> Result<(), TransportFault> {
    let report = match transport.description().await {
        Ok(description) => TransportReport::Description(description),
        Err(fault) => TransportReport::Failed(code(fault)),
    };
    inputs.send(Box::new(Input::Transport(id, report))).await.map_err(|_| TransportFault::Internal("engine is gone"))
}

const fn code(fault: TransportFault) -> &'static str {
    match fault {
        TransportFault::RelayUnreachable => "E_NO_RELAY",
        TransportFault::RelayRefused => "E_RELAY_REFUSED",
        TransportFault::NoPath => "E_NO_PATH",
        TransportFault::DtlsTimeout => "E_DTLS",
        TransportFault::FingerprintMismatch => "E_FP",
        TransportFault::Downgrade => "E_SRTP",
        TransportFault::BadDescription => "E_SDP",
        TransportFault::Internal(_) => "E_INTERNAL",
    }
}
