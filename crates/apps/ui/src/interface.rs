//! The whole window: decides which screen is shown, and what keys do on all of them.

use std::path::PathBuf;

use egui::{Key, Modifiers, Rect, Ui, UiBuilder};
use sotto_session_api::{
    Command, ContactId, Event, FileStage, Phase, ProfileRole,
    sentences::{Language, sentence},
};
use zeroize::Zeroizing;

use crate::{
    dates::Clock,
    idle::{Idle, IdleLock},
    memory::Memory,
    model::{Model, Preferences, Profile, Request},
    screens::{self, State},
    texts::{Texts, fill},
    theme::{Look, Theme},
    video::VideoView,
    widgets,
};

/// Within this, Shift three times leaves at once.
const QUICK_EXIT_WINDOW: f64 = 1.5;
/// A toast stays as long.
const TOAST_SECONDS: f64 = 6.0;

/// Until then a start without a server is not yet a finding.
const FIRST_CONTACT_SECONDS: f64 = 4.0;

/// Where a person has gone, as far as the session leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Place {
    /// Therapist: waiting and clients. Client: start.
    #[default]
    Home,
    /// All clients.
    Clients,
    /// A new client.
    NewClient,
    /// Invite of a contact.
    Invite(ContactId),
    /// A contact.
    Contact(ContactId),
    /// Camera and sound.
    Devices,
    /// Settings.
    Settings,
    /// Another passphrase.
    Passphrase,
    /// A second key in the keyring.
    Keyring,
    /// To another computer.
    Move,
    /// Keys and help.
    Help,
    /// Can anyone listen?
    Listen,
}

/// The interface with everything it remembers.
pub struct Interface {
    preferences: Preferences,
    memory: Memory,
    state: State,
    applied: Option<(Look, bool)>,
    toast: Option<(String, f64)>,
    shifts: Vec<f64>,
    covered: bool,
    idle: IdleLock,
    screen: &'static str,
    /// [`Request::Scan`] is on.
    scans: bool,
}

/// What a screen is given.
pub(crate) struct Screen<'a> {
    pub model: &'a Model<'a>,
    pub preferences: &'a mut Preferences,
    pub memory: &'a mut Memory,
    pub state: &'a mut State,
    pub video: &'a mut dyn VideoView,
    pub requests: &'a mut Vec<Request>,
    pub toast: &'a mut Option<(String, f64)>,
    pub t: &'static Texts,
    pub theme: Theme,
}

impl Screen<'_> {
    pub(crate) fn send(&mut self, command: Command) {
        self.requests.push(Request::Session(command));
    }

    pub(crate) fn go(&mut self, place: Place) {
        self.state.place = place;
    }

    pub(crate) fn say(&mut self, message: &str) {
        *self.toast = Some((message.to_owned(), self.model.clock.mono + TOAST_SECONDS));
    }

    /// The server can't be reached, and had the time to be.
    pub(crate) fn is_offline(&self, ctx: &egui::Context) -> bool {
        let patience = self.memory.ready_since + FIRST_CONTACT_SECONDS - self.model.clock.mono;
        if !self.model.snapshot.online && patience > 0.0 {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(patience));
        }
        !self.model.snapshot.online && patience <= 0.0
    }

    pub(crate) const fn language(&self) -> Language {
        self.preferences.language
    }

    pub(crate) fn is_therapist(&self) -> bool {
        self.model.snapshot.role == Some(ProfileRole::Therapist)
    }
}

impl Interface {
    /// An interface with what a person has set before.
    #[must_use]
    pub fn new(preferences: Preferences) -> Self {
        Self {
            preferences,
            memory: Memory::default(),
            state: State::default(),
            applied: None,
            toast: None,
            shifts: Vec::new(),
            covered: false,
            idle: IdleLock::default(),
            screen: "",
            scans: false,
        }
    }

    /// Takes an event of the engine in. Call it for each, in order.
    pub fn handle(&mut self, event: &Event, clock: Clock) {
        if matches!(event, Event::PassphraseChanged) {
            self.say(Texts::of(self.preferences.language).passphrase_changed, clock);
        }
        if let Event::Keyring { on } = event
            && self.state.place == Place::Keyring
        {
            let t = Texts::of(self.preferences.language);
            self.say(if *on { t.keyring_is_on } else { t.keyring_is_off }, clock);
        }
        if let Event::File(file) = event
            && file.stage == FileStage::Offered
            && !file.own
        {
            self.say(sentence("file-not-taken", self.preferences.language).what, clock);
        }
        self.state.handle(event);
        self.memory.handle(event, clock);
    }

    /// The profile could not be opened or made: `code` of `session_api::sentences`.
    pub fn profile_failed(&mut self, code: &str) {
        self.state.profile_failed = Some(code.to_owned());
    }

