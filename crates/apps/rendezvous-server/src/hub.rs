//! The machine and the ways to its connections, behind one lock that is never held across an await.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use sotto_mailbox::{ConnectionId, Counters, Input, Limits, Now, Output, Rendezvous};
use sotto_wire::server::ServerFrame;
use tokio::sync::mpsc;

use crate::{
    credentials::Issuer,
    origin::AddressKeys,
    os::{OsRandom, unix_now},
};

/// One encoded frame on its way out. Counts against the bytes that wait altogether for as long as it lives.
pub struct Outgoing {
    pub bytes: Vec<u8>,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

struct State {
    machine: Rendezvous,
    writers: HashMap<ConnectionId, mpsc::Sender<Outgoing>>,
    keys: AddressKeys,
    next: u64,
}

/// Shared by all connections.
pub struct Hub {
    state: Mutex<State>,
    issuer: Option<Issuer>,
    start: Instant,
    waiting: Arc<AtomicUsize>,
    outgoing_frames: usize,
    outgoing_bytes: usize,
}

impl Hub {
    pub fn new(limits: Limits, issuer: Option<Issuer>, outgoing_frames: usize, outgoing_bytes: usize) -> Self {
        let machine = Rendezvous::new(limits, issuer.is_some());
        Self {
            state: Mutex::new(State { machine, writers: HashMap::new(), keys: AddressKeys::new(), next: 0 }),
            issuer,
            start: Instant::now(),
            waiting: Arc::default(),
            outgoing_frames,
            outgoing_bytes,
        }
    }

    /// A new connection: its name and its frames. When the queue ends, the connection is to be closed.
    pub fn connect(&self, ip: IpAddr) -> (ConnectionId, mpsc::Receiver<Outgoing>) {
        let (writer, frames) = mpsc::channel(self.outgoing_frames);
        let mut state = self.lock();
        let connection = ConnectionId(state.next);
        state.next += 1;
        state.writers.insert(connection, writer);
        let address = state.keys.key(ip);
        self.run(&mut state, Input::Connected { connection, address });
        (connection, frames)
    }

    /// One binary message came.
    pub fn frame(&self, connection: ConnectionId, bytes: &[u8]) {
        self.run(&mut self.lock(), Input::Frame { connection, bytes });
    }

    /// The connection broke the WebSocket rules: ERR 1, then closed.
    pub fn violation(&self, connection: ConnectionId) {
        // An empty message is malformed to the machine too.
        self.frame(connection, &[]);
    }

    /// The connection is gone.
    pub fn disconnect(&self, connection: ConnectionId) {
        let mut state = self.lock();
        state.writers.remove(&connection);
        self.run(&mut state, Input::Disconnected { connection });
    }

    /// Time passed.
    pub fn tick(&self) {
        let mut state = self.lock();
        let due = state.machine.wake_at().is_some_and(|at| at <= self.now().mono_ms);
        if due {
            self.run(&mut state, Input::Tick);
        }
    }

    pub fn counters(&self) -> Counters {
        self.lock().machine.counters()
    }

    fn now(&self) -> Now {
        let mono_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { mono_ms, unix_s: unix_now() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, state: &mut State, input: Input<'_>) {
        let now = self.now();
        state.machine.handle(now, input, &mut OsRandom);
        // Whoever reads too slowly is disconnected, which may give others something to read.
        loop {
            let mut slow = Vec::new();
            while let Some(output) = state.machine.poll() {
                let (connection, frame) = match output {
                    Output::Send { connection, frame } => (connection, frame),
                    Output::IssueTurn { connection } => {
                        let Some(issuer) = &self.issuer else { continue };
                        (connection, ServerFrame::TurnCredentials(issuer.issue(now.unix_s)))
                    }
                    Output::Close { connection } => {
                        state.writers.remove(&connection);
                        continue;
                    }
                };
                let Some(writer) = state.writers.get(&connection) else { continue };
                if !self.send(writer, frame.encode()) {
                    state.writers.remove(&connection);
                    slow.push(connection);
                }
            }
            if slow.is_empty() {
                break;
            }
            for connection in slow {
                state.machine.handle(now, Input::Disconnected { connection }, &mut OsRandom);
            }
        }
    }

    fn send(&self, writer: &mpsc::Sender<Outgoing>, bytes: Vec<u8>) -> bool {
        let waiting = self.waiting.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        let outgoing = Outgoing { bytes, waiting: Arc::clone(&self.waiting) };
        waiting <= self.outgoing_bytes && writer.try_send(outgoing).is_ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use sotto_wire::{
        CELL_LEN, Cell,
        server::{ClientFrame, MailboxId},
    };

    use super::*;

    #[test]
    fn a_reader_that_does_not_read_is_disconnected_and_its_peer_is_told() {
        let limits = Limits { cells_burst: 1000, ..Limits::default() };
        let hub = Hub::new(limits, None, 8, 1 << 20);
        let ip = "192.0.2.1".parse().unwrap();
        let (a, mut a_frames) = hub.connect(ip);
        let (b, b_frames) = hub.connect(ip);
        for (id, side) in [(a, 1), (b, 0)] {
            hub.frame(id, &ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() }.encode());
            hub.frame(id, &ClientFrame::Open { mailbox: MailboxId([1; 32]), side, owner: [side; 16] }.encode());
        }
        let cell = ClientFrame::Add { channel: 1, cell: Cell::from_bytes(&[1; CELL_LEN]).unwrap() }.encode();
        let mut left = false;
        for _ in 0..20 {
            hub.frame(a, &cell);
            while let Ok(frame) = a_frames.try_recv() {
                left |= frame.bytes[0] == 0x91 && frame.bytes[3] == 0;
            }
        }
        assert!(left, "PEER left");
        assert_eq!(hub.counters().connections, 1);
        assert_eq!(b_frames.len(), 8, "what was queued is still there to be read");
        drop(b_frames);
        assert_eq!(hub.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn bytes_that_wait_are_capped_over_all_connections() {
        let hub = Hub::new(Limits::default(), None, 256, 100);
        let ip = "192.0.2.1".parse().unwrap();
        let kept: Vec<_> = (0..4).map(|_| hub.connect(ip)).collect();
        // WELCOME has 29 bytes: three fit.
        assert_eq!(hub.counters().connections, 3);
        drop(kept);
        assert_eq!(hub.waiting.load(Ordering::Relaxed), 0);
    }
}
