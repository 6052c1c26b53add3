//! One of the five answers of the comparison. Enter and Space do nothing here, so a habitual key never passes it.

use egui::{
    Align2, CornerRadius, Id, PointerButton, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    accesskit::Action, pos2,
};

use super::{
    button::key_cap,
    control::{focus_ring, keyboard_in_use},
    icon, text_at,
};
use crate::{
    fonts::Type,
    icons,
    theme::{Theme, radius},
};

/// What stands in a row.
pub struct CandidateRow<'a> {
    /// One to three parts, in aligned columns.
    pub parts: &'a [&'a str],
    /// What is spoken.
    pub name: &'a str,
    /// Key that marks it.
    pub cap: &'a str,
    /// Marked.
    pub picked: bool,
    /// Set where the row itself is the confirmation: its words ("I heard this").
    pub confirm: Option<&'a str>,
    /// Stable identity.
    pub id: Id,
}

/// Draws the row; true when it was clicked with a pointer or through the accessibility action, and by nothing else.
pub fn candidate_row(ui: &Ui, rect: Rect, row: &CandidateRow<'_>) -> bool {
    let theme = Theme::current(ui.ctx());
    let response = ui.interact(rect, row.id, Sense::click()).on_hover_cursor(egui::CursorIcon::PointingHand);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::RadioButton, true, row.name);
        info.selected = Some(row.picked);
        info
    });
    super::control::note_region(ui.ctx(), row.id);
    let filled = row.picked && row.confirm.is_some();
    let corner = CornerRadius::same(radius::BUTTON);
    let (fill, stroke) = match (row.picked, filled) {
        (true, true) => (if response.hovered() { theme.accent_hover } else { theme.accent }, Stroke::NONE),
        (true, false) => (theme.accent_soft, Stroke::new(2.5, theme.accent)),
        _ => (if response.hovered() { theme.sunken } else { theme.raised }, Stroke::new(1.0, theme.control)),
    };
    ui.painter().rect(rect, corner, fill, stroke, StrokeKind::Inside);
    let ink = if filled { theme.on_accent } else { theme.ink };
    let padding = if rect.width() < 620.0 { 16.0 } else { 28.0 };
    let end = if row.confirm.is_some() { 190.0 } else { 84.0 };
    let step = (rect.width() - padding - end) / 3.0;
    let of = if rect.height() < 48.0 || step < 130.0 { Type::HEADING.sized(18.0) } else { Type::HEADING };
    for (index, part) in row.parts.iter().enumerate() {
        let x = step.mul_add(index as f32, rect.min.x + padding);
        text_at(ui, pos2(x, rect.center().y), Align2::LEFT_CENTER, of, ink, part);
    }
    let cap = Pos2::new(rect.max.x - padding - 10.0, rect.center().y);
    if filled {
        key_cap(ui, cap, row.cap, Some(ink));
        if let Some(confirm) = row.confirm {
            let at = cap - egui::vec2(24.0, 0.0);
            text_at(ui, at, Align2::RIGHT_CENTER, Type::BUTTON, ink, confirm);
        }
    } else if row.picked {
        icon(ui, cap, icons::CHECK_CIRCLE_FILL, 28.0, theme.accent);
    } else {
        key_cap(ui, cap, row.cap, None);
    }
    if response.has_focus() && keyboard_in_use(ui.ctx()) {
        if response.gained_focus() {
            ui.scroll_to_rect(response.rect.expand(16.0), None);
        }
        focus_ring(ui, rect, radius::BUTTON);
    }
    deliberate_click(ui, &response)
}

/// A click that no habitual key makes: a focused widget gets `clicked()` from Enter and Space too.
pub(crate) fn deliberate_click(ui: &Ui, response: &egui::Response) -> bool {
    response.clicked_by(PointerButton::Primary)
        || ui.input(|input| input.has_accesskit_action_request(response.id, Action::Click))
}
