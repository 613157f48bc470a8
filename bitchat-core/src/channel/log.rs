//! The log in memory: every accepted entry, its author's chain and its place in the order.
//!
//! An entry is *accepted* once it and all its ancestors are valid, and *visible* once it is also
//! stored. Only visible entries are shown, advertised, cited and given to others. Entries of an
//! author that contradicted itself are *disputed* from that position on: they are kept where others
//! built on them, and not shown.

use super::entry::{AuthorId, Entry, EntryError, Kind, Place};
use super::message::Head;
use super::record::Proof;
use super::sink::FullReason;
use crate::base::ids::{Device, EntryId};
use std::collections::{BTreeMap, BTreeSet};

/// Chains of one device that are taken unasked (BC-09.12): others only for the sake of entries that
/// build on them.
pub const CHAINS_PER_DEVICE: usize = 64;
/// What a chain takes of the log's bytes beside its entries: each link remembers how far its peer
/// has it.
pub(super) const CHAIN_BYTES: usize = 4_096;

#[derive(Debug)]
struct Held {
    entry: Entry,
    visible: bool,
    disputed: bool,
    /// Visible, undisputed entries of which it is an ancestor.
    children: usize,
}

#[derive(Debug)]
struct Chain {
    device: Device,
    /// Accepted and undisputed, by position.
    ids: Vec<EntryId>,
    /// How many of them are visible.
    visible: usize,
    fork: Option<Proof>,
}

/// What to do with an entry whose signature is right.
#[derive(Debug)]
pub(super) enum Check {
    /// Held already.
    Known,
    /// Of a frozen author, and nothing honest needs it.
    Frozen,
    /// Contradicts an entry that is held.
    Conflict(Box<Proof>),
    /// These ancestors must come first.
    Missing(Vec<EntryId>),
    /// There is no room.
    Full(FullReason),
    /// Valid.
    Accept,
}

#[derive(Debug)]
pub(super) struct Log {
    max_entries: usize,
    max_bytes: usize,
    max_authors: usize,
    bytes: usize,
    held: BTreeMap<EntryId, Held>,
    chains: BTreeMap<AuthorId, Chain>,
    per_device: BTreeMap<Device, usize>,
    /// What is shown: visible, undisputed, not a binding.
    order: BTreeMap<Place, EntryId>,
    /// Visible, undisputed, and an ancestor of nothing visible.
    tips: BTreeMap<Place, EntryId>,
}

