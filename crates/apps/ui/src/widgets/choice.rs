//! Choices: cards on the first screen, segments in settings, check boxes.

use egui::{Align2, CornerRadius, Response, Role, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{Control, icon, measure};
use crate::{
    fonts::Type,
    icons::{self, Icon},
    theme::{Theme, radius},
};

/// A large card that leads on: icon in a circle, heading, sentence, caret.
pub fn choice_card(ui: &mut Ui, mark: Icon, label: &str, sentence: &str) -> Response {
    let theme = Theme::current(ui.ctx());
    let width = ui.available_width();
    let left = if width < 440.0 { 88.0 } else { 104.0 };
    let room = width - left - 56.0;
    let head = measure(ui, Type::HEADING, theme.ink, label, room);
    let body = measure(ui, Type::SECOND, theme.ink2, sentence, room);
    let content = head.size().y + 6.0 + body.size().y;
    let (rect, _) = ui.allocate_exact_size(vec2(width, (content + 40.0).max(116.0)), Sense::hover());
    let name = format!("{label}. {sentence}");
    let id = ui.make_persistent_id(label);
    ui.painter().add(theme.card_shadow().as_shape(rect, CornerRadius::same(radius::CARD)));
    let response = Control::new(Role::Button, &name).radius(radius::CARD).place(ui, rect, id);
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    let stroke = if response.hovered() { Stroke::new(1.5, theme.control) } else { theme.card_stroke() };
    ui.painter().rect(rect, CornerRadius::same(radius::CARD), theme.surface, stroke, StrokeKind::Inside);
    let middle = pos2(rect.min.x + left / 2.0, rect.center().y);
    ui.painter().circle_filled(middle, 28.0, theme.accent_soft);
    icon(ui, middle, mark, 28.0, theme.accent);
    let top = pos2(rect.min.x + left, rect.center().y - content / 2.0);
    let below = top + vec2(0.0, head.size().y + 6.0);
    ui.painter().galley(top, head, theme.ink);
    ui.painter().galley(below, body, theme.ink2);
    icon(ui, pos2(rect.max.x - 32.0, rect.center().y), icons::CARET_RIGHT, 20.0, theme.ink2);
    response
}

/// One of a few choices in a line.
pub fn segment(ui: &mut Ui, label: &str, selected: bool) -> Response {
    let theme = Theme::current(ui.ctx());
    let face = if selected { Type::BUTTON } else { Type::BODY };
    let ink = if selected { theme.ink } else { theme.ink2 };
    let galley = measure(ui, Type::BUTTON, ink, label, f32::INFINITY);
    let (rect, _) = ui.allocate_exact_size(vec2(galley.size().x + 32.0, 44.0), Sense::hover());
    let id = ui.make_persistent_id(label);
    let response = Control::new(Role::RadioButton, label).toggled(Some(selected)).place(ui, rect, id);
    let (fill, stroke) = if selected {
        (theme.accent_soft, Stroke::new(2.0, theme.accent))
    } else {
        (if response.hovered() { theme.sunken } else { theme.raised }, Stroke::new(1.0, theme.control))
    };
    ui.painter().rect(rect, CornerRadius::same(radius::BUTTON), fill, stroke, StrokeKind::Inside);
    super::text_at(ui, rect.center(), Align2::CENTER_CENTER, face, ink, label);
    response
}

/// A check box; the whole line reacts.
pub fn checkbox(ui: &mut Ui, label: &str, sentence: &str, on: &mut bool) -> Response {
    let theme = Theme::current(ui.ctx());
    let width = ui.available_width();
    let head = measure(ui, Type::BODY, theme.ink, label, width - 44.0);
    let body = (!sentence.is_empty()).then(|| measure(ui, Type::SECOND, theme.ink2, sentence, width - 44.0));
    let height = head.size().y + body.as_ref().map_or(0.0, |body| body.size().y) + 16.0;
    let (rect, _) = ui.allocate_exact_size(vec2(width, height.max(44.0)), Sense::hover());
    let id = ui.make_persistent_id(label);
    let mut response = Control::new(Role::CheckBox, label)
        .toggled(Some(*on))
        .description((!sentence.is_empty()).then_some(sentence))
        .place(ui, rect, id);
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    let mark = egui::Rect::from_min_size(rect.min + vec2(2.0, 10.0), vec2(24.0, 24.0));
    let (fill, stroke) =
        if *on { (theme.accent, Stroke::NONE) } else { (theme.raised, Stroke::new(1.5, theme.control)) };
    ui.painter().rect(mark, CornerRadius::same(radius::KEY), fill, stroke, StrokeKind::Inside);
    if *on {
        icon(ui, mark.center(), icons::CHECK, 18.0, theme.on_accent);
    }
    let at = rect.min + vec2(40.0, 8.0);
    let below = at + vec2(0.0, head.size().y);
    ui.painter().galley(at, head, theme.ink);
    if let Some(body) = body {
        ui.painter().galley(below, body, theme.ink2);
    }
    response
}
