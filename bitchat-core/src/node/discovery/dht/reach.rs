//! Whether strangers can reach this node (spec 18.4).

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

/// Own addresses that are counted: a host has few.
const MAX_ADDRESSES: usize = 16;
/// So many networks have to agree.
const ENOUGH: usize = 2;

/// Who sees this node at an address that it has itself.
#[derive(Debug, Default)]
pub(super) struct Reach {
    seen: BTreeMap<SocketAddr, BTreeSet<[u8; 4]>>,
}

impl Reach {
    /// A node at `by` sees this one at `own`, an interface's address and the socket's port: so nothing
    /// translates addresses between them. True if that is known from two networks.
    pub(super) fn add(&mut self, by: IpAddr, own: SocketAddr) -> bool {
        if self.seen.len() >= MAX_ADDRESSES && !self.seen.contains_key(&own) {
            return false;
        }
        let networks = self.seen.entry(own).or_default();
        if networks.len() < ENOUGH {
            networks.insert(network(by));
        }
        networks.len() >= ENOUGH
    }
}

/// What belongs to one owner, as for the own id (spec 18.5): the first 16 bits of an IPv4 address, 32 of
/// an IPv6 one.
fn network(ip: IpAddr) -> [u8; 4] {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            [a, b, 0, 0]
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.octets();
            [a, b, c, d]
        }
    }
}
