//! The bar under the picture: connection in words, controls, what was compared, the clock.

use egui::{Align2, Color32, Rect, Role, Ui, pos2, vec2};
use sotto_session_api::{LinkState, MediaTrack};

use super::{Side, ask_to_end, open, toggle};
use crate::{
    fonts::Type,
    icons::{self, Icon},
    interface::Screen,
    model::DeviceKind,
    texts::fill,
    widgets::{Control, ControlState, call_control, icon, measure, text_at},
};

/// "Connection is good" hides after as long.
const GOOD_SECONDS: f64 = 5.0;

pub(super) fn bar(ui: &mut Ui, s: &mut Screen<'_>, bar: Rect) {
    let count = if choices(s) { 5 } else { 4 };
    let narrow = bar.width() < 900.0;
    let step = if bar.width() < 520.0 { 72.0 } else { 91.0 };
    let middle = bar.center().y - 11.0;
    let (weather_rect, facts_rect, left) = if narrow {
        let left = bar.center().x - step * (count as f32 - 1.0) / 2.0;
        (None, None, left)
    } else {
        let left = bar.center().x - step * (count as f32 - 1.0) / 2.0;
        let weather = Rect::from_min_max(bar.min, pos2(left - 50.0, bar.max.y));
        let facts = Rect::from_min_max(pos2(left + step * (count as f32 - 1.0) + 50.0, bar.min.y), bar.max);
        (Some(weather), Some(facts), left)
    };
    controls(ui, s, left, step, middle);
    match (weather_rect, facts_rect) {
        (Some(weather), Some(facts)) => {
            weather_words(ui, s, weather);
            facts_words(ui, s, facts);
        }
        _ => small(ui, s, bar, left, step, count),
    }
}

fn choices(s: &Screen<'_>) -> bool {
    DeviceKind::ALL.iter().any(|kind| !s.model.devices.of(*kind).known.is_empty())
}

fn controls(ui: &Ui, s: &mut Screen<'_>, left: f32, step: f32, middle: f32) {
    let t = s.t;
    let snapshot = s.model.snapshot;
    let mut x = left;
    let mut next = || {
        let center = pos2(x, middle);
        x += step;
        center
    };
    let (state, mark, label) =
        match (s.memory.no_microphone || s.model.devices.microphones.missing, snapshot.audio_muted) {
            (true, _) => (ControlState::Missing, icons::MICROPHONE_SLASH, t.no_microphone),
            (_, true) => (ControlState::Off, icons::MICROPHONE_SLASH, t.unmute),
            _ => (ControlState::On, icons::MICROPHONE, t.mute),
        };
    if call_control(ui, next(), state, mark, label, label).clicked() {
        toggle(s, MediaTrack::Audio);
    }
    let (state, mark, label, name) =
        match (s.memory.no_camera || s.model.devices.cameras.missing, snapshot.camera_muted) {
            (true, _) => (ControlState::Missing, icons::VIDEO_CAMERA_SLASH, t.no_camera, t.no_camera),
            (_, true) => (ControlState::Off, icons::VIDEO_CAMERA_SLASH, t.camera_on, t.camera_on),
            _ => (ControlState::On, icons::VIDEO_CAMERA, t.camera, t.camera_off),
        };
    if call_control(ui, next(), state, mark, label, name).clicked() {
        toggle(s, MediaTrack::Camera);
    }
    let side = s.state.session.side;
    let unread = s.memory.chat_unread && side != Some(Side::Chat);
    let center = next();
    let open_state = |of| if side == Some(of) { ControlState::Open } else { ControlState::On };
    let name = if unread { t.chat_new } else { t.chat };
    if call_control(ui, center, open_state(Side::Chat), icons::CHAT_CIRCLE_TEXT, t.chat, name).clicked() {
        open(s, Side::Chat);
    }
    if unread {
        ui.painter().circle_filled(center + vec2(19.0, -19.0), 7.0, s.theme.canvas);
        ui.painter().circle_filled(center + vec2(19.0, -19.0), 5.0, s.theme.accent);
        crate::widgets::announce(ui, t.chat_new, false);
    }
    if choices(s)
        && call_control(ui, next(), open_state(Side::Devices), icons::HEADPHONES, t.devices, t.devices).clicked()
    {
        open(s, Side::Devices);
    }
    if call_control(ui, next(), ControlState::Stop, icons::PHONE_DISCONNECT, t.end_session, t.end_session).clicked() {
        ask_to_end(s);
    }
}

