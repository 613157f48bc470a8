//! The node's UDP sockets, and the addresses it has: its interfaces', and those that others see.

use crate::base::addr;
use crate::base::ids::{RequestId, SocketId};
use crate::base::time::Timestamp;
use crate::node::api::{Action, Event, Family, NodeUpdate};
use crate::node::config::Config;
use crate::node::outbox::Outbox;
use crate::node::outbox::requests::Pending;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

/// How many reports about its own address a node remembers.
const MAX_REPORTS: usize = 16;
/// A report counts for this long, if others come after it.
const REPORT_AGE: Duration = Duration::from_secs(3_600);

/// One primary socket per family, and where this node is.
#[derive(Debug, Default)]
pub(crate) struct OwnAddresses {
    v4: Option<(SocketId, SocketAddr)>,
    v6: Option<(SocketId, SocketAddr)>,
    interfaces: BTreeSet<IpAddr>,
    /// When, and from which network, somebody said that our probes come from which address; the latest
    /// last.
    reports: VecDeque<(Timestamp, IpAddr, SocketAddr)>,
    /// What two of them agree on: one may lie. Members are told; nothing else follows, since two may
    /// lie as well.
    observed: BTreeSet<SocketAddr>,
}

impl OwnAddresses {
    /// The socket of a family, if it is open.
    pub(crate) const fn socket(&self, family: Family) -> Option<SocketId> {
        let socket = match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        };
        match socket {
            Some((id, _)) => Some(*id),
            None => None,
        }
    }

    /// The port that trackers are told: that of the IPv4 socket, else of the IPv6 one; 0 before
    /// either is open.
    pub(crate) fn port(&self) -> u16 {
        self.v4.or(self.v6).map_or(0, |(_, local)| local.port())
    }

    /// True if they are others than before. What others saw was seen in the old networks then.
    pub(crate) fn set_interfaces(&mut self, addresses: &[IpAddr]) -> bool {
        let new: BTreeSet<IpAddr> = addresses.iter().copied().collect();
        let changed = new != self.interfaces;
        if changed {
            self.reports.clear();
            self.observed.clear();
        }
        self.interfaces = new;
        changed
    }

    /// Somebody at `reporter` sees us at `address`. True if that changes what is believed.
    pub(crate) fn on_observed(
        &mut self,
        now: Timestamp,
        reporter: IpAddr,
        address: SocketAddr,
    ) -> bool {
        let address = addr::canonical(address);
        if address.is_ipv4() != addr::canonical_ip(reporter).is_ipv4() {
            return false;
        }
        let network = addr::network(reporter);
        self.reports.retain(|(at, from, _)| *from != network && now < *at + REPORT_AGE);
        if self.reports.len() >= MAX_REPORTS {
            self.reports.pop_front();
        }
        self.reports.push_back((now, network, address));
        let all = self.reports.iter().map(|(.., seen)| *seen);
        let agreed: BTreeSet<SocketAddr> = all
            .filter(|seen| self.reports.iter().filter(|(.., other)| other == seen).count() > 1)
            .collect();
        let changed = agreed != self.observed;
        self.observed = agreed;
        changed
    }

    /// Where this node may be reached: on its interfaces, and where others see it.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let mut all = self.observed.clone();
        for ip in &self.interfaces {
            let socket = if ip.is_ipv4() { self.v4 } else { self.v6 };
            if let Some((_, local)) = socket {
                all.insert(SocketAddr::new(*ip, local.port()));
            }
        }
        all.into_iter().collect()
    }

    /// Whether `address` is that of a socket on an interface of this host.
    pub(crate) fn is_interface(&self, address: &SocketAddr) -> bool {
        let socket = if address.is_ipv4() { self.v4 } else { self.v6 };
        self.interfaces.contains(&address.ip())
            && socket.is_some_and(|(_, local)| local.port() == address.port())
    }

    /// Whether `address` is one of this node's own, as its host says: what others say may be a lie that
    /// would keep a member from ever being dialled (BC-08.83). A call to oneself ends by itself.
    pub(crate) fn is_own(&self, address: &SocketAddr) -> bool {
        let socket = if address.is_ipv4() { self.v4 } else { self.v6 };
        socket.is_some_and(|(_, local)| {
            local.port() == address.port()
                && (local.ip() == address.ip() || self.interfaces.contains(&address.ip()))
        })
    }
}

impl OwnAddresses {
    /// Asks for the sockets.
    pub(crate) fn bind(config: &Config, outbox: &mut Outbox) {
        let families = config.families;
        for (family, wanted) in [(Family::V4, families.v4), (Family::V6, families.v6)] {
            if wanted {
                let port = config.port;
                outbox.ask(Pending::Bind(family), |request| Action::BindUdp {
                    request,
                    family,
                    port,
                });
            }
        }
    }

    /// A socket is open. False if nobody asked for it.
    pub(crate) fn on_bound(
        &mut self,
        outbox: &mut Outbox,
        request: RequestId,
        socket: SocketId,
        local: SocketAddr,
    ) -> bool {
        let family = outbox.take_request(request, |pending| match pending {
            Pending::Bind(family) => Some(*family),
            _ => None,
        });
        match family {
            Some(Family::V4) => self.v4 = Some((socket, local)),
            Some(Family::V6) => self.v6 = Some((socket, local)),
            None => return false,
        }
        outbox.tell(Event::Node(NodeUpdate::Listening { local }));
        true
    }

    /// The port that trackers are told, and the address families that they are asked over. 0, that is
    /// nowhere, until every socket is open or could not be opened.
    pub(crate) fn reachable(&self, outbox: &Outbox) -> (u16, [bool; 2]) {
        let opening = outbox.awaits(|pending| matches!(pending, Pending::Bind(_)));
        let families = [Family::V4, Family::V6].map(|family| self.socket(family).is_some());
        (if opening { 0 } else { self.port() }, families)
    }

    /// Queues a datagram that belongs to no link. With no socket of its family, or none that keeps
    /// up, it is lost, as datagrams may be.
    pub(crate) fn send(&self, outbox: &mut Outbox, to: SocketAddr, data: Vec<u8>) {
        if let Some(socket) = self.socket(Family::of(&to)) {
            outbox.queue_datagram(socket, to, data);
        }
    }
}

#[cfg(test)]
mod tests;
