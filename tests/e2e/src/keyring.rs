//! A desktop's keyring for a machine without a desktop: a message bus of its own with GNOME Keyring on it.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A bus that starts nothing by itself: no program of the person who runs the test, and none that touches their keyring.
const BUS: &str = "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context=\"default\">\
    <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";

/// An unlocked keyring on a session bus of its own; dropping it ends both.
#[derive(Debug)]
pub struct DesktopKeyring {
    bus: Child,
    daemon: Option<Child>,
    address: String,
    folder: PathBuf,
}

impl DesktopKeyring {
    /// Starts one whose entries are in `folder`. `None` if D-Bus or GNOME Keyring isn't installed or doesn't start here.
    #[must_use]
    pub fn start(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).ok()?;
        // The daemon refuses one that others may read.
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).ok()?;
        let configuration = folder.join("bus.conf");
        std::fs::write(&configuration, BUS).ok()?;
        let mut bus = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address=1"])
            .arg(format!("--config-file={}", configuration.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut address = String::new();
        let read = bus.stdout.take().map(|out| BufReader::new(out).read_line(&mut address));
        let mut keyring = Self { bus, daemon: None, address: address.trim().to_owned(), folder: folder.to_owned() };
        read?.ok().filter(|&length| length > 1)?;
        keyring.unlock().then_some(keyring)
    }

    /// For `DBUS_SESSION_BUS_ADDRESS`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends the keyring, not the bus, as a log-out does; what is in it stays in the folder.
    pub fn end(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    /// Starts the keyring and unlocks it; whether it answers.
    pub fn unlock(&mut self) -> bool {
        let daemon = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .arg("--control-directory")
            .arg(&self.folder)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("HOME", &self.folder)
            .env("XDG_DATA_HOME", &self.folder)
            .env("XDG_RUNTIME_DIR", &self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut daemon) = daemon else { return false };
        // The log-in password; the input ends with it.
        let unlocked = daemon.stdin.take().is_some_and(|mut input| input.write_all(b"of this test").is_ok());
        self.daemon = Some(daemon);
        let limit = Instant::now() + Duration::from_secs(60);
        while unlocked && Instant::now() < limit {
            let answer = Command::new("dbus-send")
                .args([&format!("--bus={}", self.address), "--print-reply", "--dest=org.freedesktop.secrets"])
                .arg("/org/freedesktop/secrets")
                .args(["org.freedesktop.Secret.Service.ReadAlias", "string:default"])
                .output();
            // “/” stands for no keyring yet.
            if answer.is_ok_and(|answer| {
                answer.status.success() && !String::from_utf8_lossy(&answer.stdout).contains("path \"/\"")
            }) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for DesktopKeyring {
    fn drop(&mut self) {
        self.end();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}
