//! Peer exchange: who is a member and where each was reached.
//!
//! Passed on (BC-09.24) are only addresses that an own link proved, and what a peer says of itself
//! over such a link. Hearsay becomes a candidate and nothing else, so a lie travels one step.

mod hint;

pub(super) use hint::{PEER_MAX, PeerHint};

use crate::base::addr;
use crate::base::ids::Device;
use crate::base::time::Timestamp;
use core::net::SocketAddr;
use hint::MAX_ADDRESSES;
use std::collections::BTreeMap;

#[derive(Debug)]
struct Member {
    /// Where a link of this device reached the member.
    proven: Option<SocketAddr>,
    /// Where the member says it can be reached.
    stated: Vec<SocketAddr>,
    links: usize,
    seen: Timestamp,
    revision: u64,
}

/// The members met, and the own addresses.
#[derive(Debug)]
pub(super) struct Pex {
    local: Device,
    own: Vec<SocketAddr>,
    own_revision: u64,
    max_members: usize,
    members: BTreeMap<Device, Member>,
    by_revision: BTreeMap<u64, Device>,
    revision: u64,
}

impl Pex {
    pub(super) const fn new(local: Device, max_members: usize) -> Self {
        Self {
            local,
            own: Vec::new(),
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

    pub(super) fn set_own(&mut self, addrs: &[SocketAddr]) {
        let addrs: Vec<_> = addrs.iter().copied().filter(usable).take(MAX_ADDRESSES).collect();
        if addrs != self.own {
            self.own = addrs;
            self.revision += 1;
            self.own_revision = self.revision;
        }
    }

    pub(super) fn on_link_up(&mut self, now: Timestamp, device: Device, addr: Option<SocketAddr>) {
        self.make_room(device);
        let member = self.members.entry(device).or_insert(Member {
            proven: None,
            stated: Vec::new(),
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
    pub(super) fn on_stated(&mut self, device: Device, addrs: &[SocketAddr]) {
        if let Some(member) = self.members.get_mut(&device)
            && member.stated != addrs
        {
            member.stated = addrs.to_vec();
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
            hints.push(PeerHint { device: self.local, addrs: self.own.clone(), age: 0 });
        }
        for (revision, device) in self.by_revision.range(told + 1..) {
            if hints.len() >= max.max(1) {
                return (hints, revision - 1);
            }
            let Some(member) = self.members.get(device).filter(|_| *device != to) else {
                continue;
            };
            let mut addrs: Vec<_> = member.proven.into_iter().collect();
            addrs.extend(member.stated.iter().filter(|addr| Some(**addr) != member.proven));
            addrs.truncate(MAX_ADDRESSES);
            let age =
                if member.links > 0 { 0 } else { now.saturating_since(member.seen).as_secs() };
            hints.push(PeerHint { device: *device, addrs, age });
        }
        (hints, self.revision)
    }
}

fn usable(addr: &SocketAddr) -> bool {
    addr::is_usable(*addr)
}

/// Whether an address heard over a link from `source` may become a candidate (BC-09.27): nobody
/// out there may point us at our own host.
pub(super) fn believable(addr: &SocketAddr, source: Option<SocketAddr>) -> bool {
    let here = |addr: &SocketAddr| addr::is_loopback(addr.ip());
    usable(addr) && (!here(addr) || source.is_some_and(|source| here(&source)))
}
