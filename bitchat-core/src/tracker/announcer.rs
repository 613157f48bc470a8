//! The trackers of one channel: whom to ask, when, and what to do with the answers.
//!
//! Every tier is announced to, as qBittorrent does. Within a tier BEP 12 asks one tracker, the first
//! that works. Two members that alone make up a channel would then miss each other whenever they
//! settled on different trackers of a tier, so that a node that knows too few peers
//! ([`Announcer::want_more_peers`], and at the start) announces to all of them.

use super::contact::Tracker;
use super::interface::{AnnouncerConfig, TrackerQuery, TrackerSink};
pub use super::lane::MAX_INFOHASHES;
use super::lane::{Lane, Swarm, Turn};
use crate::base::addr;
use crate::base::ids::InfoHash;
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeSet;

/// How long one request for more peers is remembered; the start of an announcer is one.
const HUNGER: Duration = Duration::from_secs(10 * 60);
/// How long leaving may take (libtorrent's limit).
const STOP_WAIT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Running,
    Stopping { deadline: Timestamp },
}

/// The trackers of one channel.
///
/// Sockets, streams, name look-ups and the time are the embedder's: effects go into the
/// [`TrackerSink`], answers come back through the `on_*` methods, late ones are ignored. Call
/// [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout), which may
/// change with every call.
#[derive(Debug)]
pub struct Announcer {
    config: AnnouncerConfig,
    swarms: Vec<Swarm>,
    trackers: Vec<Tracker>,
    /// The trackers of each tier in the order in which they are preferred.
    tiers: Vec<Vec<usize>>,
    phase: Phase,
    hungry_until: Timestamp,
    /// Rises with every change of port or infohashes: what was said before has to be said anew.
    generation: u64,
    /// Whether peers can reach this node over IPv4 and IPv6.
    families: [bool; 2],
    next_query: u64,
}

impl Announcer {
    /// An announcer that does nothing yet. The trackers of each tier are shuffled once (BC-10.20); one
    /// that is named again, however it is spelt, counts once (BC-10.66).
    #[must_use]
    pub fn new(config: AnnouncerConfig, rng: &mut Stream) -> Self {
        let mut trackers = Vec::new();
        let mut tiers = Vec::new();
        let mut known = BTreeSet::new();
        let mut numbers = 0..;
        for (tier, urls) in config.tiers.iter().enumerate() {
            let first = trackers.len();
            for (number, url) in (&mut numbers).take(urls.len()).zip(urls) {
                if trackers.len() < config.max_trackers && known.insert(url.identity()) {
                    trackers.push(Tracker::new(number, tier, url.clone()));
                }
            }
            let mut order: Vec<usize> = (first..trackers.len()).collect();
            shuffle(&mut order, rng);
            tiers.push(order);
        }
        let swarms = Swarm::all(&config.infohashes, &config, rng);
        let (phase, hungry_until) = (Phase::Idle, Timestamp::ZERO);
        let (generation, families, next_query) = (0, [true; 2], 0);
        Self {
            config,
            swarms,
            trackers,
            tiers,
            phase,
            hungry_until,
            generation,
            families,
            next_query,
        }
    }

    /// Begins to announce; again after a stop. Counts as a wish for more peers.
    pub fn start(&mut self, now: Timestamp, rng: &mut Stream, sink: &mut dyn TrackerSink) {
        if self.phase == Phase::Running {
            return;
        }
        self.phase = Phase::Running;
        self.hungry_until = now + HUNGER;
        for tracker in &mut self.trackers {
            tracker.schedule.due = now;
        }
        self.proceed(now, rng, sink);
    }

    /// Leaves: says `stopped` wherever this node is on a list, within five seconds (BC-10.22).
    /// [`is_stopped`](Self::is_stopped) tells when that is over.
    pub fn stop(&mut self, now: Timestamp, rng: &mut Stream, sink: &mut dyn TrackerSink) {
        if self.phase != Phase::Running {
            return;
        }
        self.phase = Phase::Stopping { deadline: now + STOP_WAIT };
        let (trackers, mut turn) = self.turn(now, rng, sink);
        for tracker in trackers {
            tracker.abort(&mut turn);
            tracker.leave(|_| true);
        }
        self.proceed(now, rng, sink);
    }

    /// Not started, or everything has been said after [`stop`](Self::stop).
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// Announces these infohashes from now on, at most [`MAX_INFOHASHES`]. New ones get a new peer
    /// id and key, the others keep theirs; those no longer named are left (BC-10.21).
    pub fn set_infohashes(
        &mut self,
        now: Timestamp,
        infohashes: &[InfoHash],
        rng: &mut Stream,
        sink: &mut dyn TrackerSink,
    ) {
        let fresh = Swarm::all(infohashes, &self.config, rng);
        let mut old = core::mem::take(&mut self.swarms);
        self.swarms = fresh
            .into_iter()
            .map(|new| match old.iter().position(|swarm| swarm.infohash == new.infohash) {
                Some(at) => old.swap_remove(at),
                None => new,
            })
            .collect();
        for tracker in &mut self.trackers {
            tracker.leave(|left| old.iter().any(|swarm| swarm.infohash == *left));
        }
        self.announce_anew(now);
        self.proceed(now, rng, sink);
    }

