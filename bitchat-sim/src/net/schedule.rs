//! What happens when: first by time, then in the order in which it was planned.

use bitchat_core::base::time::Timestamp;
use std::collections::BTreeMap;

/// Things planned for points in time.
#[derive(Debug)]
pub struct Schedule<T> {
    items: BTreeMap<(Timestamp, u64), T>,
    planned: u64,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), planned: 0 }
    }
}

impl<T> Schedule<T> {
    /// Plans `item` for `at`.
    pub fn push(&mut self, at: Timestamp, item: T) {
        self.items.insert((at, self.planned), item);
        self.planned += 1;
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.items.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next thing planned for `now` or earlier.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<T> {
        if self.next_at()? > now {
            return None;
        }
        self.items.pop_first().map(|(_, item)| item)
    }

    /// How many things are planned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Nothing is planned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
