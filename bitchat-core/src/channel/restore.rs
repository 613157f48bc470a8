//! Bringing a channel back from its records.

use super::entry::{Entry, Place, Stub};
use super::log::Check;
use super::own::LogKey;
use super::record::{Proof, Record};
use super::{Channel, ChannelConfig};
use crate::base::ids::EntryId;
use crate::crypto::suite::Secret;
use std::collections::BTreeMap;

/// Why a record was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not what this channel wrote.
    #[error("the record is damaged or of another channel; it is skipped")]
    Damaged,
    /// More entries than the limits allow.
    #[error("more entries are stored than Limits::log_entries allows; the rest is skipped")]
    TooMany,
}

/// Collects records in any order; [`ChannelRestore::finish`] makes them a channel.
///
/// Signatures are not verified again: whoever can write the records can read the log key among
/// them. What is skipped costs no more than itself, except that any loss makes the next own message
/// begin a new chain, since an own entry may be among what is lost.
#[derive(Debug)]
pub struct ChannelRestore {
    config: ChannelConfig,
    key: Option<(u32, Secret)>,
    entries: BTreeMap<(Place, EntryId), Entry>,
    proofs: Vec<Proof>,
    skipped: usize,
}

impl ChannelRestore {
    /// Begins with nothing.
    #[must_use]
    pub const fn new(config: ChannelConfig) -> Self {
        Self { config, key: None, entries: BTreeMap::new(), proofs: Vec::new(), skipped: 0 }
    }

    /// Adds a record. After an error go on with the next one.
    ///
    /// # Errors
    /// [`RestoreError`] if the record is of no use.
    pub fn add(&mut self, record: &Record) -> Result<(), RestoreError> {
        let added = self.try_add(record);
        self.skipped += usize::from(added.is_err());
        added
    }

    /// A record could not be read at all: counts as lost.
    pub const fn add_lost(&mut self) {
        self.skipped += 1;
    }

    fn try_add(&mut self, record: &Record) -> Result<(), RestoreError> {
        match record {
            Record::LogKey { generation, secret } => {
                if self.key.as_ref().is_none_or(|(known, _)| known <= generation) {
                    self.key = Some((*generation, secret.clone()));
                }
            }
            Record::Entry(raw) => {
                if self.entries.len() >= self.config.limits.log_entries {
                    return Err(RestoreError::TooMany);
                }
                let entry = self.entry(raw)?;
                self.entries.insert((entry.place(), entry.id()), entry);
            }
            Record::Proof(one, other) => {
                let stub = |raw: &[u8]| {
                    Stub::parse(raw).ok().filter(|stub| {
                        let (chan, epoch, ..) = stub.slot();
                        (chan, epoch) == (self.config.chan, self.config.epoch)
                    })
                };
                let proof = stub(one).zip(stub(other)).and_then(|(a, b)| Proof::new(a, b));
                self.proofs.push(proof.ok_or(RestoreError::Damaged)?);
            }
        }
        Ok(())
    }

    fn entry(&self, raw: &[u8]) -> Result<Entry, RestoreError> {
        let entry = Entry::parse(raw).map_err(|_| RestoreError::Damaged)?;
        let ours = (entry.chan(), entry.epoch()) == (self.config.chan, self.config.epoch);
        if ours { Ok(entry) } else { Err(RestoreError::Damaged) }
    }

    /// The channel as it was, and how many records were of no use.
    #[must_use]
    pub fn finish(self) -> (Channel, usize) {
        let mut channel = Channel::new(self.config);
        let mut skipped = self.skipped;
        // By place in the order, so ancestors come first.
        for (_, entry) in self.entries {
            skipped += usize::from(!channel.put_back(entry));
        }
        for proof in self.proofs {
            channel.log.freeze(proof);
        }
        let local = channel.config.local;
        for (author, device) in channel.log.authors() {
            if device == local {
                channel.own_chains.insert(author);
            } else {
                channel.delivery.on_member(device);
            }
        }
        if let Some((generation, secret)) = self.key {
            let key = LogKey::new(channel.config.suite, &secret);
            channel.own.generations = generation.saturating_add(1);
            let intact = skipped == 0 && channel.log.proof(key.author).is_none();
            channel.own.key = intact.then_some(key);
        }
        (channel, skipped)
    }
}

impl Channel {
    fn put_back(&mut self, entry: Entry) -> bool {
        loop {
            match self.log.check(&entry, true) {
                Ok(Check::Conflict(proof)) => {
                    self.log.freeze(*proof);
                }
                Ok(Check::Accept) => {
                    let id = entry.id();
                    self.log.accept(entry);
                    self.log.show(&id);
                    return true;
                }
                Ok(Check::Known) => return true,
                Ok(Check::Frozen | Check::Missing(_) | Check::Full(_)) | Err(_) => return false,
            }
        }
    }
}
