//! Whether the computer itself stood still: a pause that all programs had is no program's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the watch looks at the clock.
const PERIOD: Duration = Duration::from_millis(10);

/// Looks at the clock until it is dropped.
#[derive(Debug)]
pub struct Standstill {
    over: Arc<AtomicBool>,
    longest_ms: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Standstill {
    /// Begins to look.
    #[must_use]
    pub fn watch() -> Self {
        let (over, longest_ms) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (stop, longest) = (over.clone(), longest_ms.clone());
        let (looking, begun) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut last = Instant::now();
            let _ = looking.send(());
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(PERIOD);
                let now = Instant::now();
                let stood = now.duration_since(last).saturating_sub(PERIOD);
                longest.fetch_max(u64::try_from(stood.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
                last = now;
            }
        });
        let _ = begun.recv();
        Self { over, longest_ms, thread: Some(thread) }
    }

    /// The longest time so far for which this program was not let run, ms.
    #[must_use]
    pub fn longest_ms(&self) -> u64 {
        self.longest_ms.load(Ordering::Relaxed)
    }
}

impl Drop for Standstill {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
