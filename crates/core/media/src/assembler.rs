//! Puts video packets back into pictures, in order, by the authenticated counter.

use std::collections::BTreeMap;

use crate::packet_header::{MAX_FRAME_BYTES, PacketHeader};

/// A complete picture, next in order.
#[derive(Clone, PartialEq, Eq)]
pub struct AssembledFrame {
    /// Bytes of the codec.
    pub data: Vec<u8>,
    /// A decoder can start here.
    pub key: bool,
    /// 90 kHz.
    pub rtp_timestamp: u32,
    /// Milliseconds from its first packet to now: what reordering, repair and waiting took.
    pub waited_ms: u64,
}

impl core::fmt::Debug for AssembledFrame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "AssembledFrame({} bytes, key {}, ts {})", self.data.len(), self.key, self.rtp_timestamp)
    }
}

/// What became of the packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssemblerStats {
    /// Packets taken.
    pub packets: u64,
    /// Packets that came twice, or after their picture had been given up or given out.
    pub late: u64,
    /// Packets that no sender of ours writes.
    pub malformed: u64,
    /// Counters that were passed over without their packet.
    pub lost: u64,
    /// Pictures given out.
    pub frames: u64,
    /// Pictures (complete or not) that were thrown away.
    pub frames_dropped: u64,
    /// Key frames given out.
    pub key_frames: u64,
}

/// Pictures in the making: 1.7 s at 30 a second, far beyond any wait.
const MAX_FRAMES: usize = 52;
/// Bytes in the making: two pictures of the largest size; 200 ms of 2.5 Mbit/s are a tenth of it.
const MAX_BYTES: usize = 2 * MAX_FRAME_BYTES;
/// Shortest wait for a missing packet: reordering alone may take this long.
const MIN_WAIT_MS: u64 = 100;
/// Longest wait: beyond it, a picture that comes by a key frame is no later than a repaired one.
const MAX_WAIT_MS: u64 = 250;
/// Besides the round trip: until the loss is noticed and asked for (at most 50 ms), once more in case the repair was lost
/// too, and what two computers take to handle it.
const REPAIR_MS: u64 = 90;
/// PROTOCOL §7.3: key-frame requests are limited to two a second.
const KEY_REQUEST_INTERVAL_MS: u64 = 500;

struct Partial {
    frame: u16,
    key: bool,
    rtp_timestamp: u32,
    first_ms: u64,
    parts: BTreeMap<u8, Vec<u8>>,
    last: Option<u8>,
    bytes: usize,
}

impl Partial {
    fn is_complete(&self) -> bool {
        self.last.is_some_and(|last| self.parts.len() == usize::from(last) + 1)
    }
    /// Counter after its last packet; only known once the last packet is there.
    fn end(&self, base: u64) -> Option<u64> {
        Some(base.saturating_add(u64::from(self.last?) + 1))
    }
}

/// Where the output stands.
#[derive(Clone, Copy)]
enum State {
    /// Only a key frame helps: at the start, after an unrepaired loss, after a decoder error.
    AwaitKey,
    /// The next picture starts at this counter and has this number.
    Running { frame: u16 },
}

/// Reorders and assembles pictures; waits a bounded time for repair, then asks for a key frame.
///
/// A packet's counter minus its index is the counter of its picture's first packet, so pictures are ordered without
/// ambiguity, however long an outage was. The picture number then shows pictures that the sender dropped before sealing.
pub struct VideoAssembler {
    frames: BTreeMap<u64, Partial>,
    bytes: usize,
    /// Everything below has been given out or given up.
    next: u64,
    state: State,
    /// Since when the head of the queue has been missing.
    blocked_since: Option<u64>,
    wait_ms: u64,
    key_asked_ms: Option<u64>,
    seen_any: bool,
    /// Packets thrown away since the last picture given out: they came, so they are not lost.
    discarded_packets: u64,
    stats: AssemblerStats,
}

impl Default for VideoAssembler {
    fn default() -> Self {
        Self::new()
    }
}

