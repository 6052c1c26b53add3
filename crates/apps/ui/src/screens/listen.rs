//! "Can anyone listen?": one sentence, the path, what was checked in this session, who sees what.

use egui::{Align2, Color32, CornerRadius, Rect, Stroke, Ui, pos2, vec2};
use sotto_session_api::{Command, Gate, Path};

use super::bar;
use crate::{
    fonts::Type,
    icons::{self, Icon},
    interface::{Place, Screen},
    texts::fill,
    theme::Look,
    widgets::{Button, at, card, columns, divider, fact, gap, heading, icon, measure, page, text, text_at, title},
};

/// Figures are asked for this often while they are shown.
const EVERY_SECONDS: f64 = 5.0;

/// When figures were asked for.
#[derive(Default)]
pub(crate) struct ListenState {
    asked: Option<f64>,
}

/// Asks the engine for figures while they are looked at.
pub(crate) fn ask_for_figures(ui: &Ui, s: &mut Screen<'_>, shown: bool) {
    if !shown || s.model.snapshot.gate.is_none() {
        s.state.listen.asked = None;
        return;
    }
    let now = s.model.clock.mono;
    if s.state.listen.asked.is_none_or(|asked| now - asked >= EVERY_SECONDS) {
        s.state.listen.asked = Some(now);
        s.send(Command::Stats);
    }
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(EVERY_SECONDS));
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let area = ui.max_rect();
    let rest = if s.is_therapist() { area } else { bar::client_corners(ui, s) };
    at(ui, rest, "listen", |ui| {
        page(ui, "listen", 1152.0, if s.is_therapist() { 32.0 } else { 0.0 }, |ui| {
            let top = ui.cursor().min;
            let close = Button::secondary(t.close).height(44.0).min_width(104.0);
            let width = close.width(ui);
            let right = ui.max_rect().max.x;
            title(ui, Type::TITLE, t.listen_title);
            if close.show_at(ui, Rect::from_min_size(pos2(right - width, top.y), vec2(width, 44.0))).clicked() {
                s.go(Place::Home);
            }
            gap(ui, 10.0);
            body(ui, s, false);
        });
    });
}

fn open(s: &Screen<'_>) -> bool {
    s.model.snapshot.gate == Some(Gate::G2)
}

/// All of it; beside a picture it stands in one column.
pub(crate) fn body(ui: &mut Ui, s: &mut Screen<'_>, beside: bool) {
    let (t, theme) = (s.t, s.theme);
    let lead = match (s.model.snapshot.gate, s.memory.open_since) {
        (Some(Gate::G2), Some((_, at))) => fill(t.listen_yes_session, &[&s.time(at)]),
        (Some(_), _) => t.listen_not_yet.to_owned(),
        _ => t.listen_no_session.to_owned(),
    };
    text(ui, if beside { Type::BODY } else { Type::LEAD }, theme.ink2, &lead);
    gap(ui, 20.0);
    if beside || ui.available_width() < 736.0 {
        path_down(ui, s);
    } else {
        path_across(ui, s);
    }
    gap(ui, 32.0);
    let in_session = s.model.snapshot.gate.is_some();
    if !in_session {
        others(ui, s);
    } else if beside || ui.available_width() < 900.0 {
        checks(ui, s);
        gap(ui, 28.0);
        others(ui, s);
    } else {
        columns(ui, &[552.0, 560.0], 40.0, 300.0, |ui, index| if index == 0 { checks(ui, s) } else { others(ui, s) });
    }
    gap(ui, 28.0);
    text(ui, Type::SECOND, theme.ink2, t.listen_footer);
}

struct Stop {
    mark: Icon,
    head: &'static str,
    sentence: &'static str,
    end: bool,
}

/// Each computer was told the other's address.
fn addresses_known(s: &Screen<'_>) -> bool {
    open(s) && matches!(s.memory.path, Some(Path::Direct | Path::RelayedAddressesKnown))
}

fn stops(s: &Screen<'_>) -> Vec<Stop> {
    let t = s.t;
    let direct = open(s) && s.memory.path == Some(Path::Direct);
    let theirs = if addresses_known(s) { t.their_computer_direct } else { t.their_computer_text };
    let mut stops =
        vec![Stop { mark: icons::MONITOR, head: t.your_computer, sentence: t.your_computer_text, end: true }];
    if !direct {
        stops.push(Stop { mark: icons::HARD_DRIVES, head: t.relay, sentence: t.relay_text, end: false });
    }
    stops.push(Stop { mark: icons::MONITOR, head: t.their_computer, sentence: theirs, end: true });
    stops
}

fn stop_circle(ui: &Ui, s: &Screen<'_>, center: egui::Pos2, radius: f32, stop: &Stop) {
    let theme = s.theme;
    let stroke = Stroke::new(2.0, if stop.end { theme.accent } else { theme.control });
    ui.painter().circle(center, radius, theme.surface, stroke);
    icon(ui, center, stop.mark, radius * 0.72, if stop.end { theme.accent } else { theme.ink2 });
}

