//! QR codes in pictures: from a file, or from the camera while two people compare in one room.
//!
//! What is read here is foreign. It is decoded on a thread of its own; a decoder that panics has found no code.

use std::{
    panic,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use egui::Context;
use sotto_session_api::Planes;
use zeroize::Zeroizing;

#[cfg(test)]
mod hostile;

/// What the only QR code in a grey picture of this size holds; `None` also where there are several, because none of them is
/// meant more than another. `grey` is given columns and rows.
pub fn code_in(width: usize, height: usize, grey: impl FnMut(usize, usize) -> u8) -> Option<Zeroizing<Vec<u8>>> {
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let mut codes = prepared.detect_grids().into_iter().filter_map(|grid| {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        grid.decode_to(&mut *bytes).ok().map(|_| bytes)
    });
    let code = codes.next()?;
    codes.all(|other| other == code).then_some(code)
}

/// Longer than the reader needs for a picture of any camera. It bounds its work by nothing: a picture full of corners of codes
/// keeps it busy for hours.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many pictures are given up, each with a thread that goes on; then nothing is read until the person asks again.
const MOST_GIVEN_UP: u32 = 2;

/// Reads codes in the camera's pictures until it is dropped. One picture at a time: those that come meanwhile are left
/// out.
pub struct Scanner {
    context: Context,
    pictures: mpsc::SyncSender<Arc<Planes>>,
    found: mpsc::Receiver<Zeroizing<Vec<u8>>>,
    looked: Instant,
    given_up: u32,
}

impl Scanner {
    /// Begins; the window is woken when a code was read.
    pub fn start(context: &Context) -> Self {
        Self::with_reader(context, code_of)
    }

    fn with_reader(context: &Context, read: fn(&Planes) -> Option<Zeroizing<Vec<u8>>>) -> Self {
        let (pictures, found) = reader(context.clone(), read);
        Self { context: context.clone(), pictures, found, looked: Instant::now(), given_up: 0 }
    }

    /// Looks at this picture, unless it is busy with one. One that takes too long is given up.
    pub fn look(&mut self, picture: Arc<Planes>) {
        match self.pictures.try_send(picture) {
            Ok(()) => self.looked = Instant::now(),
            // The next one will do.
            Err(_) if self.looked.elapsed() < PATIENCE || self.given_up == MOST_GIVEN_UP => {}
            Err(_) => {
                tracing::warn!("a picture keeps the reader of codes busy");
                (self.pictures, self.found) = reader(self.context.clone(), code_of);
                self.looked = Instant::now();
                self.given_up += 1;
            }
        }
    }

    /// What was read since the last call.
    pub fn poll(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.found.try_recv().ok()
    }
}

type Reader = (mpsc::SyncSender<Arc<Planes>>, mpsc::Receiver<Zeroizing<Vec<u8>>>);

/// A thread that reads until the other end is dropped, and where its pictures go and its codes come from.
fn reader(context: Context, read: fn(&Planes) -> Option<Zeroizing<Vec<u8>>>) -> Reader {
    let (pictures, taken) = mpsc::sync_channel::<Arc<Planes>>(0);
    let (sender, found) = mpsc::channel();
    thread::spawn(move || {
        for planes in taken {
            let code = panic::catch_unwind(|| read(&planes)).unwrap_or_default();
            if let Some(code) = code {
                if sender.send(code).is_err() {
                    return;
                }
                context.request_repaint();
            }
        }
    });
    (pictures, found)
}

fn code_of(planes: &Planes) -> Option<Zeroizing<Vec<u8>>> {
    let (stride, [luma, ..]) = (planes.strides[0], &planes.data);
    code_in(planes.width as usize, planes.height as usize, |x, y| luma.get(y * stride + x).copied().unwrap_or(255))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// A screen with a square, as a camera sees it in a lit room: not in the middle, noisy, neither black nor white.
    fn seen(content: &[u8], (width, height): (u32, u32), module: u32, noise: u32) -> Planes {
        let code = qrcode::QrCode::with_error_correction_level(content, qrcode::EcLevel::M).unwrap();
        let (side, colors) = (code.width() as u32, code.to_colors());
        let mut planes = Planes::black(width, height);
        let mut random = 0x1234_5678_u32;
        for y in 0..height {
            for x in 0..width {
                let (column, row) = (x.wrapping_sub(90) / module, y.wrapping_sub(40) / module);
                let is_card = x >= 60 && y >= 10 && x < 120 + side * module && y < 70 + side * module;
                let is_dark =
                    column < side && row < side && colors[(row * side + column) as usize] == qrcode::Color::Dark;
                let light = if is_dark {
                    52
                } else if is_card {
                    196
                } else {
                    90
                };
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                planes.data[0][(y * width + x) as usize] = (light + (random >> 24) * noise / 256) as u8;
            }
        }
        planes
    }

    fn pair() -> Vec<u8> {
        // Keys are any bytes, mostly no text.
        [b"TSPF\x02".as_slice(), &core::array::from_fn::<u8, 64, _>(|n| (n * 37 + 129) as u8)].concat()
    }

    #[test]
    fn a_square_on_the_other_screen_is_read_byte_for_byte() {
        for (size, module) in [((1280, 720), 12), ((640, 480), 7), ((640, 360), 5)] {
            let found = code_of(&seen(&pair(), size, module, 30));
            assert_eq!(found.as_ref().map(|bytes| bytes.as_slice()), Some(pair().as_slice()), "{size:?}, {module}");
        }
    }

    /// Somebody's picture of another square beside the right one, on either side of it.
    #[test]
    fn of_two_squares_none_is_read() {
        let other = pair().into_iter().rev().collect::<Vec<u8>>();
        for contents in [[pair(), other.clone()], [other, pair()]] {
            let [left, right] = contents.map(|content| seen(&content, (480, 480), 7, 10));
            let row = |planes: &Planes, y: usize| planes.data[0][y * 480..(y + 1) * 480].to_vec();
            let luma: Vec<u8> = (0..480).flat_map(|y| [row(&left, y), row(&right, y)].concat()).collect();
            let both = Planes { data: [luma, Vec::new(), Vec::new()], ..Planes::black(960, 480) };
            assert!(code_of(&left).is_some() && code_of(&right).is_some());
            assert!(code_of(&both).is_none());
        }
    }

    #[test]
    fn pictures_without_a_square_and_broken_ones_hold_none() {
        assert!(code_of(&Planes::black(640, 480)).is_none());
        let mut noise = seen(&pair(), (640, 480), 7, 30);
        for (n, sample) in noise.data[0].iter_mut().enumerate() {
            *sample = (n as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0];
        }
        assert!(code_of(&noise).is_none());
        // Fewer samples than rows: what isn't there is light.
        let mut short = seen(&pair(), (640, 480), 7, 0);
        short.data[0].truncate(50_000);
        assert!(code_of(&short).is_none());
    }

    #[test]
    fn a_picture_that_takes_too_long_is_given_up_and_the_next_one_read() {
        let endless = |_: &Planes| -> Option<Zeroizing<Vec<u8>>> {
            thread::sleep(Duration::from_secs(3600));
            None
        };
        let mut scanner = Scanner::with_reader(&Context::default(), endless);
        let began = Instant::now();
        let found = loop {
            scanner.look(Arc::new(seen(&pair(), (640, 480), 7, 20)));
            if let Some(found) = scanner.poll() {
                break found;
            }
            assert!(began.elapsed() < PATIENCE + Duration::from_secs(20), "nothing was read");
            thread::sleep(Duration::from_millis(10));
        };
        assert_eq!((&*found, scanner.given_up), (&pair(), 1));
    }

    #[test]
    fn the_camera_is_read_until_a_code_comes() {
        let mut scanner = Scanner::start(&Context::default());
        let began = Instant::now();
        let found = loop {
            scanner.look(Arc::new(Planes::black(320, 240)));
            scanner.look(Arc::new(seen(&pair(), (640, 480), 7, 20)));
            if let Some(found) = scanner.poll() {
                break found;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "nothing was read");
            thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(*found, pair());
    }
}