impl VideoAssembler {
    /// Waits for a first key frame.
    #[must_use]
    pub fn new() -> Self {
        Self {
            frames: BTreeMap::new(),
            bytes: 0,
            next: 0,
            state: State::AwaitKey,
            blocked_since: None,
            wait_ms: 150,
            key_asked_ms: None,
            seen_any: false,
            discarded_packets: 0,
            stats: AssemblerStats::default(),
        }
    }

    /// Tells the round-trip time: a repaired packet needs one, plus the time in which its loss is noticed.
    pub fn set_rtt_ms(&mut self, rtt_ms: u32) {
        let rtt = u64::from(rtt_ms);
        self.wait_ms = rtt.saturating_add(rtt / 4 + REPAIR_MS).clamp(MIN_WAIT_MS, MAX_WAIT_MS);
    }

    /// Takes one opened packet. `counter` is the authenticated CTR of the camera track.
    pub fn push(&mut self, counter: u64, rtp_timestamp: u32, payload: &[u8], now_ms: u64) {
        let Some((header, part)) = PacketHeader::parse(payload) else {
            self.stats.malformed += 1;
            return;
        };
        let Some(base) = counter.checked_sub(u64::from(header.index)) else {
            self.stats.malformed += 1;
            return;
        };
        if base < self.next {
            self.stats.late += 1;
            return;
        }
        self.seen_any = true;
        let partial = self.frames.entry(base).or_insert_with(|| Partial {
            frame: header.frame,
            key: header.key,
            rtp_timestamp,
            first_ms: now_ms,
            parts: BTreeMap::new(),
            last: None,
            bytes: 0,
        });
        let same = partial.frame == header.frame
            && partial.key == header.key
            && partial.rtp_timestamp == rtp_timestamp
            && partial.last.is_none_or(|last| header.index <= last && header.last == (header.index == last))
            && !(header.last && partial.parts.keys().next_back().is_some_and(|&highest| highest > header.index));
        if !same {
            self.stats.malformed += 1;
            return;
        }
        if partial.parts.contains_key(&header.index) {
            self.stats.late += 1;
            return;
        }
        if header.last {
            partial.last = Some(header.index);
        }
        partial.parts.insert(header.index, part.to_vec());
        partial.bytes += part.len();
        self.bytes += part.len();
        self.stats.packets += 1;
        while self.frames.len() > MAX_FRAMES || self.bytes > MAX_BYTES {
            self.drop_oldest();
        }
    }

    /// The next picture in order, if it is due. Call until `None`, after each push and at [`Self::wake_at`].
    pub fn poll(&mut self, now_ms: u64) -> Option<AssembledFrame> {
        loop {
            if let State::Running { frame } = self.state
                && let Some(head) = self.frames.get(&self.next)
                && head.is_complete()
            {
                if head.frame == frame || head.key {
                    return self.take(self.next, now_ms);
                }
                // The counters are whole, but the sender left out a picture: its successors refer to what never came.
                self.state = State::AwaitKey;
                continue;
            }
            // The head is missing. A complete key frame further on makes the wait pointless.
            let key = self.frames.iter().rev().find(|(_, p)| p.key && p.is_complete()).map(|(&base, _)| base);
            if let Some(base) = key {
                self.give_up_below(base);
                return self.take(base, now_ms);
            }
            if matches!(self.state, State::AwaitKey) {
                // What follows a key frame that is still being repaired will be needed; what precedes it, or has no key
                // frame in sight for long, can't be shown any more.
                let key = self.frames.iter().rev().find(|(_, p)| p.key).map(|(&base, _)| base);
                let is_useless = |base: u64, partial: &Partial| match key {
                    Some(key) => !partial.key && base < key,
                    None => now_ms.saturating_sub(partial.first_ms) > MAX_WAIT_MS,
                };
                let useless: Vec<u64> =
                    self.frames.iter().filter(|(base, p)| is_useless(**base, p)).map(|(&base, _)| base).collect();
                for base in useless {
                    if let Some(partial) = self.remove(base) {
                        self.discarded_packets += partial.parts.len() as u64;
                        self.stats.frames_dropped += u64::from(partial.parts.contains_key(&0));
                    }
                }
                self.blocked_since = None;
                return None;
            }
            if !self.is_blocked() {
                self.blocked_since = None;
                return None;
            }
            let since = *self.blocked_since.get_or_insert(now_ms);
            if now_ms.saturating_sub(since) < self.wait_ms {
                return None;
            }
            self.blocked_since = None;
            self.state = State::AwaitKey;
        }
    }

