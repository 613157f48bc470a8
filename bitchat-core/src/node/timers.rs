//! When the node wants to be woken, and what it does then.

use super::Node;
use super::api::Deadline;
use crate::base::time::{Now, Timestamp};

impl Node {
    /// When to call [`handle_timeout`](Self::handle_timeout), and why. `None`: never, unless
    /// something comes in.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let now = self.now.mono;
        let fixed = [
            (self.wake.then_some(now), "application"),
            (self.slept.then_some(now), "resumption"),
            (self.handshake_timeout(), "handshake"),
            (self.store.poll_timeout(), "store retry"),
            (self.own.poll_timeout(self.now), "own certificate"),
        ];
        let fixed = fixed.into_iter().filter_map(|(at, why)| Some((at?, why)));
        let dial = if self.may_dial() { self.discovery.dial_timeout() } else { None };
        let rest = [
            self.sessions.links.poll_timeout(),
            self.channels.poll_timeout(),
            self.discovery.poll_timeout(self.now),
            dial,
        ];
        let (at, reason) = fixed.chain(rest.into_iter().flatten()).min_by_key(|(at, _)| *at)?;
        Some(Deadline { at: at.max(now), reason })
    }

    fn handshake_timeout(&self) -> Option<Timestamp> {
        self.now.wall.and_then(|_| self.sessions.handshakes.poll_timeout())
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = self.advance(now);
        self.wake = false;
        self.wake_up(now);
        self.time_links(now);
        self.time_channels(now);
        self.load_again(now);
        let mut effects = Vec::new();
        if let Some(wall) = now.wall {
            let (handshakes, links) = (&mut self.sessions.handshakes, &self.sessions.links);
            let keys = |handle| self.channels.get(handle).map(|joined| &joined.keys);
            effects = handshakes.handle_timeout(now.mono, wall, &mut self.fx.rng, links, keys);
        }
        self.settle(now, effects);
    }

    fn time_links(&mut self, now: Now) {
        for id in self.sessions.links.due(now.mono) {
            self.with_link(now, id, |link, rng, events| link.handle_timeout(now, rng, events));
        }
    }

    /// Does what is due in channels, in the order of their handles; each with its trackers.
    fn time_channels(&mut self, now: Now) {
        let mut due = self.channels.due(now.mono);
        due.extend(self.discovery.due(now.mono));
        while let Some(handle) = due.pop_first() {
            let log_due = self.channels.is_due(handle, now.mono);
            let trackers_due = self.discovery.trackers_due(now.mono, handle);
            if log_due {
                self.with_channel(now, handle, |joined, context| {
                    joined.handle_timeout(now, context);
                });
            }
            self.discovery.handle_timeout(now, handle, trackers_due, &mut self.fx);
            // What one channel did may have made a later one due.
            let touched = self.channels.touched_due(now.mono);
            let touched = touched.into_iter().chain(self.discovery.touched_due(now.mono));
            due.extend(touched.filter(|other| *other > handle));
            self.channels.settle();
            self.discovery.settle();
        }
    }
}
