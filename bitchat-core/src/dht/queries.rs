//! Queries under way: 4-byte ids (some nodes drop others; BC-18.01), and what each was for.

use super::running::Key;
use crate::base::rng::Stream;
use crate::base::time::{Timestamp, earlier};
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

/// After so long a look-up asks somebody else as well.
const SLOW: Duration = Duration::from_secs(1);
/// After so long an answer is not waited for any more.
const EXPIRED: Duration = Duration::from_secs(8);
/// Queries under way.
const MAX_QUERIES: usize = 256;

/// What a query was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Is it there?
    Ping,
    /// Are there others?
    Bootstrap,
    /// A step of a look-up.
    Search(Key),
    /// To tell of this node.
    Announce,
}

/// A query under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub to: SocketAddr,
    pub purpose: Purpose,
    sent: Timestamp,
    is_slow: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Queries {
    by_id: BTreeMap<[u8; 4], Pending>,
}

impl Queries {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether another query may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.by_id.len() < MAX_QUERIES
    }

    /// Pings under way.
    pub(super) fn pings(&self) -> usize {
        self.by_id.values().filter(|pending| pending.purpose == Purpose::Ping).count()
    }

    /// Names a new query; `None` while there are too many.
    pub(super) fn add(
        &mut self,
        now: Timestamp,
        to: SocketAddr,
        purpose: Purpose,
        rng: &mut Stream,
    ) -> Option<[u8; 4]> {
        if !self.has_room() {
            return None;
        }
        let id = loop {
            let id = rng.bytes();
            if !self.by_id.contains_key(&id) {
                break id;
            }
        };
        self.by_id.insert(id, Pending { to, purpose, sent: now, is_slow: false });
        Some(id)
    }

    /// The query that an answer from `from` belongs to (BC-18.03).
    pub(super) fn take(&mut self, transaction: &[u8], from: SocketAddr) -> Option<Pending> {
        let id = <[u8; 4]>::try_from(transaction).ok()?;
        let asked = self.by_id.get(&id).is_some_and(|pending| pending.to == from);
        if asked { self.by_id.remove(&id) } else { None }
    }

    pub(super) fn is_asked(&self, addr: SocketAddr) -> bool {
        self.by_id.values().any(|pending| pending.to == addr)
    }

    /// Queries that take long, each once.
    pub(super) fn take_slow(&mut self, now: Timestamp) -> Vec<(SocketAddr, Purpose)> {
        let slow = self
            .by_id
            .values_mut()
            .filter(|pending| !pending.is_slow && pending.sent + SLOW <= now);
        slow.map(|pending| {
            pending.is_slow = true;
            (pending.to, pending.purpose)
        })
        .collect()
    }

    /// Queries that will not be answered.
    pub(super) fn take_expired(&mut self, now: Timestamp) -> Vec<Pending> {
        let over = |pending: &Pending| pending.sent + EXPIRED <= now;
        let expired = self.by_id.values().filter(|pending| over(pending)).copied().collect();
        self.by_id.retain(|_, pending| !over(pending));
        expired
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let next = |pending: &Pending| pending.sent + if pending.is_slow { EXPIRED } else { SLOW };
        self.by_id.values().fold(None, |at, pending| earlier(at, Some(next(pending))))
    }
}
