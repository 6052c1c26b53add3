//! Pictures: sizes, key frames, rates, quality, hostile bitstreams.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests, and their figures")]

use std::sync::Arc;
use std::time::Instant;

use sotto_codecs::{H264Decoder, H264Encoder, i420};
use sotto_media::{VideoDecoder, VideoEncoder, VideoFrame};
use sotto_session_api::Planes;

struct Lcg(u64);
impl Lcg {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A gradient with a moving disc and some texture.
fn scene(width: u32, height: u32, number: u64) -> Planes {
    let mut planes = Planes::black(width, height);
    planes.capture_us = 5_000_000 + number * 33_333;
    let (w, h) = (width as i64, height as i64);
    let centre = (w / 2 + ((number as f64 / 15.0).sin() * w as f64 / 6.0) as i64, h / 2);
    for y in 0..h {
        for x in 0..w {
            let inside = (x - centre.0).pow(2) + (y - centre.1).pow(2) < (h / 4).pow(2);
            let texture = ((x * 7 + y * 13) % 11) - 5;
            let value = if inside { 180 + texture } else { 40 + (x + y) * 100 / (w + h) };
            planes.data[0][(y * w + x) as usize] = value as u8;
        }
    }
    for (i, byte) in planes.data[1].iter_mut().enumerate() {
        *byte = 100 + (i % 40) as u8;
    }
    planes
}

fn frame(planes: &Planes) -> VideoFrame {
    VideoFrame { planes: Arc::new(planes.clone()) }
}

#[test]
fn pictures_survive_at_both_sizes() {
    for (width, height, kbps, floor) in [(640, 480, 500, 34.0), (1280, 720, 1200, 34.0)] {
        let mut encoder = H264Encoder::new(kbps, 30.0).unwrap();
        let mut decoder = H264Decoder::new().unwrap();
        let (mut encode_ms, mut decode_ms, mut psnr, mut shown, mut bytes) = (0.0, 0.0, 0.0, 0, 0);
        let count = 60;
        for number in 0..count {
            let planes = scene(width, height, number);
            let start = Instant::now();
            let encoded = encoder.encode(&frame(&planes), false).unwrap();
            encode_ms += start.elapsed().as_secs_f64() * 1e3;
            let Some(encoded) = encoded else { continue };
            assert_eq!(encoded.key, number == 0);
            assert_eq!(encoded.rtp_timestamp, (number * 33_333 * 9 / 100) as u32);
            bytes += encoded.data.len();
            let start = Instant::now();
            let decoded = decoder.decode(&encoded.data).unwrap().expect("one picture for each frame");
            decode_ms += start.elapsed().as_secs_f64() * 1e3;
            assert_eq!((decoded.width, decoded.height), (width, height));
            psnr += i420::luma_psnr(&planes, &decoded).unwrap();
            shown += 1;
        }
        let n = f64::from(shown);
        println!(
            "{width}x{height} at {kbps} kbit/s: encode {:.2} ms, decode {:.2} ms, PSNR {:.1} dB, {} kbit/s, {shown} of {count}",
            encode_ms / count as f64,
            decode_ms / n,
            psnr / n,
            bytes * 8 / 2000,
        );
        assert!(shown > 50, "{shown}");
        assert!(psnr / n > floor, "{}", psnr / n);
    }
}

#[test]
fn key_frames_come_on_request_and_after_a_change_of_size_only() {
    let mut encoder = H264Encoder::new(800, 30.0).unwrap();
    let mut keys = Vec::new();
    for number in 0..90 {
        let (width, height) = if number < 60 { (320, 240) } else { (640, 480) };
        let encoded = encoder.encode(&frame(&scene(width, height, number)), number == 20).unwrap();
        if encoded.is_some_and(|e| e.key) {
            keys.push(number);
        }
    }
    assert_eq!(keys, [0, 20, 60]);
}

#[test]
fn the_rate_is_kept_and_changes_while_running_without_a_key_frame() {
    let mut encoder = H264Encoder::new(300, 30.0).unwrap();
    let mut random = Lcg(3);
    // Noise that no encoder can make small, so that the rate control has to work.
    let mut noisy = |number: u64| {
        let mut planes = scene(640, 480, number);
        for byte in &mut planes.data[0] {
            *byte = byte.saturating_add(random.below(24) as u8);
        }
        planes
    };
    let mut number = 0;
    for kbps in [300, 1200, 300, 150] {
        encoder.set_kbps(kbps);
        let (mut bytes, mut keys) = (0, 0);
        for i in 0..150 {
            let encoded = encoder.encode(&frame(&noisy(number)), false).unwrap();
            number += 1;
            if let Some(encoded) = encoded.filter(|_| i >= 30) {
                bytes += encoded.data.len();
                keys += usize::from(encoded.key);
            }
        }
        let measured = bytes * 8 / 4000;
        println!("target {kbps}, measured {measured} kbit/s");
        assert!((kbps as usize * 6 / 10..=kbps as usize * 13 / 10).contains(&measured), "{kbps}: {measured}");
        assert_eq!(keys, 0);
    }
}

#[test]
fn impossible_pictures_are_errors() {
    let mut encoder = H264Encoder::new(500, 30.0).unwrap();
    for (width, height) in [(0, 0), (641, 480), (3842, 2160), (2162, 3840), (8, 8)] {
        assert!(encoder.encode(&frame(&Planes::black(width, height)), false).is_err(), "{width}x{height}");
    }
    let mut short = Planes::black(640, 480);
    short.data[2].pop();
    assert!(encoder.encode(&frame(&short), false).is_err());
    assert!(encoder.encode(&frame(&Planes::black(640, 480)), false).unwrap().is_some());
}

#[test]
fn odd_but_possible_sizes_are_cropped_right() {
    for (width, height) in [(1920, 1080), (362, 202), (16, 16), (480, 640)] {
        let planes = scene(width, height, 0);
        let encoded = H264Encoder::new(4000, 30.0).unwrap().encode(&frame(&planes), false).unwrap().unwrap();
        let decoded = H264Decoder::new().unwrap().decode(&encoded.data).unwrap().unwrap();
        assert_eq!((decoded.width, decoded.height), (width, height));
        assert!(i420::is_consistent(&decoded));
    }
}

#[test]
fn without_a_key_frame_nothing_is_decoded() {
    let mut encoder = H264Encoder::new(500, 30.0).unwrap();
    let frames: Vec<_> = (0..5).filter_map(|n| encoder.encode(&frame(&scene(320, 240, n)), false).unwrap()).collect();
    let mut decoder = H264Decoder::new().unwrap();
    assert!(decoder.decode(&frames[1].data).is_err());
    assert!(decoder.decode(&frames[0].data).unwrap().is_some());
    assert!(decoder.decode(&frames[1].data).unwrap().is_some());
    // After an error only a key frame helps.
    assert!(decoder.decode(&[1, 2, 3]).is_err());
    assert!(decoder.decode(&frames[2].data).is_err());
    assert!(decoder.decode(&frames[0].data).unwrap().is_some());
}

#[test]
fn pictures_that_are_too_large_are_refused_before_they_take_memory() {
    // Baseline, level 5.2, picture of 16,384 × 16,384: ue(1023) twice.
    let mut bits = String::from("011001110100001000000000" /* SPS, 66, 0 */);
    bits += "00110100"; // level 52
    bits += "1"; // id 0
    bits += "1"; // log2_max_frame_num 4
    bits += "011"; // poc type 2
    bits += "010"; // one reference
    bits += "0";
    for _ in 0..2 {
        bits += "000000000010000000000"; // ue(1023)
    }
    bits += "1"; // frames only
    bits += "1001"; // direct 8x8, no cropping, no VUI, stop bit
    while bits.len() % 8 != 0 {
        bits.push('0');
    }
    let mut stream = vec![0, 0, 0, 1];
    stream.extend(bits.as_bytes().chunks(8).map(|b| b.iter().fold(0_u8, |v, &bit| v << 1 | (bit - b'0'))));
    stream.extend([0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80, 0, 0, 0, 1, 0x65, 0x88, 0x84, 0x21]);
    let error = H264Decoder::new().unwrap().decode(&stream).unwrap_err();
    assert!(error.contains("16384x16384"), "{error}");
}

#[test]
fn foreign_nal_units_are_refused() {
    let key = H264Encoder::new(500, 30.0).unwrap().encode(&frame(&scene(160, 128, 0)), false).unwrap().unwrap();
    for nal_type in [0_u8, 2, 3, 4, 10, 11, 13, 14, 15, 19, 20, 21, 24, 31] {
        let mut data = key.data.clone();
        data.extend([0, 0, 0, 1, 0x60 | nal_type, 1, 2, 3]);
        assert!(H264Decoder::new().unwrap().decode(&data).is_err(), "{nal_type}");
    }
    let mut long = key.data;
    long.resize(400_000, 1);
    assert!(H264Decoder::new().unwrap().decode(&long).is_err());
}

#[test]
fn twenty_thousand_mutated_pictures_neither_crash_nor_hang() {
    let mut random = Lcg(2026);
    let mut encoder = H264Encoder::new(200, 30.0).unwrap();
    let frames: Vec<_> =
        (0..30).filter_map(|n| encoder.encode(&frame(&scene(96, 80, n)), n == 15).unwrap()).map(|e| e.data).collect();
    let mut decoder = H264Decoder::new().unwrap();
    let (mut pictures, mut errors) = (0, 0);
    for i in 0..20_000 {
        // Now and then a good key frame, so that mutated ones meet a decoder in every state.
        let source = if i % 4 == 0 { 0 } else { random.below(frames.len() as u64) as usize };
        let mut data = frames[source].clone();
        for _ in 0..(if i % 4 == 0 { 0 } else { 1 + random.below(6) }) {
            match random.below(5) {
                0 => data.truncate(random.below(data.len() as u64 + 1) as usize),
                1 => data.extend((0..random.below(40)).map(|n| (n * 89) as u8)),
                2 if data.len() > 40 => data[4 + random.below(36) as usize] = random.below(256) as u8,
                _ => {
                    let at = random.below(data.len().max(1) as u64) as usize;
                    if let Some(byte) = data.get_mut(at) {
                        *byte ^= 1 << random.below(8);
                    }
                }
            }
        }
        match decoder.decode(&data) {
            Ok(Some(planes)) => {
                assert!(i420::is_consistent(&planes));
                pictures += 1;
            }
            Ok(None) => {}
            Err(_) => errors += 1,
        }
    }
    println!("{pictures} pictures, {errors} errors");
    assert!(pictures > 1000 && errors > 1000);
    assert!(decoder.decode(&frames[0]).is_ok() || decoder.decode(&frames[0]).unwrap().is_some());
}
