//! What other programs of the same person could get of a running one, as the system judges it.

use std::{
    ffi::OsStr,
    fs, io,
    process::{Command, Stdio},
};

/// What a program gives away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Whether a program that the same person started may look into its memory.
    pub is_readable: bool,
    /// Largest core dump, and how far it may raise that itself, in the system's words: bytes or `unlimited`.
    pub core_dump: [String; 2],
}

impl Exposure {
    /// Of a running program that was started by [`ordinary`].
    ///
    /// # Errors
    /// There is no such program, or the system tells nothing.
    pub fn of(pid: u32) -> io::Result<Self> {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits"))?;
        let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap_or_default();
        let mut core = core.split_whitespace().map(str::to_owned);
        let (Some(now), Some(at_most)) = (core.next(), core.next()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no limit of core dumps is told"));
        };
        // To open it needs the same right as to read the memory.
        let read = ordinary("cat")
            .arg(format!("/proc/{pid}/maps"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        Ok(Self { is_readable: read.success(), core_dump: [now, at_most] })
    }

    /// Nothing: no core dump, and unreadable.
    #[must_use]
    pub fn none() -> Self {
        Self { is_readable: false, core_dump: ["0".to_owned(), "0".to_owned()] }
    }
}

/// A program as an ordinary person starts it: where a test runs as root, without root's privileges, which would open
/// everything to the one who asks.
pub fn ordinary(program: impl AsRef<OsStr>) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", "--"]).arg(program);
    command
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_program_that_does_nothing_about_it_is_readable_and_what_it_may_dump_is_told() {
        for (limit, dump) in [("0", "0"), ("unlimited", "")] {
            let script = format!("ulimit -c {limit} 2>/dev/null; exec sleep 30");
            let mut child = ordinary("sh").args(["-c", &script]).spawn().unwrap();
            while fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap().trim() != "sleep" {
                std::thread::sleep(Duration::from_millis(5));
            }
            let exposure = Exposure::of(child.id()).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(exposure.is_readable && exposure != Exposure::none(), "{exposure:?}");
            assert!(dump.is_empty() || exposure.core_dump == [dump, dump], "{exposure:?}");
        }
    }
}
