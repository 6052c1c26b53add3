//! Reorders sound packets and says what to play every 20 ms.

use std::collections::BTreeMap;

use crate::delay::{DelayEstimator, MAX_TARGET_MS};

/// Largest Opus packet of one frame (RFC 6716 §3.4).
const MAX_OPUS_BYTES: usize = 1275;
/// Packets held: 1.3 s. A burst after a longer stall is cut down to the target anyway.
const MAX_PACKETS: usize = 64;
/// A counter this far ahead (10 s) is a new start, not a gap to be concealed.
const MAX_GAP: u64 = 500;
/// Frames made up in a row before it becomes silence: concealment fades out within 200 ms.
const MAX_CONCEALED_RUN: u32 = 10;
/// Pulls whose earliest one counts as "when we play": sinks ask in bursts of up to half a second.
const PULL_WINDOW: usize = 25;
/// Pulls after a start in which the scale is still being found: the first packets come while everything else starts
/// too. Until then the delay is set right at once, at the price of a splice or two in the first second.
const SETTLING_PULLS: u32 = 50;
/// Pulls that are enough to judge by while settling.
const SETTLING_WINDOW: usize = 8;
/// Playing this much too late is made good by skipping, not by stretching.
const SKIP_BEYOND_MS: i64 = 200;
/// Too late by more than this: play faster. Above the noise of a sink that asks every 20 ms.
const FASTER_BEYOND_MS: i64 = 25;
/// Too early by more than this: play slower.
const SLOWER_BEYOND_MS: i64 = 10;

const FRAME_MS: i64 = 20;

/// What to play for the next 20 ms.
#[derive(Clone, PartialEq, Eq)]
pub enum AudioPlay {
    /// Decode this packet.
    Packet(Vec<u8>),
    /// The packet is lost, but its successor is here: recover from the redundancy inside it. The successor itself
    /// comes with the next pull.
    Recover(Vec<u8>),
    /// Make up a frame.
    Conceal,
    /// Nothing has come yet, or nothing has come for long.
    Silence,
}

impl core::fmt::Debug for AudioPlay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Packet(bytes) => write!(f, "Packet({} bytes)", bytes.len()),
            Self::Recover(bytes) => write!(f, "Recover({} bytes)", bytes.len()),
            Self::Conceal => f.write_str("Conceal"),
            Self::Silence => f.write_str("Silence"),
        }
    }
}

/// How the player should treat time, so that the delay comes closer to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As it is.
    Keep,
    /// Shorten the sound a little.
    Faster,
    /// Lengthen the sound a little.
    Slower,
}

/// What became of the packets so far. One packet is 20 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitterStats {
    /// Packets taken.
    pub packets: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that no sender of ours writes.
    pub malformed: u64,
    /// Packets that were not there at their turn.
    pub lost: u64,
    /// Of these, recovered from in-band redundancy.
    pub recovered: u64,
    /// Frames that were made up, for lost packets and while waiting for late ones.
    pub concealed: u64,
    /// Packets skipped to lower the delay after a stall.
    pub skipped: u64,
    /// Present wait for late packets, ms.
    pub target_ms: u32,
    /// Present delay of the buffer: from the arrival of an undelayed packet to its turn, ms.
    pub delay_ms: u32,
}

/// Adaptive jitter buffer for packets of 20 ms.
///
/// The wait follows the arrival jitter: 97 of 100 packets of the last five seconds, between 30 and 200 ms. Packets are
/// ordered by the authenticated counter; memory is bounded by 64 packets. What it can't do, because it doesn't see
/// samples, is to stretch time: [`crate::AudioPlayout`] does that after [`Self::pace`].
pub struct AudioJitterBuffer {
    packets: BTreeMap<u64, Held>,
    delay: DelayEstimator,
    /// The counter whose turn is next; `None` before the first packet.
    next: Option<u64>,
    playing: bool,
    /// Pulls since playing started.
    pulls: u32,
    /// Frames made up while the next packet was awaited: so much of what is missing has been played already.
    waited: u32,
    /// Lateness of the last pulls, ms; the smallest counts.
    lateness: Vec<i64>,
    lateness_at: usize,
    stats: JitterStats,
}

