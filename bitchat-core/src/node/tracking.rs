//! Between a channel's trackers and the world: look-ups, streams, datagrams.

use super::Node;
use super::api::{Action, Event, TrackerState};
use super::pending::Pending;
use crate::base::ids::{ChannelHandle, InfoHash, StreamId};
use crate::base::rng::Stream;
use crate::base::target::TargetPolicy;
use crate::base::time::{Now, Timestamp};
use crate::tracker::announcer::Announcer;
use crate::tracker::interface::{AnnouncerConfig, TrackerQuery, TrackerSink, TrackerStatus};
use crate::tracker::profile::Profile;
use crate::wire::url::TrackerUrl;
use core::net::{IpAddr, SocketAddr};

/// What an announcer asked for during one call.
#[derive(Debug, Default)]
pub(super) struct Asked {
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
    pub(super) fn new_announcer(
        &mut self,
        tiers: Vec<Vec<TrackerUrl>>,
        infohashes: Vec<InfoHash>,
    ) -> Announcer {
        let limits = &self.config.limits;
        let config = AnnouncerConfig {
            tiers,
            infohashes,
            port: self.sockets.port(),
            profile: Profile::choose(&mut self.rng.public),
            max_trackers: limits.trackers,
            max_peers: limits.peers_per_source,
            max_reply_bytes: limits.tracker_reply_bytes,
            allow: if self.config.local_trackers { allow_local } else { allow_public },
        };
        Announcer::new(config, &mut self.rng.public)
    }

    /// Runs the announcer of a channel and carries out what it asks for.
    pub(super) fn with_announcer<T>(
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
                for address in peers {
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
