//! Floor 5: what a chat is.
//!
//! A [`Channel`] is the log of one channel and everything that keeps it equal among the members:
//! entries signed by their authors ([`entry`]), an order that everybody computes alike, exchange of
//! what others lack, who has stored what, and hints where members are. It sees links and complete
//! messages, never a socket, an address that it would send to, or a key of a link.
//!
//! How it is driven: every `on_*`, `send_text` and `handle_timeout` acts at once through the
//! [`ChannelSink`] given to it and leaves nothing to drain. `poll_timeout` says when to call
//! [`Channel::handle_timeout`]. Three answers are owed to the channel: `on_writable` after a refused
//! `send`, and `on_persisted` or `on_persist_failed` after every `persist`.
//!
//! Durable before visible: an entry, own or another's, is shown, acknowledged, cited and passed on
//! only after the embedder stored it. A crash before that loses nothing that anybody saw, and an
//! author never reuses a position.

mod delivery;
pub mod entry;
mod fetch;
mod info;
mod log;
mod mesh;
mod message;
mod own;
mod pending;
mod receive;
mod record;
mod restore;
mod serving;
mod sink;
mod sync;
mod waiting;

pub use delivery::DeliveryState;
pub use info::ChannelInfo;
pub use log::CHAINS_PER_DEVICE;
pub use own::SendError;
pub use receive::ChannelFault;
pub use record::Record;
pub use restore::{ChannelRestore, RestoreError};
pub use sink::{
    Candidate, ChannelEvent, ChannelSink, Content, FullReason, Message, Priority, Ticket,
};

use crate::base::ids::{ChannelId, Device, EntryId, LinkId};
use crate::base::limits::Limits;
use crate::base::time::{Now, Timestamp};
use crate::crypto::channel_keys::Epoch;
use crate::crypto::suite::Suite;
use core::net::SocketAddr;
use delivery::Delivery;
use entry::{AuthorId, Entry, Kind};
use fetch::Fetch;
use log::Log;
use mesh::Mesh;
use own::Own;
use pending::{Item, Pending};
use std::collections::{BTreeMap, BTreeSet};
use sync::{Peer, View};
use waiting::Waiting;

/// Which channel, as whom, within which bounds.
#[derive(Clone, Debug)]
pub struct ChannelConfig {
    /// What signatures are made and checked with.
    pub suite: Suite,
    /// The channel.
    pub chan: ChannelId,
    /// Its epoch.
    pub epoch: Epoch,
    /// This device.
    pub local: Device,
    /// Used: `message_bytes`, `text_bytes`, `log_entries`, `log_bytes`, `authors`,
    /// `waiting_entries` (entries that wait for an ancestor, and again for the disk), `candidates`
    /// (members remembered), `peers_per_source`.
    pub limits: Limits,
}

/// One channel of one device.
#[derive(Debug)]
pub struct Channel {
    config: ChannelConfig,
    log: Log,
    waiting: Waiting,
    pending: Pending,
    own: Own,
    own_chains: BTreeSet<AuthorId>,
    peers: BTreeMap<LinkId, Peer>,
    fetch: Option<Fetch>,
    delivery: Delivery,
    mesh: Mesh,
    info: ChannelInfo,
    full_told: BTreeSet<FullReason>,
    now: Timestamp,
}

impl Channel {
    /// An empty channel. The own chain begins with the first message.
    #[must_use]
    pub fn new(config: ChannelConfig) -> Self {
        let limits = &config.limits;
        Self {
            log: Log::new(
                limits.channel.log_entries,
                limits.channel.log_bytes,
                limits.channel.authors,
            ),
            waiting: Waiting::new(limits.channel.waiting_entries, limits.channel.log_bytes / 8),
            pending: Pending::new(),
            own: Own::default(),
            own_chains: BTreeSet::new(),
            peers: BTreeMap::new(),
            fetch: None,
            delivery: Delivery::new(limits.channel.authors),
            mesh: Mesh::new(config.local, limits.node.candidates),
            info: ChannelInfo::default(),
            full_told: BTreeSet::new(),
            now: Timestamp::ZERO,
            config,
        }
    }

    /// A link to a member carries this channel now. `addr` is where the link reached it, if it is
    /// a direct one.
    pub fn on_link_up(
        &mut self,
        now: Now,
        link: LinkId,
        device: Device,
        addr: Option<SocketAddr>,
        sink: &mut dyn ChannelSink,
    ) {
        self.advance(now);
        if self.peers.contains_key(&link) {
            self.on_link_down(now, link, sink);
        }
        self.mesh.on_link_up(self.now, device, addr);
        if device != self.config.local {
            self.delivery.on_member(device);
        }
        let mut peer = Peer::new(self.now, link, device, addr);
        self.ask_for_info(&mut peer);
        self.peers.insert(link, peer);
        self.flush(sink);
    }

