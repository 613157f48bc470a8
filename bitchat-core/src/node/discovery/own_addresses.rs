//! The node's UDP sockets, what waits to leave through them, and the addresses it has.

use crate::base::ids::{RequestId, SocketId};
use crate::base::time::Timestamp;
use crate::handshake::network;
use crate::node::Node;
use crate::node::api::{Action, Event, Failure, Family};
use crate::node::outbox::requests::Pending;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

/// How many reports about its own address a node remembers.
const MAX_REPORTS: usize = 16;
/// A report counts for this long, if others come after it.
const REPORT_AGE: Duration = Duration::from_secs(3_600);

/// One primary socket per family, and the queue in front of them.
#[derive(Debug)]
pub(crate) struct Sockets {
    v4: Option<(SocketId, SocketAddr)>,
    v6: Option<(SocketId, SocketAddr)>,
    queue: VecDeque<(SocketId, SocketAddr, Vec<u8>)>,
    limit: usize,
    interfaces: BTreeSet<IpAddr>,
    /// When, and from which network, somebody said that our probes come from which address; the latest
    /// last.
    reports: VecDeque<(Timestamp, IpAddr, SocketAddr)>,
    /// What two of them agree on: one may lie. Members are told; nothing else follows, since two may
    /// lie as well.
    observed: BTreeSet<SocketAddr>,
}

impl Sockets {
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            v4: None,
            v6: None,
            queue: VecDeque::new(),
            limit,
            interfaces: BTreeSet::new(),
            reports: VecDeque::new(),
            observed: BTreeSet::new(),
        }
    }

    pub(crate) const fn of(&self, family: Family) -> Option<SocketId> {
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

    pub(crate) fn pop(&mut self) -> Option<(SocketId, SocketAddr, Vec<u8>)> {
        self.queue.pop_front()
    }

    pub(crate) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
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
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if address.is_ipv4() != reporter.to_canonical().is_ipv4() {
            return false;
        }
        let network = network(reporter);
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

impl Node {
    pub(crate) fn bind_sockets(&mut self) {
        let families = self.config.families;
        for (family, wanted) in [(Family::V4, families.v4), (Family::V6, families.v6)] {
            if wanted {
                let request = self.request(Pending::Bind(family));
                let port = self.config.port;
                self.actions.push_back(Action::BindUdp { request, family, port });
            }
        }
    }

    pub(crate) fn on_bound(&mut self, request: RequestId, socket: SocketId, local: SocketAddr) {
        let Some(Pending::Bind(family)) = self.requests.get(&request) else { return };
        match family {
            Family::V4 => self.sockets.v4 = Some((socket, local)),
            Family::V6 => self.sockets.v6 = Some((socket, local)),
        }
        self.requests.remove(&request);
        self.tell(Event::Listening { local });
        self.on_addresses();
    }

    pub(crate) fn on_bind_failed(&mut self, family: Family, failure: Failure) {
        self.tell(Event::ListenFailed { family, failure });
        self.on_addresses();
    }

    /// Where this node is has changed: trackers and members are told.
    pub(crate) fn on_addresses(&mut self) {
        let now = self.now;
        let ((port, [v4, v6]), addresses) = (self.reachable(), self.sockets.addresses());
        let handles: Vec<_> = self.channels.keys().copied().collect();
        for handle in handles {
            if port != 0 {
                self.with_announcer(now, handle, |announcer, _, _| {
                    announcer.set_port(now.mono, port);
                    announcer.set_families(now.mono, v4, v6);
                });
            }
            self.with_channel(now, handle, |joined, world| {
                joined.set_local_addresses(now, &addresses, world);
            });
        }
    }

    /// Queues a datagram that belongs to no link. With no socket of its family, or none that keeps
    /// up, it is lost, as datagrams may be.
    pub(crate) fn queue_datagram(&mut self, to: SocketAddr, data: Vec<u8>) {
        let Some(socket) = self.sockets.of(Family::of(&to)) else { return };
        if self.sockets.queue.len() < self.sockets.limit {
            self.sockets.queue.push_back((socket, to, data));
        }
    }
}

#[cfg(test)]
mod tests;
