//! Walking the frames of a payload.

use super::{Ack, AckFrequency, Frame, FrameError, MAX_REASON_LEN, NewConnectionId, Stream, code};
use crate::base::addr;
use crate::base::ids::ConnectionId;
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::varint;
use core::net::SocketAddr;

/// The frames of one payload in order. After an error it yields nothing more.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    reader: Reader<'a>,
}

impl<'a> Frames<'a> {
    /// Starts at the first byte of `payload`, the whole plaintext of a packet.
    #[must_use]
    pub const fn new(payload: &'a [u8]) -> Self {
        Self { reader: Reader::new(payload) }
    }

    fn frame(&mut self, kind: u8) -> Result<Frame<'a>, FrameError> {
        let malformed = |error| FrameError::Malformed { kind, error };
        match kind {
            code::PADDING => Ok(Frame::Padding(1 + self.reader.skip_zeros())),
            code::ACK | code::ACK_ECN => {
                Ack::decode(&mut self.reader, kind == code::ACK_ECN).map(Frame::Ack)
            }
            code::STREAM..=code::STREAM_LAST => self.stream(kind),
            _ => self.fields(kind).map_err(malformed)?.ok_or(FrameError::UnknownType(kind)),
        }
    }

    /// The frames that are a plain list of fields; `None` for an unknown type.
    fn fields(&mut self, kind: u8) -> Result<Option<Frame<'a>>, DecodeError> {
        let reader = &mut self.reader;
        Ok(Some(match kind {
            code::PING => Frame::Ping,
            code::RESET_STREAM => Frame::ResetStream {
                id: reader.varint()?,
                code: reader.varint()?,
                final_size: reader.varint()?,
            },
            code::STOP_SENDING => {
                Frame::StopSending { id: reader.varint()?, code: reader.varint()? }
            }
            code::MAX_DATA => Frame::MaxData(reader.varint()?),
            code::MAX_STREAM_DATA => {
                Frame::MaxStreamData { id: reader.varint()?, limit: reader.varint()? }
            }
            code::MAX_STREAMS => Frame::MaxStreams(reader.varint()?),
            code::ACK_FREQUENCY => Frame::AckFrequency(ack_frequency(reader)?),
            code::IMMEDIATE_ACK => Frame::ImmediateAck,
            code::NEW_CONNECTION_ID => Frame::NewConnectionId(new_connection_id(reader)?),
            code::RETIRE_CONNECTION_ID => Frame::RetireConnectionId { sequence: reader.varint()? },
            code::PATH_CHALLENGE => Frame::PathChallenge(reader.array()?),
            code::PATH_RESPONSE => Frame::PathResponse(reader.array()?),
            code::CLOSE => {
                Frame::Close { code: reader.varint()?, reason: reader.prefixed(MAX_REASON_LEN)? }
            }
            code::OBSERVED_ADDRESS => Frame::ObservedAddress(address(reader)?),
            code::DATAGRAM => Frame::Datagram(reader.rest()),
            code::DATAGRAM_LEN => Frame::Datagram(reader.prefixed(usize::MAX)?),
            _ => return Ok(None),
        }))
    }

    fn stream(&mut self, kind: u8) -> Result<Frame<'a>, FrameError> {
        let malformed = |error| FrameError::Malformed { kind, error };
        let reader = &mut self.reader;
        let id = reader.varint().map_err(malformed)?;
        let has_offset = kind & code::STREAM_OFF != 0;
        let offset = if has_offset { reader.varint().map_err(malformed)? } else { 0 };
        let to_end = kind & code::STREAM_LEN == 0;
        let data =
            if to_end { reader.rest() } else { reader.prefixed(usize::MAX).map_err(malformed)? };
        let fin = kind & code::STREAM_FIN != 0;
        if offset + data.len() as u64 > varint::MAX {
            return Err(FrameError::OffsetOverflow);
        }
        if data.is_empty() && !fin {
            return Err(FrameError::EmptyStream);
        }
        Ok(Frame::Stream(Stream { id, offset, data, fin, to_end }))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.reader.u8().ok()?;
        let frame = self.frame(kind);
        if frame.is_err() {
            self.reader.rest();
        }
        Some(frame)
    }
}

fn ack_frequency(reader: &mut Reader<'_>) -> Result<AckFrequency, DecodeError> {
    Ok(AckFrequency {
        sequence: reader.varint()?,
        packets: reader.varint()?,
        max_delay_micros: reader.varint()?,
        reordering: reader.varint()?,
    })
}

fn new_connection_id(reader: &mut Reader<'_>) -> Result<NewConnectionId, DecodeError> {
    let sequence = reader.varint()?;
    let retire_prior_to = reader.varint()?;
    // BC-07.07
    if retire_prior_to > sequence {
        return Err(DecodeError::Invalid("retire prior to"));
    }
    Ok(NewConnectionId { sequence, retire_prior_to, id: ConnectionId(reader.array()?) })
}

fn address(reader: &mut Reader<'_>) -> Result<SocketAddr, DecodeError> {
    Ok(SocketAddr::new(addr::from_bytes(reader.array()?), reader.u16()?))
}
