//! Notices stay until solved; toasts go by themselves and are never about what must be acted on.

use egui::{Align2, CornerRadius, Frame, Margin, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::{Button, Tone, announce, icon, measure, text};
use crate::{
    fonts::Type,
    icons::{self, Icon},
    theme::{Look, Theme, radius},
};

/// Soft fill, icon, heading, sentence; true when it was dismissed.
pub fn notice(ui: &mut Ui, tone: Tone, mark: Icon, heading: &str, sentence: &str, dismiss: Option<&str>) -> bool {
    let theme = Theme::current(ui.ctx());
    let (strong, soft) = tone.colors(&theme);
    let stroke = if theme.look == Look::Contrast { Stroke::new(1.0, strong) } else { Stroke::NONE };
    let frame = Frame::new()
        .fill(soft)
        .stroke(stroke)
        .corner_radius(CornerRadius::same(radius::CARD))
        .inner_margin(Margin::symmetric(24, 16));
    let mut dismissed = false;
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let top = ui.cursor().min;
        icon(ui, top + vec2(14.0, 14.0), mark, 28.0, strong);
        ui.horizontal(|ui| {
            ui.add_space(48.0);
            ui.vertical(|ui| {
                text(ui, Type::SECTION, theme.ink, heading);
                if !sentence.is_empty() {
                    text(ui, Type::BODY, theme.ink2, sentence);
                }
                if let Some(label) = dismiss {
                    dismissed = Button::text(label).height(40.0).show(ui).clicked();
                }
            });
        });
    });
    announce(ui, &format!("{heading} {sentence}"), tone == Tone::Danger);
    dismissed
}

/// A short message at the bottom, over everything; also spoken.
pub fn toast(ui: &Ui, bottom: f32, message: &str) {
    let theme = Theme::current(ui.ctx());
    let area = ui.max_rect();
    let galley = measure(ui, Type::BUTTON, theme.ink, message, (area.width() - 120.0).min(640.0));
    let size = galley.size() + vec2(72.0, 28.0);
    let rect = Rect::from_min_size(pos2(area.center().x - size.x / 2.0, bottom - size.y), size);
    ui.painter().add(theme.card_shadow().as_shape(rect, CornerRadius::same(radius::FIELD)));
    let stroke = Stroke::new(1.0, theme.control);
    ui.painter().rect(rect, CornerRadius::same(radius::FIELD), theme.raised, stroke, StrokeKind::Inside);
    icon(ui, pos2(rect.min.x + 30.0, rect.center().y), icons::INFO_FILL, 20.0, theme.info);
    let at = Align2::LEFT_CENTER.anchor_size(pos2(rect.min.x + 52.0, rect.center().y), galley.size());
    ui.painter().galley(at.min, galley, theme.ink);
    let response = ui.interact(rect, ui.make_persistent_id("toast"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, message));
    announce(ui, message, false);
}