/// Icon, whose, what it means.
fn weather(s: &Screen<'_>) -> Option<(Icon, Color32, &'static str, &'static str)> {
    let (t, theme) = (s.t, s.theme);
    let (state, since) = s.memory.link?;
    match state {
        LinkState::Connecting => Some((icons::CLOUD_FILL, theme.ink2, t.link_connecting, "")),
        LinkState::Connected => {
            (s.model.clock.mono - since < GOOD_SECONDS).then_some((icons::SUN_FILL, theme.ok, t.link_good, ""))
        }
        LinkState::Weak => Some(match s.memory.weak_side {
            Some("own") => (icons::CLOUD_SUN_FILL, theme.warn, t.link_weak_own, t.link_weak_own_text),
            Some("theirs") => (icons::CLOUD_SUN_FILL, theme.warn, t.link_weak_theirs, t.link_weak_theirs_text),
            _ => (icons::CLOUD_SUN_FILL, theme.warn, t.link_weak, t.link_weak_theirs_text),
        }),
        LinkState::Reconnecting => Some((icons::LIGHTNING_FILL, theme.danger, t.link_lost, t.link_lost_text)),
    }
}

fn weather_words(ui: &Ui, s: &Screen<'_>, rect: Rect) {
    let Some((mark, color, head, body)) = weather(s) else { return };
    if let Some((LinkState::Connected, since)) = s.memory.link {
        let rest = (GOOD_SECONDS - (s.model.clock.mono - since)).max(0.05);
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(rest));
    }
    two_lines(ui, s, rect, mark, color, head, body, s.theme.ink2);
    let spoken = if body.is_empty() { head.to_owned() } else { format!("{head}. {body}") };
    let response = ui.interact(rect, ui.make_persistent_id("weather"), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Label, true, &spoken));
    crate::widgets::announce(ui, &spoken, matches!(s.memory.link, Some((LinkState::Reconnecting, _))));
}

/// Returns where the text ends.
#[expect(clippy::too_many_arguments, reason = "one line of one bar")]
fn two_lines(
    ui: &Ui,
    s: &Screen<'_>,
    rect: Rect,
    mark: Icon,
    color: Color32,
    head: &str,
    body: &str,
    body_color: Color32,
) -> f32 {
    let theme = s.theme;
    icon(ui, pos2(rect.min.x + 14.0, rect.center().y - 10.0), mark, 26.0, color);
    let room = rect.width() - 44.0;
    let head = measure(ui, Type::SECOND_STRONG, theme.ink, head, room);
    let body = measure(ui, Type::SMALL, body_color, body, room);
    let end = head.size().x.max(body.size().x);
    let top = pos2(rect.min.x + 40.0, rect.center().y - 11.0 - (head.size().y + body.size().y) / 2.0);
    let below = top + vec2(0.0, head.size().y);
    ui.painter().galley(top, head, theme.ink);
    ui.painter().galley(below, body, body_color);
    rect.min.x + 40.0 + end
}

