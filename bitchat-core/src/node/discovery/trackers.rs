//! Between a channel's trackers and the world: look-ups, streams, datagrams.

use crate::base::ids::{ChannelHandle, InfoHash, StreamId};
use crate::base::rng::Stream;
use crate::base::target::TargetPolicy;
use crate::base::time::{Now, Timestamp, UnixMillis};
use crate::node::Node;
use crate::node::api::{Action, Event, Family, TrackerState};
use crate::node::channels::joined::JoinedChannel;
use crate::node::outbox::requests::Pending;
use crate::tracker::announcer::Announcer;
use crate::tracker::interface::{AnnouncerConfig, TrackerQuery, TrackerSink, TrackerStatus};
use crate::tracker::profile::Profile;
use crate::wire::url::TrackerUrl;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// A channel whose last member went asks its trackers for more, no sooner than so long after it did
/// before.
const DEMAND_REST: Duration = Duration::from_secs(10 * 60);
/// Where nobody is linked they are asked again after so long.
const DEMAND_AGAIN: Duration = Duration::from_secs(30 * 60);

/// The wall clock may jump in its sleep: a node that rotates looks at it this often at least.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(10 * 60);

/// When a channel in which nobody is linked wants more peers (BC-10.60).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PeerDemand {
    began: Timestamp,
    next: Timestamp,
}

impl PeerDemand {
    pub(crate) fn begin(&mut self, now: Timestamp) {
        *self = Self { began: now, next: now + DEMAND_AGAIN };
    }

    /// The last member is gone.
    pub(crate) fn reannounce(&mut self, now: Timestamp) {
        self.next = self.next.min(now.max(self.began + DEMAND_REST));
    }
}

/// What a channel that rotates announces, by the wall clock: that one may jump, or go on while the
/// monotonic one stands still (BC-10.62).
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    from: UnixMillis,
    until: UnixMillis,
    infohashes: Vec<InfoHash>,
}

impl Rotation {
    /// `None` if the channel does not rotate.
    pub(crate) fn of(joined: &JoinedChannel, now: Now, infohashes: &[InfoHash]) -> Option<Self> {
        let from = now.wall?;
        let until = joined.announced.next_change(&joined.keys, from)?;
        Some(Self { from, until, infohashes: infohashes.to_vec() })
    }

    /// Something else may have to be announced at `wall`.
    fn is_past(&self, wall: UnixMillis) -> bool {
        wall < self.from || wall >= self.until
    }
}

impl JoinedChannel {
    pub(crate) fn rotates_at(&self, now: Now) -> Option<Timestamp> {
        let at = Node::mono_of(now, self.rotation.as_ref()?.until)?;
        Some(at.min(now.mono + LOOK_AT_CLOCK))
    }

    /// When the trackers are asked for more peers, if nobody comes.
    pub(crate) fn demand_at(&self) -> Option<Timestamp> {
        let alone = self.is_joined() && self.members.is_empty();
        self.announcer.as_ref().filter(|all| alone && !all.is_stopped()).map(|_| self.demand.next)
    }
}

/// What an announcer asked for during one call.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    asks: Vec<Ask>,
}

#[derive(Debug)]
enum Ask {
    Resolve(TrackerQuery, String),
    Open(TrackerQuery, SocketAddr, Option<String>),
    Write(TrackerQuery, Vec<u8>),
    Close(TrackerQuery),
    Udp(SocketAddr, Vec<u8>),
    Peers(Vec<SocketAddr>),
    Status(usize, TrackerStatus),
}

impl TrackerSink for Asked {
    fn resolve(&mut self, query: TrackerQuery, host: &str) {
        self.asks.push(Ask::Resolve(query, host.to_owned()));
    }
    fn open_stream(&mut self, query: TrackerQuery, addr: SocketAddr, host: &str, tls: bool) {
        self.asks.push(Ask::Open(query, addr, tls.then(|| host.to_owned())));
    }
    fn write(&mut self, query: TrackerQuery, data: Vec<u8>) {
        self.asks.push(Ask::Write(query, data));
    }
    fn close(&mut self, query: TrackerQuery) {
        self.asks.push(Ask::Close(query));
    }
    fn send_udp(&mut self, to: SocketAddr, data: Vec<u8>) {
        self.asks.push(Ask::Udp(to, data));
    }
    fn peers(&mut self, _tracker: usize, peers: &[SocketAddr]) {
        self.asks.push(Ask::Peers(peers.to_vec()));
    }
    fn status(&mut self, tracker: usize, status: TrackerStatus) {
        self.asks.push(Ask::Status(tracker, status));
    }
}

fn allow_public(ip: IpAddr) -> bool {
    TargetPolicy::PublicOnly.allows(ip)
}

fn allow_local(ip: IpAddr) -> bool {
    TargetPolicy::AllowLocal.allows(ip)
}

impl Node {
    /// The announcer of a channel that becomes live.
    pub(crate) fn new_announcer(
        &mut self,
        tiers: Vec<Vec<TrackerUrl>>,
        infohashes: Vec<InfoHash>,
    ) -> Announcer {
        let (port, [v4, v6]) = self.reachable();
        let limits = &self.config.limits;
        let config = AnnouncerConfig {
            tiers,
            infohashes,
            port,
            profile: Profile::choose(&mut self.rng.public),
            max_trackers: limits.file.trackers,
            max_peers: limits.node.peers_per_source,
            max_reply_bytes: limits.tracker.tracker_reply_bytes,
            allow: if self.config.local_trackers { allow_local } else { allow_public },
        };
        let mut announcer = Announcer::new(config, &mut self.rng.public);
        announcer.set_families(self.now.mono, v4, v6);
        announcer
    }

