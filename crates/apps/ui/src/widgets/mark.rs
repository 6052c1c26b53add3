//! The mark: two overlapping circles, one full, one open: two people, one listening.

use egui::{Align2, Color32, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use super::text_at;
use crate::fonts::Type;

/// The mark with its left middle at `at`, `size` high.
pub fn mark(ui: &Ui, at: Pos2, size: f32, color: Color32) -> Rect {
    let radius = size / 2.0;
    let (full, open) = (at + vec2(radius * 0.86, 0.0), at + vec2(radius * 2.0, 0.0));
    ui.painter().circle_stroke(open, radius - 1.0, Stroke::new(2.0, color));
    ui.painter().circle_filled(full, radius * 0.86, color);
    Rect::from_min_max(at - vec2(0.0, radius), Pos2::new(open.x + radius, at.y + radius))
}

/// Mark and name.
pub fn mark_with_name(ui: &Ui, at: Pos2, size: f32, of: Type, color: Color32, ink: Color32) -> Rect {
    let rect = mark(ui, at, size, color);
    let name = text_at(ui, Pos2::new(rect.max.x + 12.0, at.y), Align2::LEFT_CENTER, of, ink, "Sotto");
    let all = rect.union(name);
    let response = ui.interact(all, ui.make_persistent_id("sotto"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, "Sotto"));
    all
}