    /// What a QR code holds that the camera has read off the other screen ([`Request::Scan`]).
    pub fn offer_scan(&mut self, bytes: &[u8]) {
        if self.scans {
            self.state.compare.scanned(bytes);
        }
    }

    /// What a QR code in a picture's file holds; `None` if there is none. It may be an invite. In a comparison it counts for
    /// nothing: anybody could have sent it.
    pub fn offer_picture(&mut self, code: Option<&[u8]>, clock: Clock) {
        let texts = Texts::of(self.preferences.language);
        match code.map(core::str::from_utf8) {
            _ if self.screen == "compare" => self.say(texts.scan_by_camera, clock),
            Some(Ok(text)) => self.offer_code(text),
            _ => self.say(texts.no_code_in_picture, clock),
        }
    }

    /// A code or link from a picture, a file or the command line. Nothing is sent by it.
    pub fn offer_code(&mut self, text: &str) {
        self.state.join.entry.offer(text);
        self.state.join.typing = true;
        self.state.place = Place::Home;
    }

    /// The server's address, where the window was started with one: a first start needs not be told.
    pub fn offer_server(&mut self, address: &str) {
        self.state.first.offer_server(address);
    }

    /// A file from another computer was chosen.
    pub fn offer_move_file(&mut self, file: PathBuf) {
        self.state.first.offer_move_file(file);
    }

    /// The file for another computer is being written.
    pub const fn writing_move_file(&mut self) {
        self.state.computer.writing();
    }

    /// Shows a short message.
    pub fn say(&mut self, message: &str, clock: Clock) {
        self.toast = Some((message.to_owned(), clock.mono + TOAST_SECONDS));
    }

    /// The engine is gone (Lock, Quit): forgets all that belonged to it.
    pub fn profile_closed(&mut self, ctx: &egui::Context) {
        // What egui remembers of fields: its undo histories hold all that was typed.
        ctx.data_mut(|data| data.remove_by_type::<egui::text_edit::TextEditState>());
        self.memory = Memory::default();
        self.state = State::default();
    }

    /// What is set now.
    #[must_use]
    pub const fn preferences(&self) -> Preferences {
        self.preferences
    }