fn compared(s: &Screen<'_>) -> &'static str {
    if s.memory.was_compared { s.t.words_compared } else { s.t.keys_same }
}

fn facts_words(ui: &Ui, s: &mut Screen<'_>, rect: Rect) {
    let (t, theme) = (s.t, s.theme);
    let clock_width = clock(ui, s, rect);
    let width = [compared(s), t.can_anyone_listen]
        .into_iter()
        .map(|words| measure(ui, Type::SECOND_STRONG, theme.ink, words, f32::INFINITY).size().x)
        .fold(0.0, f32::max)
        + 44.0;
    let right = rect.max.x - clock_width - if clock_width > 0.0 { 28.0 } else { 0.0 };
    let left = (right - width).max(rect.min.x);
    let place = Rect::from_min_max(pos2(left, rect.min.y), pos2(right, rect.max.y));
    listen_button(ui, s, place);
}

fn listen_button(ui: &Ui, s: &mut Screen<'_>, place: Rect) {
    let (t, theme) = (s.t, s.theme);
    let head = compared(s);
    let name = format!("{}. {head}", t.can_anyone_listen);
    let id = ui.make_persistent_id("listen");
    let area = place.shrink2(vec2(-6.0, 14.0)).translate(vec2(0.0, -11.0));
    let toggled = s.state.session.side == Some(Side::Listen);
    let response = Control::new(Role::Button, &name).toggled(Some(toggled)).place(ui, area, id);
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    two_lines(ui, s, place, icons::SHIELD_CHECK_FILL, theme.ok, head, t.can_anyone_listen, theme.accent);
    if response.clicked() {
        open(s, Side::Listen);
    }
}

/// Minutes, for the therapist only; returns how wide.
fn clock(ui: &Ui, s: &Screen<'_>, rect: Rect) -> f32 {
    if !s.is_therapist() {
        return 0.0;
    }
    let Some((since, _)) = s.memory.open_since else { return 0.0 };
    let (t, theme) = (s.t, s.theme);
    let minutes = ((s.model.clock.mono - since).max(0.0) / 60.0) as u32;
    let total = s.preferences.minutes;
    let head = if minutes > total {
        fill(t.over_minutes, &[&(minutes - total).to_string()])
    } else {
        fill(t.minutes, &[&minutes.to_string()])
    };
    let below = fill(t.of_minutes, &[&total.to_string()]);
    let right = rect.max.x;
    let mid = rect.center().y - 11.0;
    let top = text_at(ui, pos2(right, mid - 12.0), Align2::RIGHT_CENTER, Type::HEADING, theme.ink, &head);
    text_at(ui, pos2(right, mid + 14.0), Align2::RIGHT_CENTER, Type::SMALL, theme.ink2, &below);
    icon(ui, pos2(top.min.x - 18.0, mid - 12.0), icons::CLOCK, 20.0, theme.ink2);
    let place = Rect::from_min_max(pos2(top.min.x - 30.0, mid - 26.0), pos2(right, mid + 26.0));
    let spoken = format!("{head} {below}");
    let response = ui.interact(place, ui.make_persistent_id("clock"), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Label, true, &spoken));
    let next = 60.0 - (s.model.clock.mono - since).rem_euclid(60.0);
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(next + 0.1));
    place.width()
}

/// Where there is no room for words: one icon each, with the same names.
fn small(ui: &Ui, s: &mut Screen<'_>, bar: Rect, left: f32, step: f32, count: usize) {
    let theme = s.theme;
    let middle = bar.center().y - 11.0;
    if let Some((mark, color, head, body)) = weather(s) {
        let center = pos2((bar.min.x + 20.0).min(left - 56.0).max(bar.min.x + 12.0), middle);
        icon(ui, center, mark, 26.0, color);
        let spoken = format!("{head}. {body}");
        let rect = Rect::from_center_size(center, vec2(40.0, 44.0));
        let response = ui.interact(rect, ui.make_persistent_id("weather"), egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(Role::Label, true, &spoken));
        response.on_hover_text(&spoken);
        crate::widgets::announce(ui, &spoken, false);
    }
    let last = left + step * (count as f32 - 1.0);
    let name = format!("{}. {}", s.t.can_anyone_listen, compared(s));
    let center = pos2((bar.max.x - 22.0).max(last + 48.0).min(bar.max.x - 4.0), middle);
    let rect = Rect::from_center_size(center, vec2(44.0, 44.0));
    let toggled = s.state.session.side == Some(Side::Listen);
    let response =
        Control::new(Role::Button, &name).toggled(Some(toggled)).place(ui, rect, ui.make_persistent_id("listen"));
    icon(ui, center, icons::SHIELD_CHECK_FILL, 26.0, theme.ok);
    if response.on_hover_text(&name).clicked() {
        open(s, Side::Listen);
    }
    if bar.width() > last - left + 300.0 {
        let room = Rect::from_min_max(bar.min, pos2(center.x - 36.0, bar.max.y));
        clock(ui, s, room);
    }
}
