//! The demo with two real windows: for two people at one computer, or (`--auto`) for a program that presses the keys.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use serde_json::Value;

use crate::{
    Failure, Outcome,
    demo::{Options, Server},
    progress::Progress,
    run::{Programs, cargo, target_folder},
    system,
};

/// Correlation and intelligibility (STOI) that speech must have at the other speaker. Starved sound, broken off every
/// few frames, had 0.3 and 0.45; good sound on a machine with other work had 0.56 and 0.87, without it above 0.93 and
/// 0.95. The figures are in the report; this only tells whether people could talk.
const HEARD: (f64, f64) = (0.4, 0.6);

/// Programs with a window.
struct Windows {
    sotto: PathBuf,
    rendezvous: PathBuf,
    hands: PathBuf,
}

/// Whether there is a display to open windows on.
pub(crate) fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Always the same packages: others would make cargo build what they share a second time.
fn build(progress: &Progress) -> Outcome<Windows> {
    let mut command = cargo();
    command.args(["build", "--locked", "-p", "sotto", "-p", "sotto-rendezvous-server", "-p", "sotto-hands"]);
    progress.step(
        "Building the window and the server (the first time takes some fifteen minutes on two cores)",
        &mut command,
    )?;
    let folder = target_folder()?.join("debug");
    let program = |name: &str| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    Ok(Windows { sotto: program("sotto"), rendezvous: program("sotto-rendezvous"), hands: program("sotto-hands") })
}

fn fresh(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(fs::create_dir_all(folder)?),
    }
}

// ---- two windows and a program that uses them ----

/// `cargo xtask demo --auto`: two sessions in each of two looks and languages, with pictures of every step.
pub(crate) fn auto(options: &Options) -> Outcome {
    system::ensure_build_packages()?;
    system::ensure_hands_packages()?;
    let progress = Progress::start();
    let windows = build(&progress)?;
    let mut report = String::from("# Two windows, used by their keys\n\n");
    for (language, theme) in [("en", "light"), ("de", "dark")] {
        let figures = use_windows(&windows, options, language, theme, false, &progress)?;
        report.push_str(&table(&format!("{language}, {theme}"), &figures));
        judge(&figures)?;
    }
    report.push_str("\nA picture of every step is in `windows-LANGUAGE-LOOK/`.\n");
    fs::write(options.out.join("windows.md"), &report)?;
    println!("{report}");
    progress.say(&format!("Report: {}", options.out.join("windows.md").display()));
    Ok(())
}

/// `cargo xtask bench window`: what the window costs while nothing happens.
pub(crate) fn bench(options: &Options) -> Outcome {
    system::ensure_build_packages()?;
    system::ensure_hands_packages()?;
    let progress = Progress::start();
    let windows = build(&progress)?;
    let figures = use_windows(&windows, options, "en", "light", true, &progress)?;
    let text = table("en, light", &figures);
    fs::write(options.out.join("window.md"), &text)?;
    println!("{text}");
    Ok(())
}

fn use_windows(
    windows: &Windows,
    options: &Options,
    language: &str,
    theme: &str,
    figures: bool,
    progress: &Progress,
) -> Outcome<Value> {
    let name = format!("windows-{language}-{theme}");
    let (folder, pictures) = (options.out.join("run"), options.out.join(&name));
    fresh(&folder)?;
    fresh(&pictures)?;
    progress.say(&format!("Two windows, {language}, {theme}"));
    let mut command = Command::new(&windows.hands);
    command.arg("--sotto").arg(&windows.sotto).arg("--rendezvous").arg(&windows.rendezvous);
    command.arg("--folder").arg(&folder).arg("--pictures").arg(&pictures);
    command.args(["--language", language, "--theme", theme, "--seconds", &options.open.as_secs().max(8).to_string()]);
    if figures {
        command.arg("--figures");
    }
    // Sockets of the sound servers and the software renderer's cache.
    let runtime = RuntimeFolder::make()?;
    command.env("XDG_RUNTIME_DIR", &runtime.0);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "the windows could not be used to the end; pictures: {}",
            pictures.display()
        )));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Failure::new(format!("sotto-hands: {error}")))
}

/// A private one, gone when dropped: what stands in the environment may belong to somebody else's desktop, or be
/// missing. It is short, because the path of a socket may have 107 bytes.
struct RuntimeFolder(PathBuf);

impl RuntimeFolder {
    fn make() -> Outcome<Self> {
        let runtime = std::env::temp_dir().join(format!("sotto-windows-{}", std::process::id()));
        fresh(&runtime)?;
        #[cfg(unix)]
        fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(Self(runtime))
    }
}

impl Drop for RuntimeFolder {
    fn drop(&mut self) {
        // What is left of it is in the folder for temporary files.
        let _removed = fs::remove_dir_all(&self.0);
    }
}

fn judge(figures: &Value) -> Outcome {
    for role in ["therapist", "client"] {
        let heard = &figures["heard"][role];
        let (correlation, stoi) = (heard["correlation"].as_f64(), heard["stoi"].as_f64());
        if correlation.is_none_or(|value| value < HEARD.0) || stoi.is_none_or(|value| value < HEARD.1) {
            return Err(Failure::new(format!("{role}: the other's speech did not come out of the speaker: {heard}")));
        }
    }
    Ok(())
}

