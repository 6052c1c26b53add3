//! Opens data records; strict order, reassembly, transcripts (PROTOCOL §8).

use core::fmt;

use sha2::{Digest, Sha512};
use sotto_wire::{
    SealedRecord, TrackId,
    record::{End, TrackEnd},
};
use zeroize::Zeroize;

use crate::{
    SealError,
    data_record::{EPOCH, MAX_MESSAGE_LEN, MAX_PLAINTEXT, Record, metadata},
    data_seal::index,
    header::{Header, MAX_HEADER_LEN},
    keys::{DataKeys, DataOpenKeys},
    kid::Kid,
    sframe::{SframeKey, TAG_LEN, erase},
    transcript::{Transcript, same},
};

/// Records longer than this are not ours, bytes.
pub const MAX_SEALED_RECORD: usize = MAX_HEADER_LEN + MAX_PLAINTEXT + TAG_LEN;

/// A message that was opened.
#[derive(PartialEq, Eq)]
pub struct DataMessage {
    /// Track.
    pub track: TrackId,
    /// Type, by the track's own numbering.
    pub mtype: u8,
    /// Contents.
    pub data: Vec<u8>,
    /// Counter of its last record.
    pub counter: u64,
    /// The track as it was before this message. If it is an END or END_ACK, its numbers are about this.
    pub before: TrackEnd,
}

impl fmt::Debug for DataMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataMessage({:?}, {:#04x}, ctr {}, {} bytes)", self.track, self.mtype, self.counter, self.data.len())
    }
}

/// Why a record was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataFault {
    /// Not authentic: changed nothing, may be dropped. If it stood in for a real one, the next one is a gap.
    #[error("not authentic")]
    Forged,
    /// A gap, a repetition, a change of order, or an older epoch after a newer one: `E_DATA_ORDER`, the session ends.
    #[error("records out of order")]
    Order,
    /// Authentic, but not what a peer of this protocol sends; or a message above [`MAX_MESSAGE_LEN`]. The session ends.
    #[error("malformed record")]
    Malformed,
}

impl DataFault {
    /// Whether the session must end.
    #[must_use]
    pub const fn is_fatal(self) -> bool {
        !matches!(self, Self::Forged)
    }
}

/// How far we have read towards the numbers of an END.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndProgress {
    /// Records are missing that may still come: read on, at most 3 s.
    Behind,
    /// All of it, and the same.
    Complete,
    /// It can't become the same any more: ended abnormally.
    Differs,
}

struct Partial {
    mtype: u8,
    data: Vec<u8>,
    before: TrackEnd,
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

/// What is there for a while is boxed: `None` would have the stack of its maker, where the keys were, in the rest of its
/// bytes, as long as the session lasts.
struct RxTrack {
    epoch: u8,
    key: Box<SframeKey>,
    next: Option<(u8, Box<SframeKey>)>,
    transcript: Transcript,
    partial: Option<Box<Partial>>,
}

/// Opens the records of the peer's direction. After a fatal fault it opens nothing more.
pub struct DataOpener {
    direction: u8,
    tracks: [RxTrack; 3],
    fault: Option<DataFault>,
}

impl fmt::Debug for DataOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataOpener(fault {:?}, …)", self.fault)
    }
}

impl DataOpener {
    pub(crate) fn new(keys: DataKeys, h: &[u8; 64]) -> Self {
        let transcript = Transcript::new(h);
        Self {
            direction: keys.direction,
            tracks: keys.keys.map(|key| RxTrack {
                epoch: keys.epoch,
                key: Box::new(key),
                next: None,
                transcript: transcript.clone(),
                partial: None,
            }),
            fault: None,
        }
    }

