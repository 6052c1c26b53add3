//! What the person chose; it may change while a session runs.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use sotto_session_api::{CameraChoice, MicrophoneChoice, SpeakerChoice, VideoOut};

/// A choice with the number of its changes.
pub(crate) struct Choice<T> {
    value: Mutex<T>,
    changes: AtomicU32,
}

impl<T: Clone> Choice<T> {
    const fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changes: AtomicU32::new(0) }
    }

    /// The present choice.
    pub(crate) fn get(&self) -> T {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another choice; who uses the old one notices within a frame.
    pub(crate) fn set(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = value;
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Whether it was changed since the last call with this number.
    pub(crate) fn changed(&self, seen: &mut u32) -> bool {
        let changes = self.changes.load(Ordering::Acquire);
        core::mem::replace(seen, changes) != changes
    }

    /// For the first call of [`changed`](Self::changed).
    pub(crate) fn seen(&self) -> u32 {
        self.changes.load(Ordering::Acquire)
    }
}

/// The devices of all sessions of an engine.
pub(crate) struct Devices {
    pub camera: Choice<CameraChoice>,
    pub microphone: Choice<MicrophoneChoice>,
    pub speaker: Choice<SpeakerChoice>,
    pub video_out: VideoOut,
    pub video_size: (u32, u32),
}

impl Devices {
    pub(crate) const fn new(
        camera: CameraChoice,
        microphone: MicrophoneChoice,
        speaker: SpeakerChoice,
        video_out: VideoOut,
        video_size: (u32, u32),
    ) -> Self {
        Self {
            camera: Choice::new(camera),
            microphone: Choice::new(microphone),
            speaker: Choice::new(speaker),
            video_out,
            video_size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_noticed_once_by_each_who_asks() {
        let choice = Choice::new(SpeakerChoice::None);
        let (mut one, mut other) = (choice.seen(), choice.seen());
        assert!(!choice.changed(&mut one));
        choice.set(SpeakerChoice::Device(Some("headphones".into())));
        assert!(choice.changed(&mut one) && !choice.changed(&mut one));
        assert!(choice.changed(&mut other));
        assert_eq!(choice.get(), SpeakerChoice::Device(Some("headphones".into())));
    }
}
