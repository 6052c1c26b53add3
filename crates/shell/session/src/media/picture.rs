//! Opened packets → pictures in order → decoder → slot and file.

use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use sotto_call::Input;
use sotto_codecs::H264Decoder;
use sotto_frame_crypto::OpenedPacket;
use sotto_media::{AssembledFrame, VideoAssembler, VideoDecoder, VideoSink};
use sotto_session_api::{Event, MediaDirection, MediaTrack, VideoOut, VideoSlot};
use sotto_wire::TrackId;

use super::{Devices, Shared};
use crate::process::mono_ms;

struct Picture<'a> {
    shared: &'a Shared,
    decoder: H264Decoder,
    sink: Option<Box<dyn VideoSink>>,
    slot: &'a VideoSlot,
}

pub(super) fn run(shared: &Shared, devices: &Devices, packets: &Receiver<OpenedPacket>, slot: &VideoSlot) {
    let decoder = match H264Decoder::new() {
        Ok(decoder) => decoder,
        Err(error) => {
            tracing::error!(%error, "no H.264 decoder");
            return;
        }
    };
    let sink = match &devices.video_out {
        VideoOut::None => None,
        choice => match sotto_devices::open_video_out(choice) {
            Ok(sink) => sink,
            Err(fault) => {
                shared.device_fault("screen", &fault);
                None
            }
        },
    };
    let mut picture = Picture { shared, decoder, sink, slot };
    let mut assembler = VideoAssembler::new();
    while !shared.is_stopped() {
        match shared.rtt_ms.load(Ordering::Relaxed) {
            0 => {}
            rtt_ms => assembler.set_rtt_ms(rtt_ms),
        }
        match packets.recv_timeout(Duration::from_millis(10)) {
            Ok(packet) => assembler.push(packet.counter, packet.rtp_timestamp, &packet.payload, mono_ms()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while let Some(frame) = assembler.poll(mono_ms()) {
            if !picture.show(&frame) {
                assembler.decoder_failed();
            }
        }
        if assembler.poll_key_request(mono_ms()) {
            shared.input(Input::NeedKeyframe(TrackId::Camera));
        }
    }
}

impl Picture<'_> {
    /// False if the decoder refused the frame.
    fn show(&mut self, frame: &AssembledFrame) -> bool {
        let started = Instant::now();
        let planes = match self.decoder.decode(&frame.data) {
            Ok(Some(planes)) => Arc::new(planes),
            Ok(None) => return true,
            Err(_) => return false,
        };
        let decode_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let now = mono_ms();
        let mut is_first = false;
        self.shared.count(|counters| {
            is_first = counters.picture_in(now);
            let video = &mut counters.stats.video_in;
            video.key_frames += u64::from(frame.key);
            (video.width, video.height) = (planes.width, planes.height);
            counters.decode_us += decode_us;
        });
        if is_first {
            self.shared.tell(Event::Media {
                track: MediaTrack::Camera,
                direction: MediaDirection::In,
                first_ms: Some(now.saturating_sub(self.shared.admitted_ms)),
                codec: Some("h264"),
                size: Some((planes.width, planes.height)),
                muted: false,
            });
        }
        if let Some(sink) = &mut self.sink
            && let Err(fault) = sink.show(&planes)
        {
            self.shared.device_fault("screen", &fault);
            self.sink = None;
        }
        self.slot.put(planes);
        true
    }
}
