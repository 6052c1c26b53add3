//! The `Runtime` that `webrtc` runs on: tokio, with our sockets, a driver that goes round again before it sleeps, and a
//! notice when it ends.

use core::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};
use std::{io, net::ToSocketAddrs, sync::Arc};

use tokio::sync::mpsc;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use crate::{knobs::Knobs, rebinds::Rebinds, socket::CallSocket, sources::Sources, supervisor::Signal};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Rounds of the driver before it sleeps, beside the one it was woken for.
const MORE_ROUNDS: u8 = 2;

/// What the crate waits for elsewhere than in its driver, and is left alone: `close()` for the driver, and a data channel
/// for room.
const NOT_THE_DRIVERS: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(50)];

/// See the module.
pub(crate) struct CallRuntime {
    pub knobs: Knobs,
    pub signals: mpsc::Sender<Signal>,
    pub sources: Arc<Sources>,
    pub rebinds: Arc<Rebinds>,
    /// How often the driver has gone round since it was woken.
    pub rounds: Arc<AtomicU8>,
}

impl core::fmt::Debug for CallRuntime {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CallRuntime")
    }
}

impl Runtime for CallRuntime {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        // The crate spawns its driver and nothing else. When DTLS fails, the driver just returns and the state stays
        // "connecting" for ever: this notice is how we learn of it.
        let signals = self.signals.clone();
        TokioRuntime.spawn(Box::pin(async move {
            future.await;
            // Dropped when full: the connect timers catch it.
            let _ = signals.try_send(Signal::DriverEnded);
        }))
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        self.rebinds.note(&self.signals);
        let options = socket2::SockRef::from(&socket);
        // A key frame of 100 packets in one go must not overrun the default 208 KiB while the machine is loaded.
        // What the system doesn't allow stays as it is.
        let _ = options.set_recv_buffer_size(1 << 20);
        let _ = options.set_send_buffer_size(1 << 20);
        let inner = TokioRuntime.wrap_udp_socket(socket)?;
        Ok(Arc::new(CallSocket::new(inner, self.knobs.clone(), self.signals.clone(), self.sources.clone())))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, _: SocketAddr) -> BoxFuture<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        Box::pin(async { Err(io::Error::from(io::ErrorKind::Unsupported)) })
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            // Names that we didn't resolve ourselves are nobody's business (no lookup for what a peer sent).
            self.sources.resolve(host).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if NOT_THE_DRIVERS.contains(&duration) {
            return TokioRuntime.sleep(duration);
        }
        // The driver sends what is in the relay's queue and then fills it from the connection's. So each packet that goes
        // by a relay waited for whatever woke the driver next, 3 ms of every 20 at worst. One round more sends what the
        // application gave; an answer to what came by the relay takes another.
        if self.knobs.more_rounds && self.rounds.load(Ordering::Acquire) < MORE_ROUNDS {
            let rounds = self.rounds.clone();
            return Box::pin(async move {
                rounds.fetch_add(1, Ordering::AcqRel);
            });
        }
        self.rounds.store(0, Ordering::Release);
        TokioRuntime.sleep(self.knobs.sleep_cap.map_or(duration, |cap| duration.min(cap)))
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn yield_now(&self) -> BoxFuture<'static, ()> {
        TokioRuntime.yield_now()
    }

    fn name(&self) -> &'static str {
        "call"
    }
}

/// Where sockets are bound. Asked anew for each bind, so that a restart follows a network change.
pub(crate) enum Bind {
    /// The local addresses from which the relays are reached, and no other interface. Works on loopback, too.
    TowardsRelays(Arc<Sources>),
    /// Each interface.
    Everywhere,
}

/// The address of this computer from which `relay` is reached; `None` without a route. Connecting a UDP socket sends
/// nothing: the kernel only picks the route.
pub(crate) fn towards(relay: SocketAddr) -> Option<IpAddr> {
    let any = if relay.is_ipv4() { IpAddr::from([0, 0, 0, 0]) } else { IpAddr::from([0_u16; 8]) };
    let probe = std::net::UdpSocket::bind((any, 0)).ok()?;
    probe.connect(relay).ok()?;
    probe.local_addr().ok().map(|local| local.ip())
}

impl ToSocketAddrs for Bind {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let any_v4 = SocketAddr::from(([0, 0, 0, 0], 0));
        let any_v6 = SocketAddr::from(([0_u16; 8], 0));
        let mut addresses = Vec::new();
        match self {
            Self::Everywhere => addresses.extend([any_v4, any_v6]),
            Self::TowardsRelays(sources) => {
                for relay in sources.relay_addresses() {
                    if let Some(local) =
                        towards(relay).map(|ip| SocketAddr::new(ip, 0)).filter(|ip| !addresses.contains(ip))
                    {
                        addresses.push(local);
                    }
                }
            }
        }
        Ok(addresses.into_iter())
    }
}
