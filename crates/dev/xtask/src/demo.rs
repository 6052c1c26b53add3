//! `cargo xtask demo`: two people meet, compare, see and hear each other, on this computer, with every part real.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    Failure, Outcome, claims, picture,
    process::Program,
    progress::{Progress, clock},
    report::{self, Shown},
    run::{self, Programs, workspace},
    session::{self, Meeting, Stage},
    system, windows,
};

/// What the two say; made into speech by espeak-ng where it is installed.
const SPEECH: [(&str, &str); 2] = [
    (
        "en-us",
        "Good morning. It is good to see you again. How was your week? Take the time you need; we have fifty minutes, \
         and nobody else can hear us. Last time we spoke about sleep, and about the walk in the evening.",
    ),
    (
        "en-gb+f3",
        "Good morning. The week was better than the one before. I walked nearly every evening, and I slept through \
         three nights. On Thursday it was difficult again, and I would like to talk about that.",
    ),
];

/// Runs the task: with two windows where there is a display, else without.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let rest: Vec<String> =
        arguments.iter().filter(|argument| !["--auto", "--headless"].contains(&argument.as_str())).cloned().collect();
    let options = Options::parse(&rest, 20, "demo-report")?;
    if asked("--auto") {
        windows::auto(&options)
    } else if asked("--headless") || !windows::has_display() {
        headless(&options)
    } else {
        windows::watch(&options)
    }
}

fn headless(options: &Options) -> Outcome {
    system::ensure_build_packages()?;
    let progress = Progress::start();
    let programs = run::build(&progress)?;
    let voices = voices(&options.out.join("voices"), &progress)?;
    let folder = options.out.join("run");
    // A demo begins with two new profiles.
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    let built = progress.elapsed();

    let server = Server::start(&programs, &folder)?;
    progress.say("rendezvous server and relay: running on this computer");
    let stage =
        Stage { programs: &programs, folder: &folder, rendezvous: &server.url, voices: voices.clone(), pictures: true };
    progress.say("— First session: by a spoken code —");
    let first = session::hold(&stage, &progress, session::start(&stage, Meeting::Code)?, Meeting::Code, options.open)?;
    progress.say("— Second session: the same two, by the keys they have pinned, without a code —");
    let short = options.open.min(Duration::from_secs(8));
    let second = session::hold(&stage, &progress, session::start(&stage, Meeting::Pinned)?, Meeting::Pinned, short)?;
    server.program.stop()?;
    for session in [&first, &second] {
        claims::check(session)?;
    }
    progress.say("checked: AES-256-GCM, relayed, one size of sound packets, nothing forged, no silence");

    let mut pictures = Vec::new();
    for (name, side) in [("therapist", &first.therapist), ("client", &first.client)] {
        let saw = side.saw.as_deref().ok_or_else(|| Failure::new("the demo keeps pictures"))?;
        pictures.push(Shown { seen: picture::count(saw), kept: picture::keep_two(saw, &options.out, name)? });
    }
    for meeting in [Meeting::Code, Meeting::Pinned] {
        for role in ["therapist", "client"] {
            fs::remove_dir_all(folder.join(format!("{role}-saw-{}", session::name(meeting))))?;
        }
    }
    if first.therapist.fingerprint != second.client.fingerprint
        || first.client.fingerprint != second.therapist.fingerprint
    {
        return Err(Failure::new("the fingerprint of the pair changed between the two sessions"));
    }
    if first.therapist.words == second.therapist.words && first.client.words == second.client.words {
        return Err(Failure::new("the session words were the same twice"));
    }

    let text = report::write(&[first, second], &pictures, voices.is_some(), &options.out.join("report.md"))?;
    println!("{text}");
    progress.say(&format!(
        "Report: {} (building took {}, the two sessions {})",
        options.out.join("report.md").display(),
        clock(built),
        clock(progress.elapsed().saturating_sub(built))
    ));
    Ok(())
}

/// `--seconds N --out DIR`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Length of the open session.
    pub(crate) open: Duration,
    /// Where the report goes.
    pub(crate) out: PathBuf,
}

impl Options {
    /// Reads them; `out` is taken from the workspace's top unless absolute.
    pub(crate) fn parse(arguments: &[String], seconds: u64, out: &str) -> Outcome<Self> {
        let mut options = Self { open: Duration::from_secs(seconds), out: workspace().join(out) };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let value = rest.next().ok_or_else(|| Failure::new(format!("{argument} needs a value")));
            match argument.as_str() {
                "--seconds" => {
                    let value = value?;
                    let seconds = value.parse().ok().filter(|seconds| (3..=86_400).contains(seconds));
                    options.open = Duration::from_secs(
                        seconds.ok_or_else(|| Failure::new(format!("--seconds {value}: 3 to 86400")))?,
                    );
                }
                "--out" => options.out = workspace().join(value?),
                other => {
                    return Err(Failure::new(format!("unknown option {other}; there are --seconds N and --out DIR")));
                }
            }
        }
        Ok(options)
    }
}

/// A rendezvous server with its embedded relay, on loopback.
#[derive(Debug)]
pub(crate) struct Server {
    /// The process.
    pub(crate) program: Program,
    /// Where the sides reach it.
    pub(crate) url: String,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(programs: &Programs, folder: &Path) -> Outcome<Self> {
        let mut command = Command::new(&programs.rendezvous);
        command.args(["--listen", "127.0.0.1:0", "--embedded-relay"]);
        let mut program = Program::start("rendezvous", command, folder)?;
        let ready = program.wait("ready", Duration::from_secs(20), |_| true)?;
        let url =
            ready.value["url"].as_str().ok_or_else(|| Failure::new(format!("no url in {}", ready.value)))?.to_owned();
        Ok(Self { program, url })
    }
}

/// Speech for both, if espeak-ng is there or can be installed.
pub(crate) fn voices(folder: &Path, progress: &Progress) -> Outcome<Option<[PathBuf; 2]>> {
    let Some(espeak) = system::try_speech() else {
        progress.say("voices: espeak-ng is not here, so both speak with the built-in test sound");
        return Ok(None);
    };
    fs::create_dir_all(folder)?;
    let files = [folder.join("therapist.wav"), folder.join("client.wav")];
    for ((voice, text), file) in SPEECH.into_iter().zip(&files) {
        let status = Command::new(&espeak).args(["-v", voice, "-s", "150", "-w"]).arg(file).arg(text).status()?;
        if !status.success() || !file.exists() {
            progress.say("voices: espeak-ng made none, so both speak with the built-in test sound");
            return Ok(None);
        }
    }
    Ok(Some(files))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Outcome<Options> {
        Options::parse(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>(), 20, "demo-report")
    }

    #[test]
    fn options_have_defaults_and_limits() {
        assert_eq!(parse(&[]).unwrap().open, Duration::from_secs(20));
        assert_eq!(parse(&["--seconds", "5", "--out", "/x/y"]).unwrap().out, PathBuf::from("/x/y"));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "soon"], &["--loud", "1"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
