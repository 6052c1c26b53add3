//! The media threads of one session: microphone and camera to sealed packets, sealed packets to speaker and screen.
//!
//! Each thread owns its device and its codec. Sound: `microphone` → encode → seal → transport, and packets → jitter
//! buffer → `speaker`. Picture: `camera` → encode → split → seal → transport, and packets → assemble → decode → slot.

mod camera;
mod counters;
mod devices;
mod incoming;
mod microphone;
mod picture;
mod reopen;
mod speaker;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

use sotto_call::Input;
use sotto_frame_crypto::{
    MediaOpener, MediaSealer, SealError, Shape,
    keys::{MediaOpenKeys, MediaSealKeys},
};
use sotto_media::DeviceFault;
use sotto_session_api::{Event, Severity, SideNotice, Stats, VideoSlot};
use sotto_transport::Transport;
use sotto_wire::{Codec, TrackId};
use tokio::sync::mpsc as tokio_mpsc;

use crate::{engine::Message, process, scrub, transports::PacketInlet};
use counters::Counters;
pub(crate) use devices::Devices;

/// Sealed packets on their way to the opening thread: a second of picture and sound; beyond it the newest are dropped.
const INLET: usize = 1024;

/// Switches and channels that all media threads share.
pub(crate) struct Shared {
    stop: Arc<AtomicBool>,
    open: AtomicBool,
    camera_in_g1: bool,
    audio_muted: AtomicBool,
    camera_muted: AtomicBool,
    force_key: AtomicBool,
    /// 0 until it is known.
    rtt_ms: AtomicU32,
    admitted_ms: u64,
    sealer: Mutex<Box<MediaSealer>>,
    /// Keys of the peer's next epoch, for the thread that opens packets.
    admitted: Mutex<Option<Box<MediaOpenKeys>>>,
    transport: Arc<Transport>,
    counters: Mutex<Counters>,
    messages: tokio_mpsc::Sender<Box<Message>>,
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn sends_camera(&self) -> bool {
        (self.camera_in_g1 || self.open.load(Ordering::Relaxed)) && !self.camera_muted.load(Ordering::Relaxed)
    }

    /// Seals a packet and hands it to the transport; returns its size, `None` while media wait for fresh keys. `expected`
    /// is the only size that it may have on the wire: what leaves is looked at, not what was meant.
    fn send(
        &self,
        track: TrackId,
        codec: Codec,
        packet: &sotto_media::MediaPacket,
        (shape, expected): (Shape, usize),
    ) -> Result<Option<usize>, SealError> {
        let sealed = self.sealer().seal(track, codec, packet.marker, packet.rtp_timestamp, &packet.payload, shape);
        let sealed = match sealed {
            Err(SealError::StepsExhausted) => {
                self.force_key.store(true, Ordering::Relaxed);
                return Ok(None);
            }
            sealed => sealed?,
        };
        let size = sealed.bytes.len();
        self.count(|counters| counters.sizes.note(size, expected));
        self.transport.send_packet(sealed);
        Ok(Some(size))
    }

    fn sealer(&self) -> MutexGuard<'_, Box<MediaSealer>> {
        self.sealer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keys of the next epoch that the engine admitted since the last call.
    fn take_admitted(&self) -> Option<Box<MediaOpenKeys>> {
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.counters.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Full only if the engine is stuck; an event more would not help it.
    fn tell(&self, event: Event) {
        let _ = self.messages.try_send(Box::new(Message::Event(event)));
    }

    fn input(&self, input: Input) {
        let _ = self.messages.try_send(Box::new(Message::Input(input)));
    }

    /// A device works again.
    fn device_back(&self, code: &'static str) {
        self.notice(code, "", Severity::Info);
    }

    fn notice(&self, code: &'static str, name: &str, severity: Severity) {
        let mut notice = SideNotice::new(code, severity);
        if !name.is_empty() {
            notice.what = format!("{} ({name})", notice.what);
        }
        self.tell(Event::Notice(notice));
    }

    /// Names a device that doesn't work; the session goes on with what there is.
    fn device_fault(&self, device: &str, fault: &DeviceFault) {
        if self.is_stopped() {
            // Let go of, not lost.
            return;
        }
        let code = device_code(device, fault);
        let name = match fault {
            DeviceFault::Missing { name } | DeviceFault::Busy { name } | DeviceFault::Lost { name } => name.as_str(),
            DeviceFault::File { what } | DeviceFault::Unsupported { what } => what.as_str(),
        };
        self.notice(code, name, Severity::Warning);
    }
}

/// Stable code of what is wrong with a `"camera"`, `"microphone"` or `"speaker"`; its sentence is in
/// [`sotto_session_api::sentences`].
#[must_use]
pub fn device_code(device: &str, fault: &DeviceFault) -> &'static str {
    match (device, fault) {
        (_, DeviceFault::File { .. } | DeviceFault::Unsupported { .. }) => "device-file",
        ("camera", DeviceFault::Missing { .. }) => "no-camera",
        ("camera", DeviceFault::Busy { .. }) => "camera-busy",
        ("camera", DeviceFault::Lost { .. }) => "camera-lost",
        ("microphone", DeviceFault::Missing { .. }) => "no-microphone",
        ("microphone", DeviceFault::Busy { .. }) => "microphone-busy",
        ("microphone", DeviceFault::Lost { .. }) => "microphone-lost",
        (_, DeviceFault::Missing { .. }) => "no-speaker",
        (_, DeviceFault::Busy { .. }) => "speaker-busy",
        (_, DeviceFault::Lost { .. }) => "speaker-lost",
    }
}

