//! What leaves the node: actions, events, datagrams of no link, what the node says of its work; and
//! who waits for an answer.

mod key_log;
pub(crate) mod requests;

use super::api::{Action, Event, EventClass, Stats};
use super::config::Config;
use super::log::{Log, LogLevel};
use crate::base::ids::{RequestId, SocketId};
use crate::base::time::Timestamp;
use crate::crypto::key_log::KeyLogLine;
use core::fmt::Display;
use core::net::{IpAddr, SocketAddr};
use requests::Pending;
use std::collections::{BTreeMap, VecDeque};

/// A datagram that belongs to no link.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub socket: SocketId,
    pub to: SocketAddr,
    /// The address of ours to send it from, where it answers one that was sent there.
    pub local: Option<IpAddr>,
    pub data: Vec<u8>,
}

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
    datagrams: VecDeque<Datagram>,
    /// Who sent the datagram of the present call, and to which of our addresses.
    pub answering: Option<(SocketAddr, IpAddr)>,
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
            answering: None,
            max_datagrams: config.limits.node.queued_datagrams,
            key_log: config.insecure_key_log.then(VecDeque::new),
            requests: BTreeMap::new(),
            next_request: 0,
        }
    }

    /// Tells the application, and the log. While the application does not listen, the class of an
    /// event says what becomes of the event.
    pub(crate) fn tell(&mut self, event: Event) {
        self.note(event.level(), event.target(), &event);
        if let Some(detail) = event.detail() {
            self.note(LogLevel::Debug, event.target(), detail);
        }
        let class = event.class();
        if class == EventClass::Droppable {
            self.events.retain(|earlier| !event.supersedes(earlier));
        }
        let has_room = self.events.len() < self.max_events;
        let kept = match class {
            EventClass::Keep => true,
            EventClass::Coalesce => has_room || !self.events.contains(&event),
            EventClass::Droppable => has_room,
        };
        if kept {
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
            let local = self.local_to(to);
            self.datagrams.push_back(Datagram { socket, to, local, data });
        }
    }

    /// The address of ours that the datagram of the present call was sent to, if `to` sent it.
    pub(crate) fn local_to(&self, to: SocketAddr) -> Option<IpAddr> {
        self.answering.filter(|(from, _)| *from == to).map(|(_, local)| local)
    }

    pub(crate) fn pop_datagram(&mut self) -> Option<Datagram> {
        self.datagrams.pop_front()
    }

    /// Neither an action nor a datagram waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.datagrams.is_empty()
    }
}
