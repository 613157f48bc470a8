//! What goes in and out of a node: inputs, actions, transmits, events.

use crate::base::ids::{
    ChannelHandle, ChannelId, Device, EntryId, LinkId, PeerId, RequestId, SocketId, StreamId,
};
use crate::base::time::{Timestamp, UnixMillis};
use crate::log::AuthorId;
use crate::transport::Ecn;
use bytes::Bytes;
use core::time::Duration;
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

/// Why the world could not do what an [`Action`] asked.
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
    /// [`Action::BindUdp`] succeeded.
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
        /// The ECN mark in the IP headers, the same for all; `None` if there is none or it is not
        /// known.
        ecn: Option<Ecn>,
        /// The length of each datagram in `data`; the last may be shorter. `data.len()` if it is one.
        stride: usize,
        /// The bytes; they are decrypted in place.
        data: &'a mut [u8],
    },
    /// The host's own addresses, at start and whenever they change. Without them the node cannot
    /// tell others on its LAN where it is.
    Interfaces(&'a [IpAddr]),
    /// [`Action::Resolve`] succeeded.
    Resolved {
        /// The action that this answers.
        request: RequestId,
        /// What the name stands for.
        addresses: &'a [IpAddr],
    },
    /// [`Action::OpenTcp`] succeeded.
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
    /// [`Action::Persist`] is on stable storage.
    Persisted {
        /// The action that this answers.
        request: RequestId,
    },
    /// [`Action::Load`] read these records, in ascending order of their keys.
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
/// the input named in its text or by [`Input::Failed`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Open a UDP socket on all addresses of a family; answered by [`Input::Bound`].
    BindUdp {
        /// Names the action.
        request: RequestId,
        /// IPv4, or IPv6 only.
        family: Family,
        /// The wanted port; 0 leaves the choice to the system.
        port: u16,
    },
    /// Look up a host name; answered by [`Input::Resolved`].
    Resolve {
        /// Names the action.
        request: RequestId,
        /// A host name or a literal address.
        host: String,
    },
    /// Open a TCP connection, with TLS on top where a server name is given; answered by
    /// [`Input::Opened`].
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
    /// Put these changes on stable storage; answered by [`Input::Persisted`].
    Persist {
        /// Names the action.
        request: RequestId,
        /// To be applied as a whole.
        changes: Vec<Change>,
    },
    /// Read records back; answered by [`Input::Loaded`].
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
}

/// What [`super::Node::poll_transmit`] found.
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

/// Why a link ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// This node closed it.
    #[error("closed by this side")]
    Local,
    /// The peer closed it, saying so.
    #[error("closed by the peer (code {code})")]
    Peer {
        /// The close code (spec 07).
        code: u64,
    },
    /// Nothing was heard of the peer for too long.
    #[error("the peer fell silent")]
    TimedOut,
    /// The peer broke the protocol.
    #[error("protocol violation: {0}")]
    Violation(String),
    /// Another session of the same two devices took its place.
    #[error("replaced by another session with the same device")]
    Replaced,
    /// The peer's certificate ended.
    #[error("the peer's certificate expired")]
    CertificateExpired,
}

/// What a tracker is doing for a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackerState {
    /// An announce is on its way.
    Announcing,
    /// It answered.
    Working {
        /// How many peers it named.
        peers: usize,
        /// When it is asked again.
        next: Duration,
    },
    /// It did not answer, or refused.
    Failed {
        /// What was wrong, for people.
        reason: String,
        /// When it is tried again.
        retry: Duration,
    },
}

/// A message of a channel's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Names the entry.
    pub id: EntryId,
    /// Who wrote it, on which device.
    pub author: Device,
    /// The chain that it is in: the public half of the log key that signed it. A device begins another
    /// chain when its store was lost.
    pub chain: AuthorId,
    /// This node wrote it.
    pub own: bool,
    /// The author's wall clock, if known: for display only, never for order.
    pub wall: Option<UnixMillis>,
    /// Lamport time. The order that everybody shows is that of (`lamport`, `chain`, `seq`), chains
    /// compared as byte strings (BC-09.08); `Node::messages` is in that order.
    pub lamport: u64,
    /// The author's number of the entry.
    pub seq: u64,
    /// What it says.
    pub text: String,
}

