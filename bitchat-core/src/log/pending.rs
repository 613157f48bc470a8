//! Records that were handed out to be stored, in order: a record counts once it and everything
//! before it is stored.

use crate::base::ids::EntryId;
use std::collections::VecDeque;

/// Names one record handed out to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

#[derive(Debug)]
struct Slot {
    /// The entry that becomes visible; `None` for keys and proofs.
    entry: Option<EntryId>,
    stored: bool,
}

/// A queue of records that are not known to be durable. A ticket is the number of a slot.
#[derive(Debug, Default)]
pub(super) struct Pending {
    slots: VecDeque<Slot>,
    /// The number of the first slot.
    first: u64,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Queues a record, which goes out under the returned ticket.
    pub(super) fn push(&mut self, entry: Option<EntryId>) -> Ticket {
        let ticket = Ticket(self.first + self.slots.len() as u64);
        self.slots.push_back(Slot { entry, stored: false });
        ticket
    }

    /// Queues an entry that is stored already: it only waits for what is before it.
    pub(super) fn push_stored(&mut self, entry: EntryId) {
        self.slots.push_back(Slot { entry: Some(entry), stored: true });
    }

    /// A record is durable. Unknown tickets are ignored.
    pub(super) fn on_persisted(&mut self, ticket: Ticket) {
        let slot = ticket.0.checked_sub(self.first).and_then(|slot| usize::try_from(slot).ok());
        if let Some(slot) = slot.and_then(|slot| self.slots.get_mut(slot)) {
            slot.stored = true;
        }
    }

    /// The next entry that nothing undurable is before.
    pub(super) fn next_durable(&mut self) -> Option<EntryId> {
        while self.slots.front().is_some_and(|slot| slot.stored) {
            self.first += 1;
            if let Some(entry) = self.slots.pop_front()?.entry {
                return Some(entry);
            }
        }
        None
    }
}
