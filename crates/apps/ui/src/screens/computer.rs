//! This computer: another passphrase, the way to another computer, and nothing left here.

use egui::Ui;
use sotto_session_api::{Command, Event, SecretText};
use zeroize::Zeroizing;

use super::{first_start, settings, standing};
use crate::{
    fonts::Type,
    icons,
    interface::{Place, Screen, secret_text},
    model::{Request, Secret},
    widgets::{
        Button, Field, Tone, at, card, checkbox, flow, forget_text, gap, heading, icon_text, notice, page, region,
        text, title, word_tiles,
    },
};

/// What is filled in and under way here.
pub(crate) struct Computer {
    old: Zeroizing<String>,
    new: Zeroizing<String>,
    again: Zeroizing<String>,
    shown: bool,
    tried: bool,
    fresh: bool,
    busy: bool,
    /// The words of the file that was written last.
    words: Option<SecretText>,
    erase_asked: bool,
}

impl Default for Computer {
    fn default() -> Self {
        Self {
            old: secret_text(),
            new: secret_text(),
            again: secret_text(),
            shown: false,
            tried: false,
            fresh: true,
            busy: false,
            words: None,
            erase_asked: false,
        }
    }
}

impl Computer {
    /// What an event means here.
    pub(crate) fn handle(&mut self, event: &Event) {
        match event {
            Event::PassphraseChanged | Event::Keyring { .. } => *self = Self::default(),
            Event::Exported { words } => {
                self.busy = false;
                self.words = Some(words.clone());
            }
            Event::Refused { .. } => self.busy = false,
            _ => {}
        }
    }

    /// The app has been told where the file goes.
    pub(crate) const fn writing(&mut self) {
        self.busy = true;
    }

    /// Words are on screen that are told only once.
    pub(crate) const fn shows_words(&self) -> bool {
        self.words.is_some()
    }
}

/// The way to these pages, on the page of settings.
pub(crate) fn links(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    flow(ui, 16.0, |ui| {
        if Button::secondary(t.change_passphrase).icon(icons::KEY).height(44.0).show(ui).clicked() {
            s.state.computer = Computer::default();
            s.go(Place::Passphrase);
        }
        if Button::secondary(t.keyring).icon(icons::LOCK_SIMPLE).height(44.0).show(ui).clicked() {
            s.state.computer = Computer::default();
            s.go(Place::Keyring);
        }
        if s.model.abilities.files
            && Button::secondary(t.move_computer).icon(icons::MONITOR_ARROW_UP).height(44.0).show(ui).clicked()
        {
            s.state.computer = Computer::default();
            s.go(Place::Move);
        }
    });
}

fn back(ui: &mut Ui, s: &mut Screen<'_>) {
    let clicked = Button::plain(s.t.back).icon(icons::ARROW_LEFT).height(44.0).show(ui).clicked();
    if clicked || ui.input(|input| input.key_pressed(egui::Key::Escape)) {
        s.state.computer = Computer::default();
        s.go(Place::Settings);
    }
    gap(ui, 4.0);
}

pub(crate) fn passphrase(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let rest = settings::frame(ui, s);
    at(ui, rest, "passphrase", |ui| {
        page(ui, "passphrase", 568.0, 16.0, |ui| {
            region(ui.ctx(), 2);
            back(ui, s);
            standing::show(ui, s);
            title(ui, Type::TITLE, t.change_title);
            gap(ui, 8.0);
            text(ui, Type::LEAD, s.theme.ink2, t.change_lead);
            gap(ui, 24.0);
            let page = &mut s.state.computer;
            let hidden = !page.shown;
            let focus = std::mem::take(&mut page.fresh);
            let field = Field::new(t.passphrase_present).password(hidden).limit(512).focus(focus);
            let first = field.show(ui, &mut page.old);
            gap(ui, 20.0);
            let (second, third) =
                new_passphrase(ui, t, t.passphrase_new, &mut page.new, &mut page.again, hidden, page.tried);
            let enter = [&first, &second, &third].into_iter().any(|field| first_start::entered(ui, field));
            gap(ui, 8.0);
            checkbox(ui, t.show_passphrase, "", &mut page.shown);
            gap(ui, 20.0);
            let label = if page.busy { t.change_busy } else { t.change_go };
            let button = Button::primary(label).height(52.0).min_width(220.0).enabled(!page.busy);
            if (button.show(ui).clicked() || enter) && !page.busy {
                page.tried = true;
                if !page.old.is_empty() && is_good(&page.new, &page.again) {
                    for field in [&first, &second, &third] {
                        forget_text(ui.ctx(), field.id);
                    }
                    let take = |text: &mut Zeroizing<String>| Secret::new(std::mem::replace(text, secret_text()));
                    let (old, new) = (take(&mut page.old), take(&mut page.new));
                    page.again = secret_text();
                    (page.busy, page.tried, page.fresh) = (true, false, true);
                    s.memory.standing.clear();
                    s.send(Command::ChangePassphrase { old, new });
                }
            }
        });
    });
}

