//! Sessions with other devices: from a handshake to the end of a link, and what a link leaves behind.

mod duplicate_sessions;
pub(crate) mod handshakes;
pub(crate) mod link_table;
mod memory_budget;
mod path_memories;
#[cfg(feature = "qlog")]
mod qlog;
pub(crate) mod records;
mod resumptions;

use super::api::Change;
use super::config::Config;
use super::fx::Fx;
use super::store::Store;
use crate::base::ids::{ConnectionId, Device, LinkId};
use crate::base::rng::Rng;
use crate::base::time::{Now, Timestamp};
use crate::crypto::noise::Role;
use crate::crypto::suite::{DhPublic, DhSecret, Secret};
use crate::handshake::Established;
#[cfg(feature = "qlog")]
use crate::link::QlogRecord;
use crate::link::{Ended, Link, LinkConfig, LinkEvent, Via};
use handshakes::Handshakes;
use link_table::LinkTable;
use memory_budget::MemoryBudget;
use path_memories::PathMemories;
#[cfg(feature = "qlog")]
use std::collections::VecDeque;
use std::collections::{BTreeMap, BTreeSet};

/// All sessions of this node, and those that may come of handshakes under way.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub links: LinkTable,
    pub handshakes: Handshakes,
    by_cid: BTreeMap<ConnectionId, LinkId>,
    /// The session in use with each device.
    by_device: BTreeMap<Device, LinkId>,
    /// Devices with several sessions: all but the one in use are closed once the one in use is known
    /// to live.
    duplicates: BTreeSet<Device>,
    /// Links of which nothing more will come.
    dead: Vec<LinkId>,
    /// What the links' buffers take beyond their first sizes.
    memory: MemoryBudget,
    /// What ended links measured.
    paths: PathMemories,
    /// What happened on a link; kept for its allocation.
    events: Vec<LinkEvent>,
    /// The links were told to take nothing more.
    paused: bool,
    next_link: u64,
    /// What is left of the traces of links that are gone.
    #[cfg(feature = "qlog")]
    ended_traces: VecDeque<QlogRecord>,
}

impl Sessions {
    pub(crate) fn new(config: &Config, rng: &mut Rng) -> Self {
        Self {
            links: LinkTable::default(),
            handshakes: Handshakes::new(&config.limits, config.insecure_key_log, rng),
            by_cid: BTreeMap::new(),
            by_device: BTreeMap::new(),
            duplicates: BTreeSet::new(),
            dead: Vec::new(),
            memory: MemoryBudget::new(config.limits.node.links_growth),
            paths: PathMemories::default(),
            events: Vec::new(),
            paused: false,
            next_link: 0,
            #[cfg(feature = "qlog")]
            ended_traces: VecDeque::new(),
        }
    }

    /// The link that a packet with this connection id belongs to.
    pub(crate) fn by_cid(&self, cid: ConnectionId) -> Option<LinkId> {
        self.by_cid.get(&cid).copied()
    }

    /// The session in use with a device.
    pub(crate) fn by_device(&self, device: Device) -> Option<LinkId> {
        self.by_device.get(&device).copied()
    }

    /// The names of all links.
    pub(crate) fn ids(&self) -> Vec<LinkId> {
        self.links.ids().collect()
    }

    /// The links were told to take nothing more.
    pub(crate) const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Notes whether the links are told to take nothing more. True if that is a change.
    pub(crate) const fn set_paused(&mut self, paused: bool) -> bool {
        core::mem::replace(&mut self.paused, paused) != paused
    }

