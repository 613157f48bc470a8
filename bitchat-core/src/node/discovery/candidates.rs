//! Addresses where a member may be, and when each is tried.
//!
//! Every address is only a hint, whoever named it, until a member was reached there. A mere hint
//! costs its owner one attempt, that is five probes, in ten minutes, so that a channel cannot be
//! made to flood a stranger (BC-08.15).
//!
//! Half of the table is for hints and half for places where a member was, so that neither can keep
//! the other out (BC-08.80).

use crate::base::addr;
use crate::base::ids::Device;
use crate::base::time::Timestamp;
use core::cmp::Reverse;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Waits after the attempts at an address where nobody was ever reached; then it is left alone until
/// somebody names it again.
const HINT_WAITS: [u64; 4] = [600, 1_200, 3_600, 3_600];
/// Waits after the attempts at an address where a member was: it may come back any moment. The last
/// one repeats.
const KNOWN_WAITS: [u64; 24] = [
    5, 10, 15, 20, 20, 20, 20, 20, 20, 20, 20, 20, 60, 60, 60, 60, 300, 300, 300, 600, 600, 600,
    600, 3_600,
];
/// An address that led to ourselves, to a member that another address reaches already, or to somebody
/// who breaks the protocol. The least time between two attempts at a mere hint, too.
const SETTLED: Duration = Duration::from_secs(600);
/// Places of one device that are remembered: its latest. Behind a NAT each new port is one.
const PLACES_PER_DEVICE: usize = 8;
/// A peer may move as often as it likes; its places are stored no more often.
const STORE_MOVES: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Candidate {
    attempts: usize,
    /// When the last attempt began.
    tried: Option<Timestamp>,
    /// When a member was last reached here.
    linked: Option<Timestamp>,
    /// A member proved to be here, though no link came of it: it acknowledged a probe, or showed our
    /// cookie.
    answered: bool,
    /// Whose it was when a session was made here.
    device: Option<Device>,
    /// Not before this: a side broke the protocol here.
    shunned: Timestamp,
    /// The store is told of it.
    stored: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// To be tried then.
    Waiting(Timestamp),
    /// Being tried.
    Trying,
    /// Left alone until somebody names it again.
    Spent,
}

/// The candidate addresses of one channel.
#[derive(Debug)]
pub(crate) struct Candidates {
    by_address: BTreeMap<SocketAddr, Candidate>,
    /// Those that wait, by the time.
    due: BTreeSet<(Timestamp, SocketAddr)>,
    /// How many are places where a member was.
    places: usize,
    limit: usize,
    /// When a move may be stored again.
    store_moves: Timestamp,
}

impl Candidates {
    /// `limit` is at least 2.
    pub(crate) const fn new(limit: usize) -> Self {
        let store_moves = Timestamp::ZERO;
        Self { by_address: BTreeMap::new(), due: BTreeSet::new(), places: 0, limit, store_moves }
    }

    /// Somebody named `address`. True if it will be tried because of that.
    pub(crate) fn add(&mut self, now: Timestamp, address: SocketAddr) -> bool {
        if !addr::is_usable(address) {
            return false;
        }
        let is_free = match self.by_address.get(&address) {
            Some(old) => old.stage == Stage::Spent && old.is_rested(now),
            None => self.has_room(now) && self.insert(address),
        };
        if is_free {
            self.start_over(address, now);
        }
        is_free
    }

    /// A member was reached at `address` in an earlier run. False if it is one too many.
    pub(crate) fn restore(&mut self, now: Timestamp, address: SocketAddr) -> bool {
        if !addr::is_usable(address) || (!self.is_place(&address) && !self.has_place()) {
            return false;
        }
        if self.insert(address) {
            self.start_over(address, now);
        }
        self.mark(address, Timestamp::ZERO, None);
        self.set_stored(&address);
        true
    }

