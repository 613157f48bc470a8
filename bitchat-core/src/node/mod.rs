//! Floor 6: the one type that embedders hold.

mod api;

pub use api::{
    Action, Change, CloseReason, Deadline, Event, Failure, Family, Input, LinkInfo, Message,
    PeerHint, Record, Stats, TrackerState, Transmit, TransmitPoll,
};
