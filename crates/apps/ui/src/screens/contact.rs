//! One contact: state, fingerprint, history, forget.

use egui::{Ui, vec2};
use sotto_session_api::{Command, ContactId, ContactState, InviteForm};

use super::{bar, new_client, standing};
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    texts::fill,
    widgets::{Button, at, card, checkbox, flow, gap, heading, icon_text, page, text, title},
};

/// What is open here.
#[derive(Default)]
pub(crate) struct ContactPage {
    /// Asked whether to forget this one.
    pub forget: Option<ContactId>,
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>, contact: ContactId) {
    let (t, theme) = (s.t, s.theme);
    let rest = bar::top(ui, s);
    at(ui, rest, "contact", |ui| {
        page(ui, "contact", 760.0, if rest.width() < 800.0 { 12.0 } else { 16.0 }, |ui| {
            if Button::plain(t.clients).icon(icons::ARROW_LEFT).height(40.0).show(ui).clicked() {
                s.go(Place::Clients);
            }
            standing::show(ui, s);
            let Some(info) = s.contact(contact).cloned() else {
                s.go(Place::Clients);
                return;
            };
            let label = s.label(Some(contact));
            title(ui, Type::TITLE, &label);
            gap(ui, 6.0);
            let (mark, color, state, second) = s.state_of(&info);
            // Where the second says it all ("Compared on 3 June"), the first would only repeat it.
            let words = if second.starts_with(state) { second } else { format!("{state}. {second}") };
            icon_text(ui, mark, color, Type::LEAD, theme.ink2, &words);
            gap(ui, 24.0);
            card(ui, 28, 0.0, |ui| {
                heading(ui, Type::SECTION, t.contact_fingerprint);
                gap(ui, 4.0);
                match &info.fingerprint {
                    Some(digits) => {
                        text(ui, Type::SECOND, theme.ink2, t.contact_fingerprint_text);
                        gap(ui, 16.0);
                        fingerprint(ui, digits);
                    }
                    None => {
                        text(ui, Type::SECOND, theme.ink2, t.contact_no_fingerprint);
                    }
                }
            });
            gap(ui, 24.0);
            history(ui, s, &info);
            gap(ui, 16.0);
            compare_when(ui, s, &info);
            gap(ui, 24.0);
            actions(ui, s, &info, &label);
        });
    });
}

fn history(ui: &mut Ui, s: &Screen<'_>, info: &sotto_session_api::ContactInfo) {
    let (t, theme) = (s.t, s.theme);
    heading(ui, Type::SECTION, t.contact_history);
    gap(ui, 8.0);
    let (mark, color, words) = match (info.state, info.verified_at) {
        (ContactState::Mismatch, _) => (icons::X_CIRCLE_FILL, theme.danger, t.contact_mismatch.to_owned()),
        (ContactState::Invited | ContactState::Pairing, _) => {
            (icons::CLOCK_FILL, theme.ink2, t.contact_invited.to_owned())
        }
        (_, Some(at)) => (icons::CHECK_CIRCLE_FILL, theme.ok, fill(t.contact_compared_on, &[&s.date(at)])),
        (_, None) => (icons::SHIELD_WARNING_FILL, theme.warn, t.contact_never.to_owned()),
    };
    icon_text(ui, mark, color, Type::BODY, theme.ink, &words);
    gap(ui, 8.0);
    icon_text(ui, icons::INFO_FILL, theme.info, Type::BODY, theme.ink2, t.same_computer);
}

/// When words are compared with somebody who was compared before.
pub(crate) fn compare_when(ui: &mut Ui, s: &mut Screen<'_>, info: &sotto_session_api::ContactInfo) {
    if info.state != ContactState::Verified {
        return;
    }
    let mut on_change = info.compare_on_change;
    checkbox(ui, s.t.compare_on_change, s.t.compare_on_change_text, &mut on_change);
    if on_change != info.compare_on_change {
        s.send(Command::CompareWhen { contact: info.contact, on_change });
    }
}

fn actions(ui: &mut Ui, s: &mut Screen<'_>, info: &sotto_session_api::ContactInfo, label: &str) {
    let (t, theme) = (s.t, s.theme);
    if s.state.contact.forget == Some(info.contact) {
        card(ui, 24, 0.0, |ui| {
            heading(ui, Type::SECTION, &fill(t.forget_title, &[label]));
            gap(ui, 4.0);
            text(ui, Type::BODY, theme.ink2, t.forget_text);
            gap(ui, 16.0);
            flow(ui, 16.0, |ui| {
                if Button::danger(t.forget_yes).show(ui).clicked() {
                    s.state.contact.forget = None;
                    s.send(Command::Forget(info.contact));
                    s.go(Place::Clients);
                }
                if Button::secondary(t.keep).show(ui).clicked() {
                    s.state.contact.forget = None;
                }
            });
        });
        return;
    }
    let is_met = matches!(info.state, ContactState::Unverified | ContactState::Verified | ContactState::Mismatch);
    if is_met {
        text(ui, Type::SECOND, theme.ink2, t.invite_again_text);
        gap(ui, 12.0);
    }
    flow(ui, 16.0, |ui| {
        let made = s.memory.invites.iter().any(|invite| invite.contact == info.contact);
        if made && Button::secondary(t.show_invite).show(ui).clicked() {
            s.go(Place::Invite(info.contact));
        }
        if is_met && !made && Button::secondary(t.invite_again).icon(icons::TICKET).show(ui).clicked() {
            new_client::ask_again(s, info.contact, label.to_owned(), InviteForm::Code, None);
        }
        if Button::text(t.forget).icon(icons::TRASH).show(ui).clicked() {
            s.state.contact.forget = Some(info.contact);
        }
    });
}

/// Twelve groups of five digits in rows of four (or fewer where it is narrow), spoken as one.
pub(crate) fn fingerprint(ui: &mut Ui, digits: &str) {
    let theme = crate::theme::Theme::current(ui.ctx());
    let groups: Vec<&str> = digits.split_whitespace().collect();
    let width = ui.available_width();
    let one = crate::widgets::measure(ui, Type::DIGITS, theme.ink, "00000", f32::INFINITY).size().x;
    let per_row = [4, 3, 2].into_iter().find(|&n| (one + 24.0) * n as f32 - 24.0 <= width).unwrap_or(1);
    let step = (one + 24.0).max((width.min(520.0) + 24.0) / per_row as f32 * 0.94);
    let rows = groups.len().div_ceil(per_row);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 40.0 * rows as f32), egui::Sense::hover());
    for (index, group) in groups.iter().enumerate() {
        let (row, column) = ((index / per_row) as f32, (index % per_row) as f32);
        let at = rect.min + vec2(step * column, 40.0 * row);
        crate::widgets::text_at(ui, at, egui::Align2::LEFT_TOP, Type::DIGITS, theme.ink, group);
    }
    let spoken = groups.join(", ");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &spoken));
}
