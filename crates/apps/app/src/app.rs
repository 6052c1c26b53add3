//! The window: brings the engine, the devices and the interface together.

use std::{
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use egui::{Context, UserAttentionType, ViewportCommand};
use sotto_session::{Config, KeyringError, Moved, StartError};
use sotto_session_api::{
    CameraChoice, Command, Event, MediaDirection, MediaTrack, MicrophoneChoice, Phase, ProfileRole, Severity,
    SideNotice, Snapshot, SpeakerChoice, VideoSlot,
};
use sotto_ui::{
    Abilities, DeviceKind, Devices, Interface, Model, Preferences, Profile, Request, Secret,
    texts::{Texts, fill},
};

use crate::{
    arguments::{Arguments, ThemeChoice},
    clipboard::OnClipboard,
    clock::Clocks,
    devices::{self, Meter, Preview},
    engine::{Engine, Launcher, OWN_PICTURE_LATE, Opening},
    files::{Came, Work},
    preferences,
    scanner::Scanner,
    video::{self, Picture, Which},
    view::View,
};

/// The engine says goodbye to the other side within this; then the window closes anyway.
const GOODBYE: Duration = Duration::from_secs(8);

/// Where the profile is.
enum Stage {
    /// Nobody has unlocked it, or there is none yet.
    Closed,
    /// The passphrase is being tried.
    Opening(Opening),
    /// The engine runs.
    Open(Box<Engine>),
}

/// What happens when the engine has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Lock,
    Erase,
    Close,
}

/// The window.
pub struct App {
    arguments: Arguments,
    launcher: Launcher,
    interface: Interface,
    stage: Stage,
    /// The engine was asked to stop, at the latest then, and what follows.
    stopping: Option<(Then, Instant)>,
    clocks: Clocks,
    /// The own picture outside a session.
    mirror: Picture,
    mirror_slot: VideoSlot,
    preview: Option<Preview>,
    /// Reads the other screen while two people compare in one room.
    scanner: Option<Scanner>,
    meter: Option<Meter>,
    devices: Devices,
    found: Option<mpsc::Receiver<[Vec<String>; 3]>>,
    faults: (mpsc::Sender<&'static str>, mpsc::Receiver<&'static str>),
    on_clipboard: Option<OnClipboard>,
    /// A picture that is being read, or a card that is being stored.
    file: Option<Work>,
    /// The engine was asked for the record, to store it.
    wants_record: bool,
    frozen_since: Option<Instant>,
    was_in_session: bool,
    figures_due: Instant,
}

/// A running session's figures are asked for this often: for "can anyone listen?" and the connection in words.
const FIGURES_EVERY: Duration = Duration::from_secs(2);

impl App {
    /// Makes the shader, the fonts and the interface ready.
    pub fn new(creation: &eframe::CreationContext<'_>, arguments: Arguments, launcher: Launcher) -> Self {
        if let Some(state) = &creation.wgpu_render_state {
            video::install(state);
        }
        sotto_ui::install(&creation.egui_ctx);
        let mut interface = Interface::new(preferences_of(&arguments));
        if let Some(server) = &arguments.rendezvous {
            interface.offer_server(server);
        }
        let mirror_slot = VideoSlot::default();
        let context = creation.egui_ctx.clone();
        mirror_slot.on_new(move || context.request_repaint_after(OWN_PICTURE_LATE));
        let found = Some(devices::find(&creation.egui_ctx));
        Self {
            launcher,
            interface,
            stage: Stage::Closed,
            stopping: None,
            clocks: Clocks::start(),
            mirror: Picture::new(Which::Own, mirror_slot.clone()),
            mirror_slot,
            preview: None,
            scanner: None,
            meter: None,
            devices: Devices::default(),
            found,
            faults: mpsc::channel(),
            on_clipboard: None,
            file: None,
            wants_record: false,
            frozen_since: None,
            was_in_session: false,
            figures_due: Instant::now(),
            arguments,
        }
    }

    fn profile(&self) -> Profile {
        match &self.stage {
            Stage::Open(_) => Profile::Open,
            Stage::Opening(_) => Profile::Opening,
            Stage::Closed if sotto_session::profile_exists(&self.arguments.profile) => Profile::Locked,
            Stage::Closed => Profile::Absent,
        }
    }

