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
use crate::{process::mono_ms, scrub};

/// What the gates let through to a decoder (PROTOCOL §6.3): after decryption, and before anything else.
struct Gated {
    opener: Box<MediaOpener>,
    is_open: bool,
}

impl Gated {
    /// Gate G1: sound, for the comparison, and the picture of somebody who was compared before. Of anybody else it could be
    /// made up to help in fooling the two: of a square for the other's camera. Before G1 there is no thread that opens
    /// anything.
    fn new(mut opener: Box<MediaOpener>, camera_in_g1: bool) -> Self {
        let camera = camera_in_g1.then_some(TrackId::Camera);
        opener.set_allowed([TrackId::Audio].into_iter().chain(camera).collect());
        Self { opener, is_open: false }
    }

    /// Gate G2, for good.
    fn open_if(&mut self, is_open: bool) {
        if is_open && !self.is_open {
            self.is_open = true;
            self.opener.set_allowed(TrackSet::ALL);
        }
    }
}

pub(super) fn run(
    shared: &Shared,
    opener: Box<MediaOpener>,
    packets: &Receiver<SealedPacket>,
    playout: Option<&Playout>,
    pictures: &SyncSender<OpenedPacket>,
) {
    let mut gated = Gated::new(opener, shared.camera_in_g1);
    let mut heard_ms = 0;
    let mut has_warned = false;
    let mut scrubbed_ms = 0;
    while !shared.is_stopped() {
        // Keys have moved on below, or were erased: nothing of the old ones stays on this thread's stack.
        if mono_ms().saturating_sub(scrubbed_ms) >= 1000 {
            scrub::stack();
            scrubbed_ms = mono_ms();
        }
        gated.open_if(shared.open.load(Ordering::Relaxed));
        let opener = &mut gated.opener;
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
        admit(shared, opener);
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

/// Not in the frame of the loop, which lasts as long as the session and would keep the keys that are handed over.
#[inline(never)]
fn admit(shared: &Shared, opener: &mut MediaOpener) {
    if let Some(keys) = shared.take_admitted()
        && let Err(error) = opener.admit_epoch(*keys)
    {
        tracing::error!(%error, "an epoch out of order");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use sotto_frame_crypto::{SessionKeys, Shape};
    use sotto_identity::Secret;
    use sotto_wire::{
        Role,
        TrackId::{Audio, Camera, Screen, ScreenAudio},
    };

    use super::*;

    #[test]
    fn before_g2_sound_passes_and_the_picture_of_somebody_known_and_only_authentic_ones() {
        let keys = |role| SessionKeys::new(Secret::new([7; 64]), &[3; 64], role);
        let mut sealer = keys(Role::Initiator).media_sealer;
        let mut passes = |gated: &mut Gated, track: TrackId| {
            let (codec, shape) = match track {
                Camera | Screen => (Codec::H264, Shape::VideoFull),
                _ => (Codec::Opus, Shape::Audio),
            };
            let packet = sealer.seal(track, codec, true, 960, b"a frame", shape).unwrap();
            let mut forged = packet.clone();
            let mut bytes = forged.bytes.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            forged.bytes = bytes.into();
            assert_eq!(gated.opener.open(&forged, 0).unwrap_err(), Dropped::Forged, "{track:?}");
            gated.opener.open(&packet, 0).map(|opened| opened.track)
        };
        let mut gated = [true, false].map(|known| Gated::new(Box::new(keys(Role::Responder).media_opener), known));
        let [known, unknown] = &mut gated;
        assert_eq!([Audio, Camera].map(|track| passes(known, track)), [Ok(Audio), Ok(Camera)]);
        assert_eq!([Audio, Camera].map(|track| passes(unknown, track)), [Ok(Audio), Err(Dropped::Gate)]);
        for (is_open, gated) in [false, true, false].into_iter().flat_map(|is_open| [(is_open, 0), (is_open, 1)]) {
            let gated = &mut [&mut *known, &mut *unknown][gated];
            gated.open_if(is_open);
            assert_eq!(passes(gated, Audio), Ok(Audio));
            for track in [Screen, ScreenAudio] {
                let expected = if gated.is_open { Ok(track) } else { Err(Dropped::Gate) };
                assert_eq!(passes(gated, track), expected);
            }
        }
        assert_eq!(passes(unknown, Camera), Ok(Camera), "nothing closes it again");
    }
}
