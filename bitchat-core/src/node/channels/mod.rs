//! The channels that the node is in, by handle and by id, and when each is due.

pub(crate) mod joined;
pub(crate) mod origin;
pub(crate) mod records;

use crate::base::agenda::{Agenda, Deadline};
use crate::base::ids::{ChannelHandle, ChannelId};
use crate::base::time::Timestamp;
use joined::{ChannelEffects, JoinedChannel, Phase};
use origin::Origin;
use std::collections::{BTreeMap, BTreeSet};

/// The channels that the node is in.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    all: BTreeMap<ChannelHandle, JoinedChannel>,
    by_id: BTreeMap<ChannelId, ChannelHandle>,
    /// Wait until the node knows its own device, and until an earlier stay's writes are stored.
    waiting: BTreeSet<ChannelHandle>,
    agenda: Agenda<ChannelHandle>,
    next: u32,
    /// What a channel wants of the node; kept for its allocation.
    effects: ChannelEffects,
}

impl Channels {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes a channel in, which waits to be read back.
    pub(crate) fn join(&mut self, origin: Origin) -> &JoinedChannel {
        let handle = ChannelHandle(self.next);
        self.next += 1;
        let joined = JoinedChannel::new(handle, origin);
        self.by_id.insert(joined.chan, handle);
        self.waiting.insert(handle);
        self.all.entry(handle).or_insert(joined)
    }

    pub(crate) fn leave(&mut self, handle: ChannelHandle) {
        if let Some(joined) = self.all.remove(&handle) {
            self.by_id.remove(&joined.chan);
            self.waiting.remove(&handle);
            self.agenda.remove(handle, &joined.place);
        }
    }

    pub(crate) fn get(&self, handle: ChannelHandle) -> Option<&JoinedChannel> {
        self.all.get(&handle)
    }

    /// A channel that is about to change.
    pub(crate) fn get_mut(&mut self, handle: ChannelHandle) -> Option<&mut JoinedChannel> {
        let joined = self.all.get_mut(&handle)?;
        self.agenda.touch(handle);
        Some(joined)
    }

    /// The node is in the channel of this id.
    pub(crate) fn contains(&self, chan: ChannelId) -> bool {
        self.by_id.contains_key(&chan)
    }

    /// The live channel of an id.
    pub(crate) fn handle_of(&self, chan: ChannelId) -> Option<ChannelHandle> {
        let handle = *self.by_id.get(&chan)?;
        self.get(handle)?.channel().map(|_| handle)
    }

    /// The live channels.
    pub(crate) fn live(&self) -> impl Iterator<Item = &JoinedChannel> {
        self.all.values().filter(|joined| joined.channel().is_some())
    }

    /// The channels that wait to be read back.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &JoinedChannel> {
        self.waiting.iter().filter_map(|handle| self.all.get(handle))
    }

    /// The channel's records are asked for.
    pub(crate) fn begin_loading(&mut self, handle: ChannelHandle, phase: Phase) {
        self.waiting.remove(&handle);
        if let Some(joined) = self.get_mut(handle) {
            joined.phase = phase;
        }
    }

    /// The place for what a channel wants of the node during a call.
    pub(crate) fn take_effects(&mut self) -> ChannelEffects {
        core::mem::take(&mut self.effects)
    }

    /// Gives back what [`take_effects`](Self::take_effects) gave, emptied.
    pub(crate) fn put_effects(&mut self, effects: ChannelEffects) {
        self.effects = effects;
    }

    /// Brings the agenda in order at the end of a call.
    pub(crate) fn settle(&mut self) {
        while let Some(handle) = self.agenda.dirty() {
            let mut gone = Default::default();
            let joined = self.all.get_mut(&handle);
            let next = joined.as_ref().and_then(|joined| joined.poll_timeout());
            let place = joined.map_or(&mut gone, |joined| &mut joined.place);
            self.agenda.settle(handle, place, next);
        }
    }

    /// When the next channel is due, and why.
    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        let next = self.agenda.next(|handle| self.deadline(handle));
        debug_assert_eq!(
            next.map(|(at, _)| at),
            self.all.values().filter_map(JoinedChannel::poll_timeout).map(|(at, _)| at).min(),
            "a channel changed behind the agenda's back"
        );
        next
    }

    /// The channels that are due.
    pub(crate) fn due(&self, now: Timestamp) -> BTreeSet<ChannelHandle> {
        self.agenda.due(now, |handle| self.deadline(handle))
    }

    /// The channels of this call that are due by now.
    pub(crate) fn touched_due(&self, now: Timestamp) -> BTreeSet<ChannelHandle> {
        self.agenda.dirty_due(now, |handle| self.deadline(handle))
    }

    /// The channel is due.
    pub(crate) fn is_due(&self, handle: ChannelHandle, now: Timestamp) -> bool {
        self.deadline(handle).is_some_and(|(at, _)| at <= now)
    }

    fn deadline(&self, handle: ChannelHandle) -> Option<Deadline> {
        self.get(handle)?.poll_timeout()
    }
}