struct Held {
    media_ms: i64,
    payload: Vec<u8>,
}

impl Default for AudioJitterBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl AudioJitterBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self {
            packets: BTreeMap::new(),
            delay: DelayEstimator::new(),
            next: None,
            playing: false,
            pulls: 0,
            waited: 0,
            lateness: Vec::with_capacity(PULL_WINDOW),
            lateness_at: 0,
            stats: JitterStats::default(),
        }
    }

    /// Takes one opened packet. `counter` is the authenticated CTR of the audio track; `rtp_timestamp` has 48 kHz.
    pub fn push(&mut self, counter: u64, rtp_timestamp: u32, payload: &[u8], now_ms: u64) {
        if payload.is_empty() || payload.len() > MAX_OPUS_BYTES {
            self.stats.malformed += 1;
            return;
        }
        if self.packets.contains_key(&counter) {
            self.stats.duplicates += 1;
            return;
        }
        let media_ms = self.delay.arrived(rtp_timestamp, now_ms);
        match self.next {
            None => self.next = Some(counter),
            // Before the first sound is played, an earlier packet may still become the first.
            Some(next) if counter < next && !self.playing && next - counter < MAX_PACKETS as u64 => {
                self.next = Some(counter);
            }
            Some(next) if counter < next => {
                self.stats.late += 1;
                return;
            }
            Some(next) if counter - next > MAX_GAP => {
                self.packets.clear();
                self.next = Some(counter);
                self.playing = false;
                self.forget_lateness();
            }
            Some(_) => {}
        }
        self.stats.packets += 1;
        self.packets.insert(counter, Held { media_ms, payload: payload.to_vec() });
        while self.packets.len() > MAX_PACKETS {
            if let Some((lowest, _)) = self.packets.pop_first() {
                self.skip_to(lowest.saturating_add(1));
                self.stats.skipped += 1;
            }
        }
    }

    /// What to play for the next 20 ms. `ahead_ms` is decoded sound that will be played before it: 0 for a player
    /// that plays each frame at once.
    pub fn pull(&mut self, now_ms: u64, ahead_ms: u32) -> AudioPlay {
        let play_ms = i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_add(i64::from(ahead_ms));
        let (Some(mut next), Some((&first, held))) = (self.next, self.packets.first_key_value()) else {
            return self.pull_from_empty();
        };
        let media_ms = held.media_ms;
        let offset = play_ms.saturating_sub(media_ms);
        if !self.playing {
            let too_early = offset < self.delay.play_offset_ms();
            // A buffer as full as the largest target means that the scale is wrong, not that it is too early.
            if too_early && self.packets.len() < (MAX_TARGET_MS / FRAME_MS) as usize {
                return AudioPlay::Silence;
            }
            self.playing = true;
            self.pulls = 0;
            self.waited = 0;
            next = first;
            self.next = Some(first);
        }
        if first > next && self.waited > 0 {
            let done = (first - next).min(u64::from(self.waited));
            self.skip_to(next + done);
            next += done;
        }
        self.waited = 0;
        self.pulls = self.pulls.saturating_add(1);
        // Lateness of the frame whose turn it is, even if it is missing.
        let gap = i64::try_from(first.saturating_sub(next)).unwrap_or(i64::MAX);
        let late = offset.saturating_add(gap.saturating_mul(FRAME_MS)).saturating_sub(self.delay.play_offset_ms());
        self.note_lateness(late);
        if self.lateness_ms() > SKIP_BEYOND_MS {
            let frames = self.lateness_ms() / FRAME_MS;
            let available = i64::try_from(self.packets.len()).unwrap_or(i64::MAX) - 1;
            let skip = u64::try_from(frames.min(available.saturating_add(gap))).unwrap_or(0);
            let target = next.saturating_add(skip);
            self.stats.skipped += self.packets.range(..target).count() as u64;
            self.skip_to(target);
            next = target;
            self.forget_lateness();
        }
        self.next = Some(next.saturating_add(1));
        if let Some(held) = self.packets.remove(&next) {
            return AudioPlay::Packet(held.payload);
        }
        self.stats.lost += 1;
        match self.packets.get(&next.saturating_add(1)) {
            Some(successor) => {
                self.stats.recovered += 1;
                AudioPlay::Recover(successor.payload.clone())
            }
            None => {
                self.stats.concealed += 1;
                AudioPlay::Conceal
            }
        }
    }

    /// How to treat time now. A player that stretched reports it by [`Self::stretched`].
    #[must_use]
    pub fn pace(&self) -> Pace {
        if !self.playing || self.lateness.len() < self.window() {
            return Pace::Keep;
        }
        match self.lateness_ms() {
            late if late > FASTER_BEYOND_MS => Pace::Faster,
            late if late < -SLOWER_BEYOND_MS => Pace::Slower,
            _ => Pace::Keep,
        }
    }

    /// Sound has only just started, so the delay may be set right quickly.
    #[must_use]
    pub fn is_settling(&self) -> bool {
        self.pulls < SETTLING_PULLS
    }

    /// The player lengthened (positive) or shortened (negative) the sound by this many ms.
    pub fn stretched(&mut self, ms: i32) {
        for late in &mut self.lateness {
            *late = late.saturating_add(i64::from(ms));
        }
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn stats(&self) -> JitterStats {
        let delay = self.delay.target_ms().saturating_add(if self.playing { self.lateness_ms() } else { 0 });
        JitterStats {
            target_ms: u32::try_from(self.delay.target_ms()).unwrap_or(0),
            delay_ms: u32::try_from(delay.clamp(0, 60_000)).unwrap_or(0),
            ..self.stats
        }
    }

    /// Delay that this buffer adds, ms: what pictures have to wait so that lips and voice agree.
    #[must_use]
    pub fn playout_delay_ms(&self) -> u32 {
        self.stats().delay_ms
    }

    /// Packets that wait; never more than 64.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// No packet waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    fn pull_from_empty(&mut self) -> AudioPlay {
        if !self.playing {
            return AudioPlay::Silence;
        }
        self.waited = self.waited.saturating_add(1);
        if self.waited > MAX_CONCEALED_RUN {
            // What comes next starts afresh, after its wait.
            self.playing = false;
            self.forget_lateness();
            if let Some(next) = &mut self.next {
                self.stats.lost += u64::from(MAX_CONCEALED_RUN);
                *next = next.saturating_add(u64::from(MAX_CONCEALED_RUN));
            }
            return AudioPlay::Silence;
        }
        self.stats.concealed += 1;
        AudioPlay::Conceal
    }

    /// Gives up everything below `counter`; what was not there counts as lost.
    fn skip_to(&mut self, counter: u64) {
        let Some(next) = self.next else { return };
        if counter <= next {
            return;
        }
        let mut there = 0;
        while self.packets.first_key_value().is_some_and(|(&first, _)| first < counter) {
            self.packets.pop_first();
            there += 1;
        }
        self.stats.lost += (counter - next).saturating_sub(there);
        self.next = Some(counter);
    }

    /// Pulls looked back at.
    fn window(&self) -> usize {
        if self.is_settling() { SETTLING_WINDOW } else { PULL_WINDOW }
    }

    fn note_lateness(&mut self, late_ms: i64) {
        let window = self.window();
        if self.lateness.len() < window {
            self.lateness.push(late_ms);
        } else {
            self.lateness_at %= window;
            self.lateness[self.lateness_at] = late_ms;
        }
        self.lateness_at = (self.lateness_at + 1) % window;
    }

    fn lateness_ms(&self) -> i64 {
        self.lateness.iter().copied().min().unwrap_or(0)
    }

    fn forget_lateness(&mut self) {
        self.lateness.clear();
        self.lateness_at = 0;
    }
}