    /// Opens a record. `None` while a message is not complete. Which types and tracks are allowed in the current
    /// gate is the caller's to check.
    ///
    /// # Errors
    /// [`DataFault::Forged`] may be dropped and changed nothing; after any other the session ends, and every further
    /// call gives the same fault.
    pub fn open(&mut self, record: &SealedRecord) -> Result<Option<DataMessage>, DataFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let opened = self.open_record(record);
        self.fault = opened.as_ref().err().copied().filter(|fault| fault.is_fatal());
        opened
    }

    fn open_record(&mut self, record: &SealedRecord) -> Result<Option<DataMessage>, DataFault> {
        let SealedRecord { track, ref bytes } = *record;
        let at = index(track).ok_or(DataFault::Forged)?;
        if bytes.len() > MAX_SEALED_RECORD {
            return Err(DataFault::Forged);
        }
        let (header, _) = Header::parse(bytes).ok_or(DataFault::Forged)?;
        let kid = Kid::from_u64(header.kid).ok_or(DataFault::Forged)?;
        if kid.direction != self.direction || kid.track != track || kid.step != 0 {
            return Err(DataFault::Forged);
        }
        let rx = &mut self.tracks[at];
        if kid.epoch < rx.epoch {
            // Its key is erased, so it can't be told from a forgery; the stream is ordered, so neither can come by chance.
            return Err(DataFault::Order);
        }
        let key = match &rx.next {
            Some((epoch, key)) if *epoch == kid.epoch => key,
            _ if kid.epoch == rx.epoch => &rx.key,
            _ => return Err(DataFault::Forged),
        };
        // The counter is looked at after the tag: a forged number is no reason to end a session.
        let mut plaintext = key.open(header, &metadata(track), bytes).ok_or(DataFault::Forged)?;
        let taken = rx.take(track, kid.epoch, header.ctr, &plaintext);
        erase(&mut plaintext);
        taken
    }

    /// Accepts records of the next epoch from now on. A track leaves the old one with its first record of the new. Keys
    /// of the same epoch that were admitted before and never used are replaced.
    ///
    /// # Errors
    /// [`SealError::WrongEpoch`] unless every track is in the epoch before it; nothing changes.
    pub fn admit_epoch(&mut self, keys: DataOpenKeys) -> Result<(), SealError> {
        let DataKeys { epoch, direction, keys } = keys.0;
        if direction != self.direction || self.tracks.iter().any(|rx| rx.epoch.checked_add(1) != Some(epoch)) {
            return Err(SealError::WrongEpoch);
        }
        for (rx, key) in self.tracks.iter_mut().zip(keys) {
            rx.next = Some((epoch, Box::new(key)));
        }
        Ok(())
    }

    /// Every track has left the epoch before the one that was admitted last.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.tracks.iter().all(|rx| rx.next.is_none())
    }

    /// Our view of what the peer sent on tracks 4, 5, 6.
    #[must_use]
    pub fn view(&self) -> [TrackEnd; 3] {
        self.tracks.each_ref().map(|rx| rx.transcript.end())
    }

    /// Compares what we read with what the peer says it sent. `control_before` is [`DataMessage::before`] of the
    /// message that carried `end`, because its numbers do not count itself. Hashes are compared in constant time.
    #[must_use]
    pub fn progress(&self, end: &End, control_before: &TrackEnd) -> EndProgress {
        let [_, chat, file] = self.view();
        let claimed = &end.tracks[usize::from(self.direction & 1)];
        let mut progress = EndProgress::Complete;
        for (own, theirs) in [*control_before, chat, file].iter().zip(claimed) {
            if own.next_ctr < theirs.next_ctr {
                progress = EndProgress::Behind;
            } else if !bool::from(same(own, theirs)) {
                return EndProgress::Differs;
            }
        }
        progress
    }

    /// Digest of all state, for tests that look whether something changed. Holds no key.
    #[doc(hidden)]
    #[must_use]
    pub fn state_digest(&self) -> [u8; 64] {
        let mut hasher = Sha512::new();
        for rx in &self.tracks {
            let (next_ctr, tx) = rx.transcript.words();
            hasher.update([rx.epoch, rx.next.as_ref().map_or(0xFF, |(epoch, _)| *epoch)]);
            hasher.update(next_ctr);
            hasher.update(tx);
            match &rx.partial {
                None => hasher.update([0]),
                Some(partial) => {
                    // Its contents are in the transcript.
                    hasher.update([1, partial.mtype]);
                    hasher.update((partial.data.len() as u64).to_be_bytes());
                }
            }
        }
        hasher.update([self.fault.map_or(0, |fault| fault as u8 + 1)]);
        hasher.finalize().into()
    }
}

impl RxTrack {
    /// Takes an authentic record.
    fn take(
        &mut self,
        track: TrackId,
        epoch: u8,
        ctr: u64,
        plaintext: &[u8],
    ) -> Result<Option<DataMessage>, DataFault> {
        let is_taken_again = ctr < self.transcript.next_ctr && cfg!(sotto_broken = "replay");
        let is_taken_early = ctr > self.transcript.next_ctr && cfg!(sotto_broken = "order");
        if ctr != self.transcript.next_ctr && !is_taken_again && !is_taken_early {
            return Err(DataFault::Order);
        }
        let record = Record::parse(track, plaintext).ok_or(DataFault::Malformed)?;
        if let Some((_, key)) = self.next.take_if(|(next, _)| *next == epoch) {
            self.key = key;
            self.epoch = epoch;
        }
        let before = self.transcript.end();
        self.transcript.add(record.unpadded);

        let mut partial = match self.partial.take() {
            Some(partial) if partial.mtype == record.mtype => partial,
            Some(_) => return Err(DataFault::Malformed),
            None => Box::new(Partial { mtype: record.mtype, data: Vec::new(), before }),
        };
        // An empty part would be a message without end.
        if partial.data.len() + record.data.len() > MAX_MESSAGE_LEN || (record.more && record.data.is_empty()) {
            return Err(DataFault::Malformed);
        }
        partial.data.extend_from_slice(record.data);
        if record.more {
            self.partial = Some(partial);
            return Ok(None);
        }
        if record.mtype == EPOCH {
            return if partial.data.is_empty() { Ok(None) } else { Err(DataFault::Malformed) };
        }
        let data = core::mem::take(&mut partial.data);
        Ok(Some(DataMessage { track, mtype: record.mtype, data, counter: ctr, before: partial.before }))
    }
}
