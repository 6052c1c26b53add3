//! The command line and the environment of `sotto-peer`.

use std::path::PathBuf;

use sotto_session::REKEY_EVERY_S;
pub use sotto_session_api::options::{Help, UsageError};
use sotto_session_api::{CameraChoice, MicrophoneChoice, ProfileRole, SpeakerChoice, VideoOut, options::Options};

/// Text for `--help`.
pub const USAGE: &str = "\
sotto-peer --role therapist|client [--profile DIR] [--rendezvous URL] [--ca FILE] [--relay-only true|false]
           [--camera test|file:CLIP.y4m|device[:NAME]|none] [--mic test|file:VOICE.wav|device[:NAME]|none]
           [--video-size 640x480|1280x720] [--screen none]
           [--video-out none|png:DIR|y4m:FILE] [--audio-out none|wav:FILE|device[:NAME]]
           [--stats-every SECONDS] [--rekey-seconds SECONDS] [--passphrase-fd N] [--log error|warn|info|debug|trace]
           [--move-file FILE --move-words FILE]

One JSON command a line on standard input, one JSON event a line on standard output, logs on standard error.
The end of the input ends the session properly. Commands, events and exit statuses: docs/PEER.md.
sotto-peer --check-log FILE checks an exported record (the rows of `log`, one a line) and starts nothing.
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
    /// Seconds from one rekey to the next.
    pub rekey_seconds: u32,
    /// Descriptor that the passphrase is read from.
    pub passphrase_fd: Option<u32>,
    /// A profile of another computer, for a folder that has none, and the file that holds its words.
    pub moved: Option<(PathBuf, PathBuf)>,
    /// What is logged on standard error.
    pub log: String,
}

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
    "rekey-seconds",
    "passphrase-fd",
    "move-file",
    "move-words",
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
        match options.text("screen").as_deref() {
            None | Some("none") => {}
            Some("device" | "test") => {
                return Err(UsageError("--screen: sharing does not exist in this version yet".into()));
            }
            Some(_) => return Err(UsageError::wrong("screen", "none")),
        }
        let moved = match (options.text("move-file"), options.text("move-words")) {
            (Some(file), Some(words)) => Some((file.into(), words.into())),
            (None, None) => None,
            _ => return Err(UsageError("--move-file and --move-words belong together".into())),
        };
        let roles = [("therapist", ProfileRole::Therapist), ("client", ProfileRole::Client)];
        let no_role = || UsageError("--role therapist or --role client is needed".into());
        let is_true = [("true", true), ("false", false)];
        Ok(Ok(Self {
            profile: options.profile()?,
            role: options.one_of("role", &roles)?.ok_or_else(no_role)?,
            rendezvous: options.text("rendezvous"),
            ca: options.text("ca").map(PathBuf::from),
            relay_only: options.one_of("relay-only", &is_true)?.unwrap_or(true),
            camera: options.choice("camera")?.unwrap_or(CameraChoice::Device(None)),
            microphone: options.choice("mic")?.unwrap_or(MicrophoneChoice::Device(None)),
            speaker: options.choice("audio-out")?.unwrap_or(SpeakerChoice::Device(None)),
            video_out: options.choice("video-out")?.unwrap_or(VideoOut::None),
            video_size: options.video_size()?,
            stats_every: options.number("stats-every", &(1..=86_400))?,
            rekey_seconds: options.number("rekey-seconds", &(1..=REKEY_EVERY_S))?.unwrap_or(REKEY_EVERY_S),
            passphrase_fd: options.number("passphrase-fd", &(0..=1_048_576))?,
            moved,
            log: options.log()?,
        }))
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
