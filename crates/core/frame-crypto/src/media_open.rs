//! Opens RTP payloads; the receiver rules of PROTOCOL §7.4.

use core::fmt;

use sha2::{Digest, Sha512};
use sotto_wire::{Codec, SealedPacket, TrackId};

use crate::{
    TrackSet,
    header::{Header, MAX_HEADER_LEN},
    integrity::IntegrityMeter,
    keys::{MediaKeys, MediaOpenKeys},
    kid::Kid,
    media_seal::{COUNTER_LIMIT, MAX_MEDIA_PAYLOAD, SealError, metadata},
    replay_window::{ReplayWindow, Screen},
    sframe::{SframeKey, TAG_LEN, erase},
};

/// How long keys of an older step or epoch live on after a newer one was seen, ms.
pub const GRACE_MS: u64 = 5_000;
/// Packets longer than this are not ours, bytes.
pub const MAX_SEALED_PACKET: usize = MAX_HEADER_LEN + 2 + MAX_MEDIA_PAYLOAD + TAG_LEN;

/// A packet that was opened.
#[derive(PartialEq, Eq)]
pub struct OpenedPacket {
    /// Track.
    pub track: TrackId,
    /// Authenticated, never twice the same on a track; +1 a packet, so a gap is a loss and order can be restored by it.
    pub counter: u64,
    /// Codec.
    pub codec: Codec,
    /// RTP marker bit.
    pub marker: bool,
    /// RTP timestamp (48 kHz audio, 90 kHz video).
    pub rtp_timestamp: u32,
    /// What the peer's packetizer made.
    pub payload: Vec<u8>,
}

impl fmt::Debug for OpenedPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedPacket({:?}, ctr {}, {} bytes)", self.track, self.counter, self.payload.len())
    }
}

/// Why a packet was dropped. Nothing is told to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum Dropped {
    /// Header cut off, not minimal, or outside the protocol's ranges; or a wrong length.
    #[error("malformed")]
    Malformed,
    /// Our own direction: a packet of ours came back.
    #[error("reflected")]
    Reflection,
    /// The key is another track's than the one the packet came on.
    #[error("other track")]
    CrossTrack,
    /// No keys for this epoch, or not any more.
    #[error("unknown epoch")]
    UnknownEpoch,
    /// The ratchet went past this step and its grace is over.
    #[error("old step")]
    OldStep,
    /// Opened before.
    #[error("replayed")]
    Replayed,
    /// Left of the replay window.
    #[error("too old")]
    TooOld,
    /// A counter above the highest seen, under a key older than the newest seen: a sender never goes back.
    #[error("old key, new counter")]
    OldKey,
    /// Not authentic.
    #[error("not authentic")]
    Forged,
    /// Authentic, but its length field or padding is wrong: the peer's software is broken.
    #[error("bad padding")]
    BadPadding,
    /// Authentic, but the gate does not allow the track yet.
    #[error("not allowed yet")]
    Gate,
}

impl Dropped {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::Malformed,
        Self::Reflection,
        Self::CrossTrack,
        Self::UnknownEpoch,
        Self::OldStep,
        Self::Replayed,
        Self::TooOld,
        Self::OldKey,
        Self::Forged,
        Self::BadPadding,
        Self::Gate,
    ];
}

/// Packets dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounts([u64; Dropped::ALL.len()]);

impl DropCounts {
    /// Packets dropped for a reason.
    #[must_use]
    pub const fn of(&self, reason: Dropped) -> u64 {
        self.0[reason as usize]
    }

    /// Packets dropped.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// Keys of the peer's direction in one epoch.
#[derive(Debug)]
struct RxEpoch {
    keys: MediaKeys,
    /// Keys of `keys.step − 1`, until a time in ms.
    previous_step: Option<(Box<[SframeKey; 4]>, u64)>,
}

impl RxEpoch {
    fn new(keys: MediaKeys) -> Box<Self> {
        Box::new(Self { keys, previous_step: None })
    }

