//! The secrets that links leave for the pair's next handshake (spec 05, "The resumption secret").

use crate::crypto::suite::{DhPublic, Secret};
use std::collections::BTreeMap;

/// The current and the previous secret.
type Pair = [Option<Secret>; 2];

/// What is kept for one peer.
#[derive(Debug)]
struct Kept {
    place: u64,
    pair: Pair,
    /// The peer has shown that it has the current one.
    confirmed: bool,
}

/// The secrets by the peer's static key, of the peers met last.
#[derive(Debug)]
pub(crate) struct Resumptions {
    peers: BTreeMap<DhPublic, Kept>,
    /// The peers in the order in which their secrets came.
    order: BTreeMap<u64, DhPublic>,
    next: u64,
    limit: usize,
}

impl Resumptions {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { peers: BTreeMap::new(), order: BTreeMap::new(), next: 0, limit }
    }

    /// Replaces the current secret. The one before stays as the previous, if the peer has shown that it
    /// has it; else the previous one stays, which the peer may still use (BC-05.53). Returns the two,
    /// and a peer that was forgotten for it.
    pub(crate) fn renew(&mut self, remote: DhPublic, secret: Secret) -> (Pair, Option<DhPublic>) {
        let confirmed = self.peers.get(&remote).is_some_and(|kept| kept.confirmed);
        let [current, previous] = self.secrets(&remote);
        let known = if confirmed { current } else { previous.or(current) };
        let pair = [Some(secret), known];
        let forgotten = self.restore(remote, pair.clone());
        (pair, forgotten)
    }

    /// The peer has shown that it has the current secret: by a handshake with it, or by a packet under
    /// the keys that came with it.
    pub(crate) fn confirm(&mut self, remote: &DhPublic) {
        if let Some(kept) = self.peers.get_mut(remote) {
            kept.confirmed = true;
        }
    }

    /// Puts back what was stored. Returns a peer that was forgotten for it.
    pub(crate) fn restore(&mut self, remote: DhPublic, pair: Pair) -> Option<DhPublic> {
        let kept = Kept { place: self.next, pair, confirmed: false };
        if let Some(old) = self.peers.insert(remote, kept) {
            self.order.remove(&old.place);
        }
        self.order.insert(self.next, remote);
        self.next += 1;
        if self.peers.len() <= self.limit {
            return None;
        }
        let (_, oldest) = self.order.pop_first()?;
        self.peers.remove(&oldest);
        Some(oldest)
    }

    /// The current and the previous secret shared with a peer.
    pub(crate) fn secrets(&self, remote_static: &DhPublic) -> Pair {
        self.peers.get(remote_static).map(|kept| kept.pair.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
