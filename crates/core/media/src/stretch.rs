//! Shortens and lengthens sound by one period without changing its pitch (waveform-similarity overlap-add).

/// Shortest period searched, samples: 2.5 ms, 400 Hz.
const MIN_LAG: usize = 120;
/// Longest period searched, samples: 15 ms, 67 Hz.
pub(crate) const MAX_LAG: usize = 720;
/// Samples compared and cross-faded: 10 ms.
const OVERLAP: usize = 480;
/// Similarity from which a splice is not heard.
const SIMILAR: f32 = 0.8;
/// Mean square below which (−55 dBFS) any splice will do.
const QUIET: f32 = 32_768.0 * 32_768.0 * 3.2e-6;

/// Cuts one period out of the front of `sound`. Returns the samples removed: 0 when no splice would go unheard, unless
/// `force` is set. Searches as far as the sound
/// reaches; with less than 12.5 ms it gives up.
pub(crate) fn shorten(sound: &mut Vec<i16>, force: bool) -> usize {
    let Some(lag) = best_lag(sound, force) else { return 0 };
    // sound[0..] fades into sound[lag..]
    for i in 0..OVERLAP {
        sound[i + lag] = cross_fade(sound[i], sound[i + lag], i);
    }
    sound.drain(..lag);
    lag
}

/// Repeats one period at the front of `sound`. Returns the samples added; otherwise as [`shorten`].
pub(crate) fn lengthen(sound: &mut Vec<i16>, force: bool) -> usize {
    let Some(lag) = best_lag(sound, force) else { return 0 };
    // One period as it is, then sound[lag..] fades back into sound[0..], and all of it follows again.
    let mut longer = Vec::with_capacity(sound.len() + lag);
    longer.extend_from_slice(&sound[..lag]);
    for i in 0..OVERLAP {
        longer.push(cross_fade(sound[i + lag], sound[i], i));
    }
    longer.extend_from_slice(&sound[OVERLAP..]);
    *sound = longer;
    lag
}

fn cross_fade(from: i16, to: i16, i: usize) -> i16 {
    let weight = (i as i32 * 2 + 1) * 256 / (2 * OVERLAP as i32);
    ((i32::from(from) * (256 - weight) + i32::from(to) * weight) / 256) as i16
}

/// The lag at which the sound repeats itself best.
fn best_lag(sound: &[i16], force: bool) -> Option<usize> {
    let max_lag = sound.len().checked_sub(OVERLAP)?.min(MAX_LAG);
    if max_lag < MIN_LAG {
        return None;
    }
    let energy = |from: usize, step: usize| -> f32 {
        sound[from..from + OVERLAP].iter().step_by(step).map(|&s| f32::from(s) * f32::from(s)).sum()
    };
    let quiet = energy(0, 1) / (OVERLAP as f32) < QUIET && energy(max_lag, 1) / (OVERLAP as f32) < QUIET;
    let similarity = |lag: usize, step: usize| -> f32 {
        let dot: f32 = sound[..OVERLAP]
            .iter()
            .zip(&sound[lag..lag + OVERLAP])
            .step_by(step)
            .map(|(&a, &b)| f32::from(a) * f32::from(b))
            .sum();
        dot / (energy(0, step) * energy(lag, step)).sqrt().max(1.0)
    };
    let best = |lags: &mut dyn Iterator<Item = usize>, step: usize| {
        lags.map(|lag| (lag, similarity(lag, step))).max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (coarse, _) = best(&mut (MIN_LAG..=max_lag).step_by(4), 4)?;
    let (lag, likeness) = best(&mut (coarse.saturating_sub(4).max(MIN_LAG)..=(coarse + 4).min(max_lag)), 1)?;
    if quiet {
        return Some(max_lag);
    }
    (likeness >= SIMILAR || force).then_some(lag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32, samples: usize) -> Vec<i16> {
        (0..samples).map(|i| ((i as f32 * hertz * core::f32::consts::TAU / 48_000.0).sin() * 10_000.0) as i16).collect()
    }

    fn largest_step(sound: &[i16]) -> i32 {
        sound.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_has_no_click() {
        for hertz in [110.0, 200.0, 333.0] {
            let original = tone(hertz, 1920);
            let mut short = original.clone();
            let removed = shorten(&mut short, false);
            assert!(removed >= MIN_LAG && short.len() == 1920 - removed);
            let mut long = original.clone();
            let added = lengthen(&mut long, false);
            assert!(added >= MIN_LAG && long.len() == 1920 + added);
            for changed in [&short, &long] {
                assert!(largest_step(changed) <= largest_step(&original) + 300, "{hertz}");
            }
            // A whole number of periods.
            let periods = removed as f32 * hertz / 48_000.0;
            assert!((periods - periods.round()).abs() < 0.05, "{hertz}: {periods}");
        }
    }

    #[test]
    fn noise_is_left_alone_unless_forced_and_silence_goes_fast() {
        let mut state = 1_u32;
        let mut noise: Vec<i16> = (0..1920)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 17) as i16
            })
            .collect();
        assert_eq!(shorten(&mut noise.clone(), false), 0);
        assert_eq!(lengthen(&mut noise.clone(), false), 0);
        assert!(shorten(&mut noise, true) > 0);
        assert_eq!(shorten(&mut vec![0; 1920], false), MAX_LAG);
        assert_eq!(lengthen(&mut vec![0; 1920], false), MAX_LAG);
        assert_eq!(shorten(&mut vec![0; OVERLAP + MIN_LAG - 1], true), 0);
    }
}
