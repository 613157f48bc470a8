//! How packets reach a peer now, and where one may try to reach it.
//!
//! A [`Via`] names something open: a socket and an address, a stream, a flow of a relay. A
//! [`Route`] names a place that may be tried: the key of candidates, and what peer exchange and
//! records hold. A socket is bound anew and a stream ends, so a `Via` is never stored; a `Route`
//! may be.

use super::ids::{Device, LinkId, SocketId, StreamId};
use core::net::SocketAddr;

/// How packets reach a peer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// Datagrams between one of our sockets and an address.
    Udp {
        /// Ours.
        socket: SocketId,
        /// The peer's.
        remote: SocketAddr,
    },
    /// Packets with their length in front, on a byte stream that is open to an address.
    Tcp {
        /// Ours.
        stream: StreamId,
        /// The peer's.
        remote: SocketAddr,
    },
    /// Datagrams of a flow on the link with a member that forwards them: the peer has no address
    /// here.
    Relay {
        /// The link with that member.
        by: LinkId,
        /// The flow on it.
        flow: u64,
    },
}

/// What a way leaves this host by. Two ways of one network are rebound, cut and measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// A UDP socket.
    Socket(SocketId),
    /// A stream, which is one way only.
    Stream(StreamId),
    /// The link with a relay, whatever that leaves by.
    Link(LinkId),
}

impl Via {
    /// The peer's address; none where a relay stands between.
    #[must_use]
    pub const fn remote(self) -> Option<SocketAddr> {
        match self {
            Self::Udp { remote, .. } | Self::Tcp { remote, .. } => Some(remote),
            Self::Relay { .. } => None,
        }
    }

    /// What packets leave this host by.
    #[must_use]
    pub const fn network(self) -> Network {
        match self {
            Self::Udp { socket, .. } => Network::Socket(socket),
            Self::Tcp { stream, .. } => Network::Stream(stream),
            Self::Relay { by, .. } => Network::Link(by),
        }
    }

    /// Whether what is below already repeats what is lost and keeps the order: no NAT rebinds it,
    /// no packet is too large for it, and no ECN mark is seen on it.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        matches!(self, Self::Tcp { .. })
    }

    /// Whether `other` leads to the same host by the same network, perhaps at another port: then a
    /// NAT made a new mapping, and what was measured of the way holds. Of what lies behind a relay
    /// nothing is known but the flow.
    #[must_use]
    pub fn same_host(self, other: Self) -> bool {
        match (self, other) {
            (Self::Udp { socket: a, remote: from }, Self::Udp { socket: b, remote: to }) => {
                a == b && from.ip() == to.ip()
            }
            _ => self == other,
        }
    }

    /// Where one may go again to reach what this reaches; none where only the link with the relay
    /// knows.
    #[must_use]
    pub const fn route(self) -> Option<Route> {
        match self {
            Self::Udp { remote, .. } => Some(Route::Udp(remote)),
            Self::Tcp { remote, .. } => Some(Route::Tcp(remote)),
            Self::Relay { .. } => None,
        }
    }
}

/// Where a peer may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// By datagrams to an address.
    Udp(SocketAddr),
    /// By a stream to an address.
    Tcp(SocketAddr),
    /// By a member that is willing to forward.
    Relay(Device),
}

impl Route {
    /// The address to send to; none where a member forwards.
    #[must_use]
    pub const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Udp(address) | Self::Tcp(address) => Some(address),
            Self::Relay(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
