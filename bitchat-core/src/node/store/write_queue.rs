//! What is on its way to stable storage.
//!
//! Changes collect until the batch before them is stored, so that one slow disk write carries
//! everything that came meanwhile. A batch that the store refused is kept and tried again: nothing
//! is given up, and nothing that waits for it happens (spec 11).

use crate::base::ids::RequestId;
use crate::base::time::Timestamp;
use crate::node::api::{Action, Change, Failure};
use core::time::Duration;

/// What the store refused is tried again after so long,
pub(crate) const FIRST_RETRY: Duration = Duration::from_secs(1);
/// then ever later, up to this.
pub(crate) const LAST_RETRY: Duration = Duration::from_secs(30);

/// What the store's answer means for the node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome<T> {
    /// The batch is stored, or there is no store.
    Stored(Vec<T>),
    /// The batch waits for another try.
    Refused(Failure),
}

#[derive(Debug)]
struct Batch<T> {
    changes: Vec<Change>,
    tickets: Vec<T>,
    bytes: usize,
}

impl<T> Batch<T> {
    const fn empty() -> Self {
        Self { changes: Vec::new(), tickets: Vec::new(), bytes: 0 }
    }
}

/// Collects changes, hands them out in batches, one at a time, and remembers who waits for them.
#[derive(Debug)]
pub(crate) struct WriteQueue<T> {
    enabled: bool,
    /// The store gave or took records: it is one.
    store_seen: bool,
    limit: usize,
    next: Batch<T>,
    outstanding: Option<(RequestId, Batch<T>)>,
    /// The store refused `outstanding`; it is tried again then.
    retry: Option<(Timestamp, Duration)>,
}

impl<T> WriteQueue<T> {
    /// `enabled`: there is a store. Without one, everything counts as stored at once.
    pub(crate) const fn new(enabled: bool, limit: usize) -> Self {
        Self {
            enabled,
            store_seen: false,
            limit,
            next: Batch::empty(),
            outstanding: None,
            retry: None,
        }
    }

    /// Adds a change; `ticket` comes back once it is stored.
    pub(crate) fn add(&mut self, change: Change, ticket: Option<T>) {
        let size = match &change {
            Change::Put(record) => record.key.len() + record.value.len(),
            Change::Delete(key) => key.len(),
        };
        self.next.bytes += size + 64;
        if self.enabled {
            self.next.changes.push(change);
        }
        self.next.tickets.extend(ticket);
    }

    /// A record whose key begins with `prefix` is not stored yet.
    pub(crate) fn touches(&self, prefix: &[u8]) -> bool {
        let outstanding = self.outstanding.iter().flat_map(|(_, batch)| &batch.changes);
        self.next.changes.iter().chain(outstanding).any(|change| match change {
            Change::Put(record) => record.key.starts_with(prefix),
            Change::Delete(key) => key.starts_with(prefix),
        })
    }

    /// More should not be accepted before the store has caught up.
    pub(crate) fn is_full(&self) -> bool {
        let outstanding = self.outstanding.as_ref().map_or(0, |(_, batch)| batch.bytes);
        self.next.bytes + outstanding >= self.limit
    }

    /// Nothing waits to be stored.
    pub(crate) fn is_idle(&self) -> bool {
        self.next.changes.is_empty() && self.next.tickets.is_empty() && self.outstanding.is_none()
    }

    /// A store answers.
    pub(crate) const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// A batch that the store refused waits.
    pub(crate) const fn is_failing(&self) -> bool {
        self.retry.is_some()
    }

    /// The store gave records back.
    pub(crate) const fn on_store_seen(&mut self) {
        self.store_seen = true;
    }

    /// The embedder offers no store: from now on everything counts as stored (BC-11.61). False, and
    /// nothing changes, if there was a store before. To forget now what it remembers would make this
    /// node write two entries of one number after its next start (BC-11.62).
    pub(crate) fn run_without_store(&mut self) -> bool {
        if self.store_seen {
            return false;
        }
        self.enabled = false;
        self.retry = None;
        let refused = self.outstanding.take().map(|(_, batch)| batch.tickets);
        let mut tickets = refused.unwrap_or_default();
        tickets.append(&mut self.next.tickets);
        self.next = Batch { tickets, ..Batch::empty() };
        true
    }

    /// Without a store: everything added so far, which counts as stored.
    pub(crate) fn take_unstored(&mut self) -> Vec<T> {
        if self.enabled {
            return Vec::new();
        }
        core::mem::replace(&mut self.next, Batch::empty()).tickets
    }

    /// The next batch, if one may go: `request` names it.
    pub(crate) fn poll(
        &mut self,
        now: Timestamp,
        request: impl FnOnce() -> RequestId,
    ) -> Option<Action> {
        if let Some((at, _)) = self.retry {
            // The refused batch goes again under a new name.
            if now < at {
                return None;
            }
            let (id, batch) = self.outstanding.as_mut()?;
            let delay = self.retry.map_or(FIRST_RETRY, |(_, delay)| (delay * 2).min(LAST_RETRY));
            self.retry = Some((Timestamp::FAR_FUTURE, delay));
            *id = request();
            return Some(Action::Persist { request: *id, changes: batch.changes.clone() });
        }
        if self.outstanding.is_some() || self.next.changes.is_empty() {
            return None;
        }
        let batch = core::mem::replace(&mut self.next, Batch::empty());
        let request = request();
        let changes = batch.changes.clone();
        self.outstanding = Some((request, batch));
        Some(Action::Persist { request, changes })
    }

    /// The store answered; `None` if the answer is to nothing that waits.
    pub(crate) fn on_answer(
        &mut self,
        now: Timestamp,
        request: RequestId,
        result: Result<(), Failure>,
    ) -> Option<Outcome<T>> {
        if self.outstanding.as_ref().is_none_or(|(id, _)| *id != request) {
            return None;
        }
        match result {
            Ok(()) => {
                self.store_seen = true;
                self.retry = None;
                let tickets = self.outstanding.take().map(|(_, batch)| batch.tickets);
                Some(Outcome::Stored(tickets.unwrap_or_default()))
            }
            Err(Failure::Unsupported) if self.run_without_store() => {
                Some(Outcome::Stored(self.take_unstored()))
            }
            Err(failure) => {
                let delay = self.retry.map_or(FIRST_RETRY, |(_, delay)| delay);
                self.retry = Some((now + delay, delay));
                Some(Outcome::Refused(failure))
            }
        }
    }

    /// When a refused batch is tried again.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.retry.map(|(at, _)| at).filter(|at| *at != Timestamp::FAR_FUTURE)
    }
}

#[cfg(test)]
mod tests;
