//! What concerns the node as a whole.

use super::EventClass;
use crate::node::api::action::Family;
use crate::node::api::input::Failure;
use crate::node::log::LogLevel;
use core::fmt::{self, Display};
use std::net::SocketAddr;

/// What happened to the node as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeUpdate {
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
    /// The node came to know somebody in the DHT; or, with zeros, it knows nobody there any more.
    Dht {
        /// Nodes that it knows over IPv4, and over IPv6.
        nodes: [usize; 2],
    },
    /// The wall clock is needed (certificates, rotating channels) and unknown: the node waits.
    WallTimeNeeded,
}

impl NodeUpdate {
    pub(super) const fn class(&self) -> EventClass {
        match self {
            Self::Listening { .. } | Self::Dht { .. } => EventClass::Droppable,
            Self::ListenFailed { .. } | Self::WallTimeNeeded => EventClass::Coalesce,
        }
    }

    pub(super) const fn level(&self) -> LogLevel {
        match self {
            Self::Listening { .. } | Self::Dht { .. } => LogLevel::Debug,
            Self::ListenFailed { .. } | Self::WallTimeNeeded => LogLevel::Warn,
        }
    }
}

impl Display for NodeUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { local } => write!(f, "listening on {local}"),
            Self::ListenFailed { family, failure } => {
                write!(f, "no socket for {family:?}: {failure}")
            }
            Self::Dht { nodes: [0, 0] } => f.write_str("nobody in the DHT is known any more"),
            Self::Dht { nodes: [v4, v6] } => {
                write!(f, "in the DHT: {v4} nodes known over IPv4, {v6} over IPv6")
            }
            Self::WallTimeNeeded => f.write_str("waiting for the wall clock: nobody can be met"),
        }
    }
}
