//! Between a channel's trackers and the world: look-ups, streams, datagrams.

use super::Discovery;
use super::rotation::Rotation;
use crate::base::ids::{ChannelHandle, InfoHash, RequestId, StreamId};
use crate::base::rng::Stream;
use crate::base::target::TargetPolicy;
use crate::base::time::{Now, Timestamp};
use crate::crypto::channel_keys::ChannelKeys;
use crate::node::api::{Action, Event, TrackerState, TrackerUpdate};
use crate::node::config::Config;
use crate::node::fx::Fx;
use crate::node::outbox::Outbox;
use crate::node::outbox::requests::Pending;
use crate::tracker::announcer::Announcer;
use crate::tracker::interface::{AnnouncerConfig, TrackerQuery, TrackerSink, TrackerStatus};
use crate::tracker::profile::Profile;
use crate::wire::url::TrackerUrl;
use core::net::{IpAddr, SocketAddr};

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

pub(super) fn allow_public(ip: IpAddr) -> bool {
    TargetPolicy::PublicOnly.allows(ip)
}

pub(super) fn allow_local(ip: IpAddr) -> bool {
    TargetPolicy::AllowLocal.allows(ip)
}

/// Whether a tracker, or the DHT, may make the node call somebody there (BC-10.63).
pub(super) fn may_be_peer(config: &Config, ip: IpAddr) -> bool {
    if config.local_trackers { allow_local(ip) } else { allow_public(ip) }
}

impl Discovery {
    /// The live channels whose trackers are to be told of an infohash that is not known yet.
    pub(crate) fn unannounced(&self) -> Vec<ChannelHandle> {
        self.unannounced.iter().copied().collect()
    }

    /// Gives a live channel its trackers, if the infohash can be known.
    pub(crate) fn start_trackers(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        keys: &ChannelKeys,
        fx: &mut Fx,
    ) {
        let (port, families) = self.own.reachable(&fx.outbox);
        let Some(search) = self.get_mut(handle) else { return };
        let Ok(infohashes) = search.announced.infohashes(keys, now.wall) else { return };
        let tiers = core::mem::take(&mut search.tiers);
        search.urls = tiers.iter().flatten().map(ToString::to_string).collect();
        search.demand.begin(now.mono);
        let announcer = new_announcer(now.mono, fx, tiers, infohashes.clone(), port, families);
        search.announcer = Some(announcer);
        self.set_rotation(now, handle, keys, &infohashes);
        self.dht.set_hashes(now.mono, handle, &infohashes);
        self.dht.on_alone(now.mono, handle);
        self.unannounced.remove(&handle);
        self.with_announcer(now, handle, fx, |announcer, rng, asked| {
            announcer.start(now.mono, rng, asked);
        });
    }

    /// Notes until when a channel announces `infohashes`, and gives what was noted before.
    fn set_rotation(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        keys: &ChannelKeys,
        infohashes: &[InfoHash],
    ) -> Option<Rotation> {
        let search = self.searches.get_mut(&handle)?;
        let new = now.wall.and_then(|from| {
            let until = search.announced.next_change(keys, from)?;
            Some(Rotation { from, until, infohashes: infohashes.to_vec() })
        });
        self.rotations.replace(handle, search.rotation.as_ref(), new.as_ref());
        core::mem::replace(&mut search.rotation, new)
    }

    /// The channels that may have to announce something else by now.
    pub(crate) fn rotations_due(&self, now: Now) -> impl Iterator<Item = ChannelHandle> + use<> {
        let due = now.wall.map(|wall| self.rotations.due(wall));
        due.into_iter().flatten()
    }

    /// Announces what is to be announced by the wall clock.
    pub(crate) fn rotate(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        keys: &ChannelKeys,
        fx: &mut Fx,
    ) {
        let Some(search) = self.get_mut(handle) else { return };
        let Ok(infohashes) = search.announced.infohashes(keys, now.wall) else { return };
        let old = self.set_rotation(now, handle, keys, &infohashes);
        if old.is_some_and(|old| old.infohashes == infohashes) {
            return;
        }
        self.dht.set_hashes(now.mono, handle, &infohashes);
        self.with_announcer(now, handle, fx, |announcer, rng, asked| {
            announcer.set_infohashes(now.mono, &infohashes, rng, asked);
        });
    }

