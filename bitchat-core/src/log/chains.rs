//! The log in memory: every accepted entry, its author's chain and its place in the order.
//!
//! An entry is *accepted* once it and all its ancestors are valid, and *visible* once it is also
//! stored. Only visible entries are shown, advertised, cited and given to others. An author that
//! contradicted itself is *frozen* at that position: entries of its chain from there on are *after
//! the fork*, which are kept where others built on them, and not shown.

use super::entry::{AuthorId, Entry, EntryError, EquivocationProof, Kind, Place};
use crate::base::ids::{Device, EntryId};
use core::ops::RangeBounds;
use std::collections::{BTreeMap, BTreeSet};

/// Chains of one device that are taken unasked (BC-09.12): others only for the sake of entries that
/// build on them.
pub const CHAINS_PER_DEVICE: usize = 64;
/// What a chain counts of the log's bytes beside its entries: each link remembers how far its peer
/// has the chain.
pub(super) const CHAIN_BYTES: usize = 4_096;

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FullReason {
    /// `ChannelLimits::log_entries` or `ChannelLimits::log_bytes`.
    Log,
    /// `ChannelLimits::authors`, or the share of one device.
    Authors,
}

/// How far somebody has stored a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) author: AuthorId,
    /// The last position.
    pub(crate) seq: u64,
    /// The entry there.
    pub(crate) id: EntryId,
}

#[derive(Debug)]
struct Held {
    entry: Entry,
    visible: bool,
    after_fork: bool,
    /// Entries that are visible, before any fork, and have this one as an ancestor.
    children: usize,
}

#[derive(Debug)]
struct Chain {
    device: Device,
    /// Accepted and before the fork, by position.
    ids: Vec<EntryId>,
    /// How many of `ids` are visible.
    visible: usize,
    fork: Option<EquivocationProof>,
}

/// What to do with an entry whose signature is right.
#[derive(Debug)]
pub(crate) enum Check {
    /// Held already.
    Known,
    /// Of a frozen author, and nothing honest needs it.
    Frozen,
    /// Contradicts an entry that is held.
    Conflict(Box<EquivocationProof>),
    /// These ancestors must come first.
    Missing(Vec<EntryId>),
    /// There is no room.
    Full(FullReason),
    /// Valid.
    Accept,
}

/// Every entry that is held.
#[derive(Debug)]
pub(crate) struct Chains {
    max_entries: usize,
    max_bytes: usize,
    max_authors: usize,
    bytes: usize,
    held: BTreeMap<EntryId, Held>,
    chains: BTreeMap<AuthorId, Chain>,
    per_device: BTreeMap<Device, usize>,
    /// What is shown: visible, before any fork, not a binding.
    order: BTreeMap<Place, EntryId>,
    /// Visible, before any fork, and an ancestor of nothing visible.
    tips: BTreeMap<Place, EntryId>,
}

impl Chains {
    pub(crate) const fn new(max_entries: usize, max_bytes: usize, max_authors: usize) -> Self {
        Self {
            max_entries,
            max_bytes,
            max_authors,
            bytes: 0,
            held: BTreeMap::new(),
            chains: BTreeMap::new(),
            per_device: BTreeMap::new(),
            order: BTreeMap::new(),
            tips: BTreeMap::new(),
        }
    }

    /// Judges `entry`. `needed`: an entry that waits has it as an ancestor.
    pub(crate) fn check(&self, entry: &Entry, needed: bool) -> Result<Check, EntryError> {
        if self.held.contains_key(&entry.id()) {
            return Ok(Check::Known);
        }
        let chain = self.chains.get(&entry.author());
        let frozen = self.is_frozen(entry.author(), entry.seq());
        if frozen && !needed {
            return Ok(Check::Frozen);
        }
        if !frozen && let Some(other) = chain.and_then(|chain| at(&chain.ids, entry.seq())) {
            let proof =
                self.entry(other).and_then(|e| EquivocationProof::new(e.stub(), entry.stub()));
            return Ok(proof.map_or(Check::Known, |proof| Check::Conflict(Box::new(proof))));
        }
        let missing: Vec<_> = entry.ancestors().filter(|id| !self.held.contains_key(id)).collect();
        if !missing.is_empty() {
            return Ok(Check::Missing(missing));
        }
        self.check_ancestry(entry)?;
        Ok(self.full(entry, needed).map_or(Check::Accept, Check::Full))
    }

    /// `prev` and `lamport` against the ancestors, all of which are held (BC-09.06, BC-09.07).
    fn check_ancestry(&self, entry: &Entry) -> Result<(), EntryError> {
        if entry.seq() > 0 {
            let prev = self.entry(&entry.prev()).ok_or(EntryError::WrongPrev)?;
            if (prev.author(), prev.seq() + 1) != (entry.author(), entry.seq()) {
                return Err(EntryError::WrongPrev);
            }
        }
        let expected = self.lamport_after(entry.ancestors());
        let found = entry.lamport();
        if found == expected { Ok(()) } else { Err(EntryError::WrongLamport { found, expected }) }
    }

