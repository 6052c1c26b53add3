//! Pictures that were made to break the reader: whatever they are, there is an answer, and soon, and little memory is taken
//! beside the picture itself.
//!
//! The reader's geometry panics over a few of them. That is caught here just as it is where pictures are read
//! (`Scanner::start`, `files::Work`): what is tested is that nothing gets past it, as an abort or an endless loop would.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    panic,
    time::{Duration, Instant},
};

/// Pictures that are tried.
const PICTURES: u64 = 2_000;
/// All of them together; a picture that goes on for ever must fail the test, a slow computer must not.
const LONGEST: Duration = Duration::from_secs(300);

/// What the reader may allocate for a picture: a copy of it, and this much more.
const BESIDE_THE_COPY: u64 = 256 << 10;

/// Numbers that are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// One of so many.
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Between these two.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() % 10_000) as f32 / 10_000.0
    }
}

/// Grey, row by row.
#[derive(Clone)]
struct Picture {
    width: usize,
    height: usize,
    grey: Vec<u8>,
}

impl Picture {
    fn of(width: usize, height: usize, mut grey: impl FnMut(usize, usize) -> u8) -> Self {
        let pixels = (0..width * height).map(|at| grey(at % width, at / width)).collect();
        Self { width, height, grey: pixels }
    }

    /// What isn't there is light.
    fn at(&self, x: f32, y: f32) -> u8 {
        let is_inside = x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32;
        if is_inside { self.grey[y as usize * self.width + x as usize] } else { 215 }
    }

    /// Whether a code was read; `None` if the reader panicked.
    fn is_read(&self) -> Option<bool> {
        let read = || super::code_in(self.width, self.height, |x, y| self.grey[y * self.width + x]);
        let mut found = None;
        let used = allocation_counter::measure(|| found = panic::catch_unwind(panic::AssertUnwindSafe(read)).ok());
        let most = self.grey.len() as u64 + BESIDE_THE_COPY;
        assert!(used.bytes_max <= most, "{} bytes for {} pixels", used.bytes_max, self.grey.len());
        found.map(|found| found.is_some())
    }
}

/// A good code of a random size, some of its squares flipped.
fn code(random: &mut Random, flipped: usize) -> Picture {
    let length = 1 + random.below(160);
    let content: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
    let level = [qrcode::EcLevel::L, qrcode::EcLevel::M, qrcode::EcLevel::H][random.below(3)];
    let code = qrcode::QrCode::with_error_correction_level(&content, level).unwrap();
    let (side, mut colors) = (code.width(), code.to_colors());
    for _ in 0..flipped {
        let at = random.below(colors.len());
        colors[at] = !colors[at];
    }
    let module = 2 + random.below(3);
    let pixels = (side + 8) * module;
    Picture::of(pixels, pixels, |x, y| {
        let (x, y) = ((x / module).wrapping_sub(4), (y / module).wrapping_sub(4));
        let is_dark = x < side && y < side && colors[y * side + x] == qrcode::Color::Dark;
        if is_dark { 40 } else { 215 }
    })
}

/// Turned, sheared, made larger or smaller, seen from aside.
fn bent(random: &mut Random, from: &Picture) -> Picture {
    let strength = random.between(0.0, 1.0).powi(2);
    let mut around = |middle: f32, by: f32| middle + random.between(-by, by) * strength;
    let [a, b, c, d] = [around(1.0, 0.8), around(0.0, 0.9), around(0.0, 0.9), around(1.0, 0.8)];
    let [p, q] = [around(0.0, 0.004), around(0.0, 0.004)];
    let (width, height) = (from.width.min(420), from.height.min(420));
    let (across, down) = (from.width as f32 / 2.0, from.height as f32 / 2.0);
    Picture::of(width, height, |x, y| {
        let (x, y) = (x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0);
        let depth = 1.0 + p * x + q * y;
        from.at((a * x + b * y) / depth + across, (c * x + d * y) / depth + down)
    })
}

/// One thing that goes wrong with a picture.
fn spoiled(random: &mut Random, picture: &Picture) -> Picture {
    let (width, height) = (picture.width, picture.height);
    match random.below(7) {
        0 => bent(random, picture),
        1 => {
            // Cut.
            let (left, top) = (random.below(width / 2), random.below(height / 2));
            let (width, height) = (1 + random.below(width - left), 1 + random.below(height - top));
            Picture::of(width, height, |x, y| picture.at((x + left) as f32, (y + top) as f32))
        }
        2 => {
            // Scaled, not alike in both directions.
            let (by_x, by_y) = (random.between(0.3, 1.6), random.between(0.3, 1.6));
            let (width, height) = ((width as f32 * by_x) as usize + 1, (height as f32 * by_y) as usize + 1);
            Picture::of(width.min(420), height.min(420), |x, y| picture.at(x as f32 / by_x, y as f32 / by_y))
        }
        3 => {
            // Noise.
            let strength = 1 + random.below(256) as i32;
            Picture::of(width, height, |x, y| {
                let noise = random.below(strength as usize) as i32 - strength / 2;
                (i32::from(picture.at(x as f32, y as f32)) + noise).clamp(0, 255) as u8
            })
        }
        4 => {
            // A part of it somewhere else in it: three corners of no code, or of two.
            let (from_x, from_y) = (random.below(width), random.below(height));
            let (to_x, to_y) = (random.below(width), random.below(height));
            let (wide, high) = (random.below(width), random.below(height));
            Picture::of(width, height, |x, y| {
                let (x, y) = match (x.wrapping_sub(to_x), y.wrapping_sub(to_y)) {
                    (over, under) if over < wide && under < high => (from_x + over, from_y + under),
                    _ => (x, y),
                };
                picture.at(x as f32, y as f32)
            })
        }
        5 => {
            // Many of them, small.
            let times = 2 + random.below(3);
            Picture::of(width, height, |x, y| picture.at((x * times % width) as f32, (y * times % height) as f32))
        }
        _ => Picture::of(width, height, |x, y| 255 - picture.at(x as f32, y as f32)),
    }
}

#[test]
fn two_thousand_spoiled_codes_are_read_or_not_and_break_nothing() {
    // What is said of a panic, with a trace of where it was, is not the reader's memory.
    let say = panic::take_hook();
    panic::set_hook(Box::new(move |panic| allocation_counter::opt_out(|| say(panic))));
    let began = Instant::now();
    let mut random = Random(0x5eed_0f5e_ed0f_5eed);
    let (mut read, mut caught) = (0, 0);
    for number in 0..PICTURES {
        let most = 1 << random.below(9);
        let flipped = if number % 4 == 0 { 0 } else { random.below(most) };
        let mut picture = code(&mut random, flipped);
        for _ in 0..number % 4 {
            picture = spoiled(&mut random, &picture);
        }
        let is_read = picture.is_read();
        assert!(is_read == Some(true) || number % 4 != 0, "picture {number}: nothing is wrong with it");
        read += u64::from(is_read == Some(true));
        caught += u64::from(is_read.is_none());
        assert!(began.elapsed() < LONGEST, "picture {number}: it takes too long");
    }
    // A reader that reads all of them was not tried, and neither was one that reads none of the spoiled ones.
    assert!((PICTURES / 4 + PICTURES / 40..PICTURES * 9 / 10).contains(&read), "{read} were read");
    assert!(caught < PICTURES / 50, "{caught} were given up");
}
