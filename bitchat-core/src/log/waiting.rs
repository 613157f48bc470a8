//! Entries that came before their ancestors (BC-09.23).

use super::entry::Entry;
use crate::base::ids::{EntryId, LinkId};
use crate::base::time::Timestamp;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// How long an entry waits before its ancestors are asked for by name, and between two times.
const ASK_AFTER: Duration = Duration::from_secs(2);
/// How long an entry waits at most.
const KEEP_FOR: Duration = Duration::from_secs(60);
/// Deadlines fall on multiples of this, so that many entries make few wake-ups.
const TICK: Duration = Duration::from_millis(250);

/// Where an entry that waits came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A link: the entry counts for its share, is asked for there, and given up after a while.
    Link(LinkId),
    /// The own store: the entry stays until its ancestors are there.
    Store,
}

#[derive(Debug)]
struct Waiter {
    entry: Entry,
    source: Source,
    unmet: BTreeSet<EntryId>,
    /// The link that can be asked for the ancestors.
    asked: Option<Asked>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    link: LinkId,
    since: Timestamp,
    next: Timestamp,
}

/// A number of entries, and their bytes together.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    entries: usize,
    bytes: usize,
}

impl Load {
    const fn add(&mut self, size: usize) {
        self.entries += 1;
        self.bytes += size;
    }

    const fn remove(&mut self, size: usize) {
        self.entries -= 1;
        self.bytes -= size;
    }
}

/// The entries that wait. What came over links is bounded in number and in bytes, and so is the
/// share of each link; what came from the store is bounded by the store.
#[derive(Debug)]
pub(super) struct Waiting {
    max: Load,
    of_links: Load,
    per_link: BTreeMap<LinkId, Load>,
    waiters: BTreeMap<EntryId, Waiter>,
    by_missing: BTreeMap<EntryId, BTreeSet<EntryId>>,
    due: BTreeSet<(Timestamp, EntryId)>,
}

