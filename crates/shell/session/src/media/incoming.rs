//! Opens every sealed packet before a codec sees a byte of it (PROTOCOL §7.4).

use std::sync::{
    PoisonError,
    atomic::Ordering,
    mpsc::{Receiver, RecvTimeoutError, SyncSender},
};
use std::time::Duration;

use sotto_call::Input;
use sotto_frame_crypto::{Dropped, MediaOpener, OpenedPacket, TrackSet};
use sotto_session_api::{AlertCode, Event};
use sotto_wire::{Codec, SealedPacket, TrackId};

use super::{Shared, speaker::Playout};
use crate::process::mono_ms;

pub(super) fn run(
    shared: &Shared,
    mut opener: Box<MediaOpener>,
    packets: &Receiver<SealedPacket>,
    playout: Option<&Playout>,
    pictures: &SyncSender<OpenedPacket>,
) {
    let compare: TrackSet = [TrackId::Audio, TrackId::Camera].into_iter().collect();
    opener.set_allowed(compare);
    let mut is_open = false;
    let mut heard_ms = 0;
    let mut has_warned = false;
    while !shared.is_stopped() {
        if !is_open && shared.open.load(Ordering::Relaxed) {
            is_open = true;
            opener.set_allowed(TrackSet::ALL);
        }
        let packet = match packets.recv_timeout(Duration::from_millis(50)) {
            Ok(packet) => packet,
            Err(RecvTimeoutError::Timeout) => {
                opener.tick(mono_ms());
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let now_ms = mono_ms();
        let size = packet.bytes.len() as u64;
        if let Some(keys) = shared.take_admitted()
            && let Err(error) = opener.admit_epoch(*keys)
        {
            tracing::error!(%error, "an epoch out of order");
        }
        let epoch = opener.epoch();
        let opened = match opener.open(&packet, now_ms) {
            Ok(opened) => opened,
            Err(_) => {
                let dropped = opener.dropped();
                shared.count(|counters| {
                    counters.stats.integrity_failures = dropped.of(Dropped::Forged);
                    counters.stats.replays = dropped.of(Dropped::Replayed);
                });
                if !has_warned && opener.integrity_warning(now_ms) {
                    has_warned = true;
                    shared.tell(Event::Alert { contact: None, code: AlertCode::Integrity });
                }
                continue;
            }
        };
        if opener.epoch() != epoch {
            shared.input(Input::MediaEpoch(opener.epoch()));
        }
        if now_ms.saturating_sub(heard_ms) >= 1000 {
            heard_ms = now_ms;
            shared.input(Input::MediaHeard);
        }
        match (opened.track, opened.codec) {
            (TrackId::Audio, Codec::Opus) => {
                shared.count(|counters| counters.sound_in(size, now_ms));
                if let Some(playout) = playout {
                    playout.lock().unwrap_or_else(PoisonError::into_inner).push(
                        opened.counter,
                        opened.rtp_timestamp,
                        &opened.payload,
                        now_ms,
                    );
                }
            }
            (TrackId::Camera, Codec::H264) => {
                shared.count(|counters| {
                    counters.stats.video_in.packets += 1;
                    counters.stats.video_in.bytes += size;
                    counters.in_rate_bytes(size);
                });
                // Full: the decoder can't keep up; the packet counts as lost and a key frame follows.
                let _ = pictures.try_send(opened);
            }
            _ => {}
        }
    }
}
