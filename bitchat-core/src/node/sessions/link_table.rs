//! The links of a node: which of them may have something to send, and when each is due.

use crate::base::agenda::{Agenda, Deadline, Place};
use crate::base::ids::LinkId;
use crate::base::time::Timestamp;
use crate::link::Link;
use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

/// The links of a node, by their names.
///
/// Whoever asks for a link to change it makes the link *dirty*: it may have packets to send, and its
/// deadline may be another. Once the link was asked for packets and had none it is *settled*, with
/// its deadline in order. So neither a packet nor a wake-up looks at links that it does not concern.
#[derive(Debug, Default)]
pub(crate) struct LinkTable {
    links: BTreeMap<LinkId, Entry>,
    agenda: Agenda<LinkId>,
}

#[derive(Debug)]
struct Entry {
    link: Link,
    /// The address at which the session was made, if this side dialled it.
    dialled: Option<SocketAddr>,
    place: Place,
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
        self.agenda.touch(id);
        Some(&mut entry.link)
    }

    /// All links, for what changes neither their packets nor their deadlines.
    #[cfg(feature = "qlog")]
    pub(crate) fn iter_aside(&mut self) -> impl Iterator<Item = &mut Link> {
        self.links.values_mut().map(|entry| &mut entry.link)
    }

    pub(crate) fn insert(&mut self, id: LinkId, link: Link, dialled: Option<SocketAddr>) {
        self.links.insert(id, Entry { link, dialled, place: Place::default() });
        self.agenda.touch(id);
    }

    /// The address at which the session was made, if this side dialled it: the link may have moved.
    pub(crate) fn dialled(&self, id: LinkId) -> Option<SocketAddr> {
        self.links.get(&id).and_then(|entry| entry.dialled)
    }

    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Link> {
        let Entry { link, place, .. } = self.links.remove(&id)?;
        self.agenda.remove(id, &place);
        Some(link)
    }

    /// The first link that may have something to send.
    pub(crate) fn dirty(&self) -> Option<LinkId> {
        self.agenda.dirty()
    }

    /// The link has nothing more to send until it is due.
    pub(crate) fn settle(&mut self, id: LinkId) {
        if let Some(entry) = self.links.get_mut(&id) {
            self.agenda.settle(id, &mut entry.place, entry.link.poll_timeout());
        }
    }

    /// When the next link is due, and why.
    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        let next = self.agenda.next(|id| self.deadline(id));
        debug_assert_eq!(
            next.map(|(at, _)| at),
            self.iter().filter_map(Link::poll_timeout).map(|(at, _)| at).min(),
            "a link changed behind the table's back"
        );
        next
    }

    /// The links that are due.
    pub(crate) fn due(&self, now: Timestamp) -> BTreeSet<LinkId> {
        self.agenda.due(now, |id| self.deadline(id))
    }

    fn deadline(&self, id: LinkId) -> Option<Deadline> {
        self.get(id)?.poll_timeout()
    }
}
