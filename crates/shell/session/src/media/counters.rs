//! Figures of the running session.

use sotto_media::SizeCheck;
use sotto_session_api::Stats;

use crate::process::mono_ms;

/// A gap between two pictures that a person notices.
const FREEZE_MS: u64 = 200;

/// Written by the media threads, read by `stats`.
#[derive(Default)]
pub(crate) struct Counters {
    pub stats: Stats,
    pub encode_us: u64,
    pub decode_us: u64,
    pub out_rate: Rate,
    pub in_rate: Rate,
    pub sizes: SizeCheck,
    heard_ms: Option<u64>,
    seen_ms: Option<u64>,
}

/// Frames and bytes of the last full second.
#[derive(Default)]
pub(crate) struct Rate {
    since_ms: u64,
    frames: u32,
    bytes: u64,
    fps: f32,
    kbps: u32,
}

impl Rate {
    pub(crate) fn add(&mut self, bytes: usize) {
        self.roll();
        self.frames += 1;
        self.bytes += bytes as u64;
    }

    pub(crate) fn add_bytes(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    fn roll(&mut self) {
        let now = mono_ms();
        let elapsed = now.saturating_sub(self.since_ms);
        if elapsed < 1000 {
            return;
        }
        let seconds = elapsed as f32 / 1000.0;
        // A pause of several seconds is not a slow second.
        let fresh = elapsed < 3000;
        self.fps = if fresh { self.frames as f32 / seconds } else { 0.0 };
        self.kbps = if fresh { (self.bytes as f32 * 8.0 / 1000.0 / seconds) as u32 } else { 0 };
        (self.since_ms, self.frames, self.bytes) = (now, 0, 0);
    }
}

impl Counters {
    pub(crate) fn in_rate_bytes(&mut self, bytes: u64) {
        self.in_rate.add_bytes(bytes);
    }

    /// A packet of sound was opened.
    pub(crate) fn sound_in(&mut self, size: u64, now_ms: u64) {
        let sound = &mut self.stats.audio_in;
        sound.packets += 1;
        sound.bytes += size;
        let gap_ms = self.heard_ms.replace(now_ms).map_or(0, |heard_ms| now_ms.saturating_sub(heard_ms));
        sound.longest_gap_ms = sound.longest_gap_ms.max(gap_ms);
    }

    /// A picture was shown; whether it was the first.
    pub(crate) fn picture_in(&mut self, now_ms: u64) -> bool {
        let frozen_ms = self.frozen_ms(now_ms);
        let video = &mut self.stats.video_in;
        video.frames += 1;
        video.freezes += u64::from(frozen_ms > 0);
        video.freeze_ms += frozen_ms;
        self.in_rate.add(0);
        self.seen_ms.replace(now_ms).is_none()
    }

    /// How long the picture stands already, if that is long enough to be noticed.
    fn frozen_ms(&self, now_ms: u64) -> u64 {
        let gap_ms = self.seen_ms.map_or(0, |seen_ms| now_ms.saturating_sub(seen_ms));
        if gap_ms > FREEZE_MS { gap_ms } else { 0 }
    }

    pub(crate) fn stats(&mut self) -> Stats {
        self.out_rate.roll();
        self.in_rate.roll();
        let mut stats = self.stats.clone();
        self.stats.audio_in.longest_gap_ms = 0;
        // Also while it lasts, so that each second has its own share.
        stats.video_in.freeze_ms += self.frozen_ms(mono_ms());
        stats.sizes_constant = self.sizes.verdict();
        let mean = |us: u64, frames: u64| if frames == 0 { 0.0 } else { us as f32 / 1000.0 / frames as f32 };
        stats.video_out.encode_ms = mean(self.encode_us, stats.video_out.frames);
        stats.video_in.decode_ms = mean(self.decode_us, stats.video_in.frames);
        (stats.video_out.fps, stats.video_out.kbps) = (self.out_rate.fps, self.out_rate.kbps);
        (stats.video_in.fps, stats.video_in.kbps) = (self.in_rate.fps, self.in_rate.kbps);
        stats
    }
}
