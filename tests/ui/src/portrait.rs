//! Two people whom nobody knows, painted: the pictures of the fake cameras.

use egui::{Color32, CornerRadius, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2};
use sotto_ui::{Painting, VideoView, Whose};

/// Which pictures there are.
#[derive(Clone, Copy, Debug)]
pub struct Portraits {
    /// The other person's.
    pub theirs: bool,
    /// The own one.
    pub own: bool,
}

impl Default for Portraits {
    fn default() -> Self {
        Self { theirs: true, own: true }
    }
}

impl VideoView for Portraits {
    fn size(&self, whose: Whose) -> Option<[u32; 2]> {
        let there = if whose == Whose::Own { self.own } else { self.theirs };
        there.then_some([1280, 720])
    }

    fn paint(&mut self, ui: &Ui, whose: Whose, rect: Rect, painting: Painting) {
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let radius = CornerRadius::same(painting.radius as u8);
        let (wall, skin, hair, cloth) = match whose {
            Whose::Theirs => (
                Color32::from_rgb(183, 178, 164),
                Color32::from_rgb(206, 160, 130),
                Color32::from_rgb(70, 48, 38),
                Color32::from_rgb(58, 88, 104),
            ),
            Whose::Own => (
                Color32::from_rgb(150, 160, 150),
                Color32::from_rgb(186, 140, 112),
                Color32::from_rgb(52, 48, 46),
                Color32::from_rgb(118, 88, 84),
            ),
        };
        painter.rect_filled(rect, radius, wall);
        let unit = rect.height() / 10.0;
        let middle = pos2(rect.center().x, rect.min.y + 4.3 * unit);
        let at = |x: f32, y: f32| middle + vec2(x * unit, y * unit);
        let oval = |center: Pos2, x: f32, y: f32, color: Color32| {
            painter.add(Shape::ellipse_filled(center, vec2(x * unit, y * unit), color));
        };
        oval(at(0.0, 6.2), 4.4, 3.9, cloth);
        painter.rect_filled(
            Rect::from_center_size(at(0.0, 2.2), vec2(1.3 * unit, 1.8 * unit)),
            CornerRadius::same((0.4 * unit) as u8),
            skin.gamma_multiply(0.93),
        );
        oval(at(0.0, -0.2), 2.0, 2.5, hair);
        oval(at(0.0, 0.2), 1.5, 1.95, skin);
        oval(at(0.0, -1.75), 1.5, 0.75, hair);
        for side in [-0.6, 0.6] {
            oval(at(side, 0.0), 0.16, 0.1, Color32::from_rgb(40, 30, 28));
            painter.line_segment([at(side - 0.3, -0.35), at(side + 0.3, -0.38)], Stroke::new(0.08 * unit, hair));
        }
        painter.line_segment([at(-0.4, 1.05), at(0.4, 1.05)], Stroke::new(0.1 * unit, Color32::from_rgb(150, 88, 80)));
        if painting.frozen {
            painter.rect_filled(rect, radius, wall.gamma_multiply(0.6));
        }
        // What sticks out of the round corners is covered by the colour of the window.
        let canvas = ui.visuals().panel_fill;
        painter.rect_stroke(
            rect.expand(4.0),
            CornerRadius::same(painting.radius as u8 + 4),
            Stroke::new(4.0, canvas),
            StrokeKind::Inside,
        );
    }
}
