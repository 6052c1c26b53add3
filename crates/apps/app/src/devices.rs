//! Devices outside a session: own picture while waiting, level of the microphone, a tone, what there is to choose.
//!
//! Each open device has a thread of its own that ends within a frame when it is dropped: the light goes off at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use egui::Context;
use sotto_media::{AUDIO_FRAME, AUDIO_RATE, LevelMeter};
use sotto_session_api::{CameraChoice, MicrophoneChoice, SpeakerChoice, VideoSlot};
use sotto_ui::{Device, DeviceKind, DeviceList, Devices};

/// Frames of 20 ms between two levels that wake the window.
const LEVEL_EVERY: u32 = 4;
const TONE_FRAMES: usize = 30;
const TONE_HZ: f32 = 440.0;
const TONE_LEVEL: f32 = 3000.0;

/// A thread with a device; dropped, it ends.
struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start(work: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        Self { stop, thread: Some(thread::spawn(move || work(&flag))) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has let go of its device too.
            let _ = thread.join();
        }
    }
}

/// The own camera, before a session.
pub struct Preview {
    _worker: Worker,
}

impl Preview {
    /// Opens the camera; pictures come to `slot`. What doesn't work is told by its code.
    pub fn start(
        choice: CameraChoice,
        size: (u32, u32),
        slot: VideoSlot,
        faults: mpsc::Sender<&'static str>,
        context: &Context,
    ) -> Self {
        let context = context.clone();
        let worker = Worker::start(move |stop| {
            let fault = match sotto_devices::open_camera(&choice, size) {
                Err(fault) => fault,
                Ok(mut camera) => loop {
                    if stop.load(Ordering::Relaxed) {
                        slot.clear();
                        return;
                    }
                    match camera.next_frame() {
                        Ok(frame) => slot.put(frame.planes),
                        Err(fault) => break fault,
                    }
                },
            };
            slot.clear();
            let _ = faults.send(sotto_session::device_code("camera", &fault));
            context.request_repaint();
        });
        Self { _worker: worker }
    }
}

/// The own microphone, measured.
pub struct Meter {
    level: Arc<AtomicU32>,
    _worker: Worker,
}

impl Meter {
    /// Opens the microphone; the window is woken for each new level, twelve times a second.
    pub fn start(choice: MicrophoneChoice, faults: mpsc::Sender<&'static str>, context: &Context) -> Self {
        let level = Arc::new(AtomicU32::new(f32::NAN.to_bits()));
        let (shown, context) = (level.clone(), context.clone());
        let worker = Worker::start(move |stop| {
            let fault = match sotto_devices::open_microphone(&choice) {
                Err(fault) => fault,
                Ok(mut microphone) => {
                    let mut meter = LevelMeter::default();
                    let mut frame = [0; AUDIO_FRAME];
                    let mut count = 0;
                    loop {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        if let Err(fault) = microphone.next_frame(&mut frame) {
                            break fault;
                        }
                        shown.store(meter.push(&frame).to_bits(), Ordering::Relaxed);
                        count = (count + 1) % LEVEL_EVERY;
                        if count == 0 {
                            context.request_repaint();
                        }
                    }
                }
            };
            let _ = faults.send(sotto_session::device_code("microphone", &fault));
            context.request_repaint();
        });
        Self { level, _worker: worker }
    }

    /// The present level, dBFS, once there is one.
    pub fn db(&self) -> Option<f32> {
        let level = f32::from_bits(self.level.load(Ordering::Relaxed));
        (!level.is_nan()).then_some(level)
    }
}

/// A short tone at the speaker. It ends by itself.
pub fn play_tone(choice: SpeakerChoice, faults: mpsc::Sender<&'static str>, context: &Context) {
    let context = context.clone();
    thread::spawn(move || {
        let played = sotto_devices::open_speaker(&choice).and_then(|mut speaker| {
            for number in 0..TONE_FRAMES {
                speaker.play(&tone(number))?;
            }
            // What is queued is still to be heard.
            thread::sleep(std::time::Duration::from_millis(u64::from(speaker.queued_ms())));
            Ok(())
        });
        if let Err(fault) = played {
            let _ = faults.send(sotto_session::device_code("speaker", &fault));
            context.request_repaint();
        }
    });
}

