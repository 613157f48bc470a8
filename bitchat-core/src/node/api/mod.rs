//! What goes in and out of a node: inputs, actions, transmits, events.

mod action;
mod event;
mod info;
mod input;

pub use action::{Action, Change, Deadline, Family, Record, Transmit, TransmitPoll};
pub use event::{
    ChannelUpdate, CloseReason, Event, EventClass, LinkUpdate, Message, NodeUpdate, StoreUpdate,
    TrackerState, TrackerUpdate,
};
pub use info::{LinkInfo, PeerHint, Stats};
pub use input::{Failure, Input};