    /// Name of the screen that was shown last, for tests and pictures.
    #[must_use]
    pub const fn screen(&self) -> &'static str {
        self.screen
    }

    /// Goes to a place, as the tabs and links do, for tests and pictures.
    pub const fn open(&mut self, place: Place) {
        self.state.place = place;
    }

    /// Draws the whole window and returns what is asked for.
    pub fn show(&mut self, ui: &mut Ui, model: &Model<'_>, video: &mut dyn VideoView) -> Vec<Request> {
        let before = self.preferences;
        self.apply_look(ui.ctx());
        widgets::note_input(ui.ctx());
        let mut requests: Vec<Request> = self.memory.commands.drain(..).map(Request::Session).collect();
        self.zoom_keys(ui.ctx());
        let is_client = model.snapshot.role != Some(ProfileRole::Therapist);
        if is_client && self.preferences.quick_exit && self.shift_three_times(ui.ctx(), model.clock) {
            self.state.leave_now = true;
        }

        if self.lock_is_due(ui.ctx(), model) {
            requests.push(Request::Lock);
        }

        let area = ui.ctx().content_rect();
        let theme = Theme::current(ui.ctx());
        ui.set_clip_rect(area);
        ui.painter().rect_filled(area, 0.0, theme.canvas);
        let mut window = ui.new_child(UiBuilder::new().id_salt("window").max_rect(area));
        window.set_clip_rect(area);
        self.memory.remember_keys(model.snapshot);
        if !self.covered {
            let mut screen = Screen {
                model,
                preferences: &mut self.preferences,
                memory: &mut self.memory,
                state: &mut self.state,
                video,
                requests: &mut requests,
                toast: &mut self.toast,
                t: Texts::of(before.language),
                theme,
            };
            let focused_before = window.ctx().memory(|memory| memory.focused());
            let name = show_screen(&mut window, &mut screen);
            if name != self.screen {
                self.screen = name;
                // The keyboard leaves what is gone, not what the new screen has chosen.
                window.ctx().memory_mut(|memory| {
                    if let Some(focused) = memory.focused().filter(|focused| Some(*focused) == focused_before) {
                        memory.surrender_focus(focused);
                    }
                });
                window.ctx().request_repaint();
            }
            self.show_toast(&window, area, model.clock);
            cycle_regions(window.ctx());
        }
        let scans = !self.covered && self.screen == "compare" && self.state.compare.reads();
        if std::mem::replace(&mut self.scans, scans) != scans {
            requests.push(Request::Scan(scans));
        }
        if std::mem::take(&mut self.state.leave_now) {
            self.covered = true;
            requests.push(Request::QuickExit);
        }
        if self.covered {
            // Nothing but the colour of paper: on top of every layer, in this very frame.
            let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Debug, egui::Id::unique("cover")));
            painter.rect_filled(area, 0.0, theme.canvas);
        }
        if self.preferences != before {
            requests.push(Request::Preferences(self.preferences));
            ui.ctx().request_repaint();
        }
        if model.profile == Profile::Open && self.state.profile_failed.is_some() {
            self.state.profile_failed = None;
        }
        requests
    }

    fn apply_look(&mut self, ctx: &egui::Context) {
        let system = match ctx.system_theme() {
            Some(egui::Theme::Dark) => Look::Dark,
            _ => Look::Light,
        };
        let wanted = (self.preferences.look.unwrap_or(system), self.preferences.reduced_motion);
        if self.applied != Some(wanted) {
            Theme::apply(wanted.0, ctx, wanted.1);
            self.applied = Some(wanted);
        }
        if (ctx.zoom_factor() - self.preferences.zoom).abs() > 0.001 {
            ctx.set_zoom_factor(self.preferences.zoom);
        }
    }

    fn zoom_keys(&mut self, ctx: &egui::Context) {
        let step = ctx.input_mut(|input| {
            let larger =
                input.consume_key(Modifiers::COMMAND, Key::Plus) || input.consume_key(Modifiers::COMMAND, Key::Equals);
            let smaller = input.consume_key(Modifiers::COMMAND, Key::Minus);
            let usual = input.consume_key(Modifiers::COMMAND, Key::Num0);
            if usual { Some(0.0) } else { (larger != smaller).then_some(if larger { 0.1 } else { -0.1 }) }
        });
        if let Some(step) = step {
            let zoom = if step == 0.0 { 1.0 } else { self.preferences.zoom + step };
            self.preferences.zoom = (zoom.clamp(1.0, 2.0) * 10.0).round() / 10.0;
        }
    }

    fn shift_three_times(&mut self, ctx: &egui::Context, clock: Clock) -> bool {
        let now = clock.mono;
        let shifts = &mut self.shifts;
        // In their order: a slow frame may hold several capitals at once, and typing is not leaving.
        ctx.input(|input| {
            for event in &input.events {
                match event {
                    egui::Event::Key { key: Key::ShiftLeft | Key::ShiftRight, pressed: true, repeat: true, .. } => {}
                    egui::Event::Key { key: Key::ShiftLeft | Key::ShiftRight, pressed: true, .. } => {
                        shifts.push(now);
                        shifts.retain(|at| now - at <= QUICK_EXIT_WINDOW);
                        if shifts.len() >= 3 {
                            return;
                        }
                    }
                    egui::Event::Key { pressed: true, .. } | egui::Event::Text(_) => shifts.clear(),
                    _ => {}
                }
            }
        });
        if self.shifts.len() >= 3 {
            self.shifts.clear();
            return true;
        }
        false
    }

    /// Counts the time without use, and says before the end that it ends.
    fn lock_is_due(&mut self, ctx: &egui::Context, model: &Model<'_>) -> bool {
        let now = model.clock.mono;
        let snapshot = model.snapshot;
        // Nobody in a session or in a waiting room is locked out of it, nor is a code lost while it is read aloud.
        let is_needed = !matches!(snapshot.phase, Phase::Idle)
            || !snapshot.waiting.is_empty()
            || matches!(self.state.place, Place::Invite(_))
            || self.state.computer.shows_words();
        if model.profile != Profile::Open || !model.abilities.lock || is_needed {
            self.idle.in_use(now);
        }
        let seconds = match self.idle.at(now, self.preferences.lock_minutes, is_used(ctx)) {
            Idle::Lock => return true,
            Idle::Quiet(seconds) => seconds,
            Idle::Soon(left) => {
                let t = Texts::of(self.preferences.language);
                // In steps of ten: it is read aloud whenever it changes.
                self.toast = Some((fill(t.locks_soon, &[&format!("{:.0}", (left / 10.0).ceil() * 10.0)]), now + 1.5));
                1.0
            }
        };
        if model.profile == Profile::Open && model.abilities.lock && !is_needed {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(seconds.max(0.05)));
        }
        false
    }

    fn show_toast(&mut self, ui: &Ui, area: Rect, clock: Clock) {
        let Some((message, until)) = &self.toast else { return };
        if clock.mono >= *until {
            self.toast = None;
            return;
        }
        // In a session above the bar: a toast hides no control.
        let bar = if self.screen == "session" { 108.0 } else { 24.0 };
        widgets::toast(ui, area.max.y - bar, message);
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64((until - clock.mono).max(0.05)));
    }
}

