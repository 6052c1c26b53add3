//! One `sotto-peer` process.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use sotto_netlab::lab::{Lab, Site};

use crate::figure;

/// How a peer is started.
#[derive(Clone, Debug)]
pub struct PeerSetup {
    /// Name in messages of failed tests.
    pub name: &'static str,
    /// Program.
    pub program: PathBuf,
    /// `therapist` or `client`.
    pub role: &'static str,
    /// Profile folder.
    pub profile: PathBuf,
    /// Everything else on the command line.
    pub arguments: Vec<String>,
    /// Environment variables besides the test's own.
    pub environment: Vec<(&'static str, PathBuf)>,
}

impl PeerSetup {
    /// A peer with test camera and test microphone, and nowhere to play.
    #[must_use]
    pub fn new(program: &Path, role: &'static str, profile: PathBuf) -> Self {
        Self { name: role, program: program.to_owned(), role, profile, arguments: Vec::new(), environment: Vec::new() }
            .with("--camera", "test")
            .with("--mic", "test")
            .with("--video-out", "none")
            .with("--audio-out", "none")
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with_variable(mut self, name: &'static str, value: PathBuf) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Sets an option; an earlier value of it is replaced.
    #[must_use]
    pub fn with(mut self, option: &str, value: impl AsRef<Path>) -> Self {
        if let Some(at) = self.arguments.iter().position(|argument| argument == option) {
            self.arguments.drain(at..at + 2);
        }
        self.arguments
            .extend([option.to_owned(), value.as_ref().to_str().expect("paths of tests are UTF-8").to_owned()]);
        self
    }
}

#[derive(Default)]
struct Heard {
    events: Vec<Received>,
    errors: Vec<String>,
    /// Standard output has ended.
    closed: bool,
    /// Standard error has ended.
    said_all: bool,
}

struct Received {
    event: Value,
    at: Instant,
    taken: bool,
}

/// A running peer; dropping it ends the process.
pub struct Peer {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

impl Peer {
    /// Starts a peer and waits for `ready`.
    ///
    /// # Panics
    /// If it doesn't start.
    #[must_use]
    pub fn start(setup: &PeerSetup) -> Self {
        Self::start_by(Command::new(&setup.program), setup)
    }

    /// Starts a peer at a place of a laboratory.
    ///
    /// # Panics
    /// If it doesn't start.
    #[must_use]
    pub fn start_in(lab: &Lab, site: Site, setup: &PeerSetup) -> Self {
        Self::start_by(lab.command(site, &setup.program), setup)
    }

    /// Starts a peer as an ordinary person does: without root's privileges, also where a test has them.
    ///
    /// # Panics
    /// If it doesn't start.
    #[must_use]
    pub fn start_ordinary(setup: &PeerSetup) -> Self {
        Self::start_by(sotto_netlab::ordinary(&setup.program), setup)
    }

    /// Starts a peer that is to refuse to: how it ends, and what it says.
    ///
    /// # Panics
    /// If it starts.
    #[must_use]
    pub fn refused(setup: &PeerSetup) -> (Option<i32>, String) {
        let mut peer = Self::spawn(Command::new(&setup.program), setup);
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(Some(status)) = peer.child.try_wait() {
                // Its last words are read.
                while !peer.heard.0.lock().unwrap_or_else(PoisonError::into_inner).said_all {
                    assert!(Instant::now() < until, "{} ended, and its standard error didn't", peer.name);
                    std::thread::sleep(Duration::from_millis(5));
                }
                return (status.code(), peer.errors());
            }
            let ready = !peer.told("ready").is_empty();
            assert!(!ready && Instant::now() < until, "{} starts:\n{}", peer.name, peer.story());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn start_by(command: Command, setup: &PeerSetup) -> Self {
        let mut peer = Self::spawn(command, setup);
        peer.expect("ready", 30, |_| true);
        peer
    }

    fn spawn(mut command: Command, setup: &PeerSetup) -> Self {
        command.arg("--profile").arg(&setup.profile).args(["--role", setup.role]).args(&setup.arguments);
        command.envs(setup.environment.iter().map(|(name, value)| (name, value)));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {} does not start: {error}", setup.name, setup.program.display()));
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let (output, errors) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let listener = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nothing but events may be on standard output; what isn't one fails the next step.
                let event = serde_json::from_str(&line)
                    .unwrap_or_else(|_| serde_json::json!({"event": "NOT AN EVENT", "line": line}));
                note(&listener, |heard| heard.events.push(Received { event, at: Instant::now(), taken: false }));
            }
            note(&listener, |heard| heard.closed = true);
        });
        let listener = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                note(&listener, |heard| heard.errors.push(line));
            }
            note(&listener, |heard| heard.said_all = true);
        });
        let input = child.stdin.take();
        Self { name: setup.name, child, input, heard }
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a command.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn send(&mut self, command: &Value) {
        let line = format!("{command}\n");
        let sent = self.input.as_mut().is_some_and(|input| input.write_all(line.as_bytes()).is_ok());
        assert!(sent, "{} can't be told {command}:\n{}", self.name, self.story());
    }

