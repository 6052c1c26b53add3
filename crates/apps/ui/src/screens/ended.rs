//! After a session: what is so, and what to do.

use egui::{Rect, Ui, pos2, vec2};
use sotto_session_api::{Command, EndReason};

use super::new_client;
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    memory::Outcome,
    model::Request,
    texts::fill,
    widgets::{
        Button, announce, at, card, divider, flow, gap, heading, icon, mark_with_name, page, region, step, text, title,
    },
};

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>, outcome: &Outcome) -> &'static str {
    let area = ui.max_rect();
    let corner = if s.is_therapist() {
        region(ui.ctx(), 1);
        let margin = if area.width() < 800.0 { 16.0 } else { 33.0 };
        let mid = pos2(area.min.x + margin, area.min.y + 44.0);
        mark_with_name(ui, mid, 22.0, Type::HEADING, s.theme.accent, s.theme.ink);
        region(ui.ctx(), 2);
        Rect::from_min_max(pos2(area.min.x, area.min.y + 72.0), area.max)
    } else {
        super::bar::client_corners(ui, s)
    };
    let mismatch = outcome.reason == EndReason::Mismatch;
    at(ui, corner, "ended", |ui| {
        let top = if area.height() < 640.0 { 8.0 } else { 32.0 };
        page(ui, "ended", 800.0, top, |ui| {
            region(ui.ctx(), 2);
            if mismatch { words_differed(ui, s, outcome) } else { over(ui, s, outcome) }
        });
    });
    if mismatch { "mismatch" } else { "ended" }
}

fn put_away(s: &mut Screen<'_>) {
    s.memory.outcome = None;
    s.go(Place::Home);
}

fn over(ui: &mut Ui, s: &mut Screen<'_>, outcome: &Outcome) {
    let (t, theme) = (s.t, s.theme);
    let (head, lead) = match outcome.reason {
        EndReason::Normal | EndReason::Denied | EndReason::Mismatch => (t.ended_title, t.ended_text),
        EndReason::CompareTimeout => (t.ended_timeout_title, t.ended_timeout_text),
        EndReason::Rekey | EndReason::Error => (t.ended_error_title, t.ended_error_text),
        EndReason::Blocked => (t.ended_blocked_title, t.ended_blocked_text),
        EndReason::Interrupted => (t.ended_lost_title, t.ended_lost_text),
        EndReason::Abnormal => (t.ended_abnormal_title, t.ended_text),
    };
    let unsure = outcome.reason == EndReason::Abnormal || (outcome.reason == EndReason::Normal && !outcome.complete);
    let padding = if ui.available_width() < 600.0 { 24 } else { 48 };
    card(ui, padding, 0.0, |ui| {
        title(ui, Type::TITLE, head);
        let and = if unsure { t.ended_abnormal_text } else { "" };
        announce(ui, format!("{head}. {lead} {and}").trim_end(), true);
        gap(ui, 10.0);
        text(ui, Type::LEAD, theme.ink2, lead);
        if unsure {
            gap(ui, 10.0);
            text(ui, Type::BODY, theme.ink2, t.ended_abnormal_text);
        }
        gap(ui, 32.0);
        flow(ui, 16.0, |ui| {
            if s.is_therapist() {
                if Button::primary(t.back_to_room).height(52.0).show(ui).clicked() {
                    put_away(s);
                }
                return;
            }
            let again =
                matches!(outcome.reason, EndReason::Interrupted | EndReason::CompareTimeout | EndReason::Abnormal);
            let contact = outcome.contact.filter(|_| again);
            if let Some(contact) = contact {
                if Button::primary(t.wait_again).height(52.0).show(ui).clicked() {
                    put_away(s);
                    s.state.join.busy = true;
                    s.send(Command::JoinContact(contact));
                }
                if Button::secondary(t.close_sotto).height(52.0).show(ui).clicked() {
                    s.requests.push(Request::Close);
                }
            } else if Button::primary(t.close_sotto).height(52.0).show(ui).clicked() {
                s.requests.push(Request::Close);
            }
            if Button::text(t.back_to_start).height(52.0).show(ui).clicked() {
                put_away(s);
            }
        });
    });
}

fn words_differed(ui: &mut Ui, s: &mut Screen<'_>, outcome: &Outcome) {
    let (t, theme) = (s.t, s.theme);
    let therapist = s.is_therapist();
    let padding = if ui.available_width() < 600.0 { 20 } else { 48 };
    card(ui, padding, 0.0, |ui| {
        let top = ui.cursor().min;
        let wide = ui.available_width() > 480.0;
        let indent = if wide { 88.0 } else { 0.0 };
        if wide {
            ui.painter().circle_filled(top + vec2(32.0, 40.0), 32.0, theme.danger_soft);
            icon(ui, top + vec2(32.0, 40.0), icons::WARNING_OCTAGON_FILL, 34.0, theme.danger);
        } else {
            let (rect, _) = ui.allocate_exact_size(vec2(64.0, 64.0), egui::Sense::hover());
            ui.painter().circle_filled(rect.center(), 28.0, theme.danger_soft);
            icon(ui, rect.center(), icons::WARNING_OCTAGON_FILL, 30.0, theme.danger);
        }
        ui.horizontal(|ui| {
            gap(ui, indent);
            ui.vertical(|ui| {
                title(ui, Type::TITLE, t.mismatch_title);
                gap(ui, 4.0);
                text(ui, Type::BODY.sized(17.0), theme.ink2, t.mismatch_lead);
            });
        });
        announce(ui, &format!("{}. {}", t.mismatch_title, t.mismatch_lead), true);
        gap(ui, 26.0);
        text(ui, Type::BODY.sized(17.0), theme.ink, t.mismatch_text);
        gap(ui, 24.0);
        divider(ui);
        gap(ui, 24.0);
        heading(ui, Type::SECTION, t.what_now);
        gap(ui, 10.0);
        step(ui, 1, t.step_call, t.step_call_text);
        gap(ui, 12.0);
        step(ui, 2, t.step_tell, t.step_tell_text);
        gap(ui, 12.0);
        step(ui, 3, if therapist { t.step_invite } else { t.step_invite_client }, t.step_invite_text);
        gap(ui, 32.0);
        flow(ui, 16.0, |ui| {
            if therapist {
                if Button::primary(t.new_invite).height(48.0).min_width(200.0).show(ui).clicked() {
                    let label = s.label(outcome.contact);
                    put_away(s);
                    s.state.new_client = new_client::NewClient { label, ..new_client::NewClient::default() };
                    s.go(Place::NewClient);
                }
                if Button::text(t.back_to_room).show(ui).clicked() {
                    put_away(s);
                }
            } else {
                if Button::primary(t.back_to_start).height(48.0).min_width(200.0).show(ui).clicked() {
                    put_away(s);
                }
                if Button::text(t.close_sotto).show(ui).clicked() {
                    s.requests.push(Request::Close);
                }
            }
        });
    });
    gap(ui, 24.0);
    let noted = fill(t.noted, &[&s.date(outcome.at), &s.time(outcome.at)]);
    text(ui, Type::SECOND, theme.ink2, &noted);
}
