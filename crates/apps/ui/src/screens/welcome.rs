//! The first screen: who are you?

use egui::{Color32, Rect, Stroke, Ui, pos2, vec2};
use sotto_session_api::{ProfileRole, sentences::Language};

use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    theme::{PANEL_TEXT, PANEL_TEXT2, Theme},
    widgets::{Button, at, choice_card, divider, flow, gap, mark_with_name, page, region, text, title},
};

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let area = ui.max_rect();
    let rest = panel(ui, s.theme, s.t.welcome_display, s.t.welcome_lead);
    at(ui, rest, "choices", |ui| {
        let tall = rest.height() > 700.0 && rest.width() > 600.0;
        let top = if area.width() < 900.0 { 24.0 } else { (rest.height() * 0.197).clamp(24.0, 158.0) };
        page(ui, "welcome", 568.0, top, |ui| {
            title(ui, Type::TITLE, s.t.welcome_title);
            gap(ui, 24.0);
            region(ui.ctx(), 1);
            if choice_card(ui, icons::TICKET, s.t.have_code, s.t.have_code_text).clicked() {
                s.state.first.choose(ProfileRole::Client);
            }
            gap(ui, 20.0);
            if choice_card(ui, icons::DOOR, s.t.am_therapist, s.t.am_therapist_text).clicked() {
                s.state.first.choose(ProfileRole::Therapist);
            }
            gap(ui, 24.0);
            if s.model.abilities.files
                && Button::text(s.t.come_from).icon(icons::MONITOR).height(44.0).show(ui).clicked()
            {
                s.state.first.choose_moved();
            }
            if s.model.abilities.preview
                && Button::text(s.t.check_devices).icon(icons::HEADPHONES).height(44.0).show(ui).clicked()
            {
                s.go(Place::Devices);
            }
            let left = rest.max.y - ui.cursor().min.y - 100.0;
            gap(ui, if tall { left.max(24.0) } else { 24.0 });
            divider(ui);
            gap(ui, 8.0);
            footer(ui, s);
        });
    });
}

/// Languages and the way to text size and contrast.
pub(crate) fn footer(ui: &mut Ui, s: &mut Screen<'_>) {
    region(ui.ctx(), 3);
    let line = ui.cursor().min;
    let right = line.x + ui.available_width();
    let button = Button::plain(s.t.text_size).icon(icons::EYE).height(44.0);
    let width = button.width(ui);
    let languages = flow(ui, 16.0, |ui| {
        for (language, name) in [(Language::English, "English"), (Language::German, "Deutsch")] {
            let button = Button::plain(name).height(44.0).toggled(s.preferences.language == language);
            let button = if language == Language::English { button.icon(icons::GLOBE) } else { button };
            if button.show(ui).clicked() {
                s.preferences.language = language;
            }
        }
        ui.min_rect()
    });
    // At the right end of the line if there is room for it, else below.
    let clicked = if languages.max.x + 16.0 + width <= right {
        let place = Rect::from_min_size(pos2(right - width, languages.min.y), vec2(width, 44.0));
        button.show_at(ui, place).clicked()
    } else {
        button.show(ui).clicked()
    };
    if clicked {
        s.go(Place::Settings);
    }
}

/// The coloured panel at the left, or a band at the top of a small window; what remains is returned.
pub(crate) fn panel(ui: &mut Ui, theme: Theme, display: &str, lead: &str) -> Rect {
    let area = ui.max_rect();
    if area.width() < 900.0 {
        let band = Rect::from_min_size(area.min, vec2(area.width(), 96.0));
        ui.painter().rect_filled(band, 0.0, theme.panel);
        let painter = ui.painter().with_clip_rect(band);
        painter.circle_filled(pos2(band.max.x - 120.0, band.max.y + 20.0), 90.0, theme.panel_circle);
        painter.circle_stroke(pos2(band.max.x - 30.0, band.max.y + 10.0), 90.0, Stroke::new(2.0, theme.panel_ring));
        mark_with_name(
            ui,
            band.left_center() + vec2(24.0, 0.0),
            28.0,
            Type::HEADING.sized(24.0),
            PANEL_TEXT,
            PANEL_TEXT,
        );
        return Rect::from_min_max(pos2(area.min.x, band.max.y), area.max);
    }
    let panel = Rect::from_min_size(area.min, vec2(520.0f32.min(area.width() * 0.44), area.height()));
    ui.painter().rect_filled(panel, 0.0, theme.panel);
    let height = area.height();
    let painter = ui.painter().with_clip_rect(panel);
    let low = (height * 0.864).max(height - 200.0).max(620.0);
    painter.circle_filled(pos2(panel.min.x + 170.0, panel.min.y + low), 210.0, theme.panel_circle);
    painter.circle_stroke(pos2(panel.min.x + 402.0, panel.min.y + low), 211.0, Stroke::new(2.0, theme.panel_ring));
    if theme.panel == Color32::BLACK {
        painter.vline(panel.max.x, panel.y_range(), Stroke::new(1.0, theme.line));
    }
    mark_with_name(ui, panel.min + vec2(64.0, 72.0), 27.0, Type::HEADING.sized(24.0), PANEL_TEXT, PANEL_TEXT);
    let top = (height * 0.194).clamp(110.0, 155.0);
    let place = Rect::from_min_max(panel.min + vec2(64.0, top), panel.max - vec2(64.0, 0.0));
    at(ui, place, "panel", |ui| {
        text(ui, Type::DISPLAY.sized(40.0), PANEL_TEXT, display);
        gap(ui, 20.0);
        text(ui, Type::LEAD, PANEL_TEXT2, lead);
    });
    Rect::from_min_max(pos2(panel.max.x, area.min.y), area.max)
}