    /// The logical time of an entry with these ancestors.
    pub(crate) fn lamport_after(&self, ancestors: impl Iterator<Item = EntryId>) -> u64 {
        let latest = ancestors.filter_map(|id| self.entry(&id)).map(Entry::lamport).max();
        1 + latest.unwrap_or(0)
    }

    /// Which limit keeps `entry` out. The limits on chains do not where other entries build on it
    /// (BC-09.50): which chains came first differs from member to member, and so would what each
    /// can take of others.
    fn full(&self, entry: &Entry, needed: bool) -> Option<FullReason> {
        let begins = entry.device().filter(|_| !self.chains.contains_key(&entry.author()));
        let chain = if begins.is_some() { CHAIN_BYTES } else { 0 };
        if !self.has_room(1, entry.raw().len() + chain) {
            return Some(FullReason::Log);
        }
        let device = begins.filter(|_| !needed)?;
        let of_device = self.per_device.get(&device).copied().unwrap_or(0);
        let full = self.chains.len() >= self.max_authors || of_device >= CHAINS_PER_DEVICE;
        full.then_some(FullReason::Authors)
    }

    /// Whether `entries` more of `bytes` in all fit.
    pub(crate) fn has_room(&self, entries: usize, bytes: usize) -> bool {
        self.held.len() + entries <= self.max_entries && self.bytes + bytes <= self.max_bytes
    }

    /// No entry fits any more.
    pub(crate) fn is_full(&self) -> bool {
        !self.has_room(1, 0)
    }

    /// Takes an entry that [`Chains::check`] found valid; it is not visible yet.
    pub(crate) fn accept(&mut self, entry: Entry) {
        let after_fork = self.is_frozen(entry.author(), entry.seq());
        if !after_fork {
            if let Some(device) = entry.device()
                && !self.chains.contains_key(&entry.author())
            {
                let chain = Chain { device, ids: Vec::new(), visible: 0, fork: None };
                self.chains.insert(entry.author(), chain);
                self.bytes += CHAIN_BYTES;
                *self.per_device.entry(device).or_default() += 1;
            }
            if let Some(chain) = self.chains.get_mut(&entry.author()) {
                chain.ids.push(entry.id());
            }
        }
        self.bytes += entry.raw().len();
        self.held.insert(entry.id(), Held { entry, visible: false, after_fork, children: 0 });
    }

    /// Takes back what is accepted of a chain and not visible; nothing may have been built on it.
    pub(crate) fn take_back(&mut self, author: AuthorId) -> Vec<Entry> {
        let Some(chain) = self.chains.get_mut(&author) else { return Vec::new() };
        let back = chain.ids.split_off(chain.visible.min(chain.ids.len()));
        let back: Vec<_> = back.iter().filter_map(|id| self.held.remove(id)).collect();
        self.bytes -= back.iter().map(|held| held.entry.raw().len()).sum::<usize>();
        back.into_iter().map(|held| held.entry).collect()
    }

    /// Makes an accepted entry visible, its ancestors being so. Returns the entry, unless it is
    /// after its author's fork.
    pub(crate) fn show(&mut self, id: &EntryId) -> Option<Entry> {
        let held = self.held.get_mut(id).filter(|held| !held.visible)?;
        held.visible = true;
        if held.after_fork {
            return None;
        }
        let entry = held.entry.clone();
        for ancestor in entry.ancestors() {
            if let Some(held) = self.held.get_mut(&ancestor) {
                held.children += 1;
                self.tips.remove(&held.entry.place());
            }
        }
        self.tips.insert(entry.place(), *id);
        if entry.kind() != Kind::Bind {
            self.order.insert(entry.place(), *id);
        }
        if let Some(chain) = self.chains.get_mut(&entry.author()) {
            chain.visible += 1;
        }
        Some(entry)
    }

    /// Freezes the author that `proof` is about (BC-09.10). False if the author is unknown, or was
    /// frozen at the same or an earlier position before.
    pub(crate) fn freeze(&mut self, proof: EquivocationProof) -> bool {
        let author = proof.author();
        let Some(chain) = self.chains.get_mut(&author) else {
            return false;
        };
        if chain.fork.as_ref().is_some_and(|known| known.seq() <= proof.seq()) {
            return false;
        }
        let keep =
            usize::try_from(proof.seq()).map_or(chain.ids.len(), |seq| seq.min(chain.ids.len()));
        let after_fork = chain.ids.split_off(keep);
        chain.visible = chain.visible.min(keep);
        let old = chain.fork.as_ref().map_or(0, EquivocationProof::bytes);
        self.bytes = self.bytes + proof.bytes() - old;
        chain.fork = Some(proof);
        for id in &after_fork {
            if let Some(held) = self.held.get_mut(id) {
                held.after_fork = true;
                self.order.remove(&held.entry.place());
                self.tips.remove(&held.entry.place());
            }
        }
        after_fork.iter().for_each(|id| self.bring_back_tips(id));
        true
    }

