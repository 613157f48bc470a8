//! The links of a channel, and which of them have something to do: a call walks these and not all.

use super::context::SyncContext;
use super::peer::Peer;
use crate::base::ids::LinkId;
use crate::base::time::Timestamp;
use crate::channel::sink::ChannelSink;
use crate::log::Chains;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// The links, and when each is to be looked at.
#[derive(Debug, Default)]
pub(in crate::channel) struct Peers {
    all: BTreeMap<LinkId, Peer>,
    /// Changed since the last flush.
    touched: BTreeSet<LinkId>,
    /// When a link has something to send that it can take.
    due: Deadlines,
    /// Links whose peer has more of a chain than this device, as of the last flush.
    ahead: BTreeSet<LinkId>,
    /// When those among `ahead` that brought nothing may be asked again.
    trusted: Deadlines,
}

impl Peers {
    pub(in crate::channel) fn insert(&mut self, peer: Peer) {
        self.touched.insert(peer.link);
        self.all.insert(peer.link, peer);
    }

    pub(super) fn remove(&mut self, link: LinkId) -> Option<Peer> {
        let peer = self.all.remove(&link)?;
        self.touched.remove(&link);
        self.due.set(link, None);
        self.ahead.remove(&link);
        self.trusted.set(link, None);
        Some(peer)
    }

    pub(in crate::channel) fn contains(&self, link: LinkId) -> bool {
        self.all.contains_key(&link)
    }

    pub(in crate::channel) fn get(&self, link: LinkId) -> Option<&Peer> {
        self.all.get(&link)
    }

    /// A peer to change; the next flush looks at it.
    pub(in crate::channel) fn get_mut(&mut self, link: LinkId) -> Option<&mut Peer> {
        let peer = self.all.get_mut(&link)?;
        self.touched.insert(link);
        Some(peer)
    }

    /// All peers, to change; the next flush looks at them.
    pub(in crate::channel) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.touch_all();
        self.all.values_mut()
    }

    /// Something that concerns all peers has changed.
    pub(in crate::channel) fn touch_all(&mut self) {
        self.touched.extend(self.all.keys());
    }

    /// Sends what the links take.
    pub(super) fn flush(&mut self, cx: SyncContext<'_>, sink: &mut dyn ChannelSink) {
        let mut links = core::mem::take(&mut self.touched);
        links.extend(self.due.until(cx.now));
        for link in links {
            let Some(peer) = self.all.get_mut(&link) else { continue };
            peer.flush(cx, sink);
            self.due.set(link, peer.poll_timeout(cx.pex));
            let until = peer.ask_again_at();
            if until.is_some() {
                self.ahead.insert(link);
            } else {
                self.ahead.remove(&link);
            }
            self.trusted.set(link, until.filter(|at| *at > cx.now));
        }
    }

    /// Asks the peer whose turn it is, if any has what is missing here.
    pub(super) fn ask_one(&mut self, now: Timestamp, chains: &Chains) -> Option<LinkId> {
        let mut best = None;
        for link in self.ahead.union(&self.touched).copied().collect::<Vec<_>>() {
            let Some(peer) = self.all.get_mut(&link) else { continue };
            match peer.turn(now, chains) {
                Some(turn) if best.as_ref().is_none_or(|(most, _)| *most <= turn) => {
                    best = Some((turn, link));
                }
                None if peer.ask_again_at().is_none() => drop(self.touched.insert(link)),
                _ => (),
            }
        }
        let (_, link) = best?;
        self.get_mut(link)?.ask(now, chains);
        Some(link)
    }

    /// When a link has something to send.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first()
    }

    /// When the next peer that brought nothing may be asked again.
    pub(super) fn next_trusted(&self, now: Timestamp) -> Option<Timestamp> {
        self.trusted.after(now)
    }
}

/// Deadlines of links, in order.
#[derive(Debug, Default)]
struct Deadlines {
    of: BTreeMap<LinkId, Timestamp>,
    order: BTreeSet<(Timestamp, LinkId)>,
}

impl Deadlines {
    fn set(&mut self, link: LinkId, at: Option<Timestamp>) {
        let old = match at {
            Some(at) => self.of.insert(link, at),
            None => self.of.remove(&link),
        };
        if old != at {
            old.map(|old| self.order.remove(&(old, link)));
            self.order.extend(at.map(|at| (at, link)));
        }
    }

    fn first(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The links whose deadline is not after `now`.
    fn until(&self, now: Timestamp) -> impl Iterator<Item = LinkId> + '_ {
        self.order.iter().take_while(move |(at, _)| *at <= now).map(|(_, link)| *link)
    }

    /// The first deadline after `now`.
    fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let from = now + Duration::from_nanos(1);
        self.order.range((from, LinkId(0))..).next().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests;