    /// The peer of a link is at another address now. Unknown links are ignored.
    pub fn on_link_moved(
        &mut self,
        now: Now,
        link: LinkId,
        addr: SocketAddr,
        sink: &mut dyn ChannelSink,
    ) {
        self.advance(now);
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.addr = Some(addr);
            self.mesh.on_moved(peer.device, addr);
            self.flush(sink);
        }
    }

    /// The link does not carry this channel any more. Unknown links are ignored.
    pub fn on_link_down(&mut self, now: Now, link: LinkId, sink: &mut dyn ChannelSink) {
        self.advance(now);
        if let Some(peer) = self.peers.remove(&link) {
            self.mesh.on_link_down(self.now, peer.device);
            self.waiting.drop_link(link);
            if self.fetch.as_ref().is_some_and(|fetch| fetch.link == link) {
                self.fetch = None;
            }
        }
        self.flush(sink);
    }

    /// The link can take messages again.
    pub fn on_writable(&mut self, now: Now, link: LinkId, sink: &mut dyn ChannelSink) {
        self.advance(now);
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.on_writable(sink);
        }
        self.flush(sink);
    }

    /// The record of `ticket` is durable. Unknown tickets are ignored.
    pub fn on_persisted(&mut self, now: Now, ticket: Ticket, sink: &mut dyn ChannelSink) {
        self.advance(now);
        self.on_durable(ticket, sink);
        self.flush(sink);
    }

    /// What has nothing undurable ahead of it counts from now on (BC-09.21).
    fn on_durable(&mut self, ticket: Ticket, sink: &mut dyn ChannelSink) {
        for item in self.pending.on_persisted(ticket) {
            if let Item::Entry(id) = item
                && let Some(entry) = self.log.show(&id)
            {
                self.on_visible(&entry, sink);
            }
        }
    }

    /// The record of `ticket` could not be stored. Nothing that depends on it leaves; the record is
    /// handed out again under another ticket after 1 s, then 2 s, up to 60 s.
    pub fn on_persist_failed(&mut self, now: Now, ticket: Ticket, sink: &mut dyn ChannelSink) {
        self.advance(now);
        if let Some(item) = self.pending.on_failed(self.now, ticket) {
            let entry = match item {
                Item::Entry(id) => Some(id),
                Item::Key(_) | Item::Proof(_) => None,
            };
            sink.event(ChannelEvent::StoreFailed { entry });
        }
    }

    /// Where this device can be reached, as far as it knows itself; the first eight usable ones
    /// are told to the members.
    pub fn set_local_addresses(
        &mut self,
        now: Now,
        addrs: &[SocketAddr],
        sink: &mut dyn ChannelSink,
    ) {
        self.advance(now);
        self.mesh.set_own(addrs);
        self.flush(sink);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now, sink: &mut dyn ChannelSink) {
        self.advance(now);
        for (link, id) in self.waiting.on_timeout(self.now) {
            if let Some(peer) = self.peers.get_mut(&link) {
                peer.want_id(id);
            }
        }
        for (ticket, item) in self.pending.on_timeout(self.now) {
            match self.record(item) {
                Some(record) => sink.persist(ticket, record),
                // A key that was given up meanwhile: nothing depends on it.
                None => self.on_durable(ticket, sink),
            }
        }
        self.on_fetch_timeout();
        self.flush(sink);
    }

    /// When [`Channel::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let links = self.peers.values().filter_map(|peer| peer.poll_timeout(&self.mesh));
        let fetch = self.fetch.as_ref().map(Fetch::deadline);
        let again = || {
            let distrusted = self.peers.values().filter(|peer| !peer.ahead.is_empty());
            distrusted.map(|peer| peer.distrust_until).filter(|at| *at > self.now).min()
        };
        let plan = fetch.or_else(again);
        let rest = [self.waiting.poll_timeout(), self.pending.poll_timeout(), plan];
        links.chain(rest.into_iter().flatten()).min()
    }

    /// All messages in the order that everybody shows.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = Message<'_>> {
        self.log.in_order().filter_map(|entry| self.view(entry))
    }

    /// One message that is shown.
    #[must_use]
    pub fn message(&self, id: &EntryId) -> Option<Message<'_>> {
        self.view(self.log.shown(id)?)
    }

    fn view<'a>(&self, entry: &'a Entry) -> Option<Message<'a>> {
        let device = self.log.device(entry.author())?;
        let content = match entry.kind() {
            Kind::Bind => return None,
            Kind::Text => Content::Text(entry.text()?),
            Kind::Unknown(kind) => Content::Unknown { kind, body: entry.body() },
        };
        Some(Message {
            id: entry.id(),
            author: entry.author(),
            device,
            lamport: entry.lamport(),
            seq: entry.seq(),
            wall: entry.wall(),
            content,
            own: device == self.config.local,
        })
    }

    /// How far an own message has come; `None` if there is no such own message.
    #[must_use]
    pub fn delivery(&self, id: &EntryId) -> Option<DeliveryState> {
        let entry = self.log.entry(id).filter(|e| self.own_chains.contains(&e.author()))?;
        let stored = self.log.visible_entry(id).is_some();
        Some(self.delivery.state(entry.author(), entry.seq(), stored))
    }

    /// Who has stored an own message, as far as they said.
    pub fn stored_by(&self, id: &EntryId) -> impl Iterator<Item = Device> {
        let entry = self.log.entry(id).filter(|e| self.own_chains.contains(&e.author()));
        entry.into_iter().flat_map(|e| self.delivery.stored_by(e.author(), e.seq()))
    }

    /// Names everything that is stored and undisputed: equal logs have equal digests.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        message::digest(&self.config.chan, self.log.heads())
    }

    /// The last stored position and entry of every chain, by author.
    pub fn heads(&self) -> impl Iterator<Item = (AuthorId, u64, EntryId)> {
        self.log.heads().map(|head| (head.author, head.seq, head.id))
    }

    /// Every chain and whose it is.
    pub fn authors(&self) -> impl Iterator<Item = (AuthorId, Device)> {
        self.log.authors()
    }

    /// What this channel was made with.
    #[must_use]
    pub const fn config(&self) -> &ChannelConfig {
        &self.config
    }

    /// Entries held, entries that wait for an ancestor, records that wait for the disk.
    #[must_use]
    pub fn usage(&self) -> (usize, usize, usize) {
        (self.log.len(), self.waiting.len(), self.pending.len())
    }

    fn advance(&mut self, now: Now) {
        self.now = self.now.max(now.mono);
    }

    fn persist(&mut self, item: Item, sink: &mut dyn ChannelSink) {
        if let Some(record) = self.record(item) {
            sink.persist(self.pending.push(item), record);
        }
    }

    fn record(&self, item: Item) -> Option<Record> {
        match item {
            Item::Key(generation) => self.own.record(generation),
            Item::Entry(id) => self.log.entry(&id).map(|e| Record::Entry(e.raw().clone())),
            Item::Proof(author) => self.log.proof(author).map(|proof| {
                let (one, other) = proof.entries();
                Record::Proof(one.raw().clone(), other.raw().clone())
            }),
        }
    }

    /// An entry became visible: tell the application, and owe it to every link.
    fn on_visible(&mut self, entry: &Entry, sink: &mut dyn ChannelSink) {
        let Some(device) = self.log.device(entry.author()) else {
            return;
        };
        let own = device == self.config.local;
        if entry.kind() == Kind::Bind {
            if own {
                self.own_chains.insert(entry.author());
            } else {
                self.delivery.on_member(device);
            }
        } else {
            let after = self.log.before(entry.place());
            sink.event(ChannelEvent::Message { id: entry.id(), after, own });
        }
        let (view, peers) = self.split();
        for peer in peers.values_mut() {
            peer.on_visible(view, entry.author(), entry.seq(), device);
        }
    }

    /// What links share, and the links.
    fn split(&mut self) -> (View<'_>, &mut BTreeMap<LinkId, Peer>) {
        let most_peers = self.config.limits.link.message_bytes / message::PEER_MAX;
        let view = View {
            now: self.now,
            chan: self.config.chan,
            log: &self.log,
            mesh: &self.mesh,
            info: &self.info,
            message_bytes: self.config.limits.link.message_bytes,
            peers_per_message: self.config.limits.node.peers_per_source.min(most_peers),
        };
        (view, &mut self.peers)
    }

    /// Starts a request if one is needed, and sends whatever the links take.
    fn flush(&mut self, sink: &mut dyn ChannelSink) {
        self.plan();
        let (view, peers) = self.split();
        for peer in peers.values_mut() {
            peer.flush(view, sink);
        }
        for chain in &self.own_chains {
            let sent = self.peers.values().map(|peer| peer.sent(*chain)).max();
            self.delivery.on_sent(*chain, sent.unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests;
