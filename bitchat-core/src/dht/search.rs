//! One iterative look-up: ask the nearest nodes that are known for nearer ones, until the nearest
//! eight have answered (BEP 5).

use super::id::{Distance, NodeId};
use super::krpc::{Contact, Reply};
use super::table::{BUCKET, network};
use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

/// Queries of one look-up under way (libtorrent has five; BC-18.05).
pub(super) const PARALLEL: usize = 5;
/// Nodes that one look-up remembers.
const MAX_KNOWN: usize = 128;
/// Nodes that one answer may add.
const MAX_FROM_ONE: usize = BUCKET * 2;
/// Nodes that one look-up asks (BC-18.14): whoever has many addresses could name nearer nodes for
/// ever.
const MAX_ASKED: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Known,
    Asked,
    Answered { token: Option<Vec<u8>> },
    Silent,
}

/// A look-up.
#[derive(Debug)]
pub(super) struct Search {
    target: NodeId,
    nodes: BTreeMap<Distance, (Contact, State)>,
    asked: usize,
    answered: usize,
}

impl Search {
    /// A look-up that begins with `known` nodes.
    #[must_use]
    pub(super) fn new(target: NodeId, known: impl IntoIterator<Item = Contact>) -> Self {
        let mut search = Self { target, nodes: BTreeMap::new(), asked: 0, answered: 0 };
        known.into_iter().for_each(|contact| search.add(contact));
        search
    }

    /// Queries sent.
    #[must_use]
    pub(super) const fn asked(&self) -> usize {
        self.asked
    }

    /// Queries answered.
    #[must_use]
    pub(super) const fn answered(&self) -> usize {
        self.answered
    }

    /// Takes a node into the look-up, unless one of its network is there (BC-18.05): a liar has as many
    /// ids as he likes.
    pub(super) fn add(&mut self, contact: Contact) {
        let place = network(contact.addr.ip());
        if self.nodes.values().any(|(known, _)| network(known.addr.ip()) == place) {
            return;
        }
        let distance = contact.id.distance(&self.target);
        self.nodes.entry(distance).or_insert((contact, State::Known));
        while self.nodes.len() > MAX_KNOWN {
            self.nodes.pop_last();
        }
    }

    /// The node to ask next, if one is to be asked now.
    pub(super) fn next(&mut self) -> Option<Contact> {
        let under_way = self.nodes.values().filter(|(_, state)| *state == State::Asked).count();
        if under_way >= PARALLEL || self.asked >= MAX_ASKED {
            return None;
        }
        let mut live = 0;
        for (contact, state) in self.nodes.values_mut() {
            match state {
                State::Silent => continue,
                State::Known => {
                    *state = State::Asked;
                    self.asked += 1;
                    return Some(*contact);
                }
                State::Asked | State::Answered { .. } => live += 1,
            }
            if live >= BUCKET {
                return None;
            }
        }
        None
    }

    /// The node at `addr` has answered.
    pub(super) fn on_reply(
        &mut self,
        addr: SocketAddr,
        reply: &Reply<'_>,
        allowed: impl Fn(&Contact) -> bool,
    ) {
        let asked = self.nodes.iter().find(|(_, (contact, _))| contact.addr == addr);
        if let Some(distance) = asked.map(|(distance, _)| *distance)
            && let Some((mut contact, state)) = self.nodes.remove(&distance)
        {
            self.answered += usize::from(state == State::Asked);
            // The node knows its id; who named it may have made one up to get it counted as near.
            contact.id = reply.id.unwrap_or(contact.id);
            let distance = contact.id.distance(&self.target);
            let token = reply.token.map(<[u8]>::to_vec);
            self.nodes.entry(distance).or_insert((contact, State::Answered { token }));
        }
        let mut seen = BTreeSet::new();
        for contact in reply.nodes.iter().filter(|contact| allowed(contact)).take(MAX_FROM_ONE) {
            if seen.insert(contact.addr.ip()) {
                self.add(*contact);
            }
        }
    }

    /// The node at `addr` did not answer.
    pub(super) fn on_silence(&mut self, addr: SocketAddr) {
        if let Some((_, state)) = self.nodes.values_mut().find(|(contact, _)| contact.addr == addr)
        {
            *state = State::Silent;
        }
    }

    /// Nobody is left to be asked or waited for among the nearest.
    #[must_use]
    pub(super) fn is_over(&self) -> bool {
        if self.asked >= MAX_ASKED {
            return self.nodes.values().all(|(_, state)| *state != State::Asked);
        }
        let nearest = self.nodes.values().filter(|(_, state)| *state != State::Silent).take(BUCKET);
        nearest.fold(true, |over, (_, state)| over && matches!(state, State::Answered { .. }))
    }

    /// The nearest nodes that gave a token, with it.
    pub(super) fn announce_to(&self) -> impl Iterator<Item = (Contact, &[u8])> {
        let answered = self.nodes.values().filter_map(|(contact, state)| match state {
            State::Answered { token } => Some((contact, token)),
            _ => None,
        });
        answered.take(BUCKET).filter_map(|(contact, token)| Some((*contact, token.as_deref()?)))
    }
}

#[cfg(test)]
mod tests;
