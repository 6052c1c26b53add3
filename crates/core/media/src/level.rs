//! How loud it is.

/// What silence reads, dBFS: the step of 16-bit samples lies at −96 dB.
pub const SILENCE_DB: f32 = -96.0;

/// Root mean square of the samples, dB relative to full scale (a full-scale square wave reads 0); −96 for silence and
/// for no samples.
#[must_use]
pub fn level_dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DB;
    }
    let energy: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    let mean_square = energy / samples.len() as f64 / (32_768.0 * 32_768.0);
    ((10.0 * mean_square.max(1e-20).log10()) as f32).max(SILENCE_DB)
}

/// A meter as people expect it: rises at once, falls by 20 dB a second.
#[derive(Clone, Copy, Debug)]
pub struct LevelMeter {
    db: f32,
}

impl Default for LevelMeter {
    fn default() -> Self {
        Self { db: SILENCE_DB }
    }
}

impl LevelMeter {
    /// Takes one 20 ms frame and returns what to show, dBFS.
    pub fn push(&mut self, frame: &[i16]) -> f32 {
        self.db = level_dbfs(frame).max(self.db - 0.4); // 20 dB/s at 50 frames a second
        self.db
    }

    /// What to show, dBFS.
    #[must_use]
    pub fn db(&self) -> f32 {
        self.db
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_signals_read_their_level() {
        assert_eq!(level_dbfs(&[0; 960]), SILENCE_DB);
        assert_eq!(level_dbfs(&[]), SILENCE_DB);
        assert!(level_dbfs(&[i16::MIN; 960]).abs() < 0.01);
        assert!((level_dbfs(&[3277; 960]) + 20.0).abs() < 0.01); // a tenth
    }

    #[test]
    fn meter_rises_at_once_and_falls_slowly() {
        let mut meter = LevelMeter::default();
        assert!(meter.push(&[i16::MAX; 960]) > -0.1);
        let after = meter.push(&[0; 960]);
        assert!((-0.6..-0.3).contains(&after));
        for _ in 0..500 {
            meter.push(&[0; 960]);
        }
        assert_eq!(meter.db(), SILENCE_DB);
    }
}
