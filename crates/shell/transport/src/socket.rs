//! The UDP socket under `webrtc`: sends DTLS handshake datagrams three times and watches for refusals of the relay.

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
    supervisor::Signal,
};

/// Copies waiting to be sent; more are not made. A handshake needs under 20.
const MAX_WAITING_COPIES: usize = 64;

/// See the module.
pub(crate) struct CallSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    knobs: Knobs,
    signals: mpsc::Sender<Signal>,
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
    pub(crate) fn new(inner: Arc<dyn AsyncUdpSocket>, knobs: Knobs, signals: mpsc::Sender<Signal>) -> Self {
        Self {
            inner,
            knobs,
            signals,
            refusal: Mutex::default(),
            refused: AtomicBool::new(false),
            waiting_copies: Arc::default(),
        }
    }

    fn passes(&self, inner: &[u8]) -> bool {
        self.knobs.impairment.as_ref().is_none_or(|network| network.on_send(inner) == Verdict::Pass)
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
        if !self.passes(inner) {
            return Poll::Ready(Ok(contents.len()));
        }
        let result = self.inner.poll_send(cx, transmit);
        if let Poll::Ready(Ok(_)) = &result {
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
        let result = self.inner.poll_recv(cx, buffers, meta);
        if let Poll::Ready(Ok(count)) = &result
            && !self.refused.load(Ordering::Relaxed)
        {
            for (buffer, meta) in buffers.iter().zip(meta.iter()).take(*count) {
                let filled = &buffer[..meta.len.min(buffer.len())];
                // An error response starts with 0x01; look no closer at anything else.
                for datagram in filled.chunks(meta.stride.max(1)).filter(|datagram| datagram.first() == Some(&1)) {
                    if self.refusal.lock().unwrap_or_else(PoisonError::into_inner).refuses(datagram) {
                        self.refused.store(true, Ordering::Relaxed);
                        let _ = self.signals.try_send(Signal::RelayRefused);
                    }
                }
            }
        }
        result
    }
}
