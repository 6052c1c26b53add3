//! Cards, columns and space.

use egui::{CornerRadius, Frame, Margin, Rect, Stroke, Ui, UiBuilder, vec2};

use crate::theme::{Theme, radius};

/// Vertical space (in a column) or horizontal space (in a line).
pub fn gap(ui: &mut Ui, points: f32) {
    ui.add_space(points);
}

/// Draws at a fixed place without moving the cursor; returns what it took.
pub fn at<R>(ui: &mut Ui, rect: Rect, salt: &str, add: impl FnOnce(&mut Ui) -> R) -> (Rect, R) {
    let mut child = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(rect));
    let result = add(&mut child);
    (child.min_rect(), result)
}

/// A line between things: decoration.
pub fn divider(ui: &mut Ui) {
    let theme = Theme::current(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, theme.line));
}

/// A card that is as wide as there is room and at least `min_height` high; returns its place.
pub fn card<R>(ui: &mut Ui, padding: i8, min_height: f32, add: impl FnOnce(&mut Ui) -> R) -> (Rect, R) {
    let theme = Theme::current(ui.ctx());
    let frame = Frame::new()
        .fill(theme.surface)
        .stroke(theme.card_stroke())
        .corner_radius(CornerRadius::same(radius::CARD))
        .shadow(theme.card_shadow())
        .inner_margin(Margin::same(padding));
    let out = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let inner = min_height - 2.0 * f32::from(padding);
        if inner > 0.0 {
            ui.set_min_height(inner);
        }
        add(ui)
    });
    (out.response.rect, out.inner)
}

/// Things in a line that wraps.
pub fn flow<R>(ui: &mut Ui, between: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(between, 8.0);
        ui.horizontal_wrapped(add).inner
    })
    .inner
}

/// Columns of the given shares, or one below the other if a column would be narrower than `min_width`.
/// Each is given its index.
pub fn columns(ui: &mut Ui, shares: &[f32], between: f32, min_width: f32, mut add: impl FnMut(&mut Ui, usize)) {
    let count = shares.len();
    let total: f32 = shares.iter().sum();
    let room = ui.available_width() - between * (count as f32 - 1.0);
    let narrowest = shares.iter().copied().fold(f32::INFINITY, f32::min);
    if room * narrowest / total < min_width {
        for index in 0..count {
            if index > 0 {
                gap(ui, between.min(24.0));
            }
            ui.push_id(index, |ui| add(ui, index));
        }
        return;
    }
    let top = ui.cursor().min;
    let mut left = top.x;
    let mut bottom = top.y;
    for (index, share) in shares.iter().enumerate() {
        let width = (room * share / total).floor();
        let rect = Rect::from_min_size(egui::pos2(left, top.y), vec2(width, f32::INFINITY));
        let mut child = ui.new_child(UiBuilder::new().id_salt(index).max_rect(rect));
        child.set_width(width);
        add(&mut child, index);
        bottom = bottom.max(child.min_rect().max.y);
        left += width + between;
    }
    let end = egui::pos2(left - between, bottom);
    ui.advance_cursor_after_rect(Rect::from_min_max(top, end));
}

/// How many equal columns of at least `min_width` fit, at most `most`.
#[must_use]
pub fn rows_of(width: f32, min_width: f32, between: f32, most: usize) -> usize {
    (1..=most).rev().find(|&n| (width + between) / n as f32 - between >= min_width).unwrap_or(1)
}

/// A page that scrolls when it does not fit: a column of at most `max_width`, centred, with a margin.
pub fn page<R>(ui: &mut Ui, salt: &str, max_width: f32, top: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let area = ui.available_rect_before_wrap();
    let margin = if area.width() < 800.0 { 16.0 } else { 64.0 };
    let width = (area.width() - 2.0 * margin).min(max_width);
    let side = ((area.width() - width) / 2.0).floor();
    egui::ScrollArea::vertical()
        .id_salt(salt)
        .auto_shrink(false)
        .show(ui, |ui| {
            let start = ui.cursor().min;
            let rect = Rect::from_min_size(start + vec2(side, 0.0), vec2(width, f32::INFINITY));
            let mut child = ui.new_child(UiBuilder::new().id_salt("column").max_rect(rect));
            child.set_width(width);
            gap(&mut child, top);
            let result = add(&mut child);
            gap(&mut child, 24.0);
            let used = child.min_rect();
            let whole = Rect::from_min_max(start, egui::pos2(start.x + area.width(), used.max.y));
            ui.advance_cursor_after_rect(whole);
            result
        })
        .inner
}
