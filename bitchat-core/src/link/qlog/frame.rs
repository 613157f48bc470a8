//! Frames, as a trace shows them: lengths, never contents (BC-13.21).

use crate::wire::frame::{Ack, Frame, Frames, NewConnectionId, Stream};
use core::ops::Range;
use serde::{Serialize, Serializer};

/// Frames that are told of one packet; a peer can put a thousand into it.
pub(super) const MAX_FRAMES: usize = 64;

/// The first frames of a payload, as far as it is made of frames.
pub(super) fn first(payload: &[u8]) -> Vec<QlogFrame<'_>> {
    let frames = Frames::new(payload).map_while(Result::ok).take(MAX_FRAMES);
    frames.map(|frame| QlogFrame::new(&frame)).collect()
}

#[derive(Serialize)]
pub(super) struct Length {
    length: usize,
    payload_length: usize,
}

const fn raw(bytes: usize) -> Length {
    Length { length: bytes, payload_length: bytes }
}

/// Packet numbers from the first to the last.
pub(super) struct AckRange(Range<u64>);

impl Serialize for AckRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.0.start, self.0.end.saturating_sub(1)].serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(tag = "frame_type", rename_all = "snake_case")]
pub(super) enum QlogFrame<'a> {
    Padding {
        raw: Length,
    },
    Ping,
    Ack {
        /// Milliseconds.
        ack_delay: f32,
        acked_ranges: Vec<AckRange>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ect0: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ect1: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ce: Option<u64>,
    },
    ResetStream {
        stream_id: u64,
        error: &'static str,
        error_code: u64,
        final_size: u64,
    },
    StopSending {
        stream_id: u64,
        error: &'static str,
        error_code: u64,
    },
    Stream {
        stream_id: u64,
        offset: u64,
        #[serde(skip_serializing_if = "core::ops::Not::not")]
        fin: bool,
        raw: Length,
    },
    MaxData {
        maximum: u64,
    },
    MaxStreamData {
        stream_id: u64,
        maximum: u64,
    },
    MaxStreams {
        stream_type: &'static str,
        maximum: u64,
    },
    NewConnectionId {
        sequence_number: u64,
        retire_prior_to: u64,
        connection_id: String,
    },
    RetireConnectionId {
        sequence_number: u64,
    },
    PathChallenge,
    PathResponse,
    Datagram {
        raw: Length,
    },
    ConnectionClose {
        error_space: &'static str,
        error_code: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// A frame that the schema does not have; spec 07 lists the types.
    Unknown {
        frame_type_bytes: u64,
    },
}

impl<'a> QlogFrame<'a> {
    fn new(frame: &Frame<'a>) -> Self {
        match *frame {
            Frame::Padding(length) => Self::Padding { raw: raw(length) },
            Frame::Ping => Self::Ping,
            Frame::Ack(ack) => Self::ack(&ack),
            Frame::Stream(Stream { id, offset, data, fin, .. }) => {
                Self::Stream { stream_id: id, offset, fin, raw: raw(data.len()) }
            }
            Frame::ResetStream { id, code, final_size } => {
                Self::ResetStream { stream_id: id, error: "unknown", error_code: code, final_size }
            }
            Frame::StopSending { id, code } => {
                Self::StopSending { stream_id: id, error: "unknown", error_code: code }
            }
            Frame::MaxData(maximum) => Self::MaxData { maximum },
            Frame::MaxStreamData { id, limit } => {
                Self::MaxStreamData { stream_id: id, maximum: limit }
            }
            Frame::MaxStreams(maximum) => {
                Self::MaxStreams { stream_type: "bidirectional", maximum }
            }
            Frame::NewConnectionId(NewConnectionId { sequence, retire_prior_to, id }) => {
                let connection_id = id.to_string();
                Self::NewConnectionId { sequence_number: sequence, retire_prior_to, connection_id }
            }
            Frame::RetireConnectionId { sequence } => {
                Self::RetireConnectionId { sequence_number: sequence }
            }
            Frame::PathChallenge(_) => Self::PathChallenge,
            Frame::PathResponse(_) => Self::PathResponse,
            Frame::Datagram(data) => Self::Datagram { raw: raw(data.len()) },
            Frame::Close { code, reason } => Self::ConnectionClose {
                error_space: "transport",
                error_code: code,
                reason: core::str::from_utf8(reason).ok().filter(|reason| !reason.is_empty()),
            },
            Frame::AckFrequency(_) | Frame::ImmediateAck | Frame::ObservedAddress(_) => {
                Self::Unknown { frame_type_bytes: kind(frame) }
            }
        }
    }

    fn ack(ack: &Ack<'_>) -> Self {
        Self::Ack {
            ack_delay: ack.delay().as_secs_f32() * 1_000.0,
            acked_ranges: ack.ranges().map(AckRange).collect(),
            ect0: ack.ecn.map(|counts| counts.ect0),
            ect1: ack.ecn.map(|counts| counts.ect1),
            ce: ack.ecn.map(|counts| counts.ce),
        }
    }
}

/// The type that the frame begins with.
fn kind(frame: &Frame<'_>) -> u64 {
    let mut bytes = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut bytes);
    bytes.first().copied().unwrap_or_default().into()
}
