//! When the node wants to be woken, and what it does then.

use super::Node;
use super::api::Deadline;
use super::channels::joined::JoinedChannel;
use crate::base::ids::ChannelHandle;
use crate::base::time::{Now, Timestamp};
use crate::channel::Channel;
use crate::tracker::announcer::Announcer;

impl Node {
    /// When to call [`handle_timeout`](Self::handle_timeout), and why. `None`: never, unless
    /// something comes in.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let now = self.now.mono;
        let fixed = [
            (self.wake.then_some(now), "application"),
            (self.meeting_timeout(), "handshake"),
            (self.ledger.poll_timeout(), "store retry"),
            (self.failed_loads.poll_timeout(), "store retry"),
            (self.certificate_timeout(), "own certificate"),
        ];
        let fixed = fixed.into_iter().filter_map(|(at, why)| Some((at?, why)));
        let links = self.links.poll_timeout();
        let channels = self.channels.values().flat_map(|joined| self.channel_timeouts(joined));
        let (at, reason) = fixed.chain(links).chain(channels).min_by_key(|(at, _)| *at)?;
        Some(Deadline { at: at.max(now), reason })
    }

    fn channel_timeouts(
        &self,
        joined: &JoinedChannel,
    ) -> impl Iterator<Item = (Timestamp, &'static str)> {
        let may_dial = self.may_dial() && joined.channel().is_some();
        let dial = if may_dial { joined.candidates.poll_timeout() } else { None };
        let all = [
            (joined.channel().and_then(Channel::poll_timeout), "channel"),
            (joined.announcer.as_ref().and_then(Announcer::poll_timeout), "tracker"),
            (dial, "dialling"),
            (joined.rotates_at(self.now), "infohash"),
            (joined.demand_at(), "tracker"),
        ];
        all.into_iter().filter_map(|(at, why)| Some((at?, why)))
    }

    fn meeting_timeout(&self) -> Option<Timestamp> {
        self.now.wall.and_then(|_| self.meeting.poll_timeout())
    }

    fn certificate_timeout(&self) -> Option<Timestamp> {
        self.certificate_renewal.and_then(|date| Self::mono_of(self.now, date))
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = self.advance(now);
        self.wake = false;
        self.time_links(now);
        self.time_channels(now);
        self.load_again(now);
        if let Some(wall) = now.wall {
            let channels = &self.channels;
            let keys = |handle: ChannelHandle| channels.get(&handle).map(|joined| &joined.keys);
            self.meeting.handle_timeout(now.mono, wall, &mut self.rng, &self.links, keys);
        }
        self.settle(now);
    }

    fn time_links(&mut self, now: Now) {
        for id in self.links.due(now.mono) {
            self.with_link(now, id, |link, rng, events| link.handle_timeout(now, rng, events));
        }
    }

    fn time_channels(&mut self, now: Now) {
        let mono = now.mono;
        let handles: Vec<ChannelHandle> = self.channels.keys().copied().collect();
        for handle in handles {
            let Some(joined) = self.channels.get(&handle) else { continue };
            let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= mono);
            let log_due = due(joined.channel().and_then(Channel::poll_timeout));
            let trackers_due = due(joined.announcer.as_ref().and_then(Announcer::poll_timeout));
            let wanted = due(joined.demand_at());
            if log_due {
                self.with_channel(now, handle, |joined, world| joined.handle_timeout(now, world));
            }
            if wanted {
                self.want_peers(now, handle);
            }
            if trackers_due || wanted {
                self.with_announcer(now, handle, |announcer, rng, asked| {
                    announcer.handle_timeout(mono, rng, asked);
                });
            }
        }
    }
}
