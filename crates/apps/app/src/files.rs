//! Files that a person hands over or takes along: a picture with a QR code, the card of an invite.
//!
//! Both go through the system's own dialog, or a picture is dropped onto the window. Everything read here is foreign:
//! it is limited in size and decoded on a thread of its own, so that the worst it can do is not to be a code.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use egui::Context;
use sotto_session_api::EventRecord;
use sotto_ui::Card;

use crate::scanner;

/// Photographs of a screen have some megabytes.
const LARGEST_FILE: u64 = 32 << 20;
/// Pixels a side; larger ones are not decoded.
const LARGEST_SIDE: u32 = 10_000;
/// Bytes that decoding may need: a photograph of 24 megapixels has 70 MiB. With the file's own bytes it is more than
/// anything else that nobody authenticated may take (docs/THREAT-MODEL.md); a person chose it.
const LARGEST_PICTURE: u64 = 96 << 20;
/// A QR code is found in a picture of this size; more costs time.
const ENOUGH: u32 = 2_000;

/// A dialog that is gone by then was never there.
const AT_ONCE: Duration = Duration::from_millis(400);

/// Bytes of a policy.
const LARGEST_POLICY: u64 = 64 << 10;

/// What a practice sets for its people: a text file of lines `name value`; a line that begins with `#` says nothing.
///
/// ```text
/// # Practice by the park
/// server wss://meet.example.org/#spki=…
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `server`: address of the meeting server.
    pub server: String,
}

impl Policy {
    /// Reads one. A name that is not known makes it none: what a practice demands is never quietly left out.
    fn parse(text: &str) -> Option<Self> {
        let mut server = None;
        for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once(char::is_whitespace)?;
            let value = value.trim();
            let is_address = (value.starts_with("wss://") || value.starts_with("ws://"))
                && value.len() <= 512
                && !value.contains(|character: char| character.is_whitespace() || character.is_control());
            if name != "server" || !is_address || server.replace(value.to_owned()).is_some() {
                return None;
            }
        }
        server.map(|server| Self { server })
    }
}

/// What came of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// What a QR code holds.
    Code(zeroize::Zeroizing<Vec<u8>>),
    /// There is none in the picture, or it is no picture.
    NoCode,
    /// The practice's policy.
    Policy(Policy),
    /// It is none, or asks for what this version does not know.
    NoPolicy,
    /// The file of another computer.
    MoveFile(PathBuf),
    /// Where the file for another computer goes.
    Place(PathBuf),
    /// The record is stored; from which line on it is not what it was.
    Record {
        /// Counted from 1.
        first_changed: Option<usize>,
    },
    /// The record can't be stored.
    NoRecord,
    /// The card is stored.
    Stored,
    /// The card can't be stored.
    NotStored,
    /// This system opened no dialog.
    NoDialog,
    /// The person changed their mind.
    Nothing,
}

/// Work with a file on a thread of its own.
pub struct Work(mpsc::Receiver<Came>);

impl Work {
    fn begin(context: &Context, work: impl FnOnce() -> Came + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let context = context.clone();
        thread::spawn(move || {
            // A decoder that panics over a hostile picture has found no code.
            let came = thread::spawn(work).join().unwrap_or(Came::NoCode);
            let _ = sender.send(came);
            context.request_repaint();
        });
        Self(receiver)
    }

    /// Lets a picture be chosen and reads it.
    pub fn choose_picture(context: &Context) -> Self {
        Self::begin(context, || {
            let dialog = rfd::FileDialog::new().add_filter("PNG, JPEG", &["png", "jpg", "jpeg"]);
            chosen(|| dialog.pick_file()).map_or_else(|nothing| nothing, |file| read_code(&file))
        })
    }

    /// Lets the practice's policy be chosen and reads it.
    pub fn choose_policy(context: &Context) -> Self {
        Self::begin(context, || {
            chosen(|| rfd::FileDialog::new().pick_file()).map_or_else(|nothing| nothing, |file| read_policy(&file))
        })
    }

    /// Lets the file of another computer be chosen; the vault reads it.
    pub fn choose_move_file(context: &Context) -> Self {
        Self::begin(context, || {
            let dialog = rfd::FileDialog::new().add_filter("tspmove", &["tspmove"]);
            chosen(|| dialog.pick_file()).map_or_else(|nothing| nothing, Came::MoveFile)
        })
    }

