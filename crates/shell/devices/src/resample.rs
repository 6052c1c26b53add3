//! Any rate to 48 kHz and back: band-limited interpolation with a windowed sinc.

use std::f64::consts::PI;

/// Half the taps of the kernel at the lower of the two rates.
const HALF: f64 = 16.0;

/// Positions between two samples that have a kernel of their own. The usual pairs of rates need at most 640 and are
/// exact; for others the nearest one is a thousandth of a sample away at most.
const MAX_PHASES: u32 = 1024;

/// Streaming mono resampler.
pub(crate) struct Resampler {
    step: f64,
    /// `phases` kernels of `2 * reach` taps each: sine and cosine are too slow to be computed for each sample.
    kernels: Vec<f32>,
    phases: usize,
    /// Taps on each side.
    reach: usize,
    history: Vec<f32>,
    position: f64,
}

impl Resampler {
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let step = f64::from(from) / f64::from(to);
        let cutoff = (1.0 / step).min(1.0) * 0.95;
        let half = HALF / cutoff;
        let reach = half.ceil() as usize + 1;
        let phases = (to / gcd(from, to)).min(MAX_PHASES) as usize;
        let mut kernels = Vec::with_capacity(phases * 2 * reach);
        for phase in 0..phases {
            for tap in 0..2 * reach {
                let x = tap as f64 - (reach - 1) as f64 - phase as f64 / phases as f64;
                let window = if x.abs() > half { 0.0 } else { 0.5 + 0.5 * (PI * x / (half + 1.0)).cos() };
                kernels.push((sinc(x * cutoff) * cutoff * window) as f32);
            }
        }
        Self { step, kernels, phases, reach, history: vec![0.0; reach], position: reach as f64 }
    }

    /// Takes samples and appends what can be computed from them.
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        if (self.step - 1.0).abs() < f64::EPSILON {
            out.extend_from_slice(input);
            return;
        }
        self.history.extend_from_slice(input);
        let taps = 2 * self.reach;
        loop {
            let phase = ((self.position.fract()) * self.phases as f64).round() as usize;
            let (base, phase) = (self.position as usize + phase / self.phases, phase % self.phases);
            // The tap `reach - 1` lies on `base`.
            let Some(samples) = self.history.get(base + 1 - self.reach..=base + self.reach) else { break };
            let kernel = &self.kernels[phase * taps..(phase + 1) * taps];
            out.push(samples.iter().zip(kernel).map(|(sample, weight)| sample * weight).sum());
            self.position += self.step;
        }
        let done = (self.position as usize).saturating_sub(self.reach).min(self.history.len());
        self.history.drain(..done);
        self.position -= done as f64;
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

#[cfg(test)]
mod tests {
    use super::Resampler;

    #[test]
    fn the_usual_rates_become_48000_in_any_pieces() {
        for from in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 47_999, 88_200, 96_000, 192_000] {
            let rate = f64::from(from);
            let input: Vec<f32> =
                (0..from).map(|n| (std::f64::consts::TAU * 440.0 * f64::from(n) / rate).sin() as f32).collect();
            let whole = {
                let mut out = Vec::new();
                Resampler::new(from, 48_000).push(&input, &mut out);
                out
            };
            let mut pieces = Vec::new();
            let mut resampler = Resampler::new(from, 48_000);
            for part in input.chunks(97) {
                resampler.push(part, &mut pieces);
            }
            assert!(whole.len().abs_diff(48_000) < 256, "{from}: {}", whole.len());
            assert!(whole.len().abs_diff(pieces.len()) <= 1, "{from}: {} {}", whole.len(), pieces.len());
            for n in 1_000..40_000 {
                let ideal = (std::f64::consts::TAU * 440.0 * n as f64 / 48_000.0).sin() as f32;
                assert!((whole[n] - ideal).abs() < 0.015, "{from} at {n}: {} {ideal}", whole[n]);
                assert!((whole[n] - pieces[n]).abs() < 0.01, "{from} at {n}: pieces differ");
            }
        }
    }

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
