//! What the interface is told in each frame.

use std::path::PathBuf;

use sotto_session_api::{ProfileRole, Snapshot, sentences::Language};

use crate::{dates::Clock, theme::Look};

/// The state of the profile on this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// There is none: first start.
    #[default]
    Absent,
    /// There is one; its passphrase is needed.
    Locked,
    /// A passphrase is being tried, or a profile is being made.
    Opening,
    /// It is open, and the engine runs.
    Open,
}

/// Everything that the interface draws from, besides its own state.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// State of the profile.
    pub profile: Profile,
    /// State of the session; the default one while there is no engine.
    pub snapshot: &'a Snapshot,
    /// Now.
    pub clock: Clock,
    /// Devices, as far as known.
    pub devices: &'a Devices,
    /// What this window can do on this computer.
    pub abilities: Abilities,
}

/// One device to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What [`crate::Request::UseDevice`] is given.
    pub id: String,
    /// What people read.
    pub name: String,
}

/// Kinds of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Camera.
    Camera,
    /// Microphone.
    Microphone,
    /// Loudspeaker or headphones.
    Speaker,
}

impl DeviceKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Camera, Self::Microphone, Self::Speaker];
}

/// Devices of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeviceList {
    /// Those that can be chosen; empty where they can't be listed.
    pub known: Vec<Device>,
    /// The one in use.
    pub chosen: Option<String>,
    /// Certainly none there.
    pub missing: bool,
}

/// All devices.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Devices {
    /// Cameras.
    pub cameras: DeviceList,
    /// Microphones.
    pub microphones: DeviceList,
    /// Speakers.
    pub speakers: DeviceList,
    /// Level of the own microphone, dBFS, while it is measured.
    pub level_db: Option<f32>,
}

impl Devices {
    /// Those of a kind.
    #[must_use]
    pub const fn of(&self, kind: DeviceKind) -> &DeviceList {
        match kind {
            DeviceKind::Camera => &self.cameras,
            DeviceKind::Microphone => &self.microphones,
            DeviceKind::Speaker => &self.speakers,
        }
    }
}

/// What the window and the system can do. What they can't is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Abilities {
    /// Other programs are kept from capturing this window.
    pub capture_stopped: bool,
    /// [`crate::Request::Preview`] shows the own picture while waiting and in the device check.
    pub preview: bool,
    /// A file can be chosen: a picture with a QR code ([`crate::Request::OpenPicture`]), a practice's policy.
    pub files: bool,
    /// [`crate::Request::SaveCard`] lets a card be stored or printed.
    pub save_card: bool,
    /// [`crate::Request::PlayTone`] plays a tone.
    pub tone: bool,
    /// The profile's files are kept after Quit, so that Lock means something.
    pub lock: bool,
}

/// What a person has set; the app stores it. It holds nothing about people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preferences {
    /// Language.
    pub language: Language,
    /// Look; `None` follows the system.
    pub look: Option<Look>,
    /// Text size, 1.0 to 2.0.
    pub zoom: f32,
    /// No fades.
    pub reduced_motion: bool,
    /// Holding V shows the own picture.
    pub peek_key: bool,
    /// Shift three times leaves at once.
    pub quick_exit: bool,
    /// The own picture is hidden while waiting, and no list of people is shown.
    pub shared_computer: bool,
    /// Minutes of a session, on the therapist's clock.
    pub minutes: u32,
    /// Minutes without use after which the profile is locked, one of [`LOCK_MINUTES`]; never in a session.
    pub lock_minutes: u32,
}

/// What can be chosen for [`Preferences::lock_minutes`] (PROTOCOL §2.2: 5 by default, 15 at most).
pub const LOCK_MINUTES: [u32; 4] = [2, 5, 10, 15];

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: Language::English,
            look: None,
            zoom: 1.0,
            reduced_motion: false,
            peek_key: true,
            quick_exit: true,
            shared_computer: false,
            minutes: 50,
            lock_minutes: 5,
        }
    }
}

pub use sotto_session_api::SecretText as Secret;

/// What the interface asks for. [`crate::Request::Session`] goes to the engine, the rest is the app's.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// For the session engine.
    Session(sotto_session_api::Command),
    /// Makes a profile and opens it.
    CreateProfile {
        /// Role.
        role: ProfileRole,
        /// Passphrase.
        passphrase: Secret,
        /// Server address; a client's may be empty: the link or code may name one.
        server: String,
        /// The file of another computer and its words as typed: its role and server are taken.
        moved: Option<(PathBuf, Secret)>,
    },
    /// Opens the profile.
    Unlock(Secret),
    /// Closes the profile and forgets its keys; the window asks for the passphrase.
    Lock,
    /// Store these.
    Preferences(Preferences),
    /// Copies a secret; the app takes it off the clipboard after a minute if it is still there.
    CopySecret(Secret),
    /// Lets a picture with a QR code be chosen; what it holds goes to [`crate::Interface::offer_picture`].
    OpenPicture,
    /// The camera reads QR codes from now on, or no longer: what they hold goes to [`crate::Interface::offer_scan`]. Only
    /// in a comparison; this sends no picture that is not sent anyway.
    Scan(bool),
    /// Lets the practice's policy file be chosen; its server goes to [`crate::Interface::offer_server`].
    OpenPolicy,
    /// Lets a place for a file be chosen and has the profile written there ([`sotto_session_api::Command::Export`]);
    /// [`crate::Interface::writing_move_file`] once it is.
    ExportProfile,
    /// Lets the file of another computer be chosen; it goes to [`crate::Interface::offer_move_file`].
    OpenMoveFile,
    /// Lets a place be chosen for a copy of the record; the app asks the engine for it.
    SaveRecord,
    /// Stores or prints the card of an invite.
    SaveCard(Card),
    /// Own picture on or off while waiting or in the device check: the camera's light follows.
    Preview(bool),
    /// Measures the microphone for [`Devices::level_db`].
    Meter(bool),
    /// Plays a short tone.
    PlayTone,
    /// Looks for devices again.
    FindDevices,
    /// Uses this device from now on.
    UseDevice {
        /// Kind.
        kind: DeviceKind,
        /// Of [`Device::id`].
        id: String,
    },
    /// Leave at once: the window is covered already; stop microphone and camera, end the session, close.
    QuickExit,
    /// Close the window.
    Close,
}

/// A text card of an invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Lines for people, in their language.
    pub text: Secret,
    /// What the QR picture holds.
    pub code: Secret,
}
