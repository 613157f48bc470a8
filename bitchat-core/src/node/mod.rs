//! Floor 6: the one type that embedders hold.

mod api;
mod candidates;
mod config;
mod ledger;

pub use api::{
    Action, Change, CloseReason, Deadline, Event, Failure, Family, Input, LinkInfo, Message,
    PeerHint, Record, Stats, TrackerState, Transmit, TransmitPoll,
};
pub use config::{Config, ConfigError, Families, UnknownChannel};
