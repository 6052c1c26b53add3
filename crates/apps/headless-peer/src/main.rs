//! `sotto-peer`: reads commands, writes events. See the library for how they look, and `docs/PEER.md`.
#![forbid(unsafe_code)]

#[cfg(feature = "dangerous-plaintext-for-test")]
mod dangerous_plaintext;
#[cfg(feature = "lying-candidates-for-test")]
mod lying_candidates;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use sotto_identity::event_log::{EventLog, hex};
use sotto_peer::{
    Arguments, Forgetful, Line, Lines, ParseError, USAGE, find_passphrase, find_words, parse_command, render_error,
    render_event,
};
use sotto_session::{Config, Moved, SessionHandle, start};
use sotto_session_api::{Command, EndReason, Event};

/// What is given back is overwritten first: copies that the parts under us make of keys and words go with it.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// Checks an exported record; nothing else is started.
fn check_log(file: Option<String>) -> ExitCode {
    let Some(text) = file.and_then(|file| std::fs::read_to_string(file).ok()) else {
        eprintln!("sotto-peer: --check-log FILE: the file can't be read");
        return ExitCode::from(USAGE_STATUS);
    };
    match EventLog::from_export(&text).map(|log| (log.first_changed(), log)) {
        Some((None, log)) => {
            let (lines, head) = (log.lines.len(), hex(&log.head()));
            let checked = serde_json::json!({"event": "log_checked", "lines": lines, "head": head});
            match writeln!(io::stdout(), "{checked}") {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::from(UNCLEAN),
            }
        }
        Some((Some(number), _)) => {
            eprintln!("sotto-peer: line {number} is not what it was, or a line before it is missing");
            ExitCode::from(UNCLEAN)
        }
        None => {
            eprintln!("sotto-peer: this is no exported record");
            ExitCode::from(UNCLEAN)
        }
    }
}

/// The session did not end cleanly.
const UNCLEAN: u8 = 1;
/// The command line is wrong.
const USAGE_STATUS: u8 = 2;
/// The profile could not be opened.
const NOT_STARTED: u8 = 3;

/// After Quit the engine has this long: an END is answered within 3 s (PROTOCOL §8), devices and files close after it.
const QUIT_LIMIT: Duration = Duration::from_secs(12);

fn main() -> ExitCode {
    let began = Instant::now();
    let mut asked = std::env::args().skip(1);
    if asked.next().as_deref() == Some("--check-log") {
        return check_log(asked.next());
    }
    let arguments = match Arguments::parse(std::env::args().skip(1), |name| std::env::var(name).ok()) {
        Ok(Ok(arguments)) => arguments,
        Ok(Err(_help)) => {
            eprintln!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("sotto-peer: {}\n\n{USAGE}", error.0);
            return ExitCode::from(USAGE_STATUS);
        }
    };
    log_to_standard_error(&arguments.log);
    // Before the passphrase is read.
    sotto_session::harden();
    #[cfg(feature = "dangerous-plaintext-for-test")]
    dangerous_plaintext::start();
    #[cfg(feature = "lying-candidates-for-test")]
    if !lying_candidates::start() {
        eprintln!("sotto-peer: the file of lies can't be read");
        return ExitCode::from(USAGE_STATUS);
    }

    let (passphrase, kept) = match find_passphrase(&arguments.profile, arguments.passphrase_fd) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("sotto-peer: {error}");
            return ExitCode::from(NOT_STARTED);
        }
    };
    if kept {
        eprintln!("sotto-peer: the passphrase is a random one that lies beside the profile: for tests and demos only");
    }
    let mut config = Config::new(arguments.profile, arguments.role, passphrase);
    config.rendezvous = arguments.rendezvous;
    config.ca_file = arguments.ca;
    config.relay_only = arguments.relay_only;
    config.rekey_every_s = arguments.rekey_seconds;
    config.camera = arguments.camera;
    config.microphone = arguments.microphone;
    config.speaker = arguments.speaker;
    config.video_out = arguments.video_out;
    config.video_size = arguments.video_size;
    if let Some((file, words)) = arguments.moved {
        match find_words(&words) {
            Ok(words) => config.moved = Some(Moved { file, words }),
            Err(error) => {
                eprintln!("sotto-peer: --move-words: {error}");
                return ExitCode::from(NOT_STARTED);
            }
        }
    }
    // 256 random bits need no slow key derivation.
    config.fast_kdf = kept;
    let mut handle = match start(config) {
        Ok(handle) => handle,
        Err(error) => {
            eprintln!("sotto-peer: {error}");
            return ExitCode::from(NOT_STARTED);
        }
    };
    let events = handle.events().expect("the events are taken here for the first time");
    Peer { handle: Mutex::new(handle), began, quitting: AtomicBool::new(false) }.run(&events, arguments.stats_every)
}

