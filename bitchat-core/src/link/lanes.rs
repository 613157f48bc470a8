//! The streams of channels: ours, which we write, and the peer's, which we read
//! (spec 08 §Streams of a channel).

use super::control::{Lane, StreamHeader};
use crate::base::ids::ChannelId;
use crate::transport::messages::{MessageReader, encode_message};
use crate::transport::{Class, Transport, TransportStreamId};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// How urgent a lane is beside the other streams of the link.
const fn class(lane: Lane) -> Class {
    match lane {
        Lane::Sync => Class::Control,
        Lane::Chat => Class::Chat,
        Lane::History => Class::History,
    }
}

/// One of our streams.
#[derive(Debug)]
struct Out {
    id: TransportStreamId,
    /// The end of a message that the transport had no room for.
    rest: Bytes,
    /// A message was refused; the channel is told when there is room.
    refused: bool,
}

/// A stream of the peer.
#[derive(Debug)]
pub(super) struct In {
    pub reader: MessageReader,
    pub header: Option<StreamHeader>,
}

/// All streams of channels on one link.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    outgoing: BTreeMap<(ChannelId, Lane), Out>,
    by_stream: BTreeMap<TransportStreamId, (ChannelId, Lane)>,
    pub incoming: BTreeMap<TransportStreamId, In>,
    /// Channels that were refused because the peer allows no more streams.
    pub limited: BTreeSet<ChannelId>,
}

impl Lanes {
    /// Sends a message of a channel whose slot on our side is `slot`. False if there is no room:
    /// then nothing was taken, and [`Self::on_writable`] will name the channel.
    pub(super) fn send(
        &mut self,
        transport: &mut Transport,
        channel: ChannelId,
        slot: u64,
        lane: Lane,
        message: &[u8],
    ) -> bool {
        let out = match self.outgoing.get_mut(&(channel, lane)) {
            Some(out) => out,
            None => {
                let Ok(id) = transport.open_stream(class(lane)) else {
                    self.limited.insert(channel);
                    return false;
                };
                self.by_stream.insert(id, (channel, lane));
                let rest = encode_message(&[&StreamHeader { slot, lane }.encode()]);
                let mut out = Out { id, rest, refused: false };
                out.push(transport);
                self.outgoing.entry((channel, lane)).or_insert(out)
            }
        };
        if !out.rest.is_empty() {
            out.refused = true;
            return false;
        }
        out.rest = encode_message(&[message]);
        out.push(transport);
        true
    }

    /// A stream of ours accepts data again. Names the channel that was refused before, if it may go on.
    pub(super) fn on_writable(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
    ) -> Option<ChannelId> {
        let (channel, lane) = self.by_stream.get(&id)?;
        let out = self.outgoing.get_mut(&(*channel, *lane))?;
        out.push(transport);
        (out.rest.is_empty() && core::mem::take(&mut out.refused)).then_some(*channel)
    }

    /// The channel is not carried any more: our streams for it are reset.
    pub(super) fn close(&mut self, transport: &mut Transport, channel: ChannelId) {
        self.limited.remove(&channel);
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
    fn push(&mut self, transport: &mut Transport) {
        while !self.rest.is_empty() {
            match transport.write(self.id, self.rest.clone()) {
                Ok(0) => return,
                Ok(taken) => drop(self.rest.split_to(taken.min(self.rest.len()))),
                // The peer wants no more of this stream: what we have to say about the channel is moot.
                Err(_) => self.rest = Bytes::new(),
            }
        }
    }
}
