//! What a link is given: new entries, those asked for by name, and answers to Want.

use super::entry::{AuthorId, Entry};
use super::log::Log;
use super::message::{self, ENTRIES_TARGET, Role};
use super::sink::{ChannelSink, Priority};
use super::sync::{Peer, View};
use crate::base::ids::EntryId;
use bytes::Bytes;
use core::cmp::Reverse;
use std::collections::BinaryHeap;

/// Entries of one answer to a Want (BC-09.18).
pub(super) const BATCH: usize = 256;

type Cursors = BinaryHeap<Reverse<(u64, AuthorId, u64)>>;

/// An answer to a Want in progress: the next entry of every chain, by place in the order.
#[derive(Debug)]
pub(super) struct Serving {
    cursors: Cursors,
    left: usize,
}

impl Peer {
    /// The peer waits for an answer.
    pub(super) fn is_asked(&self) -> bool {
        self.todo.asked.is_some() || self.todo.serving.is_some()
    }

    fn begin_answer(&mut self, log: &Log, resume: bool) -> Serving {
        let mut cursors = Cursors::new();
        for author in &self.behind {
            let reach = self.reach.entry(*author).or_default();
            if !resume {
                reach.sent = reach.theirs;
            }
            if let Some(entry) = log.visible_at(*author, reach.have()) {
                reach.elsewhere = false;
                cursors.push(Reverse(entry.place()));
            }
        }
        Serving { cursors, left: BATCH }
    }

    /// One message of new entries; false if none is owed.
    pub(super) fn push_once(&mut self, view: View<'_>, sink: &mut dyn ChannelSink) -> bool {
        if self.todo.push.is_empty() {
            return false;
        }
        let mut cursors = Cursors::new();
        for author in &self.todo.push {
            let have = self.reach.get(author).map_or(0, |reach| reach.have());
            cursors.extend(view.log.visible_at(*author, have).map(|e| Reverse(e.place())));
        }
        let entries = self.gather(view.log, &mut cursors, BATCH);
        self.todo.push = cursors.iter().map(|Reverse((_, author, _))| *author).collect();
        if entries.is_empty() {
            return false;
        }
        let message = message::put_entries(Role::Push, entries.iter().map(|raw| &raw[..]));
        self.send(sink, Priority::Chat, message)
    }

    /// One message of what was asked for; false if nothing is.
    pub(super) fn serve_once(&mut self, view: View<'_>, sink: &mut dyn ChannelSink) -> bool {
        if let Some(answer) = self.take_info_answer(view.info) {
            return self.send(sink, Priority::History, answer);
        }
        if let Some(id) = self.todo.give_ids.pop_first() {
            let entries = named(view.log, &id);
            let message = message::put_entries(Role::Push, entries.iter().map(|raw| &raw[..]));
            return entries.is_empty() || self.send(sink, Priority::History, message);
        }
        if let Some(resume) = self.todo.asked.take() {
            self.todo.serving = Some(self.begin_answer(view.log, resume));
        }
        let Some(mut serving) = self.todo.serving.take() else {
            return false;
        };
        let entries = self.gather(view.log, &mut serving.cursors, serving.left);
        serving.left = serving.left.saturating_sub(entries.len());
        let role = if serving.cursors.is_empty() || serving.left == 0 {
            Role::Last { more: !serving.cursors.is_empty() }
        } else {
            self.todo.serving = Some(serving);
            Role::Answer
        };
        let message = message::put_entries(role, entries.iter().map(|raw| &raw[..]));
        self.send(sink, Priority::History, message)
    }

    /// Takes entries in the order of the log, which is causal, up to about one message.
    fn gather(&mut self, log: &Log, cursors: &mut Cursors, max: usize) -> Vec<Bytes> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < max && bytes < ENTRIES_TARGET {
            let Some(Reverse((_, author, seq))) = cursors.pop() else {
                break;
            };
            let Some(entry) = log.visible_at(author, seq) else {
                continue;
            };
            bytes += entry.raw().len();
            entries.push(entry.raw().clone());
            let reach = self.reach.entry(author).or_default();
            reach.sent = reach.sent.max(seq + 1);
            cursors.extend(log.visible_at(author, seq + 1).map(|e| Reverse(e.place())));
        }
        entries
    }
}

/// An entry that was asked for by name, and if it is disputed those of its chain before it that are, the
/// latest first: no range brings them, and one a round trip would take too long (BC-09.58).
fn named(log: &Log, id: &EntryId) -> Vec<Bytes> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    let mut next = log.visible_entry(id);
    while let Some(entry) = next.filter(|_| bytes < ENTRIES_TARGET) {
        bytes += entry.raw().len();
        entries.push(entry.raw().clone());
        let before = log.disputed_entry(&entry.id()).map(Entry::prev);
        next = before.and_then(|prev| log.disputed_entry(&prev));
    }
    entries
}
