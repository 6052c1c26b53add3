//! A voice for tests: speech-like sound of our own making, the same for the same seed on every machine.
//!
//! A pulse train with a wandering pitch through three resonators (vowels), noise through one (fricatives), stops and
//! pauses, in the rhythm of speech. It is no speech, but it has what speech codecs, jitter buffers and intelligibility
//! measures go by.

use std::path::Path;
use std::process::Command;

use crate::LabError;
use crate::wav::{self, Wav, resample};
use crate::wire::Random;

/// Rate of everything here, Hz.
pub const RATE_HZ: u32 = 48_000;

/// Formants of some vowels, Hz (after Peterson and Barney, 1952, rounded).
const VOWELS: [[f64; 3]; 8] = [
    [270.0, 2290.0, 3010.0],
    [390.0, 1990.0, 2550.0],
    [530.0, 1840.0, 2480.0],
    [660.0, 1720.0, 2410.0],
    [730.0, 1090.0, 2440.0],
    [570.0, 840.0, 2410.0],
    [440.0, 1020.0, 2240.0],
    [300.0, 870.0, 2240.0],
];

/// A two-pole resonator.
#[derive(Default)]
struct Resonator {
    past: [f64; 2],
}

impl Resonator {
    fn run(&mut self, input: f64, centre_hz: f64, width_hz: f64) -> f64 {
        let step = std::f64::consts::PI / f64::from(RATE_HZ);
        let radius = (-step * width_hz).exp();
        let a = 2.0 * radius * (2.0 * step * centre_hz).cos();
        let b = -radius * radius;
        let output = (1.0 - a - b) * input + a * self.past[0] + b * self.past[1];
        self.past = [output, self.past[0]];
        output
    }
}

/// Speaks for so many seconds at 48 kHz.
#[must_use]
pub fn speak(seed: u64, seconds: f64) -> Vec<f32> {
    let wanted = (seconds * f64::from(RATE_HZ)) as usize;
    let mut random = Random::new(seed);
    let mut sound = Vec::with_capacity(wanted + 48_000);
    let mut resonators: [Resonator; 4] = Default::default();
    let (mut phase, mut formants, mut pitch) = (0.0, VOWELS[0], 120.0);
    let mut syllables_left = 4;
    while sound.len() < wanted {
        // A fricative or a stop, a vowel; now and then a pause.
        let fricative = random.unit() < 0.6;
        let consonant = (f64::from(RATE_HZ) * (0.04 + 0.05 * random.unit())) as usize;
        let hiss_hz = 2000.0 + 3000.0 * random.unit();
        for n in 0..consonant {
            let shape = (std::f64::consts::PI * n as f64 / consonant as f64).sin();
            let noise = if fricative { random.unit() - 0.5 } else { 0.0 };
            sound.push((resonators[3].run(noise * shape, hiss_hz, 900.0) * 0.9) as f32);
        }
        let vowel = (f64::from(RATE_HZ) * (0.1 + 0.12 * random.unit())) as usize;
        let target = VOWELS[(random.bits() % 8) as usize];
        let target_pitch = 95.0 + 70.0 * random.unit();
        for n in 0..vowel {
            for (formant, target) in formants.iter_mut().zip(target) {
                *formant += (target - *formant) * 0.000_8;
            }
            pitch += (target_pitch - pitch) * 0.000_2;
            phase += pitch / f64::from(RATE_HZ);
            // The glottis closes once a period: a falling ramp, with a little breath.
            phase = phase.fract();
            let source = (1.0 - 2.0 * phase) + 0.05 * (random.unit() - 0.5);
            let shape = (std::f64::consts::PI * n as f64 / vowel as f64).sin().powf(0.6);
            let voiced: f64 = (0..3)
                .map(|k| resonators[k].run(source * shape, formants[k], 60.0 + 40.0 * k as f64) / (1.0 + k as f64))
                .sum();
            sound.push((voiced * 0.5) as f32);
        }
        syllables_left -= 1;
        if syllables_left == 0 {
            syllables_left = 3 + random.bits() % 6;
            let pause = (f64::from(RATE_HZ) * (0.15 + 0.35 * random.unit())) as usize;
            sound.resize(sound.len() + pause, 0.0);
        }
    }
    sound.truncate(wanted);
    let peak = sound.iter().fold(1e-9f32, |peak, sample| peak.max(sample.abs()));
    sound.iter().map(|sample| sample * 0.7 / peak).collect()
}

/// Writes a file that a microphone can be fed from: `espeak-ng` reads a text where it is installed, else [`speak`].
/// Gives the sound at 48 kHz and says who spoke.
///
/// # Errors
/// [`LabError::Io`] if the file can't be written.
pub fn write_speech(path: &Path, seed: u64, text: &str, seconds: f64) -> Result<(Wav, &'static str), LabError> {
    let spoken = Command::new("espeak-ng").args(["-v", "en", "-s", "150", "--stdout", text]).output();
    let spoken = spoken.ok().and_then(|output| wav::parse(&output.stdout).ok()).map(|spoken| {
        let samples = resample(&spoken.samples, spoken.rate_hz, RATE_HZ);
        samples.into_iter().cycle().take((seconds * f64::from(RATE_HZ)) as usize).collect::<Vec<_>>()
    });
    let (samples, who) = match spoken {
        Some(samples) if !samples.is_empty() => (samples, "espeak-ng"),
        _ => (speak(seed, seconds), "the built-in voice"),
    };
    wav::write(path, &Wav { rate_hz: RATE_HZ, samples })?;
    // What the file holds, rounded to 16 bits like the sender will read it.
    Ok((wav::read(path)?, who))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_says_the_same_and_another_one_something_else() {
        let (a, b, c) = (speak(1, 3.0), speak(1, 3.0), speak(2, 3.0));
        assert_eq!(a, b);
        assert_eq!(a.len(), 144_000);
        assert!(a.iter().all(|sample| sample.abs() <= 0.71));
        assert!(crate::quality::best_correlation(&a, &c, 0.5).value.abs() < 0.6);
        let loud = a.iter().filter(|sample| sample.abs() > 0.05).count();
        assert!(loud > a.len() / 20, "{loud}");
    }
}
