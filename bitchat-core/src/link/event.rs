//! What a link is told at the start, and what it tells.

use super::slots::ChannelEpoch;
use crate::base::ids::ConnectionId;
use crate::base::limits::Limits;
use crate::crypto::key_log::KeyLogLine;
use crate::crypto::suite::Secret;
use bytes::Bytes;
use core::net::SocketAddr;
use core::time::Duration;

/// Codes of the CLOSE frame that a link sends; the transport adds its own (spec 07, 08).
pub mod code {
    /// The session is not needed any more.
    pub const NO_ERROR: u64 = 0;
    /// The peer broke the protocol above the transport.
    pub const VIOLATION: u64 = 1;
    /// Another session of the same two devices is in use (spec 05).
    pub const REPLACED: u64 = 2;
    /// The two sides have no channel in common.
    pub const NO_CHANNEL: u64 = 12;
    /// The node shuts down.
    pub const GOING_AWAY: u64 = 13;
    /// The peer's certificate ended.
    pub const CERTIFICATE: u64 = 14;
    /// No rekey came in time: the keys are too old to send under (BC-08.92).
    pub const NO_REKEY: u64 = 15;
}

/// Timing and bounds of links.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Keys are rekeyed this long after the first user data under them.
    pub rekey_interval: Duration,
    /// An idle link says that it lives this often at first.
    pub keepalive: Duration,
    /// A link on which nothing was heard for this long is dead.
    pub idle_timeout: Duration,
    /// Bounds on what a peer can make a link hold.
    pub limits: Limits,
    /// The embedder asked for a key log (spec 13).
    pub key_log: bool,
}

/// Why a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// This side closed it.
    Local(u64),
    /// The peer closed it, with this code.
    Peer(u64),
    /// Nothing was heard of the peer for too long.
    Silence,
    /// The peer broke the protocol.
    Violation(String),
    /// The peer's certificate ended.
    Certificate,
}

/// What happened on a link.
#[derive(Debug)]
pub enum LinkEvent {
    /// The first rekey is in use: user data may flow.
    Ready,
    /// New keys are in use; so many rekeys there were.
    Rekeyed(u64),
    /// The secret that the pair's next handshake mixes in.
    Resumption(Secret),
    /// Both sides have this channel.
    ChannelUp(ChannelEpoch),
    /// The peer left this channel, or the link ended.
    ChannelDown(ChannelEpoch),
    /// A message in a channel.
    Message {
        /// The channel.
        channel: ChannelEpoch,
        /// The message.
        data: Bytes,
    },
    /// After a refused [`Link::send`](super::Link::send): the channel may go on.
    Writable(ChannelEpoch),
    /// Something of an application's byte stream, which is named by its number on this link.
    Stream(u64, StreamEvent),
    /// Another path is in use: the peer moved, this side did, or a better path was found.
    Moved,
    /// Packets of the link may arrive under this id, too.
    LocalId(ConnectionId),
    /// No packet of the link arrives under this id any more.
    LocalIdGone(ConnectionId),
    /// The peer sees this side at this address.
    Observed(SocketAddr),
    /// A line of the key log, where one was asked for.
    KeyLog(KeyLogLine),
    /// The link is over; it may still have a CLOSE to send.
    Closed(Ended),
}

/// What happens to a byte stream of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// The peer asks for it; to be accepted or refused.
    Requested {
        /// The channel by which the peer is a member.
        channel: ChannelEpoch,
        /// What the stream is for, in the words of the peer's application.
        name: String,
    },
    /// The peer's application accepted it.
    Accepted,
    /// [`Link::read_stream`](super::Link::read_stream) gives something: bytes, the end, or a reset.
    Readable,
    /// After a short write there is room again.
    Writable,
    /// The peer reads no more of what this side writes.
    Stopped {
        /// The code that the peer gave.
        code: u64,
    },
    /// Both directions are over at once: refused, reset, or the channel or the link is gone.
    Closed {
        /// The code; see [`stream_code`](super::control::stream_code).
        code: u64,
    },
}

/// What reading a byte stream gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamRead {
    /// The next bytes, in order.
    Data(Bytes),
    /// Nothing now; [`StreamEvent::Readable`] follows.
    Pending,
    /// The peer writes no more, and everything was read.
    Finished,
    /// The peer reset the stream with this code. The stream is gone.
    Reset(u64),
}

/// Why something could not be done with a byte stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamFailure {
    /// The two sides do not share the channel on this link.
    #[error("the link does not carry the channel")]
    NotShared,
    /// A name has 1 to 128 bytes.
    #[error("a name of a stream has 1 to 128 bytes")]
    Name,
    /// There are as many streams as may be.
    #[error("there are as many streams as may be")]
    Limit,
    /// The send buffer is full now.
    #[error("the send buffer is full")]
    Busy,
    /// There is no such stream, or not any more.
    #[error("there is no such stream")]
    Unknown,
    /// It was neither accepted nor refused yet.
    #[error("the stream is not accepted yet")]
    Unanswered,
    /// This side finished writing.
    #[error("this direction is finished")]
    Finished,
    /// The peer reads no more, for this reason.
    #[error("the peer reads no more (code {0})")]
    Stopped(u64),
}

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was a packet of the link, and new.
    Authentic,
    /// It did not authenticate.
    Forged,
    /// It was seen before, or is too old to tell.
    Replayed,
}
