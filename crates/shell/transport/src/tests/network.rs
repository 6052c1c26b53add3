//! Bad networks, and a record of what was sent.

use core::time::Duration;
use std::{
    collections::HashMap,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use crate::{
    datagram::is_dtls_handshake,
    knobs::{Impairment, Verdict},
};

/// True for SRTP (RFC 7983), false for SRTCP: payload types 64 to 95 are RTCP (RFC 5761).
pub(super) fn is_rtp(inner: &[u8]) -> bool {
    matches!(inner, [128..=191, second, ..] if !(64..96).contains(&(second & 0x7f))) && inner.len() > 12
}

fn ssrc_and_number(inner: &[u8]) -> (u32, u16) {
    let field = |range: core::ops::Range<usize>| &inner[range];
    (u32::from_be_bytes(field(8..12).try_into().unwrap()), u16::from_be_bytes(field(2..4).try_into().unwrap()))
}

/// Loses first transmissions of media by a fixed pattern, so that each run loses the same; keeps account of SRTP
/// indices.
pub(super) struct LossyMedia {
    /// One of this many video packets is lost.
    one_in: u16,
    seen: Mutex<HashMap<(u32, u16), Vec<u8>>>,
    pub lost: AtomicUsize,
    /// Same SSRC and number, other bytes: an AES-GCM nonce used twice.
    pub reused: AtomicUsize,
    /// RTP packets let through.
    pub passed: AtomicUsize,
}

impl LossyMedia {
    pub(super) fn new(one_in: u16) -> Self {
        Self {
            one_in,
            seen: Mutex::default(),
            lost: AtomicUsize::new(0),
            reused: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
        }
    }
}

impl Impairment for LossyMedia {
    fn on_send(&self, inner: &[u8]) -> Verdict {
        if !is_rtp(inner) {
            return Verdict::Pass;
        }
        let key = ssrc_and_number(inner);
        let mut seen = self.seen.lock().unwrap();
        let first = match seen.get(&key) {
            Some(before) => {
                // Lost or not: whoever watches this side of the loss has both.
                if before != inner {
                    self.reused.fetch_add(1, Ordering::Relaxed);
                }
                false
            }
            None => {
                seen.insert(key, inner.to_vec());
                true
            }
        };
        // The media SSRCs of the tests end in 1, 2, 4; those of RTX in 3 and 5 get through.
        let media = matches!(key.0 & 0xf, 2 | 4);
        if first && media && key.1.is_multiple_of(self.one_in) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Verdict::Drop;
        }
        self.passed.fetch_add(1, Ordering::Relaxed);
        Verdict::Pass
    }
}

/// Counts how often each DTLS handshake datagram is sent, and may lose the first sending of the client's flight 5.
#[derive(Default)]
pub(super) struct DtlsWatch {
    pub sent: Mutex<HashMap<Vec<u8>, usize>>,
    pub lose_flight_5: bool,
    pub lost: AtomicBool,
}

/// Flight 5 starts with Certificate (11) in epoch 0; flight 1 and 3 are ClientHello (1).
fn is_certificate(inner: &[u8]) -> bool {
    is_dtls_handshake(inner) && inner.get(13) == Some(&11)
}

impl Impairment for DtlsWatch {
    fn on_send(&self, inner: &[u8]) -> Verdict {
        if !is_dtls_handshake(inner) {
            return Verdict::Pass;
        }
        *self.sent.lock().unwrap().entry(inner.to_vec()).or_default() += 1;
        if self.lose_flight_5 && is_certificate(inner) && !self.lost.swap(true, Ordering::Relaxed) {
            return Verdict::Drop;
        }
        Verdict::Pass
    }
}

/// Loses what a side sends of the DTLS handshake for some time, so that the handshake is under way until the crate
/// repeats its first flight.
#[derive(Default)]
pub(super) struct LongHandshake(OnceLock<Instant>);

impl LongHandshake {
    const LOSES: Duration = Duration::from_millis(300);
}

impl Impairment for LongHandshake {
    fn on_send(&self, inner: &[u8]) -> Verdict {
        if is_dtls_handshake(inner) && self.0.get_or_init(Instant::now).elapsed() < Self::LOSES {
            return Verdict::Drop;
        }
        Verdict::Pass
    }
}

/// Keeps everything that is sent.
#[derive(Default)]
pub(super) struct Capture(pub Mutex<Vec<Vec<u8>>>);

impl Impairment for Capture {
    fn on_send(&self, inner: &[u8]) -> Verdict {
        self.0.lock().unwrap().push(inner.to_vec());
        Verdict::Pass
    }
}
