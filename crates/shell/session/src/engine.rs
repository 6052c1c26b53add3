//! The loop: inputs in, outputs out, in order.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use sotto_call::{Config as RoomConfig, Input, MediaRequest, Output, Room, ServerUrl};
use sotto_identity::{Fingerprint, IdentityKey};
use sotto_session_api::{
    Command, Event, EventRecord, LinkState, Path, Phase, ProfileRole, Severity, SideNotice, Snapshot, Stats, VideoSlot,
};
use sotto_vault::Vault;
use tokio::sync::mpsc as tokio_mpsc;

use crate::{
    config::Config,
    files::Files,
    media::{Devices, Media},
    process, scrub,
    servers::Servers,
    storage::{Ask, Storage},
    transports::{PacketInlet, Transports},
};

/// Threads of the runtime that the transports run on.
pub(crate) const NETWORK_THREADS: usize = 2;
/// How often a running session looks at its round-trip time.
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// After `Quit`, a session gets this long to end properly.
const QUIT_LIMIT: Duration = Duration::from_secs(5);
/// The last records get this long to leave before the transport's task is dropped; then its keys can be overwritten
/// wherever they were.
const LINGER: Duration = Duration::from_millis(1200);

/// What the engine's loop receives. Channels carry it boxed: a slot of a channel keeps the bytes of what was in it, and
/// with them, where a variant is shorter than the longest, whatever was on the stack of the sender.
#[expect(clippy::large_enum_variant, reason = "it is boxed as a whole")]
pub(crate) enum Message {
    Input(Input),
    /// From the media threads and the vault's.
    Event(Event),
}

/// Where the engine puts what front ends look at.
pub(crate) struct Outlets {
    pub events: mpsc::SyncSender<Box<Event>>,
    pub snapshot: Arc<Mutex<Arc<Snapshot>>>,
    pub own: VideoSlot,
    pub peer: VideoSlot,
}

pub(crate) struct Engine {
    room: Room,
    servers: Servers,
    transports: Transports,
    storage: Storage,
    files: Files,
    inlet: PacketInlet,
    media: Option<Media>,
    devices: Arc<Devices>,
    outlets: Outlets,
    messages: tokio_mpsc::Sender<Box<Message>>,
    link: Option<LinkState>,
    path: Option<Path>,
    is_ending: bool,
    quitting: Option<tokio::time::Instant>,
    /// The profile is destroyed once everything else has stopped.
    is_erasing: bool,
    scrub_at: Option<tokio::time::Instant>,
}

impl Engine {
    pub(crate) fn new(
        config: Config,
        (vault, restored): (Box<Vault>, bool),
        devices: Arc<Devices>,
        outlets: Outlets,
        messages: tokio_mpsc::Sender<Box<Message>>,
    ) -> std::io::Result<Self> {
        let (inputs, mut forwarded) = tokio_mpsc::channel::<Box<Input>>(1024);
        let forward = messages.clone();
        tokio::spawn(async move {
            while let Some(input) = forwarded.recv().await {
                if forward.send(Box::new(Message::Input(*input))).await.is_err() {
                    return;
                }
            }
        });
        let profile = vault.profile();
        let identity = profile.identity.as_ref().map(IdentityKey::from_bytes);
        let own_fingerprint = identity.as_ref().map(|key| Fingerprint::of(key.public()).digits());
        let rendezvous = config.rendezvous.clone().or_else(|| profile.rendezvous.clone());
        let room = Room::new(RoomConfig {
            role: profile.role,
            identity,
            device_secret: profile.device_secret.clone(),
            contacts: profile.contacts.clone(),
            invites: profile.invites.clone(),
            rendezvous: rendezvous.map(ServerUrl),
            relay_only: config.relay_only,
            rekey_every_s: config.rekey_every_s,
        });
        let role = profile.role;
        let (has_keyring, is_rolled_back) = (vault.has_keyring(), vault.is_rolled_back());
        let inlet = PacketInlet::default();
        let mut engine = Self {
            room,
            servers: Servers::new(config.ca_file, inputs.clone()),
            transports: Transports::new(inputs, inlet.clone()),
            storage: Storage::start(vault, config.fast_kdf, messages.clone())?,
            files: Files::start(messages.clone())?,
            inlet,
            media: None,
            devices,
            outlets,
            messages,
            link: None,
            path: None,
            is_ending: false,
            quitting: None,
            is_erasing: false,
            scrub_at: None,
        };
        let fingerprint = if role == ProfileRole::Therapist { own_fingerprint } else { None };
        engine.tell(Event::Ready { role, fingerprint });
        if has_keyring {
            engine.tell(Event::Keyring { on: true });
        }
        for (holds, code) in [(restored, "vault-restored"), (is_rolled_back, "vault-rolled-back")] {
            if holds {
                engine.tell(Event::Notice(SideNotice::new(code, Severity::Warning)));
            }
        }
        Ok(engine)
    }

