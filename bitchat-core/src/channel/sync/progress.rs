//! What one link is known to have of each chain, and what it is still to be sent.

use crate::base::ids::EntryId;
use crate::base::time::Timestamp;
use crate::log::AuthorId;
use core::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// How far a peer has one chain. Positions are counts: `n` means that the entries 0..n are there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ChainProgress {
    /// As the peer says itself, or shows by sending.
    pub(super) peer_has: u64,
    /// As far as this device sent the chain.
    pub(super) sent: u64,
    /// As this device told of itself, or as the peer knows from an equal digest.
    pub(super) told: u64,
    /// The peer gets this author's entries from another member: they are not pushed to it.
    pub(super) pruned: bool,
}

impl ChainProgress {
    /// What the peer has, or will have once everything sent arrives.
    pub(super) const fn reached(self) -> u64 {
        if self.peer_has > self.sent { self.peer_has } else { self.sent }
    }
}

/// The messages still to be made for a link. Nothing is queued but facts ("tell of this head",
/// "these ids were asked for"), so a slow link costs bounded memory and always gets the newest
/// state once it can take more.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) digest: bool,
    pub(super) ask_info: bool,
    pub(super) info: InfoRequest,
    pub(super) tell: BTreeSet<AuthorId>,
    /// When heads go out, even if there are none to tell: the peer may wait for them (BC-09.15).
    pub(super) tell_at: Option<Timestamp>,
    pub(super) proofs: BTreeSet<AuthorId>,
    pub(super) prune: BTreeSet<AuthorId>,
    pub(super) want: Option<bool>,
    pub(super) want_ids: BTreeSet<EntryId>,
    pub(super) push: BTreeSet<AuthorId>,
    pub(super) give_ids: BTreeSet<EntryId>,
    /// A WANT whose answer is not begun; whether the answer goes on behind the last one.
    pub(super) asked: Option<bool>,
    pub(super) serving: Option<Serving>,
}

impl Outgoing {
    /// The peer waits for an answer to WANT.
    pub(super) const fn is_asked(&self) -> bool {
        self.asked.is_some() || self.serving.is_some()
    }

    /// Heads go out at `at` at the latest.
    pub(super) fn tell_by(&mut self, at: Timestamp) {
        self.tell_at = Some(self.tell_at.map_or(at, |old| old.min(at)));
    }
}

/// The next entry of some chains, the first in the order of the log in front.
pub(super) type Cursors = BinaryHeap<Reverse<(u64, AuthorId, u64)>>;

/// An answer to a WANT in progress: the next entry of every chain, by place in the order.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) cursors: Cursors,
    /// Entries that the answer may still hold.
    pub(super) left: usize,
}

/// Whether a peer asked for `info`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum InfoRequest {
    #[default]
    No,
    Waits,
    /// It was given, once (BC-09.41).
    Answered,
}