    /// Waits for the first event of this name that fits and was not taken by an earlier step, and takes it.
    ///
    /// # Panics
    /// If none comes within `seconds`, with what came instead.
    pub fn expect(&mut self, name: &str, seconds: u64, fits: impl Fn(&Value) -> bool) -> Value {
        self.expect_timed(name, seconds, fits).0
    }

    /// As [`Peer::expect`], with the moment the event was read.
    ///
    /// # Panics
    /// As [`Peer::expect`].
    pub fn expect_timed(&mut self, name: &str, seconds: u64, fits: impl Fn(&Value) -> bool) -> (Value, Instant) {
        let until = Instant::now() + Duration::from_secs(seconds);
        let (heard, changed) = &*self.heard;
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = heard
                .events
                .iter_mut()
                .find(|received| !received.taken && (received.event["event"] == name && fits(&received.event)));
            if let Some(received) = found {
                received.taken = true;
                return (received.event.clone(), received.at);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || heard.closed {
                let gone = if heard.closed { " before it ended" } else { "" };
                drop(heard);
                panic!("{} told no fitting `{name}` within {seconds} s{gone}:\n{}", self.name, self.story());
            }
            heard = changed.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Everything of this name that came so far, taken or not.
    #[must_use]
    pub fn told(&self, name: &str) -> Vec<Value> {
        let heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard
            .events
            .iter()
            .filter(|received| received.event["event"] == name)
            .map(|received| received.event.clone())
            .collect()
    }

    /// Asks for figures and waits for them.
    ///
    /// # Panics
    /// If none come.
    pub fn stats(&mut self) -> Value {
        self.send(&serde_json::json!({"cmd": "stats"}));
        self.expect("stats", 10, |_| true)
    }

    /// Waits until figures, named by JSON pointers, have grown by more than `more` since `before`, or since the start without
    /// it, however long a loaded machine takes for it, and returns the last ones. How fast they grow is judged where
    /// nothing else runs: `e2e/lab`.
    ///
    /// # Panics
    /// If they don't within a minute, or if there is no such figure.
    pub fn gains(&mut self, before: Option<&Value>, figures: &[&str], more: f64) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let now = self.stats();
            let gain = |name: &str| figure(&now, name) - before.map_or(0.0, |before| figure(before, name));
            if figures.iter().all(|name| gain(name) > more) {
                return now;
            }
            assert!(Instant::now() < until, "{figures:?} did not grow by {more}: {before:?} then {now}");
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// What was written to standard error so far.
    #[must_use]
    pub fn errors(&self) -> String {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).errors.join("\n")
    }

    /// Closes standard input, which ends the session properly, and waits for the end of the process.
    ///
    /// # Panics
    /// If it does not end within 20 s.
    pub fn close(mut self) -> ExitStatus {
        self.input = None;
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(Instant::now() < until, "{} does not end:\n{}", self.name, self.story());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The last events and the last lines of standard error, for people who look for a fault.
    #[must_use]
    pub fn story(&self) -> String {
        let heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut story = String::new();
        for received in heard.events.iter().rev().take(25).rev() {
            let mut line = received.event.to_string();
            if line.len() > 400 {
                line = line.chars().take(400).collect::<String>() + " …";
            }
            let _ = writeln!(story, "  {} {line}", if received.taken { " " } else { "?" });
        }
        for line in heard.errors.iter().rev().take(15).rev() {
            let _ = writeln!(story, "  ! {line}");
        }
        story
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:\n{}", self.name, self.story())
    }
}

fn note(heard: &(Mutex<Heard>, Condvar), change: impl FnOnce(&mut Heard)) {
    change(&mut heard.0.lock().unwrap_or_else(PoisonError::into_inner));
    heard.1.notify_all();
}

impl Drop for Peer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} until then:\n{}", self.name, self.story());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
