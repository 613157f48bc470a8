//! The routing table of one address family: nodes that have answered, sorted by how much of their id
//! they have in common with this node's (BEP 5).

use super::id::{Distance, ID_BITS, NodeId};
use super::krpc::Contact;
use crate::base::target::is_public_target;
use crate::base::time::Timestamp;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

/// Nodes of a bucket, and how many answer a look-up (BEP 5: K).
pub(super) const BUCKET: usize = 8;
/// A node that was silent for so long is asked again before it is told to others (BEP 5).
pub(super) const QUESTIONABLE_AFTER: Duration = Duration::from_secs(15 * 60);
/// Queries in a row that a node may leave unanswered.
const MAX_FAILURES: u8 = 3;

/// A node that has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Who and where.
    pub contact: Contact,
    /// When it last answered, or asked while known.
    pub heard: Timestamp,
    /// Queries in a row that it left unanswered.
    pub failures: u8,
}

impl Entry {
    fn is_good(&self, now: Timestamp) -> bool {
        self.failures == 0 && now.saturating_since(self.heard) < QUESTIONABLE_AFTER
    }
}

#[derive(Debug, Default)]
struct Bucket {
    entries: Vec<Entry>,
    /// When somebody was last added or answered.
    changed: Timestamp,
}

/// Nodes by distance. At most [`BUCKET`] in each of 160 buckets, and of each public /24 (IPv6: /64) one
/// (BC-18.04).
#[derive(Debug)]
pub(super) struct Table {
    own: NodeId,
    buckets: BTreeMap<usize, Bucket>,
    len: usize,
}

impl Table {
    /// An empty table around `own`.
    #[must_use]
    pub(super) const fn new(own: NodeId) -> Self {
        Self { own, buckets: BTreeMap::new(), len: 0 }
    }

    /// The id that the table is about.
    #[must_use]
    pub(super) const fn own(&self) -> NodeId {
        self.own
    }

    /// Nodes in it.
    #[must_use]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All nodes.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.buckets.values().flat_map(|bucket| &bucket.entries)
    }

    /// Takes all nodes over to another id.
    pub(super) fn move_to(&mut self, own: NodeId) {
        let old = core::mem::replace(self, Self::new(own));
        for entry in old.buckets.into_values().flat_map(|bucket| bucket.entries) {
            self.insert(entry);
        }
    }

    /// A node has answered a query. False if there is no room for it.
    pub(super) fn on_reply(&mut self, now: Timestamp, contact: Contact) -> bool {
        let index = self.index(contact.id);
        if let Some(bucket) = self.buckets.get_mut(&index)
            && let Some(entry) = bucket.entries.iter_mut().find(|entry| entry.contact == contact)
        {
            (entry.heard, entry.failures, bucket.changed) = (now, 0, now);
            return true;
        }
        // A node that answers with another id is another one, and the old one gone: it would be asked
        // for ever.
        self.forget(contact.addr);
        self.insert(Entry { contact, heard: now, failures: 0 })
    }

    /// A known node has asked something.
    pub(super) fn on_query(&mut self, now: Timestamp, contact: Contact) {
        let index = self.index(contact.id);
        let Some(bucket) = self.buckets.get_mut(&index) else { return };
        let entry = bucket.entries.iter_mut().find(|entry| entry.contact == contact);
        if let Some(entry) = entry.filter(|entry| entry.failures == 0) {
            entry.heard = now;
        }
    }

    /// The node at `addr` left a query unanswered; after three it is forgotten.
    pub(super) fn on_silence(&mut self, addr: SocketAddr) {
        for bucket in self.buckets.values_mut() {
            let Some(at) = bucket.entries.iter().position(|entry| entry.contact.addr == addr)
            else {
                continue;
            };
            bucket.entries[at].failures += 1;
            if bucket.entries[at].failures >= MAX_FAILURES {
                bucket.entries.remove(at);
                self.len -= 1;
            }
            return;
        }
    }

    fn forget(&mut self, addr: SocketAddr) {
        for bucket in self.buckets.values_mut() {
            let before = bucket.entries.len();
            bucket.entries.retain(|entry| entry.contact.addr != addr);
            self.len -= before - bucket.entries.len();
        }
    }

    /// Whether a node with this id would be taken if it answered.
    #[must_use]
    pub(super) fn wants(&self, contact: Contact) -> bool {
        if contact.id == self.own || self.crowds(contact.addr.ip()) {
            return false;
        }
        let bucket = self.buckets.get(&self.index(contact.id));
        bucket.is_none_or(|bucket| {
            bucket.entries.len() < BUCKET || bucket.entries.iter().any(|entry| entry.failures > 0)
        })
    }

    fn insert(&mut self, entry: Entry) -> bool {
        if !self.wants(entry.contact) {
            return false;
        }
        let index = self.index(entry.contact.id);
        let bucket = self.buckets.entry(index).or_default();
        bucket.changed = bucket.changed.max(entry.heard);
        if bucket.entries.len() < BUCKET {
            bucket.entries.push(entry);
            self.len += 1;
        } else if let Some(worst) = bucket.entries.iter_mut().max_by_key(|entry| entry.failures) {
            *worst = entry;
        }
        true
    }

    /// The `count` good nodes nearest to `target`, nearest first.
    #[must_use]
    pub(super) fn closest(&self, now: Timestamp, target: NodeId, count: usize) -> Vec<Contact> {
        let mut good: Vec<(Distance, Contact)> = self
            .iter()
            .filter(|entry| entry.is_good(now))
            .map(|entry| (entry.contact.id.distance(&target), entry.contact))
            .collect();
        good.sort_unstable_by_key(|(distance, _)| *distance);
        good.truncate(count);
        good.into_iter().map(|(_, contact)| contact).collect()
    }

    /// A node that has to be asked whether it still lives, and the one that was silent longest.
    #[must_use]
    pub(super) fn questionable(&self, now: Timestamp) -> Option<Contact> {
        let silent = self.iter().filter(|entry| !entry.is_good(now));
        silent.min_by_key(|entry| entry.heard).map(|entry| entry.contact)
    }

    /// A bucket in which nothing has changed for a quarter of an hour (BEP 5), or of which nobody is
    /// known although nearer nodes are; counted in bits in common.
    #[must_use]
    pub(super) fn stale(&self, now: Timestamp) -> Option<usize> {
        let (deepest, _) =
            self.buckets.iter().rev().find(|(_, bucket)| !bucket.entries.is_empty())?;
        let age = |bucket: &Bucket| now.saturating_since(bucket.changed);
        (0..=*deepest).find(|index| {
            self.buckets.get(index).is_none_or(|bucket| age(bucket) >= QUESTIONABLE_AFTER)
        })
    }

    /// A bucket is being refreshed.
    pub(super) fn on_refresh(&mut self, now: Timestamp, index: usize) {
        self.buckets.entry(index).or_default().changed = now;
    }

    fn index(&self, id: NodeId) -> usize {
        self.own.distance(&id).common_bits().min(ID_BITS - 1)
    }

    /// Somebody of the same network is in the table. Networks that are not public hold any number of
    /// nodes, but each address one.
    fn crowds(&self, ip: IpAddr) -> bool {
        let network = network(ip);
        self.iter().any(|entry| self::network(entry.contact.addr.ip()) == network)
    }
}

/// What counts as one place: an address, or the /24 (IPv6: the /64) of a public one.
pub(super) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) if is_public_target(ip) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(v6) if is_public_target(ip) => {
            let mut segments = v6.segments();
            segments[4..].fill(0);
            IpAddr::from(segments)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