fn tube(s: &Screen<'_>) -> (Color32, Color32) {
    let theme = s.theme;
    let outer = match theme.look {
        Look::Light => Color32::from_rgb(0xC6, 0xD9, 0xD6),
        Look::Dark => theme.accent_soft,
        Look::Contrast => Color32::from_rgb(0x55, 0x55, 0x55),
    };
    (outer, theme.accent)
}

fn path_across(ui: &mut Ui, s: &Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let stops = stops(s);
    card(ui, 24, 222.0, |ui| {
        let width = ui.available_width();
        let (rect, response) = ui.allocate_exact_size(vec2(width, 174.0), egui::Sense::hover());
        let first = rect.min.x + width * 0.15;
        let last = rect.max.x - width * 0.15;
        let step = (last - first) / (stops.len() as f32 - 1.0);
        let y = rect.min.y + 60.0;
        let (outer, inner) = tube(s);
        for index in 1..stops.len() {
            let (from, to) = (step.mul_add(index as f32 - 1.0, first) + 42.0, step.mul_add(index as f32, first) - 42.0);
            ui.painter().rect_filled(
                Rect::from_min_max(pos2(from, y - 17.0), pos2(to, y + 17.0)),
                CornerRadius::ZERO,
                outer,
            );
            ui.painter().rect_filled(
                Rect::from_min_max(pos2(from, y - 6.0), pos2(to, y + 6.0)),
                CornerRadius::ZERO,
                inner,
            );
            let mid = pos2(f32::midpoint(from, to), y - 34.0);
            text_at(ui, mid, Align2::CENTER_CENTER, Type::SMALL, theme.ink2, t.encrypted_twice);
        }
        let mut spoken = Vec::new();
        for (index, stop) in stops.iter().enumerate() {
            let center = pos2(step.mul_add(index as f32, first), y);
            stop_circle(ui, s, center, 41.0, stop);
            text_at(ui, center + vec2(0.0, 54.0), Align2::CENTER_TOP, Type::BUTTON, theme.ink, stop.head);
            let room = (step - 16.0).min(width * 0.3 - 4.0);
            let galley = measure(ui, Type::SMALL, theme.ink2, stop.sentence, room);
            ui.painter().galley(center + vec2(-galley.size().x / 2.0, 80.0), galley, theme.ink2);
            spoken.push(format!("{}: {}", stop.head, stop.sentence));
        }
        let spoken = spoken.join(&format!(" {}. ", t.encrypted_twice));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &spoken));
    });
}

fn path_down(ui: &mut Ui, s: &Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let stops = stops(s);
    let (outer, inner) = tube(s);
    card(ui, 20, 0.0, |ui| {
        for (index, stop) in stops.iter().enumerate() {
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 56.0), egui::Sense::hover());
            let center = pos2(rect.min.x + 28.0, rect.center().y);
            stop_circle(ui, s, center, 26.0, stop);
            let room = rect.width() - 72.0;
            let head = measure(ui, Type::SECOND_STRONG, theme.ink, stop.head, room);
            let body = measure(ui, Type::SMALL, theme.ink2, stop.sentence, room);
            let top = pos2(rect.min.x + 72.0, rect.center().y - (head.size().y + body.size().y) / 2.0);
            let below = top + vec2(0.0, head.size().y);
            ui.painter().galley(top, head, theme.ink);
            ui.painter().galley(below, body, theme.ink2);
            response.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{}: {}", stop.head, stop.sentence))
            });
            if index + 1 < stops.len() {
                let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 40.0), egui::Sense::hover());
                let x = rect.min.x + 28.0;
                let line = |half: f32| Rect::from_min_max(pos2(x - half, rect.min.y), pos2(x + half, rect.max.y));
                ui.painter().rect_filled(line(12.0), CornerRadius::ZERO, outer);
                ui.painter().rect_filled(line(4.0), CornerRadius::ZERO, inner);
                let at = pos2(rect.min.x + 72.0, rect.center().y);
                text_at(ui, at, Align2::LEFT_CENTER, Type::SMALL, theme.ink2, t.encrypted_twice);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, t.encrypted_twice));
            }
        }
    });
}

