//! Sound files of 16 bits, and changing rates.

use std::path::Path;

use crate::LabError;

/// Sound with one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Wav {
    /// Samples a second.
    pub rate_hz: u32,
    /// Samples, −1–1.
    pub samples: Vec<f32>,
}

/// Reads a PCM file of 16 bits; several channels are mixed. A file that is still growing, or whose writer never wrote
/// the final lengths, is read as far as it goes.
///
/// # Errors
/// [`LabError::Malformed`] for anything else.
pub fn read(path: &Path) -> Result<Wav, LabError> {
    parse(&std::fs::read(path)?)
}

/// As [`read`], from memory.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8]) -> Result<Wav, LabError> {
    let malformed = LabError::Malformed { what: "WAV file" };
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(malformed);
    }
    let mut rest = &bytes[12..];
    let mut format = None;
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let content = &body[..length.min(body.len())];
        match &head[..4] {
            b"fmt " if content.len() >= 16 => {
                let word = |at: usize| u16::from_le_bytes([content[at], content[at + 1]]);
                let rate = u32::from_le_bytes([content[4], content[5], content[6], content[7]]);
                format = Some((word(0), usize::from(word(2)), rate, word(14)));
            }
            b"data" => {
                let Some((1 | 0xFFFE, channels @ 1.., rate_hz @ 1.., 16)) = format else { return Err(malformed) };
                // A writer that never came to its end leaves 0 here.
                let content = if length == 0 { body } else { content };
                let samples = content
                    .chunks_exact(2 * channels)
                    .map(|frame| {
                        let sum: f32 = frame
                            .chunks_exact(2)
                            .map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0)
                            .sum();
                        sum / channels as f32
                    })
                    .collect();
                return Ok(Wav { rate_hz, samples });
            }
            _ => {}
        }
        rest = body.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    Err(malformed)
}

/// Writes a file of 16 bits and one channel.
///
/// # Errors
/// [`LabError::Io`].
pub fn write(path: &Path, wav: &Wav) -> Result<(), LabError> {
    let length = u32::try_from(wav.samples.len() * 2).map_err(|_| LabError::Malformed { what: "WAV length" })?;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(wav.rate_hz.to_le_bytes());
    bytes.extend((wav.rate_hz * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(length.to_le_bytes());
    for sample in &wav.samples {
        bytes.extend(((sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes());
    }
    std::fs::write(path, bytes)?;
    Ok(())
}

/// Changes the rate with a windowed sinc of 32 zero crossings a side. For measurements, not for speed.
#[must_use]
pub fn resample(samples: &[f32], from_hz: u32, to_hz: u32) -> Vec<f32> {
    if from_hz == to_hz {
        return samples.to_vec();
    }
    const CROSSINGS: f64 = 32.0;
    let ratio = f64::from(to_hz) / f64::from(from_hz);
    // Below both Nyquist limits, with room for the filter's slope.
    let cutoff = ratio.min(1.0) * 0.97;
    let reach = CROSSINGS / cutoff;
    let length = (samples.len() as f64 * ratio) as usize;
    let kernel = |distance: f64| {
        let x = std::f64::consts::PI * distance * cutoff;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        let window = 0.5 + 0.5 * (std::f64::consts::PI * distance / reach).cos();
        cutoff * sinc * window
    };
    // The fractional positions repeat: one set of taps for each.
    let period = (to_hz / gcd(from_hz, to_hz)) as usize;
    let side = reach.floor() as i64;
    let taps: Vec<Vec<f32>> = (0..period)
        .map(|phase| {
            let fraction = (phase as f64 / ratio).fract();
            (-side..=side).map(|tap| kernel(tap as f64 - fraction) as f32).collect()
        })
        .collect();
    (0..length)
        .map(|n| {
            // Exact: n × from / to in integers.
            let first = (n as u64 * u64::from(from_hz) / u64::from(to_hz)).cast_signed() - side;
            taps[n % period]
                .iter()
                .enumerate()
                .filter_map(|(k, tap)| Some(tap * samples.get(usize::try_from(first + k as i64).ok()?)?))
                .sum()
        })
        .collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_was_written_is_read_back_to_a_bit() {
        let wav = Wav { rate_hz: 48_000, samples: (0..1000).map(|n| (n as f32 * 0.05).sin() * 0.9).collect() };
        let path = std::env::temp_dir().join(format!("netlab-{}-wav.wav", std::process::id()));
        write(&path, &wav).unwrap();
        let back = read(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!((back.rate_hz, back.samples.len()), (48_000, 1000));
        assert!(back.samples.iter().zip(&wav.samples).all(|(a, b)| (a - b).abs() < 1e-4));
        // The lengths of a writer that was killed.
        bytes[4..8].fill(0);
        bytes[40..44].fill(0);
        assert_eq!(parse(&bytes).unwrap(), back);
        assert!(parse(&bytes[..20]).is_err());
    }

    #[test]
    fn a_tone_keeps_its_shape_at_another_rate_and_one_above_the_limit_disappears() {
        let tone = |rate: u32, hertz: f32| -> Vec<f32> {
            (0..rate).map(|n| (n as f32 / rate as f32 * hertz * std::f32::consts::TAU).sin()).collect()
        };
        for (from, to) in [(48_000, 10_000), (48_000, 8_000), (22_050, 48_000)] {
            let out = resample(&tone(from, 440.0), from, to);
            let expected = tone(to, 440.0);
            let middle = out.len() / 4..out.len() * 3 / 4;
            let worst = middle.clone().map(|n| (out[n] - expected[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 0.01, "{from} to {to}: {worst}");
        }
        let gone = resample(&tone(48_000, 6_000.0), 48_000, 8_000);
        assert!(gone[1000..7000].iter().all(|sample| sample.abs() < 0.01));
    }
}