/// The second key: what it is good for, what it costs, and the passphrase.
pub(crate) fn keyring(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let rest = settings::frame(ui, s);
    at(ui, rest, "keyring", |ui| {
        page(ui, "keyring", 568.0, 16.0, |ui| {
            region(ui.ctx(), 2);
            back(ui, s);
            standing::show(ui, s);
            title(ui, Type::TITLE, t.keyring_title);
            gap(ui, 8.0);
            let is_on = s.memory.keyring;
            text(ui, Type::LEAD, theme.ink2, if is_on { t.keyring_on_lead } else { t.keyring_lead });
            gap(ui, 20.0);
            if is_on {
                icon_text(ui, icons::INFO_FILL, theme.info, Type::BODY, theme.ink2, t.keyring_off_means);
            } else {
                notice(ui, Tone::Warn, icons::WARNING_FILL, t.keyring_lost, t.keyring_lost_text, None);
            }
            gap(ui, 20.0);
            let page = &mut s.state.computer;
            let hidden = !page.shown;
            let focus = std::mem::take(&mut page.fresh);
            let field = Field::new(t.passphrase_present).password(hidden).limit(512).focus(focus);
            let field = field.show(ui, &mut page.old);
            let enter = first_start::entered(ui, &field);
            gap(ui, 8.0);
            checkbox(ui, t.show_passphrase, "", &mut page.shown);
            gap(ui, 20.0);
            let label = match (page.busy, is_on) {
                (true, _) => t.change_busy,
                (false, true) => t.keyring_off,
                (false, false) => t.keyring_on,
            };
            let button = Button::primary(label).height(52.0).min_width(220.0).enabled(!page.busy);
            if (button.show(ui).clicked() || enter) && !page.busy {
                // Empty, the field is asked for again.
                page.fresh = true;
                if !page.old.is_empty() {
                    forget_text(ui.ctx(), field.id);
                    let passphrase = Secret::new(std::mem::replace(&mut page.old, secret_text()));
                    page.busy = true;
                    s.memory.standing.clear();
                    s.send(Command::UseKeyring { passphrase, on: !is_on });
                }
            }
        });
    });
}

/// Long enough, and twice the same.
pub(crate) fn is_good(new: &str, again: &str) -> bool {
    new.chars().count() >= first_start::SHORTEST && new == again
}

/// The two fields of a new passphrase.
pub(crate) fn new_passphrase(
    ui: &mut Ui,
    t: &'static crate::texts::Texts,
    name: &str,
    new: &mut String,
    again: &mut String,
    hidden: bool,
    tried: bool,
) -> (egui::Response, egui::Response) {
    let says_short = new.chars().count() < first_start::SHORTEST && tried;
    let below = if says_short { t.passphrase_short } else { t.passphrase_help };
    let field = Field::new(name).password(hidden).limit(512).below(below, says_short);
    let first = field.show(ui, new);
    gap(ui, 20.0);
    let says_differs = new != again && (tried || !again.is_empty());
    let field = Field::new(t.passphrase_again).password(hidden).limit(512);
    let field = if says_differs { field.below(t.passphrase_differs, tried) } else { field };
    (first, field.show(ui, again))
}

pub(crate) fn moving(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    let rest = settings::frame(ui, s);
    at(ui, rest, "move", |ui| {
        page(ui, "move", 720.0, 16.0, |ui| {
            region(ui.ctx(), 2);
            back(ui, s);
            standing::show(ui, s);
            title(ui, Type::TITLE, t.move_title);
            gap(ui, 8.0);
            text(ui, Type::LEAD, theme.ink2, t.move_lead);
            gap(ui, 24.0);
            let words = s.state.computer.words.clone();
            if let Some(words) = words {
                written(ui, s, &words);
            } else {
                for (number, step) in (1..).zip([t.move_step_file, t.move_step_words, t.move_step_there]) {
                    text(ui, Type::BODY, theme.ink, &format!("{number}. {step}"));
                    gap(ui, 8.0);
                }
                gap(ui, 8.0);
                icon_text(ui, icons::INFO_FILL, theme.info, Type::BODY, theme.ink2, t.move_compare);
                gap(ui, 24.0);
                let busy = s.state.computer.busy;
                let label = if busy { t.move_busy } else { t.move_go };
                if Button::primary(label).height(52.0).min_width(220.0).enabled(!busy).show(ui).clicked() {
                    s.memory.standing.clear();
                    s.requests.push(Request::ExportProfile);
                }
            }
            gap(ui, 32.0);
            erase(ui, s);
        });
    });
}

/// The file is written: its words, and what comes next.
fn written(ui: &mut Ui, s: &mut Screen<'_>, words: &SecretText) {
    let (t, theme) = (s.t, s.theme);
    card(ui, 24, 0.0, |ui| {
        heading(ui, Type::SECTION, t.move_words_title);
        gap(ui, 4.0);
        text(ui, Type::BODY, theme.ink2, t.move_words_text);
        gap(ui, 16.0);
        let numbered: Vec<String> =
            words.expose().split(' ').zip(1..).map(|(word, number)| format!("{number}  {word}")).collect();
        let tiles: Vec<&str> = numbered.iter().map(String::as_str).collect();
        word_tiles(ui, Type::HEADING.sized(19.0), 52.0, 10.0, t.move_words_title, &tiles);
    });
    gap(ui, 16.0);
    notice(ui, Tone::Info, icons::MONITOR, t.move_next, t.move_next_text, None);
}

fn erase(ui: &mut Ui, s: &mut Screen<'_>) {
    let (t, theme) = (s.t, s.theme);
    if !s.state.computer.erase_asked {
        heading(ui, Type::SECTION, t.erase_title);
        gap(ui, 4.0);
        text(ui, Type::BODY, theme.ink2, t.erase_text);
        gap(ui, 12.0);
        if Button::text(t.erase).icon(icons::TRASH).height(44.0).show(ui).clicked() {
            s.state.computer.erase_asked = true;
        }
        return;
    }
    card(ui, 24, 0.0, |ui| {
        heading(ui, Type::SECTION, t.erase_asked);
        gap(ui, 4.0);
        text(ui, Type::BODY, theme.ink2, t.erase_asked_text);
        gap(ui, 16.0);
        flow(ui, 16.0, |ui| {
            if Button::danger(t.erase_yes).show(ui).clicked() {
                s.send(Command::Erase);
            }
            if Button::secondary(t.keep).show(ui).clicked() {
                s.state.computer.erase_asked = false;
            }
        });
    });
}
