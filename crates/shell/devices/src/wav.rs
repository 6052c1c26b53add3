//! WAV files: 16-bit PCM in (any rate, mono or stereo, looped), 48 kHz mono out.

use std::{
    fs::File,
    io::{BufWriter, Seek, SeekFrom, Write},
    path::Path,
    time::Duration,
};

use sotto_media::{AUDIO_FRAME, AUDIO_RATE, AudioSink, AudioSource, DeviceFault};

use crate::{
    clock::{Pace, monotonic_us},
    resample::Resampler,
};

pub(crate) const FRAME_TIME: Duration = Duration::from_millis(20);
const MAX_FILE: u64 = 512 * 1024 * 1024;

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn fault(what: impl ToString) -> DeviceFault {
    DeviceFault::File { what: what.to_string() }
}

/// Sound in memory that is played again and again.
pub(crate) struct Loop {
    samples: Vec<i16>,
    at: usize,
    pace: Pace,
    name: String,
}

impl Loop {
    pub(crate) fn new(samples: Vec<i16>, name: &str) -> Self {
        Self { samples, at: 0, pace: Pace::new(FRAME_TIME), name: name.into() }
    }

    pub(crate) fn open(path: &Path) -> Result<Self, DeviceFault> {
        if std::fs::metadata(path).map_err(fault)?.len() > MAX_FILE {
            return Err(fault("the file is too large"));
        }
        let samples = parse(&std::fs::read(path).map_err(fault)?)?;
        Ok(Self::new(samples, "file"))
    }
}

impl AudioSource for Loop {
    fn next_frame(&mut self, frame: &mut [i16; AUDIO_FRAME]) -> Result<u64, DeviceFault> {
        self.pace.wait();
        for sample in frame {
            *sample = self.samples.get(self.at).copied().unwrap_or_default();
            self.at = if self.at + 1 >= self.samples.len() { 0 } else { self.at + 1 };
        }
        Ok(monotonic_us())
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// 48 kHz mono samples of a WAV file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<i16>, DeviceFault> {
    let unsupported = |what: &str| DeviceFault::Unsupported { what: what.into() };
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(unsupported("not a WAV file"));
    }
    let (mut rest, mut format) = (&bytes[12..], None);
    while let Some((head, body)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let data = &body[..length.min(body.len())];
        match &head[..4] {
            b"fmt " if data.len() >= 16 => {
                let word = |at: usize| u16::from_le_bytes([data[at], data[at + 1]]);
                let rate = u32::from_le_bytes([data[4], data[5], data[6], data[7]]);
                // 0xFFFE: extensible, with PCM inside.
                if !matches!(word(0), 1 | 0xFFFE) || word(14) != 16 || !matches!(word(2), 1 | 2) {
                    return Err(unsupported("only 16-bit PCM, mono or stereo"));
                }
                if !(8_000..=192_000).contains(&rate) {
                    return Err(unsupported("sample rate"));
                }
                format = Some((usize::from(word(2)), rate));
            }
            b"data" => {
                let (channels, rate) = format.ok_or_else(|| unsupported("data before format"))?;
                let mono: Vec<f32> = data
                    .chunks_exact(2 * channels)
                    .map(|frame| {
                        let sum: i32 = frame.chunks_exact(2).map(|s| i32::from(i16::from_le_bytes([s[0], s[1]]))).sum();
                        sum as f32 / channels as f32
                    })
                    .collect();
                let mut out = Vec::new();
                Resampler::new(rate, AUDIO_RATE).push(&mono, &mut out);
                if out.is_empty() {
                    return Err(unsupported("the file has no sound"));
                }
                return Ok(out.into_iter().map(|sample| sample.clamp(-32768.0, 32767.0) as i16).collect());
            }
            _ => {}
        }
        rest = body.get(length + (length & 1)..).unwrap_or_default();
    }
    Err(unsupported("no sound data"))
}

/// Writes what would be played, at the pace of a device; or, without a file, only keeps the pace.
pub(crate) struct PacedSink {
    file: Option<BufWriter<File>>,
    bytes: u32,
    frames: u32,
    pace: Pace,
}

impl PacedSink {
    pub(crate) fn silent() -> Self {
        Self { file: None, bytes: 0, frames: 0, pace: Pace::new(FRAME_TIME) }
    }

    pub(crate) fn create(path: &Path) -> Result<Self, DeviceFault> {
        let mut file = BufWriter::new(File::create(path).map_err(fault)?);
        file.write_all(&header(0)).map_err(fault)?;
        let mut sink = Self::silent();
        sink.file = Some(file);
        Ok(sink)
    }

    /// Writes the header anew, so that the file is valid at any moment.
    fn finish(&mut self) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header(self.bytes))?;
            file.seek(SeekFrom::End(0))?;
            file.flush()?;
        }
        Ok(())
    }
}

impl AudioSink for PacedSink {
    fn play(&mut self, frame: &[i16; AUDIO_FRAME]) -> Result<(), DeviceFault> {
        self.pace.wait();
        let Some(file) = &mut self.file else { return Ok(()) };
        let bytes: Vec<u8> = frame.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        file.write_all(&bytes).map_err(fault)?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u32);
        self.frames = self.frames.wrapping_add(1);
        if self.frames.is_multiple_of(50) {
            self.finish().map_err(fault)?;
        }
        Ok(())
    }

    fn queued_ms(&self) -> u32 {
        0
    }

    fn name(&self) -> String {
        if self.file.is_some() { "file".into() } else { "none".into() }
    }
}

impl Drop for PacedSink {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

fn header(bytes: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&bytes.saturating_add(36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16_u32.to_le_bytes());
    for word in [1_u16, 1] {
        header.extend_from_slice(&word.to_le_bytes());
    }
    header.extend_from_slice(&AUDIO_RATE.to_le_bytes());
    header.extend_from_slice(&(AUDIO_RATE * 2).to_le_bytes());
    for word in [2_u16, 16] {
        header.extend_from_slice(&word.to_le_bytes());
    }
    header.extend_from_slice(b"data");
    header.extend_from_slice(&bytes.to_le_bytes());
    header
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_the_sink_wrote_the_source_reads() {
        let path = std::env::temp_dir().join(format!("sotto-wav-{}.wav", std::process::id()));
        let mut sink = PacedSink::create(&path).unwrap();
        let mut frame = [0; AUDIO_FRAME];
        for (n, sample) in frame.iter_mut().enumerate() {
            *sample = (n as i16) - 480;
        }
        sink.play(&frame).unwrap();
        drop(sink);
        let samples = parse(&std::fs::read(&path).unwrap()).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(samples, frame);
    }

    #[test]
    fn broken_files_are_named_not_played() {
        let good = [&header(4)[..], &[1, 0, 2, 0]].concat();
        assert_eq!(parse(&good).unwrap(), [1, 2]);
        for length in 0..good.len() - 3 {
            assert!(parse(&good[..length]).is_err(), "{length}");
        }
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let _ = parse(&bad);
        }
    }
}
