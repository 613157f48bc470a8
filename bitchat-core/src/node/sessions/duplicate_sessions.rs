//! Several sessions with one device: which of them is in use (spec 05, "Two sessions of one pair").

use crate::base::ids::{Device, LinkId};
use crate::base::time::Now;
use crate::handshake::{Rival, choose};
use crate::link::{Link, code};
use crate::node::Node;

/// Sessions with one device at once. Two arise from dialling at the same time, more from restarts;
/// somebody who makes more than that is after something else.
const MAX_SESSIONS: usize = 8;

fn rival(link: &Link) -> Rival<'_, LinkId> {
    Rival { name: link.id(), claim: link.claim(), ready: link.is_ready() }
}

impl Node {
    /// The device has as many sessions as it may.
    pub(crate) fn has_enough_sessions(&self, device: Device) -> bool {
        self.sessions(device).count() >= MAX_SESSIONS
    }

    /// The open sessions with a device, oldest first.
    fn sessions(&self, device: Device) -> impl DoubleEndedIterator<Item = &Link> + Clone {
        self.links.iter().filter(move |link| link.device() == device && link.is_open())
    }

    /// Decides anew between the sessions with a device (BC-05.35, BC-05.36). The result does not
    /// depend on when that is done.
    pub(crate) fn arbitrate_device(&mut self, device: Device) {
        let Some(best) = choose(self.sessions(device).map(rival)) else {
            self.by_device.remove(&device);
            self.rivals.remove(&device);
            return;
        };
        self.by_device.insert(device, best);
        if self.sessions(device).count() == 1 {
            self.rivals.remove(&device);
            return;
        }
        self.rivals.insert(device);
        // The others go when the best one hears something: an idle one is made to.
        if let Some(link) = self.links.get_mut(best) {
            link.ping();
        }
    }

    /// A packet of a session authenticated. If it is the one to stay, it lives and the others are
    /// closed: not before, since a session whose other end is gone must not take the living one
    /// along. They stay until the winner carries what they carry.
    pub(crate) fn close_rivals(&mut self, now: Now, id: LinkId) {
        if self.rivals.is_empty() {
            return;
        }
        let Some(winner) = self.links.get(id) else { return };
        let device = winner.device();
        if self.by_device.get(&device) != Some(&id) || !self.rivals.contains(&device) {
            return;
        }
        let may_go = |other: &&Link| other.id() != id && rival(other).yields_to(winner.claim());
        let losers = || self.sessions(device).filter(may_go);
        let carries = |chan| winner.shared().any(|own| own == chan);
        if !winner.is_ready() || !losers().flat_map(Link::shared).all(carries) {
            return;
        }
        let losers: Vec<LinkId> = losers().map(Link::id).collect();
        if losers.len() + 1 == self.sessions(device).count() {
            self.rivals.remove(&device);
        }
        for loser in losers {
            // The winner may use the loser's way as well.
            if let Some(via) = self.links.get(loser).map(Link::via) {
                self.with_link(now, id, |link, rng, _| link.add_path(now.mono, via, rng));
            }
            self.with_link(now, loser, |link, _, events| {
                link.close(now.mono, code::REPLACED, events);
            });
        }
    }
}
