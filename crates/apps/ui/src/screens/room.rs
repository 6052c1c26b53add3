//! The therapist's room: who waits, and the clients.

use egui::{Key, Modifiers, Rect, Role, Sense, Ui, pos2, vec2};
use sotto_session_api::{Command, ContactId, KeyState};

use super::{bar, clients, salt, standing};
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    texts::fill,
    widgets::{
        Button, Control, announce, at, card, chip, columns, flow, gap, icon, icon_text, measure, page, region, text,
        title,
    },
};

/// What is chosen here.
#[derive(Default)]
pub(crate) struct RoomState {
    pub find: String,
    /// Row that the arrow keys have chosen.
    pub selected: Option<ContactId>,
    /// Row whose further actions are open.
    pub open: Option<ContactId>,
    /// Admit was pressed for this one.
    pub admitting: Option<ContactId>,
    spoken: usize,
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let rest = bar::top(ui, s);
    keys(ui, s);
    at(ui, rest, "room", |ui| {
        let wide = rest.width() >= 1000.0;
        page(ui, "room", 1152.0, if rest.width() < 800.0 { 20.0 } else { 34.0 }, |ui| {
            standing::show(ui, s);
            if wide {
                columns(ui, &[704.0, 384.0], 64.0, 300.0, |ui, index| {
                    if index == 0 {
                        region(ui.ctx(), 2);
                        waiting(ui, s, wide);
                    } else {
                        region(ui.ctx(), 3);
                        clients::panel(ui, s);
                    }
                });
            } else {
                waiting(ui, s, wide);
            }
            let left = rest.max.y - ui.cursor().min.y - 74.0;
            gap(ui, left.max(24.0));
            region(ui.ctx(), 4);
            let listen = Button::text(s.t.can_anyone_listen).icon(icons::EAR).height(44.0).show(ui);
            if listen.clicked() {
                s.go(Place::Listen);
            }
            if wide && s.model.abilities.lock {
                let words = fill(s.t.locks_footer, &[&s.preferences.lock_minutes.to_string()]);
                let size = measure(ui, Type::SMALL, s.theme.ink2, &words, f32::INFINITY).size();
                let corner = pos2(ui.max_rect().max.x - size.x, listen.rect.center().y - size.y / 2.0);
                at(ui, Rect::from_min_size(corner, size + vec2(1.0, 1.0)), "locks", |ui| {
                    text(ui, Type::SMALL, s.theme.ink2, &words);
                });
            }
        });
    });
}

/// ↑ and ↓ choose in the list; Ctrl+Enter admits. Focus never moves when someone arrives.
fn keys(ui: &Ui, s: &mut Screen<'_>) {
    let waiting = &s.model.snapshot.waiting;
    if waiting.is_empty() || ui.ctx().text_edit_focused() {
        s.state.room.selected = s.state.room.selected.filter(|_| !waiting.is_empty());
        return;
    }
    let (up, down, admit) = ui.input_mut(|input| {
        (
            input.consume_key(Modifiers::NONE, Key::ArrowUp),
            input.consume_key(Modifiers::NONE, Key::ArrowDown),
            input.consume_key(Modifiers::COMMAND, Key::Enter),
        )
    });
    let present = s.state.room.selected.and_then(|contact| waiting.iter().position(|other| *other == contact));
    if up || down {
        let last = waiting.len() - 1;
        let next = match present {
            None => 0,
            Some(place) if down => (place + 1).min(last),
            Some(place) => place.saturating_sub(1),
        };
        s.state.room.selected = Some(waiting[next]);
    }
    if admit && let Some(contact) = s.state.room.selected.filter(|contact| waiting.contains(contact)) {
        admit_now(s, contact);
    }
}

fn admit_now(s: &mut Screen<'_>, contact: ContactId) {
    if s.state.room.admitting.is_none() {
        s.state.room.admitting = Some(contact);
        s.send(Command::Admit(contact));
    }
}

