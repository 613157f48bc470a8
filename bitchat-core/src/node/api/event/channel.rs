//! What happens in a channel.

use super::EventClass;
use crate::base::ids::{Device, EntryId};
use crate::base::time::UnixMillis;
use crate::log::AuthorId;
use crate::node::log::{LogLevel, Short};
use core::fmt::{self, Display};

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

/// What happened in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelUpdate {
    /// The history has been read back and the channel is live. A channel that was joined by a link is
    /// ready once a member has told what it is.
    Ready {
        /// Messages read back.
        messages: usize,
    },
    /// A device can be reached.
    MemberUp {
        /// The device.
        device: Device,
    },
    /// A device cannot be reached any more.
    MemberDown {
        /// The device.
        device: Device,
    },
    /// A message, own or another's, is stored and part of the log. Its place may be between earlier
    /// messages: `Node::messages` gives the order that everybody shows.
    Message(Message),
    /// A device has stored one of this node's messages, and with it all earlier ones.
    Delivered {
        /// The latest such message.
        id: EntryId,
        /// Who has stored it.
        device: Device,
    },
    /// A member signed two different entries with one number: a proof of cheating (or of a store
    /// that was copied). Nothing more of that author is accepted.
    Equivocation {
        /// Who.
        author: Device,
    },
    /// Others hold messages of this device that its store does not: the store went back in time, as
    /// after a restored backup. The next message begins a new chain; nothing is written twice.
    StoreWentBack,
    /// The log is as large as it may be: nothing more is accepted.
    LogFull,
}

impl ChannelUpdate {
    pub(super) const fn class(&self) -> EventClass {
        match self {
            Self::MemberUp { .. }
            | Self::MemberDown { .. }
            | Self::Message(_)
            | Self::Delivered { .. }
            | Self::Equivocation { .. } => EventClass::Keep,
            Self::Ready { .. } | Self::StoreWentBack | Self::LogFull => EventClass::Coalesce,
        }
    }

    pub(super) const fn level(&self) -> LogLevel {
        match self {
            Self::Equivocation { .. } | Self::StoreWentBack | Self::LogFull => LogLevel::Warn,
            Self::Ready { .. } | Self::MemberUp { .. } | Self::MemberDown { .. } => LogLevel::Info,
            Self::Message(_) | Self::Delivered { .. } => LogLevel::Trace,
        }
    }

    pub(super) const fn target(&self) -> &'static str {
        match self {
            Self::StoreWentBack => "store",
            _ => "channel",
        }
    }
}

/// The words behind "channel 3" (live) or "channel 3: " (all others).
impl Display for ChannelUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { messages } => write!(f, "is live: {messages} messages"),
            Self::MemberUp { device } => write!(f, "{} is there", Short(*device)),
            Self::MemberDown { device } => write!(f, "{} is gone", Short(*device)),
            Self::Message(message) => {
                write!(f, "message {} of {}", message.seq, Short(message.author))
            }
            Self::Delivered { device, .. } => write!(f, "{} has stored ours", Short(*device)),
            Self::Equivocation { author } => write!(
                f,
                "{} signed two entries under one number: nothing more of it is accepted",
                Short(*author)
            ),
            Self::StoreWentBack => f.write_str("the store went back in time"),
            Self::LogFull => f.write_str("the log is full"),
        }
    }
}
