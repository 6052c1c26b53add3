//! Jitter buffer → speaker, paced by the speaker's clock.

use std::sync::{Arc, Mutex, PoisonError};

use sotto_codecs::OpusDecoder;
use sotto_media::{AUDIO_FRAME, AudioPlayout, AudioSink, DeviceFault, LevelMeter};
use sotto_session_api::{Event, MediaDirection, MediaTrack, SpeakerChoice};

use super::{Devices, Shared, reopen::Reopen};
use crate::process::mono_ms;

pub(super) type Playout = Arc<Mutex<AudioPlayout<OpusDecoder>>>;

pub(super) fn playout() -> Option<Playout> {
    match OpusDecoder::new() {
        Ok(decoder) => Some(Arc::new(Mutex::new(AudioPlayout::new(decoder)))),
        Err(error) => {
            tracing::error!(%error, "no Opus decoder");
            None
        }
    }
}

pub(super) fn run(shared: &Shared, devices: &Devices, playout: &Playout) {
    let mut seen = devices.speaker.seen();
    let Some((mut sink, mut reopen)) = open(shared, &devices.speaker.get()) else { return };
    let mut frame = [0_i16; AUDIO_FRAME];
    let mut level = LevelMeter::default();
    let mut is_first = true;
    while !shared.is_stopped() {
        if devices.speaker.changed(&mut seen) {
            match open(shared, &devices.speaker.get()) {
                Some(chosen) => (sink, reopen) = chosen,
                None => return,
            }
        }
        let (has_started, stats, delay_ms) = {
            let mut playout = playout.lock().unwrap_or_else(PoisonError::into_inner);
            let has_started = playout.next_frame(mono_ms(), &mut frame);
            (has_started, playout.stats(), playout.playout_delay_ms())
        };
        if let Some(mut back) = reopen.as_ref().and_then(Reopen::poll) {
            back.stop_on(shared.stop.clone());
            (sink, reopen) = (back, None);
            shared.device_back("speaker-back");
        }
        if let Err(fault) = sink.play(&frame) {
            shared.device_fault("speaker", &fault);
            // Sound goes on being taken in and counted, so that a new speaker can play at once.
            match without(&fault, &devices.speaker.get()) {
                Some(silent) => (sink, reopen) = silent,
                None => return,
            }
        }
        level.push(&frame);
        shared.count(|counters| {
            let audio = &mut counters.stats.audio_in;
            audio.lost = stats.lost;
            audio.concealed_ms = stats.concealed * 20;
            audio.jitter_buffer_ms = delay_ms;
            audio.level_db = level.db();
        });
        if is_first && has_started {
            is_first = false;
            shared.tell(Event::Media {
                track: MediaTrack::Audio,
                direction: MediaDirection::In,
                first_ms: Some(mono_ms().saturating_sub(shared.admitted_ms)),
                codec: Some("opus"),
                size: None,
                muted: false,
            });
        }
    }
}

type Sink = (Box<dyn AudioSink>, Option<Reopen<Box<dyn AudioSink>>>);

fn open(shared: &Shared, choice: &SpeakerChoice) -> Option<Sink> {
    match sotto_devices::open_speaker(choice) {
        Ok(mut sink) => {
            sink.stop_on(shared.stop.clone());
            Some((sink, None))
        }
        Err(fault) => {
            shared.device_fault("speaker", &fault);
            without(&fault, choice)
        }
    }
}

/// Nowhere to play, while the chosen speaker is tried again.
fn without(fault: &DeviceFault, choice: &SpeakerChoice) -> Option<Sink> {
    let silent = sotto_devices::open_speaker(&SpeakerChoice::None).ok()?;
    let choice = choice.clone();
    Some((silent, Reopen::after(fault, move || sotto_devices::open_speaker(&choice))))
}
