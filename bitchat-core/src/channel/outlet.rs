//! What the log of a channel may use while it works: the way out, and the links.

use super::sink::{ChannelEvent, ChannelSink};
use super::sync::Peers;
use crate::base::ids::{Device, EntryId, LinkId};
use crate::base::time::Timestamp;
use crate::crypto::suite::Secret;
use crate::log::{AuthorId, Chains, Entry, EntryError, FullReason, Kind, LogSink, Record, Ticket};

/// The channel but for its log.
pub(super) struct Outlet<'a> {
    pub(super) now: Timestamp,
    pub(super) local: Device,
    pub(super) peers: &'a mut Peers,
    pub(super) sink: &'a mut dyn ChannelSink,
}

impl LogSink for Outlet<'_> {
    fn persist(&mut self, ticket: Ticket, record: Record) {
        self.sink.persist(ticket, record);
    }

    fn forget(&mut self, record: &Record) {
        self.sink.forget(record);
    }

    fn secret(&mut self) -> Secret {
        self.sink.secret()
    }

    fn sign(&mut self, label: &'static [u8], parts: &[&[u8]]) -> Option<[u8; 64]> {
        self.sink.sign(label, parts)
    }

    /// Tells the application, and owes the entry to every link.
    fn visible(&mut self, chains: &Chains, entry: &Entry) {
        let Some(device) = chains.device(entry.author()) else { return };
        let own = device == self.local;
        if entry.kind() != Kind::Bind {
            let after = chains.before(entry.place());
            self.sink.event(ChannelEvent::Message { id: entry.id(), after, own });
        }
        for peer in self.peers.iter_mut() {
            peer.on_visible(self.now, chains, entry, device, own);
        }
    }

    fn frozen(&mut self, chains: &Chains, author: AuthorId, seq: u64) {
        if let Some(device) = chains.device(author) {
            self.sink.event(ChannelEvent::AuthorEquivocated { author, device, seq });
        }
        for peer in self.peers.iter_mut() {
            peer.on_frozen(chains, author);
        }
    }

    fn own_chain_forked(&mut self, author: AuthorId) {
        self.sink.event(ChannelEvent::OwnChainForked { author });
    }

    fn full(&mut self, reason: FullReason) {
        self.sink.event(ChannelEvent::Full(reason));
    }

    fn missing(&mut self, link: LinkId, ancestors: &[EntryId]) {
        if let Some(peer) = self.peers.get_mut(link) {
            ancestors.iter().for_each(|id| peer.want_id(*id));
        }
    }

    fn invalid(&mut self, link: LinkId, error: EntryError) {
        self.sink.violation(link, error.into());
    }
}