fn checks(ui: &mut Ui, s: &Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    heading(ui, Type::SECTION, t.checked);
    gap(ui, 12.0);
    let good = (icons::CHECK_CIRCLE_FILL, theme.ok);
    let careful = (icons::WARNING_FILL, theme.warn);
    let mut line = |(mark, color): (Icon, Color32), head: &str, sentence: &str| {
        fact(ui, mark, color, head, sentence);
        gap(ui, 12.0);
    };
    let contact = s.model.snapshot.contact.and_then(|contact| s.contact(contact));
    let before = s.memory.verified_before;
    match (open(s), s.memory.was_compared, s.memory.open_since) {
        (true, true, Some((_, at))) => line(good, t.check_words, &fill(t.check_words_text, &[&s.time(at)])),
        (true, ..) => {
            let date = contact.and_then(|info| info.verified_at).map_or_else(String::new, |at| s.date(at));
            line(good, &fill(t.check_words_before, &[&date]), t.same_keys);
        }
        _ => line(careful, t.check_words_missing, t.check_words_missing_text),
    }
    if let Some(digits) = contact.and_then(|info| info.fingerprint.as_ref()) {
        let start: Vec<&str> = digits.split_whitespace().take(2).collect();
        let head = before.map_or_else(|| t.check_keys_first.to_owned(), |at| fill(t.check_keys, &[&s.date(at)]));
        line(good, &head, &fill(t.check_fingerprint, &[&start.join(" ")]));
    }
    match s.memory.path {
        Some(Path::Relayed) => line(good, t.check_relay, t.check_relay_text),
        Some(Path::RelayedAddressesKnown) => line(careful, t.check_relay_known, t.check_relay_known_text),
        Some(Path::Direct) => line(careful, t.check_direct, t.check_direct_text),
        None => line(careful, t.check_path_unknown, ""),
    }
    if let Some(stats) = &s.memory.stats {
        let head = match stats.epoch {
            0 => t.check_own_key_first.to_owned(),
            1 => t.check_own_key_once.to_owned(),
            times => fill(t.check_own_key, &[&times.to_string()]),
        };
        let outer = if stats.srtp_profile.is_empty() { "DTLS-SRTP" } else { &stats.srtp_profile };
        line(good, &head, &fill(t.check_own_key_text, &[outer]));
        if !stats.dtls_cipher.is_empty() {
            line(good, t.check_transport, &stats.dtls_cipher);
        }
        if stats.integrity_failures == 0 {
            line(good, t.check_integrity, t.check_integrity_text);
        } else {
            line(
                careful,
                &fill(t.check_integrity_bad, &[&stats.integrity_failures.to_string()]),
                t.check_integrity_text,
            );
        }
    }
    match s.memory.stats.as_ref().and_then(|stats| stats.sizes_constant) {
        Some(true) => line(good, t.check_sizes, t.check_sizes_text),
        Some(false) => line(careful, t.check_sizes_bad, t.check_sizes_bad_text),
        None => {}
    }
    if s.model.abilities.capture_stopped {
        line(good, t.check_capture, t.check_capture_text);
    } else {
        line(careful, t.check_capture_not, t.check_capture_not_text);
    }
}

fn others(ui: &mut Ui, s: &Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    heading(ui, Type::SECTION, t.others_see);
    gap(ui, 8.0);
    let (no, yes) = (t.see_no, t.see_yes);
    let direct = open(s) && s.memory.path == Some(Path::Direct);
    let rows = [
        (t.see_network, [no, if addresses_known(s) { t.see_addresses } else { no }, yes, yes]),
        (t.see_server, [no, t.see_addresses, t.see_start, no]),
        (t.see_relay, if direct { [no, no, no, no] } else { [no, t.see_addresses, yes, yes] }),
        (t.see_person, [yes, yes, yes, yes]),
        (t.see_computer, [yes, yes, yes, yes]),
    ];
    let columns = [t.see_content, t.see_who, t.see_when, t.see_volume];
    let width = ui.available_width();
    let first = (width * 0.33).max(width - 4.0 * 94.0).min(width * 0.42);
    let step = (width - first) / 4.0;
    let of = if step < 72.0 { Type::SMALL } else { Type::SECOND };
    let line = |ui: &mut Ui, height: f32| ui.allocate_exact_size(vec2(width, height), egui::Sense::hover());
    let (rect, _) = line(ui, 40.0);
    for (index, words) in columns.iter().enumerate() {
        let at = pos2(step.mul_add(index as f32, rect.min.x + first), rect.center().y);
        text_at(ui, at, Align2::LEFT_CENTER, Type::SMALL_STRONG.sized(of.size.min(14.0)), theme.ink2, words);
    }
    for (who, cells) in rows {
        divider(ui);
        let (rect, response) = line(ui, 45.0);
        let name = measure(ui, Type { line: 1.15, ..of }, theme.ink, who, first - 8.0);
        ui.painter().galley(pos2(rect.min.x, rect.center().y - name.size().y / 2.0), name, theme.ink);
        let mut spoken = vec![who.to_owned()];
        for (index, (cell, column)) in cells.iter().zip(columns).enumerate() {
            let at = pos2(step.mul_add(index as f32, rect.min.x + first), rect.center().y);
            let is_no = *cell == no;
            let (of, color) =
                if is_no { (Type { face: crate::Face::Semibold, ..of }, theme.ok) } else { (of, theme.ink) };
            text_at(ui, at, Align2::LEFT_CENTER, of, color, cell);
            spoken.push(format!("{column}: {cell}"));
        }
        let spoken = spoken.join(", ");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &spoken));
    }
}
