//! Peer exchange: who is a member and where each was reached.
//!
//! Passed on (BC-09.24) are only addresses that an own link proved, and what a peer says of itself
//! over such a link. Hearsay becomes a candidate and nothing else, so a lie travels one step.

mod hint;
mod route;

#[cfg(test)]
pub(super) use hint::Mapping;
pub(super) use hint::{PEER_MAX, PeerHint, Statement};

use crate::base::addr;
use crate::base::ids::Device;
use crate::base::time::Timestamp;
use crate::base::via::Route;
use core::net::SocketAddr;
use hint::MAX_ROUTES;
use std::collections::BTreeMap;

#[derive(Debug)]
struct Member {
    /// Where a link of this device reached the member.
    proven: Option<SocketAddr>,
    /// What the member says of itself.
    stated: Statement,
    links: usize,
    seen: Timestamp,
    revision: u64,
}

/// The members met, and the own addresses.
#[derive(Debug)]
pub(super) struct Pex {
    local: Device,
    own: Statement,
    own_revision: u64,
    max_members: usize,
    members: BTreeMap<Device, Member>,
    by_revision: BTreeMap<u64, Device>,
    revision: u64,
}

impl Pex {
    pub(super) fn new(local: Device, max_members: usize) -> Self {
        Self {
            local,
            own: Statement::default(),
            own_revision: 0,
            max_members,
            members: BTreeMap::new(),
            by_revision: BTreeMap::new(),
            revision: 0,
        }
    }

    pub(super) fn is_local(&self, device: Device) -> bool {
        self.local == device
    }

    /// Where datagrams reach this device, as far as it knows.
    pub(super) fn set_own(&mut self, addrs: &[SocketAddr]) {
        let routes = addrs.iter().copied().filter(usable).take(MAX_ROUTES).map(Route::Udp);
        let own = Statement { routes: routes.collect(), ..Statement::default() };
        if own != self.own {
            self.own = own;
            self.revision += 1;
            self.own_revision = self.revision;
        }
    }

    pub(super) fn on_link_up(&mut self, now: Timestamp, device: Device, addr: Option<SocketAddr>) {
        self.make_room(device);
        let member = self.members.entry(device).or_insert(Member {
            proven: None,
            stated: Statement::default(),
            links: 0,
            seen: now,
            revision: 0,
        });
        member.links += 1;
        member.seen = now;
        let addr = addr.filter(usable).or(member.proven);
        if core::mem::replace(&mut member.proven, addr) != addr {
            self.touch(device);
        }
    }

    /// A link reaches a linked device at another address than before.
    pub(super) fn on_moved(&mut self, device: Device, addr: SocketAddr) {
        let Some(member) = self.members.get_mut(&device).filter(|_| usable(&addr)) else { return };
        if member.proven.replace(addr) != Some(addr) {
            self.touch(device);
        }
    }

    pub(super) fn on_link_down(&mut self, now: Timestamp, device: Device) {
        if let Some(member) = self.members.get_mut(&device) {
            member.links = member.links.saturating_sub(1);
            member.seen = now;
        }
    }

    /// What a linked device says of itself.
    pub(super) fn on_stated(&mut self, device: Device, stated: &Statement) {
        if let Some(member) = self.members.get_mut(&device)
            && member.stated != *stated
        {
            member.stated = stated.clone();
            self.touch(device);
        }
    }

    fn touch(&mut self, device: Device) {
        self.revision += 1;
        if let Some(member) = self.members.get_mut(&device) {
            self.by_revision.remove(&member.revision);
            member.revision = self.revision;
            self.by_revision.insert(self.revision, device);
        }
    }

    /// Forgets the member without a link that was seen longest ago.
    fn make_room(&mut self, coming: Device) {
        if self.members.len() < self.max_members || self.members.contains_key(&coming) {
            return;
        }
        let gone = self.members.iter().filter(|(_, member)| member.links == 0);
        if let Some((device, revision)) =
            gone.min_by_key(|(_, member)| member.seen).map(|(device, m)| (*device, m.revision))
        {
            self.members.remove(&device);
            self.by_revision.remove(&revision);
        }
    }

    pub(super) fn is_linked(&self, device: Device) -> bool {
        self.members.get(&device).is_some_and(|member| member.links > 0)
    }

    /// Grows with every change.
    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    /// Up to `max` changes since revision `told`, for the link to `to`; and the revision reached.
    pub(super) fn delta(
        &self,
        now: Timestamp,
        told: u64,
        to: Device,
        max: usize,
    ) -> (Vec<PeerHint>, u64) {
        let mut hints = Vec::new();
        if self.own_revision > told {
            hints.push(PeerHint { device: self.local, age: 0, of: self.own.clone() });
        }
        for (revision, device) in self.by_revision.range(told + 1..) {
            if hints.len() >= max.max(1) {
                return (hints, revision - 1);
            }
            let Some(member) = self.members.get(device).filter(|_| *device != to) else {
                continue;
            };
            let proven = member.proven.map(Route::Udp);
            let mut of = member.stated.clone();
            of.routes.retain(|route| Some(*route) != proven);
            if let Some(proven) = proven {
                of.routes.insert(0, proven);
            }
            of.routes.truncate(MAX_ROUTES);
            let age =
                if member.links > 0 { 0 } else { now.saturating_since(member.seen).as_secs() };
            hints.push(PeerHint { device: *device, age, of });
        }
        (hints, self.revision)
    }
}

fn usable(addr: &SocketAddr) -> bool {
    addr::is_usable(*addr)
}

/// Whether a route heard over a link from `source` may become a candidate (BC-09.27): no member may
/// point this device at its own host.
pub(super) fn believable(route: Route, source: Option<SocketAddr>) -> bool {
    let here = |addr: SocketAddr| addr::is_loopback(addr.ip());
    let believable = |addr: SocketAddr| usable(&addr) && (!here(addr) || source.is_some_and(here));
    route.address().is_none_or(believable)
}
