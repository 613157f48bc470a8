//! Entries that came before their ancestors (BC-09.23).

use super::entry::Entry;
use crate::base::ids::{EntryId, LinkId};
use crate::base::time::Timestamp;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// How long an entry waits before its ancestors are asked for by name.
const ASK_AFTER: Duration = Duration::from_secs(2);
/// How long an entry waits at most.
const KEEP_FOR: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Waiter {
    entry: Entry,
    from: LinkId,
    since: Timestamp,
    unmet: BTreeSet<EntryId>,
}

/// The entries that wait, bounded in number, in bytes and per link.
#[derive(Debug)]
pub(super) struct Waiting {
    max_entries: usize,
    max_bytes: usize,
    bytes: usize,
    waiters: BTreeMap<EntryId, Waiter>,
    by_missing: BTreeMap<EntryId, BTreeSet<EntryId>>,
    per_link: BTreeMap<LinkId, usize>,
    check_at: Option<Timestamp>,
}

impl Waiting {
    pub(super) const fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            max_entries,
            max_bytes,
            bytes: 0,
            waiters: BTreeMap::new(),
            by_missing: BTreeMap::new(),
            per_link: BTreeMap::new(),
            check_at: None,
        }
    }

    /// Keeps `entry` until all `missing` are there. False if there is no room; then it is not kept.
    /// `disputed`: it is of a frozen author, and what waits needs it. Such a chain comes from its end
    /// (BC-09.58), so only its bytes are bounded.
    pub(super) fn add(
        &mut self,
        now: Timestamp,
        from: LinkId,
        entry: Entry,
        missing: &[EntryId],
        disputed: bool,
    ) -> bool {
        let (id, size) = (entry.id(), entry.raw().len());
        if self.waiters.contains_key(&id) {
            return true;
        }
        // No link may take more than a quarter: one liar leaves room for the honest.
        let share = self.per_link.get(&from).copied().unwrap_or(0);
        let many = self.waiters.len() >= self.max_entries || share * 4 >= self.max_entries;
        if self.bytes + size > self.max_bytes || (many && !disputed) {
            return false;
        }
        for ancestor in missing {
            self.by_missing.entry(*ancestor).or_default().insert(id);
        }
        self.bytes += size;
        *self.per_link.entry(from).or_default() += 1;
        self.check_at.get_or_insert(now + ASK_AFTER);
        let unmet = missing.iter().copied().collect();
        self.waiters.insert(id, Waiter { entry, from, since: now, unmet });
        true
    }

    /// Whether that entry waits already.
    pub(super) fn contains(&self, id: &EntryId) -> bool {
        self.waiters.contains_key(id)
    }

    /// Whether something waits for that entry.
    pub(super) fn needs(&self, id: &EntryId) -> bool {
        self.by_missing.contains_key(id)
    }

    /// `id` is there: hands out what waited for nothing else.
    pub(super) fn wake(&mut self, id: &EntryId) -> Vec<(LinkId, Entry)> {
        let mut ready = Vec::new();
        for waiting in self.by_missing.remove(id).unwrap_or_default() {
            let Some(waiter) = self.waiters.get_mut(&waiting) else { continue };
            waiter.unmet.remove(id);
            if waiter.unmet.is_empty()
                && let Some(waiter) = self.remove(&waiting)
            {
                ready.push((waiter.from, waiter.entry));
            }
        }
        ready
    }

    fn remove(&mut self, id: &EntryId) -> Option<Waiter> {
        let waiter = self.waiters.remove(id)?;
        self.bytes -= waiter.entry.raw().len();
        if let Some(count) = self.per_link.get_mut(&waiter.from) {
            *count -= 1;
            if *count == 0 {
                self.per_link.remove(&waiter.from);
            }
        }
        for ancestor in &waiter.unmet {
            if let Some(set) = self.by_missing.get_mut(ancestor) {
                set.remove(id);
                if set.is_empty() {
                    self.by_missing.remove(ancestor);
                }
            }
        }
        Some(waiter)
    }

    /// Forgets what came over a link that is gone: nobody is left to ask for its ancestors.
    pub(super) fn drop_link(&mut self, link: LinkId) {
        self.drop_where(|waiter| waiter.from == link);
    }

    fn drop_where(&mut self, gone: impl Fn(&Waiter) -> bool) {
        let ids: Vec<_> = self.waiters.iter().filter(|(_, w)| gone(w)).map(|(id, _)| *id).collect();
        for id in ids {
            self.remove(&id);
        }
        if self.waiters.is_empty() {
            self.check_at = None;
        }
    }

    /// At its deadline: drops what waited too long, and names the ancestors to ask for.
    pub(super) fn on_timeout(&mut self, now: Timestamp) -> Vec<(LinkId, EntryId)> {
        if self.check_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.drop_where(|waiter| now.saturating_since(waiter.since) >= KEEP_FOR);
        self.check_at = (!self.waiters.is_empty()).then(|| now + ASK_AFTER);
        let due = |waiter: &&Waiter| now.saturating_since(waiter.since) >= ASK_AFTER;
        let unmet = |w: &Waiter| w.unmet.iter().map(|id| (w.from, *id)).collect::<Vec<_>>();
        let mut wanted: Vec<_> = self.waiters.values().filter(due).flat_map(unmet).collect();
        // What waits itself need not be asked for, only what it waits for.
        wanted.retain(|(_, id)| !self.waiters.contains_key(id));
        wanted
    }

    pub(super) const fn poll_timeout(&self) -> Option<Timestamp> {
        self.check_at
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }
}
