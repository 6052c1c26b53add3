//! A camera by Video4Linux, YUYV.

use std::{io, sync::Arc};

use sotto_media::{DeviceFault, VideoFrame, VideoSource};
use sotto_session_api::Planes;
use v4l::{
    Device, FourCC,
    buffer::Type,
    context,
    io::traits::CaptureStream,
    prelude::MmapStream,
    video::{Capture, capture::Parameters},
};

use crate::clock::monotonic_us;

pub(crate) struct Camera {
    stream: MmapStream<'static>,
    size: (u32, u32),
    stride: usize,
    name: String,
}

pub(crate) fn names() -> Vec<String> {
    context::enum_devices().iter().filter_map(context::Node::name).collect()
}

impl Camera {
    pub(crate) fn open(name: Option<&str>, (width, height): (u32, u32)) -> Result<Self, DeviceFault> {
        let wanted = name.unwrap_or_default().to_owned();
        let nodes = context::enum_devices();
        let node = nodes
            .iter()
            .find(|node| name.is_none() || node.name().as_deref() == name)
            .ok_or(DeviceFault::Missing { name: wanted })?;
        let name = node.name().unwrap_or_default();
        let fault = |error: io::Error| fault(&error, &name);
        let device = Device::with_path(node.path()).map_err(fault)?;
        let mut format = device.format().map_err(fault)?;
        (format.width, format.height, format.fourcc) = (width, height, FourCC::new(b"YUYV"));
        let format = device.set_format(&format).map_err(fault)?;
        if format.fourcc != FourCC::new(b"YUYV") || format.width % 2 != 0 || format.height % 2 != 0 {
            return Err(DeviceFault::Unsupported { what: format!("{name}: no YUYV picture") });
        }
        // A camera that can't do 30 a second does what it can.
        let _ = device.set_params(&Parameters::with_fps(30));
        let mut stream = MmapStream::with_buffers(&device, Type::VideoCapture, 4).map_err(fault)?;
        stream.set_timeout(std::time::Duration::from_secs(2));
        let stride = (format.stride as usize).max(format.width as usize * 2);
        Ok(Self { stream, size: (format.width, format.height), stride, name: name.clone() })
    }
}

fn fault(error: &io::Error, name: &str) -> DeviceFault {
    let name = name.to_owned();
    match error.raw_os_error() {
        Some(16) => DeviceFault::Busy { name },            // EBUSY
        Some(2 | 6 | 19) => DeviceFault::Missing { name }, // ENOENT, ENXIO, ENODEV
        _ => DeviceFault::Unsupported { what: format!("{name}: {error}") },
    }
}

impl VideoSource for Camera {
    fn next_frame(&mut self) -> Result<VideoFrame, DeviceFault> {
        let lost = || DeviceFault::Lost { name: self.name.clone() };
        let (buffer, _) = self.stream.next().map_err(|_| lost())?;
        let mut planes = from_yuyv(buffer, self.size, self.stride).ok_or_else(lost)?;
        planes.capture_us = monotonic_us();
        Ok(VideoFrame { planes: Arc::new(planes) })
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// 4:2:2 packed to 4:2:0 planar; colour of the even rows. `None` if the buffer is too short.
fn from_yuyv(buffer: &[u8], (width, height): (u32, u32), stride: usize) -> Option<Planes> {
    let mut planes = Planes::black(width, height);
    let (width, half) = (width as usize, width as usize / 2);
    for y in 0..height as usize {
        let row = buffer.get(y * stride..y * stride + width * 2)?;
        for (x, pixel) in row.chunks_exact(4).enumerate() {
            planes.data[0][y * width + 2 * x] = pixel[0];
            planes.data[0][y * width + 2 * x + 1] = pixel[2];
            if y % 2 == 0 {
                planes.data[1][y / 2 * half + x] = pixel[1];
                planes.data[2][y / 2 * half + x] = pixel[3];
            }
        }
    }
    Some(planes)
}

#[cfg(test)]
mod tests {
    use super::from_yuyv;

    #[test]
    fn yuyv_is_split_into_planes_and_short_buffers_are_refused() {
        let buffer = [10, 1, 11, 2, 12, 3, 13, 4, 20, 5, 21, 6, 22, 7, 23, 8];
        let planes = from_yuyv(&buffer, (4, 2), 8).expect("long enough");
        assert_eq!(planes.data[0], [10, 11, 12, 13, 20, 21, 22, 23]);
        assert_eq!((&planes.data[1][..], &planes.data[2][..]), (&[1, 3][..], &[2, 4][..]));
        assert!(from_yuyv(&buffer[..15], (4, 2), 8).is_none());
    }
}
