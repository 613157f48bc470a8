//! When a channel in which nobody is linked asks its trackers for more peers (BC-10.60).

use crate::base::time::Timestamp;
use core::time::Duration;

/// A channel whose last member went asks its trackers for more at the earliest when as much time has
/// passed since it last did.
const REST: Duration = Duration::from_secs(10 * 60);
/// Where nobody is linked the trackers are asked again after this.
const AGAIN: Duration = Duration::from_secs(30 * 60);

/// The demand of one channel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PeerDemand {
    began: Timestamp,
    next: Timestamp,
}

impl PeerDemand {
    /// The trackers are asked.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        *self = Self { began: now, next: now + AGAIN };
    }

    /// The last member is gone: the trackers are asked again, soon.
    pub(crate) fn reannounce(&mut self, now: Timestamp) {
        self.next = self.next.min(now.max(self.began + REST));
    }

    /// When the trackers are asked for more, if nobody comes.
    pub(crate) const fn next(&self) -> Timestamp {
        self.next
    }
}