/// Somebody pressed, typed, moved or scrolled in this frame.
fn is_used(ctx: &egui::Context) -> bool {
    ctx.input(|input| {
        input.events.iter().any(|event| !matches!(event, egui::Event::WindowFocused(_) | egui::Event::PointerGone))
    })
}

/// The screen that the state calls for; its name.
fn show_screen(ui: &mut Ui, s: &mut Screen<'_>) -> &'static str {
    match s.model.profile {
        Profile::Absent | Profile::Opening if s.state.first.role.is_some() => {
            screens::first_start::show(ui, s);
            return "first-start";
        }
        Profile::Absent => {
            match s.state.place {
                Place::Settings => {
                    screens::settings::show(ui, s);
                    return "settings";
                }
                Place::Devices => {
                    screens::devices::show(ui, s);
                    return "devices";
                }
                _ => {}
            }
            screens::welcome::show(ui, s);
            return "welcome";
        }
        Profile::Locked | Profile::Opening => {
            screens::unlock::show(ui, s);
            return "unlock";
        }
        Profile::Open => s.state.first = screens::first_start::FirstStart::default(),
    }
    if let Some(outcome) = s.memory.outcome {
        return screens::ended::show(ui, s, &outcome);
    }
    match s.model.snapshot.phase {
        Phase::Connecting => {
            screens::admitted::show(ui, s);
            "admitted"
        }
        Phase::Comparing => {
            // After the own choice the engine asks no more, but the other side still has to hear the own words.
            let asked = s.model.snapshot.verification.clone();
            if let Some(verification) = asked.or_else(|| s.state.compare.awaited().cloned()) {
                screens::compare::show(ui, s, &verification);
                "compare"
            } else {
                screens::admitted::show(ui, s);
                "admitted"
            }
        }
        Phase::Open | Phase::Ending => {
            screens::session::show(ui, s);
            "session"
        }
        Phase::Idle | Phase::Joining | Phase::Waiting => outside(ui, s),
    }
}

fn outside(ui: &mut Ui, s: &mut Screen<'_>) -> &'static str {
    match s.state.place {
        Place::Settings => {
            screens::settings::show(ui, s);
            return "settings";
        }
        Place::Passphrase => {
            screens::computer::passphrase(ui, s);
            return "passphrase";
        }
        Place::Keyring => {
            screens::computer::keyring(ui, s);
            return "keyring";
        }
        Place::Move => {
            screens::computer::moving(ui, s);
            return "move";
        }
        Place::Help => {
            screens::help::show(ui, s);
            return "help";
        }
        Place::Devices => {
            screens::devices::show(ui, s);
            return "devices";
        }
        Place::Listen => {
            screens::listen::show(ui, s);
            return "listen";
        }
        _ => {}
    }
    if !s.is_therapist() {
        return match s.model.snapshot.phase {
            Phase::Waiting => {
                screens::waiting::show(ui, s);
                "waiting"
            }
            Phase::Joining => {
                screens::waiting::joining(ui, s);
                "joining"
            }
            _ => screens::join::show(ui, s),
        };
    }
    match s.state.place {
        Place::Clients => {
            screens::clients::show(ui, s);
            "clients"
        }
        Place::NewClient => {
            screens::new_client::show(ui, s);
            "new-client"
        }
        Place::Invite(contact) => {
            screens::invite::show(ui, s, contact);
            "invite"
        }
        Place::Contact(contact) => {
            screens::contact::show(ui, s, contact);
            "contact"
        }
        _ => {
            screens::room::show(ui, s);
            "room"
        }
    }
}

/// F6 goes to the first control of the next part of the window.
fn cycle_regions(ctx: &egui::Context) {
    let forward = ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::F6));
    let back = ctx.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::F6));
    let regions = widgets::take_regions(ctx);
    if !(forward || back) || regions.is_empty() {
        return;
    }
    let focused = ctx.memory(|memory| memory.focused());
    let mut firsts: Vec<(u8, egui::Id)> = Vec::new();
    for (region, id) in &regions {
        if !firsts.iter().any(|(known, _)| known == region) {
            firsts.push((*region, *id));
        }
    }
    let present = focused.and_then(|focused| regions.iter().find(|(_, id)| *id == focused)).map(|(region, _)| *region);
    let place = present.and_then(|present| firsts.iter().position(|(region, _)| *region == present));
    let next = match (place, forward) {
        (None, true) => 0,
        (None, false) => firsts.len() - 1,
        (Some(place), true) => (place + 1) % firsts.len(),
        (Some(place), false) => (place + firsts.len() - 1) % firsts.len(),
    };
    ctx.memory_mut(|memory| memory.request_focus(firsts[next].1));
}

/// A secret text that does not leave copies behind while it grows.
pub(crate) fn secret_text() -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(1024))
}
