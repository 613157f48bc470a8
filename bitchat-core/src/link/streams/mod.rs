//! The streams of a link: the control stream, and those of channels.

pub(super) mod bytes;
pub(super) mod lanes;

use crate::base::limits::LinkLimits;
use crate::transport::TransportStreamId;
use crate::transport::messages::MessageReader;
use bytes::ByteStreams;
use lanes::Lanes;
use std::collections::BTreeSet;

/// What a link reads and writes on streams.
#[derive(Debug)]
pub(super) struct LinkStreams {
    pub(super) lanes: Lanes,
    pub(super) bytes: ByteStreams,
    pub(super) control_in: MessageReader,
    /// Streams with something to read.
    pub(super) readable: BTreeSet<TransportStreamId>,
    /// Streams that wait for the peer's tokens: looked at when some come, not with each packet.
    pub(super) unslotted: BTreeSet<TransportStreamId>,
    /// The node cannot take more from this link now.
    pub(super) paused: bool,
    /// Datagrams that came for flows which nobody here knows: dropped.
    pub(super) unknown_flows: u64,
}

impl LinkStreams {
    /// Those of a new link.
    pub(super) fn new(limits: &LinkLimits) -> Self {
        Self {
            lanes: Lanes::default(),
            bytes: ByteStreams::new(limits.byte_streams),
            control_in: MessageReader::new(limits.message_bytes),
            readable: BTreeSet::new(),
            unslotted: BTreeSet::new(),
            paused: false,
            unknown_flows: 0,
        }
    }
}
