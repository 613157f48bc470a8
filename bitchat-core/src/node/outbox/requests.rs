//! Which part of a node waits for the answer to an action.

use super::Outbox;
use crate::base::ids::{ChannelHandle, RequestId};
use crate::node::api::{Action, Family};
use crate::tracker::interface::TrackerQuery;
use core::time::Duration;

/// Whose records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// The node's own.
    Node,
    /// A channel's.
    Channel(ChannelHandle),
}

/// A page of records that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub of: Memory,
    /// The last key of the page before; empty for the first page.
    pub after: Vec<u8>,
    /// How long this page waited after it had failed; zero at the first try.
    pub waited: Duration,
}

impl Load {
    pub(crate) const fn new(of: Memory, after: Vec<u8>) -> Self {
        Self { of, after, waited: Duration::ZERO }
    }

    /// An earlier try failed.
    pub(crate) const fn is_retry(&self) -> bool {
        !self.waited.is_zero()
    }
}

/// What waits for the answer to an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// A socket of this family.
    Bind(Family),
    /// A channel's announcer.
    Tracker(ChannelHandle, TrackerQuery),
    /// The name of a node of the DHT, and its port.
    Dht(String, u16),
    /// Records of the node, or of a channel.
    Load(Load),
}

impl Outbox {
    /// A new name for a request.
    pub(crate) fn next_request(&mut self) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        request
    }

    /// Asks the world for what `action` makes of a new request; `pending` waits for the answer.
    pub(crate) fn ask(&mut self, pending: Pending, action: impl FnOnce(RequestId) -> Action) {
        let request = self.next_request();
        self.requests.insert(request, pending);
        self.actions.push_back(action(request));
    }

    /// The answer to a request has come: who waits for it, if it is one of `wanted`. An answer to
    /// something else, or to nothing, is the embedder's slip and does no harm.
    pub(crate) fn take_request<T>(
        &mut self,
        request: RequestId,
        wanted: impl FnOnce(&Pending) -> Option<T>,
    ) -> Option<T> {
        let found = wanted(self.requests.get(&request)?)?;
        self.requests.remove(&request);
        Some(found)
    }

    /// Nobody waits for these answers any more.
    pub(crate) fn forget_request(&mut self, unwanted: &Pending) {
        self.requests.retain(|_, pending| pending != unwanted);
    }

    /// Some request is like this.
    pub(crate) fn awaits(&self, like: impl Fn(&Pending) -> bool) -> bool {
        self.requests.values().any(like)
    }
}
