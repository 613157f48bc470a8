//! What is due on a link, as far as the link takes it.

use super::context::SyncContext;
use super::message::{self, HEAD_MAX};
use super::peer::{PEERS_INTERVAL, Peer};
use crate::base::time::Timestamp;
use crate::channel::pex::Pex;
use crate::channel::sink::{ChannelSink, Priority};

const PRIORITIES: [Priority; 3] = [Priority::Control, Priority::Chat, Priority::History];

impl Peer {
    /// The link has room again.
    pub(in crate::channel) fn on_writable(&mut self, sink: &mut dyn ChannelSink) {
        for (priority, staged) in PRIORITIES.into_iter().zip(&mut self.staged) {
            if let Some(message) = staged.take()
                && !sink.send(self.link, priority, &message)
            {
                *staged = Some(message);
            }
        }
    }

    pub(super) fn send(
        &mut self,
        sink: &mut dyn ChannelSink,
        priority: Priority,
        message: Vec<u8>,
    ) -> bool {
        if !sink.send(self.link, priority, &message) {
            self.staged[priority as usize] = Some(message);
        }
        self.can(priority)
    }

    const fn can(&self, priority: Priority) -> bool {
        self.staged[priority as usize].is_none()
    }

    /// Sends everything that is due and that the link takes.
    pub(super) fn flush(&mut self, cx: SyncContext<'_>, sink: &mut dyn ChannelSink) {
        if self.can(Priority::Control) {
            self.flush_control(cx, sink);
        }
        while self.can(Priority::Chat) && self.push_once(cx, sink) {}
        while self.can(Priority::History) && self.serve_once(cx, sink) {}
    }

    fn flush_control(&mut self, cx: SyncContext<'_>, sink: &mut dyn ChannelSink) -> Option<()> {
        let control = Priority::Control;
        let go = |sent: bool| sent.then_some(());
        if core::mem::take(&mut self.out.digest) {
            let digest = self.own_digest(cx).digest;
            go(self.send(sink, control, message::put_digest(&digest)))?;
        }
        if core::mem::take(&mut self.out.ask_info) {
            go(self.send(sink, control, message::put_want_info()))?;
        }
        while let Some(author) = self.out.proofs.pop_first() {
            if let Some(proof) = cx.chains.proof(author) {
                let (one, other) = proof.stubs();
                go(self.send(sink, control, message::put_proof(one.raw(), other.raw())))?;
            }
        }
        while self.out.tell_at.is_some_and(|at| at <= cx.now) {
            let heads = self.take_heads(cx);
            go(self.send(sink, control, heads))?;
        }
        if !self.out.prune.is_empty() {
            let authors = core::mem::take(&mut self.out.prune);
            go(self.send(sink, control, message::put_prune(authors.iter())))?;
        }
        if !self.out.want_ids.is_empty() {
            let ids = core::mem::take(&mut self.out.want_ids);
            go(self.send(sink, control, message::put_want_ids(ids.iter())))?;
        }
        if let Some(resume) = self.out.want.take() {
            go(self.send(sink, control, message::put_want(resume)))?;
        }
        if let Some(peers) = self.take_peers(cx) {
            go(self.send(sink, control, peers))?;
        }
        Some(())
    }

    /// The next message of heads; the last one clears the deadline.
    fn take_heads(&mut self, cx: SyncContext<'_>) -> Vec<u8> {
        let room = cx.message_bytes.saturating_sub(1) / HEAD_MAX;
        let mut heads = Vec::new();
        while heads.len() < room.max(1)
            && let Some(author) = self.out.tell.pop_first()
        {
            if let Some(head) = cx.chains.head(author) {
                self.progress.entry(author).or_default().told = head.seq + 1;
                heads.push(head);
            }
        }
        if self.out.tell.is_empty() {
            self.out.tell_at = None;
        }
        message::put_heads(&heads)
    }

    /// A PEERS, if one may go and there is something to say.
    fn take_peers(&mut self, cx: SyncContext<'_>) -> Option<Vec<u8>> {
        if self.pex.next_at > cx.now || cx.pex.revision() <= self.pex.told {
            return None;
        }
        let (hints, told) = cx.pex.delta(cx.now, self.pex.told, self.device, cx.peers_per_message);
        self.pex.told = told;
        if hints.is_empty() {
            return None;
        }
        self.pex.next_at = cx.now + PEERS_INTERVAL;
        Some(message::put_peers(&hints))
    }

    /// When this link has something to say that it could say.
    pub(super) fn poll_timeout(&self, pex: &Pex) -> Option<Timestamp> {
        let peers = (pex.revision() > self.pex.told).then_some(self.pex.next_at);
        let due = self.out.tell_at.into_iter().chain(peers).min();
        due.filter(|_| self.can(Priority::Control))
    }
}
