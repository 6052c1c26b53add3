//! Settings: what can be set without explaining anything to anyone.

use egui::{Rect, Ui};
use sotto_session_api::{ProfileRole, sentences::Language};

use super::{bar, computer, contact, salt, standing};
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    model::{LOCK_MINUTES, Profile, Request},
    theme::Look,
    widgets::{Button, at, checkbox, divider, flow, gap, heading, page, region, segment, text, title},
};

/// The bar or corners of whoever is here, and the way back.
pub(crate) fn frame(ui: &mut Ui, s: &mut Screen<'_>) -> Rect {
    if s.is_therapist() { bar::top(ui, s) } else { bar::client_corners(ui, s) }
}

pub(crate) fn back(ui: &mut Ui, s: &mut Screen<'_>) {
    if Button::plain(s.t.back).icon(icons::ARROW_LEFT).height(44.0).show(ui).clicked()
        || ui.input(|input| input.key_pressed(egui::Key::Escape))
    {
        s.go(Place::Home);
    }
    gap(ui, 4.0);
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let rest = frame(ui, s);
    at(ui, rest, "settings", |ui| {
        page(ui, "settings", 640.0, 16.0, |ui| {
            region(ui.ctx(), 2);
            back(ui, s);
            standing::show(ui, s);
            title(ui, Type::TITLE, t.settings_title);
            gap(ui, 24.0);
            heading(ui, Type::SECTION, t.language);
            gap(ui, 10.0);
            ui.push_id("language", |ui| {
                flow(ui, 12.0, |ui| {
                    for (language, name) in [(Language::English, "English"), (Language::German, "Deutsch")] {
                        if segment(ui, name, s.preferences.language == language).clicked() {
                            s.preferences.language = language;
                        }
                    }
                });
            });
            group(ui, t.look);
            ui.push_id("look", |ui| {
                flow(ui, 12.0, |ui| {
                    for (look, name) in [
                        (None, t.look_system),
                        (Some(Look::Light), t.look_light),
                        (Some(Look::Dark), t.look_dark),
                        (Some(Look::Contrast), t.look_contrast),
                    ] {
                        if segment(ui, name, s.preferences.look == look).clicked() {
                            s.preferences.look = look;
                        }
                    }
                });
            });
            group(ui, t.zoom);
            ui.push_id("zoom", |ui| {
                flow(ui, 12.0, |ui| {
                    for percent in [100, 125, 150, 175, 200_u16] {
                        let zoom = f32::from(percent) / 100.0;
                        let selected = (s.preferences.zoom - zoom).abs() < 0.04;
                        if segment(ui, &format!("{percent} %"), selected).clicked() {
                            s.preferences.zoom = zoom;
                        }
                    }
                });
            });
            if s.model.snapshot.role == Some(ProfileRole::Therapist) {
                group(ui, t.session_length);
                ui.push_id("minutes", |ui| {
                    flow(ui, 12.0, |ui| {
                        for minutes in [45, 50, 60, 90] {
                            if segment(ui, &format!("{minutes} min"), s.preferences.minutes == minutes).clicked() {
                                s.preferences.minutes = minutes;
                            }
                        }
                    });
                });
            }
            if s.model.abilities.lock {
                group(ui, t.lock_after);
                ui.push_id("lock", |ui| {
                    flow(ui, 12.0, |ui| {
                        for minutes in LOCK_MINUTES {
                            if segment(ui, &format!("{minutes} min"), s.preferences.lock_minutes == minutes).clicked() {
                                s.preferences.lock_minutes = minutes;
                            }
                        }
                    });
                });
                gap(ui, 8.0);
                text(ui, Type::SMALL, s.theme.ink2, t.lock_after_text);
            }
            if s.model.profile == Profile::Open {
                group(ui, t.this_computer);
                computer::links(ui, s);
                if s.is_therapist() && s.model.abilities.files {
                    group(ui, t.record);
                    text(ui, Type::SMALL, s.theme.ink2, t.record_text);
                    gap(ui, 10.0);
                    if Button::secondary(t.record_save).icon(icons::DOWNLOAD_SIMPLE).height(44.0).show(ui).clicked() {
                        s.requests.push(Request::SaveRecord);
                    }
                }
            }
            gap(ui, 24.0);
            divider(ui);
            gap(ui, 8.0);
            checkbox(ui, t.motion, t.motion_text, &mut s.preferences.reduced_motion);
            checkbox(ui, t.peek, t.peek_text, &mut s.preferences.peek_key);
            if s.model.profile != Profile::Open || !s.is_therapist() {
                checkbox(ui, t.quick_exit, t.quick_exit_text, &mut s.preferences.quick_exit);
            }
            if s.model.profile == Profile::Open && !s.is_therapist() {
                // A client has no page of a contact, and mostly one contact.
                for info in s.model.snapshot.contacts.iter() {
                    ui.push_id(salt(info.contact), |ui| contact::compare_when(ui, s, info));
                }
            }
            gap(ui, 16.0);
            divider(ui);
            gap(ui, 16.0);
            text(ui, Type::SMALL, s.theme.ink2, t.about);
        });
    });
}

fn group(ui: &mut Ui, words: &str) {
    gap(ui, 24.0);
    heading(ui, Type::SECTION, words);
    gap(ui, 10.0);
}
