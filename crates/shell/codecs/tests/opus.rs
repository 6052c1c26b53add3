//! Sound: constant sizes, quality, recovery, concealment, hostile packets.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests, and their figures")]

use sotto_codecs::{AudioRung, OpusDecoder, OpusEncoder};
use sotto_media::{AUDIO_FRAME, AudioDecoder, AudioEncoder, level_dbfs};

struct Lcg(u64);
impl Lcg {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A voice-like sound: harmonics of a gliding pitch, in syllables.
fn voice(frames: usize) -> Vec<[i16; AUDIO_FRAME]> {
    let mut phase = 0.0_f32;
    (0..frames)
        .map(|frame| {
            core::array::from_fn(|i| {
                let t = (frame * AUDIO_FRAME + i) as f32 / 48_000.0;
                let pitch = 140.0 + 30.0 * (t * 1.3).sin();
                phase = (phase + pitch / 48_000.0).fract();
                let syllable = (t * 3.5 * core::f32::consts::PI).sin().powi(2);
                let sum: f32 = (1..20).map(|h| (phase * h as f32 * core::f32::consts::TAU).sin() / h as f32).sum();
                (sum * syllable * 6000.0) as i16
            })
        })
        .collect()
}

/// Best correlation over delays of up to 20 ms.
fn correlation(a: &[i16], b: &[i16]) -> f64 {
    let best = |delay: usize| {
        let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
        for (&x, &y) in a.iter().zip(&b[delay..]) {
            let (x, y) = (f64::from(x), f64::from(y));
            ab += x * y;
            aa += x * x;
            bb += y * y;
        }
        ab / (aa * bb).sqrt().max(1.0)
    };
    (0..960).map(best).fold(0.0, f64::max)
}

#[test]
fn packets_of_a_rung_have_one_size_in_speech_noise_silence_and_mute() {
    let mut random = Lcg(5);
    for rung in [AudioRung::Low, AudioRung::Standard, AudioRung::High] {
        let mut encoder = OpusEncoder::new(rung).unwrap();
        let noise = (0..50).map(|_| core::array::from_fn(|_| random.below(65_536) as u16 as i16));
        let clipped = (0..10).map(|i| [if i % 2 == 0 { i16::MAX } else { i16::MIN }; AUDIO_FRAME]);
        let mute = (0..500).map(|_| [0; AUDIO_FRAME]);
        let sounds = voice(200).into_iter().chain(noise).chain(clipped).chain(mute).chain(voice(50));
        for frame in sounds {
            assert_eq!(encoder.encode(&frame).unwrap().len(), rung.packet_bytes());
        }
    }
    assert_eq!(AudioRung::Standard.packet_bytes(), 80); // PROTOCOL §7.6
}

#[test]
fn the_rung_changes_without_a_break() {
    let mut encoder = OpusEncoder::new(AudioRung::Standard).unwrap();
    let mut decoder = OpusDecoder::new().unwrap();
    let mut out = [0; AUDIO_FRAME];
    for (rung, size) in [(AudioRung::High, 120), (AudioRung::Low, 60), (AudioRung::Standard, 80)] {
        encoder.set_rung(rung).unwrap();
        for frame in voice(20) {
            let packet = encoder.encode(&frame).unwrap();
            assert_eq!(packet.len(), size);
            decoder.decode(&packet, &mut out).unwrap();
        }
    }
}

#[test]
fn speech_survives_the_codec() {
    let sound = voice(250);
    let mut encoder = OpusEncoder::new(AudioRung::Standard).unwrap();
    let mut decoder = OpusDecoder::new().unwrap();
    let mut decoded = Vec::new();
    for frame in &sound {
        let mut out = [0; AUDIO_FRAME];
        decoder.decode(&encoder.encode(frame).unwrap(), &mut out).unwrap();
        decoded.extend(out);
    }
    let similar = correlation(&sound.concat()[..48_000 * 4], &decoded);
    println!("correlation after the codec: {similar:.3}");
    assert!(similar > 0.9, "{similar}");
}

#[test]
fn a_lost_packet_is_recovered_better_than_it_is_concealed() {
    let sound = voice(250);
    let mut encoder = OpusEncoder::new(AudioRung::Standard).unwrap();
    let packets: Vec<_> = sound.iter().map(|frame| encoder.encode(frame).unwrap()).collect();
    let decode = |recover: bool| -> Vec<i16> {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut decoded = Vec::new();
        for (i, packet) in packets.iter().enumerate() {
            let mut out = [0; AUDIO_FRAME];
            match (i % 5 == 4, packets.get(i + 1)) {
                (true, Some(next)) if recover => decoder.recover(next, &mut out).unwrap(),
                (true, _) => decoder.conceal(&mut out),
                _ => decoder.decode(packet, &mut out).unwrap(),
            }
            decoded.extend(out);
        }
        decoded
    };
    let original = sound.concat();
    let reach = 48_000 * 4;
    let (with, without) =
        (correlation(&original[..reach], &decode(true)), correlation(&original[..reach], &decode(false)));
    println!("20 % loss: recovered {with:.3}, concealed {without:.3}");
    assert!(with > without && with > 0.8, "{with} {without}");
}

#[test]
fn concealment_fades_to_silence() {
    let mut encoder = OpusEncoder::new(AudioRung::Standard).unwrap();
    let mut decoder = OpusDecoder::new().unwrap();
    let mut out = [0; AUDIO_FRAME];
    decoder.conceal(&mut out);
    assert_eq!(out, [0; AUDIO_FRAME], "before the first packet there is silence");
    for frame in voice(30) {
        decoder.decode(&encoder.encode(&frame).unwrap(), &mut out).unwrap();
    }
    for _ in 0..50 {
        decoder.conceal(&mut out);
    }
    assert!(level_dbfs(&out) < -60.0, "{}", level_dbfs(&out));
}

#[test]
fn foreign_durations_and_broken_packets_are_errors_and_change_no_output() {
    let mut decoder = OpusDecoder::new().unwrap();
    let mut out = [7; AUDIO_FRAME];
    // Empty; 10 ms and 60 ms SILK; two frames of 20 ms; a code-3 packet without its count.
    for packet in [&[][..], &[0x00, 1, 2], &[0x18, 1, 2], &[0x09, 1, 2], &[0x0b]] {
        assert!(decoder.decode(packet, &mut out).is_err(), "{packet:?}");
        assert!(decoder.recover(packet, &mut out).is_err(), "{packet:?}");
        assert_eq!(out, [7; AUDIO_FRAME]);
    }
}

#[test]
fn twenty_thousand_mutated_packets_neither_panic_nor_break_the_decoder() {
    let mut random = Lcg(99);
    let mut encoder = OpusEncoder::new(AudioRung::Standard).unwrap();
    let packets: Vec<_> = voice(100).iter().map(|frame| encoder.encode(frame).unwrap()).collect();
    let mut decoder = OpusDecoder::new().unwrap();
    let mut out = [0; AUDIO_FRAME];
    for i in 0..20_000 {
        let mut packet = packets[i % packets.len()].clone();
        for _ in 0..=random.below(4) {
            match random.below(3) {
                0 => packet.truncate(random.below(packet.len() as u64 + 1) as usize),
                1 => packet.extend((0..random.below(20)).map(|n| (n * 37) as u8)),
                _ => {
                    let at = random.below(packet.len().max(1) as u64) as usize;
                    if let Some(byte) = packet.get_mut(at) {
                        *byte = random.below(256) as u8;
                    }
                }
            }
        }
        let _ = if i % 3 == 0 { decoder.recover(&packet, &mut out) } else { decoder.decode(&packet, &mut out) };
    }
    for packet in &packets {
        decoder.decode(packet, &mut out).unwrap();
    }
}
