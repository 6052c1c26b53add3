//! The chat, beside the picture: in memory only, gone at the end.

use egui::{CornerRadius, Key, Rect, Ui};
use sotto_session_api::Command;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    fonts::Type,
    icons,
    interface::Screen,
    memory::ChatLine,
    widgets::{Button, Field, at, divider, gap, heading, text},
};

/// As long as a record takes, with room to spare.
const LONGEST: usize = 2000;

pub(super) fn show(ui: &mut Ui, s: &mut Screen<'_>, place: Rect) {
    let (t, theme) = (s.t, s.theme);
    s.memory.chat_unread = false;
    super::panel::surface(ui, s, place);
    let inner = place.shrink(20.0);
    at(ui, inner, "chat", |ui| {
        ui.horizontal(|ui| {
            heading(ui, Type::SECTION, t.chat_title);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if Button::text(t.close).height(40.0).show(ui).clicked() {
                    s.state.session.side = None;
                }
            });
        });
        text(ui, Type::SMALL, theme.ink2, t.chat_text);
        gap(ui, 10.0);
        divider(ui);
        gap(ui, 6.0);
        let foot = 112.0;
        let height = (inner.max.y - ui.cursor().min.y - foot).max(48.0);
        egui::ScrollArea::vertical()
            .id_salt("lines")
            .auto_shrink(false)
            .max_height(height)
            .min_scrolled_height(height)
            .stick_to_bottom(true)
            .show(ui, |ui| {
                let lines: Vec<ChatLine> = s.memory.chat.clone();
                for line in &lines {
                    bubble(ui, s, line);
                    gap(ui, 10.0);
                }
            });
        gap(ui, 8.0);
        let focus = std::mem::take(&mut s.state.session.focus_draft);
        let field = Field::new(t.chat_field).hint(t.chat_field).unlabelled().limit(LONGEST).focus(focus);
        let response = field.show(ui, &mut s.state.session.draft);
        let enter = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        gap(ui, 8.0);
        let ready = !s.state.session.draft.trim().is_empty();
        let button = Button::secondary(t.chat_send).icon(icons::PAPER_PLANE_RIGHT).height(44.0).enabled(ready);
        if (button.show(ui).clicked() || enter) && ready {
            let said = s.state.session.draft.trim().to_owned();
            s.state.session.draft.zeroize();
            crate::widgets::forget_text(ui.ctx(), response.id);
            s.memory.chat.push(ChatLine { own: true, on_its_way: true, text: Zeroizing::new(said.clone()) });
            s.send(Command::Chat(said));
            s.state.session.focus_draft = true;
            ui.ctx().request_repaint();
        }
    });
}

fn bubble(ui: &mut Ui, s: &Screen<'_>, line: &ChatLine) {
    let (t, theme) = (s.t, s.theme);
    let fill = if line.own { theme.accent_soft } else { theme.sunken };
    let frame = egui::Frame::new()
        .fill(fill)
        .stroke(if theme.look == crate::theme::Look::Contrast { theme.card_stroke() } else { egui::Stroke::NONE })
        .corner_radius(CornerRadius::same(12))
        .inner_margin(egui::Margin::symmetric(14, 8));
    let who = if line.own { t.chat_you } else { t.chat_they };
    let who = if line.on_its_way { format!("{who}, {}", t.chat_sending) } else { who.to_owned() };
    ui.horizontal(|ui| {
        gap(ui, if line.own { 24.0 } else { 0.0 });
        ui.vertical(|ui| {
            ui.set_max_width(ui.available_width() - if line.own { 0.0 } else { 24.0 });
            frame.show(ui, |ui| {
                ui.set_width(ui.available_width());
                text(ui, Type::SMALL_STRONG, theme.ink2, &who);
                text(ui, Type::BODY, theme.ink, &line.text);
            });
        });
    });
}
