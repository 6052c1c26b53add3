//! From the root of an epoch to the owners of keys (PROTOCOL §7.2, §7.7).
//!
//! All bases of an epoch are derived at once and the root is erased; otherwise the ratchet would protect nothing.
//! What else comes from the root (`rekey psk`, `rekey ok`, `continuity`, `resume`) must be derived before it is
//! handed over.

use core::fmt;

use sotto_identity::{Secret, derive};
use sotto_wire::{Role, TrackId};
use zeroize::ZeroizeOnDrop;

use crate::{
    DataOpener, DataSealer, MediaOpener, MediaSealer,
    kid::{Kid, MAX_STEP},
    sframe::{SframeKey, ratchet},
};

/// Tracks that carry RTP, in the order of their numbers.
pub(crate) const MEDIA_TRACKS: [TrackId; 4] = [TrackId::Audio, TrackId::Camera, TrackId::Screen, TrackId::ScreenAudio];
/// Tracks that carry data records, in the order of their numbers.
pub(crate) const DATA_TRACKS: [TrackId; 3] = [TrackId::Control, TrackId::Chat, TrackId::File];

/// The four owners of a session's keys at epoch 0. They are independent: the media ones move to the media threads,
/// the data ones stay in the session state machine.
#[derive(Debug)]
pub struct SessionKeys {
    /// Seals our microphone, camera and screen.
    pub media_sealer: MediaSealer,
    /// Opens the peer's.
    pub media_opener: MediaOpener,
    /// Seals our control, chat and file records.
    pub data_sealer: DataSealer,
    /// Opens the peer's.
    pub data_opener: DataOpener,
}

impl SessionKeys {
    /// Derives everything from `epoch_root_0` and erases it. `h` is the handshake hash of the session, from which the
    /// END transcripts start; `role` is ours.
    #[must_use]
    pub fn new(epoch_root: Secret<64>, h: &[u8; 64], role: Role) -> Self {
        let keys = EpochKeys::derive(epoch_root, 0, role);
        Self {
            media_sealer: MediaSealer::new(keys.media_seal.0),
            media_opener: MediaOpener::new(keys.media_open.0),
            data_sealer: DataSealer::new(keys.data_seal.0, h),
            data_opener: DataOpener::new(keys.data_open.0, h),
        }
    }
}

/// Keys of one epoch, for the four owners (PROTOCOL §7.7).
#[derive(Debug)]
pub struct EpochKeys {
    /// For [`MediaSealer::start_epoch`].
    pub media_seal: MediaSealKeys,
    /// For [`MediaOpener::admit_epoch`].
    pub media_open: MediaOpenKeys,
    /// For [`DataSealer::start_epoch`].
    pub data_seal: DataSealKeys,
    /// For [`DataOpener::admit_epoch`].
    pub data_open: DataOpenKeys,
}

/// Media keys of our direction and one epoch.
#[derive(Debug)]
pub struct MediaSealKeys(pub(crate) MediaKeys);
/// Media keys of the peer's direction and one epoch.
#[derive(Debug)]
pub struct MediaOpenKeys(pub(crate) MediaKeys);
/// Data keys of our direction and one epoch.
#[derive(Debug)]
pub struct DataSealKeys(pub(crate) DataKeys);
/// Data keys of the peer's direction and one epoch.
#[derive(Debug)]
pub struct DataOpenKeys(pub(crate) DataKeys);

impl EpochKeys {
    /// Derives the bases of both directions and all tracks, then erases the root.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "taken over, so that it is erased here")]
    pub fn derive(epoch_root: Secret<64>, epoch: u8, role: Role) -> Self {
        let (own, peer) = (role.direction(), role.peer().direction());
        Self {
            media_seal: MediaSealKeys(MediaKeys::derive(&epoch_root, epoch, own)),
            media_open: MediaOpenKeys(MediaKeys::derive(&epoch_root, epoch, peer)),
            data_seal: DataSealKeys(DataKeys::derive(&epoch_root, epoch, own)),
            data_open: DataOpenKeys(DataKeys::derive(&epoch_root, epoch, peer)),
        }
    }
}

