//! All clients, with the state of their keys in words.

use egui::{Ui, pos2, vec2};
use sotto_session_api::ContactState;

use super::{bar, salt, standing};
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    widgets::{Button, ContactRow, Field, at, card, contact_row, divider, gap, page, region, text, title},
};

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let rest = bar::top(ui, s);
    at(ui, rest, "clients", |ui| {
        page(ui, "clients", 704.0, if rest.width() < 800.0 { 20.0 } else { 34.0 }, |ui| {
            standing::show(ui, s);
            region(ui.ctx(), 3);
            panel(ui, s);
        });
    });
}

/// Title, New client, search, list.
pub(crate) fn panel(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let top = ui.cursor().min;
    let width = ui.available_width();
    let button = Button::primary(t.new_client).icon(icons::PLUS).height(44.0);
    let button_width = button.width(ui);
    let beside = width - button_width;
    let response = title(ui, Type::TITLE, t.clients);
    let rect = if response.rect.width() + 16.0 <= beside {
        egui::Rect::from_min_size(pos2(top.x + beside, top.y - 4.0), vec2(button_width, 44.0))
    } else {
        gap(ui, 8.0);
        let (rect, _) = ui.allocate_exact_size(vec2(button_width, 44.0), egui::Sense::hover());
        rect
    };
    if button.show_at(ui, rect).clicked() {
        s.go(Place::NewClient);
        s.state.new_client = super::new_client::NewClient::default();
    }
    gap(ui, 20.0);
    let people = s.people();
    if people.is_empty() {
        card(ui, 24, 0.0, |ui| {
            text(ui, Type::SECTION, theme.ink, t.no_clients);
            gap(ui, 4.0);
            text(ui, Type::BODY, theme.ink2, t.no_clients_text);
        });
        return;
    }
    Field::new(t.find_label)
        .hint(t.find_label)
        .icon(icons::MAGNIFYING_GLASS)
        .limit(80)
        .show(ui, &mut s.state.room.find);
    gap(ui, 16.0);
    let wanted = s.state.room.find.trim().to_lowercase();
    let mut found: Vec<_> = people.into_iter().filter(|info| info.label.to_lowercase().contains(&wanted)).collect();
    // Those who are there first, then by name; the order does not follow who waits.
    found.sort_by_key(|info| (info.state == ContactState::Mismatch, info.label.to_lowercase(), info.contact));
    let mut go = None;
    card(ui, 20, 0.0, |ui| {
        ui.set_min_height(0.0);
        if found.is_empty() {
            text(ui, Type::BODY, theme.ink2, t.nothing_found);
        }
        for (index, info) in found.iter().enumerate() {
            if index > 0 {
                divider(ui);
            }
            let (mark, color, state, second) = s.state_of(info);
            let label = s.label(Some(info.contact));
            let row = ContactRow { label: &label, second: &second, mark, color, state, salt: salt(info.contact) };
            if contact_row(ui, &row).clicked() {
                let made = s.memory.invites.iter().any(|invite| invite.contact == info.contact);
                go = Some(if info.state == ContactState::Invited && made {
                    Place::Invite(info.contact)
                } else {
                    Place::Contact(info.contact)
                });
            }
        }
    });
    if let Some(place) = go {
        s.go(place);
    }
}
