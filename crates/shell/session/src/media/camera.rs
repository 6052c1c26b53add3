//! Camera → H.264 → packets, padded to one size → sealed packets (PROTOCOL §7.3, §7.5).

use std::{sync::atomic::Ordering, thread, time::Duration, time::Instant};

use sotto_codecs::H264Encoder;
use sotto_frame_crypto::{Shape, VIDEO_FULL_LEN};
use sotto_media::{VideoEncoder, VideoFrame, VideoPacketizer, VideoSource};
use sotto_session_api::{CameraChoice, Event, MediaDirection, MediaTrack, VideoSlot};
use sotto_wire::{Codec, TrackId};

use super::{Devices, Shared, reopen::Reopen};
use crate::process::mono_ms;

const FPS: f32 = 30.0;

/// A start that suits the size; the bandwidth estimator will steer it later.
const fn start_kbps(size: (u32, u32)) -> u32 {
    if size.0 * size.1 > 640 * 480 { 1200 } else { 600 }
}

pub(super) fn run(shared: &Shared, devices: &Devices, own: &VideoSlot) {
    let mut seen = devices.camera.seen();
    let mut is_usable = devices.camera.get() != CameraChoice::None;
    let mut source: Option<Box<dyn VideoSource>> = None;
    let mut reopen: Option<Reopen<Box<dyn VideoSource>>> = None;
    let mut encoder: Option<(H264Encoder, (u32, u32))> = None;
    let mut packetizer = VideoPacketizer::new();
    let mut is_first = true;
    while !shared.is_stopped() {
        if devices.camera.changed(&mut seen) {
            (source, reopen) = (None, None);
            is_usable = devices.camera.get() != CameraChoice::None;
        }
        if !is_usable || !shared.sends_camera() {
            // The device is released while it is off, so that its light is off too.
            (source, reopen) = (None, None);
            thread::sleep(Duration::from_millis(20));
            continue;
        }
        if let Some(tries) = &reopen {
            match tries.poll() {
                None => {
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
                Some(open) => {
                    (source, reopen) = (Some(open), None);
                    shared.device_back("camera-back");
                    shared.force_key.store(true, Ordering::Relaxed);
                }
            }
        }
        let opened = match source.take() {
            Some(open) => Ok(open),
            None => sotto_devices::open_camera(&devices.camera.get(), devices.video_size),
        };
        let frame = opened.and_then(|mut open| {
            let frame = open.next_frame()?;
            source = Some(open);
            Ok(frame)
        });
        let frame = match frame {
            Ok(frame) => frame,
            Err(fault) => {
                shared.device_fault("camera", &fault);
                let (choice, size) = (devices.camera.get(), devices.video_size);
                reopen = Reopen::after(&fault, move || sotto_devices::open_camera(&choice, size));
                // Where trying again can't help, until the person chooses another one.
                is_usable = reopen.is_some();
                continue;
            }
        };
        own.put(frame.planes.clone());
        let size = (frame.planes.width, frame.planes.height);
        if encoder.as_ref().is_none_or(|(_, own)| *own != size) {
            match H264Encoder::new(start_kbps(size), FPS) {
                Ok(new) => encoder = Some((new, size)),
                Err(error) => {
                    tracing::error!(%error, "no H.264 encoder");
                    return;
                }
            }
        }
        let Some((encoder, _)) = &mut encoder else { return };
        if send(shared, encoder, &mut packetizer, &frame).is_none() {
            return;
        }
        if is_first {
            is_first = false;
            shared.tell(Event::Media {
                track: MediaTrack::Camera,
                direction: MediaDirection::Out,
                first_ms: Some(mono_ms().saturating_sub(shared.admitted_ms)),
                codec: Some("h264"),
                size: Some(size),
                muted: false,
            });
        }
    }
}

/// Encodes and sends one picture; `None` when sealing is over.
fn send(
    shared: &Shared,
    encoder: &mut H264Encoder,
    packetizer: &mut VideoPacketizer,
    frame: &VideoFrame,
) -> Option<()> {
    let force_key = shared.force_key.swap(false, Ordering::Relaxed);
    let started = Instant::now();
    let encoded = match encoder.encode(frame, force_key) {
        Ok(Some(encoded)) => encoded,
        Ok(None) => return Some(()),
        Err(error) => {
            tracing::warn!(%error, "a picture could not be encoded");
            return Some(());
        }
    };
    let encode_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let Ok(packets) = packetizer.packetize(&encoded) else { return Some(()) };
    let (mut bytes, count) = (0, packets.len() as u64);
    for packet in &packets {
        // Every packet of a picture is full, so that only their number shows.
        let sent = shared.send(TrackId::Camera, Codec::H264, packet, (Shape::VideoFull, VIDEO_FULL_LEN)).ok()?;
        let Some(size) = sent else { return Some(()) };
        bytes += size;
    }
    shared.count(|counters| {
        let video = &mut counters.stats.video_out;
        video.packets += count;
        video.bytes += bytes as u64;
        video.frames += 1;
        video.key_frames += u64::from(encoded.key);
        (video.width, video.height) = (frame.planes.width, frame.planes.height);
        counters.encode_us += encode_us;
        counters.out_rate.add(bytes);
        counters.stats.target_kbps = start_kbps((frame.planes.width, frame.planes.height)) + 32;
    });
    Some(())
}
