//! Where the ends are, and who stands between them.

use super::end::End;
use bitchat_core::base::ids::SocketId;
use bitchat_core::link::Via;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Networks that both ends are in; a packet to an address in one leaves from the own address there.
pub(super) const NETWORKS: usize = 2;
/// The network in which somebody may forward copies of packets.
const RACED: usize = 0;
/// Where these copies come from.
const RACER: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66)), 9);

/// The addresses that an end begins with, one in each network.
pub(super) fn first_addresses(end: usize) -> [SocketAddr; NETWORKS] {
    let host = if end == 0 { 1 } else { 2 };
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into());
    [SocketAddr::from(([192, 0, 2, host], 1_000)), SocketAddr::from((v6, 1_000))]
}

/// An address in the same network that nobody has had before.
pub(super) fn next_host(mut address: SocketAddr) -> SocketAddr {
    match &mut address {
        SocketAddr::V4(v4) => {
            let [a, b, c, d] = v4.ip().octets();
            v4.set_ip(Ipv4Addr::new(a, b, c.wrapping_add(1), d));
        }
        SocketAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.ip().segments();
            v6.set_ip(Ipv6Addr::new(a, b, c, d, e, f, g.wrapping_add(1), h));
        }
    }
    address
}

/// The network that a path goes through.
pub(super) fn network(via: Via) -> usize {
    match via {
        Via::Udp { socket, .. } => socket.0 as usize,
        Via::Tcp { .. } | Via::Relay { .. } => unreachable!("schedules use UDP only"),
    }
}

/// Somebody who forwards copies of an end's packets, faster than the line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Racer {
    /// Whose packets are copied.
    pub of: usize,
    /// What is sent to the racer reaches this end, under the address of the sender; otherwise it is
    /// lost.
    pub answers: bool,
}

/// What is the matter with the networks.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// A network that carries nothing.
    pub dead: Option<usize>,
    pub racer: Option<Racer>,
}

impl Places {
    /// A network that works.
    pub(super) fn working(&self) -> usize {
        usize::from(self.dead == Some(0))
    }

    /// The path to an address in a network.
    pub(super) fn way(network: usize, remote: SocketAddr) -> Via {
        Via::Udp { socket: SocketId(u32::from(network > 0)), remote }
    }

    /// How `end` is reached by its peer.
    pub(super) fn way_to(end: &End, network: usize) -> Via {
        Self::way(network, end.addresses[network])
    }

    /// Whether packets by `via` reach `end` itself.
    pub(super) fn leads_to(&self, via: Via, end: &End) -> bool {
        self.dead != Some(network(via)) && via == Self::way_to(end, network(via))
    }

    /// Where a copy of a packet of `from` by `network` seems to come from, if there is one.
    pub(super) fn copies(&self, from: usize, network: usize) -> Option<SocketAddr> {
        self.racer.filter(|racer| racer.of == from && network == RACED).map(|_| RACER)
    }

    /// Whether a packet to `address` is given to its sender's peer all the same.
    pub(super) fn forwards(&self, to: usize, address: SocketAddr) -> bool {
        address == RACER && self.racer.is_some_and(|racer| racer.answers && racer.of == to)
    }

    /// The network in use by the only session of `user`, if both sides know the other network too.
    pub(super) fn dispensable(&self, ends: &[End; 2], user: usize) -> Option<usize> {
        if self.dead.is_some() || ends.iter().any(|end| end.open().count() != 1) {
            return None;
        }
        let used = network(ends[user].open().next()?.link.via());
        let knows = |end: &End, peer: &End| {
            end.open().all(|it| it.link.has_path(Self::way_to(peer, NETWORKS - 1 - used)))
        };
        (knows(&ends[0], &ends[1]) && knows(&ends[1], &ends[0])).then_some(used)
    }
}
