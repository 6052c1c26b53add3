//! A set of tracks: what a gate allows (PROTOCOL §6.3).

use sotto_wire::TrackId;

/// Tracks, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackSet(u8);

impl TrackSet {
    /// No track: gate G0.
    pub const NONE: Self = Self(0);
    /// Every track: gate G2.
    pub const ALL: Self = Self(0x7F);

    /// The set with a track added.
    #[must_use]
    pub const fn with(self, track: TrackId) -> Self {
        Self(self.0 | (1 << track as u8))
    }

    /// Whether the track is in it.
    #[must_use]
    pub const fn contains(self, track: TrackId) -> bool {
        self.0 & (1 << track as u8) != 0
    }
}

impl FromIterator<TrackId> for TrackSet {
    fn from_iter<I: IntoIterator<Item = TrackId>>(tracks: I) -> Self {
        tracks.into_iter().fold(Self::NONE, Self::with)
    }
}
