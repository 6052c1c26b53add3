//! Interceptor: the crate's NACK responder, for streams with RTX only.
//!
//! Without RTX it repeats the packet itself; the transport-wide sequence number in the header is new then, and SRTP
//! seals other bytes under the same index: an AES-GCM nonce used twice, which gives the relay the authentication key (D3).

use std::time::Instant;

use rtc::{
    interceptor::{
        Attribute, Interceptor, NackResponderBuilder, NackResponderInterceptor, Packet, StreamInfo, TaggedPacket,
    },
    sansio::Protocol,
    shared::error::Error,
};
use std::sync::{Arc, atomic::Ordering};

use crate::tap::Counters;

/// See the module.
pub(crate) struct NackGuard {
    inner: NackResponderInterceptor,
    counters: Arc<Counters>,
    /// False in the test that shows the defect.
    armed: bool,
}

impl NackGuard {
    pub(crate) fn new(counters: Arc<Counters>, armed: bool) -> Self {
        Self { inner: NackResponderBuilder::new().build(), counters, armed }
    }
}

/// Both halves are needed: with either missing, the responder repeats the packet under its own SSRC.
fn has_rtx(info: &StreamInfo) -> bool {
    info.ssrc_rtx.is_some() && info.payload_type_rtx.is_some()
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for NackGuard {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.inner.handle_read(message)
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inner.poll_read()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.inner.handle_write(message)
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        let message = self.inner.poll_write()?;
        if matches!(message.message.packet, Packet::Rtp(_)) && message.message.has(&Attribute::Retransmission) {
            self.counters.retransmitted.fetch_add(1, Ordering::Relaxed);
        }
        Some(message)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.inner.handle_timeout(now)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.inner.poll_timeout()
    }
}

impl Interceptor for NackGuard {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        if has_rtx(info) || !self.armed {
            self.inner.bind_local_stream(info);
        }
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.inner.unbind_local_stream(info);
    }

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        self.inner.bind_remote_stream(info);
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.inner.unbind_remote_stream(info);
    }
}
