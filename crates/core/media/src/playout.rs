//! From packets to an endless row of 20 ms frames: jitter buffer, decoder and time stretching together.

use crate::jitter_buffer::{AudioJitterBuffer, AudioPlay, JitterStats, Pace};
use crate::stretch;
use crate::traits::{AUDIO_FRAME, AudioDecoder};

/// Frames between two changes of time: one period (at most 15 ms) each 100 ms stays unnoticed.
const FRAMES_BETWEEN_STRETCHES: u32 = 5;
/// Tries that may find no good splice before one is made anyhow: a second.
const TRIES_BEFORE_FORCE: u32 = 10;

/// Plays a stream of Opus packets: one frame per call, whatever the network did.
pub struct AudioPlayout<D> {
    buffer: AudioJitterBuffer,
    decoder: D,
    /// Decoded sound that waits, samples; shorter than three frames.
    decoded: Vec<i16>,
    since_stretch: u32,
    failed_tries: u32,
    started: bool,
    broken_packets: u64,
    stretched_ms: u64,
}

impl<D: AudioDecoder> AudioPlayout<D> {
    /// Plays with this decoder.
    pub fn new(decoder: D) -> Self {
        Self {
            buffer: AudioJitterBuffer::new(),
            decoder,
            decoded: Vec::with_capacity(4 * AUDIO_FRAME),
            since_stretch: 0,
            failed_tries: 0,
            started: false,
            broken_packets: 0,
            stretched_ms: 0,
        }
    }

    /// Takes one opened packet; see [`AudioJitterBuffer::push`].
    pub fn push(&mut self, counter: u64, rtp_timestamp: u32, payload: &[u8], now_ms: u64) {
        self.buffer.push(counter, rtp_timestamp, payload, now_ms);
    }

    /// The frame to play now. True once sound of the other side has started (silence before).
    pub fn next_frame(&mut self, now_ms: u64, out: &mut [i16; AUDIO_FRAME]) -> bool {
        while self.decoded.len() < AUDIO_FRAME {
            self.decode_one(now_ms);
        }
        self.since_stretch = self.since_stretch.saturating_add(1);
        if self.buffer.is_settling() || self.since_stretch >= FRAMES_BETWEEN_STRETCHES {
            self.stretch(now_ms);
        }
        out.copy_from_slice(&self.decoded[..AUDIO_FRAME]);
        self.decoded.drain(..AUDIO_FRAME);
        self.started
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn stats(&self) -> JitterStats {
        self.buffer.stats()
    }

    /// Packets that the decoder refused; they were concealed.
    #[must_use]
    pub fn broken_packets(&self) -> u64 {
        self.broken_packets
    }

    /// Sound added and removed by stretching time, ms in sum.
    #[must_use]
    pub fn stretched_ms(&self) -> u64 {
        self.stretched_ms
    }

    /// Delay from the arrival of an undelayed packet to its sound leaving here, ms.
    #[must_use]
    pub fn playout_delay_ms(&self) -> u32 {
        self.buffer.playout_delay_ms()
    }

    fn decode_one(&mut self, now_ms: u64) {
        let ahead_ms = u32::try_from(self.decoded.len() / 48).unwrap_or(0);
        let mut frame = [0_i16; AUDIO_FRAME];
        match self.buffer.pull(now_ms, ahead_ms) {
            AudioPlay::Packet(bytes) => {
                self.started = true;
                if self.decoder.decode(&bytes, &mut frame).is_err() {
                    self.broken_packets += 1;
                    self.decoder.conceal(&mut frame);
                }
            }
            AudioPlay::Recover(successor) => {
                if self.decoder.recover(&successor, &mut frame).is_err() {
                    self.decoder.conceal(&mut frame);
                }
            }
            AudioPlay::Conceal => self.decoder.conceal(&mut frame),
            AudioPlay::Silence => {}
        }
        self.decoded.extend_from_slice(&frame);
    }

    fn stretch(&mut self, now_ms: u64) {
        let pace = self.buffer.pace();
        if pace == Pace::Keep {
            self.failed_tries = 0;
            return;
        }
        self.since_stretch = 0;
        let needed = if pace == Pace::Faster { AUDIO_FRAME + stretch::MAX_LAG } else { AUDIO_FRAME };
        while self.decoded.len() < needed {
            if self.buffer.is_empty() {
                return; // never stretch what had to be made up
            }
            self.decode_one(now_ms);
        }
        let force = self.buffer.is_settling() || self.failed_tries >= TRIES_BEFORE_FORCE;
        let (changed, sign) = match pace {
            Pace::Faster => (stretch::shorten(&mut self.decoded, force), -1),
            _ => (stretch::lengthen(&mut self.decoded, force), 1),
        };
        if changed == 0 {
            self.failed_tries += 1;
            return;
        }
        self.failed_tries = 0;
        let ms = i32::try_from(changed / 48).unwrap_or(0);
        self.stretched_ms += u64::from(ms.unsigned_abs());
        self.buffer.stretched(ms * sign);
    }
}
