//! The streams of channels: ours, which we write, and the peer's, which we read
//! (spec 08 §Streams of a channel).

use crate::link::control::{Lane, MAX_OPENING, StreamHeader};
use crate::link::slots::ChannelEpoch;
use crate::transport::messages::{MessageError, MessageReader};
use crate::transport::{Class, Transport, TransportStreamId};
use crate::wire::reader::DecodeError;
use std::collections::{BTreeMap, BTreeSet};

/// How urgent a lane is beside the other streams of the link.
const fn class(lane: Lane) -> Class {
    match lane {
        Lane::Sync => Class::Sync,
        Lane::Chat => Class::Chat,
        Lane::History => Class::History,
    }
}

/// One of our streams.
#[derive(Debug)]
struct Out {
    id: TransportStreamId,
    /// What the stream begins with, until it is written.
    header: Option<StreamHeader>,
    /// A message was refused; the channel is told when there is room.
    refused: bool,
}

/// What is wrong with a stream of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::link) enum StreamFault {
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Header(#[from] DecodeError),
    /// BC-08.18
    #[error("two streams for one lane of a slot")]
    Twice,
}

/// A stream of the peer.
#[derive(Debug)]
pub(in crate::link) struct In {
    pub reader: MessageReader,
    pub header: Option<StreamHeader>,
    /// A byte stream that waits for its slot: the slot, and the name.
    pub request: Option<(u64, String)>,
    /// Its slot is not known yet: it is not read (BC-08.13).
    pub waits: bool,
}

impl In {
    /// A stream of which nothing was read. Its opening may not be longer than [`MAX_OPENING`]
    /// (BC-08.58): what readers hold is not counted by flow control.
    pub(in crate::link) fn new() -> Self {
        Self { reader: MessageReader::new(MAX_OPENING), header: None, request: None, waits: false }
    }

    /// The header was read; messages of at most `message_bytes` follow.
    pub(in crate::link) const fn begin(&mut self, header: StreamHeader, message_bytes: usize) {
        self.header = Some(header);
        self.reader.set_limit(message_bytes);
    }
}

/// All streams of channels on one link.
#[derive(Debug, Default)]
pub(in crate::link) struct Lanes {
    outgoing: BTreeMap<(ChannelEpoch, Lane), Out>,
    /// The stream that took the last message. Most messages follow one of their own channel, and
    /// writing behind it takes no search.
    recent: Option<(ChannelEpoch, Lane, TransportStreamId)>,
    by_stream: BTreeMap<TransportStreamId, (ChannelEpoch, Lane)>,
    pub incoming: BTreeMap<TransportStreamId, In>,
    /// Channels that were refused because the peer allows no more streams.
    pub limited: BTreeSet<ChannelEpoch>,
}

impl Lanes {
    /// Sends a message of a channel that has a stream for `lane`; `None` if it has not. False if
    /// there is no room: then nothing was taken, and [`Self::on_writable`] will name the channel.
    pub(in crate::link) fn send(
        &mut self,
        transport: &mut Transport,
        channel: ChannelEpoch,
        lane: Lane,
        message: &[u8],
    ) -> Option<bool> {
        if let Some((recent, by, id)) = self.recent
            && (recent, by) == (channel, lane)
            && transport.write_message(id, message) == Ok(true)
        {
            return Some(true);
        }
        let out = self.outgoing.get_mut(&(channel, lane))?;
        let taken = out.begin(transport) && out.write(transport, message);
        out.refused = !taken;
        self.recent = taken.then_some((channel, lane, out.id));
        Some(taken)
    }

    /// Opens the stream of a shared channel for a lane. False if the peer allows no more streams:
    /// then the channel is named when it does.
    pub(in crate::link) fn open(
        &mut self,
        transport: &mut Transport,
        channel: ChannelEpoch,
        header: StreamHeader,
    ) -> bool {
        let Ok(id) = transport.open_stream(class(header.lane)) else {
            self.limited.insert(channel);
            return false;
        };
        self.by_stream.insert(id, (channel, header.lane));
        let out = Out { id, header: Some(header), refused: false };
        self.outgoing.insert((channel, header.lane), out);
        true
    }

    /// A stream of ours accepts data again. Names the channel that was refused before, if it may go
    /// on.
    pub(in crate::link) fn on_writable(&mut self, id: TransportStreamId) -> Option<ChannelEpoch> {
        let (channel, lane) = self.by_stream.get(&id)?;
        let out = self.outgoing.get_mut(&(*channel, *lane))?;
        core::mem::take(&mut out.refused).then_some(*channel)
    }

    /// The channel is not carried any more: our streams for it are reset.
    pub(in crate::link) fn close(&mut self, transport: &mut Transport, channel: ChannelEpoch) {
        self.limited.remove(&channel);
        self.recent = None;
        for lane in Lane::ALL {
            if let Some(out) = self.outgoing.remove(&(channel, lane)) {
                self.by_stream.remove(&out.id);
                // It fails where the stream is over already, which is as good.
                let _ = transport.reset(out.id, 0);
            }
        }
    }
}

impl Out {
    fn begin(&mut self, transport: &mut Transport) -> bool {
        if let Some(header) = self.header
            && self.write(transport, &header.encode())
        {
            self.header = None;
        }
        self.header.is_none()
    }

    fn write(&self, transport: &mut Transport, message: &[u8]) -> bool {
        // It fails where the peer wants no more of this stream: what we have to say about the
        // channel is moot.
        transport.write_message(self.id, message).unwrap_or(true)
    }
}
