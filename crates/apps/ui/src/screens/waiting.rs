//! The client's waiting room.

use egui::{Rect, Ui, pos2, vec2};
use sotto_session_api::{Command, ContactState, Phase};

use super::{bar, standing};
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    model::Request,
    texts::fill,
    video::{Painting, Whose},
    widgets::{Button, Tone, announce, at, columns, flow, gap, icon_text, notice, page, region, text, title},
};

/// Own picture while waiting.
#[derive(Default)]
pub(crate) struct WaitingState {
    /// Chosen by the person; else it depends on whose computer it is.
    preview: Option<bool>,
    /// What the app was told.
    told: Option<bool>,
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let rest = bar::client_corners(ui, s);
    let wanted = s.model.abilities.preview && s.state.waiting.preview.unwrap_or(!s.preferences.shared_computer);
    if s.model.abilities.preview && s.state.waiting.told != Some(wanted) {
        s.state.waiting.told = Some(wanted);
        s.requests.push(Request::Preview(wanted));
    }
    at(ui, rest, "waiting", |ui| {
        let wide = rest.width() >= 900.0;
        let top = if rest.height() > 640.0 { (rest.height() * 0.13).min(104.0) } else { 16.0 };
        page(ui, "waiting", 1056.0, top, |ui| {
            region(ui.ctx(), 2);
            if s.memory.was_put_back {
                notice(ui, Tone::Info, icons::INFO_FILL, t.put_back, "", None);
                gap(ui, 24.0);
            }
            standing::show(ui, s);
            if wide {
                columns(ui, &[480.0, 496.0], 80.0, 300.0, |ui, index| {
                    if index == 0 {
                        own_picture(ui, s, wanted, 270.0);
                    } else {
                        state(ui, s);
                    }
                });
            } else {
                state(ui, s);
                gap(ui, 28.0);
                own_picture(ui, s, wanted, 240.0);
            }
            let left = rest.max.y - ui.cursor().min.y - 72.0;
            gap(ui, left.clamp(28.0, 240.0));
            text(ui, Type::SECOND, s.theme.ink2, t.waiting_footer);
        });
    });
    // The minutes go on without a spinner.
    ui.ctx().request_repaint_after(std::time::Duration::from_secs(20));
}

fn own_picture(ui: &mut Ui, s: &mut Screen<'_>, wanted: bool, height: f32) {
    let t = s.t;
    if s.model.abilities.preview {
        let width = ui.available_width().min(height * 16.0 / 9.0);
        let (rect, _) = ui.allocate_exact_size(vec2(width, width * 9.0 / 16.0), egui::Sense::hover());
        if wanted {
            let painting = Painting { radius: 16.0, cover: true, frozen: false };
            picture(ui, s, Whose::Own, rect, painting, t.own_picture);
            let corner = pos2(rect.min.x + 16.0, rect.max.y - 16.0);
            crate::widgets::pill(ui, corner, egui::Align2::LEFT_BOTTOM, icons::EYE, t.only_you_see_picture);
        } else {
            empty_picture(ui, s, rect, t.picture_hidden);
        }
        gap(ui, 14.0);
    }
    flow(ui, 28.0, |ui| {
        if s.model.abilities.preview {
            let (label, mark) = if wanted { (t.hide_picture, icons::EYE_SLASH) } else { (t.show_picture, icons::EYE) };
            if Button::text(label).icon(mark).height(44.0).show(ui).clicked() {
                s.state.waiting.preview = Some(!wanted);
            }
            if Button::text(t.device_check).icon(icons::HEADPHONES).height(44.0).show(ui).clicked() {
                s.go(Place::Devices);
            }
        }
    });
}

