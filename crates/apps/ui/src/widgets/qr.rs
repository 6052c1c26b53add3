//! A QR picture, always dark on light so that every scanner reads it.

use egui::{Color32, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};
use qrcode::{Color, EcLevel, QrCode};

use crate::theme::{Theme, radius};

/// Draws `content`, `side` points wide including its quiet zone; false if it is too long for a QR picture.
pub fn qr(ui: &mut Ui, content: impl AsRef<[u8]>, side: f32, name: &str) -> bool {
    let Ok(code) = QrCode::with_error_correction_level(content, EcLevel::M) else { return false };
    let theme = Theme::current(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    let painter = ui.painter();
    let border = Stroke::new(1.0, theme.line);
    painter.rect(rect, CornerRadius::same(radius::FIELD), Color32::WHITE, border, StrokeKind::Inside);
    let modules = code.width();
    // Whole pixels, so that no seam shows; four modules of quiet zone (ISO 18004).
    let pixels = ui.pixels_per_point();
    let module = ((side / (modules as f32 + 8.0)) * pixels).floor().max(1.0) / pixels;
    let start = rect.center() - vec2(module, module) * (modules as f32 / 2.0);
    let start = (start.to_vec2() * pixels).round() / pixels;
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let at = start + vec2((index % modules) as f32, (index / modules) as f32) * module;
            let cell = Rect::from_min_size(at.to_pos2(), vec2(module, module));
            painter.rect_filled(cell, CornerRadius::ZERO, Color32::from_rgb(0x1A, 0x20, 0x21));
        }
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    true
}
