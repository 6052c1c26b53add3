//! Short-time objective intelligibility: C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen, "An Algorithm for
//! Intelligibility Prediction of Time-Frequency Weighted Noisy Speech", IEEE Trans. Audio, Speech, Language Process.
//! 19(7), 2011. Section numbers below are of that paper.

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::wav::resample;

/// §II: everything happens at 10 kHz.
const RATE_HZ: u32 = 10_000;
/// Frame of 25.6 ms, half overlapping.
const FRAME: usize = 256;
const HOP: usize = FRAME / 2;
/// Frames are zero-padded to this.
const TRANSFORM: usize = 512;
/// Third-octave bands, the lowest centred at 150 Hz.
const BANDS: usize = 15;
const LOWEST_HZ: f64 = 150.0;
/// Frames of one short-time segment: 384 ms.
const SEGMENT: usize = 30;
/// Frames this far below the loudest one are silence, dB.
const DYNAMIC_RANGE_DB: f64 = 40.0;
/// Lower bound of the signal-to-distortion ratio, dB (eq. 3).
const BETA_DB: f64 = -15.0;

/// Intelligibility of `processed` against `clean`, both aligned and at `rate_hz`: about 0–1. `None` if less than
/// half a second of speech is left without silence.
#[must_use]
pub fn stoi(clean: &[f32], processed: &[f32], rate_hz: u32) -> Option<f64> {
    let length = clean.len().min(processed.len());
    let at_rate = |sound: &[f32]| -> Vec<f64> {
        resample(&sound[..length], rate_hz, RATE_HZ).into_iter().map(f64::from).collect()
    };
    let window: Vec<f64> =
        (1..=FRAME).map(|n| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / (FRAME + 1) as f64).cos()).collect();
    let (clean, processed) = without_silence(&at_rate(clean), &at_rate(processed), &window)?;
    let transform = FftPlanner::new().plan_fft_forward(TRANSFORM);
    let edges = band_edges();
    let x = bands(&clean, &window, &*transform, &edges);
    let y = bands(&processed, &window, &*transform, &edges);
    if x.len() < SEGMENT {
        return None;
    }
    let segments = x.len() - SEGMENT + 1;
    let total: f64 = (0..segments)
        .flat_map(|start| (0..BANDS).map(move |band| (start, band)))
        .map(|(start, band)| {
            let cut = |spectrum: &[[f64; BANDS]]| -> Vec<f64> {
                spectrum[start..start + SEGMENT].iter().map(|frame| frame[band]).collect()
            };
            segment_correlation(&cut(&x), cut(&y))
        })
        .sum();
    Some(total / (segments * BANDS) as f64)
}

/// Frames whose clean energy is within the dynamic range, put together again by overlap and add.
fn without_silence(clean: &[f64], processed: &[f64], window: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
    let starts: Vec<usize> = (0..clean.len().checked_sub(FRAME)?).step_by(HOP).collect();
    let level = |start: usize| {
        let energy: f64 = clean[start..start + FRAME].iter().zip(window).map(|(s, w)| (s * w) * (s * w)).sum();
        20.0 * (energy.sqrt() + f64::EPSILON).log10()
    };
    let levels: Vec<f64> = starts.iter().map(|&start| level(start)).collect();
    let loudest = levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let kept: Vec<usize> = starts
        .iter()
        .zip(&levels)
        .filter(|&(_, &level)| level > loudest - DYNAMIC_RANGE_DB)
        .map(|(&start, _)| start)
        .collect();
    let join = |sound: &[f64]| {
        let mut out = vec![0.0; kept.len().checked_sub(1)? * HOP + FRAME];
        for (place, &start) in kept.iter().enumerate() {
            for (n, w) in window.iter().enumerate() {
                out[place * HOP + n] += sound[start + n] * w;
            }
        }
        Some(out)
    };
    Some((join(clean)?, join(processed)?))
}

/// First and last-but-one bin of each third-octave band (eq. 1): edges go to the nearest bin.
fn band_edges() -> [(usize, usize); BANDS] {
    let bin = |hertz: f64| (hertz * TRANSFORM as f64 / f64::from(RATE_HZ)).round() as usize;
    std::array::from_fn(|band| {
        let centre = 2.0 * band as f64;
        (
            bin(LOWEST_HZ * 2f64.powf((centre - 1.0) / 6.0)),
            bin(LOWEST_HZ * 2f64.powf((centre + 1.0) / 6.0)).min(TRANSFORM / 2),
        )
    })
}