    /// An entry after a fork is no longer shown: what only this one had as an ancestor is a tip
    /// again (BC-09.51).
    fn bring_back_tips(&mut self, after_fork: &EntryId) {
        let Some(held) = self.held.get(after_fork).filter(|held| held.visible) else { return };
        for ancestor in held.entry.clone().ancestors() {
            let Some(held) = self.held.get_mut(&ancestor) else { continue };
            held.children = held.children.saturating_sub(1);
            if held.children == 0 && held.visible && !held.after_fork {
                self.tips.insert(held.entry.place(), ancestor);
            }
        }
    }

    /// Whether the chain is frozen at that position or an earlier one.
    pub(crate) fn is_frozen(&self, author: AuthorId, seq: u64) -> bool {
        self.proof(author).is_some_and(|proof| proof.seq() <= seq)
    }

    /// The proof that froze the author, if one did.
    pub(crate) fn proof(&self, author: AuthorId) -> Option<&EquivocationProof> {
        self.chains.get(&author)?.fork.as_ref()
    }

    /// An accepted entry.
    pub(crate) fn entry(&self, id: &EntryId) -> Option<&Entry> {
        self.held.get(id).map(|held| &held.entry)
    }

    /// An entry that may be given to others, shown or not.
    pub(crate) fn visible_entry(&self, id: &EntryId) -> Option<&Entry> {
        self.held.get(id).filter(|held| held.visible).map(|held| &held.entry)
    }

    /// An entry that may be given to others, and is after its author's fork.
    pub(crate) fn frozen_entry(&self, id: &EntryId) -> Option<&Entry> {
        let frozen = |held: &&Held| held.visible && held.after_fork;
        self.held.get(id).filter(frozen).map(|held| &held.entry)
    }

    /// An entry that is shown.
    pub(crate) fn shown(&self, id: &EntryId) -> Option<&Entry> {
        self.visible_entry(id).filter(|entry| self.order.contains_key(&entry.place()))
    }

    /// The visible entry at a position before any fork.
    pub(crate) fn visible_at(&self, author: AuthorId, seq: u64) -> Option<&Entry> {
        let chain = self.chains.get(&author)?;
        self.entry(at(chain.ids.get(..chain.visible)?, seq)?)
    }

    /// The name of the accepted entry at a position before any fork.
    pub(crate) fn id_at(&self, author: AuthorId, seq: u64) -> Option<EntryId> {
        at(&self.chains.get(&author)?.ids, seq).copied()
    }

    /// How many entries of the chain are accepted.
    pub(crate) fn accepted(&self, author: AuthorId) -> u64 {
        self.chains.get(&author).map_or(0, |chain| chain.ids.len() as u64)
    }

    /// How many entries of the chain are visible.
    pub(crate) fn visible(&self, author: AuthorId) -> u64 {
        self.chains.get(&author).map_or(0, |chain| chain.visible as u64)
    }

    /// Whose chain it is.
    pub(crate) fn device(&self, author: AuthorId) -> Option<Device> {
        self.chains.get(&author).map(|chain| chain.device)
    }

    /// The last visible entry of every chain, by author: only what is stored is told (BC-09.17).
    pub(crate) fn heads(&self) -> impl Iterator<Item = Head> + '_ {
        self.chains.keys().filter_map(|author| self.head(*author))
    }

    /// The last visible entry of a chain.
    pub(crate) fn head(&self, author: AuthorId) -> Option<Head> {
        let chain = self.chains.get(&author)?;
        let last = chain.visible.checked_sub(1)?;
        Some(Head { author, seq: last as u64, id: *chain.ids.get(last)? })
    }

    /// Everything shown in a part of the order.
    pub(crate) fn in_order(
        &self,
        part: impl RangeBounds<Place>,
    ) -> impl DoubleEndedIterator<Item = &Entry> {
        self.order.range(part).filter_map(|(_, id)| self.entry(id))
    }

    /// How many entries are shown.
    pub(crate) fn shown_count(&self) -> usize {
        self.order.len()
    }

    /// What is shown just before `place`.
    pub(crate) fn before(&self, place: Place) -> Option<EntryId> {
        self.order.range(..place).next_back().map(|(_, id)| *id)
    }

    /// Up to `max` of the latest tips, without `except`, in ascending order of their ids.
    pub(crate) fn latest_tips(&self, max: usize, except: EntryId) -> Vec<EntryId> {
        let tips = self.tips.values().rev().copied().filter(|id| *id != except).take(max);
        tips.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Every chain, and whose it is.
    pub(crate) fn authors(&self) -> impl Iterator<Item = (AuthorId, Device)> + '_ {
        self.chains.iter().map(|(author, chain)| (*author, chain.device))
    }
}

fn at(ids: &[EntryId], seq: u64) -> Option<&EntryId> {
    ids.get(usize::try_from(seq).ok()?)
}
