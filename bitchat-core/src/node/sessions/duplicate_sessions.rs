//! Several sessions with one device: which of them is in use (spec 05, "Two sessions of one pair").

use super::Sessions;
use crate::base::ids::{Device, LinkId};
use crate::handshake::{DuplicateSession, session_to_keep};
use crate::link::Link;

/// Sessions with one device at once. Two arise from dialling at the same time, more from restarts;
/// somebody who makes more than that is after something else.
const MAX_SESSIONS: usize = 8;

fn rival(link: &Link) -> DuplicateSession<'_, LinkId> {
    DuplicateSession { name: link.id(), tie_break: link.tie_break(), ready: link.is_ready() }
}

impl Sessions {
    /// The device has as many sessions as it may.
    pub(crate) fn has_enough(&self, device: Device) -> bool {
        self.with_device(device).count() >= MAX_SESSIONS
    }

    /// The open sessions with a device, oldest first.
    fn with_device(&self, device: Device) -> impl DoubleEndedIterator<Item = &Link> + Clone {
        self.links.iter().filter(move |link| link.device() == device && link.is_open())
    }

    /// Decides anew between the sessions with a device (BC-05.35, BC-05.36). The result does not
    /// depend on when that is done.
    pub(crate) fn arbitrate(&mut self, device: Device) {
        let Some(best) = session_to_keep(self.with_device(device).map(rival)) else {
            self.by_device.remove(&device);
            self.duplicates.remove(&device);
            return;
        };
        self.by_device.insert(device, best);
        if self.with_device(device).count() == 1 {
            self.duplicates.remove(&device);
            return;
        }
        self.duplicates.insert(device);
        // The others go when the best one hears something: an idle one is made to.
        if let Some(link) = self.links.get_mut(best) {
            link.ping();
        }
    }

    /// A packet of a session authenticated. If it is the session to stay, it lives: this gives the
    /// others, which may be closed now. Not before, since a session whose other end is gone must not
    /// take the living one along. They stay until the winner carries what they carry.
    pub(crate) fn take_duplicates(&mut self, id: LinkId) -> Vec<LinkId> {
        if self.duplicates.is_empty() {
            return Vec::new();
        }
        let Some(winner) = self.links.get(id) else { return Vec::new() };
        let device = winner.device();
        if self.by_device.get(&device) != Some(&id) || !self.duplicates.contains(&device) {
            return Vec::new();
        }
        let may_go = |other: &&Link| other.id() != id && rival(other).yields_to(winner.tie_break());
        let losers = || self.with_device(device).filter(may_go);
        let carries = |chan| winner.shared().any(|own| own == chan);
        if !winner.is_ready() || !losers().flat_map(Link::shared).all(carries) {
            return Vec::new();
        }
        let losers: Vec<LinkId> = losers().map(Link::id).collect();
        if losers.len() + 1 == self.with_device(device).count() {
            self.duplicates.remove(&device);
        }
        losers
    }
}
