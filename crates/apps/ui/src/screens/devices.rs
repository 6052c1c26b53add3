//! Camera and sound, alone with oneself: nothing is sent.

use egui::{CornerRadius, Rect, Role, Ui, vec2};

use super::{
    settings,
    waiting::{empty_picture, picture},
};
use crate::{
    fonts::Type,
    icons,
    interface::Screen,
    model::{DeviceKind, Request},
    video::{Painting, Whose},
    widgets::{Button, at, card, columns, flow, gap, heading, page, region, segment, text, title},
};

/// Where the meter marks "too loud", dBFS.
const TOO_LOUD_DB: f32 = -12.0;
const TOO_QUIET_DB: f32 = -46.0;

/// What runs here.
#[derive(Default)]
pub(crate) struct DevicesState {
    preview: bool,
    told: bool,
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let rest = settings::frame(ui, s);
    if !s.state.devices.told {
        s.state.devices = DevicesState { preview: s.model.abilities.preview, told: true };
        s.requests.push(Request::FindDevices);
        s.requests.push(Request::Meter(true));
        if s.model.abilities.preview {
            s.requests.push(Request::Preview(true));
        }
    }
    at(ui, rest, "devices", |ui| {
        page(ui, "devices", 1152.0, if s.is_therapist() { 32.0 } else { 12.0 }, |ui| {
            region(ui.ctx(), 2);
            if !s.is_therapist() {
                settings::back(ui, s);
            }
            title(ui, Type::TITLE, t.devices_title);
            gap(ui, 8.0);
            text(ui, Type::LEAD, s.theme.ink2, t.devices_lead);
            gap(ui, 24.0);
            columns(ui, &[512.0, 576.0], 64.0, 320.0, |ui, index| {
                if index == 0 {
                    own(ui, s);
                } else {
                    region(ui.ctx(), 3);
                    card(ui, 24, 0.0, |ui| lists(ui, s));
                }
            });
        });
    });
    let stays = s.state.place == crate::interface::Place::Devices;
    if !stays && std::mem::take(&mut s.state.devices.told) {
        s.requests.push(Request::Meter(false));
        if s.state.devices.preview {
            s.requests.push(Request::Preview(false));
        }
    }
}

fn own(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, width * 9.0 / 16.0), egui::Sense::hover());
    if s.model.devices.cameras.missing {
        empty_picture(ui, s, rect, t.no_camera);
    } else {
        picture(ui, s, Whose::Own, rect, Painting { radius: 16.0, cover: true, frozen: false }, t.own_picture);
    }
    gap(ui, 20.0);
    if let Some(level) = s.model.devices.level_db {
        heading(ui, Type::BUTTON, t.say_something);
        gap(ui, 10.0);
        meter(ui, s, level);
        gap(ui, 8.0);
        let words = if level > TOO_LOUD_DB {
            t.level_loud
        } else if level < TOO_QUIET_DB {
            t.level_quiet
        } else {
            t.level_good
        };
        text(ui, Type::SECOND, theme.ink2, words);
        gap(ui, 16.0);
        ui.ctx().request_repaint_after(std::time::Duration::from_millis(66));
    }
    flow(ui, 16.0, |ui| {
        if s.model.abilities.tone && Button::secondary(t.play_tone).icon(icons::SPEAKER_HIGH).show(ui).clicked() {
            s.requests.push(Request::PlayTone);
        }
        if Button::secondary(t.find_devices).icon(icons::ARROW_CLOCKWISE).show(ui).clicked() {
            s.requests.push(Request::FindDevices);
        }
    });
}

fn meter(ui: &mut Ui, s: &Screen<'_>, level: f32) {
    let theme = s.theme;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), egui::Sense::hover());
    let track = Rect::from_center_size(rect.center(), vec2(rect.width(), 14.0));
    let place = |db: f32| ((db + 60.0) / 60.0).clamp(0.0, 1.0);
    ui.painter().rect(track, CornerRadius::same(7), theme.sunken, theme.card_stroke(), egui::StrokeKind::Inside);
    let filled = Rect::from_min_size(track.min, vec2(track.width() * place(level), 14.0));
    ui.painter().rect_filled(filled, CornerRadius::same(7), theme.ok);
    let x = track.width().mul_add(place(TOO_LOUD_DB), track.min.x);
    ui.painter().vline(x, rect.y_range(), egui::Stroke::new(2.0, theme.ink));
    let name = s.t.level_name;
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Meter, true, name));
    let value = f64::from(place(level)) * 100.0;
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_numeric_value(value.round());
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(100.0);
    });
}

/// The devices of each kind, to choose from.
pub(crate) fn lists(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    for (index, kind) in DeviceKind::ALL.into_iter().enumerate() {
        if index > 0 {
            gap(ui, 20.0);
        }
        let words = match kind {
            DeviceKind::Camera => t.camera,
            DeviceKind::Microphone => t.microphone,
            DeviceKind::Speaker => t.speaker,
        };
        heading(ui, Type::SECTION, words);
        gap(ui, 8.0);
        let list = s.model.devices.of(kind).clone();
        if list.known.is_empty() {
            text(ui, Type::SECOND, theme.ink2, if list.missing { t.no_devices } else { t.look_system });
        }
        ui.push_id(words, |ui| {
            flow(ui, 10.0, |ui| {
                for device in &list.known {
                    let chosen = list.chosen.as_ref() == Some(&device.id);
                    if segment(ui, &device.name, chosen).clicked() && !chosen {
                        s.requests.push(Request::UseDevice { kind, id: device.id.clone() });
                    }
                }
            });
        });
    }
}
