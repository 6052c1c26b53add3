//! A TCP connection in the middle that can be cut and mended: the rendezvous server goes, its relay stays.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Passes connections on to another address until it is cut.
#[derive(Debug)]
pub struct Proxy {
    state: Arc<State>,
    address: SocketAddr,
}

#[derive(Debug)]
struct State {
    target: String,
    cut: AtomicBool,
    over: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Listens on loopback.
    ///
    /// # Panics
    /// If loopback has no free port.
    #[must_use]
    pub fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        listener.set_nonblocking(true).expect("sockets can be non-blocking");
        let state = Arc::new(State {
            target: target.to_owned(),
            cut: AtomicBool::new(false),
            over: AtomicBool::new(false),
            streams: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            while !shared.over.load(Ordering::Relaxed) {
                match listener.accept() {
                    // Cut: the connection is accepted by the kernel and closed at once.
                    Ok((stream, _)) if !shared.cut.load(Ordering::Relaxed) => shared.pass(stream),
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(Duration::from_millis(10)),
                }
            }
        });
        Self { state, address }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections and lets no new ones through.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::Relaxed);
        for stream in self.state.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::Relaxed);
    }
}

impl State {
    fn pass(&self, near: TcpStream) {
        let Ok(far) = TcpStream::connect(&self.target) else { return };
        let _ = near.set_nonblocking(false);
        for stream in [&near, &far] {
            if let Ok(stream) = stream.try_clone() {
                self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
            }
        }
        if let (Ok(near2), Ok(far2)) = (near.try_clone(), far.try_clone()) {
            std::thread::spawn(move || pump(near, far));
            std::thread::spawn(move || pump(far2, near2));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.state.over.store(true, Ordering::Relaxed);
    }
}