    /// Does what is due for the trackers of a channel.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        due: TrackersDue,
        fx: &mut Fx,
    ) {
        if due.demand {
            if let Some(search) = self.get_mut(handle) {
                search.demand.begin(now.mono);
            }
            self.with_announcer(now, handle, fx, |announcer, _, _| {
                announcer.want_more_peers(now.mono);
            });
        }
        if due.announcer || due.demand {
            self.with_announcer(now, handle, fx, |announcer, rng, asked| {
                announcer.handle_timeout(now.mono, rng, asked);
            });
        }
    }

    /// What of the trackers of a channel is due.
    pub(crate) fn trackers_due(&self, now: Timestamp, handle: ChannelHandle) -> TrackersDue {
        let Some(search) = self.searches.get(&handle) else { return TrackersDue::default() };
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        TrackersDue {
            announcer: due(search.announcer.as_ref().and_then(Announcer::poll_timeout)),
            demand: due(search.demand_at()),
        }
    }

    /// Where this node is has changed: the trackers of a channel are told.
    pub(crate) fn tell_port(&mut self, now: Now, handle: ChannelHandle, fx: &mut Fx) {
        let (port, [v4, v6]) = self.own.reachable(&fx.outbox);
        if port != 0 {
            self.with_announcer(now, handle, fx, |announcer, _, _| {
                announcer.set_port(now.mono, port);
                announcer.set_families(now.mono, v4, v6);
            });
        }
    }

    /// A datagram of no link. True if it is the answer of a tracker.
    pub(crate) fn on_datagram(
        &mut self,
        now: Now,
        from: SocketAddr,
        datagram: &[u8],
        fx: &mut Fx,
    ) -> bool {
        let mut asked = Asked::default();
        let rng = &mut fx.rng.public;
        let found = self.searches.iter_mut().find_map(|(handle, search)| {
            let announcer = search.announcer.as_mut()?;
            announcer.on_datagram(now.mono, from, datagram, rng, &mut asked).then_some(*handle)
        });
        let Some(handle) = found else { return false };
        self.trackers.touch(handle);
        self.carry_out(now, handle, asked, fx);
        true
    }

    /// A name was looked up.
    pub(crate) fn on_resolved(
        &mut self,
        now: Now,
        request: RequestId,
        addresses: &[IpAddr],
        fx: &mut Fx,
    ) {
        let Some((handle, query)) = take_query(&mut fx.outbox, request) else { return };
        self.with_announcer(now, handle, fx, |announcer, rng, asked| {
            announcer.on_resolved(now.mono, query, addresses, rng, asked);
        });
    }

    /// A stream is open.
    pub(crate) fn on_opened(
        &mut self,
        now: Now,
        request: RequestId,
        stream: StreamId,
        fx: &mut Fx,
    ) {
        let Some((handle, query)) = take_query(&mut fx.outbox, request) else {
            // Given up meanwhile.
            fx.outbox.actions.push_back(Action::Close { stream });
            return;
        };
        self.streams.insert(stream, (handle, query));
        self.with_announcer(now, handle, fx, |announcer, rng, asked| {
            announcer.on_opened(now.mono, query, rng, asked);
        });
    }

    /// Bytes, or the end, of a stream.
    pub(crate) fn on_stream(
        &mut self,
        now: Now,
        stream: StreamId,
        data: Option<&[u8]>,
        fx: &mut Fx,
    ) {
        let Some((handle, query)) = self.streams.get(&stream).copied() else { return };
        if data.is_none() {
            self.streams.remove(&stream);
        }
        self.with_announcer(now, handle, fx, |announcer, rng, asked| match data {
            Some(data) => announcer.on_readable(now.mono, query, data, rng, asked),
            None => announcer.on_closed(now.mono, query, rng, asked),
        });
    }

    /// What an announcer asked for failed.
    pub(crate) fn on_failed(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        query: TrackerQuery,
        failure: &str,
        fx: &mut Fx,
    ) {
        self.with_announcer(now, handle, fx, |announcer, rng, asked| {
            announcer.on_failed(now.mono, query, failure, rng, asked);
        });
    }

    /// Runs the announcer of a channel and carries out what it asks for.
    pub(crate) fn with_announcer(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        fx: &mut Fx,
        body: impl FnOnce(&mut Announcer, &mut Stream, &mut Asked),
    ) {
        let search = self.get_mut(handle);
        let Some(announcer) = search.and_then(|search| search.announcer.as_mut()) else { return };
        let mut asked = Asked::default();
        body(announcer, &mut fx.rng.public, &mut asked);
        self.carry_out(now, handle, asked, fx);
    }

    fn carry_out(&mut self, now: Now, handle: ChannelHandle, asked: Asked, fx: &mut Fx) {
        for ask in asked.asks {
            self.on_ask(now, handle, ask, fx);
        }
    }

    fn on_ask(&mut self, now: Now, handle: ChannelHandle, ask: Ask, fx: &mut Fx) {
        let outbox = &mut fx.outbox;
        match ask {
            Ask::Resolve(query, host) => {
                outbox.ask(Pending::Tracker(handle, query), |request| Action::Resolve {
                    request,
                    host,
                });
            }
            Ask::Open(query, remote, tls) => {
                outbox.ask(Pending::Tracker(handle, query), |request| Action::OpenTcp {
                    request,
                    remote,
                    tls,
                });
            }
            Ask::Write(query, data) => {
                if let Some(stream) = self.stream_of(handle, query) {
                    outbox.actions.push_back(Action::Write { stream, data: data.into() });
                }
            }
            Ask::Close(query) => {
                if let Some(stream) = self.stream_of(handle, query) {
                    self.streams.remove(&stream);
                    outbox.actions.push_back(Action::Close { stream });
                }
                // What is still being opened is closed when it opens.
                outbox.forget_request(&Pending::Tracker(handle, query));
            }
            Ask::Udp(to, data) => self.own.send(outbox, to, data),
            Ask::Peers(peers) => {
                for address in peers.into_iter().filter(|at| may_be_peer(&fx.config, at.ip())) {
                    self.add_candidate(now.mono, handle, address, outbox);
                }
            }
            Ask::Status(tracker, status) => {
                self.on_tracker_status(now, handle, tracker, status, outbox);
            }
        }
    }

    fn stream_of(&self, handle: ChannelHandle, query: TrackerQuery) -> Option<StreamId> {
        let found = self.streams.iter().find(|(_, owner)| **owner == (handle, query));
        found.map(|(stream, _)| *stream)
    }

    fn on_tracker_status(
        &self,
        now: Now,
        handle: ChannelHandle,
        tracker: usize,
        status: TrackerStatus,
        outbox: &mut Outbox,
    ) {
        let until = |at: Timestamp| at.saturating_since(now.mono);
        let state = match status {
            TrackerStatus::Announcing => TrackerState::Announcing,
            TrackerStatus::Working { peers, next, warning } => {
                TrackerState::Working { peers, next: until(next), warning }
            }
            TrackerStatus::Failed { reason, retry_at } => {
                TrackerState::Failed { reason, retry: until(retry_at) }
            }
        };
        let url = self.searches.get(&handle).and_then(|search| search.urls.get(tracker));
        if let Some(url) = url.cloned() {
            outbox.tell(Event::Tracker(handle, TrackerUpdate { url, state }));
        }
    }
}

