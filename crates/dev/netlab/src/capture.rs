//! Taking captures with tcpdump and reading them back.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{LabError, Namespace};

/// A running capture.
#[derive(Debug)]
pub struct Capture {
    child: Child,
    file: PathBuf,
    said: mpsc::Receiver<String>,
}

impl Capture {
    /// Starts tcpdump on an interface and waits until it listens. With a `filter`, in the language of tcpdump, only what
    /// matches is kept.
    ///
    /// # Errors
    /// [`LabError::Program`] without tcpdump, [`LabError::Refused`] if it doesn't listen within 10 s.
    pub fn start(namespace: &Namespace, interface: &str, file: &Path, filter: &str) -> Result<Self, LabError> {
        let mut command = namespace.command("tcpdump");
        // -Z root: keep the right to write the file; 16 MiB of kernel buffer: lose nothing on a loaded machine.
        // Immediate: without it the last packets stay in the kernel's ring when the capture ends.
        command.args(["-i", interface, "-n", "-s", "0", "-U", "-B", "16384", "--immediate-mode", "-Z", "root", "-w"]);
        command.arg(file).arg(filter);
        Self::spawn(command, file)
    }

    fn spawn(mut command: Command, file: &Path) -> Result<Self, LabError> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| LabError::Program { program: "tcpdump", source })?;
        let stderr = child.stderr.take().expect("standard error is piped");
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut capture = Self { child, file: file.to_owned(), said };
        let mut heard = String::new();
        loop {
            match capture.said.recv_timeout(Duration::from_secs(10)) {
                Ok(line) if line.contains("listening on") => return Ok(capture),
                Ok(line) => heard += &line,
                Err(_) => {
                    let _ = capture.child.kill();
                    return Err(LabError::Refused { command: "tcpdump".into(), said: heard });
                }
            }
        }
    }

    /// Ends the capture and gives its file.
    ///
    /// # Errors
    /// [`LabError::CaptureLost`] if the kernel dropped packets.
    pub fn stop(mut self) -> Result<PathBuf, LabError> {
        self.end()?;
        let said: Vec<String> = self.said.iter().collect();
        match said.iter().find(|line| line.contains("dropped by kernel")) {
            Some(line) if line.trim().starts_with("0 ") => Ok(std::mem::take(&mut self.file)),
            _ => Err(LabError::CaptureLost { said: said.join("; ") }),
        }
    }

    fn end(&mut self) -> Result<(), LabError> {
        if self.child.try_wait()?.is_none()
            && let Some(pid) = Pid::from_raw(self.child.id().cast_signed())
        {
            // Interrupt: tcpdump writes what it holds and says what it lost.
            kill_process(pid, Signal::INT)?;
            self.child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// How the frames of a capture begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// Ethernet II.
    Ethernet,
    /// IPv4 or IPv6 at once (TUN).
    RawIp,
    /// Linux "cooked" v1 (`-i any`).
    Cooked,
    /// Linux "cooked" v2 (`-i any` of newer tcpdump).
    Cooked2,
}

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Microseconds since the Unix epoch.
    pub at_us: u64,
    /// How `bytes` begin.
    pub link_type: LinkType,
    /// The frame, whole.
    pub bytes: Vec<u8>,
}

/// Reads a pcap file (both byte orders, micro- and nanoseconds).
///
/// # Errors
/// [`LabError::Malformed`] for another format, an unknown link type or a frame that was cut; a file that ends inside
/// its last frame is read up to there, since tcpdump may have been killed.
pub fn read_pcap(file: &Path) -> Result<Vec<Frame>, LabError> {
    parse_pcap(&std::fs::read(file)?)
}

/// As [`read_pcap`], from memory.
///
/// # Errors
/// As [`read_pcap`].
pub fn parse_pcap(bytes: &[u8]) -> Result<Vec<Frame>, LabError> {
    let malformed = |what| LabError::Malformed { what };
    let header = bytes.get(..24).ok_or(malformed("pcap header"))?;
    let (little, nanoseconds) = match header[..4] {
        [0xD4, 0xC3, 0xB2, 0xA1] => (true, false),
        [0x4D, 0x3C, 0xB2, 0xA1] => (true, true),
        [0xA1, 0xB2, 0xC3, 0xD4] => (false, false),
        [0xA1, 0xB2, 0x3C, 0x4D] => (false, true),
        _ => return Err(malformed("pcap magic")),
    };
    let word = |at: &[u8]| {
        let four: [u8; 4] = at[..4].try_into().expect("four bytes were taken");
        if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }
    };
    let link_type = match word(&header[20..]) & 0xFFFF {
        1 => LinkType::Ethernet,
        101 | 12 | 14 => LinkType::RawIp,
        113 => LinkType::Cooked,
        276 => LinkType::Cooked2,
        _ => return Err(malformed("pcap link type")),
    };
    let mut frames = Vec::new();
    let mut rest = &bytes[24..];
    while let Some((head, body)) = rest.split_at_checked(16) {
        let (seconds, fraction, kept, length) = (word(head), word(&head[4..]), word(&head[8..]), word(&head[12..]));
        let Some((frame, after)) = body.split_at_checked(kept as usize) else { break };
        if kept < length {
            return Err(malformed("capture: a frame was cut short"));
        }
        let microseconds = if nanoseconds { fraction / 1000 } else { fraction };
        let at_us = u64::from(seconds) * 1_000_000 + u64::from(microseconds);
        frames.push(Frame { at_us, link_type, bytes: frame.to_vec() });
        rest = after;
    }
    Ok(frames)
}

/// Writes frames as a pcap file of the link type of the first one, for tests of readers and to keep evidence.
#[must_use]
pub fn write_pcap(frames: &[Frame]) -> Vec<u8> {
    let number: u32 = match frames.first().map(|frame| frame.link_type) {
        None | Some(LinkType::Ethernet) => 1,
        Some(LinkType::RawIp) => 101,
        Some(LinkType::Cooked) => 113,
        Some(LinkType::Cooked2) => 276,
    };
    let mut out = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
    out.extend(number.to_le_bytes());
    for frame in frames {
        let length = u32::try_from(frame.bytes.len()).expect("a frame is shorter than 4 GiB");
        let (seconds, fraction) = (frame.at_us / 1_000_000, frame.at_us % 1_000_000);
        for word in [seconds as u32, fraction as u32, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend_from_slice(&frame.bytes);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let frames: Vec<Frame> = (0..3u8)
            .map(|n| Frame {
                at_us: 1_700_000_000_123_456 + u64::from(n),
                link_type: LinkType::Ethernet,
                bytes: vec![n; 60 + n as usize],
            })
            .collect();
        let bytes = write_pcap(&frames);
        assert_eq!(parse_pcap(&bytes).unwrap(), frames);
        assert_eq!(parse_pcap(&bytes[..bytes.len() - 1]).unwrap(), frames[..2]);
    }

    #[test]
    fn a_cut_frame_is_an_error_and_not_a_clean_capture() {
        let mut bytes = write_pcap(&[Frame { at_us: 0, link_type: LinkType::RawIp, bytes: vec![0x45; 40] }]);
        bytes[24 + 12] = 41; // the original was longer than what was kept
        assert!(matches!(parse_pcap(&bytes), Err(LabError::Malformed { .. })));
        assert!(parse_pcap(b"not a capture at all, really").is_err());
    }
}
