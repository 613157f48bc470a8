//! The secrets that links leave for the pair's next handshake (spec 05, "The resumption secret").

use crate::crypto::suite::{DhPublic, Secret};
use std::collections::BTreeMap;

/// The current and the previous secret.
type Pair = [Option<Secret>; 2];

/// The secrets by the peer's static key, of the peers met last.
#[derive(Debug)]
pub(super) struct Resumptions {
    pairs: BTreeMap<DhPublic, (u64, Pair)>,
    /// The peers in the order in which their secrets came.
    order: BTreeMap<u64, DhPublic>,
    next: u64,
    limit: usize,
}

impl Resumptions {
    pub(super) const fn new(limit: usize) -> Self {
        Self { pairs: BTreeMap::new(), order: BTreeMap::new(), next: 0, limit }
    }

    /// Replaces the current secret; the one before stays as the previous. Returns the two, and a peer
    /// that was forgotten for it.
    pub(super) fn renew(&mut self, remote: DhPublic, secret: Secret) -> (Pair, Option<DhPublic>) {
        let [current, _] = self.secrets(&remote);
        let pair = [Some(secret), current];
        let forgotten = self.restore(remote, pair.clone());
        (pair, forgotten)
    }

    /// Puts back what was stored. Returns a peer that was forgotten for it.
    pub(super) fn restore(&mut self, remote: DhPublic, pair: Pair) -> Option<DhPublic> {
        if let Some((place, _)) = self.pairs.insert(remote, (self.next, pair)) {
            self.order.remove(&place);
        }
        self.order.insert(self.next, remote);
        self.next += 1;
        if self.pairs.len() <= self.limit {
            return None;
        }
        let (_, oldest) = self.order.pop_first()?;
        self.pairs.remove(&oldest);
        Some(oldest)
    }

    /// The current and the previous secret shared with a peer.
    pub(super) fn secrets(&self, remote_static: &DhPublic) -> Pair {
        self.pairs.get(remote_static).map(|(_, pair)| pair.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
