//! What comes in over links.

use super::entry::{AuthorId, Entry, EntryError, MAX_ENTRY, MAX_SEQ, Stub};
use super::fetch::Part;
use super::log::Check;
use super::message::{self, Inbound, Role};
use super::pending::Item;
use super::record::Proof;
use super::sink::{Candidate, ChannelEvent, ChannelSink, FullReason};
use super::sync::PEERS_INTERVAL;
use super::waiting::Source;
use super::{Channel, mesh};
use crate::base::ids::{EntryId, LinkId};
use crate::base::time::Now;
use crate::chatfile::InfoError;
use crate::wire::reader::{DecodeError, Reader};

/// What a peer did wrong; the link is to be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelFault {
    /// A message has not the form of its type.
    #[error("malformed channel message: {0}")]
    Decode(#[from] DecodeError),
    /// A message is longer than allowed.
    #[error("a channel message of {0} bytes is above the limit")]
    TooLong(usize),
    /// An entry is invalid: whoever passes entries on checks them first (BC-09.28).
    #[error("invalid log entry: {0}")]
    Entry(#[from] EntryError),
    /// A proof that proves nothing.
    #[error("the two entries of a proof do not contradict each other")]
    EmptyProof,
    /// A second digest on one link.
    #[error("a digest is sent once, when the link comes up")]
    SecondDigest,
    /// The head of a chain is at a position that no chain reaches (BC-09.29).
    #[error("a head is at an impossible position")]
    Position,
    /// What it sent as `info` is not the channel's, or the channel is not what the link of this device
    /// says (BC-09.42).
    #[error("the `info` of a member cannot be used: {0}")]
    Info(#[from] InfoError),
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admitted {
    Accepted,
    Waiting,
    Known,
    Refused,
}

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
        if !self.peers.contains_key(&link) {
            return Ok(());
        }
        if bytes.len() > self.config.limits.link.message_bytes {
            return Err(ChannelFault::TooLong(bytes.len()));
        }
        match message::decode(bytes)? {
            Inbound::Digest(digest) => self.on_digest(link, &digest, sink)?,
            Inbound::Heads(list) => self.on_heads(link, list, sink)?,
            Inbound::Want { resume } => self.on_want(link, resume),
            Inbound::WantIds(list) => self.on_want_ids(link, list)?,
            Inbound::Entries(role, list) => self.on_entries(link, role, list, sink)?,
            Inbound::Proof(one, other) => self.on_proof(one, other, sink)?,
            Inbound::Peers(list) => self.on_peers(link, list, sink)?,
            Inbound::Prune(list) => self.on_prune(link, list)?,
            Inbound::WantInfo => self.on_want_info(link),
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
        let (view, peers) = self.split();
        let Some(peer) = peers.get_mut(&link) else {
            return Ok(());
        };
        if !peer.on_digest(view, digest) {
            return Err(ChannelFault::SecondDigest);
        }
        let own: Vec<_> = self.own_chains.iter().copied().collect();
        for author in own {
            let stored = self.peers.get(&link).map_or(0, |peer| peer.theirs(author));
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
        while !list.is_empty() {
            let head = message::read_head(&mut list)?;
            if head.seq > MAX_SEQ {
                return Err(ChannelFault::Position);
            }
            let Some(peer) = self.peers.get_mut(&link) else {
                return Ok(());
            };
            peer.on_head(&self.log, &head, self.config.limits.channel.authors);
            let ours = self.log.visible(head.author).min(head.seq + 1);
            let same = self.log.id_at(head.author, head.seq).is_none_or(|id| id == head.id);
            if same && self.own_chains.contains(&head.author) {
                self.on_stored_by(link, head.author, ours, sink);
            }
        }
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.on_first_heads(&self.log);
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
        let Some(device) = self.peers.get(&link).map(|peer| peer.device) else {
            return;
        };
        if count > 0
            && self.delivery.on_head(author, device, count)
            && let Some(entry) = self.log.visible_at(author, count - 1)
            && entry.seq() > 0
        {
            sink.event(ChannelEvent::Delivered { entry: entry.id(), device });
        }
    }

    fn on_want(&mut self, link: LinkId, resume: bool) {
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.on_want(resume);
        }
    }

    fn on_want_info(&mut self, link: LinkId) {
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.on_want_info();
        }
    }

    fn on_want_ids(&mut self, link: LinkId, mut list: Reader<'_>) -> Result<(), ChannelFault> {
        while !list.is_empty() {
            let id = EntryId(list.array()?);
            if let Some(peer) = self.peers.get_mut(&link) {
                peer.on_want_id(&self.log, id);
            }
        }
        Ok(())
    }

    fn on_prune(&mut self, link: LinkId, mut list: Reader<'_>) -> Result<(), ChannelFault> {
        while !list.is_empty() {
            let author = AuthorId(list.array()?);
            if let Some(peer) = self.peers.get_mut(&link) {
                peer.gets_elsewhere(author);
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
        self.forget_wants(link);
        self.on_answer(link, role, part);
        Ok(())
    }

    /// What came meanwhile need not be asked for by name.
    fn forget_wants(&mut self, link: LinkId) {
        let Self { peers, log, waiting, .. } = self;
        if let Some(peer) = peers.get_mut(&link) {
            peer.forget_wants(|id| log.entry(id).is_some() || waiting.contains(id));
        }
    }

    fn on_entry(
        &mut self,
        link: LinkId,
        role: Role,
        entry: Entry,
        sink: &mut dyn ChannelSink,
    ) -> Result<Admitted, EntryError> {
        if (entry.chan(), entry.epoch()) != (self.config.chan, self.config.epoch) {
            return Err(EntryError::WrongChannel);
        }
        let (author, seq, id) = (entry.author(), entry.seq(), entry.id());
        let admitted = if self.is_settled(&entry) {
            Admitted::Known
        } else {
            self.receive(link, entry, sink)?
        };
        let by = self.log.device(author);
        let direct = by.is_some_and(|device| self.mesh.is_linked(device));
        let disputed = self.log.is_disputed(author, seq);
        let max_authors = self.config.limits.channel.authors;
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.on_entry(&self.log, author, seq, max_authors);
            // What was asked for by name tells nothing of who pushes what to whom.
            let pushed = role == Role::Push && !disputed && !peer.was_asked(&id);
            if pushed && by != Some(peer.device) {
                peer.gets_elsewhere(author);
                if by.is_some() && (direct || admitted == Admitted::Known) {
                    peer.prune(author);
                }
            }
        }
        Ok(admitted)
    }

    /// Whether there is nothing to find out about an entry, not even whether it is signed.
    fn is_settled(&self, entry: &Entry) -> bool {
        let id = entry.id();
        let frozen = self.log.is_disputed(entry.author(), entry.seq());
        let held = self.log.entry(&id).is_some() || self.waiting.contains(&id);
        held || (frozen && !self.waiting.needs(&id))
    }

    /// Takes in an entry, and whatever waited for it.
    fn receive(
        &mut self,
        link: LinkId,
        entry: Entry,
        sink: &mut dyn ChannelSink,
    ) -> Result<Admitted, EntryError> {
        entry.verify(self.config.suite)?;
        let id = entry.id();
        let admitted = self.admit(Source::Link(link), entry, sink)?;
        let mut work =
            if admitted == Admitted::Accepted { self.waiting.wake(&id) } else { Vec::new() };
        while let Some((source, entry)) = work.pop() {
            let id = entry.id();
            match (self.admit(source, entry, sink), source) {
                (Ok(Admitted::Accepted), _) => work.extend(self.waiting.wake(&id)),
                (Err(error), Source::Link(link)) => sink.violation(link, error.into()),
                _ => (),
            }
        }
        Ok(admitted)
    }

    fn admit(
        &mut self,
        source: Source,
        entry: Entry,
        sink: &mut dyn ChannelSink,
    ) -> Result<Admitted, EntryError> {
        loop {
            let needed = self.waiting.needs(&entry.id());
            match self.log.check(&entry, needed)? {
                Check::Known | Check::Frozen => return Ok(Admitted::Known),
                Check::Conflict(_) if self.give_way(entry.author(), entry.seq(), sink) => (),
                Check::Conflict(proof) => self.convict(*proof, sink),
                Check::Missing(missing) => return Ok(self.wait(source, entry, &missing)),
                Check::Full(reason) => {
                    self.tell_full(reason, sink);
                    return Ok(Admitted::Refused);
                }
                Check::Accept if source == Source::Store => {
                    self.pending.push_stored(Item::Entry(entry.id()));
                    self.log.accept(entry);
                    return Ok(Admitted::Accepted);
                }
                Check::Accept
                    if self.pending.len() >= self.config.limits.channel.waiting_entries =>
                {
                    return Ok(Admitted::Refused);
                }
                Check::Accept => {
                    self.take(entry, sink);
                    return Ok(Admitted::Accepted);
                }
            }
        }
    }

    fn take(&mut self, entry: Entry, sink: &mut dyn ChannelSink) {
        let (id, author) = (entry.id(), entry.author());
        self.log.accept(entry);
        // If it is of the own chain: only we can have signed it, and we did not know it. The new key
        // is stored first, so that no crash leaves the entry beside the old key.
        self.give_up(author, sink);
        self.persist(Item::Entry(id), sink);
    }

    fn wait(&mut self, source: Source, entry: Entry, missing: &[EntryId]) -> Admitted {
        let Source::Link(link) = source else {
            self.waiting.keep(entry, missing);
            return Admitted::Waiting;
        };
        let (author, seq, prev) = (entry.author(), entry.seq(), entry.prev());
        // Where chains part, or an author is frozen, no range brings the ancestors: ask by name.
        let parted = seq.checked_sub(1).and_then(|before| self.log.id_at(author, before));
        let parted = parted.is_some_and(|ours| ours != prev);
        let disputed = self.log.is_disputed(author, seq);
        let needed = disputed && self.waiting.needs(&entry.id());
        if !self.waiting.add(self.now, link, entry, missing, needed) {
            return Admitted::Refused;
        }
        if let Some(peer) = self.peers.get_mut(&link)
            && (parted || disputed)
        {
            missing.iter().for_each(|id| peer.want_id(*id));
        }
        Admitted::Waiting
    }

    fn tell_full(&mut self, reason: FullReason, sink: &mut dyn ChannelSink) {
        if self.full_told.insert(reason) {
            sink.event(ChannelEvent::Full(reason));
        }
    }

    fn on_proof(
        &mut self,
        one: &[u8],
        other: &[u8],
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        let (one, other) = (Stub::parse(one)?, Stub::parse(other)?);
        let (chan, epoch, author, seq) = one.slot();
        if (chan, epoch) != (self.config.chan, self.config.epoch) {
            return Err(EntryError::WrongChannel.into());
        }
        if self.log.is_disputed(author, seq) {
            return Ok(());
        }
        one.verify(self.config.suite)?;
        other.verify(self.config.suite)?;
        let proof = Proof::new(one, other).ok_or(ChannelFault::EmptyProof)?;
        self.convict(proof, sink);
        Ok(())
    }

    /// Freezes an author, keeps and passes on the proof.
    fn convict(&mut self, proof: Proof, sink: &mut dyn ChannelSink) {
        let (author, seq) = (proof.author(), proof.seq());
        if !self.log.freeze(proof) {
            return;
        }
        self.persist(Item::Proof(author), sink);
        if let Some(device) = self.log.device(author) {
            sink.event(ChannelEvent::AuthorEquivocated { author, device, seq });
        }
        self.give_up(author, sink);
        for peer in self.peers.values_mut() {
            peer.on_frozen(&self.log, author);
        }
    }

    fn on_peers(
        &mut self,
        link: LinkId,
        mut list: Reader<'_>,
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        let Some(peer) = self.peers.get_mut(&link) else {
            return Ok(());
        };
        // Half of the interval, since the network may have held the message before this one back.
        let early = |heard| self.now.saturating_since(heard) < PEERS_INTERVAL / 2;
        if peer.peers_heard.is_some_and(early) {
            return Ok(());
        }
        peer.peers_heard = Some(self.now);
        let (device, addr) = (peer.device, peer.addr);
        for _ in 0..self.config.limits.node.peers_per_source {
            if list.is_empty() {
                break;
            }
            let mut hint = message::read_peer(&mut list)?;
            hint.addrs.retain(|hinted| mesh::believable(hinted, addr));
            if hint.device == device {
                self.mesh.on_stated(device, &hint.addrs);
            } else if self.mesh.is_local(hint.device) || self.mesh.is_linked(hint.device) {
                continue;
            }
            for addr in hint.addrs {
                sink.candidate(Candidate { addr, device: hint.device, source: link });
            }
        }
        Ok(())
    }
}
