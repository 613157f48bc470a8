//! What was typed and is not stored yet.

use bitchat_core::base::ids::EntryId;
use std::collections::{BTreeSet, VecDeque};

/// Texts that wait for the node; then nothing more is read.
const WAITING: usize = 1_000;

/// Own messages on their way: first they wait for the node to take them, then for its disk.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<String>,
    taken: BTreeSet<EntryId>,
}

impl Outbox {
    /// Room for another text.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING
    }

    pub(super) fn push(&mut self, text: String) {
        self.waiting.push_back(text);
    }

    /// The text whose turn it is; it stays until it was taken or refused.
    pub(super) fn next(&self) -> Option<&str> {
        self.waiting.front().map(String::as_str)
    }

    /// The node has taken the next text as `id`, or refuses it for good.
    pub(super) fn done(&mut self, id: Option<EntryId>) {
        self.waiting.pop_front();
        self.taken.extend(id);
    }

    /// A message is stored; whether it was one of these.
    pub(super) fn stored(&mut self, id: &EntryId) -> bool {
        self.taken.remove(id)
    }

    /// Texts that would be lost now.
    pub(super) fn unsent(&self) -> usize {
        self.waiting.len() + self.taken.len()
    }
}
