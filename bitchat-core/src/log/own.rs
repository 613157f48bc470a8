//! The own log keys.

use super::entry::AuthorId;
use super::record::Record;
use crate::crypto::identity::Identity;
use crate::crypto::suite::{Secret, Suite};
use std::collections::BTreeSet;

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

/// The own chains.
#[derive(Debug, Default)]
pub(super) struct OwnChains {
    /// The key of the chain in use.
    pub(super) key: Option<LogKey>,
    /// How many chains this device has had: the key in use is of the generation before.
    pub(super) generations: u32,
    /// Every chain of this device.
    pub(super) authors: BTreeSet<AuthorId>,
}

impl OwnChains {
    /// Whether that chain is in use.
    pub(super) fn is_current(&self, author: AuthorId) -> bool {
        self.key.as_ref().is_some_and(|key| key.author == author)
    }

    /// Takes a new key into use. Returns the record to store.
    pub(super) fn begin(&mut self, key: LogKey) -> Record {
        let generation = self.generations;
        let secret = key.pair.to_bytes();
        self.key = Some(key);
        self.generations += 1;
        Record::LogKey { generation, secret }
    }
}
