//! The socket that clients talk to, as the `turn` crate wants to see it.

use std::{
    any::Any,
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::net::UdpSocket;
use webrtc_util::{Conn, Error};

use super::stun::{Class, Method, Stun};

/// Answers to Allocate that are kept to be repeated.
const KEPT: usize = 1024;

type Result<T> = std::result::Result<T, Error>;

/// An answer and the transaction that it belongs to.
type Answer = ([u8; 12], Vec<u8>);

/// Sends and remembers: a client whose answer to Allocate was lost asks again with the same transaction, and must
/// get the same answer rather than an error that it has an allocation already (RFC 8656 §7.2).
pub struct Front {
    pub socket: UdpSocket,
    allocated: Mutex<HashMap<SocketAddr, Answer>>,
}

impl Front {
    pub fn new(socket: UdpSocket) -> Self {
        Self { socket, allocated: Mutex::default() }
    }

    /// The answer that a repeated Allocate got before.
    pub fn repeated_answer(&self, message: &Stun<'_>, from: SocketAddr) -> Option<Vec<u8>> {
        if (message.class, message.method) != (Class::Request, Method::Allocate) {
            return None;
        }
        let allocated = self.allocated.lock().unwrap_or_else(PoisonError::into_inner);
        let (transaction, answer) = allocated.get(&from)?;
        (*transaction == message.transaction()).then(|| answer.clone())
    }

    /// Sends; a datagram that can't be sent is lost, as on any network.
    pub async fn send(&self, bytes: &[u8], to: SocketAddr) {
        let _ = self.socket.send_to(bytes, to).await;
    }

    fn remember(&self, bytes: &[u8], to: SocketAddr) {
        // Cheap test first: media takes this way too.
        if bytes.first() != Some(&1) {
            return;
        }
        if let Some(message) = Stun::parse(bytes)
            && (message.class, message.method) == (Class::Success, Method::Allocate)
        {
            let mut allocated = self.allocated.lock().unwrap_or_else(PoisonError::into_inner);
            if allocated.len() >= KEPT {
                allocated.clear();
            }
            allocated.insert(to, (message.transaction(), bytes.to_vec()));
        }
    }
}

#[async_trait]
impl Conn for Front {
    async fn connect(&self, _to: SocketAddr) -> Result<()> {
        Err(Error::ErrUnexpectedNetwork)
    }
    async fn recv(&self, _buffer: &mut [u8]) -> Result<usize> {
        Err(Error::ErrUnexpectedNetwork)
    }
    async fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        Ok(self.socket.recv_from(buffer).await?)
    }
    async fn send(&self, _bytes: &[u8]) -> Result<usize> {
        Err(Error::ErrUnexpectedNetwork)
    }
    async fn send_to(&self, bytes: &[u8], to: SocketAddr) -> Result<usize> {
        self.remember(bytes, to);
        Ok(self.socket.send_to(bytes, to).await?)
    }
    fn local_addr(&self) -> Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }
    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }
    async fn close(&self) -> Result<()> {
        // An allocation closes "its" socket when it ends; the others still need it.
        Ok(())
    }
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}
