//! Compares speech that was sent with what was heard, in windows of ten seconds.

use super::{best_correlation, stoi};
use crate::wav::Wav;

/// What one window of the received sound was worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Where the window begins in the received sound, s.
    pub at_s: f64,
    /// Delay against the sent sound, s. The sent sound is looped, so this is modulo its length.
    pub delay_s: f64,
    /// Correlation after alignment, −1–1.
    pub correlation: f64,
    /// Intelligibility (STOI) after alignment.
    pub stoi: f64,
}

/// Cuts `received` into windows of `window_s`, one every `step_s`, and aligns each with `sent`, which the sender loops.
/// Windows in which less than half a second is speech are left out.
///
/// # Panics
/// If the two rates differ: resample first.
#[must_use]
pub fn compare_speech(sent: &Wav, received: &Wav, window_s: f64, step_s: f64) -> Vec<Heard> {
    assert_eq!(sent.rate_hz, received.rate_hz, "sounds of one rate are compared");
    let rate = f64::from(sent.rate_hz);
    let (window, step) = ((window_s * rate) as usize, (step_s * rate) as usize);
    if sent.samples.is_empty() || window == 0 || step == 0 {
        return Vec::new();
    }
    // A loop and a window more, so that each window fits somewhere as a whole.
    let looped: Vec<f32> = sent.samples.iter().copied().cycle().take(sent.samples.len() + window).collect();
    let mut heard = Vec::new();
    let mut start = 0;
    while let Some(part) = received.samples.get(start..start + window) {
        let alignment = best_correlation(part, &looped, 1.0);
        let matching = usize::try_from(alignment.lag).ok().and_then(|lag| looped.get(lag..lag + window));
        if let Some(score) = matching.and_then(|clean| stoi(clean, part, sent.rate_hz)) {
            let at_s = start as f64 / rate;
            heard.push(Heard {
                at_s,
                delay_s: (at_s - alignment.lag as f64 / rate).rem_euclid(sent.samples.len() as f64 / rate),
                correlation: alignment.value,
                stoi: score,
            });
        }
        start += step;
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice;
    use crate::wire::Random;

    #[test]
    fn delayed_looped_speech_is_aligned_and_noise_costs_intelligibility() {
        let sent = Wav { rate_hz: 16_000, samples: crate::wav::resample(&voice::speak(4, 6.0), 48_000, 16_000) };
        let mut received = vec![0.0; 3200];
        received.extend(sent.samples.iter().cycle().take(16_000 * 14).map(|sample| sample * 0.5));
        let clean = Wav { rate_hz: 16_000, samples: received };
        let heard = compare_speech(&sent, &clean, 5.0, 4.0);
        assert_eq!(heard.len(), 3);
        for window in &heard[1..] {
            assert!(
                (window.delay_s - 0.2).abs() < 1e-3 && window.correlation > 0.999 && window.stoi > 0.999,
                "{window:?}"
            );
        }
        let mut random = Random::new(9);
        let noisy =
            Wav { samples: clean.samples.iter().map(|s| s + 0.3 * (random.unit() as f32 - 0.5)).collect(), ..clean };
        for window in compare_speech(&sent, &noisy, 5.0, 4.0) {
            assert!(window.stoi < 0.95, "{window:?}");
        }
    }
}
