//! [`Transport`]: one connection to the other computer.

use core::{net::SocketAddr, time::Duration};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Instant,
};

use rtc::{
    crypto::RTCCryptoProvider,
    data_channel::RTCDataChannelInit,
    interceptor::Registry,
    peer_connection::configuration::{RTCConfigurationBuilder, RTCIceTransportPolicy},
    rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication,
    rtp,
};
use sotto_wire::{Candidate, Codec, Description, SealedPacket, SealedRecord, Setup, TrackId, TrackSsrc};
use tokio::sync::{Mutex, mpsc};
use webrtc::{
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::{
        PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState,
        RTCIceServer, RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSessionDescription, StatsSelector,
    },
};

use crate::{
    RECORD_TRACKS, Relay, TransportConfig, TransportEvent, TransportFault, TransportStats,
    candidate::{self, CandidatePolicy},
    knobs::Knobs,
    provider::CallCrypto,
    rebinds::Rebinds,
    runtime::{Bind, CallRuntime},
    sdp,
    settings::{self, CHANNEL_BUFFER, CHANNELS, MAX_MESSAGE},
    sources::{Resolved, Sources},
    supervisor::{Progress, Signal, Supervisor},
    tap::{Counters, MAX_PAYLOAD, TRACKS, TapShared},
};

/// Media packets waiting for the driver: two key frames.
const SEND_QUEUE: usize = 512;
/// Records waiting per channel, above all those from before the connection is up.
const RECORD_QUEUE: usize = 64;
/// Signals to the supervisor. Candidates and state changes are few.
const SIGNAL_QUEUE: usize = 256;
/// For looking up the relays' names.
const RESOLVE_TIME: Duration = Duration::from_secs(5);
/// Candidates of the peer that are taken; a peer with a few relays has a handful.
const MAX_REMOTE_CANDIDATES: usize = 32;

/// One connection: made once, described both ways, then it moves packets and records until it is closed.
///
/// Dropping it closes it, without waiting.
pub struct Transport {
    pub(crate) peer_connection: Arc<dyn PeerConnection>,
    pub(crate) signals: mpsc::Sender<Signal>,
    packets: mpsc::Sender<SealedPacket>,
    records: [mpsc::Sender<SealedRecord>; 3],
    tracks: [Arc<TrackLocalStaticRTP>; 3],
    pub(crate) config: TransportConfig,
    policy: CandidatePolicy,
    pub(crate) sources: Arc<Sources>,
    pub(crate) rebinds: Arc<Rebinds>,
    knobs: Knobs,
    tap: Arc<TapShared>,
    pub(crate) negotiation: Mutex<Negotiation>,
    supervisor: std::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

/// Descriptions and candidates so far.
#[derive(Default)]
pub(crate) struct Negotiation {
    local: Option<Description>,
    /// The peer's description, and whether it is applied: a restart takes that back until the answer is there.
    pub(crate) described: Option<Description>,
    pub(crate) remote: bool,
    /// Candidates that came before the description; they are tried after it.
    pub(crate) early: Vec<Candidate>,
    pub(crate) candidates: usize,
}

impl Transport {
    /// Binds sockets and prepares; nothing is sent before [`Self::description`]. Needs a tokio runtime with I/O and time.
    ///
    /// `events` is bounded by the caller. When it is full: media packets and key-frame requests are dropped (newest),
    /// everything else waits, records by holding the sender back through SCTP.
    ///
    /// # Errors
    /// `RelayUnreachable` if no relay name resolves or no route exists, `Internal` for a wrong `config`.
    pub async fn new(config: TransportConfig, events: mpsc::Sender<TransportEvent>) -> Result<Self, TransportFault> {
        Self::with_knobs(config, events, Knobs::default()).await
    }

    pub(crate) async fn with_knobs(
        config: TransportConfig,
        events: mpsc::Sender<TransportEvent>,
        knobs: Knobs,
    ) -> Result<Self, TransportFault> {
        let policy = CandidatePolicy { relay_only: config.relay_only, allow_local_relay: config.allow_local_relay };
        Self::with_policy(config, events, knobs, policy).await
    }

    /// Gathers every kind of candidate, whatever the filter then makes of them.
    #[cfg(test)]
    pub(crate) async fn with_policy_for_filter_test(
        config: TransportConfig,
        events: mpsc::Sender<TransportEvent>,
        knobs: Knobs,
    ) -> Result<Self, TransportFault> {
        let policy = CandidatePolicy { relay_only: true, allow_local_relay: true };
        Self::with_policy(config, events, knobs, policy).await
    }