fn table(name: &str, figures: &Value) -> String {
    let mut text = format!("\n| {name} | therapist | client |\n|---|---|---|\n");
    let both = |what: &str, of: &Value, field: Option<&str>, digits: usize| {
        let one = |role: &str| {
            let value = field.map_or(&of[role], |field| &of[role][field]);
            value.as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        format!("| {what} | {} | {} |\n", one("therapist"), one("client"))
    };
    text.push_str(&both("speech heard: correlation", &figures["heard"], Some("correlation"), 3));
    text.push_str(&both("speech heard: STOI", &figures["heard"], Some("stoi"), 3));
    text.push_str(&both("Admit → first picture, ms", &figures["admit_to_picture_ms"], None, 0));
    text.push_str(&both("End → sound devices free, ms (wanted: 500)", &figures["released_ms"], None, 0));
    text.push_str(&both(
        "processor-seconds per second in the session (software rendering)",
        &figures["session_processor"],
        None,
        2,
    ));
    text.push_str(&format!(
        "\nstart → usable window {} ms; code → waiting room {} ms\n",
        figures["usable_ms"], figures["code_to_waiting_ms"]
    ));
    if let Some(idle) = figures["waiting_processor"].as_object() {
        text.push_str(&format!(
            "\nprocessor-seconds per second, nobody does anything: waiting room with own picture {:.3}, with it hidden \
             {:.3}; session with a moving picture {:.3}, with a standing one {:.3}\n",
            idle["own_picture"].as_f64().unwrap_or(f64::NAN),
            idle["hidden"].as_f64().unwrap_or(f64::NAN),
            figures["frozen_processor"]["moving"].as_f64().unwrap_or(f64::NAN),
            figures["frozen_processor"]["standing"].as_f64().unwrap_or(f64::NAN),
        ));
    }
    text
}

// ---- two windows for people ----

/// What to do on each screen, by its name; a person reads it in the terminal.
const HINTS: &[(&str, &str)] = &[
    ("welcome", "In one window choose “I’m a therapist”, in the other “I have an invite code”."),
    ("first-start", "Choose any passphrase and go on; the server of this demo is filled in already."),
    ("room", "Therapist: press “New client”, give a label, make a code."),
    ("invite", "Read the code in the therapist’s window and type it into the client’s."),
    ("waiting", "The client waits. Therapist: go to “Room” and press “Admit”."),
    ("compare", "Both: read your own words (aloud, or to yourself), and pick them in the other window."),
    ("session", "You are in a session. Try Mute, Chat, “Can anyone listen?”. “End” ends it on both sides."),
    ("ended", "That was all. Close both windows, or go on: the second time no code is needed."),
];

/// `cargo xtask demo` on a display: both sides on one screen.
pub(crate) fn watch(options: &Options) -> Outcome {
    system::ensure_build_packages()?;
    system::ensure_window_packages()?;
    let progress = Progress::start();
    let windows = build(&progress)?;
    let folder = options.out.join("run");
    fresh(&folder)?;
    let programs = Programs { peer: PathBuf::new(), rendezvous: windows.rendezvous.clone() };
    let server = Server::start(&programs, &folder)?;
    let (sender, screens) = mpsc::channel();
    // One camera can't feed two programs, and two open microphones howl: the therapist's side is a clip, and silent.
    let mut therapist = open(
        &windows,
        &folder,
        "therapist",
        &server.url,
        &["--camera", "test", "--mic", "test", "--audio-out", "none"],
        &sender,
    )?;
    let camera = if Path::new("/dev/video0").exists() { "device" } else { "test" };
    let mut client = open(&windows, &folder, "client", &server.url, &["--camera", camera], &sender)?;
    drop(sender);
    progress.say("Two windows open. Put them side by side.");
    let mut said = BTreeSet::new();
    for screen in screens {
        if let Some((_, hint)) = HINTS.iter().find(|(of, _)| *of == screen)
            && said.insert(*hint)
        {
            progress.say(hint);
        }
    }
    for (role, window) in [("therapist", &mut therapist), ("client", &mut client)] {
        let status = window.wait()?;
        if !status.success() {
            return Err(Failure::new(format!(
                "the {role}’s window ended with {status}; log: {}",
                folder.join(format!("{role}.log")).display()
            )));
        }
    }
    server.program.stop()?;
    Ok(())
}

/// Opens a window; the names of its screens go to `screens`, its log to a file.
fn open(
    windows: &Windows,
    folder: &Path,
    role: &'static str,
    server: &str,
    devices: &[&str],
    screens: &mpsc::Sender<String>,
) -> Outcome<Child> {
    let mut child = Command::new(&windows.sotto)
        .args(["--log", "info", "--window", "960x720", "--rendezvous", server, "--profile"])
        .arg(folder.join(role))
        .args(devices)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("{}: {error}", windows.sotto.display())))?;
    let output = child.stderr.take().expect("stderr is piped above");
    let mut log = File::create(folder.join(format!("{role}.log")))?;
    let screens = screens.clone();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The log is for people who look for a failure; the demo does not depend on it.
            let _written = writeln!(log, "{line}");
            if let Some(screen) = screen_of(&line)
                && screens.send(screen).is_err()
            {
                return;
            }
        }
    });
    Ok(child)
}

fn screen_of(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("screen=\"")?;
    rest.split_once('"').map(|(screen, _)| screen.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_is_read_from_the_log() {
        let line = "2026-03-03T09:56:00Z  INFO sotto::app: shown screen=\"room\"";
        assert_eq!(screen_of(line).as_deref(), Some("room"));
        assert_eq!(screen_of("nothing of the kind"), None);
    }

    #[test]
    fn speech_that_did_not_come_through_is_a_failure() {
        let good = serde_json::json!({"correlation": 0.9, "stoi": 0.95});
        let bad = serde_json::json!({"correlation": 0.1, "stoi": 0.95});
        assert!(judge(&serde_json::json!({"heard": {"therapist": good, "client": good}})).is_ok());
        assert!(judge(&serde_json::json!({"heard": {"therapist": good, "client": bad}})).is_err());
        assert!(judge(&serde_json::json!({"heard": {"therapist": good}})).is_err(), "nothing heard is no success");
    }
}
