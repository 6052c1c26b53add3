//! Pictures of people, painted by the app.

use egui::{Rect, Ui};

/// Whose picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// The other person's.
    Theirs,
    /// One's own: shown as a mirror does.
    Own,
}

/// How a picture is painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Painting {
    /// Corner radius in points.
    pub radius: f32,
    /// Fills the rectangle and cuts off what doesn't fit; else all of it is shown.
    pub cover: bool,
    /// The picture stands still: soften it, so that nobody talks to a dead face.
    pub frozen: bool,
}

/// Paints the latest pictures. Implemented by the app with a shader, in tests with plain textures.
pub trait VideoView {
    /// Width and height of the latest picture, if there is one to paint.
    fn size(&self, whose: Whose) -> Option<[u32; 2]>;
    /// There is a place for this picture on the screen, and it is not there yet: its first one wakes the window.
    fn await_first(&mut self, _whose: Whose) {}
    /// Paints it into `rect` (points; already snapped to pixels), inside the clip rectangle of `ui`.
    fn paint(&mut self, ui: &Ui, whose: Whose, rect: Rect, painting: Painting);
}

/// No picture at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVideo;

impl VideoView for NoVideo {
    fn size(&self, _: Whose) -> Option<[u32; 2]> {
        None
    }
    fn paint(&mut self, _: &Ui, _: Whose, _: Rect, _: Painting) {}
}
