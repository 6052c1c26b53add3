//! Pictures in files: y4m in (looped) and out, PNG out.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use sotto_media::{DeviceFault, VideoFrame, VideoSink, VideoSource};
use sotto_session_api::Planes;

use crate::clock::{Pace, monotonic_us};

/// Two pictures a second are enough to see what a side saw.
const PNG_EVERY: Duration = Duration::from_millis(500);

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn fault(what: impl ToString) -> DeviceFault {
    DeviceFault::File { what: what.to_string() }
}

fn unsupported(what: &str) -> DeviceFault {
    DeviceFault::Unsupported { what: what.into() }
}

/// A y4m file, 4:2:0, played again and again at its own rate.
pub(crate) struct Y4mSource {
    file: BufReader<File>,
    size: (u32, u32),
    first: u64,
    pace: Pace,
}

impl Y4mSource {
    pub(crate) fn open(path: &Path) -> Result<Self, DeviceFault> {
        let mut file = BufReader::new(File::open(path).map_err(fault)?);
        let line = read_line(&mut file)?;
        let (size, period) = parse_header(&line)?;
        let first = file.stream_position().map_err(fault)?;
        Ok(Self { file, size, first, pace: Pace::new(period) })
    }

    fn read(&mut self) -> Result<Option<Planes>, DeviceFault> {
        let line = read_line(&mut self.file)?;
        if line.is_empty() {
            return Ok(None);
        }
        if !line.starts_with("FRAME") {
            return Err(unsupported("not a y4m frame"));
        }
        let mut planes = Planes::black(self.size.0, self.size.1);
        for plane in &mut planes.data {
            if self.file.read_exact(plane).is_err() {
                return Ok(None);
            }
        }
        Ok(Some(planes))
    }
}

fn read_line(file: &mut BufReader<File>) -> Result<String, DeviceFault> {
    let mut line = Vec::new();
    file.take(256).read_until(b'\n', &mut line).map_err(fault)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| unsupported("not a y4m file"))
}

fn parse_header(line: &str) -> Result<((u32, u32), Duration), DeviceFault> {
    let fields = line.strip_prefix("YUV4MPEG2 ").ok_or_else(|| unsupported("not a y4m file"))?;
    let (mut width, mut height, mut period) = (0, 0, Duration::from_micros(33_333));
    for field in fields.split(' ') {
        let (Some(kind), Some(value)) = (field.get(..1), field.get(1..)) else { continue };
        match kind {
            "W" => width = value.parse().unwrap_or(0),
            "H" => height = value.parse().unwrap_or(0),
            "C" if !value.starts_with("420") => return Err(unsupported("only 4:2:0")),
            "F" => {
                let rate =
                    value.split_once(':').and_then(|(n, d)| Some((n.parse::<f64>().ok()?, d.parse::<f64>().ok()?)));
                if let Some((n, d)) = rate.filter(|(n, d)| *n > 0.0 && (1.0..=120.0).contains(&(n / d))) {
                    period = Duration::from_secs_f64(d / n);
                }
            }
            _ => {}
        }
    }
    let fits = |side: u32, limit: u32| side >= 16 && side <= limit && side.is_multiple_of(2);
    if !fits(width, 3840) || !fits(height, 2160) {
        return Err(unsupported("picture size"));
    }
    Ok(((width, height), period))
}

impl VideoSource for Y4mSource {
    fn next_frame(&mut self) -> Result<VideoFrame, DeviceFault> {
        self.pace.wait();
        let mut planes = match self.read()? {
            Some(planes) => planes,
            None => {
                self.file.seek(SeekFrom::Start(self.first)).map_err(fault)?;
                self.read()?.ok_or_else(|| unsupported("the file has no picture"))?
            }
        };
        planes.capture_us = monotonic_us();
        Ok(VideoFrame { planes: Arc::new(planes) })
    }

    fn name(&self) -> String {
        "file".into()
    }
}

/// Writes what would be shown.
pub(crate) struct Y4mSink {
    file: BufWriter<File>,
    size: Option<(u32, u32)>,
}

impl Y4mSink {
    pub(crate) fn create(path: &Path) -> Result<Self, DeviceFault> {
        Ok(Self { file: BufWriter::new(File::create(path).map_err(fault)?), size: None })
    }
}

impl VideoSink for Y4mSink {
    fn show(&mut self, planes: &Planes) -> Result<(), DeviceFault> {
        let size = *self.size.get_or_insert((planes.width, planes.height));
        if size != (planes.width, planes.height) {
            return Ok(()); // a y4m file has one size; pictures of another are left out
        }
        if self.file.stream_position().map_err(fault)? == 0 {
            writeln!(self.file, "YUV4MPEG2 W{} H{} F30:1 Ip A1:1 C420jpeg", size.0, size.1).map_err(fault)?;
        }
        self.file.write_all(b"FRAME\n").map_err(fault)?;
        for plane in 0..3 {
            let (width, height) = plane_size(planes, plane);
            for row in planes.data[plane].chunks(planes.strides[plane]).take(height) {
                self.file.write_all(&row[..width]).map_err(fault)?;
            }
        }
        Ok(())
    }
}

fn plane_size(planes: &Planes, plane: usize) -> (usize, usize) {
    let (width, height) = (planes.width as usize, planes.height as usize);
    if plane == 0 { (width, height) } else { (width.div_ceil(2), height.div_ceil(2)) }
}

/// Writes PNG files `frame-000001.png`, `frame-000002.png`, …
pub(crate) struct PngSink {
    folder: PathBuf,
    number: u32,
    last: Option<Instant>,
}

impl PngSink {
    pub(crate) fn create(folder: &Path) -> Result<Self, DeviceFault> {
        std::fs::create_dir_all(folder).map_err(fault)?;
        Ok(Self { folder: folder.to_owned(), number: 0, last: None })
    }
}

impl VideoSink for PngSink {
    fn show(&mut self, planes: &Planes) -> Result<(), DeviceFault> {
        if self.last.is_some_and(|last| last.elapsed() < PNG_EVERY) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        self.number += 1;
        let file = File::create(self.folder.join(format!("frame-{:06}.png", self.number))).map_err(fault)?;
        let mut encoder = png::Encoder::new(BufWriter::new(file), planes.width, planes.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().map_err(fault)?;
        writer.write_image_data(&to_rgb(planes)).map_err(fault)
    }
}

/// BT.601 limited range to RGB.
fn to_rgb(planes: &Planes) -> Vec<u8> {
    let (width, height) = (planes.width as usize, planes.height as usize);
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let luma = 1.164 * (f32::from(planes.data[0][y * planes.strides[0] + x]) - 16.0);
            let cb = f32::from(planes.data[1][y / 2 * planes.strides[1] + x / 2]) - 128.0;
            let cr = f32::from(planes.data[2][y / 2 * planes.strides[2] + x / 2]) - 128.0;
            for value in [luma + 1.596 * cr, luma - 0.392 * cb - 0.813 * cr, luma + 2.017 * cb] {
                rgb.push(value.clamp(0.0, 255.0) as u8);
            }
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::parse_header;

    #[test]
    fn only_420_files_of_a_sane_size_are_opened() {
        assert_eq!(parse_header("YUV4MPEG2 W640 H480 F25:1 C420jpeg").map(|h| h.0), Ok((640, 480)));
        for bad in
            ["", "RIFF", "YUV4MPEG2 W0 H480", "YUV4MPEG2 W641 H480", "YUV4MPEG2 W640 H480 C444", "YUV4MPEG2 W99999 H2"]
        {
            assert!(parse_header(bad).is_err(), "{bad}");
        }
    }
}
