//! What is remembered per network address: only counts, only while a limit needs them.

use std::collections::BTreeMap;

use crate::{
    AddressKey, Limits,
    rate::{HOUR_MS, SlidingLog},
};

/// How often entries that no limit needs any more are swept out, ms.
const SWEEP_MS: u64 = 60_000;

#[derive(Clone, Default, Hash)]
struct Usage {
    allocs: SlidingLog,
    claims: SlidingLog,
    failures: SlidingLog,
    paused_until: u64,
    turns: SlidingLog,
}

impl Usage {
    fn idle(&mut self, now_ms: u64) -> bool {
        self.allocs.count(now_ms, HOUR_MS) == 0
            && self.claims.count(now_ms, HOUR_MS) == 0
            && self.failures.count(now_ms, HOUR_MS) == 0
            && self.turns.count(now_ms, HOUR_MS) == 0
            && self.paused_until <= now_ms
    }
}

/// Limits per address.
#[derive(Clone, Default, Hash)]
pub struct Addresses {
    usage: BTreeMap<AddressKey, Usage>,
    next_sweep: u64,
}

impl Addresses {
    /// Remembered addresses.
    pub fn len(&self) -> usize {
        self.usage.len()
    }

    /// `None` when the table is full of addresses that still count.
    fn entry(&mut self, now_ms: u64, key: AddressKey, limits: &Limits) -> Option<&mut Usage> {
        if self.usage.len() >= limits.addresses && !self.usage.contains_key(&key) {
            self.sweep(now_ms);
            if self.usage.len() >= limits.addresses {
                return None;
            }
        }
        Some(self.usage.entry(key).or_default())
    }

    /// One ALLOC.
    pub fn take_alloc(&mut self, now_ms: u64, key: AddressKey, limits: &Limits) -> bool {
        self.entry(now_ms, key, limits).is_some_and(|usage| usage.allocs.take(now_ms, limits.allocs_per_hour, HOUR_MS))
    }

    /// One CLAIM, refused also during the pause after too many unknown nameplates.
    pub fn take_claim(&mut self, now_ms: u64, key: AddressKey, limits: &Limits) -> bool {
        self.entry(now_ms, key, limits).is_some_and(|usage| {
            usage.paused_until <= now_ms && usage.claims.take(now_ms, limits.claims_per_hour, HOUR_MS)
        })
    }

    /// A CLAIM named an unknown nameplate.
    pub fn claim_failed(&mut self, now_ms: u64, key: AddressKey, limits: &Limits) {
        if let Some(usage) = self.entry(now_ms, key, limits) {
            usage.failures.take(now_ms, limits.claim_failures, HOUR_MS);
            if usage.failures.count(now_ms, HOUR_MS) >= limits.claim_failures {
                usage.failures.clear();
                usage.paused_until = now_ms.saturating_add(limits.claim_pause_ms);
            }
        }
    }

    /// One TURN.
    pub fn take_turn(&mut self, now_ms: u64, key: AddressKey, limits: &Limits) -> bool {
        self.entry(now_ms, key, limits)
            .is_some_and(|usage| usage.turns.take(now_ms, limits.turn_per_address_hour, HOUR_MS))
    }

    /// When the next sweep is due, if there is anything to sweep.
    pub fn wake_at(&self) -> Option<u64> {
        (!self.usage.is_empty()).then_some(self.next_sweep)
    }

    /// Sweeps when due.
    pub fn expire(&mut self, now_ms: u64) {
        if now_ms >= self.next_sweep {
            self.sweep(now_ms);
        }
    }

    fn sweep(&mut self, now_ms: u64) {
        self.usage.retain(|_, usage| !usage.idle(now_ms));
        self.next_sweep = now_ms.saturating_add(SWEEP_MS);
    }
}
