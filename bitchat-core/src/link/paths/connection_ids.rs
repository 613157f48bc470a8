//! Connection ids: ours, which the peer puts into its packets, and the peer's, one for each path,
//! so that who sees two of them cannot tell that they belong together (RFC 9000 §5.1, BC-08.48).

use super::known::MAX_PATHS;
use crate::base::ids::ConnectionId;
use crate::base::rangeset::RangeSet;
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use crate::transport::Announcement;
use crate::wire::frame::NewConnectionId;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

/// Ids of one side in use at once: one for each path, and one to move to (BC-08.49).
pub(crate) const MAX_IDS: usize = MAX_PATHS + 1;
/// Runs of numbers of the ids that a peer gave.
const MAX_GIVEN_RANGES: usize = 4 * MAX_IDS;
/// Retired ids under which late packets are still taken.
const MAX_DISCARDED: usize = MAX_IDS;

/// The ids of both sides of a link.
#[derive(Debug)]
pub(in crate::link) struct Ids {
    local: BTreeMap<u64, ConnectionId>,
    discarded: VecDeque<(Timestamp, ConnectionId)>,
    next: u64,
    remote: BTreeMap<u64, ConnectionId>,
    /// The numbers of all ids that the peer ever gave: one that was forgotten does not come back
    /// with a late copy of its frame (BC-07.97).
    given: RangeSet,
    /// The peer wants ids numbered below this to be retired.
    floor: u64,
}

impl Ids {
    pub(in crate::link) fn new(local: ConnectionId, remote: ConnectionId) -> Self {
        let mut given = RangeSet::new();
        given.insert_one(0);
        Self {
            local: BTreeMap::from([(0, local)]),
            discarded: VecDeque::new(),
            next: 1,
            remote: BTreeMap::from([(0, remote)]),
            given,
            floor: 0,
        }
    }

    /// Every id under which packets of this link may arrive.
    pub(in crate::link) fn local(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.local.values().copied().chain(self.discarded.iter().map(|(_, id)| *id))
    }

    /// Makes one more id of ours, if there is room for one, to be announced.
    pub(in crate::link) fn issue(
        &mut self,
        public: &mut Stream,
    ) -> Option<(ConnectionId, Announcement)> {
        if self.local.len() >= MAX_IDS {
            return None;
        }
        let (sequence, id) = (self.next, ConnectionId(public.bytes()));
        self.next += 1;
        self.local.insert(sequence, id);
        let new = NewConnectionId { sequence, retire_prior_to: 0, id };
        Some((id, Announcement::NewConnectionId(new)))
    }

    /// The peer uses an id of ours no more; what is under way is taken until `until`.
    pub(in crate::link) fn on_retired(
        &mut self,
        sequence: u64,
        until: Timestamp,
    ) -> Result<(), String> {
        if sequence >= self.next {
            return Err("a connection id was retired that was never given".to_owned());
        }
        if let Some(id) = self.local.remove(&sequence) {
            self.discarded.push_back((until, id));
        }
        Ok(())
    }

    /// An id whose time is over.
    pub(in crate::link) fn pop_discarded(&mut self, now: Timestamp) -> Option<ConnectionId> {
        let full = self.discarded.len() > MAX_DISCARDED;
        self.discarded.front().filter(|(until, _)| full || *until <= now)?;
        self.discarded.pop_front().map(|(_, id)| id)
    }

    pub(in crate::link) fn poll_timeout(&self) -> Option<Timestamp> {
        self.discarded.front().map(|(until, _)| *until)
    }

    /// The peer gives an id. Those that it wants to be retired are told.
    pub(in crate::link) fn on_new(&mut self, new: &NewConnectionId) -> Result<Vec<u64>, String> {
        match self.remote.get(&new.sequence) {
            Some(known) if *known == new.id => return Ok(Vec::new()),
            Some(_) => return Err("two connection ids with one number".to_owned()),
            None if self.given.contains(new.sequence) => return Ok(Vec::new()),
            None => {}
        }
        self.given.insert_one(new.sequence);
        // Who counts without leaving numbers out has no more gaps than ids.
        if self.given.ranges() > MAX_GIVEN_RANGES {
            return Err("connection ids whose numbers are far apart".to_owned());
        }
        if new.sequence < self.floor {
            return Ok(vec![new.sequence]);
        }
        self.remote.insert(new.sequence, new.id);
        self.floor = self.floor.max(new.retire_prior_to);
        let above = self.remote.split_off(&self.floor);
        let below = core::mem::replace(&mut self.remote, above);
        if self.remote.len() > MAX_IDS {
            return Err("more connection ids than a link may have".to_owned());
        }
        Ok(below.into_keys().collect())
    }

    /// An id of the peer that is not among `used`: for a new path.
    pub(in crate::link) fn unused(&self, used: impl Iterator<Item = u64>) -> Option<u64> {
        self.all_unused(used).pop()
    }

    /// All of them, the oldest last.
    pub(in crate::link) fn all_unused(&self, used: impl Iterator<Item = u64>) -> Vec<u64> {
        let used: Vec<u64> = used.collect();
        self.remote.keys().rev().copied().filter(|sequence| !used.contains(sequence)).collect()
    }

    /// Whether the peer gave the id of this number, and has not taken it back.
    pub(in crate::link) fn has_remote(&self, sequence: u64) -> bool {
        self.remote.contains_key(&sequence)
    }

    /// The id of this number; the newest where it was retired.
    pub(in crate::link) fn remote(&self, sequence: u64) -> Option<ConnectionId> {
        let newest = || self.remote.last_key_value().map(|(_, id)| id);
        self.remote.get(&sequence).or_else(newest).copied()
    }

    /// No path uses the id any more.
    pub(in crate::link) fn forget(&mut self, sequence: u64) -> bool {
        self.remote.len() > 1 && self.remote.remove(&sequence).is_some()
    }
}

/// How long packets under a retired id may be on their way.
pub(in crate::link) const fn discard_after(pto: Duration) -> Duration {
    pto.saturating_mul(3)
}

#[cfg(test)]
mod tests;
