//! Addresses where a member may be, and when each is tried.
//!
//! Every address is only a hint, whoever named it, until a member was reached there. A mere hint
//! costs its owner one attempt, that is five probes, in ten minutes, so that a channel cannot be
//! made to flood a stranger (BC-08.15).

use crate::base::ids::Device;
use crate::base::time::Timestamp;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Waits after the attempts at an address where nobody was ever reached; then it is forgotten until
/// somebody names it again.
const HINT_WAITS: [u64; 4] = [600, 1_200, 3_600, 3_600];
/// Waits after the attempts at an address where a member was: it may come back any moment.
const KNOWN_WAITS: [u64; 24] = [
    5, 10, 15, 20, 20, 20, 20, 20, 20, 20, 20, 20, 60, 60, 60, 60, 300, 300, 300, 600, 600, 600,
    600, 600,
];
/// An address that led to ourselves, or to a member that another address reaches already.
const SETTLED: Duration = Duration::from_secs(600);

#[derive(Debug)]
struct Candidate {
    attempts: usize,
    /// A member was reached here.
    known: bool,
    /// Whose it was when a session was made here.
    device: Option<Device>,
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
        self.by_address.insert(
            address,
            Candidate { attempts: 0, known: false, device: None, next: Some(now) },
        );
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
        let waits: &[u64] = if candidate.known { &KNOWN_WAITS } else { &HINT_WAITS };
        match waits.get(candidate.attempts.saturating_sub(1)) {
            Some(wait) => candidate.next = Some(now + Duration::from_secs(*wait)),
            None => {
                self.by_address.remove(&address);
            }
        }
    }

    /// There is no point in trying `address` for a while: it is our own, or a member's whom
    /// another link reaches.
    pub(crate) fn on_settled(&mut self, now: Timestamp, address: SocketAddr) {
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.attempts = 0;
            candidate.next = Some(now + SETTLED);
        }
    }

    /// `device` is linked at `address`. An old hint gives way if there is no room.
    pub(crate) fn on_linked(&mut self, now: Timestamp, address: SocketAddr, device: Device) {
        if !self.by_address.contains_key(&address) && self.by_address.len() >= self.limit {
            let hint = self.by_address.iter().find(|(_, candidate)| !candidate.known);
            let Some(hint) = hint.map(|(address, _)| *address) else { return };
            self.by_address.remove(&hint);
        }
        let (device, next) = (Some(device), Some(now + SETTLED));
        let linked = Candidate { attempts: 0, known: true, device, next };
        self.by_address.insert(address, linked);
    }

    /// A session with `device` was made at `address`: no reason to go there while another link
    /// reaches the device.
    pub(crate) fn on_identified(&mut self, address: SocketAddr, device: Device) {
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.device = Some(device);
        }
    }

    /// Whose the address was when a session was made there.
    pub(crate) fn device(&self, address: &SocketAddr) -> Option<Device> {
        self.by_address.get(address).and_then(|candidate| candidate.device)
    }

    /// The link to `address` ended: worth a try after `wait`.
    pub(crate) fn on_lost(&mut self, now: Timestamp, address: SocketAddr, wait: Duration) {
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
