//! What a log asks of its parent, which acts on the spot.

use super::chains::{Chains, FullReason};
use super::entry::{AuthorId, Entry, EntryError};
use super::pending::Ticket;
use super::record::Record;
use crate::base::ids::{EntryId, LinkId};
use crate::crypto::suite::Secret;

/// The log's way out.
pub(crate) trait LogSink {
    /// Stores `record` durably, in the order of the calls; answered later, exactly once, by
    /// [`Log::on_persisted`](super::Log::on_persisted).
    fn persist(&mut self, ticket: Ticket, record: Record);

    /// Takes back a record that was handed out to be stored, whether it is stored by now or not.
    fn forget(&mut self, record: &Record);

    /// 32 fresh secret bytes, for a log key.
    fn secret(&mut self) -> Secret;

    /// The identity's signature; `None` if this device does not hold the identity's secret key.
    fn sign(&mut self, label: &'static [u8], parts: &[&[u8]]) -> Option<[u8; 64]>;

    /// An entry is stored and so are all its ancestors: it is shown and given to others now.
    fn visible(&mut self, chains: &Chains, entry: &Entry);

    /// An author contradicted itself and is frozen at `seq`.
    fn frozen(&mut self, chains: &Chains, author: AuthorId, seq: u64);

    /// An own chain is given up, because others have more of it than this device, or because it is
    /// frozen.
    fn own_chain_forked(&mut self, author: AuthorId);

    /// A limit is reached for the first time.
    fn full(&mut self, reason: FullReason);

    /// The link that gave an entry is to be asked for the entry's ancestors by name.
    fn missing(&mut self, link: LinkId, ancestors: &[EntryId]);

    /// An entry that waited proved invalid when its ancestors came. The link had given the entry.
    fn invalid(&mut self, link: LinkId, error: EntryError);
}