    async fn with_policy(
        config: TransportConfig,
        events: mpsc::Sender<TransportEvent>,
        knobs: Knobs,
        policy: CandidatePolicy,
    ) -> Result<Self, TransportFault> {
        check_ssrcs(&config)?;
        #[cfg(feature = "dangerous-plaintext-for-test")]
        tracing::error!("DANGEROUS: SRTP and DTLS records leave UNENCRYPTED (dangerous-plaintext-for-test)");
        let resolved = resolve(&config.relays, config.relay_only).await?;
        let sources = Arc::new(Sources::new(config.relay_only, resolved));
        let (signals, signal_receiver) = mpsc::channel(SIGNAL_QUEUE);
        let tap = Arc::new(TapShared {
            remote: std::sync::OnceLock::new(),
            open: false.into(),
            counters: Arc::new(Counters::default()),
            events: events.downgrade(),
            local: config.ssrcs.map(|(media, _)| media),
        });
        let rebinds = Arc::<Rebinds>::default();
        let runtime = CallRuntime {
            knobs: knobs.clone(),
            signals: signals.clone(),
            sources: sources.clone(),
            rebinds: rebinds.clone(),
            rounds: Arc::default(),
        };
        let peer_connection = build(&config, runtime, settings::registry(&knobs, &tap)).await?;
        let mut tracks = Vec::with_capacity(3);
        for (index, ssrcs) in config.ssrcs.into_iter().enumerate() {
            let track = Arc::new(TrackLocalStaticRTP::new(settings::local_track(index, ssrcs, &knobs)));
            peer_connection.add_track(track.clone()).await.map_err(internal("track"))?;
            tracks.push(track);
        }
        let tracks: [_; 3] = tracks.try_into().map_err(|_| TransportFault::Internal("tracks"))?;
        let mut channels = Vec::with_capacity(3);
        let mut record_senders = Vec::with_capacity(3);
        for id in CHANNELS {
            let init = RTCDataChannelInit { ordered: true, negotiated: Some(id), ..Default::default() };
            let channel = peer_connection.create_data_channel("", Some(init)).await.map_err(internal("channel"))?;
            let (sender, receiver) = mpsc::channel(RECORD_QUEUE);
            channels.push((channel, receiver));
            record_senders.push(sender);
        }
        let records: [_; 3] = record_senders.try_into().map_err(|_| TransportFault::Internal("channels"))?;
        let supervisor = Supervisor {
            peer_connection: peer_connection.clone(),
            signals: signal_receiver,
            own_signals: signals.downgrade(),
            events,
            tap: tap.clone(),
            policy,
            filter: knobs.candidate_filter,
            watchdogs: knobs.watchdogs,
            channels,
            progress: Progress::default(),
        };
        let supervisor = std::sync::Mutex::new(Some(tokio::spawn(supervisor.run())));
        let (packets, packet_receiver) = mpsc::channel(SEND_QUEUE);
        tokio::spawn(write_packets(packet_receiver, tracks.clone(), tap.clone()));
        let negotiation = Mutex::default();
        Ok(Self {
            peer_connection,
            signals,
            packets,
            records,
            tracks,
            config,
            policy,
            sources,
            rebinds,
            knobs,
            tap,
            negotiation,
            supervisor,
        })
    }

    /// Our offer; or, after [`Self::set_remote`], our answer. Gathering of candidates starts. Later calls return the
    /// same description.
    ///
    /// # Errors
    /// `Internal` when the answerer has no offer yet, or when the crate refuses its own SDP.
    pub async fn description(&self) -> Result<Description, TransportFault> {
        let mut negotiation = self.negotiation.lock().await;
        if let Some(description) = &negotiation.local {
            return Ok(description.clone());
        }
        let (sdp, setup) = if self.config.offerer {
            (self.peer_connection.create_offer(None).await.map_err(internal("offer"))?, Setup::ActPass)
        } else if negotiation.remote {
            (self.peer_connection.create_answer(None).await.map_err(internal("answer"))?, Setup::Active)
        } else {
            return Err(TransportFault::Internal("no offer to answer"));
        };
        let own = sdp::own_fields(&sdp.sdp).ok_or(TransportFault::Internal("own SDP"))?;
        self.signals.send(Signal::LocalDescription(own.fingerprint)).await.map_err(|_| CLOSED)?;
        self.peer_connection.set_local_description(sdp).await.map_err(internal("local description"))?;
        let rtx = self.knobs.rtx;
        let description = Description {
            fingerprint: own.fingerprint,
            setup,
            ufrag: own.ufrag,
            pwd: own.pwd,
            tracks: self
                .config
                .ssrcs
                .map(|(ssrc, rtx_ssrc)| TrackSsrc { ssrc, rtx_ssrc: if rtx { rtx_ssrc } else { 0 } }),
            payload_types: sdp::SPOKEN
                .into_iter()
                .filter(|payload_type| rtx || *payload_type != sdp::H264_RTX)
                .collect(),
        };
        negotiation.local = Some(description.clone());
        Ok(description)
    }

