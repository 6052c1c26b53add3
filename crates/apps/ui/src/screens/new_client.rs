//! A new client: a label, then a code.

use egui::Ui;
use sotto_session_api::{Command, ContactId, InviteForm};

use super::{bar, first_start, standing};
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen},
    memory::Expected,
    widgets::{Button, Field, at, gap, page, text, title},
};

/// What is typed.
pub(crate) struct NewClient {
    pub label: String,
    pub busy: bool,
    pub fresh: bool,
}

impl Default for NewClient {
    fn default() -> Self {
        Self { label: String::new(), busy: false, fresh: true }
    }
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let rest = bar::top(ui, s);
    at(ui, rest, "new client", |ui| {
        page(ui, "new client", 640.0, if rest.width() < 800.0 { 16.0 } else { 24.0 }, |ui| {
            if Button::plain(t.clients).icon(icons::ARROW_LEFT).height(44.0).show(ui).clicked() {
                s.go(Place::Clients);
            }
            standing::show(ui, s);
            gap(ui, 4.0);
            title(ui, Type::TITLE, t.new_client_title);
            gap(ui, 8.0);
            text(ui, Type::LEAD, s.theme.ink2, t.new_client_lead);
            gap(ui, 28.0);
            let focus = std::mem::take(&mut s.state.new_client.fresh);
            let field = Field::new(t.label).hint(t.label_hint).below(t.label_help, false).limit(80).focus(focus);
            let response = field.show(ui, &mut s.state.new_client.label);
            let enter = first_start::entered(ui, &response);
            gap(ui, 28.0);
            let ready = !s.state.new_client.label.trim().is_empty() && !s.state.new_client.busy;
            let label = if s.state.new_client.busy { t.making_code } else { t.make_code };
            let button = Button::primary(label).height(52.0).min_width(240.0).enabled(ready);
            if (button.show(ui).clicked() || enter) && ready {
                s.state.new_client.busy = true;
                let label = s.state.new_client.label.trim().to_owned();
                ask(s, label, InviteForm::Code, None);
            }
        });
    });
}

/// Asks for an invite and remembers what for.
pub(crate) fn ask(s: &mut Screen<'_>, label: String, form: InviteForm, sibling: Option<ContactId>) {
    s.memory.standing.clear();
    s.memory.expected.push_back(Expected { label: label.clone(), form, sibling, again: false });
    s.send(Command::Invite { label, form, minutes: None });
}

/// As [`ask`], for somebody who is a contact already.
pub(crate) fn ask_again(
    s: &mut Screen<'_>,
    contact: ContactId,
    label: String,
    form: InviteForm,
    sibling: Option<ContactId>,
) {
    s.memory.standing.clear();
    s.memory.expected.push_back(Expected { label, form, sibling, again: true });
    s.send(Command::Relink { contact, form, minutes: None });
}