/// `base(e, d, t, s)`: what a track's key comes from.
#[derive(ZeroizeOnDrop)]
pub(crate) struct Base(Secret<64>);

impl Base {
    /// Step 0.
    pub(crate) fn derive(epoch_root: &Secret<64>, epoch: u8, direction: u8, track: TrackId) -> Self {
        let [a, b, c, d] = u32::from(epoch).to_be_bytes();
        Self(derive::kdf(epoch_root, "sframe base", &[a, b, c, d, direction, track as u8]))
    }

    /// The next step's base; it does not lead back to this one.
    pub(crate) fn ratcheted(&self) -> Self {
        Self(ratchet(&self.0))
    }

    /// The base `steps` further; 0 copies it.
    fn forward(&self, steps: u8) -> Self {
        (0..steps).fold(Self(self.0.clone()), |base, _| base.ratcheted())
    }

    fn key(&self, kid: Kid) -> SframeKey {
        SframeKey::derive(self.0.expose(), kid.to_u64())
    }
}

/// Keys of all media tracks of one direction and epoch, at one ratchet step.
pub(crate) struct MediaKeys {
    pub(crate) epoch: u8,
    pub(crate) direction: u8,
    pub(crate) step: u8,
    bases: [Base; 4],
    /// Boxed, because they go on without the rest.
    keys: Box<[SframeKey; 4]>,
}

impl fmt::Debug for MediaKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaKeys(epoch {}, step {}, …)", self.epoch, self.step)
    }
}

impl MediaKeys {
    fn derive(epoch_root: &Secret<64>, epoch: u8, direction: u8) -> Self {
        Self::of(epoch, direction, 0, MEDIA_TRACKS.map(|track| Base::derive(epoch_root, epoch, direction, track)))
    }

    fn of(epoch: u8, direction: u8, step: u8, bases: [Base; 4]) -> Self {
        let keys = Box::new(MEDIA_TRACKS.map(|track| bases[track as usize].key(Kid { epoch, direction, track, step })));
        Self { epoch, direction, step, bases, keys }
    }

    /// Key of a media track at the current step.
    pub(crate) fn key(&self, track: TrackId) -> Option<&SframeKey> {
        self.keys.get(track as usize)
    }

    /// Key of a media track at a later step, for a packet that is not authenticated yet: changes nothing.
    pub(crate) fn key_at(&self, track: TrackId, step: u8) -> Option<SframeKey> {
        let base = self.bases.get(track as usize)?.forward(step.checked_sub(self.step)?);
        Some(base.key(Kid { epoch: self.epoch, direction: self.direction, track, step }))
    }

    /// Moves all tracks one step on and returns the keys of the step before; the old bases are erased. `None` at the
    /// last step.
    pub(crate) fn advance(&mut self) -> Option<Box<[SframeKey; 4]>> {
        if self.step >= MAX_STEP {
            return None;
        }
        let bases = MEDIA_TRACKS.map(|track| self.bases[track as usize].ratcheted());
        let next = Self::of(self.epoch, self.direction, self.step + 1, bases);
        Some(core::mem::replace(self, next).keys)
    }
}

/// Keys of all data tracks of one direction and epoch. Data tracks do not ratchet: the bases are gone.
pub(crate) struct DataKeys {
    pub(crate) epoch: u8,
    pub(crate) direction: u8,
    pub(crate) keys: [SframeKey; 3],
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKeys(epoch {}, …)", self.epoch)
    }
}

impl DataKeys {
    fn derive(epoch_root: &Secret<64>, epoch: u8, direction: u8) -> Self {
        let keys = DATA_TRACKS.map(|track| {
            Base::derive(epoch_root, epoch, direction, track).key(Kid { epoch, direction, track, step: 0 })
        });
        Self { epoch, direction, keys }
    }
}