    pub(crate) async fn run(mut self, mut messages: tokio_mpsc::Receiver<Box<Message>>) {
        self.handle(Input::Tick);
        let mut measure = tokio::time::interval(MEASURE_EVERY);
        measure.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let now = process::now();
            let wake = Duration::from_millis(self.room.wake_at(now).saturating_sub(now.mono_ms).clamp(1, 60_000));
            let wake = if self.quitting.is_some() { wake.min(Duration::from_millis(50)) } else { wake };
            let scrub_at = self.scrub_at;
            let message = tokio::select! {
                message = messages.recv() => message.map(|message| *message),
                () = tokio::time::sleep_until(scrub_at.unwrap_or_else(tokio::time::Instant::now)), if scrub_at.is_some() => {
                    self.scrub_at = None;
                    scrub::runtime(NETWORK_THREADS).await;
                    continue;
                }
                _ = measure.tick(), if self.media.is_some() => {
                    self.measure().await;
                    continue;
                }
                () = tokio::time::sleep(wake) => Some(Message::Input(Input::Tick)),
            };
            match message {
                None => break,
                Some(Message::Event(event)) => self.tell(event),
                Some(Message::Input(Input::Command(Command::Stats))) => {
                    let stats = Box::new(self.stats().await);
                    self.tell(Event::Stats(stats));
                }
                Some(Message::Input(Input::Command(Command::Log))) => {
                    let messages = self.messages.clone();
                    self.storage.log(move |log| {
                        let record = EventRecord { rows: log.export(), first_changed: log.first_changed() };
                        let _ = messages.try_send(Box::new(Message::Event(Event::Log(Arc::new(record)))));
                    });
                }
                Some(Message::Input(Input::Command(
                    command @ (Command::ChangePassphrase { .. }
                    | Command::UseKeyring { .. }
                    | Command::Export(_)
                    | Command::Erase),
                ))) => self.vault_command(command),
                Some(Message::Input(Input::Command(Command::SendFile(path)))) => self.files.prepare(path),
                Some(Message::Input(Input::Command(Command::Quit))) => {
                    self.quitting.get_or_insert_with(|| tokio::time::Instant::now() + QUIT_LIMIT);
                    self.is_ending = true;
                    self.handle(Input::Command(Command::Quit));
                }
                Some(Message::Input(input)) => self.handle(input),
            }
            if let Some(limit) = self.quitting {
                let idle = self.room.is_idle();
                if idle || tokio::time::Instant::now() >= limit {
                    break;
                }
            }
        }
        self.media = None;
        if self.is_ending {
            tokio::time::sleep(LINGER).await;
        }
        let Self { storage, outlets, is_erasing, .. } = self;
        if is_erasing {
            storage.erase();
        }
        // Joins the vault's thread: everything asked is durable before the front end hears that we stopped.
        let _ = tokio::task::spawn_blocking(move || drop(storage)).await;
        let _ = outlets.events.try_send(Box::new(Event::Stopped));
    }

    /// What is about the vault itself. A session's own changes of the vault come first: none of it in a session.
    fn vault_command(&mut self, command: Command) {
        if self.room.snapshot(process::now()).phase != Phase::Idle {
            return self.tell(Event::refused("E_BUSY_SESSION"));
        }
        match command {
            Command::ChangePassphrase { old, new } => self.storage.ask(Ask::ChangePassphrase { old, new }),
            Command::UseKeyring { passphrase, on } => self.storage.ask(Ask::UseKeyring { passphrase, on }),
            Command::Export(path) => self.storage.ask(Ask::Export(path)),
            Command::Erase => {
                self.is_erasing = true;
                self.quitting.get_or_insert_with(|| tokio::time::Instant::now() + QUIT_LIMIT);
                self.is_ending = true;
                self.handle(Input::Command(Command::Quit));
            }
            _ => {}
        }
    }

    /// One step. It may have made, opened or moved keys, and left them on the stack: what is made after it and lives long
    /// (a channel, a task, a variant shorter than the longest) would keep them in the bytes that it does not use.
    fn handle(&mut self, input: Input) {
        self.decide(input);
        scrub::stack();
        self.carry_out();
        scrub::stack();
    }

    #[inline(never)]
    fn decide(&mut self, input: Input) {
        self.room.handle(process::now(), input, &mut process::os_rng());
    }

    #[inline(never)]
    fn carry_out(&mut self) {
        while let Some(output) = self.room.poll() {
            #[cfg(feature = "seeded-for-test")]
            crate::seeded::note(&output);
            match output {
                Output::Server(server, request) => self.servers.request(server, request),
                Output::Disconnect(server) => self.servers.disconnect(&server),
                Output::Store(ticket, change) => self.storage.store(ticket, change),
                Output::Transport(id, request) => self.transports.request(id, request),
                Output::Media(request) => self.media(request),
                Output::File(request) => self.files.request(request),
                Output::Event(event) => self.tell(event),
            }
        }
        let mut snapshot = self.room.snapshot(process::now());
        if let Some(snapshot) = Arc::get_mut(&mut snapshot) {
            snapshot.link = self.link;
            snapshot.path = self.path;
        }
        *self.outlets.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }

    fn media(&mut self, request: MediaRequest) {
        match request {
            MediaRequest::Start { sealer, opener, camera_in_g1, admitted_ms } => {
                let Some(transport) = self.transports.current() else { return };
                self.media = Some(Media::start(
                    self.devices.clone(),
                    transport,
                    (sealer, opener),
                    camera_in_g1,
                    admitted_ms,
                    (self.outlets.own.clone(), self.outlets.peer.clone()),
                    self.messages.clone(),
                    &self.inlet,
                ));
            }
            MediaRequest::Stop => {
                if let Some(media) = self.media.take() {
                    // Joining the threads waits for devices; the loop must not.
                    tokio::task::spawn_blocking(move || drop(media));
                }
            }
            other => {
                if let Some(media) = &self.media {
                    match other {
                        MediaRequest::Open => media.open(),
                        MediaRequest::Mute { track, on } => media.mute(track, on),
                        MediaRequest::Keyframe(track) => media.keyframe(track),
                        MediaRequest::AdmitEpoch(keys) => media.admit_epoch(keys),
                        MediaRequest::StartEpoch(keys) => media.start_epoch(*keys),
                        MediaRequest::Ratchet => media.ratchet(),
                        MediaRequest::Start { .. } | MediaRequest::Stop => {}
                    }
                }
            }
        }
    }

    fn tell(&mut self, event: Event) {
        match &event {
            Event::Link { state, path, .. } => {
                self.link = Some(*state);
                self.path = path.or(self.path);
            }
            Event::Ended { .. } => {
                (self.link, self.path) = (None, None);
                self.is_ending = true;
                self.scrub_at = Some(tokio::time::Instant::now() + LINGER);
            }
            _ => {}
        }
        if self.outlets.events.try_send(Box::new(event)).is_err() {
            tracing::warn!("the front end does not read its events");
        }
    }

    /// Tells the media how long a repair takes.
    async fn measure(&self) {
        if let (Some(media), Some(transport)) = (&self.media, self.transports.current())
            && let Some(rtt_ms) = transport.stats().await.rtt_ms
        {
            media.set_rtt_ms(rtt_ms as u32);
        }
    }

    async fn stats(&self) -> Stats {
        let mut stats = self.media.as_ref().map(Media::stats).unwrap_or_default();
        if let Some(transport) = self.transports.current() {
            let figures = transport.stats().await;
            stats.rtt_ms = figures.rtt_ms;
            let negotiated = self.transports.negotiated();
            stats.srtp_profile = negotiated.srtp_profile;
            stats.dtls_cipher = negotiated.dtls_cipher;
        }
        stats.path = self.path;
        (stats.cpu_s, stats.rss_kb) = process::usage();
        stats
    }
}
