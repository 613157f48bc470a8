//! Frames: what the plaintext of a packet consists of (spec 07).
//!
//! Decoding borrows from the packet and allocates nothing; [`Frames`] walks a payload.

mod ack;
mod decode;
mod encode;

pub use ack::{Ack, AckRanges, EcnCounts, MAX_ACK_RANGES, encode_ack};
pub use decode::Frames;
pub use encode::put_stream_header;

use super::reader::DecodeError;
use crate::base::ids::ConnectionId;
use core::net::SocketAddr;

/// Type codes. They are single bytes below 0x40, so that each is also its own varint.
mod code {
    pub(super) const PADDING: u8 = 0x00;
    pub(super) const PING: u8 = 0x01;
    pub(super) const ACK: u8 = 0x02;
    pub(super) const ACK_ECN: u8 = 0x03;
    pub(super) const RESET_STREAM: u8 = 0x04;
    pub(super) const STOP_SENDING: u8 = 0x05;
    pub(super) const STREAM: u8 = 0x08;
    pub(super) const STREAM_LAST: u8 = 0x0f;
    pub(super) const MAX_DATA: u8 = 0x10;
    pub(super) const MAX_STREAM_DATA: u8 = 0x11;
    pub(super) const MAX_STREAMS: u8 = 0x12;
    pub(super) const ACK_FREQUENCY: u8 = 0x13;
    pub(super) const IMMEDIATE_ACK: u8 = 0x14;
    pub(super) const NEW_CONNECTION_ID: u8 = 0x18;
    pub(super) const RETIRE_CONNECTION_ID: u8 = 0x19;
    pub(super) const PATH_CHALLENGE: u8 = 0x1a;
    pub(super) const PATH_RESPONSE: u8 = 0x1b;
    pub(super) const CLOSE: u8 = 0x1c;
    pub(super) const OBSERVED_ADDRESS: u8 = 0x20;
    pub(super) const DATAGRAM: u8 = 0x30;
    pub(super) const DATAGRAM_LEN: u8 = 0x31;

    /// Bits of the STREAM type.
    pub(super) const STREAM_FIN: u8 = 0x01;
    pub(super) const STREAM_LEN: u8 = 0x02;
    pub(super) const STREAM_OFF: u8 = 0x04;
}

/// Most bytes of the reason in a CLOSE frame (BC-07.06).
pub const MAX_REASON_LEN: usize = 256;

/// Why a payload is not a sequence of frames. Any of these closes the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The type is none that this version knows (BC-07.01).
    #[error("unknown frame type {0:#04x}")]
    UnknownType(u8),
    /// The fields do not parse.
    #[error("malformed frame of type {kind:#04x}: {error}")]
    Malformed {
        /// The frame's type code.
        kind: u8,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// An ACK range reaches below packet number 0 (BC-07.04).
    #[error("an ACK range reaches below packet number 0")]
    AckUnderflow,
    /// A stream's data would end above 2^62 - 1 (BC-07.05).
    #[error("stream data ends above the largest offset")]
    OffsetOverflow,
    /// A STREAM frame with neither data nor the end of the stream (BC-07.05).
    #[error("an empty STREAM frame")]
    EmptyStream,
}

/// A piece of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream<'a> {
    /// Which stream.
    pub id: u64,
    /// Where `data` begins in the stream.
    pub offset: u64,
    /// The bytes.
    pub data: &'a [u8],
    /// The stream ends behind `data`.
    pub fin: bool,
    /// The frame has no length field: its data is the rest of the packet.
    pub to_end: bool,
}

impl Stream<'_> {
    /// The offset behind the data.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset + self.data.len() as u64
    }
}

/// A connection id that the sender of the frame will accept packets under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewConnectionId {
    /// Position in the sender's list of ids; the session starts with number 0.
    pub sequence: u64,
    /// The receiver stops using ids numbered below this.
    pub retire_prior_to: u64,
    /// The id.
    pub id: ConnectionId,
}

/// How the sender of the frame would like its packets to be acknowledged (BC-07.40).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckFrequency {
    /// Grows with each such frame, so that an old one that comes late is known.
    pub sequence: u64,
    /// Ack-eliciting packets that one ACK may cover.
    pub packets: u64,
    /// The longest that an ACK may be held back, in microseconds.
    pub max_delay_micros: u64,
    /// A missing packet is reported at once when one numbered so much higher arrives.
    pub reordering: u64,
}

/// One frame, borrowing from the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A run of this many zero bytes.
    Padding(usize),
    /// Asks for an acknowledgement.
    Ping,
    /// Packets that arrived.
    Ack(Ack<'a>),
    /// A piece of a stream.
    Stream(Stream<'a>),
    /// The sender will send no more on the stream.
    ResetStream {
        /// Which stream.
        id: u64,
        /// Why, in the application's terms.
        code: u64,
        /// Bytes that were sent, for flow control.
        final_size: u64,
    },
    /// The receiver wants no more of the stream.
    StopSending {
        /// Which stream.
        id: u64,
        /// Why, in the application's terms.
        code: u64,
    },
    /// The sum of all stream offsets that the peer may reach.
    MaxData(u64),
    /// The offset that the peer may reach on one stream.
    MaxStreamData {
        /// Which stream.
        id: u64,
        /// The offset.
        limit: u64,
    },
    /// How many streams the peer may ever have opened.
    MaxStreams(u64),
    /// How the peer is to acknowledge from now on.
    AckFrequency(AckFrequency),
    /// The packet is to be acknowledged at once.
    ImmediateAck,
    /// An unreliable message.
    Datagram(&'a [u8]),
    /// To be echoed on the path it came by.
    PathChallenge([u8; 8]),
    /// The echo.
    PathResponse([u8; 8]),
    /// Where the peer's packets come from, as the sender of the frame sees it.
    ObservedAddress(SocketAddr),
    /// Another id to send under.
    NewConnectionId(NewConnectionId),
    /// The sender uses that id no more.
    RetireConnectionId {
        /// Which one.
        sequence: u64,
    },
    /// The link ends.
    Close {
        /// Why, in numbers.
        code: u64,
        /// Why, in words: UTF-8 for a log, never for logic.
        reason: &'a [u8],
    },
}

impl Frame<'_> {
    /// Whether the receiver must acknowledge the packet soon (BC-07.03).
    #[must_use]
    pub const fn is_ack_eliciting(&self) -> bool {
        !matches!(self, Self::Padding(_) | Self::Ack(_) | Self::Close { .. })
    }
}

#[cfg(test)]
mod tests;
