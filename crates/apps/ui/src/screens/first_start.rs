//! First start: passphrase, and for a therapist the address of the practice's server.

use std::path::PathBuf;

use egui::{Key, Ui};
use sotto_session_api::{ProfileRole, sentences::sentence};
use zeroize::Zeroizing;

use super::{bar, computer, welcome};
use crate::{
    fonts::Type,
    icons,
    interface::{Screen, secret_text},
    model::{Profile, Request, Secret},
    widgets::{
        Button, Field, Tone, at, checkbox, flow, forget_text, gap, heading, icon_text, notice, page, region, text,
        title,
    },
};

pub(crate) const SHORTEST: usize = 8;

/// What is being filled in.
pub(crate) struct FirstStart {
    pub role: Option<ProfileRole>,
    moved: Option<Moved>,
    passphrase: Zeroizing<String>,
    again: Zeroizing<String>,
    server: String,
    shown: bool,
    tried: bool,
    fresh: bool,
}

/// A profile that comes from another computer.
struct Moved {
    file: Option<PathBuf>,
    words: Zeroizing<String>,
}

impl Default for FirstStart {
    fn default() -> Self {
        Self {
            role: None,
            moved: None,
            passphrase: secret_text(),
            again: secret_text(),
            server: String::new(),
            shown: false,
            tried: false,
            fresh: true,
        }
    }
}

impl FirstStart {
    pub(crate) const fn choose(&mut self, role: ProfileRole) {
        self.role = Some(role);
        self.fresh = true;
    }

    /// From another computer: the role is that of the profile which comes.
    pub(crate) fn choose_moved(&mut self) {
        self.choose(ProfileRole::Client);
        self.moved = Some(Moved { file: None, words: secret_text() });
    }

    pub(crate) fn offer_move_file(&mut self, file: PathBuf) {
        if let Some(moved) = &mut self.moved {
            moved.file = Some(file);
        }
    }

    pub(crate) fn offer_server(&mut self, address: &str) {
        address.clone_into(&mut self.server);
    }

    fn server_is_right(&self, needed: bool) -> bool {
        let server = self.server.trim();
        if server.is_empty() {
            return !needed;
        }
        let scheme = server.starts_with("wss://") || server.starts_with("ws://");
        scheme && !server.contains(char::is_whitespace) && server.len() > 8
    }
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let Some(role) = s.state.first.role else { return };
    let t = s.t;
    let therapist = role == ProfileRole::Therapist;
    let rest = if therapist {
        welcome::panel(ui, s.theme, t.welcome_display, t.welcome_lead)
    } else {
        bar::client_corners(ui, s)
    };
    let busy = s.model.profile == Profile::Opening;
    at(ui, rest, "setup", |ui| {
        let top = if rest.height() > 640.0 { 64.0 } else { 24.0 };
        page(ui, "setup", 568.0, top, |ui| {
            region(ui.ctx(), 2);
            if Button::plain(t.back).icon(icons::ARROW_LEFT).height(44.0).enabled(!busy).show(ui).clicked() {
                s.state.first = FirstStart::default();
                return;
            }
            gap(ui, 8.0);
            if s.state.first.moved.is_some() {
                title(ui, Type::TITLE, t.arrive_title);
                gap(ui, 8.0);
                text(ui, Type::LEAD, s.theme.ink2, t.arrive_lead);
                gap(ui, 24.0);
                failed(ui, s);
                fields_of_moved(ui, s, busy);
                return;
            }
            title(ui, Type::TITLE, if therapist { t.setup_title_therapist } else { t.setup_title_client });
            gap(ui, 8.0);
            text(ui, Type::LEAD, s.theme.ink2, t.setup_lead);
            gap(ui, 24.0);
            failed(ui, s);
            fields(ui, s, therapist, busy);
        });
    });
}

/// Why the profile could not be opened, if so.
pub(crate) fn failed(ui: &mut Ui, s: &Screen<'_>) {
    if let Some(code) = &s.state.profile_failed
        && s.model.profile != Profile::Opening
    {
        let sentence = sentence(code, s.language());
        notice(ui, Tone::Warn, icons::WARNING_FILL, sentence.what, sentence.what_to_do, None);
        gap(ui, 24.0);
    }
}

