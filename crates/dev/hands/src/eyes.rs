//! What somebody's camera sees: a clip in a file that the window's camera plays, and that is written anew meanwhile.

use std::{
    fs::File,
    io::{BufReader, Write},
    path::{Path, PathBuf},
};

use crate::error::{Outcome, Trouble};

const SIZE: (usize, usize) = (640, 360);
const FRAMES: usize = 15;

/// A camera.
pub struct Eyes(PathBuf);

impl Eyes {
    /// A bar that moves, until something else is held in front of it.
    pub fn open(file: PathBuf) -> Outcome<Self> {
        let eyes = Self(file);
        eyes.look_around()?;
        Ok(eyes)
    }

    /// The window's argument.
    pub fn argument(&self) -> String {
        format!("file:{}", self.0.display())
    }

    /// The bar again.
    pub fn look_around(&self) -> Outcome {
        let (width, height) = SIZE;
        let frame = |number: usize| -> Vec<u8> {
            let bar = number * width / FRAMES;
            (0..width * height)
                .map(|at| if (at % width + width - bar) % width < 80 { 200 } else { 60 + (at / width / 4) as u8 })
                .collect()
        };
        self.write(SIZE, (0..FRAMES).map(frame))
    }

    /// Somebody holds the camera in front of a window, of which this is a picture.
    pub fn look_at(&self, picture: &Path) -> Outcome {
        let mut reader =
            png::Decoder::new(BufReader::new(File::open(picture)?)).read_info().map_err(|error| unreadable(&error))?;
        let mut pixels = vec![0; reader.output_buffer_size().ok_or_else(|| Trouble::new("too large a picture"))?];
        let info = reader.next_frame(&mut pixels).map_err(|error| unreadable(&error))?;
        let channels = info.color_type.samples();
        let (width, height) = (info.width as usize, info.height as usize);
        let grey = pixels.chunks_exact(channels).map(|pixel| {
            let sum: usize = pixel.iter().take(3).map(|&value| usize::from(value)).sum();
            // Limited range, as cameras have it.
            16 + (sum / channels.min(3) * 219 / 255) as u8
        });
        self.write((width, height), std::iter::once(grey.collect()))
    }

    /// As another file in its place, so that who plays the old one is not disturbed.
    fn write(&self, (width, height): (usize, usize), frames: impl Iterator<Item = Vec<u8>>) -> Outcome {
        let next = self.0.with_extension("next");
        let mut file = File::create(&next)?;
        writeln!(file, "YUV4MPEG2 W{width} H{height} F15:1 C420")?;
        for luma in frames {
            file.write_all(b"FRAME\n")?;
            file.write_all(&luma)?;
            file.write_all(&vec![128; width.div_ceil(2) * height.div_ceil(2) * 2])?;
        }
        std::fs::rename(next, &self.0)?;
        Ok(())
    }
}

fn unreadable(error: &png::DecodingError) -> Trouble {
    Trouble::new(error.to_string())
}
