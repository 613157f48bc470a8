//! What trackers do for a channel.

use super::EventClass;
use crate::node::log::LogLevel;
use crate::wire::url::without_path;
use core::fmt::{self, Display};
use core::time::Duration;

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
        /// What it tells people, at most 256 characters without control characters.
        warning: Option<String>,
    },
    /// It did not answer, or refused.
    Failed {
        /// What was wrong, for people.
        reason: String,
        /// When it is tried again.
        retry: Duration,
    },
}

/// A tracker's state changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerUpdate {
    /// Its URL.
    pub url: String,
    /// What it is doing.
    pub state: TrackerState,
}

impl TrackerUpdate {
    pub(super) const CLASS: EventClass = EventClass::Droppable;

    pub(super) const fn level(&self) -> LogLevel {
        match self.state {
            TrackerState::Failed { .. } => LogLevel::Info,
            TrackerState::Announcing | TrackerState::Working { .. } => LogLevel::Debug,
        }
    }
}

/// The words behind "channel 3: ".
impl Display for TrackerUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = without_path(&self.url);
        match &self.state {
            TrackerState::Announcing => write!(f, "asking {host}"),
            TrackerState::Working { peers, next, warning } => {
                write!(f, "{host} named {peers} peers; asked again in {next:?}")?;
                warning.iter().try_for_each(|words| write!(f, "; it says: {words}"))
            }
            TrackerState::Failed { .. } => f.write_str("a tracker failed"),
        }
    }
}
