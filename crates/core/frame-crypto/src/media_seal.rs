//! Seals RTP payloads (PROTOCOL §7.3, §7.5).

use core::fmt;

use sotto_wire::{Codec, SealedPacket, TrackId};

use crate::{
    header::Header,
    keys::{MediaKeys, MediaSealKeys},
    sframe::TAG_LEN,
};

/// Longest payload before sealing, bytes: the packetizer's limit.
pub const MAX_MEDIA_PAYLOAD: usize = 1136;
/// What sealing adds to a padded payload, bytes: a header of 6, a length of 2, a tag of 16. A shorter header is made up
/// for by padding inside, so the sum is constant.
pub const MEDIA_OVERHEAD: usize = 24;
/// Length of every full video packet after sealing, bytes: 1136 + 24. With RTP header, extensions, SRTP tag and UDP
/// it fits the 1200 bytes of PROTOCOL §7.3.
pub const VIDEO_FULL_LEN: usize = MAX_MEDIA_PAYLOAD + MEDIA_OVERHEAD;
/// Counters end below this one; nobody gets there (PROTOCOL §7.2).
pub const COUNTER_LIMIT: u64 = 1 << 40;

const LEN_FIELD: usize = 2;

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A media track given to the data sealer, or the other way round: an error of the program.
    #[error("the track is not of this kind")]
    WrongTrack,
    /// The payload is longer than [`MAX_MEDIA_PAYLOAD`] or [`crate::MAX_MESSAGE_LEN`].
    #[error("payload too long")]
    TooLong,
    /// 2^40 packets were sealed: the session must end.
    #[error("counter used up")]
    CounterExhausted,
    /// Step 15 is used up: media pause until a rekey (PROTOCOL §7.7).
    #[error("ratchet steps used up")]
    StepsExhausted,
    /// The epoch does not follow the current one: an error of the program.
    #[error("not the next epoch")]
    WrongEpoch,
}

/// How long a sealed packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Payload + 24 bytes, whatever the header's length, so that a constant codec rate gives one size on the wire.
    Audio,
    /// [`VIDEO_FULL_LEN`], whatever the payload's and the header's length.
    VideoFull,
    /// No padding: payload + 18 bytes + header.
    VideoExact,
}

/// Seals the media of our direction. It owns the counters, one a track: they start at 0 and never go back, also not
/// across steps and epochs, and no key is shared between tracks; so no nonce is used twice under a key. It can't be
/// cloned.
pub struct MediaSealer {
    keys: MediaKeys,
    counters: [u64; 4],
    /// Step 15 is used up.
    is_paused: bool,
}

impl fmt::Debug for MediaSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaSealer(epoch {}, step {}, …)", self.keys.epoch, self.keys.step)
    }
}

impl MediaSealer {
    pub(crate) const fn new(keys: MediaKeys) -> Self {
        Self { keys, counters: [0; 4], is_paused: false }
    }

    /// Seals one RTP payload of at most [`MAX_MEDIA_PAYLOAD`] bytes. `rtp_timestamp`, `marker` and `codec` are
    /// authenticated, not hidden; the transport must send the packet with these.
    ///
    /// # Errors
    /// [`SealError::WrongTrack`] for a data track, [`SealError::TooLong`], [`SealError::CounterExhausted`];
    /// [`SealError::StepsExhausted`] until the next epoch, after a [`ratchet`](Self::ratchet) that found no step left.
    pub fn seal(
        &mut self,
        track: TrackId,
        codec: Codec,
        marker: bool,
        rtp_timestamp: u32,
        payload: &[u8],
        shape: Shape,
    ) -> Result<SealedPacket, SealError> {
        if self.is_paused {
            return Err(SealError::StepsExhausted);
        }
        let key = self.keys.key(track).ok_or(SealError::WrongTrack)?;
        let counter = self.counters.get_mut(track as usize).ok_or(SealError::WrongTrack)?;
        if payload.len() > MAX_MEDIA_PAYLOAD {
            return Err(SealError::TooLong);
        }
        let len = u16::try_from(payload.len()).map_err(|_| SealError::TooLong)?;
        let ctr = *counter;
        if ctr >= COUNTER_LIMIT {
            return Err(SealError::CounterExhausted);
        }
        *counter += 1;

        let unpadded = Header { kid: key.kid(), ctr }.encoded_len() + LEN_FIELD + payload.len() + TAG_LEN;
        let wanted = match shape {
            Shape::Audio => payload.len() + MEDIA_OVERHEAD,
            Shape::VideoFull => VIDEO_FULL_LEN,
            Shape::VideoExact => 0,
        };
        // From the 2^24th packet of a track on a header has 7 bytes: a full packet is then a byte longer, every one.
        let padding = wanted.saturating_sub(unpadded);
        let metadata = metadata(track, codec, marker, rtp_timestamp);
        let bytes = key
            .seal(ctr, &metadata, &[&len.to_be_bytes(), payload], padding)
            .expect("media metadata has seven bytes")
            .into();
        Ok(SealedPacket { track, marker, rtp_timestamp, codec, bytes })
    }

    /// Moves all media tracks to the next ratchet step and erases the old bases and keys. Returns the step.
    ///
    /// # Errors
    /// [`SealError::StepsExhausted`] at step 15: nothing more is sealed until the next epoch.
    pub fn ratchet(&mut self) -> Result<u8, SealError> {
        if self.keys.advance().is_none() {
            self.is_paused = true;
            return Err(SealError::StepsExhausted);
        }
        Ok(self.keys.step)
    }

    /// The epoch and ratchet step that packets are sealed in.
    #[must_use]
    pub const fn epoch_and_step(&self) -> (u8, u8) {
        (self.keys.epoch, self.keys.step)
    }

    /// Switches sending to the next epoch and erases the old keys. Counters go on.
    ///
    /// # Errors
    /// [`SealError::WrongEpoch`] unless it is the one after the current; nothing changes.
    pub fn start_epoch(&mut self, keys: MediaSealKeys) -> Result<(), SealError> {
        if self.keys.epoch.checked_add(1) != Some(keys.0.epoch) || keys.0.direction != self.keys.direction {
            return Err(SealError::WrongEpoch);
        }
        self.keys = keys.0;
        self.is_paused = false;
        Ok(())
    }

    /// Packets sealed on a media track; also its next counter.
    #[must_use]
    pub fn sealed(&self, track: TrackId) -> u64 {
        self.counters.get(track as usize).copied().unwrap_or(0)
    }

    /// For tests that look at what happens late in a session; can only skip counters, never reuse one.
    #[doc(hidden)]
    pub fn skip_counters_for_test(&mut self, track: TrackId, to: u64) {
        if let Some(counter) = self.counters.get_mut(track as usize) {
            *counter = to.max(*counter);
        }
    }
}

/// What is authenticated beside the header: all RTP fields that RTX leaves alone (PROTOCOL §7.3).
pub(crate) const fn metadata(track: TrackId, codec: Codec, marker: bool, rtp_timestamp: u32) -> [u8; 7] {
    let [a, b, c, d] = rtp_timestamp.to_be_bytes();
    [track as u8, marker as u8, a, b, c, d, codec as u8]
}
