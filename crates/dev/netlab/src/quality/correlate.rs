//! Normalised cross-correlation over all delays.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

/// Where two sounds fit best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Correlation there, −1–1.
    pub value: f64,
    /// `other[n + lag]` belongs to `reference[n]`; samples.
    pub lag: i64,
}

/// Finds the delay with the largest absolute correlation. Each delay is judged by the part that overlaps, which must be
/// at least the share `overlap` (0–1) of the shorter sound. Silence correlates with nothing.
#[must_use]
pub fn best_correlation(reference: &[f32], other: &[f32], overlap: f64) -> Alignment {
    let none = Alignment { value: 0.0, lag: 0 };
    let shortest = reference.len().min(other.len());
    if shortest == 0 {
        return none;
    }
    let size = (reference.len() + other.len()).next_power_of_two();
    let mut planner = FftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    // Both sounds in one transform: two real signals are the real and the imaginary part of a complex one.
    let mut both: Vec<Complex<f64>> = (0..size)
        .map(|n| {
            let sample = |sound: &[f32]| sound.get(n).copied().map_or(0.0, f64::from);
            Complex::new(sample(reference), sample(other))
        })
        .collect();
    forward.process(&mut both);
    let mut product: Vec<Complex<f64>> = (0..size)
        .map(|k| {
            let (z, mirrored) = (both[k], both[(size - k) % size].conj());
            let (a, b) = ((z + mirrored) * 0.5, (z - mirrored) * Complex::new(0.0, -0.5));
            a.conj() * b
        })
        .collect();
    drop(both);
    inverse.process(&mut product);
    let (energy_a, energy_b) = (running_energy(reference), running_energy(other));
    let (length_a, length_b) = (reference.len() as i64, other.len() as i64);
    let least = (shortest as f64 * overlap).ceil() as i64;
    let mut best = none;
    for lag in -(length_a - 1)..length_b {
        // Overlap in the reference: n and n + lag must both exist.
        let (from, to) = ((-lag).max(0), length_a.min(length_b - lag));
        if to - from < least.max(1) {
            continue;
        }
        let energy = |running: &[f64], from: i64, to: i64| running[to as usize] - running[from as usize];
        let (a, b) = (energy(&energy_a, from, to), energy(&energy_b, from + lag, to + lag));
        // A part that is all but silent would make any correlation look large.
        if a < energy_a[reference.len()] * 1e-3 || b < energy_b[other.len()] * 1e-3 || a * b <= 0.0 {
            continue;
        }
        let sum = product[lag.rem_euclid(size as i64) as usize].re / size as f64;
        let value = sum / (a * b).sqrt();
        if value.abs() > best.value.abs() {
            best = Alignment { value, lag };
        }
    }
    best
}

fn running_energy(sound: &[f32]) -> Vec<f64> {
    let mut total = 0.0;
    std::iter::once(0.0)
        .chain(sound.iter().map(|&sample| {
            total += f64::from(sample) * f64::from(sample);
            total
        }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Random;

    fn noise(seed: u64, length: usize) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..length).map(|_| random.unit() as f32 - 0.5).collect()
    }

    #[test]
    fn a_delayed_quieter_copy_is_found_where_it_is() {
        let sound = noise(1, 20_000);
        for lag in [-3000i64, -1, 0, 1, 4321] {
            let mut other = vec![0.0; 25_000];
            for (n, sample) in sound.iter().enumerate() {
                if let Some(place) = usize::try_from(n as i64 + lag).ok().and_then(|at| other.get_mut(at)) {
                    *place = sample * 0.3;
                }
            }
            let found = best_correlation(&sound, &other, 0.5);
            assert_eq!(found.lag, lag);
            assert!(found.value > 0.999, "{}", found.value);
        }
    }

    #[test]
    fn an_inverted_copy_correlates_by_minus_one_and_strangers_hardly() {
        let sound = noise(2, 50_000);
        let inverted: Vec<f32> = sound.iter().map(|sample| -sample).collect();
        assert!(best_correlation(&sound, &inverted, 0.5).value < -0.999);
        assert!(best_correlation(&sound, &noise(3, 50_000), 0.5).value.abs() < 0.04);
        assert!(best_correlation(&sound, &vec![0.0; 50_000], 0.5).value.abs() < 1e-9);
        assert!(best_correlation(&[], &sound, 0.5).value.abs() < 1e-9);
    }
}
