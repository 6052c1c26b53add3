//! Counter-measures that a test can switch off, to see that it fails without them.
//!
//! Private to the crate: [`Knobs::default`] is the only value outside its own tests. The D-numbers count the defects of
//! `webrtc 0.21.1` that we found; each is described where it is countered.

use core::time::Duration;
use std::sync::Arc;

use webrtc::peer_connection::{CipherSuiteId, SrtpProtectionProfile};

use crate::settings;

/// What happens to a datagram that we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests make the others"))]
pub(crate) enum Verdict {
    /// Sent.
    Pass,
    /// Lost.
    Drop,
}

/// A bad network, for tests. It sees every datagram before the kernel does.
pub(crate) trait Impairment: Send + Sync {
    /// `inner`: what is inside the TURN framing, or the datagram itself.
    fn on_send(&self, inner: &[u8]) -> Verdict;
}

/// All on by default.
#[derive(Clone)]
pub(crate) struct Knobs {
    /// D1: longest sleep of the crate's driver.
    pub sleep_cap: Option<Duration>,
    /// D1: the crate's driver goes round again before it sleeps.
    pub more_rounds: bool,
    /// D2: give retransmissions their own number back before the NACK generator looks.
    pub rtx_unwrap: bool,
    /// D2: how often one packet is asked for; 0 is without end.
    pub max_nacks: u16,
    /// D3: RTX, and no answer to a NACK without it.
    pub rtx: bool,
    /// D6: when DTLS handshake datagrams are repeated.
    pub dtls_copies: Vec<Duration>,
    /// D8: our own timers and refusals.
    pub watchdogs: bool,
    /// D9 and T14: the candidate filter, both ways.
    pub candidate_filter: bool,
    /// T27: what comes from strangers is dropped by the socket.
    pub source_filter: bool,
    /// The one SRTP profile that is offered and taken.
    pub profile: SrtpProtectionProfile,
    /// Likewise the DTLS cipher suite.
    pub suite: CipherSuiteId,
    /// A bad network.
    pub impairment: Option<Arc<dyn Impairment>>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            // 2 ms: relayed calls connect in 0.1 s in place of 0.3 to 0.5 s for some 0.1 s of CPU per 10 s of call. Without
            // further rounds, it would be 1.9 s, and packets would be on their way for up to 3 ms longer.
            sleep_cap: Some(Duration::from_millis(2)),
            more_rounds: true,
            rtx_unwrap: true,
            max_nacks: 2,
            rtx: true,
            dtls_copies: vec![Duration::from_millis(15), Duration::from_millis(40)],
            watchdogs: true,
            candidate_filter: true,
            source_filter: true,
            profile: settings::PROFILE,
            suite: settings::SUITE,
            impairment: None,
        }
    }
}
