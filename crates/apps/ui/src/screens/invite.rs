//! An invite: read aloud, or handed over as link, picture and card.

use std::collections::BTreeSet;

use egui::{CornerRadius, Rect, Ui, pos2, vec2};
use sotto_session_api::{Command, ContactId, InviteForm};
use zeroize::Zeroizing;

use super::{bar, new_client, standing};
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    memory::MadeInvite,
    model::{Card, Request, Secret},
    texts::fill,
    theme::radius,
    widgets::{
        Button, Tone, at, card, columns, divider, flow, gap, heading, icon, icon_text, measure, page, qr, region, text,
        title, word_tiles,
    },
};

/// What is under way here.
#[derive(Default)]
pub(crate) struct InvitePage {
    /// A link is being made.
    pub making: bool,
}

/// The parts of a spoken code.
struct Spoken<'a> {
    number: &'a str,
    words: Vec<&'a str>,
    host: Option<&'a str>,
}

fn spoken(text: &str) -> Spoken<'_> {
    let (code, host) = text.split_once('@').map_or((text, None), |(code, host)| (code, Some(host)));
    let mut parts = code.split('-');
    let number = parts.next().unwrap_or_default();
    Spoken { number, words: parts.collect(), host }
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>, contact: ContactId) {
    let t = s.t;
    let rest = bar::top(ui, s);
    let invite = s.memory.invites.iter().find(|invite| invite.contact == contact).cloned();
    let link = s.memory.invites.iter().find(|invite| invite.sibling == Some(contact)).cloned();
    at(ui, rest, "invite", |ui| {
        page(ui, "invite", 1152.0, if rest.width() < 800.0 { 12.0 } else { 16.0 }, |ui| {
            if Button::plain(t.clients).icon(icons::ARROW_LEFT).height(40.0).show(ui).clicked() {
                s.go(Place::Clients);
            }
            standing::show(ui, s);
            let made = invite.as_ref().map(|invite| invite.label.clone()).filter(|label| !label.is_empty());
            let label = made.unwrap_or_else(|| s.label(Some(contact)));
            flow(ui, 16.0, |ui| {
                title(ui, Type::TITLE, &fill(t.invite_title, &[&label]));
                ui.vertical(|ui| {
                    gap(ui, 10.0);
                    text(ui, Type::SECOND, s.theme.ink2, t.only_you_see);
                });
            });
            gap(ui, 24.0);
            let Some(invite) = invite else {
                icon_text(ui, icons::CHECK_CIRCLE_FILL, s.theme.ok, Type::BODY, s.theme.ink, t.was_used);
                gap(ui, 20.0);
                if Button::primary(t.back_to_room).show(ui).clicked() {
                    s.go(Place::Home);
                }
                return;
            };
            let wide = ui.available_width() >= 940.0;
            // Beside each other the cards are as high as the higher one was in the frame before.
            let id = egui::Id::unique("sotto invite cards");
            let before = ui.ctx().data(|data| data.get_temp::<[f32; 2]>(id)).unwrap_or([386.0; 2]);
            let height = if wide { before[0].max(before[1]).max(386.0) } else { 0.0 };
            let mut now = [0.0; 2];
            columns(ui, &[752.0, 376.0], 24.0, if wide { 200.0 } else { 2000.0 }, |ui, index| {
                if index == 0 {
                    region(ui.ctx(), 2);
                    now[0] = code_card(ui, s, &invite, &label, height);
                } else {
                    region(ui.ctx(), 3);
                    now[1] = hand_over(ui, s, &invite, &label, link.as_ref(), height);
                }
            });
            if now != before {
                ui.ctx().data_mut(|data| data.insert_temp(id, now));
                ui.ctx().request_repaint();
            }
            gap(ui, 28.0);
            advice(ui, s);
        });
    });
}