/// `wide`: the clients stand beside it, with their own way to a new one.
fn waiting(ui: &mut Ui, s: &mut Screen<'_>, wide: bool) {
    let (t, theme) = (s.t, s.theme);
    let local = s.model.clock.local(s.model.clock.unix);
    let line = ui.cursor().min;
    let response = title(ui, Type::TITLE, t.waiting);
    let date = format!("{}   {}", local.day_and_date(s.language()), local.time());
    let width = measure(ui, Type::BODY, theme.ink2, &date, f32::INFINITY).size().x;
    if response.rect.max.x + width + 24.0 < ui.max_rect().max.x {
        let place = Rect::from_min_size(pos2(ui.max_rect().max.x - width - 1.0, line.y + 6.0), vec2(width + 1.0, 28.0));
        at(ui, place, "date", |ui| text(ui, Type::BODY, theme.ink2, &date));
    }
    gap(ui, 20.0);
    let people = s.model.snapshot.waiting.clone();
    if people.len() != s.state.room.spoken {
        s.state.room.spoken = people.len();
    }
    // No sound; a screen reader may say it when its user pauses.
    announce(ui, &format!("{}: {}", t.waiting, people.len()), false);
    for (index, contact) in people.iter().enumerate() {
        ui.push_id(("waiting", salt(*contact)), |ui| row(ui, s, *contact, index == 0));
        gap(ui, 16.0);
    }
    if people.is_empty() {
        let nobody_invited = !wide && s.people().is_empty();
        card(ui, 24, 136.0, |ui| {
            gap(ui, 12.0);
            text(ui, Type::HEADING, theme.ink, t.nobody_waiting);
            gap(ui, 6.0);
            if nobody_invited {
                text(ui, Type::BODY, theme.ink2, t.no_clients_text);
                gap(ui, 16.0);
                if Button::primary(t.new_client).icon(icons::PLUS).height(44.0).show(ui).clicked() {
                    s.go(Place::NewClient);
                    s.state.new_client = super::new_client::NewClient::default();
                }
            } else {
                text(ui, Type::BODY, theme.ink2, t.nobody_waiting_text);
            }
        });
        gap(ui, 16.0);
    }
    gap(ui, 8.0);
    icon_text(ui, icons::BELL_SLASH, theme.ink2, Type::BODY, theme.ink2, t.silent);
    // Without a client there is nobody to listen for, and so no connection.
    if !s.people().is_empty() && s.is_offline(ui.ctx()) {
        gap(ui, 12.0);
        icon_text(ui, icons::CLOUD_FILL, theme.warn, Type::BODY, theme.ink, t.offline);
    }
}

