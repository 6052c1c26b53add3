//! The command line and the environment of `sotto-peer`.

use std::{path::PathBuf, str::FromStr};

use sotto_session_api::{CameraChoice, MicrophoneChoice, NotAChoice, ProfileRole, SpeakerChoice, VideoOut};

/// Text for `--help`.
pub const USAGE: &str = "\
sotto-peer --role therapist|client [--profile DIR] [--rendezvous URL] [--ca FILE] [--relay-only true|false]
           [--camera test|file:CLIP.y4m|device[:NAME]|none] [--mic test|file:VOICE.wav|device[:NAME]|none]
           [--video-size 640x480|1280x720] [--screen none]
           [--video-out none|png:DIR|y4m:FILE] [--audio-out none|wav:FILE|device[:NAME]]
           [--stats-every SECONDS] [--passphrase-fd N] [--log error|warn|info|debug|trace]

One JSON command a line on standard input, one JSON event a line on standard output, logs on standard error.
The end of the input ends the session properly. Commands, events and exit statuses: docs/PEER.md.
Each option can also be set in the environment, e.g. SOTTO_RENDEZVOUS, SOTTO_AUDIO_OUT; the command line wins.";

/// What the program was started with.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    /// Folder of the profile.
    pub profile: PathBuf,
    /// Role of the profile.
    pub role: ProfileRole,
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
    /// Where pictures go.
    pub video_out: VideoOut,
    /// Width and height of the camera picture.
    pub video_size: (u32, u32),
    /// Seconds between `stats` events; `None` for only on request.
    pub stats_every: Option<u32>,
    /// Descriptor that the passphrase is read from.
    pub passphrase_fd: Option<u32>,
    /// What is logged on standard error.
    pub log: LogLevel,
}

/// How much is logged. No level ever shows an address, a label, a code or a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Only what broke.
    Error,
    /// And what is odd.
    #[default]
    Warn,
    /// And what a user may want to know.
    Info,
    /// And each operation.
    Debug,
    /// And each packet.
    Trace,
}

impl LogLevel {
    /// Name as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// `--help` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Help;

/// The command line or the environment is wrong; the text says where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

const OPTIONS: &[&str] = &[
    "profile",
    "role",
    "rendezvous",
    "ca",
    "relay-only",
    "camera",
    "mic",
    "video-size",
    "screen",
    "video-out",
    "audio-out",
    "stats-every",
    "passphrase-fd",
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

        match value("screen").as_deref() {
            None | Some("none") => {}
            Some("device" | "test") => {
                return Err(UsageError("--screen: sharing does not exist in this version yet".into()));
            }
            Some(_) => return Err(wrong("screen", "none")),
        }
        Ok(Ok(Self {
            profile: match value("profile") {
                Some(folder) => PathBuf::from(folder),
                None => default_profile(&environment)?,
            },
            role: match value("role").as_deref() {
                Some("therapist") => ProfileRole::Therapist,
                Some("client") => ProfileRole::Client,
                Some(_) => return Err(wrong("role", "therapist or client")),
                None => return Err(UsageError("--role therapist or --role client is needed".into())),
            },
            rendezvous: value("rendezvous"),
            ca: value("ca").map(PathBuf::from),
            relay_only: match value("relay-only").as_deref() {
                None | Some("true") => true,
                Some("false") => false,
                Some(_) => return Err(wrong("relay-only", "true or false")),
            },
            camera: value("camera").map_or(Ok(CameraChoice::Device(None)), |text| choice("camera", &text))?,
            microphone: value("mic").map_or(Ok(MicrophoneChoice::Device(None)), |text| choice("mic", &text))?,
            speaker: value("audio-out").map_or(Ok(SpeakerChoice::Device(None)), |text| choice("audio-out", &text))?,
            video_out: value("video-out").map_or(Ok(VideoOut::None), |text| choice("video-out", &text))?,
            video_size: value("video-size").map_or(Ok((640, 480)), |text| size(&text))?,
            stats_every: value("stats-every").map(|text| number(&text, "stats-every", 1..=86_400)).transpose()?,
            passphrase_fd: value("passphrase-fd")
                .map(|text| number(&text, "passphrase-fd", 0..=1_048_576))
                .transpose()?,
            log: match value("log").as_deref() {
                None => LogLevel::default(),
                Some("error") => LogLevel::Error,
                Some("warn") => LogLevel::Warn,
                Some("info") => LogLevel::Info,
                Some("debug") => LogLevel::Debug,
                Some("trace") => LogLevel::Trace,
                Some(_) => return Err(wrong("log", "error, warn, info, debug or trace")),
            },
        }))
    }
}

