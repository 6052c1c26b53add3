//! **DANGEROUS.** Writes what signalling opened into a file, one message a line: type and data in hexadecimal.
//!
//! For the control run of the capture test alone, behind the feature `dangerous-plaintext-for-test`.

use std::{fmt::Write as _, fs::OpenOptions, io::Write as _, path::PathBuf, thread, time::Duration};

/// Names the file.
const FILE: &str = "SOTTO_DANGEROUS_SIGNALLING_LOG";

/// Starts writing if the environment names a file.
pub(crate) fn start() {
    let Some(path) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    thread::spawn(move || {
        loop {
            let mut lines = String::new();
            for (mtype, data) in sotto_session::dangerous_plaintext::take_opened() {
                let _ = write!(lines, "{mtype:02x} ");
                for byte in data {
                    let _ = write!(lines, "{byte:02x}");
                }
                lines.push('\n');
            }
            if !lines.is_empty() {
                let file = OpenOptions::new().create(true).append(true).open(&path);
                if let Err(error) = file.and_then(|mut file| file.write_all(lines.as_bytes())) {
                    eprintln!("sotto-peer: the signalling log: {error}");
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
    });
}
