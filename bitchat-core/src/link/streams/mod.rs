//! The streams of a link: the control stream, and those of channels.

pub(super) mod lanes;

use crate::transport::TransportStreamId;
use crate::transport::messages::MessageReader;
use lanes::Lanes;
use std::collections::BTreeSet;

/// What a link reads and writes on streams.
#[derive(Debug)]
pub(super) struct LinkStreams {
    pub(super) lanes: Lanes,
    pub(super) control_in: MessageReader,
    /// Streams with something to read.
    pub(super) readable: BTreeSet<TransportStreamId>,
    /// Streams that wait for the peer's tokens: looked at when some come, not with each packet.
    pub(super) unslotted: BTreeSet<TransportStreamId>,
    /// The node cannot take more from this link now.
    pub(super) paused: bool,
}

impl LinkStreams {
    /// Those of a new link, on which a message has at most `message_bytes`.
    pub(super) fn new(message_bytes: usize) -> Self {
        Self {
            lanes: Lanes::default(),
            control_in: MessageReader::new(message_bytes),
            readable: BTreeSet::new(),
            unslotted: BTreeSet::new(),
            paused: false,
        }
    }
}
