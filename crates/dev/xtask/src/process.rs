//! A program of ours as a child process that speaks JSON lines; ended when dropped, whatever happens.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{Failure, Outcome};

/// A running program: commands in, events out, logs in a file.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Event>,
    /// Events that nobody has asked for yet, oldest first.
    pending: VecDeque<Event>,
    /// Every event so far.
    all: Vec<Event>,
    log: PathBuf,
}

/// One line of standard output, with the time at which it was read.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// When this process read it.
    pub(crate) at: Instant,
    /// The line.
    pub(crate) value: Value,
}

impl Event {
    /// Its `event` field.
    pub(crate) fn name(&self) -> &str {
        self.value["event"].as_str().unwrap_or_default()
    }
}

impl Program {
    /// Starts `command`; events and logs are also written to `folder/NAME.events.jsonl` and `folder/NAME.log`.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path) -> Outcome<Self> {
        let log = folder.join(format!("{name}.log"));
        let mut record = File::create(folder.join(format!("{name}.events.jsonl")))?;
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?).spawn().map_err(
                |error| Failure::new(format!("{name}: {} can't be started: {error}", command.get_program().display())),
            )?;
        let input = child.stdin.take();
        let output = child.stdout.take().expect("stdout is piped above");
        let (sender, lines): (Sender<Event>, _) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                let Ok(line) = line else { return };
                let at = Instant::now();
                // The record is for people who look for a failure; the run does not depend on it.
                let _written = record.write_all(&line).and_then(|()| record.write_all(b"\n"));
                let value = serde_json::from_slice(&line).unwrap_or_else(
                    |_| serde_json::json!({"event": "not-json", "line": String::from_utf8_lossy(&line)}),
                );
                if sender.send(Event { at, value }).is_err() {
                    return;
                }
            }
        });
        Ok(Self { name: name.to_owned(), child, input, lines, pending: VecDeque::new(), all: Vec::new(), log })
    }

    /// Sends one command; returns when it was sent.
    pub(crate) fn send(&mut self, command: &Value) -> Outcome<Instant> {
        let input = self.input.as_mut().ok_or_else(|| Failure::new(format!("{}: its input is closed", self.name)))?;
        let at = Instant::now();
        writeln!(input, "{command}").and_then(|()| input.flush()).map_err(|error| {
            Failure::new(format!(
                "{} does not take commands any more ({error}); log: {}",
                self.name,
                self.log.display()
            ))
        })?;
        Ok(at)
    }

    /// Waits for the next event of this name for which `wanted` holds. `error` and an early `ended` are failures.
    pub(crate) fn wait(&mut self, event: &str, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Outcome<Event> {
        let deadline = Instant::now() + limit;
        let mut looked_at = 0;
        loop {
            while looked_at < self.pending.len() {
                let candidate = &self.pending[looked_at];
                if candidate.name() == event && wanted(&candidate.value) {
                    return Ok(self.pending.remove(looked_at).expect("the index was just read"));
                }
                let fatal = match candidate.name() {
                    "error" | "not-json" => true,
                    "ended" => event != "ended",
                    _ => false,
                };
                if fatal {
                    return Err(self.failure(&format!("while waiting for `{event}` it reported {}", candidate.value)));
                }
                looked_at += 1;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.all.push(line.clone());
                    self.pending.push_back(line);
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(self.failure(&format!("no `{event}` within {} s", limit.as_secs())));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.failure(&format!("it stopped while `{event}` was expected")));
                }
            }
        }
    }

    /// Waits for an event of this name that was read after `from`.
    pub(crate) fn wait_since(&mut self, event: &str, from: Instant, limit: Duration) -> Outcome<Event> {
        self.pending.retain(|candidate| candidate.name() != event || candidate.at >= from);
        loop {
            let found = self.wait(event, limit, |_| true)?;
            if found.at >= from {
                return Ok(found);
            }
        }
    }

    /// Takes in what has arrived; the newest event of this name for which `wanted` holds, if any.
    pub(crate) fn latest(&mut self, event: &str, wanted: impl Fn(&Value) -> bool) -> Option<Event> {
        while let Ok(line) = self.lines.try_recv() {
            self.all.push(line.clone());
            self.pending.push_back(line);
        }
        self.all.iter().rev().find(|candidate| candidate.name() == event && wanted(&candidate.value)).cloned()
    }

    /// All events of this name so far.
    pub(crate) fn events(&mut self, event: &str) -> Vec<Event> {
        let _newest = self.latest(event, |_| false);
        self.all.iter().filter(|candidate| candidate.name() == event).cloned().collect()
    }

    /// Closes its input and waits for its end, which must be a good one.
    pub(crate) fn finish(mut self, limit: Duration) -> Outcome {
        self.input = None;
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { Err(self.failure(&format!("it ended with {status}"))) };
            }
            if Instant::now() > deadline {
                return Err(self.failure(&format!("it did not end within {} s", limit.as_secs())));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends a program that has no end of its own (the server).
    pub(crate) fn stop(mut self) -> Outcome<ExitStatus> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    fn failure(&self, what: &str) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(5).collect::<Vec<_>>().into_iter().rev().collect();
        let events: Vec<String> = self.all.iter().rev().take(6).map(|event| event.value.to_string()).collect();
        let events = events.into_iter().rev().map(|line| format!("\n    {}", shorten(&line))).collect::<String>();
        Failure::new(format!(
            "{}: {what}\n  its last events:{events}\n  its log ({}):{}",
            self.name,
            self.log.display(),
            tail.iter().map(|line| format!("\n    {}", shorten(line))).collect::<String>()
        ))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Already lost or already failed: nothing better can be done with an error here.
            let _killed = self.child.kill();
            let _status = self.child.wait();
        }
    }
}

fn shorten(line: &str) -> String {
    if line.chars().count() > 300 { line.chars().take(300).chain(['…']).collect() } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Program, PathBuf) {
        let folder =
            std::env::temp_dir().join(format!("xtask-process-{}-{:?}", std::process::id(), thread::current().id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        (Program::start("child", command, &folder).unwrap(), folder)
    }

    #[test]
    fn events_are_found_out_of_order_and_errors_are_not_overlooked() {
        let (mut child, folder) = shell(
            r#"echo '{"event":"a","n":1}'; echo '{"event":"b"}'; read line; echo '{"event":"error","code":"E"}'; read line"#,
        );
        let limit = Duration::from_secs(10);
        child.wait("b", limit, |_| true).unwrap();
        assert_eq!(child.wait("a", limit, |_| true).unwrap().value["n"], 1);
        child.send(&serde_json::json!({"cmd": "x"})).unwrap();
        let failure = child.wait("c", limit, |_| true).unwrap_err().to_string();
        assert!(failure.contains("\"E\""), "{failure}");
        drop(child);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_program_that_stops_early_or_badly_is_a_failure_with_its_log() {
        let (mut child, folder) = shell("echo trouble >&2; exit 3");
        let failure = child.wait("ready", Duration::from_secs(10), |_| true).unwrap_err().to_string();
        assert!(failure.contains("stopped"), "{failure}");
        let failure = child.finish(Duration::from_secs(10)).unwrap_err().to_string();
        assert!(failure.contains("trouble"), "{failure}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