/// Returns the height that its content wants.
fn code_card(ui: &mut Ui, s: &mut Screen<'_>, invite: &MadeInvite, label: &str, height: f32) -> f32 {
    let (t, theme) = (s.t, s.theme);
    let expired = invite.is_over(s.model.clock);
    let padding = if ui.available_width() < 560.0 { 20 } else { 32 };
    let (_, wanted) = card(ui, padding, height, |ui| {
        let top = ui.cursor().min.y;
        flow(ui, 16.0, |ui| {
            heading(ui, Type::SECTION, t.read_aloud);
            let until = if expired { t.expired.to_owned() } else { fill(t.works_until, &[&s.time(invite.expires)]) };
            let width = measure(ui, Type::SECOND, theme.ink2, &until, f32::INFINITY).size().x + 1.0;
            if ui.available_width() > width {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    text(ui, Type::SECOND, theme.ink2, &until);
                });
            } else {
                text(ui, Type::SECOND, theme.ink2, &until);
            }
        });
        gap(ui, 14.0);
        let parts = spoken(&invite.text);
        number(ui, parts.number);
        gap(ui, 12.0);
        let capital = Type::HEADING.sized(23.0);
        word_tiles(ui, capital, 72.0, 12.0, "", &parts.words);
        gap(ui, 14.0);
        text(ui, Type::BODY, theme.ink2, t.number_then_words);
        if let Some(host) = parts.host {
            text(ui, Type::BODY, theme.ink2, &fill(t.server_too, &[host]));
        }
        gap(ui, 18.0);
        divider(ui);
        gap(ui, 10.0);
        let counted = |words, (n, of): (u8, u8)| {
            (icons::WARNING_FILL, theme.warn, fill(words, &[&n.to_string(), &of.to_string()]))
        };
        let (mark, color, words) = match (invite.burned, invite.tries, invite.broken_off) {
            (true, ..) => (icons::X_CIRCLE_FILL, theme.danger, t.burned.to_owned()),
            (false, Some(tries), _) => counted(t.tried_wrong, tries),
            (false, None, Some(begun)) => counted(t.tried_and_stopped, begun),
            (false, None, None) => (icons::CLOCK_FILL, theme.ink2, t.nobody_tried.to_owned()),
        };
        let again = Button::text(if expired { t.new_code } else { t.copy_code });
        let again = again.icon(if expired { icons::ARROW_CLOCKWISE } else { icons::COPY }).height(44.0);
        let withdraw = Button::text(t.withdraw).icon(icons::X_CIRCLE).height(44.0);
        let (first, second) = (again.width(ui), withdraw.width(ui));
        // The state and both actions in one line if the state keeps some room; else the actions go below.
        let line = ui.cursor().min;
        let right = line.x + ui.available_width();
        let room = ui.available_width() - first - second - 32.0;
        let (again, withdraw) = if room >= 180.0 {
            let used = measure(ui, Type::SECOND, theme.ink2, &words, room - 40.0).size().y;
            let place = Rect::from_min_size(line + vec2(0.0, ((44.0 - used) / 2.0).max(0.0)), vec2(room, 44.0));
            at(ui, place, "tries", |ui| icon_text(ui, mark, color, Type::SECOND, theme.ink2, &words));
            ui.allocate_exact_size(vec2(ui.available_width(), used.max(44.0)), egui::Sense::hover());
            let button = |left: f32, width: f32| Rect::from_min_size(pos2(left, line.y), vec2(width, 44.0));
            (
                again.show_at(ui, button(right - second - 16.0 - first, first)).clicked(),
                withdraw.show_at(ui, button(right - second, second)).clicked(),
            )
        } else {
            gap(ui, 6.0);
            icon_text(ui, mark, color, Type::SECOND, theme.ink2, &words);
            gap(ui, 4.0);
            flow(ui, 16.0, |ui| (again.show(ui).clicked(), withdraw.show(ui).clicked()))
        };
        if again && expired {
            forget(s, invite.contact);
            if invite.again {
                new_client::ask_again(s, invite.contact, label.to_owned(), InviteForm::Code, None);
            } else {
                new_client::ask(s, label.to_owned(), InviteForm::Code, None);
            }
        } else if again {
            s.requests.push(Request::CopySecret(Secret::new(invite.text.clone())));
            s.say(t.copied);
        }
        if withdraw {
            forget(s, invite.contact);
            s.go(Place::Clients);
        }
        ui.cursor().min.y - top
    });
    wanted + 2.0 * f32::from(padding)
}

/// Withdraws an invite in both of its forms.
fn forget(s: &mut Screen<'_>, contact: ContactId) {
    let all: BTreeSet<ContactId> = s
        .memory
        .invites
        .iter()
        .filter(|invite| invite.contact == contact || invite.sibling == Some(contact))
        .map(|invite| invite.contact)
        .collect();
    s.memory.invites.retain(|invite| !all.contains(&invite.contact));
    for contact in all {
        s.send(Command::Withdraw(contact));
    }
}

