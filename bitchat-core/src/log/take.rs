//! Taking in what others wrote.

use super::chains::{Check, FullReason};
use super::entry::{Entry, EntryError, EquivocationProof, Stub};
use super::sink::LogSink;
use super::waiting::Source;
use super::{Log, Record};
use crate::base::ids::{EntryId, LinkId};
use crate::base::time::Timestamp;

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Held from now on.
    Accepted,
    /// Kept until its ancestors come.
    Waiting,
    /// Held before, or of a frozen author and needed by nothing.
    Known,
    /// There is no room.
    Refused,
}

impl Log {
    /// Takes in an entry that came over `link`, and whatever waited for it.
    ///
    /// # Errors
    /// [`EntryError`] if the entry is invalid.
    pub(crate) fn receive(
        &mut self,
        now: Timestamp,
        link: LinkId,
        entry: Entry,
        sink: &mut dyn LogSink,
    ) -> Result<Admitted, EntryError> {
        if (entry.chan(), entry.epoch()) != (self.config.chan, self.config.epoch) {
            return Err(EntryError::WrongChannel);
        }
        if self.is_settled(&entry) {
            return Ok(Admitted::Known);
        }
        entry.verify(self.config.suite)?;
        let id = entry.id();
        let admitted = self.admit(now, Source::Link(link), entry, sink)?;
        let mut work =
            if admitted == Admitted::Accepted { self.waiting.wake(&id) } else { Vec::new() };
        while let Some((source, entry)) = work.pop() {
            let id = entry.id();
            match (self.admit(now, source, entry, sink), source) {
                (Ok(Admitted::Accepted), _) => work.extend(self.waiting.wake(&id)),
                (Err(error), Source::Link(link)) => sink.invalid(link, error),
                _ => (),
            }
        }
        Ok(admitted)
    }

    /// Whether there is nothing to find out about an entry, not even whether it is signed.
    fn is_settled(&self, entry: &Entry) -> bool {
        let frozen = self.chains.is_frozen(entry.author(), entry.seq());
        self.is_here(&entry.id()) || (frozen && !self.waiting.needs(&entry.id()))
    }

    fn admit(
        &mut self,
        now: Timestamp,
        source: Source,
        entry: Entry,
        sink: &mut dyn LogSink,
    ) -> Result<Admitted, EntryError> {
        loop {
            let needed = self.waiting.needs(&entry.id());
            match self.chains.check(&entry, needed)? {
                Check::Known | Check::Frozen => return Ok(Admitted::Known),
                Check::Conflict(_) if self.give_way(entry.author(), entry.seq(), sink) => (),
                Check::Conflict(proof) => self.freeze(*proof, sink),
                Check::Missing(missing) => return Ok(self.wait(now, source, entry, &missing, sink)),
                Check::Full(reason) => {
                    self.tell_full(reason, sink);
                    return Ok(Admitted::Refused);
                }
                Check::Accept if source == Source::Store => {
                    self.pending.push_stored(entry.id());
                    self.chains.accept(entry);
                    return Ok(Admitted::Accepted);
                }
                Check::Accept
                    if self.pending.len() >= self.config.limits.channel.waiting_entries =>
                {
                    return Ok(Admitted::Refused);
                }
                Check::Accept => {
                    let author = entry.author();
                    self.chains.accept(entry.clone());
                    // An unknown entry of the own chain: only this device can have signed it, and
                    // its storage lost it. The new key is stored before the entry, so that no crash
                    // leaves the entry beside the old key.
                    self.give_up(author, sink);
                    self.persist(Record::Entry(entry), sink);
                    return Ok(Admitted::Accepted);
                }
            }
        }
    }

    fn wait(
        &mut self,
        now: Timestamp,
        source: Source,
        entry: Entry,
        missing: &[EntryId],
        sink: &mut dyn LogSink,
    ) -> Admitted {
        let Source::Link(link) = source else {
            self.waiting.keep(entry, missing);
            return Admitted::Waiting;
        };
        let (author, seq, prev) = (entry.author(), entry.seq(), entry.prev());
        // Where two branches of a chain part, or an author is frozen, no answer to WANT brings the
        // ancestors: they are asked for by name.
        let before = seq.checked_sub(1).and_then(|before| self.chains.id_at(author, before));
        let parted = before.is_some_and(|ours| ours != prev);
        let frozen = self.chains.is_frozen(author, seq);
        let needed = frozen && self.waiting.needs(&entry.id());
        if !self.waiting.add(now, link, entry, missing, needed) {
            return Admitted::Refused;
        }
        if parted || frozen {
            sink.missing(link, missing);
        }
        Admitted::Waiting
    }

    fn tell_full(&mut self, reason: FullReason, sink: &mut dyn LogSink) {
        if self.full_told.insert(reason) {
            sink.full(reason);
        }
    }

    /// Two stubs that a member gave as a proof. False if they do not contradict each other.
    ///
    /// # Errors
    /// [`EntryError`] if a stub is malformed, of another channel, or not signed by its author.
    pub(crate) fn on_proof(
        &mut self,
        one: &[u8],
        other: &[u8],
        sink: &mut dyn LogSink,
    ) -> Result<bool, EntryError> {
        let (one, other) = (Stub::parse(one)?, Stub::parse(other)?);
        let (chan, epoch, author, seq) = one.position();
        if (chan, epoch) != (self.config.chan, self.config.epoch) {
            return Err(EntryError::WrongChannel);
        }
        if self.chains.is_frozen(author, seq) {
            return Ok(true);
        }
        one.verify(self.config.suite)?;
        other.verify(self.config.suite)?;
        let Some(proof) = EquivocationProof::new(one, other) else { return Ok(false) };
        self.freeze(proof, sink);
        Ok(true)
    }

    /// Freezes an author, keeps the proof and has it passed on.
    fn freeze(&mut self, proof: EquivocationProof, sink: &mut dyn LogSink) {
        let (author, seq) = (proof.author(), proof.seq());
        if !self.chains.freeze(proof.clone()) {
            return;
        }
        self.persist(Record::Proof(proof), sink);
        sink.frozen(&self.chains, author, seq);
        self.give_up(author, sink);
    }
}
