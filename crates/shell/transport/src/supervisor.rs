//! The task that watches one connection: our own timers (D8), the check after DTLS, and the order of events.

use core::time::Duration;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant as StdInstant,
};

use sotto_wire::SealedRecord;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    peer_connection::{
        PeerConnection, RTCIceCandidate, RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState,
        StatsSelector,
    },
};

use crate::{
    RECORD_TRACKS, TransportEvent, TransportFault,
    candidate::{CandidatePolicy, to_wire},
    settings::{DTLS_CIPHER, MAX_MESSAGE, SRTP_PROFILE},
    tap::TapShared,
};

/// A first record that arrives together with SCTP's COOKIE-ACK is lost inside `rtc` 0.21.1: the negotiated channel is
/// not dialled yet, and about one connection in sixty never got bound. So the first record waits until the other side's
/// association has settled.
const SETTLE_TIME: Duration = Duration::from_millis(60);
/// From the local description to the first relay candidate.
const GATHER_TIME: Duration = Duration::from_secs(4);
/// From the peer's description to ICE connected.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// From ICE connected to DTLS done. The crate gives up by itself after 8 s at best.
const DTLS_TIME: Duration = Duration::from_secs(10);

/// What the supervisor is told. Bounded channel; see each sender for what happens when it is full.
pub(crate) enum Signal {
    LocalDescription([u8; 32]),
    RemoteDescription([u8; 32]),
    Candidate(Box<RTCIceCandidate>),
    Gathering(RTCIceGatheringState),
    Ice(RTCIceConnectionState),
    Connection(RTCPeerConnectionState),
    /// The crate hashed a certificate: ours or the peer's.
    Certificate([u8; 32]),
    DriverEnded,
    RelayRefused,
    /// An ICE restart begins: the path there was is given up, gathering starts anew, and its failure is no failure of
    /// the connection.
    Restart,
    ChannelOpen,
    ChannelClosed,
    Close,
}

/// See the module.
pub(crate) struct Supervisor {
    pub peer_connection: Arc<dyn PeerConnection>,
    pub signals: mpsc::Receiver<Signal>,
    pub own_signals: mpsc::WeakSender<Signal>,
    pub events: mpsc::Sender<TransportEvent>,
    pub tap: Arc<TapShared>,
    pub policy: CandidatePolicy,
    pub filter: bool,
    pub watchdogs: bool,
    /// Data channels with what is to be sent on them, taken when DTLS is checked.
    pub channels: Vec<(Arc<dyn DataChannel>, mpsc::Receiver<SealedRecord>)>,
    pub progress: Progress,
}

/// How far the connection is.
#[derive(Default)]
pub(crate) struct Progress {
    own: Option<[u8; 32]>,
    expected: Option<[u8; 32]>,
    candidates: usize,
    gathered: bool,
    refused: bool,
    ice_up: bool,
    interrupted: bool,
    checked: bool,
    open_channels: usize,
    gather_by: Option<Instant>,
    connect_by: Option<Instant>,
    dtls_by: Option<Instant>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Stop, with or without a fault to tell.
type Stop = Option<TransportFault>;

impl Supervisor {
    /// Runs until the transport is closed, dropped or failed; then everything of it is gone.
    pub(crate) async fn run(mut self) {
        let stop = loop {
            let deadlines = [self.progress.gather_by, self.progress.connect_by, self.progress.dtls_by];
            let next = deadlines.into_iter().flatten().min().filter(|_| self.watchdogs);
            let step = tokio::select! {
                signal = self.signals.recv() => match signal {
                    Some(signal) => self.handle(signal).await,
                    None => Err(None),
                },
                () = async { sleep_until(next.unwrap_or_else(Instant::now)).await }, if next.is_some() => {
                    if self.progress.checked { self.no_candidates().await } else { Err(Some(self.timed_out().await)) }
                }
            };
            if let Err(stop) = step {
                break stop;
            }
        };
        self.tap.open.store(false, Ordering::Release);
        for task in self.progress.tasks.drain(..) {
            task.abort();
        }
        self.signals.close();
        if self.peer_connection.close().await.is_err() {
            tracing::debug!("the peer connection was closed already");
        }
        if let Some(fault) = stop {
            tracing::debug!(?fault, "transport failed");
            let _ = self.events.send(TransportEvent::Failed(fault)).await;
        }
    }

    async fn tell(&self, event: TransportEvent) -> Result<(), Stop> {
        // Awaited: none of these may be lost. The receiver is gone: so is the reason to go on.
        self.events.send(event).await.map_err(|_| None)
    }

