//! Floor 5: what a chat is.
//!
//! A [`Channel`] is the log of one channel ([`log`](crate::log)) and everything that keeps it equal
//! among the members: exchange of what others lack (`sync`), who has stored what, and hints where
//! members are (`pex`). It sees links and complete messages, never a socket, an address that it
//! would send to, or a key of a link.
//!
//! How it is driven: every `on_*`, `send_text` and `handle_timeout` acts at once through the
//! [`ChannelSink`] given to it and leaves nothing to drain. `poll_timeout` says when to call
//! [`Channel::handle_timeout`]. Two answers are owed to the channel: `on_writable` after a refused
//! `send`, and `on_persisted` after every `persist`.

mod delivery;
mod fault;
mod info;
mod outlet;
mod pex;
mod receive;
mod restore;
mod sink;
mod sync;

pub use crate::log::{
    CHAINS_PER_DEVICE, FullReason, LogConfig as ChannelConfig, Record, RestoreError, SendError,
    Ticket,
};
pub use fault::ChannelFault;
pub use info::ChannelInfo;
pub use restore::ChannelRestore;
pub use sink::{Candidate, ChannelEvent, ChannelSink, ContentRef, MessageRef, Page, Priority};

use crate::base::ids::{Device, EntryId, LinkId};
use crate::base::time::{Now, Timestamp};
use crate::log::{Entry, Kind, Log};
use core::net::SocketAddr;
use core::ops::Bound;
use delivery::Delivery;
use outlet::Outlet;
use pex::Pex;
use sync::{Peer, Sync, SyncContext};

/// One channel of one device.
#[derive(Debug)]
pub struct Channel {
    log: Log,
    sync: Sync,
    delivery: Delivery,
    pex: Pex,
    info: ChannelInfo,
    now: Timestamp,
}

impl Channel {
    /// An empty channel. The own chain begins with the first message.
    #[must_use]
    pub fn new(config: ChannelConfig) -> Self {
        Self::of(Log::new(config))
    }

    fn of(log: Log) -> Self {
        let config = log.config();
        Self {
            delivery: Delivery::new(config.limits.channel.authors),
            pex: Pex::new(config.local, config.limits.node.candidates),
            sync: Sync::default(),
            info: ChannelInfo::default(),
            now: Timestamp::ZERO,
            log,
        }
    }

    /// What is known of `info`. To be said before the first link is up.
    pub fn set_info(&mut self, info: ChannelInfo) {
        self.info = info;
        self.sync.peers.touch_all();
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
        if self.sync.peers.contains(link) {
            self.on_link_down(now, link, sink);
        }
        self.pex.on_link_up(self.now, device, addr);
        let peer = Peer::new(self.now, link, device, addr, self.info.is_wanted());
        self.sync.peers.insert(peer);
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
        if let Some(peer) = self.sync.peers.get_mut(link) {
            peer.addr = Some(addr);
            self.pex.on_moved(peer.device, addr);
            self.flush(sink);
        }
    }

    /// The link does not carry this channel any more. Unknown links are ignored.
    pub fn on_link_down(&mut self, now: Now, link: LinkId, sink: &mut dyn ChannelSink) {
        self.advance(now);
        if let Some(peer) = self.sync.remove(link) {
            self.pex.on_link_down(self.now, peer.device);
            self.log.on_link_down(link);
        }
        self.flush(sink);
    }

    /// The link can take messages again.
    pub fn on_writable(&mut self, now: Now, link: LinkId, sink: &mut dyn ChannelSink) {
        self.advance(now);
        if let Some(peer) = self.sync.peers.get_mut(link) {
            peer.on_writable(sink);
        }
        self.flush(sink);
    }

    /// The record of `ticket` is durable. Unknown tickets are ignored.
    pub fn on_persisted(&mut self, now: Now, ticket: Ticket, sink: &mut dyn ChannelSink) {
        self.advance(now);
        let (log, mut outlet) = self.outlet(sink);
        log.on_persisted(ticket, &mut outlet);
        self.flush(sink);
    }

    /// Writes a text of 1 to `ChannelLimits::text_bytes` bytes (at most 65,536). It is signed and
    /// handed out to be stored at once, and shown and sent once it is stored.
    ///
    /// # Errors
    /// [`SendError`] says what to change; nothing was written then.
    pub fn send_text(
        &mut self,
        now: Now,
        text: &str,
        sink: &mut dyn ChannelSink,
    ) -> Result<EntryId, SendError> {
        self.advance(now);
        let (log, mut outlet) = self.outlet(sink);
        log.write_text(now.wall.unwrap_or_default(), text, &mut outlet)
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
        self.pex.set_own(addrs);
        self.flush(sink);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now, sink: &mut dyn ChannelSink) {
        self.advance(now);
        let now = self.now;
        let (log, mut outlet) = self.outlet(sink);
        log.on_timeout(now, &mut outlet);
        self.sync.on_timeout(now);
        self.flush(sink);
    }

