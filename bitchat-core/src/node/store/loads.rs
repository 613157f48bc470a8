//! What the store could not read, and is asked for again.

use super::write_queue::{FIRST_RETRY, LAST_RETRY};
use crate::base::time::Timestamp;
use crate::node::outbox::requests::{Load, Memory};

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
