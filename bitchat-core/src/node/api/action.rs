//! What the node asks of the world, and the datagrams that it hands out.

use crate::base::ids::{RequestId, SocketId, StreamId};
use crate::base::time::{Timestamp, UnixMillis};
use crate::transport::Ecn;
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};

/// An address family: one primary UDP socket each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of `address`.
    #[must_use]
    pub const fn of(address: &SocketAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// A piece of the node's memory, named by a key. Equal keys replace each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name; sorts as bytes.
    pub key: Vec<u8>,
    /// What to remember.
    pub value: Bytes,
    /// The value holds keys: keep it where only this user can read it, and never in a backup that
    /// is restored beside a living copy.
    pub secret: bool,
    /// After this moment the record may be deleted.
    pub expires: Option<UnixMillis>,
}

/// A change to what is stored. A batch of them is applied as a whole, in order, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Stores a record, replacing the one of the same key.
    Put(Record),
    /// Deletes the record of this key, if there is one.
    Delete(Vec<u8>),
}

/// Something that the node asks of the world. Each with a `request` is answered exactly once, by
/// the input named in its text or by [`Input::Failed`](super::Input::Failed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Open a UDP socket on all addresses of a family; answered by [`Input::Bound`](super::Input::Bound).
    BindUdp {
        /// Names the action.
        request: RequestId,
        /// IPv4, or IPv6 only.
        family: Family,
        /// The wanted port; 0 leaves the choice to the system.
        port: u16,
    },
    /// Look up a host name; answered by [`Input::Resolved`](super::Input::Resolved).
    Resolve {
        /// Names the action.
        request: RequestId,
        /// A host name or a literal address.
        host: String,
    },
    /// Open a TCP connection, with TLS on top where a server name is given; answered by
    /// [`Input::Opened`](super::Input::Opened).
    OpenTcp {
        /// Names the action.
        request: RequestId,
        /// Where to.
        remote: SocketAddr,
        /// With `Some(name)`: start TLS and check the server's certificate for that name.
        tls: Option<String>,
    },
    /// Write all of `data` to a stream; not answered (a failure closes the stream).
    Write {
        /// The stream.
        stream: StreamId,
        /// The bytes.
        data: Bytes,
    },
    /// Close a stream after what was written; not answered.
    Close {
        /// The stream.
        stream: StreamId,
    },
    /// Put these changes on stable storage; answered by [`Input::Persisted`](super::Input::Persisted).
    Persist {
        /// Names the action.
        request: RequestId,
        /// To be applied as a whole.
        changes: Vec<Change>,
    },
    /// Read records back; answered by [`Input::Loaded`](super::Input::Loaded).
    Load {
        /// Names the action.
        request: RequestId,
        /// Only records whose keys begin with this.
        prefix: Vec<u8>,
        /// Only records whose keys sort behind this; empty for the first page.
        after: Vec<u8>,
        /// At most so many.
        limit: usize,
    },
}

/// One or more datagrams of equal length for one destination. They must not be fragmented on the way:
/// the node finds out how large they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The socket to send from.
    pub socket: SocketId,
    /// Where to.
    pub to: SocketAddr,
    /// How many bytes of the buffer were filled.
    pub len: usize,
    /// The length of each datagram (GSO); the last may be shorter. `None` if it is one.
    pub segment_size: Option<usize>,
    /// Mark the IP headers so. A host that cannot does without: the peer notices.
    pub ecn: Option<Ecn>,
    /// The address of this host to send from: where the peer's datagrams arrive. `None` leaves the choice
    /// to the system, and so does a host that cannot choose or has the address no more.
    pub local: Option<IpAddr>,
}

/// What [`Node::poll_transmit`](crate::node::Node::poll_transmit) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmitPoll {
    /// The buffer holds datagrams to send.
    Ready(Transmit),
    /// The next datagram needs a buffer of so many bytes. Nothing has changed; call again.
    NeedSpace(usize),
    /// Nothing to send now.
    Pending,
}

/// When the node wants to be woken, and why (for logs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// On the embedder's monotonic clock.
    pub at: Timestamp,
    /// Which part of the node is waiting.
    pub reason: &'static str,
}
