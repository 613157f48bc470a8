//! Finding members: addresses where they may be, when each is dialled, trackers, own addresses.

pub(crate) mod candidates;
mod demand;
pub(crate) mod dht;
pub(crate) mod dialling;
pub(crate) mod own_addresses;
pub(crate) mod records;
mod rotation;
pub(crate) mod trackers;

use super::channels::origin::Origin;
use super::fx::Fx;
use crate::base::agenda::{Agenda, Deadline, Place};
use crate::base::ids::{ChannelHandle, ChannelId, StreamId};
use crate::base::time::{Now, Timestamp};
use crate::chatfile::Announced;
use crate::tracker::announcer::Announcer;
use crate::tracker::interface::TrackerQuery;
use crate::wire::url::TrackerUrl;
use candidates::Candidates;
use core::time::Duration;
use demand::PeerDemand;
use dht::DhtSource;
use own_addresses::OwnAddresses;
use rotation::{Rotation, Rotations};
use std::collections::{BTreeMap, BTreeSet};

/// How far the search for a channel's members is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The channel is not live yet.
    Waiting,
    /// Members are dialled, and trackers asked.
    Live,
    /// The channel is left; only its trackers are still being told.
    Left,
}

/// The search for the members of one channel.
#[derive(Debug)]
pub(crate) struct Search {
    chan: ChannelId,
    announced: Announced,
    stage: Stage,
    /// Nobody is linked in the channel.
    alone: bool,
    pub candidates: Candidates,
    /// The trackers of the file, until the announcer takes them.
    tiers: Vec<Vec<TrackerUrl>>,
    announcer: Option<Announcer>,
    /// The URL of each tracker, in the announcer's numbering.
    urls: Vec<String>,
    /// What a channel that rotates announces, and until when.
    pub rotation: Option<Rotation>,
    /// When the trackers are asked for more.
    demand: PeerDemand,
    tracker_place: Place,
    dial_place: Place,
}

/// Whom to look for, and where; and where others find this node.
/// After a sleep, links are given this long to show that they live before addresses are dialled.
const LINKS_FIRST: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Discovery {
    pub own: OwnAddresses,
    pub dht: DhtSource,
    searches: BTreeMap<ChannelHandle, Search>,
    /// When the trackers of a channel are due.
    trackers: Agenda<ChannelHandle>,
    /// When an address of a channel is due.
    dials: Agenda<ChannelHandle>,
    rotations: Rotations,
    /// Live channels whose trackers wait until the infohash can be known.
    unannounced: BTreeSet<ChannelHandle>,
    /// Channels that were left, until their trackers know.
    leaving: BTreeSet<ChannelHandle>,
    /// The channel that dialled last: the next one has its turn.
    dialled_last: ChannelHandle,
    streams: BTreeMap<StreamId, (ChannelHandle, TrackerQuery)>,
}

impl Discovery {
    pub(crate) fn new() -> Self {
        Self {
            own: OwnAddresses::default(),
            dht: DhtSource::default(),
            searches: BTreeMap::new(),
            trackers: Agenda::default(),
            dials: Agenda::default(),
            rotations: Rotations::default(),
            unannounced: BTreeSet::new(),
            leaving: BTreeSet::new(),
            dialled_last: ChannelHandle(0),
            streams: BTreeMap::new(),
        }
    }

    /// A channel is joined.
    pub(crate) fn join(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        origin: &Origin,
        max_candidates: usize,
    ) {
        let mut candidates = Candidates::new(max_candidates);
        for peer in origin.peers() {
            candidates.add(now.mono, peer.addr);
        }
        self.dht.add_nodes(now.mono, origin.nodes());
        let search = Search {
            chan: origin.chan(),
            announced: origin.announced(),
            stage: Stage::Waiting,
            alone: true,
            candidates,
            tiers: origin.tiers(),
            announcer: None,
            urls: Vec::new(),
            rotation: None,
            demand: PeerDemand::default(),
            tracker_place: Place::default(),
            dial_place: Place::default(),
        };
        self.searches.insert(handle, search);
    }

    /// A channel is live: its members are dialled, and its trackers asked.
    pub(crate) fn go_live(&mut self, handle: ChannelHandle) {
        if let Some(search) = self.get_mut(handle) {
            search.stage = Stage::Live;
            self.unannounced.insert(handle);
        }
    }

    /// A channel is left: its trackers are told.
    pub(crate) fn leave(&mut self, now: Now, handle: ChannelHandle, fx: &mut Fx) {
        let Some(search) = self.get_mut(handle) else { return };
        search.stage = Stage::Left;
        let rotation = search.rotation.take();
        self.rotations.replace(handle, rotation.as_ref(), None);
        self.unannounced.remove(&handle);
        self.leaving.insert(handle);
        self.dht.leave(now.mono, handle);
        self.stop(now, handle, fx);
    }

    /// The trackers of a channel are told that this node goes.
    pub(crate) fn stop(&mut self, now: Now, handle: ChannelHandle, fx: &mut Fx) {
        self.with_announcer(now, handle, fx, |announcer, rng, asked| {
            announcer.stop(now.mono, rng, asked);
        });
    }

