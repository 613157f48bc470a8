//! Bringing a log back from its records.

use super::chains::Check;
use super::entry::{AuthorId, Entry, EquivocationProof, Place};
use super::own::LogKey;
use super::record::{Named, Record};
use super::{Log, LogConfig};
use crate::base::ids::{ChannelId, EntryId};
use crate::crypto::channel_keys::Epoch;
use crate::crypto::suite::Secret;
use std::collections::{BTreeMap, BTreeSet};

/// No device has had this many chains in a channel, since others refuse far fewer: a record with a
/// number from here on is damaged.
const GENERATIONS: u32 = 1 << 16;

/// Why a record was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The record is not what this channel wrote.
    #[error("the record is damaged or of another channel; it is skipped")]
    Damaged,
    /// More entries than the limits allow.
    #[error("more entries are stored than ChannelLimits::log_entries allows; the rest is skipped")]
    TooMany,
}

/// Collects records in any order; [`LogRestore::finish`] makes them a log.
///
/// Signatures are not verified again: whoever can write the records can read the log key among
/// them. An entry whose ancestor is lost is kept, and shown once a member gives the ancestor again.
/// If what is lost may be of the chain in use, the next own message begins a new one (BC-09.52).
#[derive(Debug)]
pub(crate) struct LogRestore {
    config: LogConfig,
    key: Option<(u32, Secret)>,
    generations: u32,
    entries: BTreeMap<(Place, EntryId), Entry>,
    proofs: Vec<EquivocationProof>,
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

impl LogRestore {
    /// Begins with nothing.
    pub(crate) fn new(config: LogConfig) -> Self {
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
    pub(crate) fn add(&mut self, record: &Record) -> Result<(), RestoreError> {
        let added = self.try_add(record.clone());
        match added {
            Ok(()) => (),
            Err(RestoreError::Damaged) => self.add_lost(&[]),
            Err(RestoreError::TooMany) => self.skipped += 1,
        }
        added
    }

    /// The record with this [`Record::key`] could not be read. The key tells which chain lost
    /// something; with any other bytes it counts as one of whatever chain.
    pub(crate) fn add_lost(&mut self, key: &[u8]) {
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

    fn try_add(&mut self, record: Record) -> Result<(), RestoreError> {
        match record {
            Record::LogKey { generation, .. } if generation >= GENERATIONS => {
                return Err(RestoreError::Damaged);
            }
            Record::LogKey { generation, secret } => {
                self.count_key(generation);
                if self.key.as_ref().is_none_or(|(known, _)| *known <= generation) {
                    self.key = Some((generation, secret));
                }
            }
            Record::Entry(entry) => {
                self.check_channel((entry.chan(), entry.epoch()))?;
                if self.entries.len() >= self.config.limits.channel.log_entries {
                    self.lost.chains.insert(entry.author());
                    return Err(RestoreError::TooMany);
                }
                self.entries.insert((entry.place(), entry.id()), entry);
            }
            Record::Proof(proof) => {
                let (chan, epoch, ..) = proof.stubs().0.position();
                self.check_channel((chan, epoch))?;
                self.proofs.push(proof);
            }
        }
        Ok(())
    }

    fn check_channel(&self, of: (ChannelId, Epoch)) -> Result<(), RestoreError> {
        let ours = of == (self.config.chan, self.config.epoch);
        if ours { Ok(()) } else { Err(RestoreError::Damaged) }
    }

    /// The log as it was, and how many records were of no use.
    pub(crate) fn finish(mut self) -> (Log, usize) {
        let mut log = Log::new(self.config.clone());
        // By place in the order, so ancestors come first.
        for (_, entry) in core::mem::take(&mut self.entries) {
            let (author, id) = (entry.author(), entry.id());
            match log.put_back(entry) {
                PutBack::Shown => continue,
                PutBack::Waits(missing) => {
                    let known = |id| self.lost.entries.contains(id);
                    // An ancestor is gone without a trace. Ancestors that own chains lack were
                    // written before the key in use was made, unless they are of its chain.
                    let own = log.chains.device(author) == Some(log.config.local);
                    self.lost.any |= !own && !missing.iter().all(known);
                }
                PutBack::Refused => self.skipped += 1,
            }
            self.lost.chains.insert(author);
            self.lost.entries.insert(id);
        }
        for proof in core::mem::take(&mut self.proofs) {
            log.chains.freeze(proof);
        }
        let local = log.config.local;
        let own = log.chains.authors().filter(|(_, device)| *device == local);
        log.own.authors = own.map(|(author, _)| author).collect();
        log.own.generations = self.generations;
        log.own.key = self.key_in_use(&log);
        (log, self.skipped)
    }

    /// The latest log key, unless something of its chain may be lost.
    fn key_in_use(&self, log: &Log) -> Option<LogKey> {
        let (generation, secret) = self.key.as_ref()?;
        let key = LogKey::new(log.config.suite, secret);
        let latest = generation.checked_add(1) == Some(self.generations);
        let lost = self.lost.any || self.lost.chains.contains(&key.author);
        let frozen = log.chains.proof(key.author).is_some();
        // The store may be that of another device, or of what this one was before.
        let device = log.chains.device(key.author);
        let ours = device.is_none_or(|device| device == log.config.local);
        (latest && ours && !lost && !frozen).then_some(key)
    }
}

/// What became of a stored entry.
enum PutBack {
    Shown,
    /// These ancestors are lost.
    Waits(Vec<EntryId>),
    Refused,
}

impl Log {
    fn put_back(&mut self, entry: Entry) -> PutBack {
        loop {
            match self.chains.check(&entry, true) {
                Ok(Check::Conflict(proof)) => {
                    self.chains.freeze(*proof);
                }
                Ok(Check::Accept) => {
                    let id = entry.id();
                    self.chains.accept(entry);
                    self.chains.show(&id);
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