    /// Lets a place be chosen for the file that another computer takes.
    pub fn choose_place(context: &Context) -> Self {
        Self::begin(context, || {
            let dialog = rfd::FileDialog::new().set_file_name("copy.tspmove").add_filter("tspmove", &["tspmove"]);
            chosen(|| dialog.save_file()).map_or_else(|nothing| nothing, Came::Place)
        })
    }

    /// Reads a policy that was dropped onto the window.
    pub fn read_policy(context: &Context, file: PathBuf) -> Self {
        Self::begin(context, move || read_policy(&file))
    }

    /// Reads a picture that was dropped onto the window.
    pub fn read_picture(context: &Context, file: PathBuf) -> Self {
        Self::begin(context, move || read_code(&file))
    }

    /// Lets a place be chosen and stores the card there, as a page to print.
    pub fn store_card(context: &Context, card: Card) -> Self {
        Self::begin(context, move || {
            let dialog = rfd::FileDialog::new().set_file_name("card.html").add_filter("HTML", &["html"]);
            let file = match chosen(|| dialog.save_file()) {
                Ok(file) => file,
                Err(nothing) => return nothing,
            };
            match page(&card).and_then(|page| store(&file, page.as_bytes())) {
                Ok(()) => Came::Stored,
                Err(error) => {
                    tracing::warn!(kind = ?error.kind(), "the card could not be stored");
                    Came::NotStored
                }
            }
        })
    }

    /// Lets a place be chosen for a copy of the record and stores it there; `sotto-peer --check-log` checks one.
    pub fn store_record(context: &Context, record: Arc<EventRecord>) -> Self {
        Self::begin(context, move || {
            let dialog = rfd::FileDialog::new().set_file_name("record.txt").add_filter("TXT", &["txt"]);
            let file = match chosen(|| dialog.save_file()) {
                Ok(file) => file,
                Err(nothing) => return nothing,
            };
            let mut text = record.rows.join("\n");
            text.push('\n');
            match store(&file, text.as_bytes()) {
                Ok(()) => Came::Record { first_changed: record.first_changed },
                Err(error) => {
                    tracing::warn!(kind = ?error.kind(), "the record could not be stored");
                    Came::NoRecord
                }
            }
        })
    }

    /// What came of it, once it is done.
    pub fn poll(&self) -> Option<Came> {
        match self.0.try_recv() {
            Ok(came) => Some(came),
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => Some(Came::Nothing),
        }
    }
}

/// What was chosen in the system's dialog. Both a change of mind and a missing dialog give nothing; nobody reads a
/// dialog and closes it this quickly.
fn chosen(dialog: impl FnOnce() -> Option<PathBuf>) -> Result<PathBuf, Came> {
    let opened = Instant::now();
    dialog().ok_or_else(|| if opened.elapsed() < AT_ONCE { Came::NoDialog } else { Came::Nothing })
}

/// All of a file, unless it is larger than that.
fn read(file: &Path, largest: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(file).ok()?.take(largest + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= largest).then_some(bytes)
}

fn read_policy(file: &Path) -> Came {
    let text = read(file, LARGEST_POLICY).and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| Policy::parse(&text)).map_or(Came::NoPolicy, Came::Policy)
}

fn read_code(file: &Path) -> Came {
    read(file, LARGEST_FILE).and_then(|bytes| code_in(&bytes)).map_or(Came::NoCode, Came::Code)
}