    /// The other side's description, from the authenticated signalling. Once.
    ///
    /// # Errors
    /// `Downgrade` without RTX, `BadDescription` for anything else out of the ordinary or a second one.
    pub async fn set_remote(&self, description: &Description) -> Result<(), TransportFault> {
        let mut negotiation = self.negotiation.lock().await;
        if negotiation.remote || (self.config.offerer && negotiation.local.is_none()) {
            return Err(TransportFault::BadDescription);
        }
        if self.knobs.rtx {
            sdp::check(description, !self.config.offerer, &self.config.ssrcs)?;
        }
        let _ = self.tap.remote.set(description.tracks);
        let text = sdp::rebuild(description);
        let parsed =
            if self.config.offerer { RTCSessionDescription::answer(text) } else { RTCSessionDescription::offer(text) };
        let parsed = parsed.map_err(|_| TransportFault::BadDescription)?;
        self.signals.send(Signal::RemoteDescription(description.fingerprint)).await.map_err(|_| CLOSED)?;
        self.peer_connection.set_remote_description(parsed).await.map_err(|_| TransportFault::BadDescription)?;
        negotiation.described = Some(description.clone());
        self.remote_applied(&mut negotiation).await
    }

    /// The peer's description is in force: what came before it is tried now.
    pub(crate) async fn remote_applied(&self, negotiation: &mut Negotiation) -> Result<(), TransportFault> {
        negotiation.remote = true;
        for candidate in core::mem::take(&mut negotiation.early) {
            self.try_candidate(&candidate).await?;
        }
        Ok(())
    }

    /// A candidate of the other side. One that the policy doesn't admit is dropped, as is one too many.
    ///
    /// # Errors
    /// `BadDescription` if the crate can't use it.
    pub async fn add_candidate(&self, candidate: &Candidate) -> Result<(), TransportFault> {
        if self.knobs.candidate_filter && !self.policy.admits(candidate) {
            tracing::debug!("candidate of the peer refused by policy");
            return Ok(());
        }
        let mut negotiation = self.negotiation.lock().await;
        if negotiation.candidates == MAX_REMOTE_CANDIDATES {
            return Ok(());
        }
        negotiation.candidates += 1;
        if negotiation.remote {
            self.try_candidate(candidate).await
        } else {
            negotiation.early.push(candidate.clone());
            Ok(())
        }
    }

    async fn try_candidate(&self, candidate: &Candidate) -> Result<(), TransportFault> {
        self.sources.add_peer(SocketAddr::new(candidate.ip, candidate.port));
        let init = candidate::from_wire(candidate);
        self.peer_connection.add_ice_candidate(init).await.map_err(|_| TransportFault::BadDescription)
    }

    /// The other side has no more candidates. Nothing depends on it: the timers run anyway.
    ///
    /// # Errors
    /// None today.
    pub async fn candidates_end(&self) -> Result<(), TransportFault> {
        Ok(())
    }

