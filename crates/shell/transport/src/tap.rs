//! Interceptor at the application's end: takes the media packets out of the chain and looks for key-frame requests.
//!
//! The crate's own way (`on_track`, `TrackRemote::poll`) loses the first packets of a stream. Here the SSRC of the
//! description is what maps a packet to its m-line; a packet with another SSRC or payload type is dropped.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use rtc::{
    interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::payload_feedbacks::{full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication},
    rtp,
    sansio::Protocol,
    shared::error::Error,
};
use sotto_wire::{Codec, SealedPacket, TrackId, TrackSsrc};
use tokio::sync::mpsc;

use crate::{
    TransportEvent,
    sdp::{AV1, H264, OPUS},
};

/// m-lines with media, in order.
pub(crate) const TRACKS: [TrackId; 3] = [TrackId::Audio, TrackId::Camera, TrackId::Screen];
/// Longest RTP payload (PROTOCOL §7.3).
pub(crate) const MAX_PAYLOAD: usize = 1160;
/// Two key-frame requests a second: a peer can't make the encoder burn the link with more.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);

/// Figures, counted where things happen.
#[derive(Default)]
pub(crate) struct Counters {
    pub sent: AtomicU64,
    pub received: AtomicU64,
    pub retransmitted: AtomicU64,
    pub send_dropped: AtomicU64,
    pub receive_dropped: AtomicU64,
}

/// What the tap shares with the rest.
pub(crate) struct TapShared {
    /// SSRCs of the peer, from its checked description.
    pub remote: OnceLock<[TrackSsrc; 3]>,
    /// Set once DTLS was checked by us; media before that is dropped.
    pub open: AtomicBool,
    pub counters: Arc<Counters>,
    /// Weak, so that the channel ends when the supervisor does.
    pub events: mpsc::WeakSender<TransportEvent>,
    pub local: [u32; 3],
}

/// See the module.
pub(crate) struct MediaTap {
    shared: Arc<TapShared>,
    last_request: [Option<Instant>; 3],
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl MediaTap {
    pub(crate) fn new(shared: Arc<TapShared>) -> Self {
        Self { shared, last_request: [None; 3], reads: VecDeque::new(), writes: VecDeque::new() }
    }

    fn tell(&self, event: TransportEvent) -> bool {
        self.shared.events.upgrade().is_some_and(|events| events.try_send(event).is_ok())
    }

    fn media(&self, packet: &rtp::Packet) {
        if !self.shared.open.load(Ordering::Acquire) {
            return;
        }
        let Some(sealed) = self.shared.remote.get().and_then(|remote| to_sealed(packet, remote)) else { return };
        self.shared.counters.received.fetch_add(1, Ordering::Relaxed);
        // Overflow: drops the newest packet. The reader is behind; a packet lost here is one lost on the way.
        if !self.tell(TransportEvent::Packet(sealed)) {
            self.shared.counters.receive_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn keyframe_request(&mut self, media_ssrc: u32, now: Instant) {
        let Some(index) = self.shared.local.iter().position(|ssrc| *ssrc == media_ssrc).filter(|index| *index != 0)
        else {
            return;
        };
        if !self.shared.open.load(Ordering::Acquire)
            || self.last_request[index].is_some_and(|last| now.saturating_duration_since(last) < KEYFRAME_INTERVAL)
        {
            return;
        }
        self.last_request[index] = Some(now);
        // Overflow: dropped; the peer asks again.
        let _ = self.tell(TransportEvent::KeyframeRequest(TRACKS[index]));
    }
}

/// The packet for the layers above; `None` unless SSRC, payload type and length are as agreed.
fn to_sealed(packet: &rtp::Packet, remote: &[TrackSsrc; 3]) -> Option<SealedPacket> {
    let index = remote.iter().position(|track| track.ssrc == packet.header.ssrc)?;
    let codec = match (index, packet.header.payload_type) {
        (0, OPUS) => Codec::Opus,
        (1 | 2, H264) => Codec::H264,
        (1 | 2, AV1) => Codec::Av1,
        _ => return None,
    };
    if packet.payload.is_empty() || packet.payload.len() > MAX_PAYLOAD {
        return None;
    }
    Some(SealedPacket {
        track: TRACKS[index],
        marker: packet.header.marker,
        rtp_timestamp: packet.header.timestamp,
        codec,
        bytes: packet.payload.clone(),
    })
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for MediaTap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        match &message.message.packet {
            Packet::Rtp(packet) => self.media(packet),
            Packet::Rtcp(packets) => {
                for packet in packets {
                    if let Some(pli) = packet.as_any().downcast_ref::<PictureLossIndication>() {
                        self.keyframe_request(pli.media_ssrc, message.now);
                    } else if let Some(fir) = packet.as_any().downcast_ref::<FullIntraRequest>() {
                        for entry in fir.fir.iter().take(TRACKS.len()) {
                            self.keyframe_request(entry.ssrc, message.now);
                        }
                    }
                }
                // The end of the chain keeps the crate's own accounts of RTCP.
                self.reads.push_back(message);
            }
            _ => {}
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl Interceptor for MediaTap {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
