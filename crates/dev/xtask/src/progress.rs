//! Progress for a person: what happens now, and how long it has taken.

use std::{
    process::Command,
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, Outcome};

/// How often a long step says that it is still alive.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Clock of one task; every line it prints starts with the time since its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    started: Instant,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Prints a line on standard error.
    pub(crate) fn say(&self, text: &str) {
        eprintln!("[{}] {text}", clock(self.started.elapsed()));
    }

    /// Runs `command` with its output going straight to the terminal, and says so before, meanwhile and after.
    pub(crate) fn step(&self, what: &str, command: &mut Command) -> Outcome {
        self.say(what);
        let begun = Instant::now();
        let status = self.while_alive(what, || command.status());
        let status = status.map_err(|error| {
            Failure::new(format!("{what}: {} can't be started: {error}", command.get_program().display()))
        })?;
        if !status.success() {
            return Err(Failure::new(format!("{what}: failed ({status})\n  command: {}", shown(command))));
        }
        self.say(&format!("{what}: done in {}", clock(begun.elapsed())));
        Ok(())
    }

    /// Runs `work` and says every half minute that it still runs.
    pub(crate) fn while_alive<T>(&self, what: &str, work: impl FnOnce() -> T) -> T {
        let (done, is_done) = channel::<()>();
        let progress = *self;
        let label = what.to_owned();
        let begun = Instant::now();
        let heart = thread::spawn(move || {
            while is_done.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                progress.say(&format!("{label}: still running, {} so far", clock(begun.elapsed())));
            }
        });
        let result = work();
        drop(done);
        heart.join().expect("the heartbeat thread only prints");
        result
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// `1m05s` or `12.3s`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 60 { format!("{}m{:02}s", seconds / 60, seconds % 60) } else { format!("{:.1}s", time.as_secs_f32()) }
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_readable() {
        for (millis, text) in [(0, "0.0s"), (12_340, "12.3s"), (60_000, "1m00s"), (3_725_000, "62m05s")] {
            assert_eq!(clock(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_failing_step_names_its_command() {
        let failure = Progress::start().step("nothing", Command::new("false").arg("--at-all")).unwrap_err();
        assert!(failure.to_string().contains("false --at-all"), "{failure}");
    }
}
