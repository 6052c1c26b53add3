//! What else can lie beside the picture: devices, and "can anyone listen?".

use egui::{CornerRadius, Rect, StrokeKind, Ui, vec2};

use crate::{
    fonts::Type,
    interface::Screen,
    screens::{devices as device_lists, listen as listen_page},
    theme::radius,
    widgets::{Button, at, gap, heading},
};

pub(super) fn surface(ui: &Ui, s: &Screen<'_>, place: Rect) {
    let theme = s.theme;
    let corner = CornerRadius::same(radius::CARD);
    ui.painter().add(theme.card_shadow().as_shape(place, corner));
    ui.painter().rect(place, corner, theme.surface, theme.card_stroke(), StrokeKind::Inside);
}

fn side(ui: &mut Ui, s: &mut Screen<'_>, place: Rect, words: &str, add: impl FnOnce(&mut Ui, &mut Screen<'_>)) {
    surface(ui, s, place);
    let inner = place.shrink2(vec2(20.0, 16.0));
    at(ui, inner, words, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(40.0);
            heading(ui, Type::SECTION, words);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if Button::text(s.t.close).height(40.0).show(ui).clicked() {
                    s.state.session.side = None;
                }
            });
        });
        gap(ui, 8.0);
        egui::ScrollArea::vertical().id_salt("side").auto_shrink(false).show(ui, |ui| {
            let width = ui.available_width() - 8.0;
            ui.set_max_width(width);
            add(ui, s);
            gap(ui, 12.0);
        });
    });
}

pub(super) fn devices(ui: &mut Ui, s: &mut Screen<'_>, place: Rect) {
    side(ui, s, place, s.t.devices, device_lists::lists);
}

pub(super) fn listen(ui: &mut Ui, s: &mut Screen<'_>, place: Rect) {
    side(ui, s, place, s.t.listen_title, |ui, s| listen_page::body(ui, s, true));
}