    /// Peers reach this node at `port` from now on; 0 if nowhere. Takes effect with the next
    /// [`handle_timeout`](Self::handle_timeout), which is due at once.
    pub fn set_port(&mut self, now: Timestamp, port: u16) {
        if self.config.port != port {
            self.config.port = port;
            self.announce_anew(now);
        }
    }

    /// Peers reach this node over IPv4 and IPv6, or over one of them only: a tracker is asked over no
    /// other, for it lists the address that asks (BC-10.61). Both, unless told otherwise. Takes effect
    /// as [`set_port`](Self::set_port) does.
    pub fn set_families(&mut self, now: Timestamp, v4: bool, v6: bool) {
        let old = core::mem::replace(&mut self.families, [v4, v6]);
        if (v4 && !old[0]) || (v6 && !old[1]) {
            self.announce_anew(now);
        }
    }

    /// This host slept or is somewhere else: failures say nothing of the trackers. Those that failed are
    /// asked again at once, but for waits that a tracker imposed.
    pub fn forgive(&mut self, now: Timestamp) {
        for tracker in &mut self.trackers {
            tracker.schedule.forgive(now);
        }
    }

    /// The node knows too few peers: for ten minutes all trackers of a tier are asked, and sooner
    /// than they ask for, but not before a minute and their minimum have passed (BC-10.18).
    pub fn want_more_peers(&mut self, now: Timestamp) {
        self.hungry_until = now + HUNGER;
        for tracker in &mut self.trackers {
            tracker.schedule.hurry(now);
        }
    }

    /// The answer to [`TrackerSink::resolve`].
    pub fn on_resolved(
        &mut self,
        now: Timestamp,
        query: TrackerQuery,
        addresses: &[IpAddr],
        rng: &mut Stream,
        sink: &mut dyn TrackerSink,
    ) {
        self.on_query(now, query, rng, sink, |tracker, turn| {
            tracker.on_resolved(turn, query, addresses);
        });
    }

    /// The answer to [`TrackerSink::open_stream`]. A stream that nobody waits for any more is
    /// closed.
    pub fn on_opened(
        &mut self,
        now: Timestamp,
        query: TrackerQuery,
        rng: &mut Stream,
        sink: &mut dyn TrackerSink,
    ) {
        let known = self.on_query(now, query, rng, sink, |tracker, turn| {
            tracker.with_lane(turn, query, |lane, turn| {
                lane.on_opened(turn);
                None
            });
        });
        if !known {
            sink.close(query);
        }
    }

    /// Bytes arrived on a stream.
    pub fn on_readable(
        &mut self,
        now: Timestamp,
        query: TrackerQuery,
        data: &[u8],
        rng: &mut Stream,
        sink: &mut dyn TrackerSink,
    ) {
        self.on_query(now, query, rng, sink, |tracker, turn| {
            tracker.with_lane(turn, query, |lane, turn| lane.on_readable(turn, data));
        });
    }

    /// The tracker closed a stream, or it broke.
    pub fn on_closed(
        &mut self,
        now: Timestamp,
        query: TrackerQuery,
        rng: &mut Stream,
        sink: &mut dyn TrackerSink,
    ) {
        self.on_query(now, query, rng, sink, |tracker, turn| {
            tracker.with_lane(turn, query, Lane::on_closed);
        });
    }

    /// A look-up or the opening of a stream failed; `reason` is for people.
    pub fn on_failed(
        &mut self,
        now: Timestamp,
        query: TrackerQuery,
        reason: &str,
        rng: &mut Stream,
        sink: &mut dyn TrackerSink,
    ) {
        self.on_query(now, query, rng, sink, |tracker, turn| {
            tracker.on_failed(turn, query, reason);
        });
    }

    /// A datagram arrived. True if it was the answer of a tracker: it came from the address and
    /// names the transaction of a request in progress (BC-10.09).
    pub fn on_datagram(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        data: &[u8],
        rng: &mut Stream,
        sink: &mut dyn TrackerSink,
    ) -> bool {
        let from = addr::canonical(from);
        let (trackers, mut turn) = self.turn(now, rng, sink);
        let Some(tracker) = trackers.iter_mut().find(|tracker| tracker.is_answer(from, data))
        else {
            return false;
        };
        tracker.on_datagram(&mut turn, from, data);
        self.proceed(now, rng, sink);
        true
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Timestamp, rng: &mut Stream, sink: &mut dyn TrackerSink) {
        let expired = matches!(self.phase, Phase::Stopping { deadline } if deadline <= now);
        let (trackers, mut turn) = self.turn(now, rng, sink);
        for tracker in trackers {
            if expired {
                tracker.give_up(&mut turn);
            } else {
                tracker.handle_timeout(&mut turn);
            }
        }
        self.proceed(now, rng, sink);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let rounds = self.trackers.iter().filter_map(Tracker::deadline);
        let due = (0..self.trackers.len()).filter_map(|index| self.due(index));
        let stop = match self.phase {
            Phase::Stopping { deadline } => Some(deadline),
            _ => None,
        };
        rounds.chain(due).chain(stop).min()
    }