fn row(ui: &mut Ui, s: &mut Screen<'_>, contact: ContactId, first: bool) {
    let (t, theme) = (s.t, s.theme);
    let label = s.label(Some(contact));
    let visit = s.memory.visits.get(&contact).copied();
    let selected = s.state.room.selected == Some(contact);
    let wide = ui.available_width() >= 520.0;
    let (rect, ()) = card(ui, 24, 0.0, |ui| {
        let top = ui.cursor().min;
        let width = ui.available_width();
        ui.painter().circle_filled(top + vec2(22.0, 24.0), 22.0, theme.sunken);
        if theme.look == crate::theme::Look::Contrast {
            ui.painter().circle_stroke(top + vec2(22.0, 24.0), 22.0, theme.card_stroke());
        }
        icon(ui, top + vec2(22.0, 24.0), icons::USER, 24.0, theme.ink2);
        let admit_label = if s.state.room.admitting == Some(contact) { t.admitting } else { t.admit };
        let name = fill(t.admit_name, &[&label]);
        let button = if first { Button::primary(admit_label) } else { Button::secondary(admit_label) };
        let button = button.name(&name).min_width(112.0).enabled(s.state.room.admitting.is_none());
        let admit_width = button.width(ui);
        let buttons = admit_width + 52.0;
        let text_room = if wide { width - 64.0 - buttons - 12.0 } else { width - 64.0 };
        let place = Rect::from_min_size(top + vec2(64.0, 0.0), vec2(text_room, f32::INFINITY));
        let (used, ()) = at(ui, place, "who", |ui| {
            text(ui, Type::HEADING, theme.ink, &label);
            let since =
                visit.map_or_else(String::new, |visit| s.since(visit.since, t.here_now, t.here_minute, t.here_minutes));
            gap(ui, 2.0);
            if !since.is_empty() {
                text(ui, Type::SECOND, theme.ink2, &since);
            }
        });
        let (button_left, button_top) =
            if wide { (top.x + width - admit_width, top.y) } else { (top.x + 64.0 + 52.0, used.max.y + 12.0) };
        let more = Rect::from_min_size(pos2(button_left - 52.0, button_top + 2.0), vec2(44.0, 44.0));
        if dots(ui, more, &fill(t.more_name, &[&label]), s.state.room.open == Some(contact)) {
            s.state.room.open = (s.state.room.open != Some(contact)).then_some(contact);
        }
        let admit = Rect::from_min_size(pos2(button_left, button_top), vec2(admit_width, 48.0));
        let admit_clicked = button.show_at(ui, admit).clicked();
        let bottom = if wide { used.max.y.max(top.y + 50.0) } else { admit.max.y };
        ui.advance_cursor_after_rect(Rect::from_min_max(top, pos2(top.x + width, bottom + 12.0)));
        let indent = if wide { 64.0 } else { 0.0 };
        // No higher than the chip: else the card had more room below than above.
        ui.spacing_mut().interact_size.y = 28.0;
        ui.horizontal(|ui| {
            ui.add_space(indent);
            let (tone, mark, words) = s.key_chip(contact, visit.map_or(KeyState::Unverified, |visit| visit.key_state));
            chip(ui, tone, mark, &words);
        });
        if s.state.room.open == Some(contact) {
            gap(ui, 12.0);
            ui.horizontal(|ui| {
                ui.add_space(indent);
                ui.vertical(|ui| actions(ui, s, contact));
            });
        }
        if admit_clicked {
            admit_now(s, contact);
        }
    });
    let response = ui.interact(rect, ui.make_persistent_id("row"), Sense::hover());
    if selected {
        let radius = crate::theme::radius::CARD;
        let stroke = egui::Stroke::new(2.5, theme.accent);
        ui.painter().rect_stroke(rect, egui::CornerRadius::same(radius), stroke, egui::StrokeKind::Inside);
    }
    response.widget_info(|| egui::WidgetInfo::selected(Role::ListItem, true, selected, &label));
}

fn actions(ui: &mut Ui, s: &mut Screen<'_>, contact: ContactId) {
    let t = s.t;
    flow(ui, 16.0, |ui| {
        if Button::secondary(t.send_away).height(44.0).description(t.send_away_text).show(ui).clicked() {
            s.state.room.open = None;
            s.send(Command::Deny(contact));
        }
        if Button::text(t.open_contact).height(44.0).show(ui).clicked() {
            s.state.room.open = None;
            s.go(Place::Contact(contact));
        }
    });
    gap(ui, 8.0);
    text(ui, Type::SECOND, s.theme.ink2, t.send_away_text);
}

fn dots(ui: &Ui, rect: Rect, name: &str, open: bool) -> bool {
    let theme = crate::theme::Theme::current(ui.ctx());
    let id = ui.make_persistent_id("more");
    let response = Control::new(Role::Button, name).toggled(Some(open)).place(ui, rect, id);
    if response.hovered() || open {
        ui.painter().rect_filled(rect, egui::CornerRadius::same(10), theme.sunken);
    }
    icon(ui, rect.center(), icons::DOTS_THREE, 24.0, theme.ink);
    response.clicked()
}
