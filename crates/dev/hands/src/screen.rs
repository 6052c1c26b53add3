//! A display of its own: real windows on it, keys pressed by the X server, pictures taken of it.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, BufWriter},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use x11rb::{
    connection::Connection,
    protocol::{
        xproto::{
            AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt, EventMask, ImageFormat, InputFocus,
            KEY_PRESS_EVENT, KEY_RELEASE_EVENT, Window,
        },
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
};

use crate::error::{Outcome, Trouble};

/// Between two keys: a practised typist.
const KEY_PAUSE: Duration = Duration::from_millis(30);

/// Keys that are no characters, as X keysyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Key {
    Tab = 0xff09,
    Enter = 0xff0d,
    Escape = 0xff1b,
    End = 0xff57,
    Shift = 0xffe1,
    Control = 0xffe3,
}

/// An X server without a monitor, and a connection to it.
pub struct Screen {
    server: Child,
    connection: RustConnection,
    root: Window,
    /// Keysym → key code, and whether Shift belongs to it.
    keys: HashMap<u32, (u8, bool)>,
    /// For `DISPLAY`.
    pub display: String,
}

impl Screen {
    /// Starts Xvfb with one screen of this size.
    pub fn start(width: u16, height: u16) -> Outcome<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24"), "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Trouble::new(format!("Xvfb (package xvfb) can't be started: {error}")))?;
        let output = server.stdout.take().ok_or_else(|| Trouble::new("Xvfb has no output"))?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let display = format!(":{}", line.trim());
        let (connection, screen) = x11rb::connect(Some(&display))?;
        let setup = connection.setup();
        let root = setup.roots[screen].root;
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let mapping = connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let mut keys = HashMap::new();
        for (number, syms) in mapping.keysyms.chunks(usize::from(mapping.keysyms_per_keycode)).enumerate() {
            let code = first + u8::try_from(number).map_err(|_| Trouble::new("the display has too many keys"))?;
            for (level, sym) in syms.iter().take(2).enumerate() {
                keys.entry(*sym).or_insert((code, level == 1));
            }
        }
        Ok(Self { server, connection, root, keys, display })
    }

    /// The window of this process, once it is there.
    pub fn window_of(&self, process: u32, limit: Duration) -> Outcome<Window> {
        let atom = self.connection.intern_atom(false, b"_NET_WM_PID")?.reply()?.atom;
        let until = Instant::now() + limit;
        loop {
            for window in self.connection.query_tree(self.root)?.reply()?.children {
                let property = self.connection.get_property(false, window, atom, AtomEnum::CARDINAL, 0, 1)?.reply()?;
                if property.value32().and_then(|mut values| values.next()) == Some(process) {
                    return Ok(window);
                }
            }
            if Instant::now() > until {
                return Err(Trouble::new("no window appeared"));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Title of a window, as a task list shows it.
    pub fn title(&self, window: Window) -> Outcome<String> {
        let property =
            self.connection.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 1024)?.reply()?;
        Ok(String::from_utf8_lossy(&property.value).into_owned())
    }

    /// Moves it; nobody else does on a display without a window manager.
    pub fn place(&self, window: Window, x: i32, y: i32) -> Outcome {
        self.connection.configure_window(window, &ConfigureWindowAux::new().x(x).y(y))?;
        self.connection.flush()?;
        Ok(())
    }

    /// The keyboard goes to this window.
    pub fn focus(&self, window: Window) -> Outcome {
        self.connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?;
        self.connection.flush()?;
        thread::sleep(KEY_PAUSE);
        Ok(())
    }

    fn fake(&self, press: bool, code: u8) -> Outcome {
        let kind = if press { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT };
        self.connection.xtest_fake_input(kind, code, x11rb::CURRENT_TIME, self.root, 0, 0, 0)?;
        self.connection.flush()?;
        Ok(())
    }

    fn strike(&self, sym: u32, held: &[Key]) -> Outcome {
        let find = |sym: u32| {
            self.keys.get(&sym).copied().ok_or_else(|| Trouble::new(format!("this keyboard has no key {sym:#x}")))
        };
        let (code, shifted) = find(sym)?;
        let mut modifiers = Vec::new();
        for key in held {
            modifiers.push(find(*key as u32)?.0);
        }
        if shifted {
            modifiers.push(find(Key::Shift as u32)?.0);
        }
        for modifier in &modifiers {
            self.fake(true, *modifier)?;
        }
        self.fake(true, code)?;
        self.fake(false, code)?;
        for modifier in modifiers.iter().rev() {
            self.fake(false, *modifier)?;
        }
        thread::sleep(KEY_PAUSE);
        Ok(())
    }

    /// Presses and releases a key.
    pub fn press(&self, key: Key, held: &[Key]) -> Outcome {
        self.strike(key as u32, held)
    }

    /// Types a text of ASCII characters.
    pub fn write(&self, text: &str, held: &[Key]) -> Outcome {
        // Latin characters are their own keysyms.
        text.chars().try_for_each(|character| self.strike(u32::from(character), held))
    }

    /// Takes a picture of a window.
    pub fn picture(&self, window: Window, file: &Path) -> Outcome {
        let geometry = self.connection.get_geometry(window)?.reply()?;
        let (width, height) = (geometry.width, geometry.height);
        // Of the screen: a window that is being moved has parts outside of it.
        let (x, y) = (geometry.x.max(0), geometry.y.max(0));
        let screen = self.connection.get_geometry(self.root)?.reply()?;
        let width = width.min(screen.width.saturating_sub(x.unsigned_abs()));
        let height = height.min(screen.height.saturating_sub(y.unsigned_abs()));
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, x, y, width, height, !0)?.reply()?;
        let rgb: Vec<u8> = image.data.as_chunks::<4>().0.iter().flat_map(|[b, g, r, _]| [*r, *g, *b]).collect();
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(file)?), width.into(), height.into());
        encoder.set_color(png::ColorType::Rgb);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&rgb))
            .map_err(|error| Trouble::new(format!("{}: {error}", file.display())))
    }

    /// Asks a window to close, as the button in its frame does.
    pub fn close(&self, window: Window) -> Outcome {
        let protocols = self.connection.intern_atom(false, b"WM_PROTOCOLS")?.reply()?.atom;
        let delete = self.connection.intern_atom(false, b"WM_DELETE_WINDOW")?.reply()?.atom;
        let message = ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
        self.connection.send_event(false, window, EventMask::NO_EVENT, message)?;
        self.connection.flush()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may be gone already; there is nothing else to do about it.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
