//! The latest picture of one side, ready to be painted any number of times.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use egui::{Painter, Rect, Vec2};
use egui_wgpu::Callback;
use sotto_session_api::{Planes, VideoSlot};

use super::gpu::{PaintPicture, View};

/// No two pictures have one number, so that a new session never shows the last one's; 0 is none.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Whose picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This side's camera.
    Own,
    /// The other side's.
    Peer,
}

/// How a picture is put into its rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// All of it, as large as it goes; the rectangle becomes smaller.
    Whole,
    /// The rectangle is filled; what is too much is cut off on both sides.
    Fill,
}

/// How a picture looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Into its rectangle.
    pub fit: Fit,
    /// Radius of the corners, points.
    pub radius: f32,
    /// As in a mirror: people expect it of themselves.
    pub is_mirrored: bool,
    /// 0 sharp to 1 soft.
    pub blur: f32,
}

/// The latest picture of one side. Dropped or cleared, nothing of it stays in memory of ours.
pub struct Picture {
    which: Which,
    slot: VideoSlot,
    latest: Option<Arc<Planes>>,
    /// Number of the picture; the graphics processor holds one of them.
    number: u64,
}

impl Picture {
    /// Of this slot.
    pub const fn new(which: Which, slot: VideoSlot) -> Self {
        Self { which, slot, latest: None, number: 0 }
    }

    /// Takes a newer picture if there is one.
    pub fn refresh(&mut self) -> bool {
        let Some(planes) = self.slot.take() else { return false };
        self.latest = Some(planes);
        self.number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// The latest picture.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Planes>> {
        self.latest.clone()
    }

    /// Size of the latest picture.
    #[must_use]
    pub fn size(&self) -> Option<Vec2> {
        self.latest.as_ref().map(|planes| Vec2::new(planes.width as f32, planes.height as f32))
    }

    /// Forgets the picture, also the untaken one.
    pub fn clear(&mut self) {
        self.slot.clear();
        self.latest = None;
    }

    /// Paints it; returns where, or nothing if there is no picture.
    pub fn paint(&self, painter: &Painter, rect: Rect, look: Look) -> Option<Rect> {
        let planes = self.latest.as_ref()?;
        let size = self.size()?;
        let scale = painter.pixels_per_point();
        let (rect, offset, part) = place(rect, size, look.fit);
        // On whole pixels, so that the edge is sharp.
        let rect = Rect::from_min_max(
            (rect.min.to_vec2() * scale).round().to_pos2() / scale,
            (rect.max.to_vec2() * scale).round().to_pos2() / scale,
        );
        let view = View::new(
            if look.is_mirrored { Vec2::new(1.0 - offset.x, offset.y) } else { offset },
            if look.is_mirrored { Vec2::new(-part.x, part.y) } else { part },
            rect.size() * scale,
            look.radius * scale,
            look.blur,
        );
        painter
            .add(Callback::new_paint_callback(rect, PaintPicture::new(self.which, planes.clone(), self.number, view)));
        Some(rect)
    }
}

/// Rectangle on the screen, offset and size of the shown part (0 to 1).
fn place(rect: Rect, picture: Vec2, fit: Fit) -> (Rect, Vec2, Vec2) {
    let (wide, tall) = (rect.width() / picture.x, rect.height() / picture.y);
    match fit {
        Fit::Whole => (Rect::from_center_size(rect.center(), picture * wide.min(tall)), Vec2::ZERO, Vec2::splat(1.0)),
        Fit::Fill => {
            let part = rect.size() / (picture * wide.max(tall));
            (rect, (Vec2::splat(1.0) - part) / 2.0, part)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{pos2, vec2};

    #[test]
    fn nothing_is_stretched() {
        let rect = Rect::from_min_size(pos2(10.0, 10.0), vec2(1600.0, 900.0));
        let (whole, offset, part) = place(rect, vec2(640.0, 480.0), Fit::Whole);
        assert_eq!((whole.size(), offset, part), (vec2(1200.0, 900.0), Vec2::ZERO, vec2(1.0, 1.0)));
        assert_eq!(whole.center(), rect.center());
        let (fill, offset, part) = place(rect, vec2(640.0, 480.0), Fit::Fill);
        assert_eq!(fill, rect);
        assert!((offset.y - 0.125).abs() < 1e-6 && offset.x == 0.0, "{offset:?}");
        let shown = part * vec2(640.0, 480.0);
        assert!((shown.x / shown.y - 16.0 / 9.0).abs() < 1e-4, "{shown:?}");
    }

    #[test]
    fn a_cleared_picture_is_gone() {
        let slot = VideoSlot::default();
        let mut picture = Picture::new(Which::Peer, slot.clone());
        assert!(!picture.refresh());
        let planes = Arc::new(Planes::black(64, 48));
        slot.put(planes.clone());
        assert!(picture.refresh() && !picture.refresh());
        assert_eq!(picture.size(), Some(vec2(64.0, 48.0)));
        slot.put(planes.clone());
        picture.clear();
        assert!(!picture.refresh() && picture.size().is_none());
        assert_eq!(Arc::strong_count(&planes), 1, "nobody else holds it");
    }
}
