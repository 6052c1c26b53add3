//! A voice-like sound with a click each second, made here: nothing to license.

use std::f32::consts::TAU;

use sotto_media::AUDIO_RATE;

/// Four seconds that can be looped: syllables of a few vowels, and a click at each full second.
pub(crate) fn samples() -> Vec<i16> {
    const VOWELS: [[f32; 3]; 4] =
        [[730.0, 1090.0, 2440.0], [270.0, 2290.0, 3010.0], [570.0, 840.0, 2410.0], [530.0, 1840.0, 2480.0]];
    let rate = AUDIO_RATE as f32;
    (0..4 * AUDIO_RATE as usize)
        .map(|n| {
            let t = n as f32 / rate;
            let syllable = (t * 4.0) as usize;
            let inside = (t * 4.0).fract();
            let envelope = (inside * TAU / 2.0).sin().max(0.0).powf(0.7);
            let formants = VOWELS[syllable % VOWELS.len()];
            let pitch = 118.0 + 14.0 * ((syllable * 7) % 5) as f32;
            let voice: f32 = (1..=28)
                .map(|harmonic| {
                    let frequency = pitch * harmonic as f32;
                    let gain: f32 =
                        formants.iter().map(|formant| 1.0 / (1.0 + ((frequency - formant) / 110.0).powi(2))).sum();
                    gain * (TAU * frequency * t).sin()
                })
                .sum();
            let click = if n % (AUDIO_RATE as usize) < 24 { 0.5 } else { 0.0 };
            ((voice * envelope * 0.11 + click).clamp(-0.95, 0.95) * 32767.0) as i16
        })
        .collect()
}
