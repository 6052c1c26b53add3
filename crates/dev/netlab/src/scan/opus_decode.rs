//! Takes every sound packet for bare Opus, decodes it, and listens whether what comes out is what was said.
//!
//! Where the Opus packet would begin and end inside the payload is not known, so all places are tried: behind 0–12
//! bytes of header, up to the end, without a tag of 16 bytes, or as long as the two bytes in front of it say.

use opus::{Channels, Decoder};

use crate::capture::Frame;
use crate::quality::best_correlation;
use crate::stun::{Kind, RtpHeader, payloads};

/// Rate of decoding and comparing, Hz: speech is recognised as well at 8 kHz, and faster.
pub const RATE_HZ: u32 = 8000;
const LONGEST_HEADER: usize = 12;
/// Share of the sounds that must lie side by side: little pieces resemble each other by chance.
const LEAST_OVERLAP: f64 = 0.8;

/// How a packet's end is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    BeforeTag,
    ByLength,
}

/// What the eavesdropper heard at best.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Largest correlation with what was said, over all guesses and delays, 0–1.
    pub correlation: f64,
    /// Header length of the best guess, bytes.
    pub header: usize,
    /// Packets of the stream.
    pub packets: usize,
    /// Packets that were valid Opus in the best guess.
    pub decoded: usize,
    /// Sound of the best guess at `RATE_HZ`.
    pub sound: Vec<f32>,
}

/// Listens to the stream `ssrc` of a capture. `said` is the sound that was sent, at `RATE_HZ`.
#[must_use]
pub fn eavesdrop_opus(frames: &[Frame], ssrc: u32, said: &[f32]) -> Heard {
    let packets: Vec<&[u8]> = payloads(frames)
        .filter(|payload| payload.kind == Kind::Rtp)
        .filter_map(|payload| {
            let header = RtpHeader::parse(payload.payload).filter(|header| header.ssrc == ssrc)?;
            Some(&payload.payload[header.length..])
        })
        .collect();
    let said = flatten(said);
    let mut best = Heard { correlation: 0.0, header: 0, packets: packets.len(), decoded: 0, sound: Vec::new() };
    for header in 0..=LONGEST_HEADER {
        for end in [End::Whole, End::BeforeTag, End::ByLength] {
            let (sound, decoded) = decode(&packets, header, end);
            // Fewer valid packets than one in twenty are no speech, whatever they sound like.
            if decoded * 20 < packets.len() {
                continue;
            }
            let correlation = best_correlation(&said, &flatten(&sound), LEAST_OVERLAP).value.abs();
            if correlation > best.correlation {
                best = Heard { correlation, header, decoded, sound, ..best };
            }
        }
    }
    best
}

fn decode(packets: &[&[u8]], header: usize, end: End) -> (Vec<f32>, usize) {
    let Ok(mut decoder) = Decoder::new(RATE_HZ, Channels::Mono) else { return (Vec::new(), 0) };
    let frame = (RATE_HZ / 50) as usize;
    // The longest Opus packet lasts 120 ms.
    let mut buffer = vec![0.0; frame * 6];
    let (mut sound, mut decoded) = (Vec::with_capacity(packets.len() * frame), 0);
    for packet in packets {
        let guess = match end {
            End::Whole => packet.get(header..),
            End::BeforeTag => packet.get(header..packet.len().saturating_sub(16)),
            End::ByLength => packet
                .get(header..)
                .and_then(|rest| rest.split_first_chunk::<2>())
                .and_then(|(length, rest)| rest.get(..usize::from(u16::from_be_bytes(*length)))),
        };
        // Every packet takes its 20 ms, so that what is understood stays in its place.
        let samples = match guess
            .filter(|guess| !guess.is_empty())
            .map(|guess| decoder.decode_float(guess, &mut buffer, false))
        {
            Some(Ok(samples)) => {
                decoded += 1;
                samples.min(frame)
            }
            _ => 0,
        };
        sound.extend_from_slice(&buffer[..samples]);
        sound.resize(sound.len() + frame - samples, 0.0);
    }
    (sound, decoded)
}

/// First difference and a soft limit: takes the slope out of the spectrum of speech and the bursts out of decoded
/// noise, so that two unrelated sounds don't resemble each other by being low and loud in the same places.
fn flatten(sound: &[f32]) -> Vec<f32> {
    let mut last = 0.0;
    let differences: Vec<f32> = sound
        .iter()
        .map(|&sample| {
            let difference = sample - 0.95 * last;
            last = sample;
            difference
        })
        .collect();
    let power: f32 = differences.iter().map(|sample| sample * sample).sum::<f32>() / differences.len().max(1) as f32;
    let scale = 1.0 / power.sqrt().max(1e-9);
    differences.iter().map(|sample| (2.0 * sample * scale).tanh()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
    use opus::{Application, Bitrate, Encoder};

    use super::*;
    use crate::packet::build::udp;
    use crate::stun::build::{channel, rtp};
    use crate::voice;
    use crate::wav::resample;
    use crate::wire::Random;

    #[test]
    fn opus_is_heard_behind_any_header_and_random_bytes_are_not() {
        let said = voice::speak(11, 20.0);
        let mut encoder = Encoder::new(48_000, Channels::Mono, Application::Voip).unwrap();
        encoder.set_vbr(false).unwrap();
        encoder.set_bitrate(Bitrate::Bits(32_000)).unwrap();
        let mut random = Random::new(5);
        let (mut plain, mut prefixed, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
        for (sequence, frame) in said.chunks_exact(960).enumerate() {
            let packet = encoder.encode_vec_float(frame, 1000).unwrap();
            assert_eq!(packet.len(), 80);
            let send = |body: &[u8]| {
                udp("198.51.100.7:4000", "192.0.2.10:3478", &channel(0x4000, &rtp(111, 5, sequence as u16, body)))
            };
            let mut noise = [0; 104];
            random.fill(&mut noise);
            plain.push(send(&packet));
            // An SFrame-like header of four bytes, a length, the packet, padding, a tag.
            prefixed.push(send(&[&[0x1C, 9, 9, 9, 0, 80][..], &packet, &[0; 2], &noise[..16]].concat()));
            sealed.push(send(&noise));
        }
        let said = resample(&said, 48_000, RATE_HZ);
        for frames in [&plain, &prefixed] {
            let heard = eavesdrop_opus(frames, 5, &said);
            assert!(heard.correlation > 0.7, "{} behind {}", heard.correlation, heard.header);
            assert_eq!(heard.decoded, heard.packets);
        }
        let heard = eavesdrop_opus(&sealed, 5, &said);
        println!("by chance: {}", heard.correlation);
        assert!(heard.correlation < 0.05, "{} behind {}", heard.correlation, heard.header);
    }
}
