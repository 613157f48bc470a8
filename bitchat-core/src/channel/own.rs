//! Writing: the own chain, its key, and when a new one begins.

use super::entry::{self, AuthorId, BINDING_LABEL, Draft, Entry, Kind, MAX_BODY, MAX_CITED};
use super::log::CHAIN_BYTES;
use super::pending::Item;
use super::sink::{ChannelEvent, ChannelSink};
use super::{Channel, Record};
use crate::base::ids::EntryId;
use crate::base::time::{Now, UnixMillis};
use crate::crypto::identity::{Identity, SIGNATURE_LEN};
use crate::crypto::suite::{Secret, Suite};

/// Bytes that an entry has beside its body, at most.
const OVERHEAD: usize = entry::MAX_ENTRY - MAX_BODY;

/// Why a text was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nothing to say.
    #[error("the text is empty")]
    Empty,
    /// Longer than an entry may be.
    #[error("the text has {len} bytes; at most {max} are allowed: write several")]
    TooLong {
        /// Bytes of the text.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Too much waits for the disk.
    #[error("too many entries wait to be stored; try again when some have been")]
    Busy,
    /// The log is as large as it may be.
    #[error(
        "the channel's log is full; raise ChannelLimits::log_entries or ChannelLimits::log_bytes"
    )]
    LogFull,
    /// A new chain is needed, and only the identity's secret key can vouch for it.
    #[error("this device cannot begin a chain: it does not hold the identity's secret key")]
    NoIdentityKey,
}

/// A log key and its public half.
#[derive(Clone, Debug)]
pub(super) struct LogKey {
    pub(super) pair: Identity,
    pub(super) author: AuthorId,
}

impl LogKey {
    pub(super) fn new(suite: Suite, secret: &Secret) -> Self {
        let pair = Identity::new(suite, secret);
        Self { author: AuthorId(pair.peer_id().0), pair }
    }
}

/// The own log keys.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The chain in use.
    pub(super) key: Option<LogKey>,
    /// How many chains this device has had: the current key is of the generation before.
    pub(super) generations: u32,
}

impl Own {
    /// The record of a key that is still in use. One that was given up before it was stored needs
    /// no record: nothing under it has left.
    pub(super) fn record(&self, generation: u32) -> Option<Record> {
        let key = self.key.as_ref().filter(|_| generation + 1 == self.generations)?;
        Some(Record::LogKey { generation, secret: key.pair.to_bytes() })
    }
}

