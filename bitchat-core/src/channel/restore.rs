//! Bringing a channel back from its records.

use super::{Channel, ChannelConfig};
use crate::log::{LogRestore, Record, RestoreError};

/// Collects records in any order; [`ChannelRestore::finish`] makes them a channel.
///
/// Signatures are not verified again: whoever can write the records can read the log key among
/// them. An entry whose ancestor is lost is kept, and shown once a member gives the ancestor again.
/// If what is lost may be of the chain in use, the next own message begins a new one (BC-09.52).
#[derive(Debug)]
pub struct ChannelRestore {
    log: LogRestore,
}

impl ChannelRestore {
    /// Begins with nothing.
    #[must_use]
    pub fn new(config: ChannelConfig) -> Self {
        Self { log: LogRestore::new(config) }
    }

    /// Adds a record. After an error go on with the next one.
    ///
    /// # Errors
    /// [`RestoreError`] if the record is of no use.
    pub fn add(&mut self, record: &Record) -> Result<(), RestoreError> {
        self.log.add(record)
    }

    /// The record with this [`Record::key`] could not be read. The key tells which chain lost
    /// something; with any other bytes it counts as one of whatever chain.
    pub fn add_lost(&mut self, key: &[u8]) {
        self.log.add_lost(key);
    }

    /// The channel as it was, and how many records were of no use.
    #[must_use]
    pub fn finish(self) -> (Channel, usize) {
        let (log, skipped) = self.log.finish();
        (Channel::of(log), skipped)
    }
}