fn number(ui: &mut Ui, digits: &str) {
    let theme = crate::theme::Theme::current(ui.ctx());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 104.0), egui::Sense::hover());
    let stroke = if theme.look == crate::theme::Look::Contrast { theme.card_stroke() } else { egui::Stroke::NONE };
    let corner = CornerRadius::same(radius::FIELD);
    ui.painter().rect(rect, corner, theme.accent_soft, stroke, egui::StrokeKind::Inside);
    let grouped = digits.split_at_checked(3).map_or_else(|| digits.to_owned(), |(a, b)| format!("{a} {b}"));
    let of = Type::NUMBER.sized(if width < 380.0 { 44.0 } else { 60.0 });
    let galley = measure(ui, of, theme.ink, &grouped, f32::INFINITY);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.ink);
    // Spoken digit by digit.
    let slowly: Vec<String> = digits.chars().map(String::from).collect();
    let slowly = slowly.join(" ");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &slowly));
}

/// Returns the height that its content wants.
fn hand_over(
    ui: &mut Ui,
    s: &mut Screen<'_>,
    invite: &MadeInvite,
    label: &str,
    link: Option<&MadeInvite>,
    height: f32,
) -> f32 {
    let (t, theme) = (s.t, s.theme);
    let (_, wanted) = card(ui, 28, height, |ui| {
        let top = ui.cursor().min.y;
        heading(ui, Type::SECTION, t.hand_over);
        gap(ui, 12.0);
        let Some(link) = link else {
            text(ui, Type::BODY, theme.ink2, t.hand_over_text);
            gap(ui, 20.0);
            let button = Button::secondary(t.make_link).icon(icons::LINK).enabled(!s.state.invite.making);
            if button.show(ui).clicked() {
                s.state.invite.making = true;
                let (label, sibling) = (label.to_owned(), Some(invite.contact));
                if invite.again {
                    new_client::ask_again(s, invite.contact, label, InviteForm::Link, sibling);
                } else {
                    new_client::ask(s, label, InviteForm::Link, sibling);
                }
            }
            return ui.cursor().min.y - top;
        };
        let side = (ui.available_width() - 64.0).clamp(160.0, 208.0);
        ui.horizontal(|ui| {
            gap(ui, ((ui.available_width() - side) / 2.0).max(0.0));
            qr(ui, &link.text, side, t.qr_name);
        });
        gap(ui, 14.0);
        flow(ui, 12.0, |ui| {
            if Button::secondary(t.copy_link).icon(icons::LINK).height(44.0).show(ui).clicked() {
                s.requests.push(Request::CopySecret(Secret::new(link.text.clone())));
                s.say(t.copied);
            }
            if s.model.abilities.save_card
                && Button::secondary(t.save_card).icon(icons::PRINTER).height(44.0).show(ui).clicked()
            {
                let own = s.memory.own_fingerprint.clone().unwrap_or_default();
                let words = fill(t.card_text, &[&s.date(link.expires), &own]);
                let card = Card { text: Secret::new(Zeroizing::new(words)), code: Secret::new(link.text.clone()) };
                s.requests.push(Request::SaveCard(card));
            }
        });
        gap(ui, 8.0);
        text(ui, Type::SECOND, theme.ink2, &fill(t.link_until, &[&s.date(link.expires)]));
        ui.cursor().min.y - top
    });
    wanted + 56.0
}

fn advice(ui: &mut Ui, s: &Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    heading(ui, Type::SECTION, t.how_to_send);
    gap(ui, 14.0);
    let rows = [
        (Tone::Ok, t.send_good, t.send_good_text),
        (Tone::Info, t.send_fair, t.send_fair_text),
        (Tone::Warn, t.send_bad, t.send_bad_text),
    ];
    columns(ui, &[1.0, 1.0, 1.0], 40.0, 220.0, |ui, index| {
        let (tone, head, sentence) = rows[index];
        let top = ui.cursor().min;
        icon(ui, top + vec2(12.0, 12.0), tone.mark(), 24.0, tone.colors(&theme).0);
        let place = Rect::from_min_max(top + vec2(34.0, 0.0), pos2(ui.max_rect().max.x, f32::INFINITY));
        let (used, ()) = at(ui, place, head, |ui| {
            text(ui, Type::BUTTON.sized(16.0), theme.ink, head);
            gap(ui, 4.0);
            text(ui, Type::SECOND, theme.ink2, sentence);
        });
        ui.advance_cursor_after_rect(Rect::from_min_max(top, used.max));
    });
}
