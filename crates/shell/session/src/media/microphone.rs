//! Microphone → Opus at a constant rate → sealed packets of one size and at one pace, also when muted (PROTOCOL §7.5).

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use sotto_codecs::{AudioRung, OpusEncoder};
use sotto_devices::{monotonic_us, sleep_until};
use sotto_frame_crypto::{MEDIA_OVERHEAD, Shape};
use sotto_media::{AUDIO_FRAME, AudioSource, DeviceFault, LevelMeter, PacedEncoder};
use sotto_session_api::{Event, MediaDirection, MediaTrack, MicrophoneChoice};
use sotto_wire::{Codec, TrackId};

use super::{Devices, Shared, reopen::Reopen};
use crate::process::mono_ms;

const FRAME_TIME: Duration = Duration::from_millis(20);

pub(super) fn run(shared: &Shared, devices: &Devices) {
    let mut seen = devices.microphone.seen();
    let mut source = Source::open(shared, devices.microphone.get());
    let rung = AudioRung::default();
    let shape = (Shape::Audio, rung.packet_bytes() + MEDIA_OVERHEAD);
    let mut encoder = match OpusEncoder::new(rung) {
        Ok(encoder) => PacedEncoder::new(encoder),
        Err(error) => {
            tracing::error!(%error, "no Opus encoder");
            return;
        }
    };
    let mut frame = [0_i16; AUDIO_FRAME];
    let mut due = Instant::now();
    let mut level = LevelMeter::default();
    let mut is_first = true;
    while !shared.is_stopped() {
        if devices.microphone.changed(&mut seen) {
            // The old one is let go of before the new one is opened: they may be the same hardware.
            source.open = None;
            source = Source::open(shared, devices.microphone.get());
        }
        if !source.capture(shared, &mut frame) {
            // Without a microphone silence goes out, so that nobody on the way learns of it.
            frame = [0; AUDIO_FRAME];
            due += FRAME_TIME;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        } else {
            due = Instant::now();
        }
        let captured_us = monotonic_us();
        if shared.audio_muted.load(Ordering::Relaxed) {
            frame = [0; AUDIO_FRAME];
        }
        level.push(&frame);
        let packet = match encoder.packet(&frame, captured_us, sleep_until) {
            Ok(packet) => packet,
            Err(error) => {
                tracing::error!(%error, "Opus encoder failed");
                return;
            }
        };
        let size = match shared.send(TrackId::Audio, Codec::Opus, &packet, shape) {
            Ok(Some(size)) => size,
            Ok(None) => continue,
            Err(_) => return,
        };
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

/// The microphone, or the tries to get it back.
struct Source {
    choice: MicrophoneChoice,
    open: Option<Box<dyn AudioSource>>,
    reopen: Option<Reopen<Box<dyn AudioSource>>>,
}

impl Source {
    fn open(shared: &Shared, choice: MicrophoneChoice) -> Self {
        let mut source = Self { choice, open: None, reopen: None };
        match sotto_devices::open_microphone(&source.choice) {
            Ok(mut open) => {
                open.stop_on(shared.stop.clone());
                source.open = Some(open);
            }
            Err(fault) => source.lost(shared, &fault),
        }
        source
    }

    fn lost(&mut self, shared: &Shared, fault: &DeviceFault) {
        shared.device_fault("microphone", fault);
        self.open = None;
        let choice = self.choice.clone();
        self.reopen = Reopen::after(fault, move || sotto_devices::open_microphone(&choice));
    }

    /// Takes a frame; false while there is no microphone.
    fn capture(&mut self, shared: &Shared, frame: &mut [i16; AUDIO_FRAME]) -> bool {
        if let Some(mut open) = self.reopen.as_ref().and_then(Reopen::poll) {
            open.stop_on(shared.stop.clone());
            (self.open, self.reopen) = (Some(open), None);
            shared.device_back("microphone-back");
        }
        let Some(open) = &mut self.open else { return false };
        match open.next_frame(frame) {
            Ok(_) => true,
            Err(fault) => {
                self.lost(shared, &fault);
                false
            }
        }
    }
}