/// What of the trackers of a channel is due.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TrackersDue {
    announcer: bool,
    /// Nobody is linked in the channel: the trackers are asked for more peers.
    demand: bool,
}

/// Which announcer waits for the answer to a request.
fn take_query(outbox: &mut Outbox, request: RequestId) -> Option<(ChannelHandle, TrackerQuery)> {
    outbox.take_request(request, |pending| match pending {
        Pending::Tracker(handle, query) => Some((*handle, *query)),
        _ => None,
    })
}

/// The announcer of a channel that becomes live.
fn new_announcer(
    now: Timestamp,
    fx: &mut Fx,
    tiers: Vec<Vec<TrackerUrl>>,
    infohashes: Vec<InfoHash>,
    port: u16,
    [v4, v6]: [bool; 2],
) -> Announcer {
    let limits = &fx.config.limits;
    let config = AnnouncerConfig {
        tiers,
        infohashes,
        port,
        profile: Profile::choose(&mut fx.rng.public),
        max_trackers: limits.file.trackers,
        max_peers: limits.node.peers_per_source,
        max_reply_bytes: limits.tracker.tracker_reply_bytes,
        allow: if fx.config.local_trackers { allow_local } else { allow_public },
    };
    let mut announcer = Announcer::new(config, &mut fx.rng.public);
    announcer.set_families(now, v4, v6);
    announcer
}
