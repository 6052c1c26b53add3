//! A server's clock: what it said, and whether it is believed (PROTOCOL §3.3).

use crate::{addresses::CLOCK_TOLERANCE_S, io::Now};

/// No program that speaks this protocol is older, so a server's clock that says so is wrong: 2026-01-01.
const EARLIEST_UNIX: u64 = 1_767_225_600;

/// What a server said, and when by the clock that nobody sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerClock {
    unix: u64,
    at_ms: u64,
}

impl ServerClock {
    /// Takes what the server says; `None` if that goes back, or is older than the protocol. `latest` is the largest that it
    /// ever said.
    pub(super) fn believed(unix: u64, latest: &mut u64, now: Now) -> Option<Self> {
        let is_believed = unix >= EARLIEST_UNIX.max(latest.saturating_sub(CLOCK_TOLERANCE_S));
        *latest = unix.max(*latest);
        is_believed.then_some(Self { unix, at_ms: now.mono_ms })
    }

    /// Unix seconds, by this clock.
    pub(super) const fn at(self, now: Now) -> u64 {
        self.unix.saturating_add(now.mono_ms.saturating_sub(self.at_ms) / 1000)
    }
}
