//! The hourly mailboxes of one relationship (PROTOCOL §3.3).

use std::collections::BTreeMap;

use sotto_handshake::address;
use sotto_identity::Secret;
use sotto_wire::{Role, server::MailboxId};

use crate::{
    ctx::Ctx,
    io::{ServerRequest, ServerUrl},
};

/// How often the set of slots is looked at.
pub(crate) const LOOK_EVERY_MS: u64 = 15_000;
/// From hh:50 on the mailbox of the next hour is opened, after a random delay of at most this, s (PROTOCOL §3.3).
const MAX_DELAY_S: u64 = 120;
const NEXT_FROM_S: u64 = 3_000;
/// A clock that differs more from the server's than this is wrong.
pub(crate) const CLOCK_TOLERANCE_S: u64 = 600;

/// Mailboxes that this side holds open for one `K_rdv`.
pub(crate) struct Addresses {
    server: ServerUrl,
    key: Secret<32>,
    role: Role,
    device: Secret<32>,
    open: BTreeMap<u64, Slot>,
    /// The next hour, and how long after hh:50 its mailbox is opened, s.
    next: Option<(u64, u64)>,
}

struct Slot {
    mailbox: MailboxId,
    present: bool,
}

impl Addresses {
    pub(crate) const fn new(server: ServerUrl, key: Secret<32>, role: Role, device: Secret<32>) -> Self {
        Self { server, key, role, device, open: BTreeMap::new(), next: None }
    }

    /// Opens the slots of now (and of the server's clock, where it differs much), closes the others but `keep`.
    pub(crate) fn update(&mut self, ctx: &mut Ctx<'_>, server_unix: Option<u64>, keep: Option<MailboxId>) {
        let mut wanted: Vec<u64> = address::slots(ctx.now.unix);
        wanted.retain(|slot| self.is_due(ctx, *slot));
        if let Some(unix) = server_unix
            && unix.abs_diff(ctx.now.unix) > CLOCK_TOLERANCE_S
        {
            wanted.extend(address::slots(unix));
        }
        let stale: Vec<u64> = self.open.keys().copied().filter(|slot| !wanted.contains(slot)).collect();
        for slot in stale {
            if let Some(entry) = self.open.get(&slot)
                && keep != Some(entry.mailbox)
            {
                ctx.server(&self.server, ServerRequest::Close(entry.mailbox));
                self.open.remove(&slot);
            }
        }
        for slot in wanted {
            if self.open.contains_key(&slot) {
                continue;
            }
            let mailbox = MailboxId(address::rendezvous_address(&self.key, slot));
            let owner = address::owner_tag(&self.device, &mailbox.0, self.role);
            ctx.server(
                &self.server,
                ServerRequest::Open { mailbox, side: self.role.direction(), owner, slot: Some(slot) },
            );
            self.open.insert(slot, Slot { mailbox, present: false });
        }
    }

    /// The next hour's mailbox waits for its moment; all others are due.
    fn is_due(&mut self, ctx: &mut Ctx<'_>, slot: u64) -> bool {
        if slot <= ctx.now.unix / 3600 || self.open.contains_key(&slot) {
            return true;
        }
        let delay_s = match self.next {
            Some((next, delay_s)) if next == slot => delay_s,
            _ => ctx.random_u64() % (MAX_DELAY_S + 1),
        };
        self.next = Some((slot, delay_s));
        ctx.now.unix % 3600 >= NEXT_FROM_S + delay_s
    }

    /// Gives all sides up, but the mailbox that a session still uses.
    pub(crate) fn close(&mut self, ctx: &mut Ctx<'_>, keep: Option<MailboxId>) {
        for slot in core::mem::take(&mut self.open).into_values() {
            if keep != Some(slot.mailbox) {
                ctx.server(&self.server, ServerRequest::Close(slot.mailbox));
            }
        }
    }

    pub(crate) fn mailboxes(&self) -> Vec<[u8; 32]> {
        self.open.values().map(|slot| slot.mailbox.0).collect()
    }

    pub(crate) fn holds(&self, mailbox: MailboxId) -> bool {
        self.open.values().any(|slot| slot.mailbox == mailbox)
    }

    pub(crate) fn set_present(&mut self, mailbox: MailboxId, present: bool) {
        for slot in self.open.values_mut().filter(|slot| slot.mailbox == mailbox) {
            slot.present = present;
        }
    }

    /// The server closed the channel; it is opened again at the next update.
    pub(crate) fn forget(&mut self, mailbox: MailboxId) {
        self.open.retain(|_, slot| slot.mailbox != mailbox);
    }

    /// The newest mailbox where the other side is.
    pub(crate) fn newest_present(&self) -> Option<MailboxId> {
        self.open.values().rev().find(|slot| slot.present).map(|slot| slot.mailbox)
    }
}
