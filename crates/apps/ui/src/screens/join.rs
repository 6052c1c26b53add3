//! The client's start: a contact to go to, or a code to enter.

use egui::{Ui, vec2};
use sotto_session_api::{Command, ContactId, ContactState, sentences::sentence};

use super::{bar, salt, standing};
use crate::{
    fonts::Type,
    icons::{self, Icon},
    interface::{Place, Screen},
    model::Request,
    texts::fill,
    widgets::{
        Button, ContactRow, Tone, announce, at, card,
        code_field::{CodeEntry, Said, code_field},
        columns, contact_row, divider, flow, gap, heading, icon, icon_text, notice, page, region, segment, text, title,
    },
};

/// What is being entered.
#[derive(Default)]
pub(crate) struct JoinState {
    pub entry: CodeEntry,
    /// On the way; the button is busy.
    pub busy: bool,
    /// The code field is shown although contacts are known.
    pub typing: bool,
    /// The link help is open.
    link_open: bool,
    pub opened: bool,
    /// From whom the code is, where somebody is known: a contact, or nobody of them.
    from: Option<Option<ContactId>>,
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) -> &'static str {
    let known = s.model.snapshot.contacts.iter().any(|info| info.state != ContactState::Mismatch);
    let home = known && !s.state.join.typing && !s.preferences.shared_computer;
    let area = ui.max_rect();
    let rest = bar::client_corners(ui, s);
    at(ui, rest, "join", |ui| {
        // The title stands beside the corner button where there is room.
        let top = if area.width() >= 1100.0 && area.height() > 640.0 { 26.0 } else { 12.0 };
        page(ui, "join", 720.0, top, |ui| {
            if home {
                start(ui, s);
            } else {
                code(ui, s);
            }
            let left = rest.max.y - ui.cursor().min.y - 66.0;
            gap(ui, left.max(20.0));
            footer(ui, s);
        });
    });
    if home { "home" } else { "join" }
}

fn footer(ui: &mut Ui, s: &mut Screen<'_>) {
    region(ui.ctx(), 4);
    flow(ui, 24.0, |ui| {
        if s.model.abilities.preview
            && Button::plain(s.t.device_check).icon(icons::HEADPHONES).height(44.0).show(ui).clicked()
        {
            s.go(Place::Devices);
        }
        if Button::plain(s.t.settings).icon(icons::GEAR_SIX).height(44.0).show(ui).clicked() {
            s.go(Place::Settings);
        }
        let shared = s.preferences.shared_computer;
        if Button::plain(s.t.shared_computer).icon(icons::MONITOR).height(44.0).toggled(shared).show(ui).clicked() {
            s.preferences.shared_computer = !shared;
            if !shared {
                s.say(s.t.shared_on);
            }
        }
    });
}

/// Someone who has been here before needs no code.
fn start(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    title(ui, Type::TITLE, t.home_title);
    gap(ui, 6.0);
    text(ui, Type::LEAD, theme.ink2, t.home_lead);
    gap(ui, 24.0);
    refusal(ui, s);
    let people: Vec<_> =
        s.model.snapshot.contacts.iter().filter(|info| info.state != ContactState::Mismatch).cloned().collect();
    let mut go = None;
    if let [one] = people.as_slice() {
        card(ui, 28, 0.0, |ui| {
            text(ui, Type::HEADING, theme.ink, &s.label(Some(one.contact)));
            gap(ui, 4.0);
            let (mark, color, state, second) = s.state_of(one);
            icon_text(ui, mark, color, Type::BODY, theme.ink2, &format!("{state}. {second}"));
            gap(ui, 20.0);
            let label = if s.state.join.busy { t.going } else { t.go_to_waiting_room };
            let button = Button::primary(label).height(56.0).min_width(220.0).enabled(!s.state.join.busy);
            if button.show(ui).clicked() {
                go = Some(one.contact);
            }
        });
    } else {
        card(ui, 20, 0.0, |ui| {
            for (index, info) in people.iter().enumerate() {
                if index > 0 {
                    divider(ui);
                }
                let (mark, color, state, second) = s.state_of(info);
                let label = s.label(Some(info.contact));
                let row = ContactRow { label: &label, second: &second, mark, color, state, salt: salt(info.contact) };
                if contact_row(ui, &row).clicked() && !s.state.join.busy {
                    go = Some(info.contact);
                }
            }
        });
    }
    if let Some(contact) = go {
        s.state.join.busy = true;
        clear_refusal(s);
        s.send(Command::JoinContact(contact));
    }
    gap(ui, 20.0);
    if Button::text(t.home_new_code).icon(icons::TICKET).height(44.0).show(ui).clicked() {
        s.state.join = JoinState { typing: true, ..JoinState::default() };
    }
}

