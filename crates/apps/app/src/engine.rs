//! The session engine beside the window: started on a thread of its own, its events brought to the window's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use egui::Context;
use sotto_session::{Config, SessionHandle, StartError};
use sotto_session_api::{
    CameraChoice, Command, Event, MediaTrack, MicrophoneChoice, Snapshot, SpeakerChoice, VideoSlot,
};

use crate::video::{Picture, Which};

/// The own picture may be this much late: the other side's paces the window.
pub const OWN_PICTURE_LATE: Duration = Duration::from_millis(66);
/// The other side's may not; but egui draws twice what is asked for at once.
const PEER_PICTURE_LATE: Duration = Duration::from_millis(1);

type Started = Result<SessionHandle, StartError>;

/// Starts engines on a thread of its own: the key derivation takes up to a second, and the engine's threads inherit
/// this one's priority, which is above that of the window's.
pub struct Launcher(mpsc::Sender<(Config, mpsc::Sender<Started>, Context)>);

impl Launcher {
    /// The thread. Make it before the window gives way (`give_way`).
    pub fn start() -> Self {
        let (sender, wanted) = mpsc::channel::<(Config, mpsc::Sender<Started>, Context)>();
        thread::spawn(move || {
            for (config, result, context) in wanted {
                // Nobody waits any more if the window was closed meanwhile; the handle then ends the engine.
                let _ = result.send(sotto_session::start(config));
                context.request_repaint();
            }
        });
        Self(sender)
    }
}

/// From here on this thread, and those that it starts, yield to others: where one processor has to paint the picture
/// and to play the sound, the sound goes first.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        const BELOW_SOUND: i32 = 5;
        let thread = rustix::thread::gettid();
        if let Err(error) = rustix::process::setpriority_process(Some(thread), BELOW_SOUND) {
            tracing::debug!(%error, "the window keeps its priority");
        }
    }
}

/// An engine that is being started.
pub struct Opening(mpsc::Receiver<Started>);

impl Opening {
    /// Has the engine started; the window is woken when it is there.
    pub fn begin(launcher: &Launcher, config: Config, context: &Context) -> Self {
        let (sender, receiver) = mpsc::channel();
        if launcher.0.send((config, sender, context.clone())).is_err() {
            tracing::error!("the thread that starts engines is gone");
        }
        Self(receiver)
    }

    /// The engine, or why there is none; nothing yet otherwise.
    pub fn poll(&self, context: &Context) -> Option<Result<Engine, StartError>> {
        match self.0.try_recv() {
            Ok(result) => Some(result.map(|handle| Engine::new(handle, context))),
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => {
                Some(Err(StartError::Io(std::io::Error::other("the engine's thread ended"))))
            }
        }
    }
}

/// The running engine as the window sees it.
pub struct Engine {
    handle: SessionHandle,
    events: mpsc::Receiver<Box<Event>>,
    /// This side's camera.
    pub own: Picture,
    /// The other side.
    pub peer: Picture,
    is_own_shown: Arc<AtomicBool>,
    is_peer_shown: Arc<AtomicBool>,
}

impl Engine {
    fn new(mut handle: SessionHandle, context: &Context) -> Self {
        let (sender, events) = mpsc::channel();
        if let Some(from_engine) = handle.events() {
            let context = context.clone();
            thread::spawn(move || {
                for event in from_engine {
                    if sender.send(event).is_err() {
                        return;
                    }
                    context.request_repaint();
                }
            });
        }
        let is_own_shown = wake(&handle.video(MediaTrack::Camera, true), context, OWN_PICTURE_LATE);
        let is_peer_shown = wake(&handle.video(MediaTrack::Camera, false), context, PEER_PICTURE_LATE);
        Self {
            own: Picture::new(Which::Own, handle.video(MediaTrack::Camera, true)),
            peer: Picture::new(Which::Peer, handle.video(MediaTrack::Camera, false)),
            handle,
            events,
            is_own_shown,
            is_peer_shown,
        }
    }

    /// Asks for something.
    pub fn send(&self, command: Command) {
        if !self.handle.send(command) {
            tracing::warn!("the engine takes no more commands");
        }
    }

    /// The present state.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.handle.snapshot()
    }

    /// What happened since the last call.
    pub fn events(&self) -> Vec<Event> {
        self.events.try_iter().map(|event| *event).collect()
    }

    /// Uses this camera from now on.
    pub fn use_camera(&self, choice: CameraChoice) {
        self.handle.use_camera(choice);
    }

    /// Uses this microphone from now on.
    pub fn use_microphone(&self, choice: MicrophoneChoice) {
        self.handle.use_microphone(choice);
    }

    /// Uses this speaker from now on.
    pub fn use_speaker(&self, choice: SpeakerChoice) {
        self.handle.use_speaker(choice);
    }

    /// Which pictures this frame showed: only they wake the window when a new one comes.
    pub fn shown(&self, own: bool, peer: bool) {
        self.is_own_shown.store(own, Ordering::Relaxed);
        self.is_peer_shown.store(peer, Ordering::Relaxed);
    }
}

/// Wakes the window at a new picture if the switch is on.
fn wake(slot: &VideoSlot, context: &Context, late: Duration) -> Arc<AtomicBool> {
    let is_shown = Arc::new(AtomicBool::new(false));
    let (switch, context) = (is_shown.clone(), context.clone());
    slot.on_new(move || {
        if switch.load(Ordering::Relaxed) {
            context.request_repaint_after(late);
        }
    });
    is_shown
}
