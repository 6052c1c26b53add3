//! Sound devices of one person: a private PulseAudio with null sinks, fed and recorded as real ones are.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use sotto_netlab::{
    quality::compare_speech,
    sound_server::SoundServer,
    voice,
    wav::{self, Wav},
};

use crate::error::{Outcome, Trouble};

/// Both devices of a person.
pub struct Ears {
    server: SoundServer,
    heard: PathBuf,
    said: PathBuf,
    voice: Wav,
    running: Vec<Child>,
}

/// How well speech came through.
#[derive(Clone, Copy, Debug)]
pub struct Speech {
    /// Median correlation of windows of 3 s.
    pub correlation: f64,
    /// Median STOI of the same windows.
    pub intelligibility: f64,
}

impl Ears {
    /// Starts the devices; this person will say what `text` says.
    pub fn start(folder: &Path, seed: u64, text: &str, seconds: f64) -> Outcome<Self> {
        let server = SoundServer::start(folder)
            .ok_or_else(|| Trouble::new("PulseAudio (packages pulseaudio, pulseaudio-utils) can't be started"))?;
        let said = folder.join("said.wav");
        let (voice, _) = voice::write_speech(&said, seed, text, seconds)?;
        Ok(Self { server, heard: folder.join("heard.raw"), said, voice, running: Vec::new() })
    }

    /// For `PULSE_SERVER`.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Begins to speak into the microphone and to write down what the speaker plays.
    pub fn talk(&mut self) -> Outcome {
        let server = self.server.address();
        let file = std::fs::File::create(&self.heard)?;
        self.running.push(
            Command::new("parec")
                .args(["--server", &server, "-d", "speaker.monitor", "--format=s16le", "--rate=48000", "--channels=1"])
                .stdout(file)
                .stderr(Stdio::null())
                .spawn()?,
        );
        self.running.push(
            Command::new("paplay")
                .args(["--server", &server, "-d", "micfeed"])
                .arg(&self.said)
                .stderr(Stdio::null())
                .spawn()?,
        );
        Ok(())
    }

    /// Ends speaking and writing down.
    pub fn be_quiet(&mut self) {
        for mut child in self.running.drain(..) {
            // A file that was played to its end has ended its player.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What came of the other's voice.
    pub fn heard(&self, other: &Self) -> Outcome<Speech> {
        let raw = std::fs::read(&self.heard)?;
        let samples =
            raw.as_chunks::<2>().0.iter().map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32768.0).collect();
        let received = Wav { rate_hz: 48_000, samples };
        let sent = Wav { rate_hz: 48_000, samples: wav::resample(&other.voice.samples, other.voice.rate_hz, 48_000) };
        let windows = compare_speech(&sent, &received, 3.0, 3.0);
        if windows.len() < 2 {
            return Err(Trouble::new("less than six seconds of speech came through"));
        }
        Ok(Speech {
            correlation: median(windows.iter().map(|window| window.correlation).collect()),
            intelligibility: median(windows.iter().map(|window| window.stoi).collect()),
        })
    }

    /// Whether a program records from the microphone or plays to the speaker now (our own player and recorder aside).
    pub fn in_use(&self) -> Outcome<bool> {
        let count = |what| {
            self.server
                .pactl(&["list", "short", what])
                .map(|list| list.lines().count())
                .ok_or_else(|| Trouble::new("pactl did not answer"))
        };
        // The remapped microphone is itself one recording stream.
        Ok(count("source-outputs")? > 1 || count("sink-inputs")? > 0)
    }

    /// Watches from now on who lets go of the devices. Told by the server, not asked for: asking takes longer on a busy
    /// machine than letting go does.
    pub fn watch(&self) -> Outcome<Watch> {
        let mut child = Command::new("pactl")
            .args(["--server", &self.server.address(), "subscribe"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| Trouble::new("pactl tells nothing"))?;
        let (told, removals) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if is_device_let_go(&line) && told.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        // The subscription holds once its own client is known to the server.
        std::thread::sleep(Duration::from_millis(200));
        Ok(Watch { child, removals })
    }

    /// How long after `from` the last of the devices was let go of.
    pub fn released_after(&self, watch: &Watch, from: Instant, limit: Duration) -> Outcome<Duration> {
        let late = || Trouble::new(format!("the sound devices were not let go of within {limit:?}"));
        loop {
            let left = limit.saturating_sub(from.elapsed());
            let mut last = watch.removals.recv_timeout(left).map_err(|_| late())?;
            if !self.in_use()? {
                // What was told while we asked counts too.
                while let Ok(at) = watch.removals.try_recv() {
                    last = at;
                }
                return Ok(last.saturating_duration_since(from));
            }
        }
    }
}

/// A line of `pactl subscribe`; the clients that ask come and go too.
fn is_device_let_go(line: &str) -> bool {
    line.contains("'remove'") && (line.contains("sink-input") || line.contains("source-output"))
}

/// A running watch; dropping it ends it.
pub struct Watch {
    child: Child,
    removals: mpsc::Receiver<Instant>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.be_quiet();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
