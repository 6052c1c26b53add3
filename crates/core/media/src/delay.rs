//! How late packets come, and how long to wait for them.

/// Relative delays looked back at: five seconds at 50 packets a second, so that one bad moment is forgotten soon and a
/// clock that drifts by 100 ppm moves the floor by half a millisecond only.
const WINDOW: usize = 256;
/// Shortest wait on a good network: one packet and a half, because sources and sinks hand over in bursts.
const MIN_TARGET_MS: i64 = 30;
/// Longest wait: more than this makes people talk over each other.
pub(crate) const MAX_TARGET_MS: i64 = 200;
/// Wait before anything is known. Near enough to the shortest one that a good network needs no stretching after it.
const START_TARGET_MS: i64 = 50;
/// Packets after which what came before is forgotten: the first half second is late because both computers are busy
/// starting, not because the network is slow, and would otherwise lengthen the wait for five seconds.
const START_PACKETS: u64 = 25;
/// Beyond this, a delay says that the sender's clock or its pause changed, not that the network is slow.
const DISCONTINUITY_MS: i64 = 500;

/// Measures arrival against media time and says when to play.
///
/// *Delay* here is arrival time minus media time: an arbitrary number whose changes count. Its floor is a packet that
/// met no queue. Sound is played at floor + target, where target covers 97 of 100 packets.
#[derive(Clone, Debug)]
pub(crate) struct DelayEstimator {
    window: Vec<i64>,
    at: usize,
    since_update: usize,
    floor: i64,
    target: i64,
    last_timestamp: u32,
    media_samples: i64,
    seen: u64,
}

impl DelayEstimator {
    pub(crate) fn new() -> Self {
        Self {
            window: Vec::with_capacity(WINDOW),
            at: 0,
            since_update: 0,
            floor: 0,
            target: START_TARGET_MS,
            last_timestamp: 0,
            media_samples: 0,
            seen: 0,
        }
    }

    /// Notes a packet's arrival; returns its media time in ms on an endless scale.
    pub(crate) fn arrived(&mut self, rtp_timestamp: u32, now_ms: u64) -> i64 {
        if self.seen > 0 {
            let step = rtp_timestamp.wrapping_sub(self.last_timestamp).cast_signed();
            self.media_samples = self.media_samples.saturating_add(i64::from(step));
        }
        self.last_timestamp = rtp_timestamp;
        let media_ms = self.media_samples.div_euclid(48);
        let delay = i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_sub(media_ms);
        if self.seen == 0 {
            self.floor = delay;
        }
        self.seen = self.seen.saturating_add(1);
        if self.seen == START_PACKETS {
            self.window.clear();
            self.at = 0;
        }
        if delay.abs_diff(self.floor) > DISCONTINUITY_MS.unsigned_abs() {
            self.window.clear();
            self.at = 0;
            self.floor = delay;
        }
        if self.window.len() < WINDOW {
            self.window.push(delay);
        } else {
            self.window[self.at] = delay;
        }
        self.at = (self.at + 1) % WINDOW;
        self.floor = self.floor.min(delay);
        self.since_update += 1;
        let jitter = delay.saturating_sub(self.floor);
        if self.since_update >= 10 || self.window.len() < 10 || jitter > self.target {
            self.update();
        }
        media_ms
    }

    fn update(&mut self) {
        self.since_update = 0;
        let mut sorted = self.window.clone();
        sorted.sort_unstable();
        let (Some(&floor), Some(&high)) = (sorted.first(), sorted.get(sorted.len() * 97 / 100)) else { return };
        self.floor = floor;
        let wanted = high.saturating_sub(floor).saturating_add(10).clamp(MIN_TARGET_MS, MAX_TARGET_MS);
        // The start says too little to wait less than its own value; after it, what is to change changes while the
        // listener is not yet used to anything.
        self.target = if self.seen < 2 * START_PACKETS { wanted.max(START_TARGET_MS) } else { wanted };
    }

    /// Playing time minus media time that is right now, ms.
    pub(crate) fn play_offset_ms(&self) -> i64 {
        self.floor.saturating_add(self.target)
    }

    /// Wait that covers 97 of 100 packets, ms.
    pub(crate) fn target_ms(&self) -> i64 {
        self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(estimator: &mut DelayEstimator, from: u64, count: u64, jitter: impl Fn(u64) -> u64) {
        for i in from..from + count {
            estimator.arrived((i as u32).wrapping_mul(960), 1000 + i * 20 + jitter(i));
        }
    }

    #[test]
    fn a_good_network_needs_the_shortest_wait() {
        let mut estimator = DelayEstimator::new();
        assert_eq!(estimator.target_ms(), START_TARGET_MS);
        run(&mut estimator, 0, 300, |_| 0);
        assert_eq!(estimator.target_ms(), MIN_TARGET_MS);
    }

    #[test]
    fn jitter_raises_the_wait_and_calm_lowers_it_again() {
        let mut estimator = DelayEstimator::new();
        run(&mut estimator, 0, 300, |i| i * 7919 % 80);
        assert!((80..=90).contains(&estimator.target_ms()), "{}", estimator.target_ms());
        run(&mut estimator, 300, 300, |_| 0);
        assert_eq!(estimator.target_ms(), MIN_TARGET_MS);
    }

    #[test]
    fn timestamp_wrap_is_no_jump() {
        let mut estimator = DelayEstimator::new();
        let start = u32::MAX - 960 * 100;
        for i in 0..300_u32 {
            estimator.arrived(start.wrapping_add(i * 960), u64::from(i) * 20);
        }
        assert_eq!(estimator.target_ms(), MIN_TARGET_MS);
        assert_eq!(estimator.floor, 0);
    }

    #[test]
    fn a_sender_that_paused_starts_a_new_scale() {
        let mut estimator = DelayEstimator::new();
        run(&mut estimator, 0, 300, |_| 0);
        run(&mut estimator, 300, 60, |_| 3_600_000);
        assert_eq!(estimator.floor, 1000 + 3_600_000);
        assert_eq!(estimator.target_ms(), MIN_TARGET_MS);
    }
}
