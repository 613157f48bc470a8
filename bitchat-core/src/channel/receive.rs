//! What comes in over links.

use super::Channel;
use super::fault::ChannelFault;
use super::pex::{PeerHint, believable};
use super::sink::{Candidate, ChannelEvent, ChannelSink};
use super::sync::message::{self, Inbound, Role};
use super::sync::{Part, Peer};
use crate::base::ids::{EntryId, LinkId};
use crate::base::time::Now;
use crate::base::via::Route;
use crate::log::{Admitted, AuthorId, Entry, EntryError, MAX_ENTRY, MAX_SEQ};
use crate::wire::reader::Reader;

impl Channel {
    /// A complete message of a link. Messages of unknown links are ignored.
    ///
    /// # Errors
    /// [`ChannelFault`] if the peer broke the protocol: close the link.
    pub fn on_message(
        &mut self,
        now: Now,
        link: LinkId,
        bytes: &[u8],
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        self.advance(now);
        if !self.sync.peers.contains(link) {
            return Ok(());
        }
        if bytes.len() > self.config().limits.link.message_bytes {
            return Err(ChannelFault::TooLong(bytes.len()));
        }
        match message::decode(bytes)? {
            Inbound::Digest(digest) => self.on_digest(link, &digest, sink)?,
            Inbound::Heads(list) => self.on_heads(link, list, sink)?,
            Inbound::Want { resume } => {
                self.sync.peers.get_mut(link).into_iter().for_each(|peer| peer.on_want(resume));
            }
            Inbound::WantIds(list) => self.on_want_ids(link, list)?,
            Inbound::Entries(role, list) => self.on_entries(link, role, list, sink)?,
            Inbound::Proof(one, other) => self.on_proof(one, other, sink)?,
            Inbound::Peers(list) => self.on_peers(link, list, sink)?,
            Inbound::Prune(list) => self.on_prune(link, list)?,
            Inbound::WantInfo => {
                self.sync.peers.get_mut(link).into_iter().for_each(Peer::on_want_info);
            }
            Inbound::Info(bytes) => self.on_info(bytes, sink)?,
            Inbound::Unknown => (),
        }
        self.flush(sink);
        Ok(())
    }

    fn on_digest(
        &mut self,
        link: LinkId,
        digest: &[u8; 32],
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        let (cx, sync, _) = self.context();
        let Some(peer) = sync.peers.get_mut(link) else { return Ok(()) };
        if !peer.on_digest(cx, digest) {
            return Err(ChannelFault::SecondDigest);
        }
        let own: Vec<_> = self.log.own_authors().iter().copied().collect();
        for author in own {
            let stored = self.sync.peers.get(link).map_or(0, |peer| peer.peer_has(author));
            self.on_stored_by(link, author, stored, sink);
        }
        Ok(())
    }

    fn on_heads(
        &mut self,
        link: LinkId,
        mut list: Reader<'_>,
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        let max_authors = self.config().limits.channel.authors;
        while !list.is_empty() {
            let head = message::read_head(&mut list)?;
            if head.seq > MAX_SEQ {
                return Err(ChannelFault::Position);
            }
            let Some(peer) = self.sync.peers.get_mut(link) else { return Ok(()) };
            let chains = self.log.chains();
            peer.on_head(chains, &head, max_authors);
            let ours = chains.visible(head.author).min(head.seq + 1);
            let same = chains.id_at(head.author, head.seq).is_none_or(|id| id == head.id);
            if same && self.log.own_authors().contains(&head.author) {
                self.on_stored_by(link, head.author, ours, sink);
            }
        }
        if let Some(peer) = self.sync.peers.get_mut(link) {
            peer.on_first_heads(self.log.chains());
        }
        Ok(())
    }

    /// A device says that it stored `count` entries of an own chain.
    fn on_stored_by(
        &mut self,
        link: LinkId,
        author: AuthorId,
        count: u64,
        sink: &mut dyn ChannelSink,
    ) {
        let Some(device) = self.sync.peers.get(link).map(|peer| peer.device) else {
            return;
        };
        if count > 0
            && self.delivery.on_head(author, device, count)
            && let Some(entry) = self.log.chains().visible_at(author, count - 1)
            && entry.seq() > 0
        {
            sink.event(ChannelEvent::Delivered { entry: entry.id(), device });
        }
    }