fn clear_refusal(s: &mut Screen<'_>) {
    s.memory.join_refused = None;
    s.memory.denied = false;
    s.memory.standing.clear();
}

/// Why the last try did not lead to the waiting room.
pub(crate) fn refusal(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    if s.memory.denied {
        notice(ui, Tone::Info, icons::INFO_FILL, t.denied_title, t.denied_text, None);
        gap(ui, 24.0);
        return;
    }
    let Some(code) = s.memory.join_refused else {
        standing::show(ui, s);
        return;
    };
    let (heading, rest) = match code {
        "E_CODE_WRONG" => first_sentence(t.code_wrong),
        "E_INVITE_USED" => first_sentence(t.code_used),
        code => {
            let sentence = sentence(code, s.language());
            (sentence.what, sentence.what_to_do)
        }
    };
    notice(ui, Tone::Warn, icons::WARNING_FILL, heading, rest, None);
    gap(ui, 24.0);
}

fn first_sentence(text: &'static str) -> (&'static str, &'static str) {
    text.split_once(". ").map_or((text, ""), |(first, rest)| (text.get(..=first.len()).unwrap_or(text), rest))
}

fn code(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let known = s.model.snapshot.contacts.iter().any(|info| info.state != ContactState::Mismatch);
    if known && Button::plain(t.back).icon(icons::ARROW_LEFT).height(40.0).show(ui).clicked() {
        s.state.join.typing = false;
        clear_refusal(s);
    }
    title(ui, Type::TITLE, t.join_title);
    gap(ui, 8.0);
    text(ui, Type::LEAD, theme.ink2, t.join_lead);
    gap(ui, 22.0);
    refusal(ui, s);
    let focus = !std::mem::replace(&mut s.state.join.opened, true);
    let from = sender(ui, s);
    let output = code_field(ui, t, &mut s.state.join.entry, focus);
    gap(ui, 20.0);
    said(ui, s);
    gap(ui, 28.0);
    let complete = s.state.join.entry.complete();
    let busy = s.state.join.busy;
    let label = if busy { t.going } else { t.go_to_waiting_room };
    let button = Button::primary(label).height(52.0).min_width(208.0).enabled(complete.is_some() && !busy);
    let button = if complete.is_none() { button.description(t.not_complete) } else { button };
    let go = flow(ui, 24.0, |ui| {
        let go = button.show(ui).clicked();
        if Button::text(t.use_link).icon(icons::QR_CODE).height(52.0).toggled(s.state.join.link_open).show(ui).clicked()
        {
            s.state.join.link_open = !s.state.join.link_open;
        }
        go
    });
    if s.state.join.link_open {
        gap(ui, 12.0);
        text(ui, Type::BODY, theme.ink2, t.link_help);
        if s.model.abilities.files {
            gap(ui, 8.0);
            if Button::secondary(t.open_picture).icon(icons::IMAGE).height(44.0).show(ui).clicked() {
                s.requests.push(Request::OpenPicture);
            }
        }
    }
    if (go || output.submitted)
        && !busy
        && let Some(code) = complete
    {
        s.state.join.busy = true;
        clear_refusal(s);
        let invite = code.to_string();
        s.send(match from {
            Some(contact) => Command::Rejoin { contact, invite },
            None => Command::JoinInvite(invite),
        });
    }
    gap(ui, 32.0);
    divider(ui);
    gap(ui, 24.0);
    what_then(ui, s);
}

