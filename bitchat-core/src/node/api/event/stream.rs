//! What happens to a byte stream of the application.

use super::EventClass;
use crate::base::ids::{ChannelHandle, Device};
use crate::node::log::{LogLevel, Short};
use core::fmt::{self, Display};

/// What happened to a byte stream between this application and a member's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamUpdate {
    /// A member asks for the stream: accept or refuse it.
    Requested {
        /// The channel in which both are members.
        channel: ChannelHandle,
        /// Whose device asks.
        device: Device,
        /// What the stream is for, in the words of the member's application. Untrusted.
        name: String,
    },
    /// The member accepted the stream.
    Accepted,
    /// [`Node::read_stream`](crate::node::Node::read_stream) gives something: bytes, the end, or a
    /// reset. Not told again before a read that gave nothing.
    Readable,
    /// There is room again, after a write that was not taken whole.
    Writable,
    /// The member reads no more of what this side writes.
    Stopped {
        /// The code that the member's application gave.
        code: u64,
    },
    /// The stream is over in both directions: refused, reset, or its channel or link is gone.
    Closed {
        /// The code: 0 where the channel or the link is gone, 1 if the member's program knows no
        /// byte streams, 2 if the stream was refused, or the application's.
        code: u64,
    },
}

impl StreamUpdate {
    pub(super) const fn class(&self) -> EventClass {
        match self {
            Self::Requested { .. } | Self::Accepted | Self::Closed { .. } => EventClass::Keep,
            Self::Readable | Self::Writable | Self::Stopped { .. } => EventClass::Coalesce,
        }
    }

    pub(super) const LEVEL: LogLevel = LogLevel::Debug;
}

/// The words behind "stream 2 on link 3 ". Names are left out: they are the application's.
impl Display for StreamUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested { device, .. } => write!(f, "is asked for by {}", Short(*device)),
            Self::Accepted => f.write_str("is accepted"),
            Self::Readable => f.write_str("can be read"),
            Self::Writable => f.write_str("can be written again"),
            Self::Stopped { code } => write!(f, "is not read any more (code {code})"),
            Self::Closed { code } => write!(f, "is over (code {code})"),
        }
    }
}
