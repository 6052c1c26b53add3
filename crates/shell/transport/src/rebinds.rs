//! Which attempt the sockets belong to: a restart waits until it has sockets of its own.

use core::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::sync::{mpsc, watch};

use crate::supervisor::Signal;

/// How long a restart waits for its sockets. The driver binds them as soon as it runs; only one that has ended doesn't.
const REBIND_TIME: Duration = Duration::from_secs(1);

/// The crate marks a restart by one flag: a second one begun before its driver has seen the first would gather on the
/// first one's sockets, and be refused by the relay for it (RFC 8656 §7.2, 437).
#[derive(Default)]
pub(crate) struct Rebinds {
    awaited: AtomicBool,
    bound: watch::Sender<u32>,
}

impl Rebinds {
    /// The next socket that is bound is the first of a restart.
    pub(crate) fn expect(&self) -> watch::Receiver<u32> {
        let bound = self.bound.subscribe();
        self.awaited.store(true, Ordering::Release);
        bound
    }

    /// A socket was bound. The driver binds between the last event of the old sockets and the first of the new ones, so
    /// the signal comes in between, too: what the old ones still gathered is never taken for the restart's.
    pub(crate) fn note(&self, signals: &mpsc::Sender<Signal>) {
        if !self.awaited.swap(false, Ordering::AcqRel) {
            return;
        }
        if signals.try_send(Signal::Restart).is_err() {
            tracing::debug!("signal to the supervisor dropped: full or closed");
        }
        self.bound.send_modify(|bound| *bound = bound.wrapping_add(1));
    }

    /// Restarts that were bound.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u32 {
        *self.bound.borrow()
    }

    /// Until the restart has sockets of its own, or it is clear that it gets none.
    pub(crate) async fn wait(mut bound: watch::Receiver<u32>) {
        let _ = tokio::time::timeout(REBIND_TIME, bound.changed()).await;
    }
}
