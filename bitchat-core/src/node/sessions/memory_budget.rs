//! What the buffers of all links take together.

use crate::link::Link;

/// Shares out what windows and send buffers may grow by: who comes first is served first, and what a
/// link gives back, or leaves at its end, is there for others.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    limit: u64,
    used: u64,
}

impl MemoryBudget {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    /// Runs a link, which may grow by what is left.
    pub(crate) fn watch<T>(&mut self, link: &mut Link, body: impl FnOnce(&mut Link) -> T) -> T {
        let before = link.growth();
        link.allow_growth(self.limit.saturating_sub(self.used));
        let result = body(link);
        self.used = (self.used + link.growth()).saturating_sub(before);
        result
    }

    /// A link is over.
    pub(crate) fn forget(&mut self, link: &Link) {
        self.used = self.used.saturating_sub(link.growth());
    }
}
