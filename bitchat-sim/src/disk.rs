//! The stable storage of a host: it takes its time, it may be full, and it survives the process.

use crate::dice::Dice;
use bitchat_core::base::ids::RequestId;
use bitchat_core::base::time::Timestamp;
use bitchat_core::node::{Change, Record};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

/// How a disk behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskConfig {
    /// The time that a batch or a page takes at least.
    pub latency: Duration,
    /// Added at random, up to this.
    pub jitter: Duration,
    /// Writes are refused.
    pub full: bool,
    /// Probability that a write is refused although the disk is not full.
    pub flaky: f64,
}

impl Default for DiskConfig {
    /// A solid-state disk that works.
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(1),
            jitter: Duration::from_millis(2),
            full: false,
            flaky: 0.0,
        }
    }
}

/// What is done with a request once its time has come.
#[derive(Clone, Debug)]
enum Job {
    Persist(Vec<Change>),
    Load { prefix: Vec<u8>, after: Vec<u8>, limit: usize },
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskAnswer {
    /// The batch is stored.
    Persisted(RequestId),
    /// The batch is not stored, none of it.
    Refused(RequestId),
    /// A page of records.
    Loaded(RequestId, Vec<Record>, bool),
}

/// What a disk holds, for restoring it later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<Vec<u8>, Record>);

/// One host's disk. Requests are done one after the other, in order.
#[derive(Debug)]
pub struct Disk {
    /// How it behaves; may be changed at any time.
    pub config: DiskConfig,
    records: BTreeMap<Vec<u8>, Record>,
    jobs: VecDeque<(Timestamp, RequestId, Job)>,
    free_at: Timestamp,
    dice: Dice,
    written: u64,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new(config: DiskConfig, dice: Dice) -> Self {
        let (records, jobs) = (BTreeMap::new(), VecDeque::new());
        Self { config, records, jobs, free_at: Timestamp::ZERO, dice, written: 0 }
    }

    fn queue(&mut self, now: Timestamp, request: RequestId, job: Job) -> Timestamp {
        let jitter = self.dice.within(self.config.jitter);
        self.free_at = self.free_at.max(now) + self.config.latency + jitter;
        self.jobs.push_back((self.free_at, request, job));
        self.free_at
    }

    /// A batch is to be stored; when it will be.
    pub fn persist(
        &mut self,
        now: Timestamp,
        request: RequestId,
        changes: Vec<Change>,
    ) -> Timestamp {
        self.queue(now, request, Job::Persist(changes))
    }

    /// A page is to be read; when it will be.
    pub fn load(
        &mut self,
        now: Timestamp,
        request: RequestId,
        prefix: Vec<u8>,
        after: Vec<u8>,
        limit: usize,
    ) -> Timestamp {
        self.queue(now, request, Job::Load { prefix, after, limit })
    }

    /// When the next request is done.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.jobs.front().map(|(at, ..)| *at)
    }

    /// The next answer that is due.
    pub fn poll(&mut self, now: Timestamp) -> Option<DiskAnswer> {
        if self.next_at()? > now {
            return None;
        }
        let (_, request, job) = self.jobs.pop_front()?;
        Some(match job {
            Job::Persist(_) if self.config.full || self.dice.chance(self.config.flaky) => {
                DiskAnswer::Refused(request)
            }
            Job::Persist(changes) => {
                self.apply(changes);
                DiskAnswer::Persisted(request)
            }
            Job::Load { prefix, after, limit } => {
                let (records, more) = self.page(&prefix, &after, limit);
                DiskAnswer::Loaded(request, records, more)
            }
        })
    }

    fn apply(&mut self, changes: Vec<Change>) {
        self.written += 1;
        for change in changes {
            match change {
                Change::Put(record) => drop(self.records.insert(record.key.clone(), record)),
                Change::Delete(key) => drop(self.records.remove(&key)),
            }
        }
    }

    /// A page may be shorter than asked for, as the contract allows.
    fn page(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> (Vec<Record>, bool) {
        let limit = match self.dice.chance(0.25) {
            true => 1 + self.dice.index(limit),
            false => limit.max(1),
        };
        let mut found: Vec<Record> = self
            .records
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| after.is_empty() || key.as_slice() > after)
            .map(|(_, record)| record.clone())
            .take(limit + 1)
            .collect();
        let more = found.len() > limit;
        found.truncate(limit);
        (found, more)
    }

    /// The process dies (kill -9). What was answered stays; of the rest, in order, a random part
    /// was already done.
    pub fn crash(&mut self) {
        let done = self.dice.index(self.jobs.len() + 1);
        let jobs = core::mem::take(&mut self.jobs);
        for (.., job) in jobs.into_iter().take(done) {
            if let Job::Persist(changes) = job
                && !self.config.full
            {
                self.apply(changes);
            }
        }
        self.free_at = Timestamp::ZERO;
    }

    /// Everything is deleted.
    pub fn wipe(&mut self) {
        self.records.clear();
    }

    /// A backup.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.records.clone())
    }

    /// Puts a backup back in place of everything.
    pub fn restore(&mut self, snapshot: Snapshot) {
        self.records = snapshot.0;
    }

    /// What is stored, in order of the keys.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// Damages one stored value, chosen at random among those whose key begins with `prefix`; its
    /// key.
    pub fn damage(&mut self, prefix: &[u8]) -> Option<Vec<u8>> {
        let keys: Vec<_> =
            self.records.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
        let key = keys.get(self.dice.index(keys.len()))?;
        let record = self.records.get_mut(key)?;
        let mut value = record.value.to_vec();
        let at = self.dice.index(value.len());
        *value.get_mut(at)? ^= 1 << self.dice.below(8);
        record.value = value.into();
        Some(key.clone())
    }

    /// How many batches were stored.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.written
    }
}

#[cfg(test)]
mod tests;