fn code_in(bytes: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let mut reader = image::ImageReader::new(io::Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(LARGEST_PICTURE);
    reader.limits(limits);
    let mut picture = reader.decode().ok()?;
    if picture.width().max(picture.height()) > ENOUGH {
        picture = picture.thumbnail(ENOUGH, ENOUGH);
    }
    let grey = picture.into_luma8();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    scanner::code_in(width, height, |x, y| grey.get_pixel(x as u32, y as u32).0[0])
}

fn store(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(content)
}

/// A page that prints on one sheet: the words, the picture, the link.
fn page(card: &Card) -> io::Result<zeroize::Zeroizing<String>> {
    let code = qrcode::QrCode::with_error_correction_level(card.code.expose(), qrcode::EcLevel::M)
        .map_err(|_| io::Error::other("the code is too long for a QR picture"))?;
    let side = code.width();
    let mut squares = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == qrcode::Color::Dark {
            squares.push_str(&format!("M{} {}h1v1h-1z", index % side + 4, index / side + 4));
        }
    }
    let text = escaped(card.text.expose()).replace('\n', "<br>");
    let link = escaped(card.code.expose());
    let all = side + 8;
    Ok(zeroize::Zeroizing::new(format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Sotto</title>\
         <body style=\"font:16px/1.5 sans-serif;max-width:34em;margin:3em auto\"><p>{text}</p>\
         <svg viewBox=\"0 0 {all} {all}\" width=\"280\" height=\"280\" role=\"img\"><path fill=\"#fff\" d=\"M0 0h{all}v{all}h-{all}z\"/>\
         <path d=\"{squares}\"/></svg><p style=\"font:13px/1.4 monospace;overflow-wrap:anywhere\">{link}</p>\n"
    )))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod limits;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use sotto_ui::Secret;

    fn link() -> String {
        format!("tsp1:{}", "K7Q2MZ4R8XW1P0VN".repeat(10))
    }

    /// A photograph of the QR picture, grey, not quite straight in size.
    fn photograph(text: &str, module: u32) -> Vec<u8> {
        let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M).unwrap();
        let (side, colors) = (code.width() as u32, code.to_colors());
        let pixels = (side + 8) * module;
        let picture = image::GrayImage::from_fn(pixels, pixels, |x, y| {
            let (x, y) = ((x / module).wrapping_sub(4), (y / module).wrapping_sub(4));
            let is_dark = x < side && y < side && colors[(y * side + x) as usize] == qrcode::Color::Dark;
            image::Luma([if is_dark { 40 } else { 215 }])
        });
        let mut bytes = io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_dialog_that_never_opened_is_told_from_a_change_of_mind() {
        assert_eq!(chosen(|| None), Err(Came::NoDialog));
        let changed_their_mind = || {
            thread::sleep(AT_ONCE);
            None
        };
        assert_eq!(chosen(changed_their_mind), Err(Came::Nothing));
        assert_eq!(chosen(|| Some("a".into())), Ok("a".into()));
    }

    #[test]
    fn the_code_in_a_picture_is_read_also_from_a_large_one() {
        assert_eq!(code_in(&photograph(&link(), 5)).unwrap().as_slice(), link().as_bytes());
        assert_eq!(code_in(&photograph(&link(), 40)).unwrap().as_slice(), link().as_bytes());
    }

    #[test]
    fn what_is_no_picture_or_holds_no_code_is_not_a_code() {
        let good = photograph(&link(), 4);
        assert!(code_in(b"").is_none() && code_in(b"GIF89a").is_none());
        assert!(code_in(&good[..good.len() / 2]).is_none());
        for at in (0..good.len()).step_by(97) {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            // It may still be readable; it must never panic.
            let _ = code_in(&bad);
        }
        // A picture that claims to be huge is not even begun.
        let mut huge = good;
        huge[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        assert!(code_in(&huge).is_none());
    }

    #[test]
    fn a_policy_is_taken_whole_or_not_at_all() {
        let good = "\u{feff}# Practice\r\n\r\nserver  wss://meet.example.org/#spki=abc\r\n";
        assert_eq!(Policy::parse(good).unwrap().server, "wss://meet.example.org/#spki=abc");
        for bad in [
            "",
            "# nothing",
            "server",
            "server https://meet.example.org",
            "server wss://a b",
            "server wss://a\nserver wss://b",
            "server wss://a\nrecording off",
        ] {
            assert_eq!(Policy::parse(bad), None, "{bad:?}");
        }
        let file = std::env::temp_dir().join(format!("sotto-policy-{}", std::process::id()));
        fs::write(&file, vec![b'#'; LARGEST_POLICY as usize + 1]).unwrap();
        assert_eq!(read_policy(&file), Came::NoPolicy);
        fs::write(&file, [0xff, 0xfe, 0]).unwrap();
        assert_eq!(read_policy(&file), Came::NoPolicy);
        fs::remove_file(&file).unwrap();
        assert_eq!(read_policy(&file), Came::NoPolicy, "a file that is gone");
    }

    #[test]
    fn a_card_holds_words_and_code_and_nothing_that_a_browser_would_run() {
        let card = Card {
            text: Secret::new(zeroize::Zeroizing::new("Tuesday\n<script>".to_owned())),
            code: Secret::new(zeroize::Zeroizing::new(link())),
        };
        let page = page(&card).unwrap();
        assert!(page.contains("Tuesday<br>&lt;script&gt;") && page.contains(&link()) && !page.contains("<script"));
        let file = std::env::temp_dir().join(format!("sotto-card-{}.html", std::process::id()));
        store(&file, page.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), page.as_str());
        fs::remove_file(file).unwrap();
    }
}