    /// Makes a link of what a handshake established.
    pub(crate) fn establish(
        &mut self,
        now: Timestamp,
        session: &Established,
        via: Via,
        static_key: &DhSecret,
        fx: &mut Fx,
    ) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link += 1;
        let config = LinkConfig {
            rekey_interval: fx.config.rekey_interval,
            keepalive: fx.config.keepalive,
            idle_timeout: fx.config.idle_timeout,
            limits: fx.config.limits.clone(),
            key_log: fx.config.insecure_key_log,
        };
        let mut link = Link::new(now, id, session, static_key, via, config, &mut fx.rng);
        #[cfg(feature = "qlog")]
        if fx.config.qlog {
            link.begin_trace(now);
        }
        if let Some(memory) = self.paths.recall(now, &session.remote) {
            link.resume(memory);
        }
        let dialled = (session.role == Role::Initiator).then_some(session.remote);
        self.links.insert(id, link, dialled);
        self.by_cid.insert(session.local_cid, id);
        fx.outbox.log_session(session);
        self.arbitrate(session.device);
        id
    }

    /// Runs a link. What happened on it is to be acted upon, and given back to
    /// [`put_events`](Self::put_events), emptied.
    pub(crate) fn run<T>(
        &mut self,
        id: LinkId,
        rng: &mut Rng,
        body: impl FnOnce(&mut Link, &mut Rng, &mut Vec<LinkEvent>) -> T,
    ) -> Option<(T, Vec<LinkEvent>)> {
        let link = self.links.get_mut(id)?;
        let mut events = core::mem::take(&mut self.events);
        let result = self.memory.watch(link, |link| body(link, rng, &mut events));
        if link.is_dead() {
            self.dead.push(id);
        }
        Some((result, events))
    }

    pub(crate) fn put_events(&mut self, events: Vec<LinkEvent>) {
        self.events = events;
    }

    /// Fills a buffer from the first link that has something to send.
    pub(crate) fn fill<T>(&mut self, mut fill: impl FnMut(&mut Link) -> Option<T>) -> Option<T> {
        while let Some(id) = self.links.dirty() {
            if let Some(link) = self.links.get_mut(id)
                && let Some(filled) = self.memory.watch(link, &mut fill)
            {
                return Some(filled);
            }
            self.links.settle(id);
        }
        None
    }

    /// A link is known by one more connection id.
    pub(crate) fn add_cid(&mut self, id: LinkId, cid: ConnectionId) {
        self.by_cid.insert(cid, id);
    }

    /// A link is not known by this connection id any more.
    pub(crate) fn remove_cid(&mut self, cid: ConnectionId) {
        self.by_cid.remove(&cid);
    }

    /// A packet of a link authenticated: its attempt is over.
    pub(crate) fn on_authentic(&mut self, id: LinkId) {
        if let Some(link) = self.links.get(id)
            && let Some(remote) = link.via().remote()
        {
            self.handshakes.confirmed(&remote, link.local_cid());
        }
    }

    /// A link leaves a secret for the next handshake with the same device. It is stored as well.
    pub(crate) fn on_resumption(
        &mut self,
        now: Now,
        remote: DhPublic,
        secret: Secret,
        store: &mut Store,
    ) {
        let (secrets, forgotten) = self.handshakes.resumptions.renew(remote, secret);
        let record = records::resumption(&remote, &secrets, now.wall);
        store.add_if_room(Change::Put(record));
        if let Some(forgotten) = forgotten {
            store.add_if_room(Change::Delete(records::resumption_key(&forgotten)));
        }
    }

    /// A resumption secret was read back.
    pub(crate) fn restore_resumption(
        &mut self,
        remote: DhPublic,
        secrets: [Option<Secret>; 2],
        store: &mut Store,
    ) {
        if let Some(forgotten) = self.handshakes.resumptions.restore(remote, secrets) {
            store.add_if_room(Change::Delete(records::resumption_key(&forgotten)));
        }
    }

    /// A link ended: what it measured of its path is kept, unless the peer broke a rule.
    pub(crate) fn remember_path(&mut self, now: Timestamp, id: LinkId, ended: &Ended) {
        let Some(link) = self.links.get(id) else { return };
        let Some(address) = link.via().remote() else { return };
        match (ended, link.path_memory()) {
            (Ended::Violation(_), _) => self.paths.forget(&address),
            (_, Some(memory)) => self.paths.remember(now, address, memory),
            (_, None) => {}
        }
    }

    /// The host is in another network: nothing that was measured holds any more.
    pub(crate) fn forget_paths(&mut self) {
        self.paths.forget_all();
    }

    /// A link of which nothing more will come.
    pub(crate) fn pop_dead(&mut self) -> Option<LinkId> {
        self.dead.pop()
    }

    /// Forgets a link that is closed.
    pub(crate) fn remove(&mut self, id: LinkId) {
        self.dead.retain(|dead| *dead != id);
        #[cfg(feature = "qlog")]
        self.keep_trace(id);
        if let Some(link) = self.links.remove(id) {
            self.memory.forget(&link);
            for cid in link.local_cids() {
                self.by_cid.remove(&cid);
            }
        }
    }

    /// No link has anything to send, and each is closed.
    pub(crate) fn is_drained(&self) -> bool {
        self.links.dirty().is_none() && self.links.iter().all(|link| !link.is_open())
    }
}