fn bands(
    sound: &[f64],
    window: &[f64],
    transform: &dyn Fft<f64>,
    edges: &[(usize, usize); BANDS],
) -> Vec<[f64; BANDS]> {
    (0..sound.len() - FRAME)
        .step_by(HOP)
        .map(|start| {
            let mut frame = vec![Complex::new(0.0, 0.0); TRANSFORM];
            for (n, place) in frame.iter_mut().take(FRAME).enumerate() {
                place.re = sound[start + n] * window[n];
            }
            transform.process(&mut frame);
            edges.map(|(low, high)| frame[low..high].iter().map(Complex::norm_sqr).sum::<f64>().sqrt())
        })
        .collect()
}

/// Eq. 2–5: the processed segment gets the energy of the clean one and is clipped; then both are correlated.
fn segment_correlation(x: &[f64], mut y: Vec<f64>) -> f64 {
    let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let scale = norm(x) / (norm(&y) + f64::EPSILON);
    let bound = 1.0 + 10f64.powf(-BETA_DB / 20.0);
    for (y, x) in y.iter_mut().zip(x) {
        *y = (*y * scale).min(x * bound);
    }
    let centred = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| value - mean).collect()
    };
    let (x, y) = (centred(x), centred(&y));
    x.iter().zip(&y).map(|(x, y)| x * y).sum::<f64>() / ((norm(&x) + f64::EPSILON) * (norm(&y) + f64::EPSILON))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Harmonics of a moving pitch under syllables, with a pause each second; made alike in Python for the reference.
    fn voice(length: usize) -> Vec<f32> {
        (0..length)
            .map(|n| {
                let t = n as f64 / 10_000.0;
                let pitch = 120.0 * t + 6.0 * (std::f64::consts::TAU * 0.7 * t).sin();
                let syllables = (0.5 - 0.5 * (std::f64::consts::TAU * 4.0 * t).cos()).powi(2);
                let speaking = if t.fract() < 0.8 { 1.0 } else { 0.0 };
                let tone: f64 = (1..=30)
                    .map(|k| {
                        let k = f64::from(k);
                        (std::f64::consts::TAU * k * pitch).sin()
                            / (1.0 + ((k - 5.0 - 3.0 * (3.0 * t).sin()) / 3.0).powi(2))
                    })
                    .sum();
                (0.1 * tone * syllables * speaking) as f32
            })
            .collect()
    }

    /// A linear congruential generator (Numerical Recipes), −1–1.
    fn noise(length: usize) -> Vec<f32> {
        let mut state = 12_345u32;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
            })
            .collect()
    }

    fn noisy(amount: f32) -> (Vec<f32>, Vec<f32>) {
        let clean = voice(40_000);
        let processed = clean.iter().zip(noise(40_000)).map(|(voice, noise)| voice + amount * noise).collect();
        (clean, processed)
    }

    #[test]
    fn agrees_with_the_reference_implementation() {
        // pystoi 0.4.1 (Manuel Pariente), same signals, 10 kHz.
        for (amount, expected) in REFERENCE {
            let (clean, processed) = noisy(amount);
            let score = stoi(&clean, &processed, 10_000).unwrap();
            assert!((score - expected).abs() < 1e-4, "noise {amount}: {score} instead of {expected}");
        }
    }

    #[test]
    fn agrees_after_resampling() {
        let (clean, processed) = noisy(0.1);
        let up = |sound: &[f32]| resample(sound, 10_000, 48_000);
        let score = stoi(&up(&clean), &up(&processed), 48_000).unwrap();
        assert!((score - REFERENCE[1].1).abs() < 0.01, "{score}");
    }

    #[test]
    fn silence_and_scraps_have_no_score() {
        assert_eq!(stoi(&[], &[], 10_000), None);
        assert_eq!(stoi(&voice(2000), &voice(2000), 10_000), None);
        assert_eq!(stoi(&voice(256), &voice(256), 10_000), None);
    }

    const REFERENCE: [(f32, f64); 4] = [(0.0, 1.0), (0.1, 0.814_518), (0.5, 0.555_739), (2.0, 0.436_178)];
}
