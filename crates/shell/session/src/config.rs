//! What the engine is started with.

use std::path::PathBuf;

use sotto_session_api::{CameraChoice, MicrophoneChoice, ProfileRole, SecretText, SpeakerChoice, VideoOut};

/// What a new profile is made of, if not of nothing.
#[derive(Debug)]
pub struct Moved {
    /// The file that another computer's profile wrote.
    pub file: PathBuf,
    /// The words that open it, as somebody typed them.
    pub words: SecretText,
}

/// How to start.
#[derive(Debug)]
pub struct Config {
    /// Folder of the profile; made if missing.
    pub profile_dir: PathBuf,
    /// Role of a new profile; an existing one must have it.
    pub role: ProfileRole,
    /// An existing profile may have either role: a window learns it from the vault.
    pub any_role: bool,
    /// Opens the vault.
    pub passphrase: SecretText,
    /// A profile that comes from another computer. Its role is the profile's then, and there may be none here yet.
    pub moved: Option<Moved>,
    /// `wss://host[:port]/path[#spki=…]`, or `ws://` on loopback. Where `None`, the one stored in the profile.
    pub rendezvous: Option<String>,
    /// More certificate roots, PEM.
    pub ca_file: Option<PathBuf>,
    /// Media only by relay, both ways. The default.
    pub relay_only: bool,
    /// From one rekey of a session to the next, s; at most [`sotto_call::REKEY_EVERY_S`], which is the default.
    pub rekey_every_s: u32,
    /// Where the picture comes from.
    pub camera: CameraChoice,
    /// Where the sound comes from.
    pub microphone: MicrophoneChoice,
    /// Where the sound goes.
    pub speaker: SpeakerChoice,
    /// Where pictures go, besides the slot.
    pub video_out: VideoOut,
    /// Width and height of the camera picture.
    pub video_size: (u32, u32),
    /// A new vault gets the smallest allowed key-derivation cost: for tests and demos.
    pub fast_kdf: bool,
}

impl Config {
    /// Default devices, 640×480, relay only.
    #[must_use]
    pub const fn new(profile_dir: PathBuf, role: ProfileRole, passphrase: SecretText) -> Self {
        Self {
            profile_dir,
            role,
            any_role: false,
            passphrase,
            moved: None,
            rendezvous: None,
            ca_file: None,
            relay_only: true,
            rekey_every_s: sotto_call::REKEY_EVERY_S,
            camera: CameraChoice::Device(None),
            microphone: MicrophoneChoice::Device(None),
            speaker: SpeakerChoice::Device(None),
            video_out: VideoOut::None,
            video_size: (640, 480),
            fast_kdf: false,
        }
    }
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program uses this profile.
    #[error("this profile is in use by another program")]
    InUse,
    /// The passphrase is wrong or the vault is damaged: one error, no oracle (PROTOCOL §2.2).
    #[error("the passphrase is not right, or the file is damaged")]
    VaultOpen,
    /// The words do not open the file of another computer, or it is damaged, or it is none.
    #[error("the words don't open this file, or it is damaged")]
    Move,
    /// The vault's parameters are out of bounds.
    #[error("the vault asks for more work than is allowed")]
    VaultParameters,
    /// The profile needs a key of the system's keyring that is not there, or the keyring can't be used.
    #[error(transparent)]
    Keyring(sotto_vault::KeyringError),
    /// The profile belongs to the other role.
    #[error("this profile belongs to the other role")]
    Role,
    /// A file could not be read or written.
    #[error("the profile folder can't be used: {0}")]
    Io(std::io::Error),
    /// The rendezvous URL is not acceptable.
    #[error("the server address is not acceptable: {0}")]
    Rendezvous(&'static str),
}
