//! A client and a therapist that meet again by a new invite stay one contact (PROTOCOL §6.4).

use sotto_identity::records::ContactRecord;

use super::Room;
use crate::{ctx::Ctx, host::relinked, io::Change};

impl Room {
    /// A client has met a therapist again by a new invite: its secrets go to the contact that was there before, as one
    /// whose words are to be compared. The contact that it is from now on.
    pub(super) fn merge_relinked(&mut self, ctx: &mut Ctx<'_>, fresh: u64) -> u64 {
        let Some(record) = self.contacts.get(&fresh).filter(|record| !record.pairing) else { return fresh };
        let known = self.contacts.values().find(|other| !other.pairing && is_same_pair(other, record));
        let Some(merged) = known.map(|known| Box::new(relinked(known, (**record).clone()))) else { return fresh };
        let id = merged.id;
        ctx.store(Change::PutContact(merged.clone()));
        ctx.store(Change::RemoveContact(fresh));
        self.contacts.remove(&fresh);
        self.contacts.insert(id, merged);
        id
    }

    /// A new invite of the same therapist whose acknowledgement was lost: its secrets may be the ones that hold.
    pub(crate) fn unanswered_relink(&self, record: &ContactRecord) -> Option<&ContactRecord> {
        self.contacts.values().map(|other| &**other).find(|other| other.pairing && is_same_pair(other, record))
    }

    /// What a crash may have left between two writes: the newer one has the secrets that hold.
    pub(super) fn merge_leftovers(&mut self, ctx: &mut Ctx<'_>) {
        let mut ids: Vec<(u64, u64)> = self.contacts.values().map(|record| (record.created, record.id)).collect();
        ids.sort_unstable();
        for (_, id) in ids.into_iter().rev() {
            self.merge_relinked(ctx, id);
        }
    }
}

/// Two contacts of a client that are the same two keys.
fn is_same_pair(one: &ContactRecord, other: &ContactRecord) -> bool {
    let own = |record: &ContactRecord| record.own_key(None).map(|key| *key.public().as_bytes());
    one.id != other.id && one.peer_public == other.peer_public && own(one).is_some() && own(one) == own(other)
}
