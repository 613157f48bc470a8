//! Reading the store: what is asked for, and what failed and is asked for again.

use crate::base::ids::ChannelHandle;
use crate::base::time::Timestamp;
use crate::node::store::write_queue::{FIRST_RETRY, LAST_RETRY};
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
    waited: Duration,
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

/// The pages that could not be read. There is at most one for each channel, and one for the node.
#[derive(Debug, Default)]
pub(crate) struct FailedLoads {
    waiting: Vec<(Timestamp, Load)>,
}

impl FailedLoads {
    /// A page is to be tried again: after 1 s, then 2 s, up to 30 s (BC-11.63).
    pub(crate) fn add(&mut self, now: Timestamp, mut load: Load) {
        load.waited = (load.waited * 2).clamp(FIRST_RETRY, LAST_RETRY);
        self.waiting.push((now + load.waited, load));
    }

    /// Nobody wants these records any more.
    pub(crate) fn forget(&mut self, of: Memory) {
        self.waiting.retain(|(_, load)| load.of != of);
    }

    /// The pages whose time has come.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<Load> {
        self.waiting.extract_if(.., |(at, _)| *at <= now).map(|(_, load)| load).collect()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|(at, _)| *at).min()
    }
}