/// The media of one session. Dropped, it stops its threads, releases the devices and erases keys and pictures.
pub(crate) struct Media {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
    inlet: PacketInlet,
    slots: (VideoSlot, VideoSlot),
}

impl Media {
    #[expect(clippy::too_many_arguments, reason = "the one place where everything of a session's media meets")]
    pub(crate) fn start(
        devices: Arc<Devices>,
        transport: Arc<Transport>,
        (sealer, opener): (Box<MediaSealer>, Box<MediaOpener>),
        camera_in_g1: bool,
        admitted_ms: u64,
        slots: (VideoSlot, VideoSlot),
        messages: tokio_mpsc::Sender<Box<Message>>,
        inlet: &PacketInlet,
    ) -> Self {
        let shared = Arc::new(Shared {
            stop: Arc::default(),
            open: AtomicBool::new(false),
            camera_in_g1,
            audio_muted: AtomicBool::new(false),
            camera_muted: AtomicBool::new(false),
            force_key: AtomicBool::new(false),
            rtt_ms: AtomicU32::new(0),
            admitted_ms,
            sealer: Mutex::new(sealer),
            admitted: Mutex::new(None),
            transport,
            counters: Mutex::new(Counters::default()),
            messages,
        });
        let (packets, received) = mpsc::sync_channel(INLET);
        *inlet.lock().unwrap_or_else(PoisonError::into_inner) = Some(packets);
        let playout = speaker::playout();
        let (pictures, frames) = mpsc::sync_channel(256);
        let mut threads = Vec::new();
        let mut spawn =
            |name: &str, body: Box<dyn FnOnce() + Send>| match thread::Builder::new().name(name.into()).spawn(|| {
                body();
                // The system keeps the stacks of threads that ended, for those that come.
                scrub::stack();
            }) {
                Ok(handle) => threads.push(handle),
                Err(error) => tracing::error!(%error, "a media thread could not start"),
            };
        {
            let (shared, playout) = (shared.clone(), playout.clone());
            spawn("open", Box::new(move || incoming::run(&shared, opener, &received, playout.as_ref(), &pictures)));
        }
        {
            let (shared, devices) = (shared.clone(), devices.clone());
            spawn("microphone", Box::new(move || microphone::run(&shared, &devices)));
        }
        if let Some(playout) = playout {
            let (shared, devices) = (shared.clone(), devices.clone());
            spawn("speaker", Box::new(move || speaker::run(&shared, &devices, &playout)));
        }
        {
            let (shared, devices, own) = (shared.clone(), devices.clone(), slots.0.clone());
            spawn(
                "camera",
                Box::new(move || {
                    process::give_way_to_sound();
                    camera::run(&shared, &devices, &own);
                }),
            );
        }
        {
            let (shared, peer) = (shared.clone(), slots.1.clone());
            spawn(
                "picture",
                Box::new(move || {
                    process::give_way_to_sound();
                    picture::run(&shared, &devices, &frames, &peer);
                }),
            );
        }
        Self { shared, threads, inlet: inlet.clone(), slots }
    }

    /// Gate G2.
    pub(crate) fn open(&self) {
        self.shared.open.store(true, Ordering::Relaxed);
        self.shared.force_key.store(true, Ordering::Relaxed);
    }

    pub(crate) fn mute(&self, track: TrackId, on: bool) {
        match track {
            TrackId::Camera => {
                self.shared.camera_muted.store(on, Ordering::Relaxed);
                self.shared.force_key.store(true, Ordering::Relaxed);
            }
            _ => self.shared.audio_muted.store(on, Ordering::Relaxed),
        }
    }

    /// The round-trip time: pictures wait for repairs as long as one can take.
    pub(crate) fn set_rtt_ms(&self, rtt_ms: u32) {
        self.shared.rtt_ms.store(rtt_ms, Ordering::Relaxed);
    }

    pub(crate) fn keyframe(&self, track: TrackId) {
        if track == TrackId::Camera {
            self.shared.force_key.store(true, Ordering::Relaxed);
        }
    }

    /// Packets of the next epoch are opened from now on.
    pub(crate) fn admit_epoch(&self, keys: Box<MediaOpenKeys>) {
        *self.shared.admitted.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }

    /// Packets are sealed in the next epoch from now on.
    pub(crate) fn start_epoch(&self, keys: MediaSealKeys) {
        if let Err(error) = self.shared.sealer().start_epoch(keys) {
            tracing::error!(%error, "an epoch out of order");
        }
    }

    /// One step of the ratchet; with none left, nothing is sealed until the next epoch.
    pub(crate) fn ratchet(&self) {
        let _ = self.shared.sealer().ratchet();
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.shared.counters.lock().unwrap_or_else(PoisonError::into_inner).stats();
        let (epoch, step) = self.shared.sealer().epoch_and_step();
        (stats.epoch, stats.step) = (epoch.into(), step);
        stats
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        let begun = std::time::Instant::now();
        self.shared.stop.store(true, Ordering::Relaxed);
        *self.inlet.lock().unwrap_or_else(PoisonError::into_inner) = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a media thread panicked");
            }
        }
        self.slots.0.clear();
        self.slots.1.clear();
        scrub::stack();
        let released_ms = begun.elapsed().as_millis();
        tracing::info!(released_ms, "devices are let go of, pictures and keys erased");
    }
}