impl Waiting {
    pub(super) const fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            max: Load { entries: max_entries, bytes: max_bytes },
            of_links: Load { entries: 0, bytes: 0 },
            per_link: BTreeMap::new(),
            waiters: BTreeMap::new(),
            by_missing: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }

    /// Keeps `entry` until all `missing` are there. False if there is no room; then nothing is
    /// kept. `needed`: the entry is of a frozen author, and another that waits has it as an
    /// ancestor. Such a chain comes from its end (BC-09.58), so only its bytes are bounded.
    pub(super) fn add(
        &mut self,
        now: Timestamp,
        from: LinkId,
        entry: Entry,
        missing: &[EntryId],
        needed: bool,
    ) -> bool {
        let (id, size) = (entry.id(), entry.raw().len());
        if let Some(waiter) = self.waiters.get_mut(&id) {
            if waiter.asked.is_none() {
                self.ask(now, from, id);
            }
            return true;
        }
        // No link may take more than a quarter: one liar leaves room for the honest.
        let share = self.per_link.entry(from).or_default();
        let quarter = Load { entries: self.max.entries.div_ceil(4), bytes: self.max.bytes / 4 };
        let few = self.of_links.entries < self.max.entries && share.entries < quarter.entries;
        let small =
            self.of_links.bytes + size <= self.max.bytes && share.bytes + size <= quarter.bytes;
        if !small || !(few || needed) {
            return false;
        }
        share.add(size);
        self.of_links.add(size);
        self.insert(entry, Source::Link(from), missing);
        self.ask(now, from, id);
        true
    }

    /// Keeps an entry of the own store until all `missing` are there.
    pub(super) fn keep(&mut self, entry: Entry, missing: &[EntryId]) {
        if !self.waiters.contains_key(&entry.id()) {
            self.insert(entry, Source::Store, missing);
        }
    }

    fn insert(&mut self, entry: Entry, source: Source, missing: &[EntryId]) {
        let id = entry.id();
        for ancestor in missing {
            self.by_missing.entry(*ancestor).or_default().insert(id);
        }
        let unmet = missing.iter().copied().collect();
        self.waiters.insert(id, Waiter { entry, source, unmet, asked: None });
    }

    fn ask(&mut self, now: Timestamp, link: LinkId, id: EntryId) {
        let next = tick(now + ASK_AFTER);
        if let Some(waiter) = self.waiters.get_mut(&id) {
            waiter.asked = Some(Asked { link, since: now, next });
            self.due.insert((next, id));
        }
    }

    /// Whether nothing is to be learnt from that entry: the entry waits, and some link is asked for
    /// its ancestors.
    pub(super) fn contains(&self, id: &EntryId) -> bool {
        self.waiters.get(id).is_some_and(|waiter| waiter.asked.is_some())
    }

    /// Whether anything waits for that entry.
    pub(super) fn needs(&self, id: &EntryId) -> bool {
        self.by_missing.contains_key(id)
    }

    /// `id` is there: hands out what waited for nothing else.
    pub(super) fn wake(&mut self, id: &EntryId) -> Vec<(Source, Entry)> {
        let mut ready = Vec::new();
        for waiting in self.by_missing.remove(id).unwrap_or_default() {
            let Some(waiter) = self.waiters.get_mut(&waiting) else { continue };
            waiter.unmet.remove(id);
            if waiter.unmet.is_empty()
                && let Some(waiter) = self.remove(&waiting)
            {
                ready.push((waiter.source, waiter.entry));
            }
        }
        ready
    }

    fn remove(&mut self, id: &EntryId) -> Option<Waiter> {
        let waiter = self.waiters.remove(id)?;
        if let Some(asked) = waiter.asked {
            self.due.remove(&(asked.next, *id));
        }
        if let Source::Link(link) = waiter.source {
            let size = waiter.entry.raw().len();
            self.of_links.remove(size);
            if let Some(share) = self.per_link.get_mut(&link) {
                share.remove(size);
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

    /// Forgets what came over a link that is gone: no link is left to ask for its ancestors.
    pub(super) fn drop_link(&mut self, link: LinkId) {
        let over = |waiter: &Waiter| waiter.asked.is_some_and(|asked| asked.link == link);
        let ids: Vec<_> = self.waiters.iter().filter(|(_, w)| over(w)).map(|(id, _)| *id).collect();
        ids.iter().for_each(|id| self.give_up(id));
        self.per_link.remove(&link);
    }

    /// No link is asked any more. What the store holds goes on waiting.
    fn give_up(&mut self, id: &EntryId) {
        let Some(waiter) = self.waiters.get_mut(id) else { return };
        match waiter.source {
            Source::Link(_) => drop(self.remove(id)),
            Source::Store => {
                if let Some(asked) = waiter.asked.take() {
                    self.due.remove(&(asked.next, *id));
                }
            }
        }
    }

    /// At its deadline: drops what waited too long, and names the ancestors to ask for.
    pub(super) fn on_timeout(&mut self, now: Timestamp) -> Vec<(LinkId, EntryId)> {
        let mut wanted = Vec::new();
        while let Some((at, id)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, id));
            let Some(waiter) = self.waiters.get_mut(&id) else { continue };
            let Some(asked) = &mut waiter.asked else { continue };
            if now.saturating_since(asked.since) >= KEEP_FOR {
                self.give_up(&id);
                continue;
            }
            asked.next = tick(now + ASK_AFTER).min(tick(asked.since + KEEP_FOR));
            self.due.insert((asked.next, id));
            wanted.extend(waiter.unmet.iter().map(|id| (asked.link, *id)));
        }
        // An ancestor that waits itself need not be asked for, only its own ancestors.
        wanted.retain(|(_, id)| !self.contains(id));
        wanted
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }
}

/// The first multiple of [`TICK`] that is not before `at`.
fn tick(at: Timestamp) -> Timestamp {
    let nanos = u64::try_from(TICK.as_nanos()).unwrap_or(u64::MAX);
    Timestamp::from_nanos(at.as_nanos().div_ceil(nanos).saturating_mul(nanos))
}