    fn on_want_ids(&mut self, link: LinkId, mut list: Reader<'_>) -> Result<(), ChannelFault> {
        while !list.is_empty() {
            let id = EntryId(list.array()?);
            if let Some(peer) = self.sync.peers.get_mut(link) {
                peer.on_want_id(self.log.chains(), id);
            }
        }
        Ok(())
    }

    fn on_prune(&mut self, link: LinkId, mut list: Reader<'_>) -> Result<(), ChannelFault> {
        while !list.is_empty() {
            let author = AuthorId(list.array()?);
            if let Some(peer) = self.sync.peers.get_mut(link) {
                peer.on_pruned(author);
            }
        }
        Ok(())
    }

    fn on_entries(
        &mut self,
        link: LinkId,
        role: Role,
        mut list: Reader<'_>,
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        let mut part = Part::default();
        while !list.is_empty() {
            let entry = Entry::parse(list.prefixed(MAX_ENTRY)?)?;
            let bytes = entry.raw().len();
            part.entries += 1;
            match self.on_entry(link, role, entry, sink)? {
                Admitted::Accepted => part.new_bytes += bytes,
                Admitted::Waiting | Admitted::Known => (),
                Admitted::Refused => part.dropped = true,
            }
        }
        // Entries that came meanwhile need not be asked for by name.
        if let Some(peer) = self.sync.peers.get_mut(link) {
            peer.forget_wants(|id| self.log.is_here(id));
        }
        self.sync.on_answer(self.now, link, role, part);
        Ok(())
    }

    fn on_entry(
        &mut self,
        link: LinkId,
        role: Role,
        entry: Entry,
        sink: &mut dyn ChannelSink,
    ) -> Result<Admitted, EntryError> {
        let (author, seq, id) = (entry.author(), entry.seq(), entry.id());
        let now = self.now;
        let (log, mut outlet) = self.outlet(sink);
        let admitted = log.receive(now, link, entry, &mut outlet)?;
        let chains = self.log.chains();
        let by = chains.device(author);
        let max_authors = self.config().limits.channel.authors;
        if let Some(peer) = self.sync.peers.get_mut(link) {
            peer.on_entry(chains, author, seq, max_authors);
            // An entry that was asked for by name tells nothing of who pushes what to whom.
            let pushed = role == Role::Push
                && !chains.is_frozen(author, seq)
                && !peer.was_asked(&id)
                && by != Some(peer.device);
            if pushed {
                peer.on_pruned(author);
                let direct = |device| self.pex.is_linked(device);
                if by.is_some_and(|by| admitted == Admitted::Known || direct(by)) {
                    peer.prune(author);
                }
            }
        }
        Ok(admitted)
    }

    fn on_proof(
        &mut self,
        one: &[u8],
        other: &[u8],
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        let (log, mut outlet) = self.outlet(sink);
        let proves = log.on_proof(one, other, &mut outlet)?;
        if proves { Ok(()) } else { Err(ChannelFault::EmptyProof) }
    }

    fn on_info(&mut self, bytes: &[u8], sink: &mut dyn ChannelSink) -> Result<(), ChannelFault> {
        if let Some(file) = self.info.learn(bytes, &self.log.config().limits)? {
            self.sync.peers.touch_all();
            sink.event(ChannelEvent::Info(file));
        }
        Ok(())
    }

    fn on_peers(
        &mut self,
        link: LinkId,
        mut list: Reader<'_>,
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        let most = self.config().limits.node.peers_per_source;
        let Some(peer) = self.sync.peers.get_mut(link) else { return Ok(()) };
        if !peer.on_peers(self.now) {
            return Ok(());
        }
        let (device, addr) = (peer.device, peer.addr);
        for _ in 0..most {
            if list.is_empty() {
                break;
            }
            let mut hint = PeerHint::read(&mut list)?;
            hint.of.routes.retain(|route| believable(*route, addr));
            if hint.device == device {
                self.pex.on_stated(device, &hint.of);
            } else if self.pex.is_local(hint.device) || self.pex.is_linked(hint.device) {
                continue;
            }
            for route in hint.of.routes {
                // This device dials by datagrams only; other routes are passed on.
                if let Route::Udp(addr) = route {
                    sink.candidate(Candidate { addr, device: hint.device, source: link });
                }
            }
        }
        Ok(())
    }
}
