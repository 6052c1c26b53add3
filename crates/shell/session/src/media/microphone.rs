//! Microphone → Opus at a constant rate → sealed packets of one size, also when muted (PROTOCOL §7.5).

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use sotto_codecs::{AudioRung, OpusEncoder};
use sotto_frame_crypto::Shape;
use sotto_media::{AUDIO_FRAME, AudioEncoder, AudioSource, LevelMeter, MediaPacket};
use sotto_session_api::{Event, MediaDirection, MediaTrack};
use sotto_wire::{Codec, TrackId};

use super::{Devices, Shared};
use crate::process::mono_ms;

const FRAME_TIME: Duration = Duration::from_millis(20);

pub(super) fn run(shared: &Shared, devices: &Devices) {
    let mut source = match sotto_devices::open_microphone(&devices.microphone) {
        Ok(source) => Some(source),
        Err(fault) => {
            shared.device_fault("microphone", &fault);
            None
        }
    };
    let mut encoder = match OpusEncoder::new(AudioRung::default()) {
        Ok(encoder) => encoder,
        Err(error) => {
            tracing::error!(%error, "no Opus encoder");
            return;
        }
    };
    let mut frame = [0_i16; AUDIO_FRAME];
    let mut timestamp = 0_u32;
    let mut due = Instant::now();
    let mut level = LevelMeter::default();
    let mut is_first = true;
    while !shared.is_stopped() {
        if !capture(shared, &mut source, &mut frame) {
            // Without a microphone silence goes out, so that nobody on the way learns of it.
            frame = [0; AUDIO_FRAME];
            due += FRAME_TIME;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        } else {
            due = Instant::now();
        }
        if shared.audio_muted.load(Ordering::Relaxed) {
            frame = [0; AUDIO_FRAME];
        }
        level.push(&frame);
        let payload = match encoder.encode(&frame) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(%error, "Opus encoder failed");
                return;
            }
        };
        let packet = MediaPacket { marker: false, rtp_timestamp: timestamp, payload };
        timestamp = timestamp.wrapping_add(AUDIO_FRAME as u32);
        let Ok(size) = shared.send(TrackId::Audio, Codec::Opus, &packet, Shape::Audio) else { return };
        shared.count(|counters| {
            counters.stats.audio_out.packets += 1;
            counters.stats.audio_out.bytes += size as u64;
            counters.stats.audio_out.level_db = level.db();
        });
        if is_first {
            is_first = false;
            shared.tell(Event::Media {
                track: MediaTrack::Audio,
                direction: MediaDirection::Out,
                first_ms: Some(mono_ms().saturating_sub(shared.admitted_ms)),
                codec: Some("opus"),
                size: None,
                muted: false,
            });
        }
    }
}

/// Takes a frame from the microphone; false if there is none any more.
fn capture(shared: &Shared, source: &mut Option<Box<dyn AudioSource>>, frame: &mut [i16; AUDIO_FRAME]) -> bool {
    let Some(open) = source else { return false };
    match open.next_frame(frame) {
        Ok(_) => true,
        Err(fault) => {
            shared.device_fault("microphone", &fault);
            *source = None;
            false
        }
    }
}
