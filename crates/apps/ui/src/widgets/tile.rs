//! Tiles with words that are read aloud: they shrink, then stack, and are never shortened.

use egui::{CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::measure;
use crate::{
    fonts::Type,
    theme::{Look, Theme, radius},
};

/// One tile.
pub fn word_tile(ui: &Ui, rect: Rect, of: Type, word: &str) {
    let theme = Theme::current(ui.ctx());
    let stroke = if theme.look == Look::Contrast { Stroke::new(1.0, theme.control) } else { Stroke::NONE };
    ui.painter().rect(rect, CornerRadius::same(radius::FIELD), theme.accent_soft, stroke, StrokeKind::Inside);
    let mut size = of.size;
    let mut galley = measure(ui, of, theme.ink, word, f32::INFINITY);
    while galley.size().x > rect.width() - 16.0 && size > 14.0 {
        size -= 1.0;
        galley = measure(ui, of.sized(size), theme.ink, word, f32::INFINITY);
    }
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.ink);
}

/// Tiles in a line, or two by two, or one below the other; read as one group.
pub fn word_tiles(ui: &mut Ui, of: Type, height: f32, between: f32, name: &str, words: &[&str]) {
    let width = ui.available_width();
    let theme = Theme::current(ui.ctx());
    let widest = words
        .iter()
        .map(|word| measure(ui, of.sized(22.0f32.min(of.size)), theme.ink, word, f32::INFINITY).size().x)
        .fold(0.0, f32::max)
        + 16.0;
    let per_row = super::rows_of(width, widest, between, words.len());
    let per_row = if words.len() == 4 && per_row == 3 { 2 } else { per_row };
    let rows = words.len().div_ceil(per_row);
    let tile = between.mul_add(-(per_row as f32 - 1.0), width) / per_row as f32;
    let total = (rows as f32).mul_add(height + between, -between);
    let (rect, response) = ui.allocate_exact_size(vec2(width, total), Sense::hover());
    for (index, word) in words.iter().enumerate() {
        let (row, column) = ((index / per_row) as f32, (index % per_row) as f32);
        let min = pos2((tile + between).mul_add(column, rect.min.x), (height + between).mul_add(row, rect.min.y));
        word_tile(ui, Rect::from_min_size(min, vec2(tile, height)), of, word);
    }
    let spoken = if name.is_empty() { words.join(", ") } else { format!("{name}: {}", words.join(", ")) };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
}
