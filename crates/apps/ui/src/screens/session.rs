//! The session: a face first, controls under it, nothing that moves around it.

mod chat;
mod controls;
mod panel;

use egui::{Align2, Key, Modifiers, Rect, Ui, pos2, vec2};
use sotto_session_api::{Command, LinkState, MediaTrack};

use super::{
    listen,
    waiting::{picture, snap},
};
use crate::{
    fonts::Type,
    icons,
    interface::Screen,
    video::{Painting, Whose},
    widgets::{Button, announce, at, flow, gap, heading, pill, region, text},
};

/// The own picture is shown for as long, once it stands.
const SELF_VIEW_SECONDS: f64 = 10.0;
/// After that long without sound the telephone is brought up.
const PHONE_SECONDS: f64 = 15.0;

/// What lies beside the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Chat,
    Devices,
    Listen,
}

/// What is open in a session.
#[derive(Default)]
pub(crate) struct SessionState {
    side: Option<Side>,
    ending: bool,
    draft: String,
    focus_draft: bool,
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let area = ui.max_rect();
    keys(ui, s);
    let bar_height = if area.height() < 560.0 { 84.0 } else { 96.0 };
    let margin = if area.width() < 800.0 { 16.0 } else { 48.0 };
    let above = Rect::from_min_max(
        pos2(area.min.x + margin, area.min.y + 16.0),
        pos2(area.max.x - margin, area.max.y - bar_height - if area.height() < 560.0 { 4.0 } else { 12.0 }),
    );
    let side_width = match s.state.session.side {
        None => 0.0,
        Some(Side::Listen) => 480.0f32.min(above.width()),
        Some(_) => 320.0f32.min(above.width()),
    };
    // Where both don't fit, what was opened lies over the picture's place; the sound goes on.
    let covers = side_width > 0.0 && above.width() - side_width < 220.0;
    let room = if side_width > 0.0 && !covers {
        Rect::from_min_max(above.min, pos2(above.max.x - side_width - 24.0, above.max.y))
    } else {
        above
    };
    if !covers {
        region(ui.ctx(), 1);
        face(ui, s, room);
    }
    let bar =
        Rect::from_min_max(pos2(area.min.x + margin, area.max.y - bar_height), pos2(area.max.x - margin, area.max.y));
    region(ui.ctx(), 2);
    controls::bar(ui, s, bar);
    if let Some(side) = s.state.session.side {
        region(ui.ctx(), 3);
        let left = if covers { above.min.x } else { above.max.x - side_width };
        let place = Rect::from_min_max(pos2(left, above.min.y), above.max);
        match side {
            Side::Chat => chat::show(ui, s, place),
            Side::Devices => panel::devices(ui, s, place),
            Side::Listen => panel::listen(ui, s, place),
        }
    }
    if s.state.session.ending {
        end_question(ui, s);
    }
    listen::ask_for_figures(ui, s, s.state.session.side == Some(Side::Listen));
}

fn keys(ui: &Ui, s: &mut Screen<'_>) {
    let (mute, camera, chat, end, back, escape) = ui.input_mut(|input| {
        (
            input.consume_key(Modifiers::COMMAND, Key::D),
            input.consume_key(Modifiers::COMMAND, Key::E),
            input.consume_key(Modifiers::COMMAND, Key::T),
            input.consume_key(Modifiers::COMMAND, Key::End),
            input.consume_key(Modifiers::COMMAND, Key::Backspace),
            input.key_pressed(Key::Escape),
        )
    });
    // First: a slow frame may hold Escape and the next key.
    if escape {
        // The top layer only, and never the session.
        if s.state.session.ending {
            s.state.session.ending = false;
        } else {
            s.state.session.side = None;
        }
    }
    if mute {
        toggle(s, MediaTrack::Audio);
    }
    if camera {
        toggle(s, MediaTrack::Camera);
    }
    if chat {
        open(s, Side::Chat);
    }
    if end {
        ask_to_end(s);
    }
    if back && s.is_therapist() && !ui.ctx().text_edit_focused() {
        s.state.session.ending = true;
    }
}

/// Microphone or camera on or off, and said.
pub(super) fn toggle(s: &mut Screen<'_>, track: MediaTrack) {
    let snapshot = s.model.snapshot;
    let (on, words) = match track {
        MediaTrack::Audio => {
            (!snapshot.audio_muted, if snapshot.audio_muted { s.t.unmuted_said } else { s.t.muted_said })
        }
        _ => (!snapshot.camera_muted, if snapshot.camera_muted { s.t.camera_on_said } else { s.t.camera_off_said }),
    };
    s.send(Command::Mute { track, on });
    s.say(words);
}

pub(super) fn open(s: &mut Screen<'_>, side: Side) {
    let same = s.state.session.side == Some(side);
    s.state.session.side = (!same).then_some(side);
    s.state.session.focus_draft = side == Side::Chat && !same;
}

pub(super) fn ask_to_end(s: &mut Screen<'_>) {
    if s.is_therapist() {
        s.state.session.ending = true;
    } else {
        s.send(Command::End);
    }
}

