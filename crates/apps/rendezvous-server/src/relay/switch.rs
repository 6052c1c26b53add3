//! Relayed addresses that exist only in this process. An allocation gets a port number here and no socket, so
//! nothing outside can send to it and it can send to nothing outside: no open relay, whatever a request says.

use std::{
    any::Any,
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use turn::relay::RelayAddressGenerator;
use webrtc_util::{Conn, Error};

use crate::os::random;

/// First port number: the dynamic range (RFC 6335 §6).
const FIRST_PORT: u16 = 49_152;
/// Port numbers from there on.
const PORTS: u16 = u16::MAX - FIRST_PORT + 1;
/// Draws for a free port.
const DRAWS: usize = 64;
/// Datagrams that wait at a port; more are dropped (newest first), as a full socket buffer would.
const WAITING: usize = 256;

type Result<T> = std::result::Result<T, Error>;

struct Datagram {
    bytes: Vec<u8>,
    from: SocketAddr,
}

/// All ports of the relay.
pub struct Switch {
    ip: IpAddr,
    ports: Mutex<HashMap<u16, mpsc::Sender<Datagram>>>,
}

impl Switch {
    pub fn new(ip: IpAddr) -> Arc<Self> {
        Arc::new(Self { ip, ports: Mutex::default() })
    }

    /// Whether a port is allocated.
    pub fn has(&self, port: u16) -> bool {
        self.lock().contains_key(&port)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u16, mpsc::Sender<Datagram>>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(self: &Arc<Self>) -> Option<Port> {
        let mut ports = self.lock();
        for _ in 0..DRAWS {
            let number = FIRST_PORT + u16::from_le_bytes(random()) % PORTS;
            if let Entry::Vacant(free) = ports.entry(number) {
                let (sender, receiver) = mpsc::channel(WAITING);
                free.insert(sender);
                return Some(Port { number, switch: Arc::clone(self), receiver: AsyncMutex::new(receiver) });
            }
        }
        None
    }
}

/// One relayed address.
struct Port {
    number: u16,
    switch: Arc<Switch>,
    receiver: AsyncMutex<mpsc::Receiver<Datagram>>,
}

impl Port {
    fn address(&self) -> SocketAddr {
        SocketAddr::new(self.switch.ip, self.number)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.switch.lock().remove(&self.number);
    }
}

#[async_trait]
impl Conn for Port {
    async fn connect(&self, _to: SocketAddr) -> Result<()> {
        Err(Error::ErrUnexpectedNetwork)
    }
    async fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        Ok(self.recv_from(buffer).await?.0)
    }
    async fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        let datagram = self.receiver.lock().await.recv().await.ok_or(Error::ErrUseClosedNetworkConn)?;
        let len = datagram.bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&datagram.bytes[..len]);
        Ok((len, datagram.from))
    }
    async fn send(&self, _bytes: &[u8]) -> Result<usize> {
        Err(Error::ErrUnexpectedNetwork)
    }
    async fn send_to(&self, bytes: &[u8], to: SocketAddr) -> Result<usize> {
        if to.ip() == self.switch.ip
            && let Some(port) = self.switch.lock().get(&to.port())
        {
            let _ = port.try_send(Datagram { bytes: bytes.to_vec(), from: self.address() });
        }
        Ok(bytes.len())
    }
    fn local_addr(&self) -> Result<SocketAddr> {
        Ok(self.address())
    }
    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }
    async fn close(&self) -> Result<()> {
        self.switch.lock().remove(&self.number);
        Ok(())
    }
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}

/// Gives the allocations their addresses. A newtype can't be avoided: neither trait nor `Arc` is ours.
pub struct Addresses(pub Arc<Switch>);

#[async_trait]
impl RelayAddressGenerator for Addresses {
    fn validate(&self) -> std::result::Result<(), turn::Error> {
        Ok(())
    }

    async fn allocate_conn(
        &self,
        use_ipv4: bool,
        requested_port: u16,
    ) -> std::result::Result<(Arc<dyn Conn + Send + Sync>, SocketAddr), turn::Error> {
        if use_ipv4 != self.0.ip.is_ipv4() || requested_port != 0 {
            return Err(turn::Error::ErrMaxRetriesExceeded);
        }
        let port = self.0.open().ok_or(turn::Error::ErrMaxRetriesExceeded)?;
        let address = port.address();
        Ok((Arc::new(port), address))
    }
}
