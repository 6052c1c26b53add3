//! The vocabulary that every front end speaks: commands, events, snapshots, pictures.
//!
//! Plain data. It knows no key, no socket and no device; a window, a headless peer and a fake session in a
//! test use the same words.
#![forbid(unsafe_code)]

mod choice;
mod command;
mod event;
mod file;
pub mod options;
mod picture;
mod secret;
pub mod sentences;
mod snapshot;

pub use choice::{CameraChoice, MicrophoneChoice, NotAChoice, SpeakerChoice, VideoOut};
pub use command::{Command, CompareMethod, InviteForm, Pick};
pub use event::{
    AlertCode, CompareReason, ContactInfo, ContactState, EndReason, Event, EventRecord, Gate, KeyState, LinkState,
    MediaDirection, MediaTrack, Path, Severity, SideNotice, Verification,
};
pub use file::{FileId, FileStage, FileState};
pub use picture::{Planes, VideoSlot};
pub use secret::SecretText;
pub use snapshot::{AudioStats, Phase, Snapshot, Stats, VideoStats};

/// A paired person or an invite that waits for one: local, random, never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactId(pub u64);

/// Which person this profile belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileRole {
    /// Invites, admits.
    Therapist,
    /// Joins.
    Client,
}