/// Only our own crates log, and they never name an address, a label, a code or a key.
fn log_to_standard_error(level: &str) {
    let filter = tracing_subscriber::EnvFilter::new(format!("off,sotto={level}"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
}

struct Peer {
    handle: Mutex<SessionHandle>,
    began: Instant,
    quitting: AtomicBool,
}

impl Peer {
    fn run(self, events: &mpsc::Receiver<Box<Event>>, stats_every: Option<u32>) -> ExitCode {
        let peer = Arc::new(self);
        let reader = peer.clone();
        thread::spawn(move || reader.read_commands());
        let signalled = peer.clone();
        thread::spawn(move || signalled.quit_on_signal());
        if let Some(seconds) = stats_every {
            let timer = peer.clone();
            thread::spawn(move || {
                while !timer.quitting.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_secs(seconds.into()));
                    timer.send(Command::Stats);
                }
            });
        }
        let clean = peer.write_events(events);
        ExitCode::from(if clean { 0 } else { UNCLEAN })
    }

    fn t(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn send(&self, command: Command) {
        if !self.handle.lock().unwrap_or_else(PoisonError::into_inner).send(command) {
            tracing::warn!("the engine takes no more commands");
        }
    }

    fn quit(&self) {
        if !self.quitting.swap(true, Ordering::Relaxed) {
            self.send(Command::Quit);
        }
    }

    /// Standard input, to its end: then the session ends properly.
    fn read_commands(&self) {
        for line in Lines::new(Forgetful::new(io::stdin())) {
            let command = match line {
                Ok(Line::Text(text)) if text.trim().is_empty() => continue,
                Ok(Line::Text(text)) => parse_command(&text),
                Ok(Line::TooLong) => Err(ParseError::TooLong),
                Ok(Line::NotText) => Err(ParseError::NotText),
                Err(error) => {
                    tracing::warn!(%error, "standard input is lost");
                    break;
                }
            };
            match command {
                Ok(Command::Quit) => break,
                Ok(command) => self.send(command),
                Err(error) => {
                    write_line(&render_error(&error, self.t()));
                }
            }
        }
        self.quit();
    }

    /// Every event until the engine stops; whether all was clean.
    fn write_events(&self, events: &mpsc::Receiver<Box<Event>>) -> bool {
        let mut clean = true;
        let mut deadline: Option<Instant> = None;
        loop {
            let event = match events.recv_timeout(Duration::from_millis(250)) {
                Ok(event) => event,
                // The engine's thread is gone without a word: that is not clean.
                Err(mpsc::RecvTimeoutError::Disconnected) => return false,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if self.quitting.load(Ordering::Relaxed) {
                        let deadline = *deadline.get_or_insert_with(|| Instant::now() + QUIT_LIMIT);
                        if Instant::now() > deadline {
                            tracing::error!("the engine did not stop in time");
                            // Dropping the handle would wait for it.
                            std::process::exit(UNCLEAN.into());
                        }
                    }
                    continue;
                }
            };
            match &*event {
                Event::Stopped => return clean,
                Event::Ended { reason, complete } => {
                    clean = matches!((reason, complete), (EndReason::Normal, true) | (EndReason::Denied, _));
                }
                _ => {}
            }
            if let Some(line) = render_event(&event, self.t())
                && !write_line(&line)
            {
                clean = false;
                self.quit();
            }
        }
    }

    /// Interrupt and terminate end the session properly, like the end of the input.
    fn quit_on_signal(&self) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            #[cfg(unix)]
            {
                use tokio::signal::unix::{SignalKind, signal};
                let (Ok(mut interrupt), Ok(mut terminate)) =
                    (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
                else {
                    return;
                };
                tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
            }
            #[cfg(not(unix))]
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            self.quit();
        });
    }
}

/// One line on standard output; false when nobody reads it any more.
fn write_line(line: &str) -> bool {
    let mut output = io::stdout().lock();
    output.write_all(line.as_bytes()).and_then(|()| output.write_all(b"\n")).and_then(|()| output.flush()).is_ok()
}
