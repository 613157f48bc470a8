//! Writing the own chain, and when a new one begins.

use super::chains::CHAIN_BYTES;
use super::entry::{
    AuthorId, BINDING_LABEL, Draft, Entry, Kind, MAX_BODY, MAX_CITED, MAX_ENTRY, bind_body,
    binding_parts,
};
use super::own::LogKey;
use super::sink::LogSink;
use super::{Log, Record};
use crate::base::ids::EntryId;
use crate::base::time::UnixMillis;
use crate::crypto::identity::SIGNATURE_LEN;

/// Bytes that an entry has beside its body, at most.
const OVERHEAD: usize = MAX_ENTRY - MAX_BODY;

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

impl Log {
    /// Writes a text of 1 to `ChannelLimits::text_bytes` bytes (at most 65,536). The entry is signed
    /// and handed out to be stored at once, and visible once it is stored.
    ///
    /// # Errors
    /// [`SendError`] says what to change; nothing was written then.
    pub(crate) fn write_text(
        &mut self,
        wall: UnixMillis,
        text: &str,
        sink: &mut dyn LogSink,
    ) -> Result<EntryId, SendError> {
        let max = self.config.limits.channel.text_bytes.min(MAX_BODY);
        match text.len() {
            0 => return Err(SendError::Empty),
            len if len > max => return Err(SendError::TooLong { len, max }),
            _ => (),
        }
        if self.pending.len() + 3 > self.config.limits.channel.waiting_entries.max(3) {
            return Err(SendError::Busy);
        }
        if !self.chains.has_room(2, text.len() + 2 * OVERHEAD + CHAIN_BYTES) {
            return Err(SendError::LogFull);
        }
        let key = match &self.own.key {
            Some(key) => key.clone(),
            None => self.new_key(sink),
        };
        if self.chains.accepted(key.author) == 0 {
            let signature = self.vouch(&key, sink)?;
            self.bind(&key, wall, &signature, sink);
        }
        let entry = self.draft(&key, wall, Kind::Text, text.as_bytes());
        Ok(self.write(entry, sink))
    }

    /// Another entry came for a position of the own chain where the own entry is not stored yet.
    /// Nobody has seen the own entry, so all own entries that are not stored give way (BC-09.53):
    /// their texts are written again, in a new chain. False if an own entry may have left, or no
    /// chain can begin.
    pub(super) fn give_way(&mut self, author: AuthorId, seq: u64, sink: &mut dyn LogSink) -> bool {
        if !self.own.is_current(author) || self.chains.visible(author) > seq {
            return false;
        }
        let key = LogKey::new(self.config.suite, &sink.secret());
        let Ok(signature) = self.vouch(&key, sink) else { return false };
        let back = self.chains.take_back(author);
        for entry in &back {
            sink.forget(&Record::Entry(entry.clone()));
        }
        self.use_key(key.clone(), sink);
        sink.own_chain_forked(author);
        for entry in back.iter().filter(|entry| entry.kind() == Kind::Text) {
            if self.chains.accepted(key.author) == 0 {
                self.bind(&key, entry.wall(), &signature, sink);
            }
            let again = self.draft(&key, entry.wall(), Kind::Text, entry.body());
            self.write(again, sink);
        }
        true
    }

    /// Gives up a chain that others have seen further than this device, or that is frozen
    /// (BC-09.22). The new key is stored at once, so that a restart does not take the old one up
    /// again.
    pub(super) fn give_up(&mut self, author: AuthorId, sink: &mut dyn LogSink) {
        if self.own.is_current(author) {
            self.new_key(sink);
            sink.own_chain_forked(author);
        }
    }

    fn new_key(&mut self, sink: &mut dyn LogSink) -> LogKey {
        let key = LogKey::new(self.config.suite, &sink.secret());
        self.use_key(key.clone(), sink);
        key
    }

    fn use_key(&mut self, key: LogKey, sink: &mut dyn LogSink) {
        let record = self.own.begin(key);
        self.persist(record, sink);
    }

    /// The identity's word for a log key.
    fn vouch(
        &self,
        key: &LogKey,
        sink: &mut dyn LogSink,
    ) -> Result<[u8; SIGNATURE_LEN], SendError> {
        let (chan, epoch, local) = (self.config.chan, self.config.epoch, self.config.local);
        let parts = binding_parts(&chan, &epoch, &local.id, &key.author);
        sink.sign(BINDING_LABEL, &parts).ok_or(SendError::NoIdentityKey)
    }

    /// Begins the chain with what the identity signed.
    fn bind(
        &mut self,
        key: &LogKey,
        wall: UnixMillis,
        signature: &[u8; SIGNATURE_LEN],
        sink: &mut dyn LogSink,
    ) {
        let body = bind_body(self.config.local, signature);
        let entry = self.draft(key, wall, Kind::Bind, &body);
        self.write(entry, sink);
    }

    /// The next entry of the own chain.
    fn draft(&self, key: &LogKey, wall: UnixMillis, kind: Kind, body: &[u8]) -> Entry {
        let seq = self.chains.accepted(key.author);
        let last = seq.checked_sub(1).and_then(|last| self.chains.id_at(key.author, last));
        let prev = last.unwrap_or(EntryId([0; 32]));
        let cited = match kind {
            // BC-09.60
            Kind::Bind => Vec::new(),
            // BC-09.51
            _ => self.chains.latest_tips(MAX_CITED, prev),
        };
        let lamport = self.chains.lamport_after(last.into_iter().chain(cited.iter().copied()));
        let (chan, epoch) = (self.config.chan, self.config.epoch);
        let draft = Draft { chan, epoch, seq, prev, cited, lamport, wall, kind, body };
        draft.sign(&key.pair).expect("an own draft keeps the rules that it is checked against")
    }

    fn write(&mut self, entry: Entry, sink: &mut dyn LogSink) -> EntryId {
        let id = entry.id();
        self.own.authors.insert(entry.author());
        self.chains.accept(entry.clone());
        self.persist(Record::Entry(entry), sink);
        id
    }
}
