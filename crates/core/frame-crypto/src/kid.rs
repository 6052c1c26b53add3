//! Layout of the key identifier (PROTOCOL §7.2): `KID = epoch << 8 | direction << 7 | track << 4 | step`.

use sotto_wire::TrackId;

/// Highest ratchet step of an epoch.
pub const MAX_STEP: u8 = 15;

/// What a KID says. An epoch is one byte by construction: epoch 255 is the last of a session (PROTOCOL §7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kid {
    /// Number of the rekey, 0 at the start of a session.
    pub epoch: u8,
    /// 0 = I→R, 1 = R→I.
    pub direction: u8,
    /// What is sealed.
    pub track: TrackId,
    /// Ratchet step, 0..=15.
    pub step: u8,
}

impl Kid {
    /// The number that goes into header and key derivation.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        ((self.epoch as u64) << 8)
            | ((self.direction as u64 & 1) << 7)
            | ((self.track as u64) << 4)
            | (self.step as u64 & 15)
    }

    /// Reads a KID; `None` for the reserved track 7 and for epochs above 255.
    #[must_use]
    pub fn from_u64(kid: u64) -> Option<Self> {
        let [epoch, low] = u16::try_from(kid).ok()?.to_be_bytes();
        Some(Self { epoch, direction: low >> 7, track: TrackId::from_u8((low >> 4) & 7)?, step: low & MAX_STEP })
    }
}