    /// When [`Channel::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.sync.poll_timeout(self.now).into_iter().chain(self.log.poll_timeout()).min()
    }

    /// All messages in the order that everybody shows.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = MessageRef<'_>> {
        self.log.chains().in_order(..).filter_map(|entry| self.view(entry))
    }

    /// How many messages there are.
    #[must_use]
    pub fn message_count(&self) -> usize {
        self.log.chains().shown_count()
    }

    /// Up to `limit` messages of a part of the history, in the order that everybody shows. `None` if
    /// the page names an entry that is not held; one that is held and not shown has a place all the
    /// same.
    #[must_use]
    pub fn page(&self, page: Page, limit: usize) -> Option<Vec<MessageRef<'_>>> {
        let chains = self.log.chains();
        let place = |id: &EntryId| chains.visible_entry(id).map(Entry::place);
        let (from, to) = match page {
            Page::First | Page::Last => (Bound::Unbounded, Bound::Unbounded),
            Page::After(id) => (Bound::Excluded(place(&id)?), Bound::Unbounded),
            Page::Before(id) => (Bound::Unbounded, Bound::Excluded(place(&id)?)),
        };
        let part = chains.in_order((from, to)).filter_map(|entry| self.view(entry));
        Some(match page {
            Page::First | Page::After(_) => part.take(limit).collect(),
            Page::Last | Page::Before(_) => {
                let mut latest: Vec<_> = part.rev().take(limit).collect();
                latest.reverse();
                latest
            }
        })
    }

    /// One message that is shown.
    #[must_use]
    pub fn message(&self, id: &EntryId) -> Option<MessageRef<'_>> {
        self.view(self.log.chains().shown(id)?)
    }

    fn view<'a>(&self, entry: &'a Entry) -> Option<MessageRef<'a>> {
        let device = self.log.chains().device(entry.author())?;
        let content = match entry.kind() {
            Kind::Bind => return None,
            Kind::Text => ContentRef::Text(entry.text()?),
            Kind::Unknown(kind) => ContentRef::Unknown { kind, body: entry.body() },
        };
        Some(MessageRef {
            id: entry.id(),
            author: entry.author(),
            device,
            lamport: entry.lamport(),
            seq: entry.seq(),
            wall: entry.wall(),
            content,
            own: device == self.config().local,
        })
    }

    /// Who has stored an own message, as far as they said.
    pub fn stored_by(&self, id: &EntryId) -> impl Iterator<Item = Device> {
        let own = |entry: &&Entry| self.log.own_authors().contains(&entry.author());
        let entry = self.log.chains().entry(id).filter(own);
        entry.into_iter().flat_map(|e| self.delivery.stored_by(e.author(), e.seq()))
    }

    /// Names everything that is stored and before any fork: equal logs have equal digests.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sync::digest(&self.config().chan, self.log.chains().heads())
    }

    /// What this channel was made with.
    #[must_use]
    pub const fn config(&self) -> &ChannelConfig {
        self.log.config()
    }

    fn advance(&mut self, now: Now) {
        self.now = self.now.max(now.mono);
    }

    /// The log, and what it may use.
    fn outlet<'a>(&'a mut self, sink: &'a mut dyn ChannelSink) -> (&'a mut Log, Outlet<'a>) {
        let (now, local) = (self.now, self.log.config().local);
        (&mut self.log, Outlet { now, local, peers: &mut self.sync.peers, sink })
    }

    /// What links share, the links, and the log.
    fn context(&mut self) -> (SyncContext<'_>, &mut Sync, &Log) {
        let limits = &self.log.config().limits;
        let cx = SyncContext {
            now: self.now,
            chan: self.log.config().chan,
            chains: self.log.chains(),
            pex: &self.pex,
            info: &self.info,
            message_bytes: limits.link.message_bytes,
            peers_per_message: limits
                .node
                .peers_per_source
                .min(limits.link.message_bytes / pex::PEER_MAX),
        };
        (cx, &mut self.sync, &self.log)
    }

    /// Starts a request if one is needed, and sends whatever the links take.
    fn flush(&mut self, sink: &mut dyn ChannelSink) {
        let (cx, sync, log) = self.context();
        sync.flush(cx, log, sink);
    }
}

#[cfg(test)]
mod tests;
