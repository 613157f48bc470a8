//! Who has stored own entries, as the heads of others say.

use crate::base::ids::Device;
use crate::log::AuthorId;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Delivery {
    max_devices: usize,
    /// Entries of each own chain that each device has stored.
    stored: BTreeMap<AuthorId, BTreeMap<Device, u64>>,
}

impl Delivery {
    pub(super) const fn new(max_devices: usize) -> Self {
        Self { max_devices, stored: BTreeMap::new() }
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

    /// The devices that have stored the entry of an own chain at position `seq`.
    pub(super) fn stored_by(&self, author: AuthorId, seq: u64) -> impl Iterator<Item = Device> {
        let devices = self.stored.get(&author).into_iter().flatten();
        devices.filter(move |(_, count)| **count > seq).map(|(device, _)| *device)
    }
}