    /// When to poll again although nothing came, milliseconds of the same clock.
    #[must_use]
    pub fn wake_at(&self) -> Option<u64> {
        Some(self.blocked_since?.saturating_add(self.wait_ms))
    }

    /// True when the sender has to be asked for a key frame now: at most twice a second. It counts as asked.
    pub fn poll_key_request(&mut self, now_ms: u64) -> bool {
        let due = self.key_asked_ms.is_none_or(|asked| now_ms.saturating_sub(asked) >= KEY_REQUEST_INTERVAL_MS);
        // One that is arriving, or being repaired, need not be asked for.
        let mut keys = self.frames.values().filter(|partial| partial.key);
        let is_under_way = keys.any(|partial| now_ms.saturating_sub(partial.first_ms) < self.wait_ms);
        let wanted = self.seen_any && matches!(self.state, State::AwaitKey) && due && !is_under_way;
        if wanted {
            self.key_asked_ms = Some(now_ms);
        }
        wanted
    }

    /// The decoder refused a picture: nothing but a key frame helps.
    pub fn decoder_failed(&mut self) {
        self.state = State::AwaitKey;
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn stats(&self) -> AssemblerStats {
        self.stats
    }

    /// Bytes that wait for their picture; never more than two pictures of the largest size.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.bytes
    }

    /// Something later than the head is there, or a part of it: so a packet is missing.
    fn is_blocked(&self) -> bool {
        match self.frames.first_key_value() {
            None => false,
            // Packets of the head come one after the other; what is missing behind the last one may be under way.
            Some((&base, head)) if base == self.next => {
                let in_order =
                    head.parts.keys().next_back().is_none_or(|&high| usize::from(high) + 1 == head.parts.len());
                !in_order || self.frames.len() > 1
            }
            Some(_) => true,
        }
    }

    fn take(&mut self, base: u64, now_ms: u64) -> Option<AssembledFrame> {
        let partial = self.remove(base)?;
        self.next = partial.end(base)?;
        self.state = State::Running { frame: partial.frame.wrapping_add(1) };
        self.blocked_since = None;
        self.stats.frames += 1;
        self.stats.key_frames += u64::from(partial.key);
        if partial.key {
            self.key_asked_ms = None;
        }
        let mut data = Vec::with_capacity(partial.bytes);
        for part in partial.parts.values() {
            data.extend_from_slice(part);
        }
        // Pictures that overlap what was given out can never be next.
        while self.frames.first_key_value().is_some_and(|(&base, _)| base < self.next) {
            self.drop_oldest();
        }
        let waited_ms = now_ms.saturating_sub(partial.first_ms);
        Some(AssembledFrame { data, key: partial.key, rtp_timestamp: partial.rtp_timestamp, waited_ms })
    }

    fn give_up_below(&mut self, base: u64) {
        let mut there = core::mem::take(&mut self.discarded_packets);
        while self.frames.first_key_value().is_some_and(|(&first, _)| first < base) {
            if let Some((&first, partial)) = self.frames.first_key_value() {
                there = there.saturating_add(partial.parts.len() as u64);
                self.remove(first);
                self.stats.frames_dropped += 1;
            }
        }
        // Before the first picture nothing is known to be lost.
        if self.stats.frames > 0 {
            self.stats.lost += base.saturating_sub(self.next).saturating_sub(there);
        }
        self.next = base;
    }

    fn drop_oldest(&mut self) {
        if let Some((&base, _)) = self.frames.first_key_value() {
            self.remove(base);
            self.stats.frames_dropped += 1;
            if base >= self.next {
                self.next = base.saturating_add(1);
                self.state = State::AwaitKey;
            }
        }
    }

    fn remove(&mut self, base: u64) -> Option<Partial> {
        let partial = self.frames.remove(&base)?;
        self.bytes -= partial.bytes;
        Some(partial)
    }
}