    fn expire(&mut self, now_ms: u64) {
        self.previous_step.take_if(|(_, until_ms)| *until_ms <= now_ms);
    }

    /// Key for an authenticated-or-not packet; an owned one was derived forward and is not committed.
    fn find(&self, track: TrackId, step: u8) -> Result<Found<'_>, Dropped> {
        let current = self.keys.step;
        if step == current {
            self.keys.key(track).map(Found::Held).ok_or(Dropped::CrossTrack)
        } else if step > current {
            self.keys.key_at(track, step).map(|key| Found::Derived(Box::new(key))).ok_or(Dropped::CrossTrack)
        } else if step + 1 == current {
            let (keys, _) = self.previous_step.as_ref().ok_or(Dropped::OldStep)?;
            keys.get(track as usize).map(Found::Held).ok_or(Dropped::CrossTrack)
        } else {
            Err(Dropped::OldStep)
        }
    }

    /// An authentic packet of `step` was opened: all tracks follow it (PROTOCOL §7.4 rules 3 and 8).
    fn commit(&mut self, step: u8, now_ms: u64) {
        while self.keys.step < step {
            let Some(previous) = self.keys.advance() else { return };
            self.previous_step = Some((previous, now_ms.saturating_add(GRACE_MS)));
        }
    }
}

enum Found<'a> {
    Held(&'a SframeKey),
    Derived(Box<SframeKey>),
}

impl Found<'_> {
    const fn key(&self) -> &SframeKey {
        match self {
            Self::Held(key) => key,
            Self::Derived(key) => key,
        }
    }
}

/// Audio has 50 packets a second: ten seconds, so that a stall of the network costs no sync.
type AudioWindow = ReplayWindow<8>;
/// Video has up to some hundred packets a second.
type VideoWindow = ReplayWindow<32>;

#[derive(Debug, Default)]
struct Windows {
    audio: AudioWindow,
    camera: VideoWindow,
    screen: VideoWindow,
    screen_audio: AudioWindow,
}

impl Windows {
    /// The verdict on a counter, and the highest one seen on the track.
    const fn screen(&self, track: TrackId, ctr: u64) -> (Screen, Option<u64>) {
        match track {
            TrackId::Audio => (self.audio.screen(ctr), self.audio.highest()),
            TrackId::Camera => (self.camera.screen(ctr), self.camera.highest()),
            TrackId::Screen => (self.screen.screen(ctr), self.screen.highest()),
            _ => (self.screen_audio.screen(ctr), self.screen_audio.highest()),
        }
    }

    fn record(&mut self, track: TrackId, ctr: u64) {
        match track {
            TrackId::Audio => self.audio.record(ctr),
            TrackId::Camera => self.camera.record(ctr),
            TrackId::Screen => self.screen.record(ctr),
            _ => self.screen_audio.record(ctr),
        }
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.audio.words().chain(self.camera.words()).chain(self.screen.words()).chain(self.screen_audio.words())
    }
}

/// Opens the media of the peer's direction. Starts with nothing allowed: gate G0.
///
/// Keys are in boxes: what is moved out of a field leaves its bytes there, and old keys would outlive their grace.
pub struct MediaOpener {
    current: Box<RxEpoch>,
    /// Admitted by a rekey, not yet seen.
    next: Option<Box<RxEpoch>>,
    /// In its grace, until a time in ms.
    previous: Option<(Box<RxEpoch>, u64)>,
    windows: Windows,
    /// Newest (epoch, step) that authenticated a packet, by track.
    newest: [(u8, u8); 4],
    allowed: TrackSet,
    dropped: DropCounts,
    integrity: IntegrityMeter,
}

impl fmt::Debug for MediaOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaOpener(epoch {}, step {}, …)", self.current.keys.epoch, self.current.keys.step)
    }
}

