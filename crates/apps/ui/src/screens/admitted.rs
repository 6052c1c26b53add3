//! Between Admit and the comparison.

use egui::Ui;
use sotto_session_api::Command;

use super::{bar, standing};
use crate::{
    fonts::Type,
    interface::Screen,
    texts::fill,
    widgets::{Button, announce, at, gap, page, region, text, title},
};

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let therapist = s.is_therapist();
    let rest = if therapist { ui.max_rect() } else { bar::client_corners(ui, s) };
    let (heading, lead) = if therapist {
        (fill(t.letting_in_title, &[&s.label(s.model.snapshot.contact)]), t.letting_in_lead)
    } else {
        (t.admitted_title.to_owned(), t.admitted_lead)
    };
    at(ui, rest, "admitted", |ui| {
        page(ui, "admitted", 640.0, (rest.height() * 0.24).clamp(16.0, 220.0), |ui| {
            region(ui.ctx(), 2);
            title(ui, Type::DISPLAY, &heading);
            announce(ui, &format!("{heading}. {lead}"), true);
            gap(ui, 12.0);
            text(ui, Type::LEAD, s.theme.ink2, lead);
            gap(ui, 28.0);
            standing::show(ui, s);
            if Button::secondary(t.end).min_width(160.0).show(ui).clicked() {
                s.send(Command::End);
            }
        });
    });
}
