//! Floor 3: the signed log, without peers.
//!
//! A `Log` is what its authors signed ([`Entry`]), in chains that cite each other, and the order
//! in which everybody shows it. The log judges what comes, keeps what waits for an ancestor or for
//! the disk, writes the own chain, and freezes authors that contradict themselves. Who else has the
//! log, and how entries travel, is the parent's to know (a channel's).
//!
//! Durable before visible: an entry, own or another's, is shown, acknowledged, cited and passed on
//! only after the embedder stored it. A crash before that loses nothing that anybody saw, and an
//! author never reuses a position.

mod chains;
mod entry;
mod own;
mod pending;
mod record;
mod restore;
mod sink;
mod take;
mod waiting;
mod write;

pub use chains::{CHAINS_PER_DEVICE, FullReason};
pub(crate) use chains::{Chains, Head};
pub(crate) use entry::MAX_STUB;
pub use entry::{
    AuthorId, BINDING_LABEL, Draft, Entry, EntryError, EquivocationProof, Kind, MAX_BODY,
    MAX_CITED, MAX_ENTRY, MAX_SEQ, VERSION,
};
#[cfg(test)]
pub(crate) use entry::{bind_body, binding_parts};
pub use pending::Ticket;
pub use record::Record;
pub(crate) use restore::LogRestore;
pub use restore::RestoreError;
pub(crate) use sink::LogSink;
pub(crate) use take::Admitted;
pub use write::SendError;

use crate::base::ids::{ChannelId, Device, EntryId, LinkId};
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::suite::Suite;
use own::OwnChains;
use pending::Pending;
use std::collections::BTreeSet;
use waiting::Waiting;

/// Which log, as whom, within which bounds.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// What signatures are made and checked with.
    pub suite: Suite,
    /// The channel.
    pub chan: ChannelId,
    /// Its epoch.
    pub epoch: Epoch,
    /// This device.
    pub local: Device,
    /// Used here: those of channels. A channel uses `message_bytes`, `candidates` (members
    /// remembered) and `peers_per_source` beside.
    pub limits: Limits,
}

/// The log of one channel, as one device has it.
#[derive(Debug)]
pub(crate) struct Log {
    config: LogConfig,
    chains: Chains,
    waiting: Waiting,
    pending: Pending,
    own: OwnChains,
    /// The limits that the application was told of.
    full_told: BTreeSet<FullReason>,
}

impl Log {
    /// An empty log. The own chain begins with the first entry.
    pub(crate) fn new(config: LogConfig) -> Self {
        let limits = &config.limits.channel;
        Self {
            chains: Chains::new(limits.log_entries, limits.log_bytes, limits.authors),
            waiting: Waiting::new(limits.waiting_entries, limits.log_bytes / 8),
            pending: Pending::default(),
            own: OwnChains::default(),
            full_told: BTreeSet::new(),
            config,
        }
    }

    pub(crate) const fn config(&self) -> &LogConfig {
        &self.config
    }

    /// The entries held.
    pub(crate) const fn chains(&self) -> &Chains {
        &self.chains
    }

    /// The own chains, the one in use and earlier ones.
    pub(crate) const fn own_authors(&self) -> &BTreeSet<AuthorId> {
        &self.own.authors
    }

    /// Records that wait for the disk.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Entries were refused: `ChannelLimits::log_entries` or `ChannelLimits::log_bytes` is reached.
    pub(crate) fn has_refused(&self) -> bool {
        self.full_told.contains(&FullReason::Log)
    }

    /// Whether nothing is to be asked for under that name: the entry is held, or waits.
    pub(crate) fn is_here(&self, id: &EntryId) -> bool {
        self.chains.entry(id).is_some() || self.waiting.contains(id)
    }

    /// The record of `ticket` is durable: the entries that have nothing undurable before them are
    /// visible from now on (BC-09.21). Unknown tickets are ignored.
    pub(crate) fn on_persisted(&mut self, ticket: Ticket, sink: &mut dyn LogSink) {
        self.pending.on_persisted(ticket);
        while let Some(id) = self.pending.next_durable() {
            if let Some(entry) = self.chains.show(&id) {
                if entry.device() == Some(self.config.local) {
                    self.own.authors.insert(entry.author());
                }
                sink.visible(&self.chains, &entry);
            }
        }
    }

    /// A link is gone.
    pub(crate) fn on_link_down(&mut self, link: LinkId) {
        self.waiting.drop_link(link);
    }

    /// At its deadline: asks for ancestors that entries wait for.
    pub(crate) fn on_timeout(&mut self, now: Timestamp, sink: &mut dyn LogSink) {
        for (link, id) in self.waiting.on_timeout(now) {
            sink.missing(link, &[id]);
        }
    }

    /// When [`Log::on_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.waiting.poll_timeout()
    }

    fn persist(&mut self, record: Record, sink: &mut dyn LogSink) {
        let entry = match &record {
            Record::Entry(entry) => Some(entry.id()),
            Record::LogKey { .. } | Record::Proof(_) => None,
        };
        sink.persist(self.pending.push(entry), record);
    }

    /// Entries that wait for an ancestor.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
