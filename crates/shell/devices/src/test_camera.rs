//! A calm moving picture of our own: somebody who speaks and blinks, with a frame marker below.

use std::{sync::Arc, time::Duration};

use sotto_media::{DeviceFault, VideoFrame, VideoSource};
use sotto_session_api::Planes;

use crate::{
    clock::{Pace, monotonic_us},
    marker::{self, FrameMarker},
};

const FPS: u32 = 30;

/// Y, Cb, Cr.
type Colour = [u8; 3];
const SKIN: Colour = [168, 112, 150];
const HAIR: Colour = [62, 122, 136];
const SHIRT: Colour = [104, 132, 112];
const WHITE: Colour = [222, 128, 128];
const DARK: Colour = [44, 128, 130];
const LIPS: Colour = [112, 118, 162];

pub(crate) struct TestCamera {
    background: Planes,
    frame: u32,
    pace: Pace,
}

impl TestCamera {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let mut background = Planes::black(width & !1, height & !1);
        let (w, h) = (background.width as usize, background.height as usize);
        for y in 0..h {
            for x in 0..w {
                // A room in the afternoon: light from the left, a darker floor.
                let light = 150.0 - 50.0 * x as f32 / w as f32 - 35.0 * (y as f32 / h as f32).powi(2);
                background.data[0][y * w + x] = light as u8;
            }
        }
        background.data[1].fill(122);
        background.data[2].fill(133);
        Self { background, frame: 0, pace: Pace::new(Duration::from_secs(1) / FPS) }
    }

    fn draw(&self, frame: u32, capture_us: u64) -> Planes {
        let mut planes = self.background.clone();
        let (w, h) = (planes.width as f32, planes.height as f32);
        let t = frame as f32 / FPS as f32;
        let unit = h / 100.0;
        let (cx, cy) = (w / 2.0 + unit * 2.0 * (t * 0.7).sin(), h * 0.42 + unit * 0.8 * (t * 1.9).sin());
        ellipse(&mut planes, cx, h * 1.02, 34.0 * unit, 34.0 * unit, SHIRT);
        ellipse(&mut planes, cx, cy + 20.0 * unit, 8.0 * unit, 14.0 * unit, SKIN);
        ellipse(&mut planes, cx, cy - 4.0 * unit, 21.0 * unit, 25.0 * unit, HAIR);
        ellipse(&mut planes, cx, cy + 2.0 * unit, 17.0 * unit, 22.0 * unit, SKIN);
        // A blink each three seconds.
        let open = if (t % 3.0) < 0.15 { 0.25 } else { 1.0 };
        for side in [-1.0, 1.0] {
            let (x, y) = (cx + side * 7.0 * unit, cy - 3.0 * unit);
            ellipse(&mut planes, x, y, 3.0 * unit, 2.0 * unit * open, WHITE);
            ellipse(&mut planes, x + unit * 0.6 * (t * 0.9).sin(), y, 1.4 * unit, 1.5 * unit * open, DARK);
        }
        let mouth = 0.8 + 1.7 * ((t * 9.0).sin() * (t * 2.3).sin()).abs();
        ellipse(&mut planes, cx, cy + 12.0 * unit, 5.5 * unit, (mouth + 0.9) * unit, LIPS);
        ellipse(&mut planes, cx, cy + 12.0 * unit, 4.2 * unit, mouth * unit, DARK);
        marker::draw(&mut planes, FrameMarker { frame, capture_us });
        planes.capture_us = capture_us;
        planes
    }
}

impl VideoSource for TestCamera {
    fn next_frame(&mut self) -> Result<VideoFrame, DeviceFault> {
        self.pace.wait();
        let planes = Arc::new(self.draw(self.frame, monotonic_us()));
        self.frame = self.frame.wrapping_add(1);
        Ok(VideoFrame { planes })
    }

    fn name(&self) -> String {
        "test picture".into()
    }
}

/// Fills an ellipse in all planes.
fn ellipse(planes: &mut Planes, cx: f32, cy: f32, rx: f32, ry: f32, colour: Colour) {
    for (plane, value) in colour.into_iter().enumerate() {
        let scale = if plane == 0 { 1.0 } else { 0.5 };
        let (cx, cy, rx, ry) = (cx * scale, cy * scale, rx * scale, ry * scale);
        let stride = planes.strides[plane];
        let rows = planes.data[plane].len() / stride;
        let top = (cy - ry).max(0.0) as usize;
        let bottom = ((cy + ry) as usize).min(rows.saturating_sub(1));
        for y in top..=bottom {
            let dy = (y as f32 + 0.5 - cy) / ry;
            let reach = 1.0 - dy * dy;
            if reach <= 0.0 {
                continue;
            }
            let half = rx * reach.sqrt();
            let (left, right) = ((cx - half).max(0.0) as usize, ((cx + half).max(0.0) as usize).min(stride));
            if left < right {
                planes.data[plane][y * stride + left..y * stride + right].fill(value);
            }
        }
    }
}
