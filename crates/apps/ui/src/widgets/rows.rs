//! Rows of lists and facts.

use egui::{Align2, Color32, CornerRadius, Pos2, Response, Role, Sense, Ui, pos2, vec2};

use super::{Control, icon, measure, text, text_at};
use crate::{
    fonts::Type,
    icons::{self, Icon},
    theme::{Theme, radius},
};

/// A contact in the list.
pub struct ContactRow<'a> {
    /// Private label.
    pub label: &'a str,
    /// Line below it.
    pub second: &'a str,
    /// State as a mark.
    pub mark: Icon,
    /// Colour of the mark.
    pub color: Color32,
    /// State in at most eighteen letters.
    pub state: &'a str,
    /// Stable salt.
    pub salt: u64,
}

/// One tab stop: label, second line, state, caret.
pub fn contact_row(ui: &mut Ui, row: &ContactRow<'_>) -> Response {
    let theme = Theme::current(ui.ctx());
    let width = ui.available_width();
    let state = measure(ui, Type::SMALL.sized(15.0), theme.ink2, row.state, f32::INFINITY);
    let beside = state.size().x + 72.0;
    // Label and state share the line if the label keeps some room; else the state goes below.
    let stacked = width - beside < 120.0;
    let room = if stacked { width - 40.0 } else { width - beside - 12.0 };
    let label = measure(ui, Type::BUTTON, theme.ink, row.label, room);
    let second = measure(ui, Type::SMALL, theme.ink2, row.second, room);
    let text_height = label.size().y + 4.0 + second.size().y;
    let extra = if stacked { 28.0 } else { 0.0 };
    let (rect, _) = ui.allocate_exact_size(vec2(width, (text_height + 22.0 + extra).max(64.0)), Sense::hover());
    let name = format!("{}, {}, {}", row.label, row.second, row.state);
    let id = ui.make_persistent_id(("contact", row.salt));
    let around = rect.expand2(vec2(8.0, -3.0));
    let response = Control::new(Role::Button, &name).radius(radius::BUTTON).ring(around).place(ui, rect, id);
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    if response.hovered() {
        ui.painter().rect_filled(around, CornerRadius::same(radius::BUTTON), theme.sunken);
    }
    let top = pos2(rect.min.x, rect.center().y - (text_height + extra) / 2.0);
    let below = top + vec2(0.0, label.size().y + 4.0);
    let bottom = below.y + second.size().y;
    ui.painter().galley(top, label, theme.ink);
    ui.painter().galley(below, second, theme.ink2);
    let caret = pos2(rect.max.x - 8.0, rect.center().y);
    icon(ui, caret, icons::CARET_RIGHT, 18.0, theme.ink2);
    let line = if stacked { bottom + 14.0 } else { rect.center().y };
    let left = if stacked { rect.min.x + 26.0 } else { rect.max.x - 32.0 - state.size().x };
    icon(ui, pos2(left - 16.0, line), row.mark, 18.0, row.color);
    ui.painter().galley(pos2(left, line - state.size().y / 2.0), state, theme.ink2);
    response
}

/// A checked fact: mark, heading, sentence.
pub fn fact(ui: &mut Ui, mark: Icon, color: Color32, head: &str, sentence: &str) {
    let theme = Theme::current(ui.ctx());
    let top = ui.cursor().min;
    icon(ui, top + vec2(14.0, 22.0), mark, 24.0, color);
    ui.horizontal(|ui| {
        ui.add_space(44.0);
        ui.vertical(|ui| {
            text(ui, Type::BUTTON, theme.ink, head);
            text(ui, Type::SECOND, theme.ink2, sentence);
        });
    });
}

/// A numbered step.
pub fn step(ui: &mut Ui, number: usize, head: &str, sentence: &str) {
    let theme = Theme::current(ui.ctx());
    let center: Pos2 = ui.cursor().min + vec2(16.0, 22.0);
    ui.painter().circle_filled(center, 15.0, theme.sunken);
    if theme.look == crate::theme::Look::Contrast {
        ui.painter().circle_stroke(center, 15.0, theme.card_stroke());
    }
    text_at(ui, center, Align2::CENTER_CENTER, Type::SECOND_STRONG, theme.ink, &number.to_string());
    ui.horizontal(|ui| {
        ui.add_space(46.0);
        ui.vertical(|ui| {
            text(ui, Type::BUTTON, theme.ink, head);
            text(ui, Type::SECOND, theme.ink2, sentence);
        });
    });
}
