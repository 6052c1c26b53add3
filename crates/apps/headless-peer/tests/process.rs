//! The program itself: what it prints, when it ends and with which status. No server is needed for any of it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// A folder of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sotto-peer-process-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn peer(profile: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-peer"));
    command
        .env_clear()
        .arg("--profile")
        .arg(profile)
        .args(["--camera", "none", "--mic", "none", "--audio-out", "none"])
        .args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it with this input, to its end.
fn run(profile: &Path, more: &[&str], input: &str) -> (Vec<Value>, Output) {
    let mut child = peer(profile, more).spawn().unwrap();
    // A program that has already refused to start has closed its input.
    let _taken = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let events = lines.lines().map(|line| serde_json::from_str(line).expect("every line is one event")).collect();
    (events, output)
}

fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

#[test]
fn the_end_of_the_input_is_a_clean_end_and_only_events_are_printed() {
    let folder = Folder::new("clean");
    let (events, output) = run(&folder.0, &["--role", "therapist"], "{\"cmd\":\"contacts\"}\n");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(events[0]["event"], "ready");
    assert_eq!(events[0]["fingerprint"].as_str().unwrap().split_whitespace().count(), 6, "{}", events[0]);
    assert_eq!(named(&events, "contacts")[0]["contacts"], serde_json::json!([]));
    let times: Vec<f64> = events.iter().map(|event| event["t"].as_f64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("for tests and demos only"), "a kept passphrase is said: {told}");
}

#[test]
fn lines_that_are_no_commands_are_errors_and_the_program_goes_on() {
    let folder = Folder::new("lines");
    let input = "nonsense\n{\"cmd\":\"end\",\"x\":1}\n{\"cmd\":\"share\",\"on\":true}\n\n{\"cmd\":\"contacts\"}\n{\"cmd\":\"quit\"}\n{\"cmd\":\"contacts\"}\n";
    let (events, output) = run(&folder.0, &["--role", "client"], input);
    assert_eq!(output.status.code(), Some(0));
    let codes: Vec<&str> = named(&events, "error").iter().map(|event| event["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["E_JSON", "E_FIELD", "E_NOT_YET"]);
    assert_eq!(named(&events, "contacts").len(), 1, "nothing is read after quit");
}

#[test]
fn commands_of_the_other_role_or_without_a_session_are_refused() {
    let folder = Folder::new("role");
    let (events, output) = run(
        &folder.0,
        &["--role", "client"],
        "{\"cmd\":\"invite\",\"label\":\"x\",\"form\":\"link\"}\n{\"cmd\":\"end\"}\n",
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(named(&events, "error").len(), 2, "{events:?}");
    assert_eq!(named(&events, "error")[0]["code"], "E_ROLE");
    assert!(named(&events, "invite").is_empty());
}

#[test]
fn a_wrong_command_line_is_status_2_and_prints_nothing() {
    let folder = Folder::new("usage");
    for wrong in [&["--role", "nurse"][..], &[], &["--role", "client", "--frobnicate", "1"]] {
        let (events, output) = run(&folder.0, wrong, "");
        assert_eq!((output.status.code(), events.len()), (Some(2), 0), "{wrong:?}");
    }
    assert!(!folder.0.join("vault.tsp").exists(), "no profile is made by a wrong command line");
}

/// A running peer that has said `ready`.
fn started(profile: &Path, role: &str) -> Child {
    let mut child = peer(profile, &["--role", role]).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"event\":\"ready\""), "{line}");
    // Events that nobody reads would fill the pipe and stop the program.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    child
}

#[test]
fn a_second_program_on_the_same_profile_is_refused_and_the_first_goes_on() {
    let folder = Folder::new("second");
    let mut first = started(&folder.0, "client");
    let (events, output) = run(&folder.0, &["--role", "client"], "");
    assert_eq!((output.status.code(), events.len()), (Some(3), 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("in use"));
    assert!(first.try_wait().unwrap().is_none());
    drop(first.stdin.take());
    assert_eq!(first.wait().unwrap().code(), Some(0));
}

#[test]
fn a_termination_signal_is_a_clean_end() {
    let folder = Folder::new("signal");
    let mut child = started(&folder.0, "therapist");
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn wrong_passphrase_damage_and_wrong_role_are_status_3() {
    let folder = Folder::new("vault");
    let (_, output) = run(&folder.0, &["--role", "client"], "");
    assert_eq!(output.status.code(), Some(0));
    let (_, output) = run(&folder.0, &["--role", "therapist"], "");
    assert_eq!(output.status.code(), Some(3), "the other role");
    let right = fs::read(folder.0.join("passphrase")).unwrap();
    fs::write(folder.0.join("passphrase"), "wrong\n").unwrap();
    let (events, output) = run(&folder.0, &["--role", "client"], "");
    assert_eq!((output.status.code(), events.len()), (Some(3), 0), "the wrong passphrase");
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    fs::write(folder.0.join("passphrase"), right).unwrap();
    let mut vault = fs::read(folder.0.join("vault.tsp")).unwrap();
    let last = vault.len() - 1;
    vault[last] ^= 1;
    fs::write(folder.0.join("vault.tsp"), vault).unwrap();
    let (_, output) = run(&folder.0, &["--role", "client"], "");
    assert_eq!(output.status.code(), Some(3), "a damaged vault");
    assert_eq!(String::from_utf8_lossy(&output.stderr), wrong, "wrong passphrase and damage look the same");
}
