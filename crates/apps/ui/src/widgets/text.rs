//! Text that wraps, is spoken, and is never cut.

use std::sync::Arc;

use egui::{Align2, Color32, Galley, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};

use crate::{
    fonts::{Type, icon_job},
    icons::Icon,
    theme::Theme,
};

/// Lays text out without placing it.
#[must_use]
pub fn measure(ui: &Ui, of: Type, color: Color32, content: &str, width: f32) -> Arc<Galley> {
    ui.painter().layout_job(of.job(content, color, width))
}

/// The role decides whether assistive technology reads the words as a name or as a value: it can't be changed later.
fn spoken(response: &Response, content: &str, role: Role) {
    response.widget_info(|| WidgetInfo::labeled(role, true, content));
}

/// A paragraph at the cursor, as wide as there is room, at most 68 characters a line.
pub fn text(ui: &mut Ui, of: Type, color: Color32, content: &str) -> Response {
    paragraph(ui, of, color, content, Role::Label)
}

fn paragraph(ui: &mut Ui, of: Type, color: Color32, content: &str, role: Role) -> Response {
    let width = ui.available_width().min(of.size * 36.0);
    let galley = measure(ui, of, color, content, width);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
    ui.painter().galley(rect.min, galley, color);
    spoken(&response, content, role);
    response
}

/// Heading of a section.
pub fn heading(ui: &mut Ui, of: Type, content: &str) -> Response {
    let color = Theme::current(ui.ctx()).ink;
    paragraph(ui, of, color, content, Role::Heading)
}

/// Title of a screen; where the reading of a new screen begins.
pub fn title(ui: &mut Ui, of: Type, content: &str) -> Response {
    let response = heading(ui, of, content);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_level(1));
    response
}

/// Text whose `align` corner lies at `pos`; returns its place.
pub fn text_at(ui: &Ui, pos: Pos2, align: Align2, of: Type, color: Color32, content: &str) -> Rect {
    let galley = measure(ui, of, color, content, f32::INFINITY);
    let rect = align.anchor_size(pos, galley.size());
    ui.painter().galley(rect.min, galley, color);
    rect
}

/// An icon centred at `pos`: decoration, so it isn't spoken.
pub fn icon(ui: &Ui, pos: Pos2, icon: Icon, size: f32, color: Color32) -> Rect {
    let galley = ui.painter().layout_job(icon_job(icon, size, color));
    let rect = Align2::CENTER_CENTER.anchor_size(pos, galley.size());
    ui.painter().galley(rect.min, galley, color);
    rect
}

/// A line that begins with an icon.
pub fn icon_text(ui: &mut Ui, mark: Icon, mark_color: Color32, of: Type, color: Color32, content: &str) -> Response {
    let indent = of.size.mul_add(1.25, 16.0);
    let width = (ui.available_width() - indent).min(of.size * 36.0);
    let galley = measure(ui, of, color, content, width);
    let (rect, response) =
        ui.allocate_exact_size(vec2(indent + galley.size().x, galley.size().y.max(24.0)), Sense::hover());
    let line = of.size * of.line;
    icon(ui, Pos2::new(rect.min.x + 12.0, rect.min.y + line / 2.0), mark, of.size.mul_add(0.35, 16.0), mark_color);
    ui.painter().galley(rect.min + vec2(indent, 0.0), galley, color);
    spoken(&response, content, Role::Label);
    response
}