    fn open_profile(
        &mut self,
        role: ProfileRole,
        passphrase: &Secret,
        server: Option<String>,
        moved: Option<Moved>,
        context: &Context,
    ) {
        let arguments = &self.arguments;
        let mut config = Config::new(arguments.profile.clone(), role, passphrase.clone());
        config.any_role = true;
        config.moved = moved;
        config.rendezvous = server.or_else(|| arguments.rendezvous.clone());
        config.ca_file.clone_from(&arguments.ca);
        config.relay_only = arguments.relay_only;
        config.camera = arguments.camera.clone();
        config.microphone = arguments.microphone.clone();
        config.speaker = arguments.speaker.clone();
        config.video_size = arguments.video_size;
        self.stage = Stage::Opening(Opening::begin(&self.launcher, config, context));
    }

    /// What came from elsewhere since the last frame.
    fn advance(&mut self, context: &Context, frame: &eframe::Frame) {
        if let Stage::Opening(opening) = &self.stage
            && let Some(result) = opening.poll(context)
        {
            self.stage = match result {
                Ok(engine) => Stage::Open(Box::new(engine)),
                Err(error) => {
                    self.interface.profile_failed(code_of(&error));
                    Stage::Closed
                }
            };
            if matches!(self.stage, Stage::Open(_)) {
                self.store_preferences();
            }
        }
        if let Some(found) = self.found.as_ref().and_then(|found| found.try_recv().ok()) {
            self.found = None;
            self.take_lists(found);
        }
        if self.on_clipboard.as_ref().is_some_and(|secret| secret.left().is_zero()) {
            self.on_clipboard = None;
        }
        self.take_files(context);
        self.devices.level_db = self.meter.as_ref().and_then(Meter::db);
        let mut is_new = self.mirror.refresh();

        let clock = self.clocks.now();
        let mut events: Vec<Event> = self.faults.1.try_iter().map(notice).collect();
        if let Stage::Open(engine) = &mut self.stage {
            events.extend(engine.events());
            is_new |= engine.own.refresh();
            engine.peer.refresh();
        }
        if is_new {
            self.scan();
        }
        let mut has_stopped = false;
        for event in &events {
            self.interface.handle(event, clock);
            match event {
                Event::Media {
                    track: MediaTrack::Camera,
                    direction: MediaDirection::In,
                    first_ms: Some(first_picture_ms),
                    ..
                } => {
                    tracing::info!(first_picture_ms, "the other side's picture is here");
                }
                // The camera is the session's now: two can't hold it.
                Event::Admitted(_) => self.preview = None,
                Event::PeerWaiting { .. } | Event::Waiting(_) => attract(context),
                Event::Log(record) if std::mem::take(&mut self.wants_record) => {
                    self.file = Some(Work::store_record(context, record.clone()));
                }
                Event::Stopped => has_stopped = true,
                _ => {}
            }
        }
        self.follow_session(context, frame);
        if has_stopped || self.stopping.is_some_and(|(_, until)| Instant::now() >= until) {
            self.engine_stopped(context, frame);
        }
    }

    /// Shows the newest own picture to the scanner, and what it read to the interface.
    fn scan(&mut self) {
        let (Some(scanner), Stage::Open(engine)) = (&mut self.scanner, &self.stage) else { return };
        let own = if self.preview.is_some() { &self.mirror } else { &engine.own };
        if let Some(picture) = own.latest() {
            scanner.look(picture);
        }
        if let Some(code) = scanner.poll() {
            self.interface.offer_scan(&code);
        }
    }

    /// The camera that the session has not opened, so that nothing of this is sent; else the session's own pictures.
    fn begin_scan(&mut self, context: &Context) {
        let Stage::Open(engine) = &self.stage else { return };
        let sends_picture = engine.own.latest().is_some();
        self.scanner = Some(Scanner::start(context));
        if !sends_picture {
            self.carry_out(Request::Preview(true), context);
        }
    }

    fn end_scan(&mut self) {
        if self.scanner.take().is_some() {
            self.preview = None;
            self.mirror.clear();
        }
    }