/// The other person at the top centre, in the right shape.
fn face(ui: &mut Ui, s: &mut Screen<'_>, room: Rect) {
    let [w, h] = s.video.size(Whose::Theirs).unwrap_or([16, 9]);
    let (w, h) = (w.max(1) as f32, h.max(1) as f32);
    let scale = (room.width() / w).min(room.height() / h);
    let size = vec2(w * scale, h * scale);
    let rect = snap(ui, Rect::from_min_size(pos2(room.center().x - size.x / 2.0, room.min.y), size));
    let lost = matches!(s.memory.link, Some((LinkState::Reconnecting, _)));
    if s.memory.their_camera_off && !lost {
        super::waiting::empty_picture(ui, s, rect, s.t.their_camera_off);
    } else {
        picture(ui, s, Whose::Theirs, rect, Painting { radius: 16.0, cover: false, frozen: lost }, s.t.their_picture);
    }
    let t = s.t;
    if let Some((LinkState::Reconnecting, since)) = s.memory.link {
        let without = s.model.clock.mono - since;
        if without >= PHONE_SECONDS {
            phone(ui, s, rect);
        } else {
            pill(ui, rect.center(), Align2::CENTER_CENTER, icons::CLOUD_RAIN_FILL, t.frozen);
            announce(ui, t.frozen, true);
            let rest = std::time::Duration::from_secs_f64((PHONE_SECONDS - without).max(0.05));
            ui.ctx().request_repaint_after(rest);
        }
    }
    if s.memory.their_sound_off {
        let corner = rect.left_bottom() + vec2(16.0, -16.0);
        pill(ui, corner, Align2::LEFT_BOTTOM, icons::MICROPHONE_SLASH, t.their_mic_off);
    }
    self_view(ui, s, rect);
}

/// Shown for ten seconds, then only while V is held. Never over the middle third.
fn self_view(ui: &mut Ui, s: &mut Screen<'_>, face: Rect) {
    if s.model.snapshot.camera_muted || s.memory.no_camera {
        return;
    }
    let t = s.t;
    let typing = ui.ctx().text_edit_focused();
    let held = s.preferences.peek_key && !typing && ui.input(|input| input.key_down(Key::V));
    let since = s.memory.open_since.map_or(f64::INFINITY, |(mono, _)| s.model.clock.mono - mono);
    let corner = face.max - vec2(16.0, 16.0);
    if held || since < SELF_VIEW_SECONDS {
        let width = 200.0f32.min(face.width() / 3.0 - 20.0).max(96.0);
        let size = vec2(width, width * 0.56);
        let rect = Rect::from_min_max(corner - size, corner);
        if s.video.size(Whose::Own).is_some() {
            picture(ui, s, Whose::Own, rect, Painting { radius: 12.0, cover: true, frozen: false }, t.own_picture);
            if !held && width >= 180.0 {
                let above = pos2(corner.x, rect.min.y - 8.0);
                pill(ui, above, Align2::RIGHT_BOTTOM, icons::EYE, t.this_is_how);
            }
        }
        if since < SELF_VIEW_SECONDS {
            let rest = std::time::Duration::from_secs_f64((SELF_VIEW_SECONDS - since).max(0.02));
            ui.ctx().request_repaint_after(rest);
        }
    } else if s.preferences.peek_key && face.width() > 420.0 {
        pill(ui, corner, Align2::RIGHT_BOTTOM, icons::EYE_SLASH, t.own_picture_hold);
    }
}

fn phone(ui: &mut Ui, s: &Screen<'_>, face: Rect) {
    let (t, theme) = (s.t, s.theme);
    let size = vec2(face.width().min(460.0) - 32.0, 96.0);
    let rect = Rect::from_center_size(face.center(), size);
    let stroke = theme.card_stroke();
    ui.painter().rect(rect, egui::CornerRadius::same(14), theme.surface, stroke, egui::StrokeKind::Inside);
    crate::widgets::icon(ui, rect.left_center() + vec2(34.0, 0.0), icons::PHONE, 28.0, theme.warn);
    at(ui, Rect::from_min_max(rect.min + vec2(68.0, 14.0), rect.max - vec2(12.0, 8.0)), "phone", |ui| {
        heading(ui, Type::SECTION, t.phone_title);
        text(ui, Type::SECOND, theme.ink2, t.phone_text);
    });
    announce(ui, &format!("{}. {}", t.phone_title, t.phone_text), true);
}

fn end_question(ui: &Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let frame = egui::Frame::new()
        .fill(theme.surface)
        .stroke(theme.card_stroke())
        .corner_radius(egui::CornerRadius::same(crate::theme::radius::CARD))
        .inner_margin(egui::Margin::same(28));
    let width = (ui.max_rect().width() - 96.0).min(520.0);
    let modal = egui::Modal::new(egui::Id::unique("sotto end question"))
        .frame(frame)
        .backdrop_color(egui::Color32::from_black_alpha(110));
    modal.show(ui.ctx(), |ui| {
        ui.set_width(width);
        heading(ui, Type::HEADING.sized(22.0), t.end_title);
        gap(ui, 8.0);
        text(ui, Type::BODY, theme.ink2, t.end_text);
        gap(ui, 24.0);
        flow(ui, 12.0, |ui| {
            if Button::danger(t.end_yes).show(ui).clicked() {
                s.state.session.ending = false;
                s.send(Command::End);
            }
            if Button::secondary(t.end_put_back).show(ui).clicked() {
                s.state.session.ending = false;
                if let Some(contact) = s.model.snapshot.contact {
                    s.send(Command::PutBack(contact));
                }
            }
            if Button::primary(t.end_no).show(ui).clicked() {
                s.state.session.ending = false;
            }
        });
    });
}
