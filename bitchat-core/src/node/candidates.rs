//! Addresses where a member may be, and when each is tried.
//!
//! Every address is only a hint, whoever named it. It costs its owner at most five probes in ten
//! minutes, so that a channel cannot be made to flood a stranger (BC-04.30).

use crate::base::time::Timestamp;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Waits between attempts; then an address is forgotten until somebody names it again. An attempt
/// is two probes, so no ten minutes see more than five.
const WAITS: [Duration; 5] = [
    Duration::from_secs(20),
    Duration::from_secs(580),
    Duration::from_secs(600),
    Duration::from_secs(1_200),
    Duration::from_secs(3_600),
];
/// An address that led to ourselves, or to a member that another address reaches already.
const SETTLED: Duration = Duration::from_secs(600);

#[derive(Debug)]
struct Candidate {
    attempts: usize,
    /// When it may be tried; `None` while it is being tried.
    next: Option<Timestamp>,
}

/// The candidate addresses of one channel.
#[derive(Debug)]
pub(crate) struct Candidates {
    by_address: BTreeMap<SocketAddr, Candidate>,
    limit: usize,
}

impl Candidates {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { by_address: BTreeMap::new(), limit }
    }

    /// Somebody named `address`. True if it was new and there was room.
    pub(crate) fn add(&mut self, now: Timestamp, address: SocketAddr) -> bool {
        if address.port() == 0
            || address.ip().is_unspecified()
            || address.ip().is_multicast()
            || self.by_address.contains_key(&address)
            || self.by_address.len() >= self.limit
        {
            return false;
        }
        self.by_address.insert(address, Candidate { attempts: 0, next: Some(now) });
        true
    }

    /// An address that is due, marked as being tried.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Option<SocketAddr> {
        let (&address, candidate) = self
            .by_address
            .iter_mut()
            .filter(|(_, candidate)| candidate.next.is_some_and(|at| at <= now))
            .min_by_key(|(_, candidate)| candidate.next)?;
        candidate.next = None;
        candidate.attempts += 1;
        Some(address)
    }

    /// Nobody answered at `address`.
    pub(crate) fn on_failed(&mut self, now: Timestamp, address: SocketAddr) {
        let Some(candidate) = self.by_address.get_mut(&address) else { return };
        match WAITS.get(candidate.attempts.saturating_sub(1)) {
            Some(wait) => candidate.next = Some(now + *wait),
            None => {
                self.by_address.remove(&address);
            }
        }
    }

    /// There is no point in trying `address` for a while.
    pub(crate) fn on_settled(&mut self, now: Timestamp, address: SocketAddr) {
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.attempts = 0;
            candidate.next = Some(now + SETTLED);
        }
    }

    /// The link to `address` ended: worth a try soon, but not at once.
    pub(crate) fn on_lost(&mut self, now: Timestamp, address: SocketAddr, wait: Duration) {
        self.add(now, address);
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.attempts = 0;
            candidate.next = Some(now + wait);
        }
    }

    /// When the next address is due.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.by_address.values().filter_map(|candidate| candidate.next).min()
    }
}

#[cfg(test)]
mod tests;
