//! What can go wrong: the peer's faults, and the caller's.

use crate::wire::frame::FrameError;

/// The peer broke the protocol. The link sends CLOSE with [`code`](Self::code) and this text, and
/// ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The payload is not a sequence of frames.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// A packet without any frame (BC-07.02).
    #[error("a packet without frames")]
    EmptyPacket,
    /// An ACK for a packet number that was never sent (BC-07.10).
    #[error("an ACK for a packet that was not sent")]
    AckOfUnsent,
    /// More data than MAX_DATA or MAX_STREAM_DATA allowed (BC-07.17).
    #[error("more data than flow control allows")]
    FlowControl,
    /// More streams than MAX_STREAMS allowed (BC-07.18).
    #[error("more streams than allowed")]
    StreamLimit,
    /// A frame about a stream that only we can open and have not (BC-07.19).
    #[error("a frame for a stream that was never opened")]
    StreamState,
    /// A stream's final size changed, or data lies behind it (BC-07.20).
    #[error("the final size of a stream changed")]
    FinalSize,
    /// The control stream was ended or refused (BC-07.21).
    #[error("the control stream was closed")]
    ControlClosed,
}

impl TransportError {
    /// The code of the CLOSE frame (spec 07).
    #[must_use]
    pub const fn code(&self) -> u64 {
        match self {
            Self::FlowControl => 0x03,
            Self::StreamLimit => 0x04,
            Self::StreamState => 0x05,
            Self::FinalSize => 0x06,
            Self::Frame(_) => 0x07,
            Self::EmptyPacket | Self::AckOfUnsent => 0x0a,
            Self::ControlClosed => 0x0b,
        }
    }
}

/// The caller asked for something that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The stream does not exist: never opened, or both directions are over.
    #[error("no such stream: it was never opened or is over")]
    Unknown,
    /// The peer allows no more streams for now; retry when one has ended.
    #[error("the peer allows no more streams now; retry after one of them has ended")]
    Limit,
    /// The sending direction was finished or reset.
    #[error("the sending direction of the stream was already finished or reset")]
    Finished,
    /// The peer asked us to stop sending.
    #[error("the peer asked not to be sent more on the stream (code {0})")]
    Stopped(u64),
    /// The control stream lives as long as the link.
    #[error("the control stream cannot be finished, reset or stopped")]
    Control,
    /// A code above 2^62 - 1 is not representable.
    #[error("a code must be at most 2^62 - 1")]
    Code,
}

/// A datagram or announcement was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// It does not fit into a packet.
    #[error("{len} bytes do not fit into a packet; at most {max} do")]
    TooLong {
        /// Its length.
        len: usize,
        /// The longest that fits.
        max: usize,
    },
    /// Too many wait already.
    #[error("too many wait to be sent; retry after the next packets have left")]
    Full,
    /// Its number is above 2^62 - 1.
    #[error("a sequence number must be at most 2^62 - 1")]
    Number,
}
