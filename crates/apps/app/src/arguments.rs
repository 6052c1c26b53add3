//! The command line and the environment of `sotto`.

use std::path::PathBuf;

pub use sotto_session_api::options::{Help, UsageError};
use sotto_session_api::{CameraChoice, MicrophoneChoice, SpeakerChoice, options::Options, sentences::Language};

/// Text for `--help`.
pub const USAGE: &str = "\
sotto [--profile DIR] [--rendezvous URL] [--ca FILE] [--relay-only true|false]
      [--camera test|file:CLIP.y4m|device[:NAME]|none] [--mic test|file:VOICE.wav|device[:NAME]|none]
      [--audio-out none|wav:FILE|device[:NAME]] [--video-size 640x480|1280x720]
      [--language en|de] [--theme light|dark|contrast] [--zoom PERCENT] [--window WIDTHxHEIGHT]
      [--log error|warn|info|debug|trace]

Opens the window. Nothing is needed: the first start asks for role, passphrase and the practice's server.
Each option can also be set in the environment, e.g. SOTTO_PROFILE, SOTTO_RENDEZVOUS; the command line wins.
Logs go to standard error and never hold an address, a label, a code or a key.";

/// What the program was started with.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    /// Folder of the profile.
    pub profile: PathBuf,
    /// Rendezvous URL; without it the one stored in the profile.
    pub rendezvous: Option<String>,
    /// More certificate roots.
    pub ca: Option<PathBuf>,
    /// Media by relay only.
    pub relay_only: bool,
    /// Where the picture comes from.
    pub camera: CameraChoice,
    /// Where the sound comes from.
    pub microphone: MicrophoneChoice,
    /// Where the sound goes.
    pub speaker: SpeakerChoice,
    /// Width and height of the camera picture.
    pub video_size: (u32, u32),
    /// Language of the sentences; without it the system's.
    pub language: Language,
    /// The language was asked for; it is not just the system's.
    pub is_language_given: bool,
    /// Colours; without it the system's.
    pub theme: Option<ThemeChoice>,
    /// Size of everything, per cent, where asked for.
    pub zoom: Option<u32>,
    /// Size of the window, points.
    pub window: (u32, u32),
    /// What is logged on standard error.
    pub log: String,
}

/// Colours that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThemeChoice {
    /// Warm paper.
    Light,
    /// For evenings.
    Dark,
    /// For weak sight.
    Contrast,
}

const OPTIONS: &[&str] = &[
    "profile",
    "rendezvous",
    "ca",
    "relay-only",
    "camera",
    "mic",
    "audio-out",
    "video-size",
    "language",
    "theme",
    "zoom",
    "window",
    "log",
];

impl Arguments {
    /// Reads command line and environment.
    ///
    /// # Errors
    /// A [`UsageError`] that names the option; `Ok(Err(Help))` where help was asked for.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Result<Self, Help>, UsageError> {
        let options = match Options::read(OPTIONS, arguments, environment)? {
            Ok(options) => options,
            Err(help) => return Ok(Err(help)),
        };
        let languages = [("en", Language::English), ("de", Language::German)];
        let language = options.one_of("language", &languages)?;
        let themes = [("light", ThemeChoice::Light), ("dark", ThemeChoice::Dark), ("contrast", ThemeChoice::Contrast)];
        let is_true = [("true", true), ("false", false)];
        Ok(Ok(Self {
            profile: options.profile()?,
            rendezvous: options.text("rendezvous"),
            ca: options.text("ca").map(PathBuf::from),
            relay_only: options.one_of("relay-only", &is_true)?.unwrap_or(true),
            camera: options.choice("camera")?.unwrap_or(CameraChoice::Device(None)),
            microphone: options.choice("mic")?.unwrap_or(MicrophoneChoice::Device(None)),
            speaker: options.choice("audio-out")?.unwrap_or(SpeakerChoice::Device(None)),
            video_size: options.video_size()?,
            language: language.unwrap_or_else(|| system_language(|name| options.variable(name))),
            is_language_given: language.is_some(),
            theme: options.one_of("theme", &themes)?,
            zoom: options.number("zoom", &(100..=200))?,
            window: match options.text("window") {
                None => (1280, 800),
                Some(text) => text
                    .split_once('x')
                    .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
                    .filter(|(width, height)| (320..=8000).contains(width) && (240..=8000).contains(height))
                    .ok_or_else(|| UsageError::wrong("window", "WIDTHxHEIGHT, e.g. 1280x800"))?,
            },
            log: options.log()?,
        }))
    }
}

/// German where the system speaks it, English elsewhere.
fn system_language(variable: impl Fn(&str) -> Option<String>) -> Language {
    match ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable) {
        Some(locale) if locale.starts_with("de") => Language::German,
        _ => Language::English,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(line: &str, environment: &[(&str, &str)]) -> Result<Arguments, String> {
        let found = Arguments::parse(line.split_whitespace().map(str::to_owned), |name| {
            environment.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        });
        found.map(Result::unwrap).map_err(|error| error.0)
    }

    const HOME: (&str, &str) = ("XDG_DATA_HOME", "/data");

    #[test]
    fn nothing_is_needed() {
        let arguments = parse("", &[HOME, ("LANG", "de_AT.UTF-8")]).unwrap();
        assert_eq!(arguments.profile, PathBuf::from("/data/sotto"));
        assert!(arguments.relay_only);
        assert_eq!(arguments.language, Language::German);
        assert_eq!((arguments.theme, arguments.zoom, arguments.window), (None, None, (1280, 800)));
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let environment = [HOME, ("SOTTO_LANGUAGE", "de"), ("SOTTO_AUDIO_OUT", "none")];
        let arguments = parse("--language=en --theme contrast --window 640x480", &environment).unwrap();
        assert_eq!((arguments.language, arguments.speaker), (Language::English, SpeakerChoice::None));
        assert_eq!((arguments.theme, arguments.window), (Some(ThemeChoice::Contrast), (640, 480)));
    }

    #[test]
    fn wrong_options_are_named() {
        for (line, part) in [
            ("--theme red", "--theme takes light"),
            ("--window 10x10", "--window"),
            ("--window wide", "--window"),
            ("--zoom 1000", "--zoom"),
            ("--camera file:", "--camera"),
            ("--log loud", "--log"),
            ("--role client", "role"),
            ("--log warn --log warn", "twice"),
            ("now", "now"),
        ] {
            let error = parse(line, &[HOME]).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
        assert!(parse("", &[]).unwrap_err().contains("--profile"));
    }
}
