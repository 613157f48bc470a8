//! What a link is given: new entries, entries asked for by name, and answers to WANT.

use super::context::SyncContext;
use super::message::{self, ENTRIES_TARGET, Role};
use super::peer::Peer;
use super::progress::{Cursors, InfoRequest, Serving};
use crate::base::ids::EntryId;
use crate::channel::info::ChannelInfo;
use crate::channel::sink::{ChannelSink, Priority};
use crate::log::{Chains, Entry};
use bytes::Bytes;
use core::cmp::Reverse;

impl Peer {
    fn begin_answer(&mut self, chains: &Chains, resume: bool) -> Serving {
        let mut cursors = Cursors::new();
        for author in &self.behind {
            let progress = self.progress.entry(*author).or_default();
            if !resume {
                progress.sent = progress.peer_has;
            }
            if let Some(entry) = chains.visible_at(*author, progress.reached()) {
                progress.pruned = false;
                cursors.push(Reverse(entry.place()));
            }
        }
        Serving { cursors, left: message::BATCH }
    }

    /// One message of new entries; false if none is owed.
    pub(super) fn push_once(&mut self, cx: SyncContext<'_>, sink: &mut dyn ChannelSink) -> bool {
        if self.out.push.is_empty() {
            return false;
        }
        let mut cursors = Cursors::new();
        for author in &self.out.push {
            let reached = self.progress.get(author).map_or(0, |progress| progress.reached());
            cursors.extend(cx.chains.visible_at(*author, reached).map(|e| Reverse(e.place())));
        }
        let entries = self.gather(cx.chains, &mut cursors, message::BATCH);
        self.out.push = cursors.iter().map(|Reverse((_, author, _))| *author).collect();
        if entries.is_empty() {
            return false;
        }
        let message = message::put_entries(Role::Push, entries.iter().map(|raw| &raw[..]));
        self.send(sink, Priority::Chat, message)
    }

    /// One message of what was asked for; false if nothing is.
    pub(super) fn serve_once(&mut self, cx: SyncContext<'_>, sink: &mut dyn ChannelSink) -> bool {
        if let Some(answer) = self.take_info_answer(cx.info) {
            return self.send(sink, Priority::History, answer);
        }
        if let Some(id) = self.out.give_ids.pop_first() {
            let entries = named(cx.chains, &id);
            let message = message::put_entries(Role::Push, entries.iter().map(|raw| &raw[..]));
            return entries.is_empty() || self.send(sink, Priority::History, message);
        }
        if let Some(resume) = self.out.asked.take() {
            self.out.serving = Some(self.begin_answer(cx.chains, resume));
        }
        let Some(mut serving) = self.out.serving.take() else {
            return false;
        };
        let entries = self.gather(cx.chains, &mut serving.cursors, serving.left);
        serving.left = serving.left.saturating_sub(entries.len());
        let role = if serving.cursors.is_empty() || serving.left == 0 {
            Role::Last { more: !serving.cursors.is_empty() }
        } else {
            self.out.serving = Some(serving);
            Role::Answer
        };
        let message = message::put_entries(role, entries.iter().map(|raw| &raw[..]));
        self.send(sink, Priority::History, message)
    }

    /// The `info` that the peer asked for, once this device has it (BC-09.41).
    fn take_info_answer(&mut self, info: &ChannelInfo) -> Option<Vec<u8>> {
        let ChannelInfo::Held(bytes) = info else { return None };
        if self.out.info != InfoRequest::Waits {
            return None;
        }
        self.out.info = InfoRequest::Answered;
        Some(message::put_info(bytes))
    }

    /// Takes entries in the order of the log, which is causal, up to about one message.
    fn gather(&mut self, chains: &Chains, cursors: &mut Cursors, max: usize) -> Vec<Bytes> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < max && bytes < ENTRIES_TARGET {
            let Some(Reverse((_, author, seq))) = cursors.pop() else {
                break;
            };
            let Some(entry) = chains.visible_at(author, seq) else {
                continue;
            };
            bytes += entry.raw().len();
            entries.push(entry.raw().clone());
            let progress = self.progress.entry(author).or_default();
            progress.sent = progress.sent.max(seq + 1);
            cursors.extend(chains.visible_at(author, seq + 1).map(|e| Reverse(e.place())));
        }
        entries
    }
}

/// An entry that was asked for by name. If the entry is after a fork, the earlier entries of its
/// chain that are after the fork as well follow, the latest first: no answer to WANT brings them,
/// and one a round trip would take too long (BC-09.58).
fn named(chains: &Chains, id: &EntryId) -> Vec<Bytes> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    let mut next = chains.visible_entry(id);
    while let Some(entry) = next.filter(|_| bytes < ENTRIES_TARGET) {
        bytes += entry.raw().len();
        entries.push(entry.raw().clone());
        let before = chains.frozen_entry(&entry.id()).map(Entry::prev);
        next = before.and_then(|prev| chains.frozen_entry(&prev));
    }
    entries
}