    /// A file that was dropped onto the window, and what came of files.
    fn take_files(&mut self, context: &Context) {
        let dropped = context.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).next());
        if let Some(file) = dropped {
            // Before there is a profile the only file with a meaning is the practice's policy, after it a code.
            self.file = match &self.stage {
                Stage::Open(_) => Some(Work::read_picture(context, file)),
                Stage::Closed => Some(Work::read_policy(context, file)),
                Stage::Opening(_) => None,
            };
        }
        let Some(came) = self.file.as_ref().and_then(Work::poll) else { return };
        self.file = None;
        let (texts, clock) = (Texts::of(self.interface.preferences().language), self.clocks.now());
        match came {
            Came::Code(code) => self.interface.offer_picture(Some(&code), clock),
            Came::NoCode => self.interface.offer_picture(None, clock),
            Came::Policy(policy) => {
                self.interface.offer_server(&policy.server);
                self.interface.say(texts.policy_taken, clock);
            }
            Came::NoPolicy => self.interface.say(texts.policy_wrong, clock),
            Came::MoveFile(file) => self.interface.offer_move_file(file),
            Came::Place(file) => {
                if let Stage::Open(engine) = &self.stage {
                    engine.send(Command::Export(file));
                    self.interface.writing_move_file();
                }
            }
            Came::Stored => self.interface.say(texts.card_stored, clock),
            Came::NoDialog => self.interface.say(texts.no_dialog, clock),
            Came::Record { first_changed: None } => self.interface.say(texts.record_stored, clock),
            Came::Record { first_changed: Some(line) } => {
                self.interface.say(&fill(texts.record_changed, &[&line.to_string()]), clock);
            }
            Came::NoRecord => self.interface.say(texts.record_not_stored, clock),
            Came::NotStored => self.interface.say(texts.card_not_stored, clock),
            Came::Nothing => {}
        }
    }

    /// What changes with the session's beginning and end.
    fn follow_session(&mut self, context: &Context, frame: &eframe::Frame) {
        let Stage::Open(engine) = &self.stage else { return };
        let snapshot = engine.snapshot();
        if !matches!(snapshot.phase, Phase::Comparing) {
            self.end_scan();
        }
        let Stage::Open(engine) = &mut self.stage else { return };
        let is_in_session = in_session(snapshot.phase);
        if is_in_session {
            if self.scanner.is_none() {
                self.preview = None;
            }
            if snapshot.camera_muted {
                engine.own.clear();
            }
            if matches!(snapshot.phase, Phase::Open) {
                let now = Instant::now();
                if now >= self.figures_due {
                    self.figures_due = now + FIGURES_EVERY;
                    engine.send(Command::Stats);
                    context.request_repaint_after(FIGURES_EVERY);
                }
            }
        } else if self.was_in_session {
            engine.own.clear();
            engine.peer.clear();
            engine.shown(false, false);
            self.frozen_since = None;
            if let Some(state) = frame.wgpu_render_state() {
                video::release(state);
            }
        }
        self.was_in_session = is_in_session;
    }

    fn take_lists(&mut self, found: [Vec<String>; 3]) {
        let Arguments { camera, microphone, speaker, .. } = &self.arguments;
        let is_device = [
            matches!(camera, CameraChoice::Device(_)),
            matches!(microphone, MicrophoneChoice::Device(_)),
            matches!(speaker, SpeakerChoice::Device(_)),
        ];
        let chosen = DeviceKind::ALL.map(|kind| devices::chosen_name(kind, camera, microphone, speaker));
        self.devices = devices::lists(found, chosen, is_device);
    }

    /// Destroys the profile; what was set in the window goes with it.
    fn erase(&mut self, context: &Context) {
        let Stage::Open(engine) = &self.stage else { return };
        self.scanner = None;
        (self.preview, self.meter, self.on_clipboard) = (None, None, None);
        engine.send(Command::Erase);
        self.stopping = Some((Then::Erase, Instant::now() + GOODBYE));
        context.request_repaint_after(GOODBYE);
    }

    fn stop_engine(&mut self, then: Then, context: &Context) {
        self.scanner = None;
        (self.preview, self.meter, self.on_clipboard) = (None, None, None);
        if then == Then::Close {
            context.send_viewport_cmd(ViewportCommand::Visible(false));
            // A window out of sight is woken by nobody but us; whatever holds it up, nothing stays behind.
            thread::spawn(|| {
                thread::sleep(GOODBYE + Duration::from_secs(4));
                tracing::error!("the window did not close by itself");
                std::process::exit(0);
            });
        }
        match &self.stage {
            Stage::Open(engine) => {
                engine.send(Command::Quit);
                self.stopping = Some((then, Instant::now() + GOODBYE));
                context.request_repaint_after(GOODBYE);
            }
            // An engine on its way is ended by the thread that opens it.
            Stage::Opening(_) | Stage::Closed if then == Then::Close => {
                context.send_viewport_cmd(ViewportCommand::Close);
            }
            Stage::Opening(_) | Stage::Closed => self.stage = Stage::Closed,
        }
    }

    fn engine_stopped(&mut self, context: &Context, frame: &eframe::Frame) {
        let then = self.stopping.take().map_or(Then::Lock, |(then, _)| then);
        self.stage = Stage::Closed;
        self.was_in_session = false;
        self.interface.profile_closed(context);
        if let Some(state) = frame.wgpu_render_state() {
            video::release(state);
        }
        match then {
            Then::Lock => {}
            Then::Erase => preferences::remove(&self.arguments.profile),
            Then::Close => context.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    fn carry_out(&mut self, request: Request, context: &Context) {
        match request {
            Request::Session(Command::Quit) | Request::Close | Request::QuickExit => {
                self.stop_engine(Then::Close, context);
            }
            // The window stays, and is that of a first start.
            Request::Session(Command::Erase) => self.erase(context),
            Request::Session(command) => {
                if let Stage::Open(engine) = &self.stage {
                    engine.send(command);
                }
            }
            Request::CreateProfile { role, passphrase, server, moved } => {
                let server = Some(server).filter(|server| !server.trim().is_empty()).map(|url| url.trim().to_owned());
                let moved = moved.map(|(file, words)| Moved { file, words });
                self.open_profile(role, &passphrase, server, moved, context);
            }
            // The role is the vault's; this one is for a vault that does not exist.
            Request::Unlock(passphrase) => self.open_profile(ProfileRole::Client, &passphrase, None, None, context),
            Request::Lock => self.stop_engine(Then::Lock, context),
            Request::Preferences(_) => self.store_preferences(),
            Request::CopySecret(secret) => match OnClipboard::put(secret) {
                Ok(secret) => {
                    context.request_repaint_after(secret.left());
                    self.on_clipboard = Some(secret);
                }
                Err(error) => tracing::warn!(%error, "nothing was copied"),
            },
            Request::Preview(on) => {
                self.preview = None;
                self.mirror.clear();
                if on {
                    self.preview = Some(Preview::start(
                        self.arguments.camera.clone(),
                        self.arguments.video_size,
                        self.mirror_slot.clone(),
                        self.faults.0.clone(),
                        context,
                    ));
                }
            }
            Request::Meter(on) => {
                self.meter =
                    on.then(|| Meter::start(self.arguments.microphone.clone(), self.faults.0.clone(), context));
            }
            Request::PlayTone => {
                devices::play_tone(self.arguments.speaker.clone(), self.faults.0.clone(), context);
            }
            Request::FindDevices => self.found = Some(devices::find(context)),
            Request::UseDevice { kind, id } => self.use_device(kind, id, context),
            Request::Scan(true) => self.begin_scan(context),
            Request::Scan(false) => self.end_scan(),
            Request::OpenPicture => self.file = Some(Work::choose_picture(context)),
            Request::OpenPolicy => self.file = Some(Work::choose_policy(context)),
            Request::SaveRecord => {
                if let Stage::Open(engine) = &self.stage {
                    engine.send(Command::Log);
                    self.wants_record = true;
                }
            }
            Request::ExportProfile => {
                self.file = Some(Work::choose_place(context));
            }
            Request::OpenMoveFile => self.file = Some(Work::choose_move_file(context)),
            Request::SaveCard(card) => self.file = Some(Work::store_card(context, card)),
        }
    }

    fn use_device(&mut self, kind: DeviceKind, id: String, context: &Context) {
        match kind {
            DeviceKind::Camera => {
                self.arguments.camera = CameraChoice::Device(Some(id.clone()));
                self.devices.cameras.chosen = Some(id);
                if self.preview.is_some() {
                    self.carry_out(Request::Preview(true), context);
                }
            }
            DeviceKind::Microphone => {
                self.arguments.microphone = MicrophoneChoice::Device(Some(id.clone()));
                self.devices.microphones.chosen = Some(id);
                if self.meter.is_some() {
                    self.carry_out(Request::Meter(true), context);
                }
            }
            DeviceKind::Speaker => {
                self.arguments.speaker = SpeakerChoice::Device(Some(id.clone()));
                self.devices.speakers.chosen = Some(id);
            }
        }
        if let Stage::Open(engine) = &self.stage {
            let Arguments { camera, microphone, speaker, .. } = &self.arguments;
            match kind {
                DeviceKind::Camera => engine.use_camera(camera.clone()),
                DeviceKind::Microphone => engine.use_microphone(microphone.clone()),
                DeviceKind::Speaker => engine.use_speaker(speaker.clone()),
            }
        }
    }

    fn store_preferences(&self) {
        if let Err(error) = preferences::store(&self.arguments.profile, &self.interface.preferences()) {
            tracing::warn!(%error, "the settings could not be stored");
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, context: &Context, frame: &mut eframe::Frame) {
        if context.input(|input| input.viewport().close_requested())
            && let Stage::Open(_) = self.stage
            && self.stopping.is_none()
        {
            // First the session ends properly, out of sight; then the window is gone.
            context.send_viewport_cmd(ViewportCommand::CancelClose);
            self.stop_engine(Then::Close, context);
        }
        self.advance(context, frame);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let context = ui.ctx().clone();
        let nothing = Arc::new(Snapshot::default());
        let profile = self.profile();
        let (snapshot, own, peer) = match &self.stage {
            Stage::Open(engine) => {
                let snapshot = engine.snapshot();
                let is_mirror = !in_session(snapshot.phase) || self.preview.is_some();
                let own = if is_mirror { &self.mirror } else { &engine.own };
                (snapshot, own, Some(&engine.peer))
            }
            _ => (nothing, &self.mirror, None),
        };
        let mut view = View {
            own: Some(own),
            peer,
            frozen_since: &mut self.frozen_since,
            reduced_motion: self.interface.preferences().reduced_motion,
            is_own_shown: false,
            is_peer_shown: false,
        };
        let model = Model {
            profile,
            snapshot: &snapshot,
            clock: self.clocks.now(),
            devices: &self.devices,
            abilities: Abilities {
                capture_stopped: false,
                preview: !matches!(self.arguments.camera, CameraChoice::None),
                files: true,
                save_card: true,
                tone: true,
                lock: true,
            },
        };
        let before = self.interface.screen();
        let requests = self.interface.show(ui, &model, &mut view);
        let screen = self.interface.screen();
        if screen != before {
            tracing::info!(screen, "shown");
        }
        let shown = (view.is_own_shown, view.is_peer_shown);
        if let Stage::Open(engine) = &self.stage {
            engine.shown(shown.0, shown.1);
        }
        for request in requests {
            self.carry_out(request, &context);
        }
    }

    fn on_exit(&mut self) {
        // Whatever is still open is let go of here, and the engine says goodbye.
        self.scanner = None;
        (self.preview, self.meter, self.on_clipboard) = (None, None, None);
        self.stage = Stage::Closed;
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}

/// Devices and pictures are the engine's in these.
const fn in_session(phase: Phase) -> bool {
    matches!(phase, Phase::Connecting | Phase::Comparing | Phase::Open | Phase::Ending)
}

/// Asks for attention without a word, as the system does it (a mark in the task bar): nobody else reads why.
fn attract(context: &Context) {
    if !context.input(|input| input.viewport().focused.unwrap_or(true)) {
        context.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Informational));
    }
}

/// A device that does not work, as the engine would tell it.
fn notice(code: &'static str) -> Event {
    Event::Notice(SideNotice::new(code, Severity::Warning))
}

const fn code_of(error: &StartError) -> &'static str {
    match error {
        StartError::VaultOpen => "E_VAULT_OPEN",
        StartError::VaultParameters => "E_VAULT_PARAM",
        StartError::Move => "E_MOVE_FILE",
        StartError::InUse => "E_IN_USE",
        StartError::Keyring(KeyringError::Missing) => "E_KEYRING_MISSING",
        StartError::Keyring(KeyringError::Unavailable) => "E_KEYRING",
        StartError::Role => "E_ROLE",
        StartError::Io(_) => "E_PROFILE_FOLDER",
        StartError::Rendezvous(_) => "rendezvous-address",
    }
}

/// What was stored before; the command line wins.
fn preferences_of(arguments: &Arguments) -> Preferences {
    let start = Preferences { language: arguments.language, ..Preferences::default() };
    let mut preferences = preferences::load(Path::new(&arguments.profile), start);
    if arguments.is_language_given {
        preferences.language = arguments.language;
    }
    if let Some(theme) = arguments.theme {
        preferences.look = Some(match theme {
            ThemeChoice::Light => sotto_ui::Look::Light,
            ThemeChoice::Dark => sotto_ui::Look::Dark,
            ThemeChoice::Contrast => sotto_ui::Look::Contrast,
        });
    }
    if let Some(zoom) = arguments.zoom {
        preferences.zoom = zoom as f32 / 100.0;
    }
    preferences
}