    async fn handle(&mut self, signal: Signal) -> Result<(), Stop> {
        match signal {
            Signal::LocalDescription(fingerprint) => {
                self.progress.own = Some(fingerprint);
                self.progress.gather_by = Some(Instant::now() + GATHER_TIME);
            }
            // Both of ours are known before DTLS can start.
            Signal::Certificate(found)
                if self.watchdogs
                    && self.progress.expected.is_some_and(|expected| expected != found)
                    && self.progress.own.is_some_and(|own| own != found) =>
            {
                return Err(Some(TransportFault::FingerprintMismatch));
            }
            Signal::RemoteDescription(fingerprint) => {
                self.progress.expected = Some(fingerprint);
                self.progress.connect_by = Some(Instant::now() + CONNECT_TIME);
            }
            Signal::Candidate(candidate) => {
                let wire = to_wire(&candidate, 0).filter(|wire| !self.filter || self.policy.admits(wire));
                if let Some(wire) = wire {
                    self.progress.candidates += 1;
                    self.progress.gather_by = None;
                    self.tell(TransportEvent::LocalCandidate(wire)).await?;
                }
            }
            Signal::Gathering(RTCIceGatheringState::Complete) if !self.progress.gathered => {
                self.progress.gathered = true;
                if self.progress.candidates == 0 && self.watchdogs {
                    return self.no_candidates().await;
                }
                self.progress.gather_by = None;
                self.tell(TransportEvent::CandidatesEnd).await?;
            }
            Signal::RelayRefused => {
                self.progress.refused = true;
                if self.progress.gathered && self.progress.candidates == 0 && self.watchdogs {
                    return self.no_candidates().await;
                }
            }
            Signal::Restart => {
                (self.progress.gathered, self.progress.refused, self.progress.candidates) = (false, false, 0);
                self.progress.gather_by = Some(Instant::now() + GATHER_TIME);
                // Else a side that is restarted before it has noticed the loss itself would never tell of it: ICE goes
                // from connected to checking, and from there to failed only if there is a candidate to check.
                self.interrupt().await?;
            }
            Signal::Ice(state) => self.ice(state).await?,
            Signal::Connection(RTCPeerConnectionState::Connected) => {
                self.check().await?;
            }
            // Once it was checked, the caller decides how long a lost path is waited for.
            Signal::Connection(RTCPeerConnectionState::Failed) if self.progress.checked => self.interrupt().await?,
            Signal::Connection(RTCPeerConnectionState::Failed) => return Err(Some(self.dtls_or_path().await)),
            Signal::DriverEnded if self.watchdogs => return Err(Some(self.dtls_or_path().await)),
            Signal::ChannelOpen => {
                self.progress.open_channels += 1;
                if self.progress.open_channels == RECORD_TRACKS.len() {
                    tokio::time::sleep(SETTLE_TIME).await;
                    self.tell(TransportEvent::DataOpen).await?;
                }
            }
            Signal::ChannelClosed => self.interrupt().await?,
            Signal::Close => return Err(None),
            Signal::Gathering(_) | Signal::Connection(_) | Signal::Certificate(_) | Signal::DriverEnded => {}
        }
        Ok(())
    }

    async fn ice(&mut self, state: RTCIceConnectionState) -> Result<(), Stop> {
        match state {
            RTCIceConnectionState::Connected | RTCIceConnectionState::Completed => {
                self.progress.connect_by = None;
                if !self.progress.ice_up && !self.progress.checked {
                    self.progress.dtls_by = Some(Instant::now() + DTLS_TIME);
                }
                self.progress.ice_up = true;
                if core::mem::take(&mut self.progress.interrupted) {
                    let relayed = self.is_relayed().await;
                    self.tell(TransportEvent::Recovered { relayed }).await?;
                }
            }
            RTCIceConnectionState::Disconnected => self.interrupt().await?,
            RTCIceConnectionState::Failed if self.progress.checked => self.interrupt().await?,
            RTCIceConnectionState::Failed => return Err(Some(TransportFault::NoPath)),
            _ => {}
        }
        Ok(())
    }

    async fn interrupt(&mut self) -> Result<(), Stop> {
        if self.progress.checked && !core::mem::replace(&mut self.progress.interrupted, true) {
            self.tell(TransportEvent::Interrupted).await?;
        }
        Ok(())
    }

    /// Gathering gave nothing: the end before DTLS, one more try for the caller after it.
    async fn no_candidates(&mut self) -> Result<(), Stop> {
        let fault = self.gather_fault();
        if !self.progress.checked {
            return Err(Some(fault));
        }
        self.progress.gather_by = None;
        self.tell(TransportEvent::RestartFailed(fault)).await
    }

