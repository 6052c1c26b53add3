//! A userspace wire between two TUN interfaces, with seeded loss, delay and jitter.
//!
//! One thread a direction reads packets, a second one writes those that wait for their time. Order is kept.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{LabError, Namespace, tun};

/// What a wire does to packets, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairment {
    /// Seed of loss and jitter; the two directions differ.
    pub seed: u64,
    /// Probability that a packet is lost, 0–1.
    pub loss: f64,
    /// Delay of every packet.
    pub delay: Duration,
    /// Largest additional, evenly distributed delay.
    pub jitter: Duration,
}

impl Impairment {
    /// Loses packets at random and does nothing else.
    #[must_use]
    pub fn lossy(seed: u64, loss: f64) -> Self {
        Self { seed, loss, delay: Duration::ZERO, jitter: Duration::ZERO }
    }
}

/// Packets of one direction.
#[derive(Debug, Default)]
pub struct Counters {
    /// Carried.
    pub carried: AtomicU64,
    /// Lost on purpose.
    pub lost: AtomicU64,
}

/// A wire; it carries packets until it is dropped.
#[derive(Debug)]
pub struct Wire {
    stop: Arc<AtomicBool>,
    /// Bits of the probability of a loss, from the first end to the second, and back.
    loss: [Arc<AtomicU64>; 2],
    /// From the first end to the second, and back.
    pub counters: [Arc<Counters>; 2],
    threads: Vec<JoinHandle<()>>,
}

impl Wire {
    /// Makes the interface `a.1` in `a.0` and `b.1` in `b.0` and joins them. The caller gives them addresses.
    ///
    /// # Errors
    /// [`LabError::Io`] without `/dev/net/tun` or the right to use it.
    pub fn join(a: (&Namespace, &str), b: (&Namespace, &str), impairment: Impairment) -> Result<Self, LabError> {
        let (end_a, end_b) = (tun::open(a.0, a.1)?, tun::open(b.0, b.1)?);
        let stop = Arc::new(AtomicBool::new(false));
        let loss = [(); 2].map(|()| Arc::new(AtomicU64::new(impairment.loss.to_bits())));
        let mut wire = Self { stop, loss, counters: Default::default(), threads: Vec::new() };
        wire.direction(end_a.try_clone()?, end_b.try_clone()?, 0, impairment);
        wire.direction(end_b, end_a, 1, impairment);
        Ok(wire)
    }

    /// Changes the probability that a packet is lost, 0–1: from the first end to the second, and back.
    pub fn set_loss(&self, loss: [f64; 2]) {
        for (own, loss) in self.loss.iter().zip(loss) {
            own.store(loss.to_bits(), Ordering::Relaxed);
        }
    }

    fn direction(&mut self, from: File, to: File, index: usize, impairment: Impairment) {
        let (stop, counters) = (Arc::clone(&self.stop), Arc::clone(&self.counters[index]));
        let loss = Arc::clone(&self.loss[index]);
        let (due_sender, due_receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
        self.threads.push(std::thread::spawn(move || {
            read_end(from, &stop, (&counters, &loss), &due_sender, index, impairment);
        }));
        self.threads.push(std::thread::spawn(move || write_end(to, &due_receiver)));
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn read_end(
    mut from: File,
    stop: &AtomicBool,
    (counters, loss): (&Counters, &AtomicU64),
    due: &mpsc::Sender<(Instant, Vec<u8>)>,
    index: usize,
    impairment: Impairment,
) {
    let mut random = Random::new(impairment.seed.wrapping_mul(2).wrapping_add(index as u64));
    let mut packet = [0; 65_536];
    let mut last_due = Instant::now();
    let patience = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    while !stop.load(Ordering::Relaxed) {
        let ready = poll(&mut [PollFd::new(&from, PollFlags::IN)], Some(&patience));
        if !matches!(ready, Ok(1..)) {
            continue;
        }
        let Ok(length) = from.read(&mut packet) else { continue };
        if random.unit() < f64::from_bits(loss.load(Ordering::Relaxed)) {
            counters.lost.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        counters.carried.fetch_add(1, Ordering::Relaxed);
        // Never before the packet in front of it: a wire does not reorder.
        last_due = last_due.max(Instant::now() + impairment.delay + impairment.jitter.mul_f64(random.unit()));
        if due.send((last_due, packet[..length].to_vec())).is_err() {
            return;
        }
    }
}

fn write_end(mut to: File, due: &mpsc::Receiver<(Instant, Vec<u8>)>) {
    while let Ok((when, packet)) = due.recv() {
        std::thread::sleep(when.saturating_duration_since(Instant::now()));
        // The interface may be down by now: a wire tells nobody.
        let _ = to.write_all(&packet);
    }
}

/// SplitMix64: small, seeded, good enough to lose packets by.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// Evenly distributed in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Fills a buffer.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.bits().to_le_bytes()[..chunk.len()]);
        }
    }
}
