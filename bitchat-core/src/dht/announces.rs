//! What this node announces, and when it does so again.

use crate::base::ids::InfoHash;
use crate::base::rng::Stream;
use crate::base::time::{Timestamp, earlier};
use core::time::Duration;
use std::collections::BTreeMap;

/// Infohashes that are announced.
const MAX_ANNOUNCES: usize = 512;
/// libtorrent announces its torrents every quarter of an hour.
const AGAIN: Duration = Duration::from_secs(15 * 60);
/// A look-up that told nobody is repeated sooner.
const RETRY: Duration = Duration::from_secs(30);
/// Nothing is looked up more often than this.
const LEAST: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
struct Announce {
    next: Timestamp,
    /// When it was last begun.
    begun: Option<Timestamp>,
    /// Somebody has taken it since.
    told: bool,
    /// When it is tried again, unless somebody takes it.
    retry: Option<Timestamp>,
}

impl Announce {
    fn due(&self) -> Timestamp {
        self.retry.map_or(self.next, |retry| retry.min(self.next))
    }
}

/// Everything that is announced.
#[derive(Debug, Default)]
pub(super) struct Announces {
    by_hash: BTreeMap<InfoHash, Announce>,
}

impl Announces {
    pub(super) fn add(&mut self, now: Timestamp, hash: InfoHash) -> bool {
        if self.by_hash.len() >= MAX_ANNOUNCES && !self.by_hash.contains_key(&hash) {
            return false;
        }
        self.by_hash.entry(hash).or_insert(Announce {
            next: now,
            begun: None,
            told: false,
            retry: None,
        });
        true
    }

    pub(super) fn remove(&mut self, hash: InfoHash) {
        self.by_hash.remove(&hash);
    }

    pub(super) fn hasten(&mut self, now: Timestamp, hash: InfoHash) {
        if let Some(announce) = self.by_hash.get_mut(&hash) {
            let earliest = announce.begun.map_or(now, |begun| (begun + LEAST).max(now));
            announce.next = announce.next.min(earliest);
        }
    }

    pub(super) fn hasten_all(&mut self, now: Timestamp) {
        let hashes: Vec<InfoHash> = self.by_hash.keys().copied().collect();
        hashes.into_iter().for_each(|hash| self.hasten(now, hash));
    }

    /// What is due; it is due again in a quarter of an hour, a little more or less.
    pub(super) fn take_due(&mut self, now: Timestamp, rng: &mut Stream) -> Vec<InfoHash> {
        let mut due = Vec::new();
        for (hash, announce) in &mut self.by_hash {
            if announce.due() <= now {
                let next = now + AGAIN + Duration::from_millis(rng.below(60_000));
                *announce = Announce { next, begun: Some(now), told: false, retry: None };
                due.push(*hash);
            }
        }
        due
    }

    /// A look-up of one family has ended, or could not begin; `told` if somebody holds the
    /// announcement now.
    pub(super) fn on_searched(&mut self, now: Timestamp, hash: InfoHash, told: bool) {
        if let Some(announce) = self.by_hash.get_mut(&hash) {
            announce.told |= told;
            announce.retry = (!announce.told).then_some(now + RETRY);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.by_hash.values().fold(None, |at, announce| earlier(at, Some(announce.due())))
    }
}
