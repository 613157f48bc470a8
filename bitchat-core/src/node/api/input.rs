//! What the embedder hands in.

use crate::base::ids::{RequestId, SocketId, StreamId};
use crate::node::api::action::Record;
use crate::transport::Ecn;
use std::net::{IpAddr, SocketAddr};

/// Why the world could not do what an [`Action`](super::Action) asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The embedder does not offer this at all; the node goes without it. A store that gave or took
    /// records before is one, and this a failure like any other.
    #[error("not supported by this application")]
    Unsupported,
    /// It was tried and failed. The text is for people.
    #[error("{0}")]
    Other(String),
}

/// Something that happened in the world.
///
/// An input never fails: what is wrong with it is the peer's fault (counted, or a closed link) or
/// is late news of something that the node has already given up (ignored).
#[derive(Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// [`Action::BindUdp`](super::Action::BindUdp) succeeded.
    Bound {
        /// The action that this answers.
        request: RequestId,
        /// The embedder's name for the socket; never reused.
        socket: SocketId,
        /// The address that it is bound to, with the port that was chosen.
        local: SocketAddr,
    },
    /// One datagram, or several of equal length behind each other (GRO).
    Datagram {
        /// The socket that it arrived on.
        socket: SocketId,
        /// Who sent it.
        from: SocketAddr,
        /// The address of this host that it was sent to, if known: answers leave from there, so that a host
        /// with several addresses is not taken for another one.
        local: Option<IpAddr>,
        /// The ECN mark in the IP headers, the same for all; `None` if there is none or it is not
        /// known.
        ecn: Option<Ecn>,
        /// The length of each datagram in `data`; the last may be shorter. `data.len()` if it is one.
        stride: usize,
        /// The bytes; they are decrypted in place.
        data: &'a mut [u8],
    },
    /// The host's own addresses, at start and whenever they change. Without them the node cannot
    /// tell others on its LAN where it is. When they change, links see whether their paths still work, and
    /// addresses and trackers that failed are tried anew.
    Interfaces(&'a [IpAddr]),
    /// The host slept, or the process was suspended, and goes on: what the node knew of paths, of who
    /// answers and of who does not is old. Every link asks at once whether its peer is there, and is given
    /// twenty seconds to hear of it, however long the host slept; addresses and trackers that failed are
    /// tried anew. To be handed in before anything else, and before
    /// [`Node::handle_timeout`](crate::node::Node::handle_timeout); a node whose clock
    /// [runs in sleep](crate::node::ClockKind::RunsInSleep) notices by itself.
    Resumed,
    /// [`Action::Resolve`](super::Action::Resolve) succeeded.
    Resolved {
        /// The action that this answers.
        request: RequestId,
        /// What the name stands for.
        addresses: &'a [IpAddr],
    },
    /// [`Action::OpenTcp`](super::Action::OpenTcp) succeeded.
    Opened {
        /// The action that this answers.
        request: RequestId,
        /// The embedder's name for the stream; never reused.
        stream: StreamId,
    },
    /// Bytes arrived on a stream.
    Readable {
        /// The stream.
        stream: StreamId,
        /// The bytes, in order.
        data: &'a [u8],
    },
    /// A stream ended: the other side closed it, or it broke.
    Closed {
        /// The stream.
        stream: StreamId,
    },
    /// [`Action::Persist`](super::Action::Persist) is on stable storage.
    Persisted {
        /// The action that this answers.
        request: RequestId,
    },
    /// [`Action::Load`](super::Action::Load) read these records, in ascending order of their keys.
    Loaded {
        /// The action that this answers.
        request: RequestId,
        /// Up to as many as were asked for.
        records: Vec<Record>,
        /// More records follow; the node asks again from the last key on.
        more: bool,
    },
    /// An action that is answered failed.
    Failed {
        /// The action that this answers.
        request: RequestId,
        /// Why.
        failure: Failure,
    },
}
