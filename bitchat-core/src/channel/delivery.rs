//! Who has stored our entries, as their heads say.

use super::entry::AuthorId;
use crate::base::ids::Device;
use std::collections::{BTreeMap, BTreeSet};

/// How far an own message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryState {
    /// Stored here: from now on a crash does not lose it.
    pub stored: bool,
    /// Handed to at least one link.
    pub sent: bool,
    /// Devices that said they stored it.
    pub stored_by: usize,
    /// Other devices of the channel that were ever met or have written.
    pub members: usize,
}

#[derive(Debug)]
pub(super) struct Delivery {
    max_devices: usize,
    /// Entries of each own chain that each device has stored.
    stored: BTreeMap<AuthorId, BTreeMap<Device, u64>>,
    members: BTreeSet<Device>,
    sent: BTreeMap<AuthorId, u64>,
}

impl Delivery {
    pub(super) const fn new(max_devices: usize) -> Self {
        Self {
            max_devices,
            stored: BTreeMap::new(),
            members: BTreeSet::new(),
            sent: BTreeMap::new(),
        }
    }

    /// Somebody else is a member.
    pub(super) fn on_member(&mut self, device: Device) {
        if self.members.len() < self.max_devices {
            self.members.insert(device);
        }
    }

    /// `device` stored `count` entries of an own chain; true if that is news.
    pub(super) fn on_head(&mut self, author: AuthorId, device: Device, count: u64) -> bool {
        let devices = self.stored.entry(author).or_default();
        if devices.len() >= self.max_devices && !devices.contains_key(&device) {
            return false;
        }
        let known = devices.entry(device).or_default();
        let news = count > *known;
        *known = count.max(*known);
        news
    }

    /// Entries of an own chain were handed to a link.
    pub(super) fn on_sent(&mut self, author: AuthorId, count: u64) {
        let sent = self.sent.entry(author).or_default();
        *sent = count.max(*sent);
    }

    pub(super) fn stored_by(&self, author: AuthorId, seq: u64) -> impl Iterator<Item = Device> {
        let devices = self.stored.get(&author).into_iter().flatten();
        devices.filter(move |(_, count)| **count > seq).map(|(device, _)| *device)
    }

    pub(super) fn state(&self, author: AuthorId, seq: u64, stored: bool) -> DeliveryState {
        DeliveryState {
            stored,
            sent: self.sent.get(&author).is_some_and(|sent| *sent > seq),
            stored_by: self.stored_by(author, seq).count(),
            members: self.members.len(),
        }
    }
}
