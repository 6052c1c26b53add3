//! The command line and the environment of `sotto`.

use std::{path::PathBuf, str::FromStr};

use sotto_session_api::{CameraChoice, MicrophoneChoice, NotAChoice, SpeakerChoice, sentences::Language};

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

/// `--help` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Help;

/// The command line or the environment is wrong; the text says where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

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
    /// Reads `--name VALUE` and `--name=VALUE`; what is missing there is looked up with `environment` as `SOTTO_NAME`.
    ///
    /// # Errors
    /// A [`UsageError`] that names the option; `Ok(Err(Help))` where help was asked for.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Result<Self, Help>, UsageError> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            if argument == "--help" || argument == "-h" {
                return Ok(Err(Help));
            }
            let unknown = || UsageError(format!("there is no option {argument:?}"));
            let option = argument.strip_prefix("--").ok_or_else(unknown)?;
            let (name, value) =
                option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value.to_owned())));
            let name = *OPTIONS.iter().find(|known| **known == name).ok_or_else(unknown)?;
            let value = match value {
                Some(value) => value,
                None => rest.next().ok_or_else(|| UsageError(format!("--{name} needs a value")))?,
            };
            if given.iter().any(|(other, _)| *other == name) {
                return Err(UsageError(format!("--{name} is there twice")));
            }
            given.push((name, value));
        }
        let value = |name: &str| {
            given.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone()).or_else(|| {
                environment(&format!("SOTTO_{}", name.to_ascii_uppercase().replace('-', "_")))
                    .filter(|value| !value.is_empty())
            })
        };
        Ok(Ok(Self {
            profile: match value("profile") {
                Some(folder) => PathBuf::from(folder),
                None => default_profile(&environment)?,
            },
            rendezvous: value("rendezvous"),
            ca: value("ca").map(PathBuf::from),
            relay_only: one_of("relay-only", value("relay-only"), &[("true", true), ("false", false)])?.unwrap_or(true),
            camera: choice("camera", value("camera"))?.unwrap_or(CameraChoice::Device(None)),
            microphone: choice("mic", value("mic"))?.unwrap_or(MicrophoneChoice::Device(None)),
            speaker: choice("audio-out", value("audio-out"))?.unwrap_or(SpeakerChoice::Device(None)),
            video_size: one_of(
                "video-size",
                value("video-size"),
                &[("640x480", (640, 480)), ("1280x720", (1280, 720))],
            )?
            .unwrap_or((640, 480)),
            language: one_of("language", value("language"), &[("en", Language::English), ("de", Language::German)])?
                .unwrap_or_else(|| system_language(&environment)),
            is_language_given: value("language").is_some(),
            theme: one_of(
                "theme",
                value("theme"),
                &[("light", ThemeChoice::Light), ("dark", ThemeChoice::Dark), ("contrast", ThemeChoice::Contrast)],
            )?,
            zoom: match value("zoom") {
                None => None,
                Some(text) => Some(
                    text.parse()
                        .ok()
                        .filter(|percent| (100..=200).contains(percent))
                        .ok_or_else(|| wrong("zoom", "100 to 200"))?,
                ),
            },
            window: match value("window") {
                None => (1280, 800),
                Some(text) => text
                    .split_once('x')
                    .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
                    .filter(|(width, height)| (320..=8000).contains(width) && (240..=8000).contains(height))
                    .ok_or_else(|| wrong("window", "WIDTHxHEIGHT, e.g. 1280x800"))?,
            },
            log: one_of(
                "log",
                value("log"),
                &["error", "warn", "info", "debug", "trace"].map(|level| (level, level.to_owned())),
            )?
            .unwrap_or_else(|| "warn".to_owned()),
        }))
    }
}

fn wrong(option: &str, expected: &str) -> UsageError {
    UsageError(format!("--{option} takes {expected}"))
}

fn choice<T: FromStr<Err = NotAChoice>>(option: &str, text: Option<String>) -> Result<Option<T>, UsageError> {
    text.map(|text| text.parse().map_err(|error: NotAChoice| wrong(option, error.0))).transpose()
}

fn one_of<T: Clone>(option: &str, text: Option<String>, of: &[(&str, T)]) -> Result<Option<T>, UsageError> {
    let Some(text) = text else { return Ok(None) };
    match of.iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(Some(value.clone())),
        None => Err(wrong(option, &of.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))),
    }
}

/// German where the system speaks it, English elsewhere.
fn system_language(environment: &impl Fn(&str) -> Option<String>) -> Language {
    let set = |name: &&str| environment(name).filter(|value| !value.is_empty());
    match ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set) {
        Some(locale) if locale.starts_with("de") => Language::German,
        _ => Language::English,
    }
}

fn default_profile(environment: &impl Fn(&str) -> Option<String>) -> Result<PathBuf, UsageError> {
    let folder = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("XDG_DATA_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".local").join("share")))
        .or_else(|| folder("LOCALAPPDATA"))
        .map(|data| data.join("sotto"))
        .ok_or_else(|| UsageError("there is no home folder: --profile DIR is needed".into()))
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
