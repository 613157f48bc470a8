//! What happens to the store.

use super::EventClass;
use crate::node::api::input::Failure;
use crate::node::log::LogLevel;
use core::fmt::{self, Display};

/// What happened to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUpdate {
    /// It could not read or write; what waits for it is kept and tried again, until
    /// [`Recovered`](Self::Recovered). Own messages leave only after they are stored, and nobody is
    /// met before the node's own records are read.
    Failing {
        /// Why.
        failure: Failure,
    },
    /// It works again.
    Recovered,
    /// It holds a record that this node did not write, or that is damaged. The record was not used.
    Damaged {
        /// The key of the record.
        key: Vec<u8>,
    },
}

impl StoreUpdate {
    pub(super) const CLASS: EventClass = EventClass::Coalesce;

    pub(super) const fn level(&self) -> LogLevel {
        match self {
            Self::Failing { .. } | Self::Damaged { .. } => LogLevel::Warn,
            Self::Recovered => LogLevel::Info,
        }
    }
}

impl Display for StoreUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failing { failure } => write!(f, "the store refuses: {failure}"),
            Self::Recovered => f.write_str("the store works again"),
            Self::Damaged { key } => {
                write!(f, "a damaged record with a key of {} bytes", key.len())
            }
        }
    }
}
