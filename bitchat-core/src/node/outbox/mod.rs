//! What leaves the node: actions, events, datagrams of no link, what the node says of its work; and
//! who waits for an answer.

mod key_log;
pub(crate) mod requests;

use super::api::{Action, Event, Stats};
use super::config::Config;
use super::log::{Log, LogLevel};
use crate::base::ids::{RequestId, SocketId};
use crate::base::time::Timestamp;
use crate::crypto::key_log::KeyLogLine;
use core::fmt::Display;
use core::net::SocketAddr;
use requests::Pending;
use std::collections::{BTreeMap, VecDeque};

/// The one way out of the node.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// When the present call happens.
    pub now: Timestamp,
    pub actions: VecDeque<Action>,
    pub log: Log,
    pub stats: Stats,
    pub events: VecDeque<Event>,
    pub max_events: usize,
    datagrams: VecDeque<(SocketId, SocketAddr, Vec<u8>)>,
    max_datagrams: usize,
    /// `None` unless the embedder asked for a key log.
    key_log: Option<VecDeque<KeyLogLine>>,
    requests: BTreeMap<RequestId, Pending>,
    next_request: u64,
}

impl Outbox {
    pub(crate) fn new(config: &Config, now: Timestamp) -> Self {
        Self {
            now,
            actions: VecDeque::new(),
            log: Log::new(config.log, config.limits.node.log_records),
            stats: Stats::default(),
            events: VecDeque::new(),
            max_events: config.limits.node.events,
            datagrams: VecDeque::new(),
            max_datagrams: config.limits.node.queued_datagrams,
            key_log: config.insecure_key_log.then(VecDeque::new),
            requests: BTreeMap::new(),
            next_request: 0,
        }
    }

    /// Tells the application. While it does not listen, what only describes the present state is
    /// left out, for it can be asked for. What comes in pairs or cannot be asked for is kept; there is
    /// an end to it, since a node that is behind takes neither messages nor new sessions, and of
    /// what it may tell again and again one of each is kept.
    pub(crate) fn tell(&mut self, event: Event) {
        self.log.add_event(self.now, &event);
        if let Event::Tracker { channel, url, .. } = &event {
            self.events.retain(|old| {
                !matches!(old, Event::Tracker { channel: c, url: u, .. } if c == channel && u == url)
            });
        }
        let lasting = matches!(
            event,
            Event::Message { .. }
                | Event::Delivered { .. }
                | Event::Equivocation { .. }
                | Event::LinkUp { .. }
                | Event::LinkClosed { .. }
                | Event::MemberUp { .. }
                | Event::MemberDown { .. }
        );
        let once = matches!(
            event,
            Event::ChannelReady { .. }
                | Event::ListenFailed { .. }
                | Event::LogFull { .. }
                | Event::StoreDamaged { .. }
                | Event::StoreFailing { .. }
                | Event::StoreRecovered
                | Event::StoreWentBack { .. }
                | Event::WallTimeNeeded
        );
        let has_room = self.events.len() < self.max_events;
        if lasting || has_room || (once && !self.events.contains(&event)) {
            self.events.push_back(event);
        }
    }

    /// The application has fallen behind with the events.
    pub(crate) fn is_behind(&self) -> bool {
        self.events.len() * 2 >= self.max_events
    }

    pub(crate) fn pop_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Notes `text` for people who look for a fault.
    pub(crate) fn note(&mut self, level: LogLevel, target: &'static str, text: impl Display) {
        self.log.add(self.now, level, target, text);
    }

    /// Queues a datagram that belongs to no link. With a full queue it is lost, as datagrams may be.
    pub(crate) fn queue_datagram(&mut self, socket: SocketId, to: SocketAddr, data: Vec<u8>) {
        if self.datagrams.len() < self.max_datagrams {
            self.datagrams.push_back((socket, to, data));
        }
    }

    pub(crate) fn pop_datagram(&mut self) -> Option<(SocketId, SocketAddr, Vec<u8>)> {
        self.datagrams.pop_front()
    }

    /// Neither an action nor a datagram waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.datagrams.is_empty()
    }
}