    /// Forgets channels that were left, once their trackers know.
    pub(crate) fn sweep(&mut self) {
        let told = |handle: &ChannelHandle| {
            let announcer = self.searches.get(handle).and_then(|left| left.announcer.as_ref());
            announcer.is_none_or(Announcer::is_stopped)
        };
        let gone: Vec<ChannelHandle> = self.leaving.iter().copied().filter(told).collect();
        for handle in gone {
            self.leaving.remove(&handle);
            if let Some(search) = self.searches.remove(&handle) {
                self.trackers.remove(handle, &search.tracker_place);
                self.dials.remove(handle, &search.dial_place);
            }
        }
    }

    /// All trackers know that this node goes.
    pub(crate) fn is_stopped(&self) -> bool {
        let mut announcers = self.searches.values().filter_map(|search| search.announcer.as_ref());
        announcers.all(Announcer::is_stopped)
    }

    /// The channels that are searched for, and those that are left.
    pub(crate) fn handles(&self) -> Vec<ChannelHandle> {
        self.searches.keys().copied().collect()
    }

    /// A channel's search, which is about to change.
    pub(crate) fn get_mut(&mut self, handle: ChannelHandle) -> Option<&mut Search> {
        let search = self.searches.get_mut(&handle)?;
        self.trackers.touch(handle);
        self.dials.touch(handle);
        Some(search)
    }

    /// Somebody is linked in a channel.
    pub(crate) fn on_company(&mut self, handle: ChannelHandle) {
        if let Some(search) = self.get_mut(handle) {
            search.alone = false;
        }
        self.dht.on_company(handle);
    }

    /// This host may be somewhere else, or slept: what failed before says nothing now. Links that live
    /// have a moment to show it, so that nobody is dialled in vain.
    pub(crate) fn look_again(&mut self, now: Timestamp) {
        for handle in self.handles() {
            let Some(search) = self.get_mut(handle) else { continue };
            search.candidates.look_again(now, now + LINKS_FIRST);
            if let Some(announcer) = &mut search.announcer {
                announcer.forgive(now);
            }
        }
    }

    /// The last member of a channel went.
    pub(crate) fn on_alone(&mut self, now: Now, handle: ChannelHandle) {
        if let Some(search) = self.get_mut(handle) {
            search.alone = true;
            search.demand.reannounce(now.mono);
            self.dht.on_alone(now.mono, handle);
        }
    }

    /// Brings the agendas in order at the end of a call.
    pub(crate) fn settle(&mut self) {
        while let Some(handle) = self.trackers.dirty() {
            let Some(search) = self.searches.get_mut(&handle) else { break };
            let next = search.trackers_at();
            self.trackers.settle(handle, &mut search.tracker_place, next);
        }
        while let Some(handle) = self.dials.dirty() {
            let Some(search) = self.searches.get_mut(&handle) else { break };
            let next = search.dials_at();
            self.dials.settle(handle, &mut search.dial_place, next);
        }
    }

    /// When trackers, or the wall clock for channels that rotate, are due next.
    pub(crate) fn poll_timeout(&self, now: Now) -> Option<Deadline> {
        let trackers = self.trackers.next(|handle| self.searches.get(&handle)?.trackers_at());
        debug_assert_eq!(
            trackers.map(|(at, _)| at),
            self.searches.values().filter_map(Search::trackers_at).map(|(at, _)| at).min(),
            "a search changed behind the agenda's back"
        );
        let rotation = self.rotations.poll_timeout(now).map(|at| (at, "infohash"));
        let dht = self.dht.poll_timeout().map(|at| (at, "dht"));
        trackers.into_iter().chain(rotation).chain(dht).min_by_key(|(at, _)| *at)
    }

    /// When an address is due next.
    pub(crate) fn dial_timeout(&self) -> Option<Deadline> {
        let next = self.dials.next(|handle| self.searches.get(&handle)?.dials_at());
        debug_assert_eq!(
            next.map(|(at, _)| at),
            self.searches.values().filter_map(Search::dials_at).map(|(at, _)| at).min(),
            "candidates changed behind the agenda's back"
        );
        next
    }

    /// The channels whose trackers are due.
    pub(crate) fn due(&self, now: Timestamp) -> BTreeSet<ChannelHandle> {
        self.trackers.due(now, |handle| self.searches.get(&handle)?.trackers_at())
    }

    /// The channels of this call whose trackers are due by now.
    pub(crate) fn touched_due(&self, now: Timestamp) -> BTreeSet<ChannelHandle> {
        self.trackers.dirty_due(now, |handle| self.searches.get(&handle)?.trackers_at())
    }
}

impl Search {
    /// When the trackers of the channel have something to do.
    fn trackers_at(&self) -> Option<Deadline> {
        let at = self.announcer.as_ref().and_then(Announcer::poll_timeout);
        at.into_iter().chain(self.demand_at()).min().map(|at| (at, "tracker"))
    }

    /// When the trackers are asked for more peers, if nobody comes.
    fn demand_at(&self) -> Option<Timestamp> {
        let alone = self.stage != Stage::Left && self.alone;
        self.announcer.as_ref().filter(|all| alone && !all.is_stopped()).map(|_| self.demand.next())
    }

    /// When an address is due, if somebody may be dialled at all.
    fn dials_at(&self) -> Option<Deadline> {
        let at = self.candidates.poll_timeout().filter(|_| self.stage == Stage::Live);
        at.map(|at| (at, "dialling"))
    }
}
