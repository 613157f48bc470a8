//! Which probes were answered already.

use super::PROBE_NONCE_LEN;
use std::collections::{BTreeSet, VecDeque};

/// The nonces of the last probes, so that a recorded one is not answered again (BC-04.16). At the
/// limit the oldest is forgotten.
#[derive(Debug)]
pub struct NonceCache {
    seen: BTreeSet<[u8; PROBE_NONCE_LEN]>,
    order: VecDeque<[u8; PROBE_NONCE_LEN]>,
    limit: usize,
}

impl NonceCache {
    /// An empty cache of at most `limit` nonces (see `NodeLimits::probe_nonces`).
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { seen: BTreeSet::new(), order: VecDeque::new(), limit }
    }

    /// True the first time that `nonce` is shown. Logarithmic in the limit.
    pub fn insert(&mut self, nonce: [u8; PROBE_NONCE_LEN]) -> bool {
        if !self.seen.insert(nonce) {
            return false;
        }
        self.order.push_back(nonce);
        if self.order.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }

    /// Nonces remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
