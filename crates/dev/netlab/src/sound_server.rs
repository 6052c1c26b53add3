//! A private PulseAudio with null sinks: real sound devices for a machine without any.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running sound server; dropping it ends it. Its default sink is `speaker`, whose monitor tells what was played; what
/// is played into the sink `micfeed` is heard by the default source, `mic`.
#[derive(Debug)]
pub struct SoundServer {
    child: Child,
    socket: PathBuf,
}

impl SoundServer {
    /// Starts one whose socket and state are in `folder`. `None` if PulseAudio isn't installed or doesn't start here.
    #[must_use]
    pub fn start(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).ok()?;
        let socket = folder.join("sock");
        let child = Command::new("pulseaudio")
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"])
            .args(["-L", &format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display())])
            .args(["-L", "module-null-sink sink_name=speaker"])
            .args(["-L", "module-null-sink sink_name=micfeed"])
            .args(["-L", "module-remap-source master=micfeed.monitor source_name=mic"])
            .args(["-L", "module-null-sink sink_name=unused"])
            .env("XDG_RUNTIME_DIR", folder)
            .env("HOME", folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let server = Self { child, socket };
        let limit = Instant::now() + Duration::from_secs(10);
        while Instant::now() < limit {
            if server.pactl(&["info"]).is_some() {
                server.pactl(&["set-default-sink", "speaker"])?;
                server.pactl(&["set-default-source", "mic"])?;
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// For `PULSE_SERVER`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// Runs `pactl` on this server; what it printed, `None` if it failed.
    #[must_use]
    pub fn pactl(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("pactl").args(["--server", &self.address()]).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as if all sound devices were unplugged.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        self.end();
    }
}