fn wrong(option: &str, expected: &str) -> UsageError {
    UsageError(format!("--{option} takes {expected}"))
}

fn default_profile(environment: impl Fn(&str) -> Option<String>) -> Result<PathBuf, UsageError> {
    let folder = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("XDG_DATA_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".local").join("share")))
        .or_else(|| folder("LOCALAPPDATA"))
        .map(|data| data.join("sotto"))
        .ok_or_else(|| UsageError("there is no home folder: --profile DIR is needed".into()))
}

/// What a device option names.
fn choice<T: FromStr<Err = NotAChoice>>(option: &str, text: &str) -> Result<T, UsageError> {
    text.parse().map_err(|error: NotAChoice| wrong(option, error.0))
}

fn size(text: &str) -> Result<(u32, u32), UsageError> {
    match text {
        "640x480" => Ok((640, 480)),
        "1280x720" => Ok((1280, 720)),
        _ => Err(wrong("video-size", "640x480 or 1280x720")),
    }
}

fn number(text: &str, option: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, UsageError> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| wrong(option, &format!("a whole number from {} to {}", range.start(), range.end())))
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
    fn only_the_role_is_needed() {
        let arguments = parse("--role client", &[HOME]).unwrap();
        assert_eq!(arguments.profile, PathBuf::from("/data/sotto"));
        assert_eq!(arguments.role, ProfileRole::Client);
        assert!(arguments.relay_only);
        assert_eq!(arguments.camera, CameraChoice::Device(None));
        assert!(parse("", &[HOME]).unwrap_err().contains("--role"));
    }

    #[test]
    fn every_device_form_is_read() {
        let arguments = parse(
            "--role=therapist --camera file:a:b.y4m --mic device:USB --audio-out wav:o.wav --video-out png:p --video-size 1280x720",
            &[HOME],
        )
        .unwrap();
        assert_eq!(arguments.camera, CameraChoice::File("a:b.y4m".into()), "a path may hold a colon");
        assert_eq!(arguments.microphone, MicrophoneChoice::Device(Some("USB".into())));
        assert_eq!(arguments.speaker, SpeakerChoice::Wav("o.wav".into()));
        assert_eq!(arguments.video_out, VideoOut::Png("p".into()));
        assert_eq!(arguments.video_size, (1280, 720));
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let environment = [HOME, ("SOTTO_ROLE", "client"), ("SOTTO_STATS_EVERY", "5"), ("SOTTO_AUDIO_OUT", "none")];
        let arguments = parse("--stats-every 2", &environment).unwrap();
        assert_eq!((arguments.stats_every, arguments.speaker), (Some(2), SpeakerChoice::None));
    }

    #[test]
    fn wrong_options_are_named() {
        for (line, part) in [
            ("--role nurse", "--role"),
            ("--role client --rôle x", "rôle"),
            ("--role client --log", "--log needs"),
            ("--role client --role client", "twice"),
            ("--role client --relay-only yes", "--relay-only"),
            ("--role client --camera file:", "--camera"),
            ("--role client --camera test:1", "--camera"),
            ("--role client --screen device", "not exist"),
            ("--role client --stats-every 0", "--stats-every"),
            ("--role client --passphrase-fd -1", "--passphrase-fd"),
            ("--role client now", "now"),
        ] {
            let error = parse(line, &[HOME]).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
        assert!(parse("--role client", &[]).unwrap_err().contains("--profile"));
    }
}