/// The frame of this number, faded in and out.
fn tone(number: usize) -> [i16; AUDIO_FRAME] {
    let all = (TONE_FRAMES * AUDIO_FRAME) as f32;
    core::array::from_fn(|sample| {
        let at = (number * AUDIO_FRAME + sample) as f32;
        let fade = (at / all * core::f32::consts::PI).sin();
        (fade * TONE_LEVEL * (at / AUDIO_RATE as f32 * TONE_HZ * core::f32::consts::TAU).sin()) as i16
    })
}

/// What there is to choose, asked of the system on a thread of its own.
pub fn find(context: &Context) -> mpsc::Receiver<[Vec<String>; 3]> {
    let (sender, receiver) = mpsc::channel();
    let context = context.clone();
    thread::spawn(move || {
        let found = [sotto_devices::list_cameras(), sotto_devices::list_microphones(), sotto_devices::list_speakers()];
        if sender.send(found).is_ok() {
            context.request_repaint();
        }
    });
    receiver
}

/// The lists as the interface shows them. A file or a test signal of the command line is not among them.
pub fn lists(found: [Vec<String>; 3], chosen: [Option<String>; 3], is_device: [bool; 3]) -> Devices {
    let mut found = found.into_iter().zip(chosen).zip(is_device).map(|((mut names, chosen), is_device)| {
        names.dedup();
        DeviceList {
            missing: is_device && names.is_empty(),
            known: names.into_iter().map(|name| Device { id: name.clone(), name }).collect(),
            chosen,
        }
    });
    let mut next = || found.next().unwrap_or_default();
    Devices { cameras: next(), microphones: next(), speakers: next(), level_db: None }
}

/// The chosen device of a kind, by name.
pub fn chosen_name(
    kind: DeviceKind,
    camera: &CameraChoice,
    microphone: &MicrophoneChoice,
    speaker: &SpeakerChoice,
) -> Option<String> {
    match kind {
        DeviceKind::Camera => match camera {
            CameraChoice::Device(name) => name.clone(),
            _ => None,
        },
        DeviceKind::Microphone => match microphone {
            MicrophoneChoice::Device(name) => name.clone(),
            _ => None,
        },
        DeviceKind::Speaker => match speaker {
            SpeakerChoice::Device(name) => name.clone(),
            _ => None,
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn a_preview_shows_pictures_and_lets_go_within_a_frame() {
        let slot = VideoSlot::default();
        let (faults, _none) = mpsc::channel();
        let preview = Preview::start(CameraChoice::Test, (64, 48), slot.clone(), faults, &Context::default());
        let began = Instant::now();
        while slot.take().is_none() {
            assert!(began.elapsed() < Duration::from_secs(5), "no picture");
            thread::sleep(Duration::from_millis(5));
        }
        drop(preview);
        assert!(slot.take().is_none(), "the last picture is gone too");
    }

    #[test]
    fn a_missing_file_is_told_by_its_code() {
        let (faults, told) = mpsc::channel();
        let choice = CameraChoice::File("/there/is/none.y4m".into());
        let _preview = Preview::start(choice, (64, 48), VideoSlot::default(), faults, &Context::default());
        assert_eq!(told.recv_timeout(Duration::from_secs(5)).unwrap(), "device-file");
    }

    #[test]
    fn a_tone_begins_and_ends_softly() {
        assert_eq!(tone(0)[0], 0);
        assert!(tone(TONE_FRAMES - 1)[AUDIO_FRAME - 1].abs() < 30);
        assert!(tone(TONE_FRAMES / 2).iter().any(|sample| sample.abs() > 2500));
    }
}
