//! The passphrase of an existing profile.

use egui::Ui;
use zeroize::Zeroizing;

use super::{bar, first_start};
use crate::{
    fonts::Type,
    interface::{Screen, secret_text},
    model::{Profile, Request, Secret},
    widgets::{Button, Field, at, checkbox, gap, page, region, text, title},
};

/// What is typed.
pub(crate) struct Unlock {
    passphrase: Zeroizing<String>,
    shown: bool,
    fresh: bool,
}

impl Default for Unlock {
    fn default() -> Self {
        Self { passphrase: secret_text(), shown: false, fresh: true }
    }
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let rest = bar::client_corners(ui, s);
    let busy = s.model.profile == Profile::Opening;
    at(ui, rest, "unlock", |ui| {
        let top = (rest.height() * 0.16).clamp(16.0, 120.0);
        page(ui, "unlock", 520.0, top, |ui| {
            region(ui.ctx(), 2);
            title(ui, Type::DISPLAY, t.unlock_title);
            gap(ui, 8.0);
            text(ui, Type::LEAD, s.theme.ink2, t.unlock_lead);
            gap(ui, 28.0);
            first_start::failed(ui, s);
            let state = &mut s.state.unlock;
            let focus = std::mem::take(&mut state.fresh);
            let field = Field::new(t.passphrase).password(!state.shown).limit(512).focus(focus);
            let response = field.show(ui, &mut state.passphrase);
            let enter = first_start::entered(ui, &response);
            gap(ui, 8.0);
            checkbox(ui, t.show_passphrase, "", &mut state.shown);
            gap(ui, 16.0);
            let ready = !state.passphrase.is_empty() && !busy;
            let label = if busy { t.unlock_busy } else { t.unlock_go };
            let button = Button::primary(label).height(52.0).min_width(200.0).enabled(ready);
            if (button.show(ui).clicked() || enter) && ready {
                crate::widgets::forget_text(ui.ctx(), response.id);
                let passphrase = std::mem::replace(&mut state.passphrase, secret_text());
                s.state.profile_failed = None;
                s.state.unlock.fresh = true;
                s.requests.push(Request::Unlock(Secret::new(passphrase)));
            }
            gap(ui, 28.0);
            text(ui, Type::SECOND, s.theme.ink2, t.unlock_forgotten);
        });
    });
}