impl MediaOpener {
    pub(crate) fn new(keys: MediaKeys) -> Self {
        Self {
            current: RxEpoch::new(keys),
            next: None,
            previous: None,
            windows: Windows::default(),
            newest: [(0, 0); 4],
            allowed: TrackSet::NONE,
            dropped: DropCounts::default(),
            integrity: IntegrityMeter::default(),
        }
    }

    /// What the gate lets through from now on.
    pub const fn set_allowed(&mut self, tracks: TrackSet) {
        self.allowed = tracks;
    }

    /// Opens a packet. `now_ms` is a monotonic clock of the caller; `packet.track` is the m-line it came on.
    ///
    /// # Errors
    /// The reason it was dropped. A packet that is not authentic changes nothing but the counts.
    pub fn open(&mut self, packet: &SealedPacket, now_ms: u64) -> Result<OpenedPacket, Dropped> {
        self.tick(now_ms);
        let opened = self.open_uncounted(packet, now_ms);
        if let Err(reason) = opened {
            let count = &mut self.dropped.0[reason as usize];
            *count = count.saturating_add(1);
            if reason == Dropped::Forged {
                self.integrity.failed(now_ms);
            }
        }
        opened
    }

    fn open_uncounted(&mut self, packet: &SealedPacket, now_ms: u64) -> Result<OpenedPacket, Dropped> {
        let SealedPacket { track, marker, rtp_timestamp, codec, ref bytes } = *packet;
        if bytes.len() > MAX_SEALED_PACKET {
            return Err(Dropped::Malformed);
        }
        let (header, _) = Header::parse(bytes).ok_or(Dropped::Malformed)?;
        if header.ctr >= COUNTER_LIMIT {
            return Err(Dropped::Malformed);
        }
        let kid = Kid::from_u64(header.kid).ok_or(Dropped::Malformed)?;
        if kid.direction != self.current.keys.direction {
            return Err(Dropped::Reflection);
        }
        let sealed_for = if cfg!(sotto_broken = "track") { kid.track } else { track };
        if kid.track != sealed_for || !track.is_media() {
            return Err(Dropped::CrossTrack);
        }
        let epoch = self.keys_of(kid.epoch).ok_or(Dropped::UnknownEpoch)?;
        let (screen, highest) = self.windows.screen(track, header.ctr);
        match screen {
            Screen::Fresh => {}
            Screen::Repeated if cfg!(sotto_broken = "window") => {}
            Screen::Repeated => return Err(Dropped::Replayed),
            Screen::TooOld => return Err(Dropped::TooOld),
        }
        let newest = *self.newest.get(track as usize).ok_or(Dropped::CrossTrack)?;
        if (kid.epoch, kid.step) < newest && highest.is_none_or(|highest| header.ctr > highest) {
            return Err(Dropped::OldKey);
        }

        let found = epoch.find(sealed_for, kid.step)?;
        let metadata = metadata(sealed_for, codec, marker, rtp_timestamp);
        let mut plaintext = found.key().open(header, &metadata, bytes).ok_or(Dropped::Forged)?;
        self.commit(kid, header.ctr, now_ms);

        if unpad(&mut plaintext).is_none() {
            erase(&mut plaintext);
            return Err(Dropped::BadPadding);
        }
        if !self.allowed.contains(track) {
            erase(&mut plaintext);
            return Err(Dropped::Gate);
        }
        Ok(OpenedPacket { track, counter: header.ctr, codec, marker, rtp_timestamp, payload: plaintext })
    }

    fn keys_of(&self, epoch: u8) -> Option<&RxEpoch> {
        let older = self.previous.as_ref().map(|(previous, _)| previous);
        [Some(&self.current), self.next.as_ref(), older]
            .into_iter()
            .flatten()
            .map(|rx| &**rx)
            .find(|rx| rx.keys.epoch == epoch)
    }

