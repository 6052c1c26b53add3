//! Which devices take part, and how a person writes it: `test`, `file:CLIP.y4m`, `device:NAME`.

use core::str::FromStr;
use std::path::PathBuf;

/// Where the picture comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraChoice {
    /// No picture.
    None,
    /// Moving picture with frame number and capture time drawn into it.
    Test,
    /// A y4m file, looped.
    File(PathBuf),
    /// A camera, by name or the default one.
    Device(Option<String>),
}

/// Where the sound comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MicrophoneChoice {
    /// Silence.
    None,
    /// Speech-like signal with a click each second.
    Test,
    /// A WAV file, looped.
    File(PathBuf),
    /// A microphone, by name or the default one.
    Device(Option<String>),
}

/// Where the sound goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeakerChoice {
    /// Nowhere.
    None,
    /// A WAV file, 48 kHz mono, silence included.
    Wav(PathBuf),
    /// A speaker, by name or the default one.
    Device(Option<String>),
}

/// Where the picture goes, besides the [`crate::VideoSlot`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoOut {
    /// Nowhere.
    None,
    /// PNG files into a folder.
    Png(PathBuf),
    /// A y4m file.
    Y4m(PathBuf),
}

/// A text that names no device; it says what would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAChoice(pub &'static str);

impl core::fmt::Display for NotAChoice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl core::error::Error for NotAChoice {}

/// `kind` or `kind:rest`; the rest is never empty.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((kind, rest)) if !rest.is_empty() => (kind, Some(rest)),
        Some(_) => ("", None),
        None => (text, None),
    }
}

impl FromStr for CameraChoice {
    type Err = NotAChoice;
    fn from_str(text: &str) -> Result<Self, NotAChoice> {
        match split(text) {
            ("none", None) => Ok(Self::None),
            ("test", None) => Ok(Self::Test),
            ("file", Some(path)) => Ok(Self::File(path.into())),
            ("device", name) => Ok(Self::Device(name.map(str::to_owned))),
            _ => Err(NotAChoice("test, file:CLIP.y4m, device, device:NAME or none")),
        }
    }
}

impl FromStr for MicrophoneChoice {
    type Err = NotAChoice;
    fn from_str(text: &str) -> Result<Self, NotAChoice> {
        match split(text) {
            ("none", None) => Ok(Self::None),
            ("test", None) => Ok(Self::Test),
            ("file", Some(path)) => Ok(Self::File(path.into())),
            ("device", name) => Ok(Self::Device(name.map(str::to_owned))),
            _ => Err(NotAChoice("test, file:VOICE.wav, device, device:NAME or none")),
        }
    }
}

impl FromStr for SpeakerChoice {
    type Err = NotAChoice;
    fn from_str(text: &str) -> Result<Self, NotAChoice> {
        match split(text) {
            ("none", None) => Ok(Self::None),
            ("wav", Some(path)) => Ok(Self::Wav(path.into())),
            ("device", name) => Ok(Self::Device(name.map(str::to_owned))),
            _ => Err(NotAChoice("none, wav:FILE, device or device:NAME")),
        }
    }
}

impl FromStr for VideoOut {
    type Err = NotAChoice;
    fn from_str(text: &str) -> Result<Self, NotAChoice> {
        match split(text) {
            ("none", None) => Ok(Self::None),
            ("png", Some(path)) => Ok(Self::Png(path.into())),
            ("y4m", Some(path)) => Ok(Self::Y4m(path.into())),
            _ => Err(NotAChoice("none, png:DIR or y4m:FILE")),
        }
    }
}
