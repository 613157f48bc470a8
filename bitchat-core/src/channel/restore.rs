//! Bringing a channel back from its records.

use super::entry::{AuthorId, Entry, Place, Stub};
use super::log::Check;
use super::own::LogKey;
use super::record::{Named, Proof, Record};
use super::{Channel, ChannelConfig};
use crate::base::ids::EntryId;
use crate::crypto::suite::Secret;
use std::collections::{BTreeMap, BTreeSet};

/// No device has had so many chains in a channel, since others refuse far fewer: a record with such a
/// number is damaged.
const GENERATIONS: u32 = 1 << 16;

/// Why a record was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not what this channel wrote.
    #[error("the record is damaged or of another channel; it is skipped")]
    Damaged,
    /// More entries than the limits allow.
    #[error("more entries are stored than ChannelLimits::log_entries allows; the rest is skipped")]
    TooMany,
}

/// Collects records in any order; [`ChannelRestore::finish`] makes them a channel.
///
/// Signatures are not verified again: whoever can write the records can read the log key among
/// them. An entry whose ancestor is lost is kept, and shown once a member gives the ancestor again.
/// If what is lost may be of the chain in use, the next own message begins a new one (BC-09.52).
#[derive(Debug)]
pub struct ChannelRestore {
    config: ChannelConfig,
    key: Option<(u32, Secret)>,
    generations: u32,
    entries: BTreeMap<(Place, EntryId), Entry>,
    proofs: Vec<Proof>,
    skipped: usize,
    lost: Lost,
}

/// What is known of the records that are lost.
#[derive(Debug, Default)]
struct Lost {
    /// Some record, of whatever chain.
    any: bool,
    chains: BTreeSet<AuthorId>,
    entries: BTreeSet<EntryId>,
}

impl ChannelRestore {
    /// Begins with nothing.
    #[must_use]
    pub fn new(config: ChannelConfig) -> Self {
        Self {
            config,
            key: None,
            generations: 0,
            entries: BTreeMap::new(),
            proofs: Vec::new(),
            skipped: 0,
            lost: Lost::default(),
        }
    }

    /// Adds a record. After an error go on with the next one.
    ///
    /// # Errors
    /// [`RestoreError`] if the record is of no use.
    pub fn add(&mut self, record: &Record) -> Result<(), RestoreError> {
        let added = self.try_add(record);
        match added {
            Ok(()) => (),
            Err(RestoreError::Damaged) => self.add_lost(&[]),
            Err(RestoreError::TooMany) => self.skipped += 1,
        }
        added
    }

    /// The record with this [`Record::key`] could not be read. The key tells which chain lost
    /// something; with any other bytes it counts as one of whatever chain.
    pub fn add_lost(&mut self, key: &[u8]) {
        self.skipped += 1;
        match Named::read(key) {
            Ok(Named::Key(generation)) if generation < GENERATIONS => self.count_key(generation),
            Ok(Named::Entry(author, id)) => {
                self.lost.chains.insert(author);
                self.lost.entries.insert(id);
            }
            Ok(Named::Proof) => (),
            Ok(Named::Key(_)) | Err(_) => self.lost.any = true,
        }
    }

    fn count_key(&mut self, generation: u32) {
        self.generations = self.generations.max(generation + 1);
    }

    fn try_add(&mut self, record: &Record) -> Result<(), RestoreError> {
        match record {
            Record::LogKey { generation, .. } if *generation >= GENERATIONS => {
                return Err(RestoreError::Damaged);
            }
            Record::LogKey { generation, secret } => {
                self.count_key(*generation);
                if self.key.as_ref().is_none_or(|(known, _)| known <= generation) {
                    self.key = Some((*generation, secret.clone()));
                }
            }
            Record::Entry(raw) => {
                let entry = self.entry(raw)?;
                if self.entries.len() >= self.config.limits.channel.log_entries {
                    self.lost.chains.insert(entry.author());
                    return Err(RestoreError::TooMany);
                }
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
    pub fn finish(mut self) -> (Channel, usize) {
        let mut channel = Channel::new(self.config);
        // By place in the order, so ancestors come first.
        for (_, entry) in core::mem::take(&mut self.entries) {
            let (author, id) = (entry.author(), entry.id());
            match channel.put_back(entry) {
                PutBack::Shown => continue,
                PutBack::Waits(missing) => {
                    let known = |id| self.lost.entries.contains(id);
                    // Something is gone without a trace. What the own chains lack was written before
                    // the key in use was made, unless they are its own.
                    let own = channel.log.device(author) == Some(channel.config.local);
                    self.lost.any |= !own && !missing.iter().all(known);
                }
                PutBack::Refused => self.skipped += 1,
            }
            self.lost.chains.insert(author);
            self.lost.entries.insert(id);
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
        channel.own.generations = self.generations;
        if let Some((generation, secret)) = self.key {
            let key = LogKey::new(channel.config.suite, &secret);
            let latest = generation.checked_add(1) == Some(self.generations);
            let lost = self.lost.any || self.lost.chains.contains(&key.author);
            let frozen = channel.log.proof(key.author).is_some();
            // The store may be that of another device, or of what this one was before.
            let ours = channel.log.device(key.author).is_none_or(|device| device == local);
            channel.own.key = (latest && ours && !lost && !frozen).then_some(key);
        }
        (channel, self.skipped)
    }
}

/// What became of a stored entry.
enum PutBack {
    Shown,
    /// These ancestors are lost.
    Waits(Vec<EntryId>),
    Refused,
}

impl Channel {
    fn put_back(&mut self, entry: Entry) -> PutBack {
        loop {
            match self.log.check(&entry, true) {
                Ok(Check::Conflict(proof)) => {
                    self.log.freeze(*proof);
                }
                Ok(Check::Accept) => {
                    let id = entry.id();
                    self.log.accept(entry);
                    self.log.show(&id);
                    return PutBack::Shown;
                }
                Ok(Check::Known) => return PutBack::Shown,
                Ok(Check::Missing(missing)) => {
                    self.waiting.keep(entry, &missing);
                    return PutBack::Waits(missing);
                }
                Ok(Check::Frozen | Check::Full(_)) | Err(_) => return PutBack::Refused,
            }
        }
    }
}
