//! The links of a node: which of them may have something to send, and when each is due.

use crate::base::ids::LinkId;
use crate::base::time::Timestamp;
use crate::link::Link;
use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

/// The links of a node, by their names.
///
/// Whoever asks for a link to change it makes it *dirty*: it may have packets to send, and its
/// deadline may be another. Once it was asked for packets and had none it is *settled*, with its deadline in
/// order. So neither a packet nor a wake-up looks at links that it does not concern.
#[derive(Debug, Default)]
pub(crate) struct LinkTable {
    links: BTreeMap<LinkId, Entry>,
    dirty: BTreeSet<LinkId>,
    /// When links are due, and why. Of those that are dirty it is what was true before.
    agenda: BTreeMap<(Timestamp, LinkId), &'static str>,
}

#[derive(Debug)]
struct Entry {
    link: Link,
    /// The address at which the session was made, if this side dialled it.
    dialled: Option<SocketAddr>,
    /// Its place in the agenda.
    due: Option<Timestamp>,
}

impl LinkTable {
    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = LinkId> {
        self.links.keys().copied()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Link> + Clone {
        self.links.values().map(|entry| &entry.link)
    }

    pub(crate) fn get(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id).map(|entry| &entry.link)
    }

    /// A link that is about to change.
    pub(crate) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        let entry = self.links.get_mut(&id)?;
        self.dirty.insert(id);
        Some(&mut entry.link)
    }

    /// All links, for what changes neither their packets nor their deadlines.
    #[cfg(feature = "qlog")]
    pub(crate) fn iter_aside(&mut self) -> impl Iterator<Item = &mut Link> {
        self.links.values_mut().map(|entry| &mut entry.link)
    }

    pub(crate) fn insert(&mut self, id: LinkId, link: Link, dialled: Option<SocketAddr>) {
        self.links.insert(id, Entry { link, dialled, due: None });
        self.dirty.insert(id);
    }

    /// The address at which the session was made, if this side dialled it: the link may have moved.
    pub(crate) fn dialled(&self, id: LinkId) -> Option<SocketAddr> {
        self.links.get(&id).and_then(|entry| entry.dialled)
    }

    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Link> {
        let Entry { link, due, .. } = self.links.remove(&id)?;
        self.dirty.remove(&id);
        if let Some(at) = due {
            self.agenda.remove(&(at, id));
        }
        Some(link)
    }

    /// The first link that may have something to send.
    pub(crate) fn dirty(&self) -> Option<LinkId> {
        self.dirty.first().copied()
    }

    /// The link has nothing more to send until it is due.
    pub(crate) fn settle(&mut self, id: LinkId) {
        self.dirty.remove(&id);
        let Some(entry) = self.links.get_mut(&id) else { return };
        let next = entry.link.poll_timeout();
        let before = core::mem::replace(&mut entry.due, next.map(|(at, _)| at));
        if let Some(at) = before.filter(|_| before != entry.due) {
            self.agenda.remove(&(at, id));
        }
        if let Some((at, why)) = next {
            self.agenda.insert((at, id), why);
        }
    }

    /// When the next link is due, and why.
    pub(crate) fn poll_timeout(&self) -> Option<(Timestamp, &'static str)> {
        let settled = self.agenda.iter().find(|((_, id), _)| !self.dirty.contains(id));
        let settled = settled.map(|((at, _), why)| (*at, *why));
        let next = self.dirty_deadlines().map(|(_, next)| next).chain(settled).min();
        debug_assert_eq!(
            next.map(|(at, _)| at),
            self.iter().filter_map(Link::poll_timeout).map(|(at, _)| at).min(),
            "a link changed behind the table's back"
        );
        next
    }

    /// The links that are due, in the order of their names.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<LinkId> {
        let settled = self.agenda.range(..=(now, LinkId(u64::MAX))).map(|((_, id), _)| *id);
        let settled = settled.filter(|id| !self.dirty.contains(id));
        let dirty = self.dirty_deadlines().filter(|(_, (at, _))| *at <= now).map(|(id, _)| id);
        let mut due: Vec<LinkId> = settled.chain(dirty).collect();
        due.sort_unstable();
        due
    }

    fn dirty_deadlines(&self) -> impl Iterator<Item = (LinkId, (Timestamp, &'static str))> {
        self.dirty.iter().filter_map(|id| Some((*id, self.get(*id)?.poll_timeout()?)))
    }
}