impl Log {
    pub(super) const fn new(max_entries: usize, max_bytes: usize, max_authors: usize) -> Self {
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
    pub(super) fn check(&self, entry: &Entry, needed: bool) -> Result<Check, EntryError> {
        if self.held.contains_key(&entry.id()) {
            return Ok(Check::Known);
        }
        let chain = self.chains.get(&entry.author());
        let frozen = self.is_disputed(entry.author(), entry.seq());
        if frozen && !needed {
            return Ok(Check::Frozen);
        }
        if !frozen && let Some(other) = chain.and_then(|chain| at(&chain.ids, entry.seq())) {
            let proof = self.entry(other).and_then(|e| Proof::new(e.stub(), entry.stub()));
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
    pub(super) fn lamport_after(&self, ancestors: impl Iterator<Item = EntryId>) -> u64 {
        let latest = ancestors.filter_map(|id| self.entry(&id)).map(Entry::lamport).max();
        1 + latest.unwrap_or(0)
    }

    /// Which limit keeps `entry` out. Those on chains do not where other entries build on it (BC-09.50):
    /// which chains came first differs from member to member, and so would what each can take of others.
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
    pub(super) fn has_room(&self, entries: usize, bytes: usize) -> bool {
        self.held.len() + entries <= self.max_entries && self.bytes + bytes <= self.max_bytes
    }

    /// No entry fits any more.
    pub(super) fn is_full(&self) -> bool {
        !self.has_room(1, 0)
    }

    /// Takes an entry that [`Log::check`] found valid; it is not visible yet.
    pub(super) fn accept(&mut self, entry: Entry) {
        let disputed = self.is_disputed(entry.author(), entry.seq());
        if !disputed {
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
        self.held.insert(entry.id(), Held { entry, visible: false, disputed, children: 0 });
    }

    /// Takes back what is accepted of a chain and not visible; nothing may have been built on it.
    pub(super) fn take_back(&mut self, author: AuthorId) -> Vec<Entry> {
        let Some(chain) = self.chains.get_mut(&author) else { return Vec::new() };
        let back = chain.ids.split_off(chain.visible.min(chain.ids.len()));
        let back: Vec<_> = back.iter().filter_map(|id| self.held.remove(id)).collect();
        self.bytes -= back.iter().map(|held| held.entry.raw().len()).sum::<usize>();
        back.into_iter().map(|held| held.entry).collect()
    }

    /// Makes an accepted entry visible, its ancestors being so. Returns it unless it is disputed.
    pub(super) fn show(&mut self, id: &EntryId) -> Option<Entry> {
        let held = self.held.get_mut(id).filter(|held| !held.visible)?;
        held.visible = true;
        if held.disputed {
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

    /// Freezes the author that `proof` convicts (BC-09.10). False if the author is unknown or the same or an
    /// earlier position was disputed before.
    pub(super) fn freeze(&mut self, proof: Proof) -> bool {
        let author = proof.author();
        let Some(chain) = self.chains.get_mut(&author) else {
            return false;
        };
        if chain.fork.as_ref().is_some_and(|known| known.seq() <= proof.seq()) {
            return false;
        }
        let keep =
            usize::try_from(proof.seq()).map_or(chain.ids.len(), |seq| seq.min(chain.ids.len()));
        let disputed = chain.ids.split_off(keep);
        chain.visible = chain.visible.min(keep);
        let old = chain.fork.as_ref().map_or(0, Proof::bytes);
        self.bytes = self.bytes + proof.bytes() - old;
        chain.fork = Some(proof);
        for id in &disputed {
            if let Some(held) = self.held.get_mut(id) {
                held.disputed = true;
                self.order.remove(&held.entry.place());
                self.tips.remove(&held.entry.place());
            }
        }
        disputed.iter().for_each(|id| self.bring_back_tips(id));
        true
    }

    /// A disputed entry is no longer shown: what only it had as an ancestor is a tip again (BC-09.51).
    fn bring_back_tips(&mut self, disputed: &EntryId) {
        let Some(held) = self.held.get(disputed).filter(|held| held.visible) else { return };
        for ancestor in held.entry.clone().ancestors() {
            let Some(held) = self.held.get_mut(&ancestor) else { continue };
            held.children = held.children.saturating_sub(1);
            if held.children == 0 && held.visible && !held.disputed {
                self.tips.insert(held.entry.place(), ancestor);
            }
        }
    }

    /// Whether that position of the chain is at or above a contradiction.
    pub(super) fn is_disputed(&self, author: AuthorId, seq: u64) -> bool {
        self.proof(author).is_some_and(|proof| proof.seq() <= seq)
    }

    /// What convicts the author, if anything does.
    pub(super) fn proof(&self, author: AuthorId) -> Option<&Proof> {
        self.chains.get(&author)?.fork.as_ref()
    }

    /// An accepted entry.
    pub(super) fn entry(&self, id: &EntryId) -> Option<&Entry> {
        self.held.get(id).map(|held| &held.entry)
    }

    /// An entry that may be given to others, disputed or not.
    pub(super) fn visible_entry(&self, id: &EntryId) -> Option<&Entry> {
        self.held.get(id).filter(|held| held.visible).map(|held| &held.entry)
    }

    /// An entry that may be given to others, and is disputed.
    pub(super) fn disputed_entry(&self, id: &EntryId) -> Option<&Entry> {
        let disputed = |held: &&Held| held.visible && held.disputed;
        self.held.get(id).filter(disputed).map(|held| &held.entry)
    }

    /// An entry that is shown.
    pub(super) fn shown(&self, id: &EntryId) -> Option<&Entry> {
        self.visible_entry(id).filter(|entry| self.order.contains_key(&entry.place()))
    }

    /// The visible, undisputed entry at a position.
    pub(super) fn visible_at(&self, author: AuthorId, seq: u64) -> Option<&Entry> {
        let chain = self.chains.get(&author)?;
        self.entry(at(chain.ids.get(..chain.visible)?, seq)?)
    }

    /// The accepted, undisputed entry's name at a position.
    pub(super) fn id_at(&self, author: AuthorId, seq: u64) -> Option<EntryId> {
        at(&self.chains.get(&author)?.ids, seq).copied()
    }

    /// How many entries of the chain are accepted.
    pub(super) fn accepted(&self, author: AuthorId) -> u64 {
        self.chains.get(&author).map_or(0, |chain| chain.ids.len() as u64)
    }

    /// How many entries of the chain are visible.
    pub(super) fn visible(&self, author: AuthorId) -> u64 {
        self.chains.get(&author).map_or(0, |chain| chain.visible as u64)
    }

    /// Whose chain it is.
    pub(super) fn device(&self, author: AuthorId) -> Option<Device> {
        self.chains.get(&author).map(|chain| chain.device)
    }

    /// The last visible entry of every chain, by author: only what is stored is told (BC-09.17).
    pub(super) fn heads(&self) -> impl Iterator<Item = Head> + '_ {
        self.chains.keys().filter_map(|author| self.head(*author))
    }

    /// The last visible entry of a chain.
    pub(super) fn head(&self, author: AuthorId) -> Option<Head> {
        let chain = self.chains.get(&author)?;
        let last = chain.visible.checked_sub(1)?;
        Some(Head { author, seq: last as u64, id: *chain.ids.get(last)? })
    }

    /// Everything shown, in order.
    pub(super) fn in_order(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.order.values().filter_map(|id| self.entry(id))
    }

    /// What is shown just before `place`.
    pub(super) fn before(&self, place: Place) -> Option<EntryId> {
        self.order.range(..place).next_back().map(|(_, id)| *id)
    }

    /// Up to `max` of the latest tips, without `except`, in ascending order of their ids.
    pub(super) fn latest_tips(&self, max: usize, except: EntryId) -> Vec<EntryId> {
        let tips = self.tips.values().rev().copied().filter(|id| *id != except).take(max);
        tips.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Chains known.
    pub(super) fn authors(&self) -> impl Iterator<Item = (AuthorId, Device)> + '_ {
        self.chains.iter().map(|(author, chain)| (*author, chain.device))
    }

    /// Entries held, visible or not.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}

fn at(ids: &[EntryId], seq: u64) -> Option<&EntryId> {
    ids.get(usize::try_from(seq).ok()?)
}