/// Whose code it is: a therapist who is known keeps meeting the same key.
fn sender(ui: &mut Ui, s: &mut Screen<'_>) -> Option<ContactId> {
    let t = s.t;
    let is_met = |state| matches!(state, ContactState::Unverified | ContactState::Verified | ContactState::Mismatch);
    let met: Vec<ContactId> =
        s.model.snapshot.contacts.iter().filter(|info| is_met(info.state)).map(|info| info.contact).collect();
    if met.is_empty() || s.preferences.shared_computer {
        return None;
    }
    // With one therapist a new code is most likely theirs.
    let mut from = s.state.join.from.unwrap_or(match met.as_slice() {
        [one] => Some(*one),
        _ => None,
    });
    heading(ui, Type::BUTTON, t.code_from);
    gap(ui, 8.0);
    flow(ui, 12.0, |ui| {
        for contact in met {
            if segment(ui, &s.label(Some(contact)), from == Some(contact)).clicked() {
                from = Some(contact);
            }
        }
        if segment(ui, t.code_from_new, from.is_none()).clicked() {
            from = None;
        }
    });
    gap(ui, 20.0);
    s.state.join.from = Some(from);
    from
}

/// What is missing or not right, said beside the field.
fn said(ui: &mut Ui, s: &Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let said = s.state.join.entry.said();
    let (line, tone) = match &said {
        Said::Digits(6) => (t.number_first.to_owned(), None),
        Said::Digits(1) => (t.digit_to_go.to_owned(), None),
        Said::Digits(n) => (fill(t.digits_to_go, &[&n.to_string()]), None),
        Said::TooManyDigits => (t.too_many_digits.to_owned(), Some(Tone::Warn)),
        Said::Words(1) => (t.word_to_go.to_owned(), None),
        Said::Words(n) => (fill(t.words_to_go, &[&n.to_string()]), None),
        Said::NoSuchWord(near) if near.is_empty() => (t.no_such_word.to_owned(), Some(Tone::Warn)),
        Said::NoSuchWord(near) => {
            let near: Vec<String> = near.iter().map(|word| word.to_ascii_lowercase()).collect();
            (fill(t.did_you_mean, &[&near.join(", ")]), Some(Tone::Warn))
        }
        Said::WrongPlace => (t.wrong_place.to_owned(), Some(Tone::Warn)),
        Said::Complete => (t.code_complete.to_owned(), Some(Tone::Ok)),
        Said::Link => (t.link_complete.to_owned(), Some(Tone::Ok)),
    };
    match tone {
        Some(tone) => {
            icon_text(ui, tone.mark(), tone.colors(&theme).0, Type::BODY, theme.ink, &line);
        }
        None => {
            text(ui, Type::BODY, theme.ink2, &line);
        }
    }
    announce(ui, &line, false);
}

fn what_then(ui: &mut Ui, s: &Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    heading(ui, Type::SECTION, t.what_then);
    gap(ui, 20.0);
    let steps: [(Icon, &str, &str); 3] = [
        (icons::COUCH, t.then_wait, t.then_wait_text),
        (icons::DOOR, t.then_in, t.then_in_text),
        (icons::EAR, t.then_compare, t.then_compare_text),
    ];
    columns(ui, &[1.0, 1.0, 1.0], 24.0, 180.0, |ui, index| {
        let (mark, head, sentence) = steps[index];
        let (rect, _) = ui.allocate_exact_size(vec2(48.0, 48.0), egui::Sense::hover());
        ui.painter().circle_filled(rect.center(), 24.0, theme.accent_soft);
        icon(ui, rect.center(), mark, 24.0, theme.accent);
        gap(ui, 14.0);
        text(ui, Type::BUTTON, theme.ink, head);
        gap(ui, 2.0);
        text(ui, Type::SECOND, theme.ink2, sentence);
    });
}