    /// Sends a media packet. Never blocks, callable from any thread. SSRC, sequence number and payload type are
    /// assigned here. Full queue or not connected: the packet is dropped and counted.
    pub fn send_packet(&self, packet: SealedPacket) {
        if self.packets.try_send(packet).is_err() {
            self.tap.counters.send_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends a record, in order and reliably, on the channel of its track. Before the channel is open up to 64 per
    /// channel are held; then this waits, as it does while SCTP holds 256 KiB.
    ///
    /// # Errors
    /// `Internal` for a media track, a record that is too long, or a closed transport.
    pub async fn send_record(&self, record: SealedRecord) -> Result<(), TransportFault> {
        let index = RECORD_TRACKS.iter().position(|track| *track == record.track);
        let index = index.ok_or(TransportFault::Internal("record on a media track"))?;
        if record.bytes.len() > MAX_MESSAGE {
            return Err(TransportFault::Internal("record too long"));
        }
        self.records[index].send(record).await.map_err(|_| CLOSED)
    }

    /// Asks the other side for a key frame by RTCP. KEYFRAME on the control channel asks for it too, authenticated by
    /// the inner layer (PROTOCOL §7.3).
    ///
    /// # Errors
    /// `Internal` for a track without pictures or before the connection is described.
    pub async fn request_keyframe_pli(&self, track: TrackId) -> Result<(), TransportFault> {
        let index = TRACKS.iter().position(|known| *known == track).filter(|index| *index != 0);
        let index = index.ok_or(TransportFault::Internal("no pictures there"))?;
        let remote = self.tap.remote.get().ok_or(TransportFault::Internal("not described"))?;
        let pli = PictureLossIndication { sender_ssrc: self.tap.local[index], media_ssrc: remote[index].ssrc };
        self.tracks[index].write_rtcp(vec![Box::new(pli)]).await.map_err(internal("pli"))
    }

    /// Figures at this moment.
    pub async fn stats(&self) -> TransportStats {
        let counters = &self.tap.counters;
        let report = self.peer_connection.get_stats(Instant::now(), StatsSelector::None).await;
        let rtt =
            report.candidate_pairs().filter(|pair| pair.nominated).map(|pair| pair.current_round_trip_time).next();
        TransportStats {
            rtt_ms: rtt.filter(|rtt| *rtt > 0.0).map(|rtt| (rtt * 1000.0) as f32),
            packets_sent: counters.sent.load(Ordering::Relaxed),
            packets_received: counters.received.load(Ordering::Relaxed),
            retransmitted: counters.retransmitted.load(Ordering::Relaxed),
            send_dropped: counters.send_dropped.load(Ordering::Relaxed),
            receive_dropped: counters.receive_dropped.load(Ordering::Relaxed),
            relayed: self.config.relay_only || selected_is_relay(&*self.peer_connection).await,
        }
    }

    /// Closes: DTLS `close_notify`, release of the relay, end of all tasks. No event follows, and `events` ends unless
    /// the caller kept a sender. May be called twice.
    pub async fn close(&self) {
        let _ = self.signals.send(Signal::Close).await;
        let supervisor = self.supervisor.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor {
            let _ = supervisor.await;
        }
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        // The supervisor closes the rest. Full: it is stuck on `events`, whose owner must drop them as well.
        let _ = self.signals.try_send(Signal::Close);
    }
}

pub(crate) const CLOSED: TransportFault = TransportFault::Internal("closed");

/// Maps an error of the crate, whose text may hold an address, to a place.
pub(crate) fn internal<E>(place: &'static str) -> impl FnOnce(E) -> TransportFault {
    move |_| TransportFault::Internal(place)
}

fn check_ssrcs(config: &TransportConfig) -> Result<(), TransportFault> {
    let [(audio, audio_rtx), (camera, camera_rtx), (screen, screen_rtx)] = config.ssrcs;
    let mut ssrcs = [audio, camera, camera_rtx, screen, screen_rtx];
    ssrcs.sort_unstable();
    let distinct = ssrcs.windows(2).all(|pair| pair[0] != pair[1]);
    if audio_rtx != 0 || ssrcs[0] == 0 || !distinct {
        return Err(TransportFault::Internal("SSRCs"));
    }
    if config.relay_only && config.relays.is_empty() {
        return Err(TransportFault::RelayUnreachable);
    }
    Ok(())
}

pub(crate) fn ice_servers(relays: &[Relay]) -> Vec<RTCIceServer> {
    let server = |relay: &Relay| RTCIceServer {
        urls: vec![relay.url.clone()],
        username: relay.username.clone(),
        credential: relay.password.clone(),
    };
    relays.iter().filter(|relay| relay.host_and_port().is_some()).map(server).collect()
}

/// Relay names with their addresses. Those that we can't use are left out.
pub(crate) async fn resolve(relays: &[Relay], relay_only: bool) -> Result<Resolved, TransportFault> {
    let mut resolved = Vec::new();
    for relay in relays {
        let Some((host, port)) = relay.host_and_port() else { continue };
        let lookup = tokio::time::timeout(RESOLVE_TIME, tokio::net::lookup_host((host.as_str(), port)));
        if let Ok(Ok(addresses)) = lookup.await {
            // The crate's key for the name.
            resolved.push((format!("{host}:{port}"), addresses.collect()));
        }
    }
    if resolved.is_empty() && relay_only {
        return Err(TransportFault::RelayUnreachable);
    }
    Ok(resolved)
}

async fn build(
    config: &TransportConfig,
    runtime: CallRuntime,
    registry: Registry,
) -> Result<Arc<dyn PeerConnection>, TransportFault> {
    let provider: Arc<dyn RTCCryptoProvider> =
        Arc::new(CallCrypto::new(runtime.signals.clone()).map_err(internal("crypto"))?);
    let certificate = settings::certificate(provider.crypto()).map_err(internal("certificate"))?;
    let policy = if config.relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    let configuration = RTCConfigurationBuilder::new()
        .with_ice_servers(ice_servers(&config.relays))
        .with_ice_transport_policy(policy)
        .with_certificates(vec![certificate])
        .build();
    let bind = if config.relay_only { Bind::TowardsRelays(runtime.sources.clone()) } else { Bind::Everywhere };
    let peer_connection = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_media_engine(settings::media_engine(&runtime.knobs).map_err(internal("media engine"))?)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings::setting_engine(provider, &runtime.knobs, config.relay_only))
        .with_handler(Arc::new(Handler(runtime.signals.clone())))
        .with_runtime(Arc::new(runtime))
        .with_udp_addrs(vec![bind])
        .with_data_channel_send_buffer_limit(CHANNEL_BUFFER)
        .build()
        .await
        // The one thing that fails here in practice is that there is no route, hence no socket.
        .map_err(|_| TransportFault::RelayUnreachable)?;
    Ok(Arc::new(peer_connection))
}

/// Events of the crate. They come on its driver task, so nothing here waits.
struct Handler(mpsc::Sender<Signal>);

impl Handler {
    fn tell(&self, signal: Signal) {
        if self.0.try_send(signal).is_err() {
            tracing::debug!("signal to the supervisor dropped: full or closed");
        }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        self.tell(Signal::Candidate(Box::new(event.candidate)));
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.tell(Signal::Gathering(state));
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        self.tell(Signal::Ice(state));
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.tell(Signal::Connection(state));
    }
}

/// Numbers the packets and hands them to the driver. Ends when the transport is dropped.
async fn write_packets(
    mut packets: mpsc::Receiver<SealedPacket>,
    tracks: [Arc<TrackLocalStaticRTP>; 3],
    tap: Arc<TapShared>,
) {
    // RFC 3550 wants a start that can't be guessed, for weak ciphers. Bits of the random SSRC do; the upper half is
    // avoided so that the first losses can't confuse the receiver's roll-over counter.
    let sequence = tap.local.map(|ssrc| AtomicU16::new((ssrc >> 16) as u16 & 0x7fff));
    while let Some(packet) = packets.recv().await {
        let index = TRACKS.iter().position(|track| *track == packet.track);
        let payload_type = match (index, packet.codec) {
            (Some(0), Codec::Opus) => Some(sdp::OPUS),
            (Some(1 | 2), Codec::H264) => Some(sdp::H264),
            // AV1 has no encoder here yet, and its retransmissions would get H.264's payload type.
            _ => None,
        };
        let sent = match (index, payload_type) {
            (Some(index), Some(payload_type))
                if tap.open.load(Ordering::Acquire) && packet.bytes.len() <= MAX_PAYLOAD =>
            {
                let header = rtp::Header {
                    version: 2,
                    marker: packet.marker,
                    payload_type,
                    sequence_number: sequence[index].fetch_add(1, Ordering::Relaxed),
                    timestamp: packet.rtp_timestamp,
                    ssrc: tap.local[index],
                    ..Default::default()
                };
                tracks[index].write_rtp(rtp::Packet { header, payload: packet.bytes }).await.is_ok()
            }
            _ => false,
        };
        let counter = if sent { &tap.counters.sent } else { &tap.counters.send_dropped };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the pair in use has a relay at either end.
pub(crate) async fn selected_is_relay(peer_connection: &dyn PeerConnection) -> bool {
    use webrtc::peer_connection::RTCIceCandidateType::Relay;
    let Some(sctp) = peer_connection.sctp().await else { return false };
    match sctp.transport().ice_transport().get_selected_candidate_pair().await {
        Ok(Some(pair)) => pair.local().typ == Relay || pair.remote().typ == Relay,
        _ => false,
    }
}
