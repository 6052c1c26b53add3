//! Any rate to 48 kHz and back: band-limited interpolation with a windowed sinc.

use std::f64::consts::PI;

/// Half the taps of the kernel at the lower of the two rates.
const HALF: f64 = 16.0;

/// Streaming mono resampler.
pub(crate) struct Resampler {
    step: f64,
    cutoff: f64,
    history: Vec<f32>,
    position: f64,
}

impl Resampler {
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let step = f64::from(from) / f64::from(to);
        let cutoff = (1.0 / step).min(1.0) * 0.95;
        let half = (HALF / cutoff).ceil();
        Self { step, cutoff, history: vec![0.0; half as usize], position: half }
    }

    /// Takes samples and appends what can be computed from them.
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        if (self.step - 1.0).abs() < f64::EPSILON {
            out.extend_from_slice(input);
            return;
        }
        self.history.extend_from_slice(input);
        let half = HALF / self.cutoff;
        while self.position + half + 1.0 < self.history.len() as f64 {
            let first = (self.position - half).ceil().max(0.0) as usize;
            let last = (self.position + half).floor() as usize;
            let mut sum = 0.0;
            for (index, sample) in self.history[first..=last].iter().enumerate() {
                let x = (first + index) as f64 - self.position;
                let window = 0.5 + 0.5 * (PI * x / (half + 1.0)).cos();
                sum += f64::from(*sample) * sinc(x * self.cutoff) * self.cutoff * window;
            }
            out.push(sum as f32);
            self.position += self.step;
        }
        let keep = (half.ceil() as usize) + 1;
        let done = (self.position as usize).saturating_sub(keep);
        self.history.drain(..done);
        self.position -= done as f64;
    }
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

#[cfg(test)]
mod tests {
    use super::Resampler;

    #[test]
    fn a_tone_keeps_its_pitch_and_level_from_44100_to_48000() {
        let tone = |rate: f64, n: usize| (std::f64::consts::TAU * 440.0 * n as f64 / rate).sin() as f32;
        let input: Vec<f32> = (0..44_100).map(|n| tone(44_100.0, n)).collect();
        let mut out = Vec::new();
        let mut resampler = Resampler::new(44_100, 48_000);
        for part in input.chunks(441) {
            resampler.push(part, &mut out);
        }
        assert!(out.len().abs_diff(48_000) < 64, "{}", out.len());
        let error = (1_000..40_000).map(|n| (out[n] - tone(48_000.0, n)).abs()).fold(0.0, f32::max);
        assert!(error < 0.01, "{error}");
    }
}
