//! The UDP socket under `webrtc`: sends DTLS handshake datagrams three times, takes nothing from strangers, and watches
//! for refusals of the relay.

use core::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    task::{Context, Poll},
};
use std::{
    io::{self, IoSliceMut},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::mpsc;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use crate::{
    datagram::{self, RefusalWatch},
    knobs::{Knobs, Verdict},
    sources::Sources,
    supervisor::Signal,
};

/// Copies waiting to be sent; more are not made. A handshake needs under 20.
const MAX_WAITING_COPIES: usize = 64;

/// See the module.
pub(crate) struct CallSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    knobs: Knobs,
    signals: mpsc::Sender<Signal>,
    sources: Arc<Sources>,
    refusal: Mutex<RefusalWatch>,
    refused: AtomicBool,
    waiting_copies: Arc<AtomicUsize>,
}

impl core::fmt::Debug for CallSocket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CallSocket")
    }
}

impl CallSocket {
    pub(crate) fn new(
        inner: Arc<dyn AsyncUdpSocket>,
        knobs: Knobs,
        signals: mpsc::Sender<Signal>,
        sources: Arc<Sources>,
    ) -> Self {
        Self {
            inner,
            knobs,
            signals,
            sources,
            refusal: Mutex::default(),
            refused: AtomicBool::new(false),
            waiting_copies: Arc::default(),
        }
    }

    fn passes(&self, inner: &[u8]) -> bool {
        self.knobs.impairment.as_ref().is_none_or(|network| network.on_send(inner) == Verdict::Pass)
    }

    fn watch_refusals(&self, filled: &[u8], stride: usize) {
        if self.refused.load(Ordering::Relaxed) {
            return;
        }
        // An error response starts with 0x01; look no closer at anything else.
        for datagram in filled.chunks(stride.max(1)).filter(|datagram| datagram.first() == Some(&1)) {
            if self.refusal.lock().unwrap_or_else(PoisonError::into_inner).refuses(datagram) {
                self.refused.store(true, Ordering::Relaxed);
                let _ = self.signals.try_send(Signal::RelayRefused);
            }
        }
    }

    /// D6: the crate disarms its retransmission timer on any handshake record, so that one lost flight can end the
    /// handshake. Copies a little later make the loss of all of them unlikely; DTLS drops repeats by record number.
    fn copy_later(&self, contents: &[u8], destination: SocketAddr) {
        for delay in self.knobs.dtls_copies.clone() {
            if self.waiting_copies.load(Ordering::Relaxed) >= MAX_WAITING_COPIES {
                return;
            }
            self.waiting_copies.fetch_add(1, Ordering::Relaxed);
            let (socket, waiting) = (self.inner.clone(), self.waiting_copies.clone());
            let (contents, network) = (contents.to_vec(), self.knobs.impairment.clone());
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let inner = datagram::inner(&contents);
                if network.is_none_or(|network| network.on_send(inner) == Verdict::Pass) {
                    let _ = socket.send_to(&contents, destination).await;
                }
                waiting.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
}

impl AsyncUdpSocket for CallSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }

    // `max_gso_segments` stays 1: one datagram per call, so that each can be looked at.

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let contents = transmit.contents;
        let inner = datagram::inner(contents);
        // Lost in a test's network, which is behind the socket: all else happens as if it was sent.
        let result =
            if self.passes(inner) { self.inner.poll_send(cx, transmit) } else { Poll::Ready(Ok(contents.len())) };
        if let Poll::Ready(Ok(_)) = &result {
            self.sources.sent_to(transmit.destination);
            // ChannelData, RTP and DTLS never start with a zero byte.
            if contents.first() == Some(&0) && !self.refused.load(Ordering::Relaxed) {
                self.refusal.lock().unwrap_or_else(PoisonError::into_inner).sent(contents);
            }
            if datagram::is_dtls_handshake(inner) {
                self.copy_later(contents, transmit.destination);
            }
        }
        result
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            let count = match self.inner.poll_recv(cx, buffers, meta) {
                Poll::Ready(Ok(count)) => count,
                other => return other,
            };
            let mut admitted = count == 0;
            for (buffer, meta) in buffers.iter().zip(meta.iter_mut()).take(count) {
                let filled = &buffer[..meta.len.min(buffer.len())];
                let mut datagrams = filled.chunks(meta.stride.max(1));
                // Coalesced datagrams have one source; one that isn't welcome takes the others with it.
                if self.knobs.source_filter && !datagrams.all(|datagram| self.sources.admits(meta.addr, datagram)) {
                    meta.len = 0;
                    continue;
                }
                admitted = true;
                self.watch_refusals(filled, meta.stride);
            }
            if admitted {
                return Poll::Ready(Ok(count));
            }
        }
    }
}