    fn turn<'a>(
        &'a mut self,
        now: Timestamp,
        rng: &'a mut Stream,
        sink: &'a mut dyn TrackerSink,
    ) -> (&'a mut [Tracker], Turn<'a>) {
        let turn = Turn {
            now,
            rng,
            sink,
            config: &self.config,
            families: self.families,
            swarms: &self.swarms,
            generation: self.generation,
            hungry_until: self.hungry_until,
            next_query: &mut self.next_query,
        };
        (&mut self.trackers, turn)
    }

    /// Hands something to the tracker that waits for `query`; false if none does.
    fn on_query(
        &mut self,
        now: Timestamp,
        query: TrackerQuery,
        rng: &mut Stream,
        sink: &mut dyn TrackerSink,
        act: impl FnOnce(&mut Tracker, &mut Turn<'_>),
    ) -> bool {
        let (trackers, mut turn) = self.turn(now, rng, sink);
        let Some(tracker) = trackers.iter_mut().find(|tracker| tracker.waits_for(query)) else {
            return false;
        };
        act(tracker, &mut turn);
        self.proceed(now, rng, sink);
        true
    }

    /// What has changed is announced at once, except to trackers that are failing.
    fn announce_anew(&mut self, now: Timestamp) {
        self.generation += 1;
        for tracker in &mut self.trackers {
            if tracker.schedule.failures == 0 && self.phase == Phase::Running {
                tracker.schedule.due = now;
            }
        }
    }

    /// Ends rounds that are over and begins those that are due. What is new comes before farewells: a
    /// silent address would hold it up (BC-10.21).
    fn proceed(&mut self, now: Timestamp, rng: &mut Stream, sink: &mut dyn TrackerSink) {
        loop {
            let (trackers, mut turn) = self.turn(now, rng, sink);
            let mut worked = Vec::new();
            for (index, tracker) in trackers.iter_mut().enumerate() {
                if tracker.settle(&mut turn) {
                    worked.push(index);
                }
            }
            worked.into_iter().for_each(|index| self.prefer(index));
            let due = (0..self.trackers.len())
                .find(|&index| self.due(index).is_some_and(|due| due <= now));
            let Some(index) = due else { break };
            let (trackers, mut turn) = self.turn(now, rng, sink);
            trackers[index].begin_round(&mut turn);
        }
        let (trackers, mut turn) = self.turn(now, rng, sink);
        for tracker in trackers {
            tracker.begin_farewell(&mut turn);
        }
        if matches!(self.phase, Phase::Stopping { .. })
            && !self.trackers.iter().any(Tracker::is_busy)
        {
            self.phase = Phase::Idle;
        }
    }

    /// BEP 12: the tracker that worked moves to the front of its tier (BC-10.20).
    fn prefer(&mut self, index: usize) {
        let tier = self.trackers.get(index).and_then(|tracker| self.tiers.get_mut(tracker.tier));
        if let Some(tier) = tier
            && let Some(at) = tier.iter().position(|&member| member == index)
        {
            tier[..=at].rotate_right(1);
        }
    }

    /// When a tracker's next round begins; `None` while one is in progress or another tracker of
    /// the tier is asked instead.
    fn due(&self, index: usize) -> Option<Timestamp> {
        let tracker = self.trackers.get(index)?;
        let may = self.phase == Phase::Running
            && self.config.port != 0
            && !self.swarms.is_empty()
            && !tracker.is_busy();
        let due = tracker.schedule.due;
        let never = due == Timestamp::FAR_FUTURE;
        (may && !never && (due < self.hungry_until || self.is_asked(index, tracker.tier)))
            .then_some(due)
    }

    /// Within a tier the first tracker that is not failing is asked; all of them if all are.
    fn is_asked(&self, index: usize, tier: usize) -> bool {
        let order = self.tiers.get(tier).map(Vec::as_slice).unwrap_or_default();
        let works = |&&member: &&usize| {
            self.trackers.get(member).is_some_and(|tracker| tracker.schedule.failures == 0)
        };
        order.iter().find(works).is_none_or(|&first| first == index)
    }
}

fn shuffle(items: &mut [usize], rng: &mut Stream) {
    for last in (1..items.len()).rev() {
        let other = usize::try_from(rng.below(last as u64 + 1)).unwrap_or(last);
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests;