    /// Everything that an authentic packet changes.
    fn commit(&mut self, kid: Kid, ctr: u64, now_ms: u64) {
        if let Some(next) = self.next.take_if(|next| next.keys.epoch == kid.epoch) {
            let old = core::mem::replace(&mut self.current, next);
            self.previous = Some((old, now_ms.saturating_add(GRACE_MS)));
        }
        if kid.epoch == self.current.keys.epoch {
            self.current.commit(kid.step, now_ms);
        } else if let Some((previous, _)) = self.previous.as_mut() {
            previous.commit(kid.step, now_ms);
        }
        self.windows.record(kid.track, ctr);
        if let Some(newest) = self.newest.get_mut(kid.track as usize) {
            *newest = (*newest).max((kid.epoch, kid.step));
        }
    }

    /// Accepts packets of the next epoch from now on (PROTOCOL §7.7); the current one stays until the first authentic
    /// packet of the next and [`GRACE_MS`] after it. Keys of the same epoch that were admitted before and never used
    /// are replaced: they are of an attempt that failed.
    ///
    /// # Errors
    /// [`SealError::WrongEpoch`] unless it is the one after the current; nothing changes.
    pub fn admit_epoch(&mut self, keys: MediaOpenKeys) -> Result<(), SealError> {
        let current = &self.current.keys;
        if current.epoch.checked_add(1) != Some(keys.0.epoch) || keys.0.direction != current.direction {
            return Err(SealError::WrongEpoch);
        }
        self.next = Some(RxEpoch::new(keys.0));
        Ok(())
    }

    /// The newest epoch that authenticated a packet.
    #[must_use]
    pub const fn epoch(&self) -> u8 {
        self.current.keys.epoch
    }

    /// Erases keys whose grace is over. [`Self::open`] does it too; call it once a second when no packets come.
    pub fn tick(&mut self, now_ms: u64) {
        self.previous.take_if(|(_, until_ms)| *until_ms <= now_ms);
        self.current.expire(now_ms);
        if let Some((previous, _)) = self.previous.as_mut() {
            previous.expire(now_ms);
        }
    }

    /// How many packets were dropped, and why.
    #[must_use]
    pub const fn dropped(&self) -> DropCounts {
        self.dropped
    }

    /// More than 200 forged packets a second for five seconds, not more than ten seconds ago: `W_MEDIA_INTEGRITY`.
    #[must_use]
    pub fn integrity_warning(&self, now_ms: u64) -> bool {
        self.integrity.warning(now_ms)
    }

    /// Digest of all state but the counts of drops, for tests that look whether something changed. Holds no key.
    #[doc(hidden)]
    #[must_use]
    pub fn state_digest(&self) -> [u8; 64] {
        let mut hasher = Sha512::new();
        let epochs = [Some(&self.current), self.next.as_ref(), self.previous.as_ref().map(|(previous, _)| previous)];
        for rx in epochs {
            hasher.update(rx.map_or([0xFF; 2], |rx| [rx.keys.epoch, rx.keys.step]));
            let until = rx.and_then(|rx| rx.previous_step.as_ref()).map_or(u64::MAX, |(_, until_ms)| *until_ms);
            hasher.update(until.to_be_bytes());
        }
        hasher.update(self.previous.as_ref().map_or(u64::MAX, |(_, until_ms)| *until_ms).to_be_bytes());
        for word in self.windows.words() {
            hasher.update(word.to_be_bytes());
        }
        for (epoch, step) in self.newest {
            hasher.update([epoch, step]);
        }
        hasher.update(
            [TrackId::Audio, TrackId::Camera, TrackId::Screen].map(|track| u8::from(self.allowed.contains(track))),
        );
        hasher.finalize().into()
    }
}

/// `u16 len || payload[len] || 0…` → payload, in place. `None` if the length or the padding is wrong.
fn unpad(plaintext: &mut Vec<u8>) -> Option<()> {
    let (len, rest) = plaintext.split_first_chunk::<2>()?;
    let len = usize::from(u16::from_be_bytes(*len));
    if len > MAX_MEDIA_PAYLOAD || rest.get(len..)?.iter().any(|&byte| byte != 0) {
        return None;
    }
    plaintext.copy_within(2..2 + len, 0);
    plaintext.truncate(len);
    Some(())
}