    /// The port that trackers are told, and the address families that they are asked over. 0, that is
    /// nowhere, until every socket is open or could not be opened.
    pub(crate) fn reachable(&self) -> (u16, [bool; 2]) {
        let opening = self.requests.values().any(|pending| matches!(pending, Pending::Bind(_)));
        let families = [Family::V4, Family::V6].map(|family| self.sockets.of(family).is_some());
        (if opening { 0 } else { self.sockets.port() }, families)
    }

    /// Announces what is to be announced by the wall clock.
    pub(crate) fn rotate_due(&mut self, now: Now) {
        let Some(wall) = now.wall else { return };
        let past =
            |joined: &&JoinedChannel| joined.rotation.as_ref().is_some_and(|of| of.is_past(wall));
        let due: Vec<ChannelHandle> =
            self.channels.values().filter(past).map(|joined| joined.handle).collect();
        for handle in due {
            let Some(joined) = self.channels.get_mut(&handle) else { continue };
            let Ok(infohashes) = joined.announced.infohashes(&joined.keys, now.wall) else {
                continue;
            };
            let new = Rotation::of(joined, now, &infohashes);
            let old = core::mem::replace(&mut joined.rotation, new);
            if old.is_some_and(|old| old.infohashes == infohashes) {
                continue;
            }
            self.with_announcer(now, handle, |announcer, rng, asked| {
                announcer.set_infohashes(now.mono, &infohashes, rng, asked);
            });
        }
    }

    /// Nobody is linked in a channel: its trackers are asked for more.
    pub(crate) fn want_peers(&mut self, now: Now, handle: ChannelHandle) {
        if let Some(joined) = self.channels.get_mut(&handle) {
            joined.demand.begin(now.mono);
        }
        self.with_announcer(now, handle, |announcer, _, _| announcer.want_more_peers(now.mono));
    }

    /// Whether a tracker may make the node call somebody there (BC-10.63).
    fn may_be_peer(&self, ip: IpAddr) -> bool {
        if self.config.local_trackers { allow_local(ip) } else { allow_public(ip) }
    }

    /// Runs the announcer of a channel and carries out what it asks for.
    pub(crate) fn with_announcer<T>(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        body: impl FnOnce(&mut Announcer, &mut Stream, &mut Asked) -> T,
    ) -> Option<T> {
        let announcer = self.channels.get_mut(&handle)?.announcer.as_mut()?;
        let mut asked = Asked::default();
        let result = body(announcer, &mut self.rng.public, &mut asked);
        for ask in asked.asks {
            self.on_ask(now, handle, ask);
        }
        Some(result)
    }

    fn on_ask(&mut self, now: Now, handle: ChannelHandle, ask: Ask) {
        match ask {
            Ask::Resolve(query, host) => {
                let request = self.request(Pending::Tracker(handle, query));
                self.actions.push_back(Action::Resolve { request, host });
            }
            Ask::Open(query, remote, tls) => {
                let request = self.request(Pending::Tracker(handle, query));
                self.actions.push_back(Action::OpenTcp { request, remote, tls });
            }
            Ask::Write(query, data) => {
                if let Some(stream) = self.stream_of(handle, query) {
                    self.actions.push_back(Action::Write { stream, data: data.into() });
                }
            }
            Ask::Close(query) => {
                if let Some(stream) = self.stream_of(handle, query) {
                    self.streams.remove(&stream);
                    self.actions.push_back(Action::Close { stream });
                }
                // What is still being opened is closed when it opens.
                let wanted = Pending::Tracker(handle, query);
                self.requests.retain(|_, pending| *pending != wanted);
            }
            Ask::Udp(to, data) => self.queue_datagram(to, data),
            Ask::Peers(peers) => {
                for address in
                    peers.into_iter().filter(|at| self.may_be_peer(at.ip())).collect::<Vec<_>>()
                {
                    self.add_candidate(now.mono, handle, address);
                }
            }
            Ask::Status(tracker, status) => self.on_tracker_status(now, handle, tracker, status),
        }
    }

    fn stream_of(&self, handle: ChannelHandle, query: TrackerQuery) -> Option<StreamId> {
        let found = self.streams.iter().find(|(_, owner)| **owner == (handle, query));
        found.map(|(stream, _)| *stream)
    }

    fn on_tracker_status(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        tracker: usize,
        status: TrackerStatus,
    ) {
        let until = |at: Timestamp| at.saturating_since(now.mono);
        let state = match status {
            TrackerStatus::Announcing => TrackerState::Announcing,
            TrackerStatus::Working { peers, next, .. } => {
                TrackerState::Working { peers, next: until(next) }
            }
            TrackerStatus::Failed { reason, retry_at } => {
                TrackerState::Failed { reason, retry: until(retry_at) }
            }
        };
        let url = self.channels.get(&handle).and_then(|joined| joined.urls.get(tracker));
        if let Some(url) = url.cloned() {
            self.tell(Event::Tracker { channel: handle, url, state });
        }
    }
}
