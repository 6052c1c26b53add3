//! Someone at a window: knows it by what a screen reader says, and uses it by keys alone.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sotto_ui::texts::Texts;
use x11rb::protocol::xproto::Window;

use crate::{
    error::{Outcome, Trouble},
    reader::{Bus, Node},
    screen::{Key, Screen},
};

/// Software encoders, a key derivation and a software renderer may all be at work on two processors.
const LIMIT: Duration = Duration::from_secs(60);
/// A window that is drawn and says nothing for so long won't.
const SILENCE: Duration = Duration::from_secs(20);
/// More controls than any screen has.
const TABS: usize = 60;
/// The slowest frame of a software renderer on a busy computer.
const FRAME: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// A running window and its person.
pub struct Person<'a> {
    /// `therapist` or `client`.
    pub role: &'static str,
    /// The window's sentences.
    pub texts: &'static Texts,
    program: Child,
    window: Window,
    screen: &'a Screen,
    bus: &'a Bus,
    log: PathBuf,
    pictures: PathBuf,
    step: usize,
}

/// What a person starts with.
pub struct Setup<'a> {
    /// `therapist` or `client`.
    pub role: &'static str,
    /// The window's sentences.
    pub texts: &'static Texts,
    /// The program.
    pub program: &'a Path,
    /// Its command line.
    pub arguments: Vec<String>,
    /// `PULSE_SERVER`.
    pub sound: &'a str,
    /// Where its profile and log go.
    pub folder: &'a Path,
    /// Where pictures go.
    pub pictures: &'a Path,
    /// Left edge of the window.
    pub x: i32,
}

impl<'a> Person<'a> {
    /// Opens the window; also tells how long it took until there was something to use. A window that is drawn and tells
    /// the bus nothing was seen once in some dozens of starts: it is opened once more, which is said.
    pub fn sit_down(setup: &Setup<'_>, screen: &'a Screen, bus: &'a Bus) -> Outcome<(Self, Duration)> {
        let started = Instant::now();
        let mut person = Self::open(setup, screen, bus)?;
        while person.nodes()?.is_empty() && started.elapsed() < SILENCE {
            thread::sleep(LOOK_AGAIN);
        }
        if !person.nodes()?.is_empty() {
            person.wait_for(setup.texts.welcome_title)?;
            return Ok((person, started.elapsed()));
        }
        eprintln!("  {}: the window told assistive technology nothing for {SILENCE:?}; opened again", setup.role);
        person.program.kill()?;
        person.program.wait()?;
        let started = Instant::now();
        let mut person = Self::open(setup, screen, bus)?;
        person.wait_for(setup.texts.welcome_title)?;
        Ok((person, started.elapsed()))
    }