    /// An address that is due, marked as being tried.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Option<SocketAddr> {
        let &(_, address) = self.due.first().filter(|(at, _)| *at <= now)?;
        self.move_to(address, Stage::Trying);
        let candidate = self.by_address.get_mut(&address)?;
        candidate.attempts += 1;
        candidate.tried = Some(now);
        Some(address)
    }

    /// `address` cannot be tried just now, through no fault of its own.
    pub(crate) fn on_busy(&mut self, now: Timestamp, address: SocketAddr, wait: Duration) {
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.attempts = candidate.attempts.saturating_sub(1);
            self.move_to(address, Stage::Waiting(now + wait));
        }
    }

    /// Nobody answered at `address`.
    pub(crate) fn on_failed(&mut self, now: Timestamp, address: SocketAddr) {
        let Some(candidate) = self.by_address.get(&address) else { return };
        let nth = candidate.attempts.saturating_sub(1);
        let wait = match (candidate.linked, candidate.answered) {
            (Some(_), _) => KNOWN_WAITS.get(nth).or(KNOWN_WAITS.last()),
            (None, true) => KNOWN_WAITS.get(nth),
            (None, false) => HINT_WAITS.get(nth),
        };
        let stage = wait.map(|wait| Stage::Waiting(now + Duration::from_secs(*wait)));
        self.move_to(address, stage.unwrap_or(Stage::Spent));
    }

    /// A member proved to be at `address` while it was dialled: an acknowledged probe is more than a
    /// hint.
    pub(crate) fn on_answered(&mut self, address: SocketAddr) {
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.answered = true;
        }
    }

    /// A member at `address` showed our cookie: it is there, and wants a link. If nothing comes of
    /// its own attempt, ours need not wait for long.
    pub(crate) fn on_heard(&mut self, now: Timestamp, address: SocketAddr) {
        self.on_answered(address);
        let soon = now + Duration::from_secs(KNOWN_WAITS[0]);
        let waiting = self.by_address.get(&address).map(|candidate| candidate.stage);
        if matches!(waiting, Some(Stage::Waiting(at)) if at > soon) {
            // A place that is shunned stays so: `move_to` sees to it.
            self.move_to(address, Stage::Waiting(soon));
        }
    }

    /// A session over `address` ended: if it carried nothing, the attempt has failed.
    pub(crate) fn on_ended(&mut self, now: Timestamp, address: SocketAddr) {
        if self.by_address.get(&address).is_some_and(|tried| tried.stage == Stage::Trying) {
            self.on_failed(now, address);
        }
    }

    /// There is no point in trying `address` for a while.
    pub(crate) fn on_settled(&mut self, now: Timestamp, address: SocketAddr) {
        self.start_over(address, now + SETTLED);
    }

    /// There is no point in trying `address` for a while, whatever anybody says: a side broke the
    /// protocol there (BC-08.15).
    pub(crate) fn on_broken(&mut self, now: Timestamp, address: SocketAddr) {
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.shunned = now + SETTLED;
        }
        self.on_settled(now, address);
    }

    /// `device` is linked at `address`. If there is no room another place gives way: it is returned,
    /// for the store is to forget it.
    pub(crate) fn on_linked(
        &mut self,
        now: Timestamp,
        address: SocketAddr,
        device: Device,
    ) -> Option<SocketAddr> {
        let gone = if self.is_place(&address) { None } else { self.surplus(device, address.ip()) };
        let was_stored = gone.is_some_and(|gone| self.remove(gone));
        self.insert(address);
        self.mark(address, now, Some(device));
        self.start_over(address, now + SETTLED);
        gone.filter(|_| was_stored)
    }

    /// Whether a place that a member moved to may be stored now, or only when the link ends.
    pub(crate) fn may_store_move(&mut self, now: Timestamp) -> bool {
        let may = self.store_moves <= now;
        if may {
            self.store_moves = now + STORE_MOVES;
        }
        may
    }

    /// The store is told of the place. True if it was not before.
    pub(crate) fn set_stored(&mut self, address: &SocketAddr) -> bool {
        let place = self.by_address.get_mut(address).filter(|old| old.linked.is_some());
        place.is_some_and(|place| !core::mem::replace(&mut place.stored, true))
    }

    /// A session with `device` was made at `address`: no reason to go there while another link
    /// reaches the device.
    pub(crate) fn on_identified(&mut self, address: SocketAddr, device: Device) {
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.device = Some(device);
        }
    }

    /// The address is in the table.
    pub(crate) fn contains(&self, address: &SocketAddr) -> bool {
        self.by_address.contains_key(address)
    }

    /// Whose the address was when a session was made there.
    pub(crate) fn device(&self, address: &SocketAddr) -> Option<Device> {
        self.by_address.get(address).and_then(|candidate| candidate.device)
    }

    /// The link to `address` ended: worth a try after `wait`.
    pub(crate) fn on_lost(&mut self, now: Timestamp, address: SocketAddr, wait: Duration) {
        if let Some(place) = self.by_address.get_mut(&address) {
            place.linked = place.linked.map(|_| now);
        }
        self.start_over(address, now + wait);
    }

    /// What failed before says nothing now: addresses where a member was are due at `at`, and so are mere
    /// hints whose ten minutes have passed (BC-08.15).
    pub(crate) fn look_again(&mut self, now: Timestamp, at: Timestamp) {
        let is_worth = |candidate: &Candidate| match candidate.stage {
            Stage::Waiting(due) => {
                due > at
                    && (candidate.linked.is_some()
                        || candidate.answered
                        || candidate.is_rested(now))
            }
            Stage::Trying | Stage::Spent => false,
        };
        let again = self.by_address.iter().filter(|(_, candidate)| is_worth(candidate));
        let again: Vec<SocketAddr> = again.map(|(address, _)| *address).collect();
        again.into_iter().for_each(|address| self.start_over(address, at));
    }

    /// When the next address is due.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// There is room for a hint, if need be that of one which was tried in vain and long enough ago
    /// that nobody is bothered when it is named again.
    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.by_address.len() - self.places < self.limit / 2 {
            return true;
        }
        let tried = self.by_address.iter().filter(|(_, other)| {
            other.linked.is_none() && other.tried.is_some() && other.is_rested(now)
        });
        let oldest = tried.min_by_key(|(_, other)| other.tried).map(|(address, _)| *address);
        oldest.is_some_and(|oldest| {
            self.remove(oldest);
            true
        })
    }

    fn is_place(&self, address: &SocketAddr) -> bool {
        self.by_address.get(address).is_some_and(|old| old.linked.is_some())
    }

    const fn has_place(&self) -> bool {
        self.places < self.limit.div_ceil(2)
    }

    /// The place that gives way to a new one of `device` at `ip` (BC-08.80): the device's own oldest if
    /// it has too many; else, in a full table, the oldest of the network that has most.
    fn surplus(&self, device: Device, ip: IpAddr) -> Option<SocketAddr> {
        let all =
            self.by_address.iter().filter_map(|(at, old)| Some((old.linked?, *at, old.device)));
        let own = all.clone().filter(|(.., of)| *of == Some(device));
        if own.clone().count() >= PLACES_PER_DEVICE {
            return own.min().map(|(_, at, _)| at);
        }
        if self.has_place() {
            return None;
        }
        let mut share = BTreeMap::from([(addr::network(ip), 1)]);
        all.clone().for_each(|(_, at, _)| *share.entry(addr::network(at.ip())).or_default() += 1);
        let most = |&(linked, at, _): &(Timestamp, SocketAddr, _)| {
            (Reverse(share.get(&addr::network(at.ip()))), linked, at)
        };
        all.min_by_key(most).map(|(_, at, _)| at)
    }

    /// A member was reached at `address`.
    fn mark(&mut self, address: SocketAddr, at: Timestamp, device: Option<Device>) {
        let Some(place) = self.by_address.get_mut(&address) else { return };
        self.places += usize::from(place.linked.is_none());
        place.linked = place.linked.max(Some(at));
        place.device = device.or(place.device);
    }

    /// True unless it is there already.
    fn insert(&mut self, address: SocketAddr) -> bool {
        let is_new = !self.by_address.contains_key(&address);
        self.by_address.entry(address).or_insert(Candidate {
            attempts: 0,
            tried: None,
            linked: None,
            answered: false,
            device: None,
            shunned: Timestamp::ZERO,
            stored: false,
            stage: Stage::Spent,
        });
        is_new
    }

    /// True if the store was told of it.
    fn remove(&mut self, address: SocketAddr) -> bool {
        self.move_to(address, Stage::Spent);
        let Some(gone) = self.by_address.remove(&address) else { return false };
        self.places -= usize::from(gone.linked.is_some());
        gone.stored
    }

    fn start_over(&mut self, address: SocketAddr, at: Timestamp) {
        if let Some(candidate) = self.by_address.get_mut(&address) {
            candidate.attempts = 0;
            self.move_to(address, Stage::Waiting(at));
        }
    }

    fn move_to(&mut self, address: SocketAddr, stage: Stage) {
        let Some(candidate) = self.by_address.get_mut(&address) else { return };
        let stage = match stage {
            Stage::Waiting(at) => Stage::Waiting(at.max(candidate.shunned)),
            other => other,
        };
        if let Stage::Waiting(at) = core::mem::replace(&mut candidate.stage, stage) {
            self.due.remove(&(at, address));
        }
        if let Stage::Waiting(at) = stage {
            self.due.insert((at, address));
        }
    }
}

impl Candidate {
    /// It is not being tried, and the last attempt was long enough ago for another (BC-08.15).
    fn is_rested(&self, now: Timestamp) -> bool {
        self.stage != Stage::Trying && self.tried.is_none_or(|tried| tried + SETTLED <= now)
    }
}

#[cfg(test)]
mod tests;
