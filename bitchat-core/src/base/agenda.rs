//! Deadlines of many items, so that a call walks the items that are due and not all that exist.

use super::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A moment, and in a word why something is due then.
pub type Deadline = (Timestamp, &'static str);

/// The deadlines of the items of one kind, by the items' names.
///
/// Whoever changes an item *touches* it here: the item is *dirty*, that is, its deadline may be
/// another than the noted one. Once the deadline is noted again the item is *settled*. So a question
/// for the next deadline looks at the dirty items and at the first of the settled ones.
#[derive(Debug)]
pub struct Agenda<K> {
    dirty: BTreeSet<K>,
    /// The noted deadlines. Those of dirty items may be out of date.
    noted: BTreeMap<(Timestamp, K), &'static str>,
}

/// Where an item stands in an agenda; kept beside the item.
#[derive(Debug, Default)]
pub struct Place(Option<Timestamp>);

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self { dirty: BTreeSet::new(), noted: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Agenda<K> {
    /// The item is new, or about to change.
    pub fn touch(&mut self, item: K) {
        self.dirty.insert(item);
    }

    /// The item is gone.
    pub fn remove(&mut self, item: K, place: &Place) {
        self.dirty.remove(&item);
        if let Some(at) = place.0 {
            self.noted.remove(&(at, item));
        }
    }

    /// The first item that was touched and not settled.
    #[must_use]
    pub fn dirty(&self) -> Option<K> {
        self.dirty.first().copied()
    }

    /// Notes the present deadline of an item, which is settled now.
    pub fn settle(&mut self, item: K, place: &mut Place, next: Option<Deadline>) {
        self.dirty.remove(&item);
        let at = next.map(|(at, _)| at);
        let before = core::mem::replace(&mut place.0, at);
        if let Some(before) = before.filter(|before| Some(*before) != at) {
            self.noted.remove(&(before, item));
        }
        if let Some((at, why)) = next {
            self.noted.insert((at, item), why);
        }
    }

    /// The next deadline of all. `deadline` gives that of a dirty item.
    pub fn next(&self, deadline: impl Fn(K) -> Option<Deadline>) -> Option<Deadline> {
        let settled = self.noted.iter().find(|((_, item), _)| !self.dirty.contains(item));
        let settled = settled.map(|((at, _), why)| (*at, *why));
        self.dirty.iter().filter_map(|item| deadline(*item)).chain(settled).min()
    }

    /// The items that are due, in the order of their names. `deadline` gives that of a dirty item.
    pub fn due(&self, now: Timestamp, deadline: impl Fn(K) -> Option<Deadline>) -> BTreeSet<K> {
        let mut due = self.dirty_due(now, deadline);
        let settled = self.noted.keys().take_while(|(at, _)| *at <= now).map(|(_, item)| *item);
        due.extend(settled.filter(|item| !self.dirty.contains(item)));
        due
    }

    /// The dirty ones of the items that are due.
    pub fn dirty_due(
        &self,
        now: Timestamp,
        deadline: impl Fn(K) -> Option<Deadline>,
    ) -> BTreeSet<K> {
        let is_due = |item: &K| deadline(*item).is_some_and(|(at, _)| at <= now);
        self.dirty.iter().copied().filter(is_due).collect()
    }
}

#[cfg(test)]
mod tests;
