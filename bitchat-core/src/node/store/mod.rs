//! What the node remembers: records that are read back, and changes that are on their way to the
//! disk.

mod loads;
pub(crate) mod prefix;
mod write_queue;

use super::api::{Action, Change, Event, Failure, Record, StoreUpdate};
use super::outbox::Outbox;
use super::outbox::requests::{Load, Memory, Pending};
use crate::base::ids::{ChannelHandle, RequestId};
use crate::base::time::Timestamp;
use crate::channel::Ticket;
use loads::FailedLoads;
use write_queue::{Outcome, WriteQueue};

/// Records asked for at once.
const PAGE: usize = 512;

/// Who waits for a change to be stored, and what is then to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The node, for which nothing follows.
    Node,
    /// A channel, which shows, sends and acknowledges then what the ticket stands for.
    Channel(ChannelHandle, Ticket),
}

/// What the embedder stores for the node.
#[derive(Debug)]
pub(crate) struct Store {
    writes: WriteQueue<Owner>,
    /// What the store could not read.
    failed_loads: FailedLoads,
    /// The application was told that the store refuses.
    failing: bool,
}

impl Store {
    /// `enabled`: there is a store. Without one, everything counts as stored at once. `limit`: how
    /// many bytes may wait before nothing more is to be accepted.
    pub(crate) fn new(enabled: bool, limit: usize) -> Self {
        let writes = WriteQueue::new(enabled, limit);
        Self { writes, failed_loads: FailedLoads::default(), failing: false }
    }

    /// Stores a change; `owner` hears once it is stored.
    pub(crate) fn add(&mut self, change: Change, owner: Owner) {
        self.writes.add(change, (owner != Owner::Node).then_some(owner));
    }

    /// Stores a change that helps but is not needed, unless the store is far behind.
    pub(crate) fn add_if_room(&mut self, change: Change) {
        if !self.writes.is_full() {
            self.writes.add(change, None);
        }
    }

    /// A record whose key begins with `prefix` is not stored yet.
    pub(crate) fn touches(&self, prefix: &[u8]) -> bool {
        self.writes.touches(prefix)
    }

    /// There is a store.
    pub(crate) const fn is_enabled(&self) -> bool {
        self.writes.is_enabled()
    }

    /// More should not be accepted before the store has caught up.
    pub(crate) fn is_full(&self) -> bool {
        self.writes.is_full()
    }

    /// Nothing waits to be stored.
    pub(crate) fn is_idle(&self) -> bool {
        self.writes.is_idle()
    }

    /// When a refused write, or a page that could not be read, is tried again.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.writes.poll_timeout().into_iter().chain(self.failed_loads.poll_timeout()).min()
    }

    /// Hands the next batch of changes out, if one may go.
    pub(crate) fn write(&mut self, outbox: &mut Outbox) {
        let action = self.writes.poll(outbox.now, || outbox.next_request());
        outbox.actions.extend(action);
    }

    /// Without a store: who waits for what was added so far, which counts as stored.
    pub(crate) fn take_unstored(&mut self) -> Vec<Owner> {
        self.writes.take_unstored()
    }

    /// The store answered to a batch of changes: who waited for it.
    pub(crate) fn on_persist_answer(
        &mut self,
        outbox: &mut Outbox,
        request: RequestId,
        result: Result<(), Failure>,
    ) -> Vec<Owner> {
        match self.writes.on_answer(outbox.now, request, result) {
            Some(Outcome::Stored(owners)) => {
                self.on_works(outbox);
                return owners;
            }
            Some(Outcome::Refused(failure)) => self.on_failed(outbox, failure),
            None => {}
        }
        Vec::new()
    }

    /// Reads the records under `prefix`.
    pub(crate) fn load(outbox: &mut Outbox, load: Load, prefix: Vec<u8>) {
        let after = load.after.clone();
        outbox.ask(Pending::Load(load), |request| Action::Load {
            request,
            prefix,
            after,
            limit: PAGE,
        });
    }

    /// The pages that could not be read and whose time has come.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<Load> {
        self.failed_loads.take_due(now)
    }

    /// A page was read.
    pub(crate) fn on_loaded(&mut self, outbox: &mut Outbox, records: &[Record]) {
        if !records.is_empty() {
            self.writes.on_store_seen();
        }
        self.on_works(outbox);
    }

    /// The store could not read. That is no empty store, so the node waits (BC-11.63), unless it
    /// turns out that there is none: then this is true. `wanted`: somebody still needs the page.
    pub(crate) fn on_load_failed(
        &mut self,
        outbox: &mut Outbox,
        load: Load,
        failure: Failure,
        wanted: bool,
    ) -> bool {
        if failure == Failure::Unsupported && self.writes.run_without_store() {
            self.on_works(outbox);
            return true;
        }
        self.on_failed(outbox, failure);
        if wanted {
            self.failed_loads.add(outbox.now, load);
        }
        false
    }

    /// Nobody wants these records any more.
    pub(crate) fn forget_load(&mut self, of: Memory) {
        self.failed_loads.forget(of);
    }

    /// Nothing more is to be read.
    pub(crate) fn forget_loads(&mut self) {
        self.failed_loads = FailedLoads::default();
    }

    /// The store refused to read or to write; what it refused is tried again.
    fn on_failed(&mut self, outbox: &mut Outbox, failure: Failure) {
        if !core::mem::replace(&mut self.failing, true) {
            outbox.tell(Event::Store(StoreUpdate::Failing { failure }));
        }
    }

    /// The store did something. It works again once nothing that it refused waits.
    fn on_works(&mut self, outbox: &mut Outbox) {
        let retried = |pending: &Pending| matches!(pending, Pending::Load(load) if load.is_retry());
        if self.failing
            && !self.writes.is_failing()
            && self.failed_loads.is_empty()
            && !outbox.awaits(retried)
        {
            self.failing = false;
            outbox.tell(Event::Store(StoreUpdate::Recovered));
        }
    }
}
