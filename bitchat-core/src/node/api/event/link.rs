//! What happens to a link.

use super::EventClass;
use crate::base::ids::Device;
use crate::node::log::{LogLevel, Short};
use core::fmt::{self, Display};
use std::net::SocketAddr;

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

/// What happened to a link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkUpdate {
    /// It is up: encrypted, post-quantum, ready for chat.
    Up {
        /// Whose device it leads to.
        device: Device,
        /// Where that device is.
        address: SocketAddr,
    },
    /// It has new keys.
    Rekeyed {
        /// How often its keys were renewed.
        generation: u64,
    },
    /// It moved to another address of the peer.
    Moved {
        /// Where the peer is now.
        address: SocketAddr,
    },
    /// It ended.
    Closed {
        /// Whose device it led to.
        device: Device,
        /// Why.
        reason: CloseReason,
    },
}

impl LinkUpdate {
    pub(super) const fn class(&self) -> EventClass {
        match self {
            Self::Up { .. } | Self::Closed { .. } => EventClass::Keep,
            Self::Rekeyed { .. } | Self::Moved { .. } => EventClass::Droppable,
        }
    }

    pub(super) const fn level(&self) -> LogLevel {
        match self {
            Self::Up { .. } | Self::Closed { .. } => LogLevel::Info,
            Self::Rekeyed { .. } | Self::Moved { .. } => LogLevel::Debug,
        }
    }
}

/// The words behind "link 3 ".
impl Display for LinkUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up { device, .. } => write!(f, "to {} is up", Short(*device)),
            Self::Rekeyed { generation } => write!(f, "has its keys number {generation}"),
            Self::Moved { address } => write!(f, "moved to {address}"),
            Self::Closed { device, reason } => {
                write!(f, "to {} is down: {reason}", Short(*device))
            }
        }
    }
}
