//! A host of the world and what it holds for the machine that runs on it.

use super::clock::Clock;
use crate::dht::DhtHost;
use crate::disk::Disk;
use crate::tracker::Tracker;
use bitchat_core::base::ids::{RequestId, SocketId, StreamId};
use bitchat_core::base::time::{Now, Timestamp};
use bitchat_core::node::{Event, Family};
use std::collections::{BTreeMap, BTreeSet};

/// What a machine has done so far, over all its lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Datagrams received.
    pub received: u64,
    /// Times that it was woken by its own deadline.
    pub woken: u64,
}

#[derive(Debug)]
pub(super) struct Host<M> {
    pub(super) machine: Option<M>,
    /// Counts the machine's lives: answers to an earlier one are for nobody.
    pub(super) life: u32,
    pub(super) clock: Clock,
    pub(super) disk: Disk,
    pub(super) tracker: Option<Tracker>,
    pub(super) dht: Option<DhtHost>,
    /// The certificate name with which the host answers TLS.
    pub(super) tls_name: Option<String>,
    pub(super) sockets: BTreeMap<SocketId, (Family, u16)>,
    pub(super) streams: BTreeSet<StreamId>,
    /// Streams that are being opened, for whom, and the name that TLS must show.
    pub(super) opening: BTreeMap<StreamId, (RequestId, Option<String>)>,
    pub(super) outstanding: BTreeSet<RequestId>,
    pub(super) asked: BTreeSet<RequestId>,
    pub(super) deadline: Option<Timestamp>,
    /// The host sleeps since then: nothing runs on it and nothing reaches it.
    pub(super) asleep: Option<Timestamp>,
    /// When the machine was last drained.
    pub(super) drained_at: Timestamp,
    pub(super) events: Vec<(Timestamp, Event)>,
    pub(super) counters: Counters,
}

impl<M> Host<M> {
    pub(super) fn new(clock: Clock, disk: Disk) -> Self {
        Self {
            machine: None,
            life: 0,
            clock,
            disk,
            tracker: None,
            dht: None,
            tls_name: None,
            sockets: BTreeMap::new(),
            streams: BTreeSet::new(),
            opening: BTreeMap::new(),
            outstanding: BTreeSet::new(),
            asked: BTreeSet::new(),
            deadline: None,
            asleep: None,
            drained_at: Timestamp::ZERO,
            events: Vec::new(),
            counters: Counters::default(),
        }
    }

    pub(super) fn now(&self, world: Timestamp) -> Now {
        self.clock.now(world)
    }

    pub(super) fn socket(&self, family: Family, port: u16) -> Option<SocketId> {
        let mut sockets = self.sockets.iter();
        sockets.find(|(_, bound)| **bound == (family, port)).map(|(id, _)| *id)
    }

    /// The process is gone and everything that belonged to it.
    pub(super) fn clear(&mut self) {
        self.machine = None;
        self.life += 1;
        self.sockets.clear();
        self.streams.clear();
        self.opening.clear();
        self.outstanding.clear();
        self.asked.clear();
        self.deadline = None;
    }
}
