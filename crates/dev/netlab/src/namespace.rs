//! One network namespace: made, entered, removed.

use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::LabError;

const PREFIX: &str = "sotto-lab";
const FOLDER: &str = "/run/netns";

/// A network namespace with a name of its own; dropping it ends what runs inside and removes it, after a panic too.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace named `sotto-lab-PID-RANDOM-LABEL` with its loopback up.
    ///
    /// # Errors
    /// [`LabError::Program`] without iproute2, [`LabError::Refused`] where namespaces are not allowed.
    pub fn new(label: &str) -> Result<Self, LabError> {
        // `RandomState` is seeded by the OS: enough to keep two labs of one process apart.
        let random = RandomState::new().build_hasher().finish();
        let name = format!("{PREFIX}-{}-{:08x}-{label}", std::process::id(), random >> 32);
        ip(&["netns", "add", &name])?;
        let namespace = Self { name };
        namespace.ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// The name, as `ip netns` knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` inside.
    ///
    /// # Errors
    /// As [`Namespace::new`].
    pub fn ip(&self, arguments: &[&str]) -> Result<(), LabError> {
        let mut all = vec!["-n", &self.name];
        all.extend_from_slice(arguments);
        ip(&all)
    }

    /// Sets a kernel parameter of the namespace, e.g. `net/ipv4/ip_forward`.
    ///
    /// # Errors
    /// [`LabError::Io`] if there is no such parameter.
    pub fn set(&self, parameter: &'static str, value: &'static str) -> Result<(), LabError> {
        // /proc/sys/net shows the namespace of the thread that opens the file.
        self.run(move || std::fs::write(Path::new("/proc/sys").join(parameter), value))??;
        Ok(())
    }

    /// A command that will run inside. The process has the id of the child that is spawned: `ip netns exec`
    /// replaces itself.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs a function on a thread of its own inside; sockets made there stay in the namespace.
    ///
    /// # Errors
    /// [`LabError::Io`] if the namespace can't be entered.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, LabError> {
        let handle = File::open(Path::new(FOLDER).join(&self.name))?;
        let thread = std::thread::spawn(move || -> Result<T, LabError> {
            move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        });
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Removes namespaces of test runs whose process is gone, and what still runs inside them.
pub fn reap_leftovers() {
    let Ok(entries) = std::fs::read_dir(FOLDER) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner =
            name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()) {
            remove(&name);
        }
    }
}

/// Only processes that were started inside a namespace of ours are in it, so ending them ends nobody else's.
fn remove(name: &str) {
    if let Ok(output) = Command::new("ip").args(["netns", "pids", name]).output() {
        for pid in String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.trim().parse().ok()) {
            if let Some(pid) = Pid::from_raw(pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
    let _ = ip(&["netns", "del", name]);
}

/// Runs `ip` and turns a refusal into an error that says what was asked.
pub(crate) fn ip(arguments: &[&str]) -> Result<(), LabError> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|source| LabError::Program { program: "ip (iproute2)", source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(LabError::Refused {
        command: format!("ip {}", arguments.join(" ")),
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
