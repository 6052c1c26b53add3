//! A device that was lost, busy or not there is tried again, so that plugging it in is enough.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use sotto_media::DeviceFault;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);
/// How soon the end of the session is noticed.
const STEP: Duration = Duration::from_millis(100);

/// Opens a device on a thread of its own: opening may take longer than a frame of sound. Dropped, it stops trying.
pub(super) struct Reopen<D> {
    opened: mpsc::Receiver<D>,
    cancelled: Arc<AtomicBool>,
}

impl<D: Send + 'static> Reopen<D> {
    /// Starts trying. `None` where it would not help: a file or a format that can't be used stays so.
    pub(super) fn after(
        fault: &DeviceFault,
        open: impl Fn() -> Result<D, DeviceFault> + Send + 'static,
    ) -> Option<Self> {
        if matches!(fault, DeviceFault::File { .. } | DeviceFault::Unsupported { .. }) {
            return None;
        }
        let (sender, opened) = mpsc::sync_channel(1);
        let cancelled = Arc::new(AtomicBool::new(false));
        let stop = cancelled.clone();
        let tries = thread::Builder::new().name("reopen".into()).spawn(move || {
            let mut waited = Duration::ZERO;
            while !stop.load(Ordering::Relaxed) {
                if waited < PAUSE {
                    thread::sleep(STEP);
                    waited += STEP;
                    continue;
                }
                waited = Duration::ZERO;
                if let Ok(device) = open() {
                    // Nobody waits any more: the device is released again at once.
                    let _ = sender.send(device);
                    return;
                }
            }
        });
        tries.ok().map(|_| Self { opened, cancelled })
    }

    /// The device, once it could be opened. Never blocks.
    pub(super) fn poll(&self) -> Option<D> {
        self.opened.try_recv().ok()
    }
}

impl<D> Drop for Reopen<D> {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicU32, time::Instant};

    use super::*;

    #[test]
    fn a_device_that_comes_back_is_opened_and_one_that_is_not_waited_for_any_more_is_left_alone() {
        let lost = DeviceFault::Lost { name: "headset".into() };
        let tries = Arc::new(AtomicU32::new(0));
        let counted = tries.clone();
        let open = move || match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Err(DeviceFault::Missing { name: "headset".into() }),
            count => Ok(count),
        };
        let reopen = Reopen::after(&lost, open.clone()).expect("a lost device is tried again");
        assert_eq!(reopen.poll(), None);
        let limit = Instant::now() + Duration::from_secs(20);
        let device = loop {
            if let Some(device) = reopen.poll() {
                break device;
            }
            assert!(Instant::now() < limit, "never opened");
            thread::sleep(Duration::from_millis(50));
        };
        assert_eq!(device, 1, "the second try succeeded");
        drop(Reopen::after(&lost, open));
        thread::sleep(PAUSE + 4 * STEP);
        assert_eq!(tries.load(Ordering::Relaxed), 2, "nothing was opened after the end");
        let broken = DeviceFault::File { what: "voice.wav".into() };
        assert!(Reopen::after(&broken, || Ok(0)).is_none());
    }
}