    fn open(setup: &Setup<'_>, screen: &'a Screen, bus: &'a Bus) -> Outcome<Self> {
        let log = setup.folder.join(format!("{}.log", setup.role));
        // Without root's privileges, which would keep others out by themselves.
        let program = sotto_netlab::ordinary(setup.program)
            .args(&setup.arguments)
            .arg("--profile")
            .arg(setup.folder.join(setup.role))
            .env("DISPLAY", &screen.display)
            .env_remove("WAYLAND_DISPLAY")
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.session)
            .env("PULSE_SERVER", setup.sound)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|error| Trouble::new(format!("{}: {error}", setup.program.display())))?;
        let window = screen.window_of(program.id(), LIMIT)?;
        screen.place(window, setup.x, 0)?;
        Ok(Self {
            role: setup.role,
            texts: setup.texts,
            program,
            window,
            screen,
            bus,
            log,
            pictures: setup.pictures.to_owned(),
            step: 0,
        })
    }

    /// Process id of the window.
    pub fn process(&self) -> u32 {
        self.program.id()
    }

    /// All that the window says now.
    pub fn nodes(&self) -> Outcome<Vec<Node>> {
        self.bus.read(self.process())
    }

    /// Waits until something has this name (line breaks count as spaces).
    pub fn wait_for(&mut self, name: &str) -> Outcome<Instant> {
        let wanted = plain(name);
        self.wait_until(name, |nodes| nodes.iter().any(|node| is_called(node, &wanted)))
    }

    /// Waits until the window says something for which this holds.
    pub fn wait_until(&mut self, what: &str, holds: impl Fn(&[Node]) -> bool) -> Outcome<Instant> {
        let until = Instant::now() + LIMIT;
        loop {
            let nodes = self.nodes()?;
            if holds(&nodes) {
                return Ok(Instant::now());
            }
            if let Some(status) = self.program.try_wait()? {
                return Err(
                    self.trouble(&format!("the window closed with {status} while “{what}” was awaited"), &nodes)
                );
            }
            if Instant::now() > until {
                return Err(self.trouble(&format!("“{what}” did not appear"), &nodes));
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Goes to the control of this name with Tab.
    pub fn go_to(&self, name: &str) -> Outcome {
        let wanted = plain(name);
        self.screen.focus(self.window)?;
        let mut nodes = self.nodes()?;
        for _ in 0..TABS {
            let before = focused(&nodes);
            if before.as_ref().is_some_and(|node| is_called(node, &wanted)) {
                return Ok(());
            }
            self.screen.press(Key::Tab, &[])?;
            // The tree follows with the next frame. A second Tab before that would leave the control again.
            let until = Instant::now() + FRAME;
            loop {
                thread::sleep(LOOK_AGAIN);
                nodes = self.nodes()?;
                let now = focused(&nodes);
                // Nothing has the keyboard where it moved while the tree was being read: then it is read again.
                let has_moved = now.is_some_and(|now| before.as_ref().is_none_or(|before| before.path != now.path));
                if has_moved || Instant::now() > until {
                    break;
                }
            }
        }
        Err(self.trouble(&format!("“{name}” is not reached with Tab"), &self.nodes()?))
    }

    /// Presses the control of this name with Enter; the moment of the key.
    pub fn press(&self, name: &str) -> Outcome<Instant> {
        self.go_to(name)?;
        let at = Instant::now();
        self.screen.press(Key::Enter, &[])?;
        Ok(at)
    }

    /// Types into the field of this name.
    pub fn fill(&self, name: &str, text: &str) -> Outcome {
        self.go_to(name)?;
        // The window system makes a new input context for each field; nobody types within these milliseconds.
        thread::sleep(Duration::from_millis(200));
        self.screen.write(text, &[])
    }

    /// Presses keys as they are.
    pub fn key(&self, key: Key, held: &[Key]) -> Outcome<Instant> {
        self.screen.focus(self.window)?;
        let at = Instant::now();
        self.screen.press(key, held)?;
        Ok(at)
    }

    /// Presses the key of a character.
    pub fn character(&self, character: char, held: &[Key]) -> Outcome<Instant> {
        self.screen.focus(self.window)?;
        let at = Instant::now();
        self.screen.write(&character.to_string(), held)?;
        Ok(at)
    }

    /// Takes a picture of the window as it is, once it has been drawn.
    pub fn picture(&mut self, step: &str) -> Outcome<PathBuf> {
        thread::sleep(Duration::from_millis(400));
        self.step += 1;
        let file = self.pictures.join(format!("{}-{:02}-{step}.png", self.role, self.step));
        self.screen.picture(self.window, &file)?;
        Ok(file)
    }

    /// Drops a file onto the window.
    pub fn drop_file(&self, file: &Path) -> Outcome {
        crate::drop::file(&self.screen.display, self.window, file)
    }

    /// Title of the window.
    pub fn title(&self) -> Outcome<String> {
        self.screen.title(self.window)
    }

    /// The number after `key=` in the window's log, once it is there.
    pub fn logged(&self, key: &str) -> Outcome<Option<f64>> {
        let text = fs::read_to_string(&self.log)?;
        let found = text.lines().rev().find_map(|line| line.split_once(&format!("{key}=")));
        Ok(found.and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok()))
    }

    /// Processor time so far, seconds.
    pub fn processor_s(&self) -> Outcome<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process()))?;
        // After the name in parentheses: user and system time are the 12th and 13th, in hundredths of a second.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        Ok((ticks(11) + ticks(12)) / 100.0)
    }

    /// Processor seconds per second while nobody does anything for so long.
    pub fn load_over(&self, time: Duration) -> Outcome<f64> {
        let before = self.processor_s()?;
        thread::sleep(time);
        Ok((self.processor_s()? - before) / time.as_secs_f64())
    }

    /// Stops or continues the program, as if its computer hung.
    pub fn freeze(&self, on: bool) -> Outcome {
        let signal = if on { "-STOP" } else { "-CONT" };
        Command::new("kill").args([OsStr::new(signal), OsStr::new(&self.process().to_string())]).status()?;
        Ok(())
    }

    /// Closes the window by its frame and waits for the program's good end.
    pub fn leave(mut self) -> Outcome {
        self.screen.close(self.window)?;
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            match self.program.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.trouble(&format!("ended with {status}"), &[])),
                None if Instant::now() > until => return Err(self.trouble("did not end", &[])),
                None => thread::sleep(LOOK_AGAIN),
            }
        }
    }

    fn trouble(&self, what: &str, nodes: &[Node]) -> Trouble {
        let is_there = Path::new(&format!("/proc/{}/fd/0", self.process())).exists();
        let what = if is_there { what.to_owned() } else { format!("{what}; the window is closed") };
        let said: Vec<String> = nodes
            .iter()
            .filter(|node| !node.name.is_empty())
            .map(|node| format!("    {}{}: {}", if node.is_focused { "→ " } else { "" }, node.role, node.name))
            .collect();
        let file = self.pictures.join(format!("{}-trouble.png", self.role));
        // The picture helps; without it the sentence has to do.
        let _ = self.screen.picture(self.window, &file);
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        Trouble(format!(
            "{}: {what}.\n  The window says:\n{}\n  Its log:\n{log}  Picture: {}",
            self.role,
            said.join("\n"),
            file.display()
        ))
    }
}

impl Drop for Person<'_> {
    fn drop(&mut self) {
        if let Ok(None) = self.program.try_wait() {
            // Something failed already; nothing better can be done with an error here.
            let _ = self.program.kill();
            let _ = self.program.wait();
        }
    }
}

fn focused(nodes: &[Node]) -> Option<Node> {
    nodes.iter().find(|node| node.is_focused).cloned()
}

/// Some controls say more after their name.
fn is_called(node: &Node, name: &str) -> bool {
    let said = plain(&node.name);
    said.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(". "))
}

/// One line, single spaces.
pub fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