    const fn gather_fault(&self) -> TransportFault {
        if self.progress.refused { TransportFault::RelayRefused } else { TransportFault::RelayUnreachable }
    }

    async fn timed_out(&self) -> TransportFault {
        let now = Instant::now();
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if due(self.progress.gather_by) {
            self.gather_fault()
        } else if due(self.progress.connect_by) {
            TransportFault::NoPath
        } else {
            self.dtls_or_path().await
        }
    }

    /// Why there is no connection, once ICE may have been up: the certificate tells the most, if one came.
    async fn dtls_or_path(&self) -> TransportFault {
        match (self.remote_fingerprint().await, self.progress.expected) {
            (Some(found), Some(expected)) if found != expected => TransportFault::FingerprintMismatch,
            _ if self.progress.checked || !self.progress.ice_up => TransportFault::NoPath,
            _ => TransportFault::DtlsTimeout,
        }
    }

    /// SHA-256 of the peer's certificate, hashed by us and not by the code that has just accepted it.
    async fn remote_fingerprint(&self) -> Option<[u8; 32]> {
        let certificates = self.peer_connection.sctp().await?.transport().get_remote_certificates().await.ok()?;
        let digest = ring::digest::digest(&ring::digest::SHA256, certificates.first()?);
        digest.as_ref().try_into().ok()
    }

    async fn is_relayed(&self) -> bool {
        self.policy.relay_only || crate::transport::selected_is_relay(&*self.peer_connection).await
    }

    /// PROTOCOL §5.4: nothing is delivered before this passed.
    async fn check(&mut self) -> Result<(), Stop> {
        if self.progress.checked {
            return Ok(());
        }
        let found = self.remote_fingerprint().await;
        let (Some(found), Some(expected)) = (found, self.progress.expected) else {
            return Err(Some(TransportFault::FingerprintMismatch));
        };
        if found != expected {
            return Err(Some(TransportFault::FingerprintMismatch));
        }
        let report = self.peer_connection.get_stats(StdInstant::now(), StatsSelector::None).await;
        let (srtp_profile, dtls_cipher) =
            report.transport().map(|stats| (stats.srtp_cipher.clone(), stats.dtls_cipher.clone())).unwrap_or_default();
        if srtp_profile != SRTP_PROFILE || dtls_cipher != DTLS_CIPHER {
            return Err(Some(TransportFault::Downgrade));
        }
        self.progress.checked = true;
        self.progress.dtls_by = None;
        self.progress.connect_by = None;
        let relayed = self.is_relayed().await;
        let connected = TransportEvent::Connected { remote_fingerprint: found, srtp_profile, dtls_cipher, relayed };
        self.tell(connected).await?;
        self.tap.open.store(true, Ordering::Release);
        for ((channel, records), track) in self.channels.drain(..).zip(RECORD_TRACKS) {
            let Some(signals) = self.own_signals.upgrade() else { return Err(None) };
            let events = self.events.clone();
            let (opened, open) = tokio::sync::oneshot::channel();
            self.progress.tasks.push(tokio::spawn(write_records(channel.clone(), records, open)));
            self.progress.tasks.push(tokio::spawn(async move {
                let mut opened = Some(opened);
                while let Some(event) = channel.poll().await {
                    match event {
                        DataChannelEvent::OnOpen => {
                            if let Some(opened) = opened.take() {
                                let _ = opened.send(());
                                let _ = signals.send(Signal::ChannelOpen).await;
                            }
                        }
                        DataChannelEvent::OnMessage(message) if message.data.len() <= MAX_MESSAGE => {
                            let record = SealedRecord { track, bytes: message.data.freeze() };
                            // Awaited: records are reliable, and a slow reader slows the sender down through SCTP.
                            if events.send(TransportEvent::Record(record)).await.is_err() {
                                return;
                            }
                        }
                        DataChannelEvent::OnClose => {
                            let _ = signals.send(Signal::ChannelClosed).await;
                            return;
                        }
                        _ => {}
                    }
                }
            }));
        }
        Ok(())
    }
}

/// Sends what was queued, in order, once the channel is open and the other side's is, too.
async fn write_records(
    channel: Arc<dyn DataChannel>,
    mut records: mpsc::Receiver<SealedRecord>,
    open: tokio::sync::oneshot::Receiver<()>,
) {
    if open.await.is_err() {
        return;
    }
    tokio::time::sleep(SETTLE_TIME).await;
    while let Some(record) = records.recv().await {
        // Waits while SCTP holds more than its share.
        if channel.send(bytes::BytesMut::from(&record.bytes[..])).await.is_err() {
            return;
        }
    }
}
