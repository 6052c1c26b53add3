//! Seals data records: control, chat, file (PROTOCOL §8).

use core::fmt;

use sotto_wire::{
    SealedRecord, TrackId,
    record::{End, TrackEnd},
};
use subtle::Choice;
use zeroize::Zeroize;

use crate::{
    DataOpener, SealError,
    data_record::{EPOCH, MAX_MESSAGE_LEN, max_record_data, metadata, padding, prefix},
    keys::{DATA_TRACKS, DataKeys, DataSealKeys},
    media_seal::COUNTER_LIMIT,
    transcript::{Transcript, same},
};

/// Place of a data track in an array of three.
pub(crate) fn index(track: TrackId) -> Option<usize> {
    DATA_TRACKS.iter().position(|&data| data == track)
}

/// Seals the records of our direction. It owns the counters and transcripts; it can't be cloned.
pub struct DataSealer {
    keys: DataKeys,
    tracks: [Transcript; 3],
}

impl fmt::Debug for DataSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataSealer(epoch {}, …)", self.keys.epoch)
    }
}

impl DataSealer {
    pub(crate) fn new(keys: DataKeys, h: &[u8; 64]) -> Self {
        let transcript = Transcript::new(h);
        Self { keys, tracks: [transcript.clone(), transcript.clone(), transcript] }
    }

    /// Seals a message of at most [`MAX_MESSAGE_LEN`] bytes, as one record or, above [`max_record_data`], several.
    /// They must be sent in order, all of them. The message's counter is [`Self::next_counter`] − 1 afterwards.
    ///
    /// # Errors
    /// [`SealError::WrongTrack`], [`SealError::TooLong`], [`SealError::CounterExhausted`]; nothing was sealed then.
    pub fn seal(&mut self, track: TrackId, mtype: u8, data: &[u8]) -> Result<Vec<SealedRecord>, SealError> {
        let at = index(track).ok_or(SealError::WrongTrack)?;
        let (key, transcript) = (&self.keys.keys[at], &mut self.tracks[at]);
        if data.len() > MAX_MESSAGE_LEN {
            return Err(SealError::TooLong);
        }
        let longest = max_record_data(track);
        let count = data.len().div_ceil(longest).max(1);
        if transcript.next_ctr.saturating_add(count as u64) > COUNTER_LIMIT {
            return Err(SealError::CounterExhausted);
        }
        let metadata = metadata(track);
        let mut rest = data;
        let mut records = Vec::with_capacity(count);
        for n in 1..=count {
            let (part, after) = rest.split_at(rest.len().min(longest));
            rest = after;
            let prefix = prefix(mtype, n < count, u16::try_from(part.len()).map_err(|_| SealError::TooLong)?);
            let sealed = key
                .seal(transcript.next_ctr, &metadata, &[&prefix, part], padding(track, part.len()))
                .expect("record metadata has six bytes");
            let mut unpadded = [&prefix, part].concat();
            transcript.add(&unpadded);
            unpadded.zeroize();
            records.push(SealedRecord { track, bytes: sealed.into() });
        }
        Ok(records)
    }

    /// For tests: one record with flags as they are given, whatever they mean to the other side. `data` of more than
    /// [`max_record_data`] bytes is cut.
    ///
    /// # Errors
    /// [`SealError::WrongTrack`], [`SealError::CounterExhausted`].
    #[cfg(feature = "cheat")]
    pub fn seal_part(&mut self, track: TrackId, mtype: u8, flags: u8, data: &[u8]) -> Result<SealedRecord, SealError> {
        let at = index(track).ok_or(SealError::WrongTrack)?;
        let (key, transcript) = (&self.keys.keys[at], &mut self.tracks[at]);
        if transcript.next_ctr >= COUNTER_LIMIT {
            return Err(SealError::CounterExhausted);
        }
        let data = data.get(..data.len().min(max_record_data(track))).unwrap_or_default();
        let mut prefix = prefix(mtype, false, u16::try_from(data.len()).map_err(|_| SealError::TooLong)?);
        prefix[1] = flags;
        let sealed = key
            .seal(transcript.next_ctr, &metadata(track), &[&prefix, data], padding(track, data.len()))
            .expect("record metadata has six bytes");
        transcript.add(&[&prefix, data].concat());
        Ok(SealedRecord { track, bytes: sealed.into() })
    }

    /// Counter of the next record of a data track.
    #[must_use]
    pub fn next_counter(&self, track: TrackId) -> u64 {
        index(track).map_or(0, |at| self.tracks[at].next_ctr)
    }

    /// Switches sending to the next epoch, erases the old keys, and gives the empty record that opens the epoch on
    /// each track; they must be sent before anything else (PROTOCOL §7.7).
    ///
    /// # Errors
    /// [`SealError::WrongEpoch`] unless it is the one after the current; nothing changes.
    pub fn start_epoch(&mut self, keys: DataSealKeys) -> Result<Vec<SealedRecord>, SealError> {
        if self.keys.epoch.checked_add(1) != Some(keys.0.epoch) || keys.0.direction != self.keys.direction {
            return Err(SealError::WrongEpoch);
        }
        self.keys = keys.0;
        let mut records = Vec::with_capacity(DATA_TRACKS.len());
        for track in DATA_TRACKS {
            records.extend(self.seal(track, EPOCH, b"")?);
        }
        Ok(records)
    }

    /// Our view of what we sent on tracks 4, 5, 6.
    #[must_use]
    pub fn view(&self) -> [TrackEnd; 3] {
        self.tracks.each_ref().map(Transcript::end)
    }

    /// The contents of an END or END_ACK to be sent now: both directions as we see them. The record that will carry
    /// it is not counted in it; everything before it is, a received END too.
    #[must_use]
    pub fn end(&self, opener: &DataOpener, reason: u8) -> End {
        let (own, peer) = (self.view(), opener.view());
        End { reason, tracks: if self.keys.direction == 0 { [own, peer] } else { [peer, own] } }
    }

    /// Whether the peer, by its END_ACK, got all we sent and saw the same. In constant time.
    #[must_use]
    pub fn confirmed_by(&self, ack: &End) -> bool {
        let claimed = &ack.tracks[usize::from(self.keys.direction & 1)];
        self.view().iter().zip(claimed).fold(Choice::from(1), |all, (own, theirs)| all & same(own, theirs)).into()
    }
}
