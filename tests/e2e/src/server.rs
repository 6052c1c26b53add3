//! One `sotto-rendezvous` process.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use sotto_netlab::lab::{Lab, Site};

/// How a server is started.
#[derive(Clone, Debug)]
pub struct ServerSetup {
    /// Command line.
    pub arguments: Vec<String>,
}

impl ServerSetup {
    /// On a free port of loopback, with its relay.
    #[must_use]
    pub fn loopback() -> Self {
        Self::arguments(&["--listen", "127.0.0.1:0", "--embedded-relay"])
    }

    /// With these arguments.
    #[must_use]
    pub fn arguments(arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
    }
}

/// A running server; dropping it ends the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// The URL to give to peers, with the pin of its certificate if it made one itself.
    pub url: String,
    /// The URL of its relay; empty without one.
    pub relay: String,
    /// What it has written to standard output and to standard error.
    written: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Panics
    /// If it doesn't start within 20 s.
    #[must_use]
    pub fn start(program: &Path, setup: &ServerSetup) -> Self {
        Self::start_by(Command::new(program), setup)
    }

    /// Starts a server at the server's place of a laboratory.
    ///
    /// # Panics
    /// As [`Server::start`].
    #[must_use]
    pub fn start_in(lab: &Lab, program: &Path, setup: &ServerSetup) -> Self {
        Self::start_by(lab.command(Site::Server, program), setup)
    }

    fn start_by(mut command: Command, setup: &ServerSetup) -> Self {
        let mut child = command
            .args(&setup.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let (output, errors) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let written = Arc::<Mutex<String>>::default();
        let (sender, lines) = mpsc::channel();
        let readers = [
            keep(output, &written, move |line| drop(sender.send(line.to_owned()))),
            // A failed test shows it, too.
            keep(errors, &written, |line| eprintln!("{line}")),
        ];
        let line = lines.recv_timeout(Duration::from_secs(20)).unwrap_or_default();
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        if ready["event"] != "ready" {
            let _ = child.kill();
            let _ = readers.map(JoinHandle::join);
            panic!("the server is not ready within 20 s: {}", said(&written));
        }
        let url = ready["url"].as_str().unwrap_or_default();
        let url = match ready["spki"].as_str() {
            Some(pin) if !pin.is_empty() && !url.contains('#') => format!("{url}#spki={pin}"),
            _ => url.to_owned(),
        };
        let relay = ready["relay"].as_str().unwrap_or_default().to_owned();
        Self { child, url, relay, written }
    }

    /// `host:port` of the URL.
    ///
    /// # Panics
    /// If the URL has none.
    #[must_use]
    pub fn address(&self) -> &str {
        let rest = self.url.split("://").nth(1).expect("a URL has a scheme");
        rest.split(['/', '#']).next().expect("a split has a first part")
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has written to standard output and to standard error until now.
    #[must_use]
    pub fn output(&self) -> String {
        said(&self.written)
    }

    /// Ends it at once, as a crash would.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(written: &Mutex<String>) -> String {
    written.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Keeps what comes, line by line, and hands each line on.
fn keep(
    from: impl Read + Send + 'static,
    written: &Arc<Mutex<String>>,
    line: impl Fn(&str) + Send + 'static,
) -> JoinHandle<()> {
    let written = Arc::clone(written);
    std::thread::spawn(move || {
        for bytes in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&bytes);
            *written.lock().unwrap_or_else(PoisonError::into_inner) += &format!("{text}\n");
            line(&text);
        }
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