fn fields(ui: &mut Ui, s: &mut Screen<'_>, therapist: bool, busy: bool) {
    let t = s.t;
    let first = &mut s.state.first;
    let short = first.passphrase.chars().count() < SHORTEST;
    let differs = first.passphrase != first.again;
    let focus = std::mem::take(&mut first.fresh);
    let hidden = !first.shown;
    let says_short = short && first.tried;
    let below = if says_short { t.passphrase_short } else { t.passphrase_help };
    let field = Field::new(t.passphrase).password(hidden).limit(512).focus(focus).below(below, says_short);
    let new = field.show(ui, &mut first.passphrase);
    let mut enter = entered(ui, &new);
    gap(ui, 20.0);
    let says_differs = differs && (first.tried || !first.again.is_empty());
    let field = Field::new(t.passphrase_again).password(hidden).limit(512);
    let field = if says_differs { field.below(t.passphrase_differs, first.tried) } else { field };
    let again = field.show(ui, &mut first.again);
    enter |= entered(ui, &again);
    gap(ui, 8.0);
    checkbox(ui, t.show_passphrase, "", &mut first.shown);
    gap(ui, 16.0);
    let server_right = first.server_is_right(therapist);
    let says_server = !server_right && (first.tried || first.server.trim().len() > 6);
    let help = match (says_server, first.server.trim().is_empty(), therapist) {
        (true, true, _) => t.setup_missing_server,
        (true, false, _) => t.server_wrong,
        (false, _, true) => t.server_help_therapist,
        (false, _, false) => t.server_help_client,
    };
    let field = Field::new(t.server).hint(t.server_hint).limit(512).below(help, says_server);
    let response = field.show(ui, &mut first.server);
    enter |= entered(ui, &response);
    if therapist && s.model.abilities.files {
        gap(ui, 4.0);
        if Button::text(t.open_policy).icon(icons::FILE).height(40.0).show(ui).clicked() {
            s.requests.push(Request::OpenPolicy);
        }
    }
    gap(ui, 20.0);
    let label = if busy { t.setup_busy } else { t.setup_go };
    // Once more, after this frame's keys: the last letter and Enter may have come together.
    let first = &s.state.first;
    let is_long = first.passphrase.chars().count() >= SHORTEST;
    let ready = is_long && first.passphrase == first.again && first.server_is_right(therapist);
    let clicked =
        flow(ui, 16.0, |ui| Button::primary(label).height(52.0).min_width(220.0).enabled(!busy).show(ui).clicked());
    if (clicked || enter) && !busy {
        s.state.first.tried = true;
        if ready && let Some(role) = s.state.first.role {
            for field in [&new, &again] {
                forget_text(ui.ctx(), field.id);
            }
            let passphrase = std::mem::replace(&mut s.state.first.passphrase, secret_text());
            s.state.first.again = secret_text();
            let server = s.state.first.server.trim().to_owned();
            s.state.profile_failed = None;
            s.requests.push(Request::CreateProfile { role, passphrase: Secret::new(passphrase), server, moved: None });
        }
    }
}

/// The file, its words, and the passphrase on this computer.
fn fields_of_moved(ui: &mut Ui, s: &mut Screen<'_>, busy: bool) {
    let t = s.t;
    let first = &mut s.state.first;
    let tried = first.tried;
    let Some(moved) = &mut first.moved else { return };
    heading(ui, Type::BUTTON, t.arrive_file);
    gap(ui, 6.0);
    let name = moved.file.as_ref().and_then(|file| file.file_name()).map(|name| name.to_string_lossy().into_owned());
    if Button::secondary(t.arrive_choose).icon(icons::FILE).height(44.0).show(ui).clicked() {
        s.requests.push(Request::OpenMoveFile);
    }
    gap(ui, 6.0);
    match &name {
        Some(name) => icon_text(ui, icons::CHECK_CIRCLE_FILL, s.theme.ok, Type::SECOND, s.theme.ink, name),
        None if tried => icon_text(ui, icons::WARNING_FILL, s.theme.warn, Type::SECOND, s.theme.ink, t.arrive_no_file),
        None => text(ui, Type::SECOND, s.theme.ink2, t.arrive_file_text),
    };
    gap(ui, 20.0);
    let says_words = tried && moved.words.trim().is_empty();
    let below = if says_words { t.arrive_no_words } else { t.arrive_words_help };
    let words = Field::new(t.arrive_words).limit(512).below(below, says_words).show(ui, &mut moved.words);
    gap(ui, 20.0);
    let hidden = !first.shown;
    let (new, again) =
        computer::new_passphrase(ui, t, t.passphrase_here, &mut first.passphrase, &mut first.again, hidden, tried);
    let enter = [&words, &new, &again].into_iter().any(|field| entered(ui, field));
    gap(ui, 8.0);
    checkbox(ui, t.show_passphrase, "", &mut first.shown);
    gap(ui, 20.0);
    let label = if busy { t.arrive_busy } else { t.arrive_go };
    let clicked = Button::primary(label).height(52.0).min_width(220.0).enabled(!busy).show(ui).clicked();
    if !(clicked || enter) || busy {
        return;
    }
    first.tried = true;
    let is_good = computer::is_good(&first.passphrase, &first.again);
    let Some(Moved { file: Some(file), words: typed }) = &first.moved else { return };
    if is_good && !typed.trim().is_empty() {
        // Kept: who mistyped a word sees which.
        let moved = Some((file.clone(), Secret::new(typed.clone())));
        let passphrase = Secret::new(first.passphrase.clone());
        s.state.profile_failed = None;
        let role = ProfileRole::Client;
        s.requests.push(Request::CreateProfile { role, passphrase, server: String::new(), moved });
    }
}

/// Enter in a field.
pub(crate) fn entered(ui: &Ui, response: &egui::Response) -> bool {
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}
