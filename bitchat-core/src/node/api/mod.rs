//! What goes in and out of a node: inputs, actions, transmits, events.

mod action;
mod event;
mod info;
mod input;
mod message;

pub use action::{Action, Change, Deadline, Family, Record, Transmit, TransmitPoll};
pub use event::{
    ChannelUpdate, CloseReason, Event, EventClass, LinkUpdate, NodeUpdate, StoreUpdate,
    StreamUpdate, TrackerState, TrackerUpdate,
};
pub use info::{LinkInfo, PeerHint, Stats};
pub use input::{Failure, Input};
pub use message::{Content, Message};
