//! What was handed out to be stored, in order: nothing counts before everything ahead of it does.

use super::entry::AuthorId;
use super::sink::Ticket;
use crate::base::ids::EntryId;
use crate::base::time::Timestamp;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The own log key of a generation.
    Key(u32),
    /// An accepted entry.
    Entry(EntryId),
    /// What convicts an author.
    Proof(AuthorId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Out,
    Failed,
    Done,
}

/// A queue of records that are not known to be durable.
#[derive(Debug)]
pub(super) struct Pending {
    slots: VecDeque<(Item, State)>,
    /// The number of the first slot.
    first: u64,
    tickets: BTreeMap<Ticket, u64>,
    next_ticket: u64,
    retry_at: Option<Timestamp>,
    retry_in: Duration,
}

impl Pending {
    pub(super) const fn new() -> Self {
        Self {
            slots: VecDeque::new(),
            first: 0,
            tickets: BTreeMap::new(),
            next_ticket: 0,
            retry_at: None,
            retry_in: RETRY_FIRST,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Queues an item; its record goes out under the returned ticket.
    pub(super) fn push(&mut self, item: Item) -> Ticket {
        let slot = self.first + self.slots.len() as u64;
        self.slots.push_back((item, State::Out));
        self.ticket(slot)
    }

    /// Queues an item that is stored already: it only waits for what is ahead of it.
    pub(super) fn push_stored(&mut self, item: Item) {
        self.slots.push_back((item, State::Done));
    }

    fn ticket(&mut self, slot: u64) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.tickets.insert(ticket, slot);
        ticket
    }

    fn answer(&mut self, ticket: Ticket, state: State) -> Option<Item> {
        let slot = self.tickets.remove(&ticket)?.checked_sub(self.first)?;
        let (item, old) = self.slots.get_mut(usize::try_from(slot).ok()?)?;
        *old = state;
        Some(*item)
    }

    /// A record is durable: hands out every item that has nothing undurable ahead of it.
    pub(super) fn on_persisted(&mut self, ticket: Ticket) -> Vec<Item> {
        if self.answer(ticket, State::Done).is_none() {
            return Vec::new();
        }
        self.retry_in = RETRY_FIRST;
        let mut ready = Vec::new();
        while let Some((item, State::Done)) = self.slots.front().copied() {
            self.slots.pop_front();
            self.first += 1;
            ready.push(item);
        }
        ready
    }

    /// A record could not be stored; it goes out again later.
    pub(super) fn on_failed(&mut self, now: Timestamp, ticket: Ticket) -> Option<Item> {
        let item = self.answer(ticket, State::Failed)?;
        if self.retry_at.is_none() {
            self.retry_at = Some(now + self.retry_in);
            self.retry_in = (self.retry_in * 2).min(RETRY_MAX);
        }
        Some(item)
    }

    /// At its deadline: what to hand out again.
    pub(super) fn on_timeout(&mut self, now: Timestamp) -> Vec<(Ticket, Item)> {
        if self.retry_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.retry_at = None;
        let mut failed = Vec::new();
        for (at, (item, state)) in self.slots.iter_mut().enumerate() {
            if *state == State::Failed {
                *state = State::Out;
                failed.push((self.first + at as u64, *item));
            }
        }
        failed.into_iter().map(|(slot, item)| (self.ticket(slot), item)).collect()
    }

    pub(super) const fn poll_timeout(&self) -> Option<Timestamp> {
        self.retry_at
    }
}
