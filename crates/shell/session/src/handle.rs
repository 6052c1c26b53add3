//! The handle that front ends hold.

use std::{
    io::Read,
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use sotto_call::Input;
use sotto_session_api::{
    CameraChoice, Command, Event, MediaTrack, MicrophoneChoice, ProfileRole, Snapshot, SpeakerChoice, VideoSlot,
};
use sotto_vault::{Cost, MoveWords, Vault, VaultError};
use tokio::sync::mpsc as tokio_mpsc;

use crate::{
    config::{Config, StartError},
    engine::{self, Engine, Message},
    media::Devices,
    process, scrub, servers,
};

/// Events that a front end has not read yet; beyond it the newest are dropped.
const EVENTS: usize = 4096;

/// A running engine. Dropped, it ends the session and stops.
pub struct SessionHandle {
    messages: tokio_mpsc::Sender<Box<Message>>,
    events: Option<mpsc::Receiver<Box<Event>>>,
    snapshot: Arc<Mutex<Arc<Snapshot>>>,
    devices: Arc<Devices>,
    own: VideoSlot,
    peer: VideoSlot,
    thread: Option<thread::JoinHandle<()>>,
}

/// Opens or makes the profile and starts the engine. Blocks for the key derivation, up to a second.
///
/// # Errors
/// See [`StartError`].
pub fn start(config: Config) -> Result<SessionHandle, StartError> {
    process::harden();
    let handle = open(config);
    // The thread that opens profiles may live as long as the program.
    scrub::stack();
    handle
}

#[inline(never)]
fn open(config: Config) -> Result<SessionHandle, StartError> {
    if let Some(url) = &config.rendezvous {
        servers::endpoint(url, None).map_err(StartError::Rendezvous)?;
    }
    let (mut vault, restored) = open_vault(&config)?;
    if !config.any_role && config.moved.is_none() && vault.profile().role != config.role {
        return Err(StartError::Role);
    }
    if config.rendezvous.is_some() && vault.profile().rendezvous != config.rendezvous {
        let rendezvous = config.rendezvous.clone();
        vault.update(|profile| profile.rendezvous = rendezvous).map_err(vault_error)?;
    }
    let (messages, receiver) = tokio_mpsc::channel(1024);
    let (events_in, events) = mpsc::sync_channel(EVENTS);
    let snapshot = Arc::new(Mutex::new(Arc::new(Snapshot::default())));
    let (own, peer) = (VideoSlot::default(), VideoSlot::default());
    let outlets =
        engine::Outlets { events: events_in, snapshot: snapshot.clone(), own: own.clone(), peer: peer.clone() };
    let inputs = messages.clone();
    let devices = Arc::new(Devices::new(
        config.camera.clone(),
        config.microphone.clone(),
        config.speaker.clone(),
        config.video_out.clone(),
        config.video_size,
    ));
    let used = devices.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(engine::NETWORK_THREADS)
        .thread_name("network")
        .enable_all()
        .build()
        .map_err(StartError::Io)?;
    let thread = thread::Builder::new()
        .name("engine".into())
        .spawn(move || {
            run(runtime, config, (vault, restored), used, outlets, (inputs, receiver));
            // The system keeps the stacks of ended threads for those that come.
            scrub::stack();
        })
        .map_err(StartError::Io)?;
    Ok(SessionHandle { messages, events: Some(events), snapshot, devices, own, peer, thread: Some(thread) })
}

#[inline(never)]
fn run(
    runtime: tokio::runtime::Runtime,
    config: Config,
    vault: (Box<Vault>, bool),
    devices: Arc<Devices>,
    outlets: engine::Outlets,
    (inputs, receiver): (tokio_mpsc::Sender<Box<Message>>, tokio_mpsc::Receiver<Box<Message>>),
) {
    runtime.block_on(async move {
        match Engine::new(config, vault, devices, outlets, inputs) {
            Ok(engine) => engine.run(receiver).await,
            Err(error) => tracing::error!(%error, "the engine could not start"),
        }
        scrub::runtime(engine::NETWORK_THREADS).await;
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
}

/// Whether this folder holds a profile: then its passphrase is needed, otherwise [`start`] makes one.
#[must_use]
pub fn profile_exists(folder: &Path) -> bool {
    Vault::exists(folder)
}

/// The vault, and whether it is an older generation because the last one was lost or damaged. Boxed: whoever it is handed
/// on to would keep its keys on the stack.
fn open_vault(config: &Config) -> Result<(Box<Vault>, bool), StartError> {
    let passphrase = config.passphrase.expose();
    if Vault::exists(&config.profile_dir) {
        let error = match Vault::open(&config.profile_dir, passphrase) {
            Ok(vault) => return Ok((Box::new(vault), false)),
            Err(error) => error,
        };
        let is_lost = matches!(&error, VaultError::Io(error) if error.kind() == std::io::ErrorKind::NotFound);
        if is_lost || matches!(error, VaultError::Open | VaultError::Parameters) {
            return match Vault::restore(&config.profile_dir, passphrase) {
                Ok(vault) => Ok((Box::new(vault), true)),
                Err(restoring) => Err(vault_error(if is_lost { restoring } else { error })),
            };
        }
        return Err(vault_error(error));
    }
    let cost = cost(config.fast_kdf);
    let Some(moved) = &config.moved else {
        return Vault::create(&config.profile_dir, passphrase, config.role_of_profile(), cost)
            .map(|vault| (Box::new(vault), false))
            .map_err(vault_error);
    };
    let words = MoveWords::parse(moved.words.expose()).ok_or(StartError::Move)?;
    let file = read_move_file(&moved.file).map_err(|_| StartError::Move)?;
    match Vault::import(&config.profile_dir, &file, &words, passphrase, cost) {
        Ok(vault) => Ok((Box::new(vault), false)),
        Err(VaultError::Open | VaultError::Parameters) => Err(StartError::Move),
        Err(error) => Err(vault_error(error)),
    }
}

/// What a guess at a new passphrase will cost: what this computer does in about 0.75 s (PROTOCOL §2.2), never below the
/// floor.
pub(crate) fn cost(fast: bool) -> Cost {
    if fast { Cost::Floor } else { Cost::calibrate().unwrap_or(Cost::Floor) }
}

/// The file of another computer, if it is not longer than one can be.
fn read_move_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = Vec::new();
    std::fs::File::open(path)?.take(sotto_vault::MAX_FILE_LEN as u64 + 1).read_to_end(&mut file)?;
    Ok(file)
}

fn vault_error(error: VaultError) -> StartError {
    match error {
        VaultError::Open => StartError::VaultOpen,
        VaultError::Parameters => StartError::VaultParameters,
        VaultError::InUse => StartError::InUse,
        VaultError::Keyring(error) => StartError::Keyring(error),
        VaultError::Io(error) => StartError::Io(error),
    }
}

impl SessionHandle {
    /// Asks for something. False if the engine is gone or 1024 requests wait already.
    pub fn send(&self, command: Command) -> bool {
        self.messages.try_send(Box::new(Message::Input(Input::Command(command)))).is_ok()
    }

    /// The events; they can be taken once.
    pub const fn events(&mut self) -> Option<mpsc::Receiver<Box<Event>>> {
        self.events.take()
    }

    /// The present state, as one value.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses this camera from now on, also in a running session.
    pub fn use_camera(&self, choice: CameraChoice) {
        self.devices.camera.set(choice);
    }

    /// Uses this microphone from now on, also in a running session.
    pub fn use_microphone(&self, choice: MicrophoneChoice) {
        self.devices.microphone.set(choice);
    }

    /// Uses this speaker from now on, also in a running session.
    pub fn use_speaker(&self, choice: SpeakerChoice) {
        self.devices.speaker.set(choice);
    }

    /// The latest picture of a track: the peer's, or with `own` this side's camera.
    #[must_use]
    pub fn video(&self, track: MediaTrack, own: bool) -> VideoSlot {
        match (track, own) {
            (MediaTrack::Camera, true) => self.own.clone(),
            (MediaTrack::Camera, false) => self.peer.clone(),
            _ => VideoSlot::default(),
        }
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        let _ = self.messages.try_send(Box::new(Message::Input(Input::Command(Command::Quit))));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Config {
    const fn role_of_profile(&self) -> ProfileRole {
        self.role
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use sotto_session_api::SecretText;

    use super::*;

    const FLOOR_KIB: u32 = 64 * 1024;

    #[test]
    fn a_new_profile_costs_what_this_computer_does_in_time_and_the_floor_only_if_asked() {
        assert_eq!(cost(true), Cost::Floor);
        // Measured, also where that comes to the floor.
        assert!(matches!(cost(false), Cost::MemoryKib(_)));
        let folder = std::env::temp_dir().join(format!("sotto-cost-{}", std::process::id()));
        let memory_kib = |fast_kdf| {
            let _ = std::fs::remove_dir_all(&folder);
            let mut config = Config::new(folder.clone(), ProfileRole::Client, SecretText::new("x".to_owned()));
            assert!(!config.fast_kdf, "only who asks for it");
            config.fast_kdf = fast_kdf;
            drop(open_vault(&config).unwrap());
            let file = std::fs::read(folder.join("vault.tsp")).unwrap();
            u32::from_be_bytes(*file[6..].first_chunk().unwrap())
        };
        assert_eq!(memory_kib(true), FLOOR_KIB);
        // The floor takes a tenth of a second or two; a computer that is busy may take longer once.
        assert!((0..3).any(|_| memory_kib(false) > FLOOR_KIB));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