/// What the application is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A UDP socket is open; peers can reach the node there.
    Listening {
        /// Its address.
        local: SocketAddr,
    },
    /// A UDP socket could not be opened. The node goes on with the other family.
    ListenFailed {
        /// Which family.
        family: Family,
        /// Why.
        failure: Failure,
    },
    /// A channel's history has been read back and the channel is live. One that was joined by a link is
    /// ready once a member has told what it is.
    ChannelReady {
        /// The channel.
        channel: ChannelHandle,
        /// Messages read back.
        messages: usize,
    },
    /// A tracker's state changed.
    Tracker {
        /// For which channel.
        channel: ChannelHandle,
        /// Its URL.
        url: String,
        /// What it is doing.
        state: TrackerState,
    },
    /// A link to a device is up: encrypted, post-quantum, ready for chat.
    LinkUp {
        /// The link.
        link: LinkId,
        /// Whose device it leads to.
        device: Device,
        /// Where it is.
        address: SocketAddr,
    },
    /// A link has new keys.
    LinkRekeyed {
        /// The link.
        link: LinkId,
        /// How many renewals it has had.
        generation: u64,
    },
    /// A link moved to another address of the peer.
    LinkMoved {
        /// The link.
        link: LinkId,
        /// Where it is now.
        address: SocketAddr,
    },
    /// A link ended.
    LinkClosed {
        /// The link.
        link: LinkId,
        /// Whose device it led to.
        device: Device,
        /// Why.
        reason: CloseReason,
    },
    /// A device can be reached in a channel.
    MemberUp {
        /// The channel.
        channel: ChannelHandle,
        /// The device.
        device: Device,
    },
    /// A device cannot be reached any more.
    MemberDown {
        /// The channel.
        channel: ChannelHandle,
        /// The device.
        device: Device,
    },
    /// A message, own or another's, is stored and part of the log. It may belong between earlier
    /// ones: `Node::messages` gives the order that everybody shows.
    Message {
        /// The channel.
        channel: ChannelHandle,
        /// The message.
        message: Message,
    },
    /// A device has stored one of this node's messages, and with it all of its earlier ones.
    Delivered {
        /// The channel.
        channel: ChannelHandle,
        /// The latest such message.
        id: EntryId,
        /// Who has stored it.
        device: Device,
    },
    /// A member signed two different entries with one number: a proof of cheating (or of a store
    /// that was copied). Nothing more of that author is accepted.
    Equivocation {
        /// The channel.
        channel: ChannelHandle,
        /// Who.
        author: Device,
    },
    /// Others hold messages of this device that its store does not: the store went back in time, as
    /// after a restored backup. The next message begins a new chain; nothing is written twice.
    StoreWentBack {
        /// The channel.
        channel: ChannelHandle,
    },
    /// The log is as large as it may be: nothing more is accepted.
    LogFull {
        /// The channel.
        channel: ChannelHandle,
    },
    /// The store could not read or write; what waits for it is kept and tried again, until
    /// [`Event::StoreRecovered`]. Own messages leave only after they are stored, and nobody is met before
    /// the node's own records are read.
    StoreFailing {
        /// Why.
        failure: Failure,
    },
    /// The store works again.
    StoreRecovered,
    /// The store holds something that this node did not write, or that is damaged. It was not used.
    StoreDamaged {
        /// The key of the record.
        key: Vec<u8>,
    },
    /// The wall clock is needed (certificates, rotating channels) and unknown: the node waits.
    WallTimeNeeded,
}

/// One link, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// The link.
    pub link: LinkId,
    /// Whose device it leads to.
    pub device: Device,
    /// Where it is.
    pub address: SocketAddr,
    /// How many key renewals it has had; chat flows from the first on.
    pub generation: u64,
    /// Smoothed round-trip time, once measured.
    pub rtt: Option<Duration>,
    /// The smallest round-trip time, once measured.
    pub min_rtt: Option<Duration>,
    /// Bytes a second that the path carries by estimate, once measured: what a sender of media is to
    /// keep below. It is low until much was sent.
    pub rate: Option<u64>,
    /// Bytes that may be in flight.
    pub window: u64,
    /// Packets lost lately, in thousandths; 0 until enough were sent to tell.
    pub loss: u16,
    /// Bytes of the largest UDP payload that the path is known to carry.
    pub path_mtu: usize,
    /// How many paths to the peer are known to work, the one in use among them.
    pub paths: usize,
    /// The channels that it carries.
    pub channels: Vec<ChannelId>,
}

/// Counters since the node started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams handed in.
    pub datagrams_in: u64,
    /// Datagrams handed out.
    pub datagrams_out: u64,
    /// Datagrams that belonged to nothing this node takes part in.
    pub dropped_unknown: u64,
    /// Datagrams of a link that did not authenticate.
    pub dropped_auth: u64,
    /// Datagrams of a link that had been seen before, or were too old to tell.
    pub dropped_replay: u64,
    /// Probes answered.
    pub probes_answered: u64,
    /// Handshakes begun by this node.
    pub handshakes_started: u64,
    /// Handshakes that failed or timed out, either role.
    pub handshakes_failed: u64,
}

/// A peer this node would meet: for tests and for addresses given by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerHint {
    /// Where it may be.
    pub address: SocketAddr,
    /// Who it is, if known.
    pub peer: Option<PeerId>,
}
