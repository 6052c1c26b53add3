//! Round controls under the picture, with a label.

use egui::{Align2, Color32, Id, Pos2, Rect, Response, Role, Stroke, Ui, vec2};

use super::{Control, icon, text_at};
use crate::{fonts::Type, icons::Icon, theme::Theme};

/// How a call control stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlState {
    /// The thing it controls is on, or it just does something.
    On,
    /// What it controls is off: inverted, with a slashed icon and another label.
    Off,
    /// Its panel is open.
    Open,
    /// No such device: dashed border.
    Missing,
    /// Ends the session.
    Stop,
}

/// Diameter 52, label below, hit area at least 68×72.
pub fn call_control(ui: &Ui, center: Pos2, state: ControlState, mark: Icon, label: &str, name: &str) -> Response {
    let theme = Theme::current(ui.ctx());
    let label_color = if state == ControlState::Stop { theme.danger } else { theme.ink2 };
    let label_width = super::measure(ui, Type::SMALL, label_color, label, f32::INFINITY).size().x;
    let area = Rect::from_min_size(
        Pos2::new(center.x - label_width.max(68.0) / 2.0, center.y - 28.0),
        vec2(label_width.max(68.0), 80.0),
    );
    let circle = Rect::from_center_size(center, vec2(52.0, 52.0));
    let toggled = match state {
        ControlState::Off | ControlState::Open => Some(true),
        _ => None,
    };
    let id: Id = ui.make_persistent_id(("call control", center.x as i32, name.len(), mark.glyph));
    let response = Control::new(Role::Button, name)
        .enabled(state != ControlState::Missing)
        .toggled(toggled)
        .radius(26)
        .ring(circle)
        .place(ui, area, id)
        .on_hover_cursor(egui::CursorIcon::PointingHand);
    let hot = response.hovered() && state != ControlState::Missing;
    let border = Stroke::new(if hot && state == ControlState::Stop { 2.0 } else { 1.0 }, theme.control);
    let (fill, stroke, ink) = match state {
        ControlState::On => (if hot { theme.sunken } else { theme.raised }, border, theme.ink),
        ControlState::Open => (theme.accent_soft, Stroke::new(2.0, theme.accent), theme.ink),
        ControlState::Off => (theme.ink, Stroke::NONE, theme.canvas),
        ControlState::Missing => (Color32::TRANSPARENT, Stroke::NONE, theme.ink3),
        ControlState::Stop => (theme.danger_soft, Stroke::new(border.width, theme.danger), theme.danger),
    };
    ui.painter().circle(center, 26.0, fill, Stroke::NONE);
    if state == ControlState::Missing {
        dashed_circle(ui, center, 25.5, Stroke::new(1.5, theme.control));
    } else {
        ui.painter().circle_stroke(center, 25.5, stroke);
    }
    icon(ui, center, mark, 24.0, ink);
    text_at(ui, Pos2::new(center.x, center.y + 28.0), Align2::CENTER_TOP, Type::SMALL, label_color, label);
    response
}

fn dashed_circle(ui: &Ui, center: Pos2, radius: f32, stroke: Stroke) {
    let points: Vec<Pos2> =
        (0..=64).map(|i| center + radius * egui::Vec2::angled(i as f32 / 64.0 * std::f32::consts::TAU)).collect();
    ui.painter().extend(egui::Shape::dashed_line(&points, stroke, 5.0, 4.0));
}
