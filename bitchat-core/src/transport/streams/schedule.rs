//! Which stream sends next.

use crate::transport::stream_id::TransportStreamId;
use std::collections::VecDeque;

/// What a stream carries. An earlier class goes strictly first; streams of one class take turns
/// (BC-07.08).
///
/// A class may fill only its share of the send buffer, so that less urgent data never keeps more
/// urgent data from being accepted: File 3/8, History 4/8, Media 5/8, Chat 6/8, Sync 7/8, Control
/// all. What Control has for itself is never taken by others, since a link whose control messages
/// find no room has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Rekey messages and what else the session itself needs: the control stream alone.
    Control,
    /// What channels must know first: heads, proofs, members.
    Sync,
    /// Messages of people.
    Chat,
    /// Voice, video and typing marks.
    Media,
    /// Sync of what was missed.
    History,
    /// Bulk data.
    File,
}

impl Class {
    /// All classes, the most urgent first.
    pub const ALL: [Self; 6] =
        [Self::Control, Self::Sync, Self::Chat, Self::Media, Self::History, Self::File];

    /// Somebody waits for it: small amounts are sent twice where that helps.
    pub(super) const fn is_urgent(self) -> bool {
        matches!(self, Self::Control | Self::Sync | Self::Chat)
    }

    /// How much of a send buffer of `total` bytes the class may fill.
    pub(super) const fn share(self, total: usize) -> usize {
        let eighths = match self {
            Self::Control => return total,
            Self::Sync => 7,
            Self::Chat => 6,
            Self::Media => 5,
            Self::History => 4,
            Self::File => 3,
        };
        total / 8 * eighths
    }
}

/// The streams that have something to send, by class, in turn.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    ready: [VecDeque<TransportStreamId>; Class::ALL.len()],
}

impl Schedule {
    /// Appends a stream that is in no queue yet.
    pub(super) fn push(&mut self, class: Class, id: TransportStreamId) {
        self.ready[class as usize].push_back(id);
    }

    /// Gives a stream that could not have its whole turn the next one.
    pub(super) fn push_front(&mut self, class: Class, id: TransportStreamId) {
        self.ready[class as usize].push_front(id);
    }

    pub(super) fn pop(&mut self, class: Class) -> Option<TransportStreamId> {
        self.ready[class as usize].pop_front()
    }

    /// Takes a stream out of its queue.
    pub(super) fn remove(&mut self, class: Class, id: TransportStreamId) {
        self.ready[class as usize].retain(|&other| other != id);
    }

    /// Gives back memory that lies idle.
    pub(super) fn shrink(&mut self) {
        self.ready.iter_mut().for_each(VecDeque::shrink_to_fit);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.iter().all(VecDeque::is_empty)
    }
}
