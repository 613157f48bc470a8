//! A look-up under way, and what it is for.

use super::id::NodeId;
use super::search::Search;
use crate::base::ids::InfoHash;
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeSet;

/// Peers that one look-up tells of.
const MAX_PEERS: usize = 512;
/// Peers that are believed from one answer.
const MAX_FROM_ONE: usize = 100;

/// Names a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub target: NodeId,
    /// 0 for IPv4, 1 for IPv6.
    pub family: usize,
}

/// What a look-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Nodes near an id, for the table.
    Nodes,
    /// Peers of an infohash.
    Peers(InfoHash),
}

/// A look-up under way.
#[derive(Debug)]
pub(super) struct Running {
    pub goal: Goal,
    pub search: Search,
    found: BTreeSet<SocketAddr>,
}

impl Running {
    pub(super) const fn new(goal: Goal, search: Search) -> Self {
        Self { goal, search, found: BTreeSet::new() }
    }

    /// Peers found.
    pub(super) fn found(&self) -> usize {
        self.found.len()
    }

    /// Those of `peers` that were not told of in this look-up and may be spoken to.
    pub(super) fn take_new(
        &mut self,
        peers: &[SocketAddr],
        allow: fn(IpAddr) -> bool,
    ) -> Vec<SocketAddr> {
        let fits = peers.iter().filter(|peer| peer.port() != 0 && allow(peer.ip()));
        let mut new = Vec::new();
        for peer in fits.take(MAX_FROM_ONE) {
            if self.found.len() < MAX_PEERS && self.found.insert(*peer) {
                new.push(*peer);
            }
        }
        new
    }
}