fn state(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    title(ui, Type::DISPLAY.sized(if ui.available_width() < 480.0 { 32.0 } else { 38.0 }), t.waiting_title);
    announce(ui, &format!("{} {}", t.waiting_title.replace('\n', " "), t.waiting_lead), false);
    gap(ui, 14.0);
    text(ui, Type::LEAD, theme.ink2, t.waiting_lead);
    gap(ui, 28.0);
    let contact = s.model.snapshot.contact.or(s.memory.session_contact);
    let info = contact.and_then(|contact| s.contact(contact)).cloned();
    let label = info.as_ref().map(|info| info.label.clone()).filter(|label| !label.is_empty());
    let known = label.map_or_else(|| t.waiting_known_plain.to_owned(), |label| fill(t.waiting_known, &[&label]));
    if !s.is_offline(ui.ctx()) {
        icon_text(ui, icons::CHECK_CIRCLE_FILL, theme.ok, Type::BODY.sized(17.0), theme.ink, &known);
    } else {
        icon_text(ui, icons::CLOUD_FILL, theme.warn, Type::BODY.sized(17.0), theme.ink, t.offline);
    }
    gap(ui, 16.0);
    match info {
        Some(info) if info.state == ContactState::Verified => {
            let words =
                info.verified_at.map_or_else(|| t.same_keys.to_owned(), |at| fill(t.waiting_same_keys, &[&s.date(at)]));
            icon_text(ui, icons::CHECK_CIRCLE_FILL, theme.ok, Type::BODY.sized(17.0), theme.ink, &words);
        }
        _ => {
            icon_text(ui, icons::SHIELD_WARNING_FILL, theme.warn, Type::BODY.sized(17.0), theme.ink, t.waiting_new);
        }
    }
    gap(ui, 16.0);
    let been = s.memory.waiting_since.unwrap_or(s.model.clock.mono);
    let been = s.since(been, t.been_now, t.been_minute, t.been_minutes);
    icon_text(ui, icons::CLOCK_FILL, theme.ink2, Type::BODY.sized(17.0), theme.ink, &been);
    gap(ui, 26.0);
    if Button::secondary(t.leave).min_width(160.0).show(ui).clicked() {
        s.send(Command::End);
    }
}

/// On the way, with the way back.
pub(crate) fn joining(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let rest = bar::client_corners(ui, s);
    at(ui, rest, "joining", |ui| {
        page(ui, "joining", 640.0, (rest.height() * 0.2).clamp(16.0, 160.0), |ui| {
            region(ui.ctx(), 2);
            title(ui, Type::DISPLAY, t.joining_title);
            announce(ui, t.joining_title, false);
            gap(ui, 12.0);
            text(ui, Type::LEAD, s.theme.ink2, t.joining_lead);
            gap(ui, 28.0);
            super::join::refusal(ui, s);
            if Button::secondary(t.cancel).min_width(160.0).show(ui).clicked() {
                s.send(Command::End);
            }
        });
    });
}

/// A picture, or an empty place of its shape; either way it has a name.
pub(crate) fn picture(ui: &Ui, s: &mut Screen<'_>, whose: Whose, rect: Rect, painting: Painting, name: &str) {
    let rect = snap(ui, rect);
    if s.video.size(whose).is_some() {
        s.video.paint(ui, whose, rect, painting);
        let response = ui.interact(rect, ui.make_persistent_id(("picture", whose)), egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, name));
    } else {
        s.video.await_first(whose);
        // Before the first comparison no camera is on (PROTOCOL §6.3).
        let contact = s.model.snapshot.contact.and_then(|contact| s.contact(contact));
        let is_known = contact.is_some_and(|contact| contact.state == ContactState::Verified);
        let is_for_comparing = whose == Whose::Theirs && s.model.snapshot.phase == Phase::Comparing && !is_known;
        empty_picture(ui, s, rect, if is_for_comparing { s.t.picture_after_words } else { s.t.no_picture_yet });
    }
}

pub(crate) fn snap(ui: &Ui, rect: Rect) -> Rect {
    let scale = ui.pixels_per_point();
    let round = |value: f32| (value * scale).round() / scale;
    Rect::from_min_max(pos2(round(rect.min.x), round(rect.min.y)), pos2(round(rect.max.x), round(rect.max.y)))
}

/// A calm empty place with a sentence.
pub(crate) fn empty_picture(ui: &Ui, s: &Screen<'_>, rect: Rect, words: &str) {
    let theme = s.theme;
    let corner = egui::CornerRadius::same(16);
    ui.painter().rect(rect, corner, theme.sunken, theme.card_stroke(), egui::StrokeKind::Inside);
    let galley = crate::widgets::measure(ui, Type::BODY, theme.ink2, words, rect.width() - 32.0);
    if galley.size().y + 16.0 <= rect.height() {
        ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.ink2);
    } else {
        // Too small for the sentence: its name and the hint still say it.
        crate::widgets::icon(ui, rect.center(), icons::USER, 28.0, theme.ink2);
    }
    let response =
        ui.interact(rect, ui.make_persistent_id(("empty", words)), egui::Sense::hover()).on_hover_text(words);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, words));
}