impl Channel {
    /// Writes a text of 1 to `ChannelLimits::text_bytes` bytes (at most 65,536). It is signed and handed
    /// out to be stored at once, and shown and sent once it is stored.
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
        let max = self.config.limits.channel.text_bytes.min(MAX_BODY);
        match text.len() {
            0 => return Err(SendError::Empty),
            len if len > max => return Err(SendError::TooLong { len, max }),
            _ => (),
        }
        if self.pending.len() + 3 > self.config.limits.channel.waiting_entries.max(3) {
            return Err(SendError::Busy);
        }
        if !self.log.has_room(2, text.len() + 2 * OVERHEAD + CHAIN_BYTES) {
            return Err(SendError::LogFull);
        }
        let wall = now.wall.unwrap_or_default();
        let key = match &self.own.key {
            Some(key) => key.clone(),
            None => self.new_key(sink),
        };
        if self.log.accepted(key.author) == 0 {
            let signature = self.vouch(&key, sink)?;
            self.bind(&key, wall, &signature, sink);
        }
        let entry = self.draft(&key, wall, Kind::Text, text.as_bytes());
        Ok(self.write(entry, sink))
    }

    /// Somebody holds another entry in a place of the own chain where ours is not stored yet. Nobody has
    /// seen ours, so all of ours that is not stored gives way (BC-09.53): it is written again, in a new chain. False if
    /// ours may have left, or no chain can begin.
    pub(super) fn give_way(
        &mut self,
        author: AuthorId,
        seq: u64,
        sink: &mut dyn ChannelSink,
    ) -> bool {
        let current = self.own.key.as_ref().is_some_and(|key| key.author == author);
        if !current || self.log.visible(author) > seq {
            return false;
        }
        let key = LogKey::new(self.config.suite, &sink.secret());
        let Ok(signature) = self.vouch(&key, sink) else { return false };
        let back = self.log.take_back(author);
        for entry in &back {
            sink.forget(&Record::Entry(entry.raw().clone()));
        }
        self.use_key(key.clone(), sink);
        sink.event(ChannelEvent::OwnChainForked { author });
        for entry in back.iter().filter(|entry| entry.kind() == Kind::Text) {
            if self.log.accepted(key.author) == 0 {
                self.bind(&key, entry.wall(), &signature, sink);
            }
            let again = self.draft(&key, entry.wall(), Kind::Text, entry.body());
            self.write(again, sink);
        }
        true
    }

    /// Gives up a chain that others have seen further than we, or that is frozen (BC-09.22). The new
    /// key is stored at once, so that a restart does not take the old one up again.
    pub(super) fn give_up(&mut self, author: AuthorId, sink: &mut dyn ChannelSink) {
        if self.own.key.as_ref().is_some_and(|key| key.author == author) {
            self.new_key(sink);
            sink.event(ChannelEvent::OwnChainForked { author });
        }
    }

    fn new_key(&mut self, sink: &mut dyn ChannelSink) -> LogKey {
        let key = LogKey::new(self.config.suite, &sink.secret());
        self.use_key(key.clone(), sink);
        key
    }

    fn use_key(&mut self, key: LogKey, sink: &mut dyn ChannelSink) {
        let generation = self.own.generations;
        self.own.key = Some(key);
        self.own.generations += 1;
        self.persist(Item::Key(generation), sink);
    }

    /// The identity's word for a log key.
    fn vouch(
        &self,
        key: &LogKey,
        sink: &mut dyn ChannelSink,
    ) -> Result<[u8; SIGNATURE_LEN], SendError> {
        let (chan, epoch, local) = (self.config.chan, self.config.epoch, self.config.local);
        let parts = entry::binding_parts(&chan, &epoch, &local.id, &key.author);
        sink.sign(BINDING_LABEL, &parts).ok_or(SendError::NoIdentityKey)
    }

    /// Begins the chain with what the identity signed.
    fn bind(
        &mut self,
        key: &LogKey,
        wall: UnixMillis,
        signature: &[u8; SIGNATURE_LEN],
        sink: &mut dyn ChannelSink,
    ) {
        let body = entry::bind_body(self.config.local, signature);
        let entry = self.draft(key, wall, Kind::Bind, &body);
        self.write(entry, sink);
    }

    /// The next entry of the own chain.
    fn draft(&self, key: &LogKey, wall: UnixMillis, kind: Kind, body: &[u8]) -> Entry {
        let seq = self.log.accepted(key.author);
        let last = seq.checked_sub(1).and_then(|last| self.log.id_at(key.author, last));
        let prev = last.unwrap_or(EntryId([0; 32]));
        let cited = match kind {
            Kind::Bind => Vec::new(),
            _ => self.log.latest_tips(MAX_CITED, prev),
        };
        let lamport = self.log.lamport_after(last.into_iter().chain(cited.iter().copied()));
        let (chan, epoch) = (self.config.chan, self.config.epoch);
        let draft = Draft { chan, epoch, seq, prev, cited, lamport, wall, kind, body };
        draft.sign(&key.pair).expect("an own draft keeps the rules that it is checked against")
    }

    fn write(&mut self, entry: Entry, sink: &mut dyn ChannelSink) -> EntryId {
        let id = entry.id();
        self.own_chains.insert(entry.author());
        self.log.accept(entry);
        self.persist(Item::Entry(id), sink);
        id
    }
}
