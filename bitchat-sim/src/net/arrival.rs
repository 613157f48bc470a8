//! What the network tells whoever runs it.

use super::HostId;
use bitchat_core::base::ids::StreamId;
use bitchat_core::node::Ecn;
use core::fmt;
use std::net::SocketAddr;

/// Something that reached a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A datagram on a bound port.
    Datagram {
        /// Where it arrived.
        host: HostId,
        /// Who sent it.
        from: SocketAddr,
        /// The address that it was sent to.
        to: SocketAddr,
        /// How its IP header is marked.
        ecn: Option<Ecn>,
        /// What it says.
        data: Vec<u8>,
    },
    /// A stream that this host opened is open.
    Connected {
        /// Who opened it.
        host: HostId,
        /// This end of the stream.
        stream: StreamId,
    },
    /// A stream that this host wanted could not be opened.
    Refused {
        /// Who wanted it.
        host: HostId,
        /// This end of the stream.
        stream: StreamId,
        /// Why.
        reason: &'static str,
    },
    /// Somebody opened a stream to a listening port.
    Accepted {
        /// Who listens.
        host: HostId,
        /// This end of the stream.
        stream: StreamId,
        /// Who opened it.
        from: SocketAddr,
        /// The port that listens.
        port: u16,
    },
    /// The next bytes of a stream.
    Readable {
        /// Who reads.
        host: HostId,
        /// This end of the stream.
        stream: StreamId,
        /// The bytes.
        data: Vec<u8>,
    },
    /// The other end closed the stream, or it broke.
    Closed {
        /// Whose end is closed.
        host: HostId,
        /// This end of the stream.
        stream: StreamId,
    },
}

/// Why a port could not be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// The host has no address of that family.
    NoAddress,
    /// Somebody on the host has that port.
    InUse,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAddress => "the host has no address of this family",
            Self::InUse => "address already in use",
        })
    }
}
