//! The whole media path from source to output, without a network: what a bad one does is done here with a seed.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests, and their figures")]

use sotto_codecs::{AudioRung, H264Decoder, H264Encoder, OpusDecoder, OpusEncoder};
use sotto_devices::{open_camera, open_microphone, read_frame_marker};
use sotto_media::{
    AUDIO_FRAME, AudioEncoder, AudioPlayout, VideoAssembler, VideoDecoder, VideoEncoder, VideoPacketizer,
};
use sotto_session_api::{CameraChoice, MicrophoneChoice};

struct Lcg(u64);
impl Lcg {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Best normalised correlation of `wanted` with a stretch of `heard` within 400 ms, and its lag in samples.
fn correlation(wanted: &[i16], heard: &[i16]) -> (f64, usize) {
    (0..19_200.min(heard.len() - wanted.len()))
        .step_by(4)
        .map(|lag| {
            let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
            for (&a, &b) in wanted.iter().zip(&heard[lag..]).step_by(2) {
                let (a, b) = (f64::from(a), f64::from(b));
                (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
            }
            (ab / f64::sqrt(aa * bb).max(1.0), lag)
        })
        .fold((0.0, 0), |best, next| if next.0 > best.0 { next } else { best })
}

/// Sound through 5 % loss and jitter of up to 30 ms, which also reorders. Virtual time: only the source is paced.
#[test]
fn sound_survives_five_per_cent_loss_and_reordering() {
    let mut source = open_microphone(&MicrophoneChoice::Test).unwrap();
    let mut encoder = OpusEncoder::new(AudioRung::Standard).unwrap();
    let mut random = Lcg(11);
    let (mut sent, mut arrivals, mut dropped) = (Vec::new(), Vec::new(), 0);
    for counter in 0..250_u64 {
        let mut frame = [0; AUDIO_FRAME];
        source.next_frame(&mut frame).unwrap();
        sent.extend_from_slice(&frame);
        let packet = encoder.encode(&frame).unwrap();
        if random.below(100) < 5 {
            dropped += 1;
        } else {
            arrivals.push((counter * 20 + 40 + random.below(31), counter, packet));
        }
    }
    let in_order = arrivals.windows(2).filter(|w| w[0].0 <= w[1].0).count();
    arrivals.sort_by_key(|&(at, ..)| at);
    let mut playout = AudioPlayout::new(OpusDecoder::new().unwrap());
    let mut arrivals = arrivals.into_iter().peekable();
    let mut heard = Vec::new();
    for now in (0..5200).step_by(20) {
        while let Some((at, counter, packet)) = arrivals.next_if(|&(at, ..)| at <= now) {
            playout.push(counter, (counter * 960) as u32, &packet, at);
        }
        let mut frame = [0; AUDIO_FRAME];
        playout.next_frame(now, &mut frame);
        heard.extend_from_slice(&frame);
    }
    let stats = playout.stats();
    assert!(dropped >= 5 && in_order < 230, "the network was too good: {dropped} lost, {in_order} in order");
    assert!(stats.lost >= dropped, "{stats:?}");
    // Second by second, because stretching time moves the alignment by some milliseconds.
    let parts: Vec<_> = (0..4).map(|s| correlation(&sent[s * 48_000..][..48_000], &heard[s * 48_000..])).collect();
    let mean = parts.iter().map(|p| p.0).sum::<f64>() / parts.len() as f64;
    println!("{dropped} packets dropped; {stats:?}; correlation and lag a second: {parts:.2?}, mean {mean:.3}");
    assert!(mean >= 0.8, "{parts:?}");
}

/// Pictures at 300 kbit/s through reordering and loss that is repaired 60 ms later.
#[test]
fn drawn_frame_numbers_are_read_after_codec_and_network() {
    for size in [(640, 480), (1280, 720)] {
        let mut camera = open_camera(&CameraChoice::Test, size).unwrap();
        let mut encoder = H264Encoder::new(300, 30.0).unwrap();
        let mut packetizer = VideoPacketizer::new();
        let mut random = Lcg(12);
        let (mut counter, mut encoded, mut arrivals) = (0_u64, 0, Vec::new());
        for number in 0..90_u64 {
            let frame = camera.next_frame().unwrap();
            let Some(picture) = encoder.encode(&frame, false).unwrap() else { continue };
            encoded += 1;
            for packet in packetizer.packetize(&picture).unwrap() {
                let repair = if random.below(100) < 5 { 60 } else { 0 };
                arrivals.push((number * 33 + random.below(20) + repair, counter, packet));
                counter += 1;
            }
        }
        arrivals.sort_by_key(|&(at, ..)| at);
        let mut assembler = VideoAssembler::new();
        assembler.set_rtt_ms(60);
        let mut decoder = H264Decoder::new().unwrap();
        let mut numbers = Vec::new();
        let mut decoded = 0;
        for (at, counter, packet) in arrivals {
            assembler.push(counter, packet.rtp_timestamp, &packet.payload, at);
            while let Some(frame) = assembler.poll(at) {
                let planes = decoder.decode(&frame.data).unwrap().unwrap();
                decoded += 1;
                numbers.extend(read_frame_marker(&planes).map(|marker| marker.frame));
            }
        }
        println!("{size:?}: {encoded} of 90 encoded, {decoded} decoded, {} numbers read", numbers.len());
        assert!(numbers.windows(2).all(|w| w[0] < w[1]), "{numbers:?}");
        assert!(encoded >= 80, "the rate control dropped too many: {encoded}");
        assert!(numbers.len() * 100 >= encoded * 95, "{} of {encoded}", numbers.len());
    }
}
