//! What a packet carried, as far as its loss or its arrival matters.

use crate::transport::stream_id::TransportStreamId;
use crate::wire::frame::{Frame, NewConnectionId};
use crate::wire::varint;
use core::net::SocketAddr;

/// What must be done again if the packet is lost, or is done once it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) enum SentFrame {
    /// An ACK up to this number: once it arrived, older ranges need not be repeated.
    Ack {
        largest: u64,
    },
    Stream {
        id: TransportStreamId,
        start: u64,
        end: u64,
        fin: bool,
        /// Some of it was never sent before.
        fresh: bool,
    },
    ResetStream(TransportStreamId),
    StopSending(TransportStreamId),
    MaxData,
    MaxStreams,
    MaxStreamData(TransportStreamId),
    Announcement(Announcement),
    AckFrequency {
        sequence: u64,
    },
}

impl SentFrame {
    /// Bytes of stream data.
    pub(in crate::transport) const fn len(&self) -> u64 {
        match self {
            Self::Stream { start, end, .. } => *end - *start,
            _ => 0,
        }
    }
}

/// What the link tells its peer; repeated until acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// An id under which this side accepts packets.
    NewConnectionId(NewConnectionId),
    /// This side no longer sends under the id that the peer numbered so.
    RetireConnectionId(u64),
    /// Where the peer's packets come from. A lost one is repeated only if no newer was announced.
    ObservedAddress(SocketAddr),
}

impl Announcement {
    pub(super) const fn frame(&self) -> Frame<'static> {
        match *self {
            Self::NewConnectionId(new) => Frame::NewConnectionId(new),
            Self::RetireConnectionId(sequence) => Frame::RetireConnectionId { sequence },
            Self::ObservedAddress(address) => Frame::ObservedAddress(address),
        }
    }

    pub(super) const fn is_representable(&self) -> bool {
        match self {
            Self::NewConnectionId(new) => {
                new.sequence <= varint::MAX && new.retire_prior_to <= new.sequence
            }
            Self::RetireConnectionId(sequence) => *sequence <= varint::MAX,
            Self::ObservedAddress(_) => true,
        }
    }
}
