//! What happens in a channel.

use super::EventClass;
use crate::base::ids::{Device, EntryId};
use crate::node::api::message::Message;
use crate::node::log::{LogLevel, Short};
use core::fmt::{self, Display};

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
    /// A message, own or another's, is stored and part of the log.
    Message {
        /// The message.
        message: Message,
        /// The message that it is shown next behind, in the order that everybody shows; `None` if it
        /// is the first. It may be an early one.
        after: Option<EntryId>,
    },
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
            | Self::Message { .. }
            | Self::Delivered { .. }
            | Self::Equivocation { .. } => EventClass::Keep,
            Self::Ready { .. } | Self::StoreWentBack | Self::LogFull => EventClass::Coalesce,
        }
    }

    pub(super) const fn level(&self) -> LogLevel {
        match self {
            Self::Equivocation { .. } | Self::StoreWentBack | Self::LogFull => LogLevel::Warn,
            Self::Ready { .. } | Self::MemberUp { .. } | Self::MemberDown { .. } => LogLevel::Info,
            Self::Message { .. } | Self::Delivered { .. } => LogLevel::Trace,
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
            Self::Message { message, .. } => {
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
