//! Writing frames.

use super::{Ack, AckFrequency, EcnCounts, Frame, NewConnectionId, Stream, code};
use crate::base::addr;
use crate::wire::varint;
use crate::wire::writer::Put;
use bytes::BufMut;
use core::net::SocketAddr;

impl Frame<'_> {
    /// Bytes that [`Frame::encode`] writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Padding(len) => *len,
            Self::Ping => 1,
            Self::Ack(ack) => ack_len(ack),
            Self::Stream(stream) => stream.encoded_len(),
            Self::ResetStream { id, code, final_size } => fields(&[*id, *code, *final_size]),
            Self::StopSending { id, code } => fields(&[*id, *code]),
            Self::MaxData(limit) | Self::MaxStreams(limit) => fields(&[*limit]),
            Self::MaxStreamData { id, limit } => fields(&[*id, *limit]),
            Self::AckFrequency(ask) => fields(&ask_values(ask)),
            Self::ImmediateAck => 1,
            Self::Datagram(data) => fields(&[data.len() as u64]) + data.len(),
            Self::PathChallenge(_) | Self::PathResponse(_) => 1 + 8,
            Self::ObservedAddress(_) => 1 + 18,
            Self::NewConnectionId(new) => fields(&[new.sequence, new.retire_prior_to]) + 8,
            Self::RetireConnectionId { sequence } => fields(&[*sequence]),
            Self::Close { code, reason } => fields(&[*code, reason.len() as u64]) + reason.len(),
        }
    }

    /// Appends the frame. The caller has checked that there is room for
    /// [`encoded_len`](Self::encoded_len) bytes and that every number is at most [`varint::MAX`].
    pub fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Padding(len) => out.put_bytes(code::PADDING, *len),
            Self::Ping => out.put_u8(code::PING),
            Self::Ack(ack) => put_ack(out, ack),
            Self::Stream(stream) => stream.encode(out),
            Self::ResetStream { id, code, final_size } => {
                put(out, code::RESET_STREAM, &[*id, *code, *final_size]);
            }
            Self::StopSending { id, code } => put(out, code::STOP_SENDING, &[*id, *code]),
            Self::MaxData(limit) => put(out, code::MAX_DATA, &[*limit]),
            Self::MaxStreamData { id, limit } => put(out, code::MAX_STREAM_DATA, &[*id, *limit]),
            Self::MaxStreams(limit) => put(out, code::MAX_STREAMS, &[*limit]),
            Self::AckFrequency(ask) => put(out, code::ACK_FREQUENCY, &ask_values(ask)),
            Self::ImmediateAck => out.put_u8(code::IMMEDIATE_ACK),
            Self::Datagram(data) => {
                out.put_u8(code::DATAGRAM_LEN);
                out.put_prefixed(data);
            }
            Self::PathChallenge(token) => put_bytes(out, code::PATH_CHALLENGE, token),
            Self::PathResponse(token) => put_bytes(out, code::PATH_RESPONSE, token),
            Self::ObservedAddress(address) => put_address(out, *address),
            Self::NewConnectionId(NewConnectionId { sequence, retire_prior_to, id }) => {
                put(out, code::NEW_CONNECTION_ID, &[*sequence, *retire_prior_to]);
                out.put_slice(id.as_bytes());
            }
            Self::RetireConnectionId { sequence } => {
                put(out, code::RETIRE_CONNECTION_ID, &[*sequence]);
            }
            Self::Close { code, reason } => {
                put(out, code::CLOSE, &[*code]);
                out.put_prefixed(reason);
            }
        }
    }
}

impl Stream<'_> {
    /// Bytes of the frame without its data and without a length field.
    #[must_use]
    pub const fn header_len(id: u64, offset: u64) -> usize {
        1 + varint::len(id) + if offset == 0 { 0 } else { varint::len(offset) }
    }

    fn encoded_len(&self) -> usize {
        let length = if self.to_end { 0 } else { varint::len(self.data.len() as u64) };
        Self::header_len(self.id, self.offset) + length + self.data.len()
    }

    fn encode(&self, out: &mut impl BufMut) {
        let len = (!self.to_end).then_some(self.data.len());
        put_stream_header(out, self.id, self.offset, len, self.fin);
        out.put_slice(self.data);
    }
}

/// Appends a STREAM frame up to its data, which the caller writes behind it; without `len` the data
/// is the rest of the packet.
pub fn put_stream_header(
    out: &mut impl BufMut,
    id: u64,
    offset: u64,
    len: Option<usize>,
    fin: bool,
) {
    let bit = |set, bit| if set { bit } else { 0 };
    out.put_u8(
        code::STREAM
            | bit(fin, code::STREAM_FIN)
            | bit(len.is_some(), code::STREAM_LEN)
            | bit(offset != 0, code::STREAM_OFF),
    );
    out.put_varint(id);
    if offset != 0 {
        out.put_varint(offset);
    }
    if let Some(len) = len {
        out.put_varint(len as u64);
    }
}

/// Bytes of a type and of `values`.
fn fields(values: &[u64]) -> usize {
    1 + values.iter().map(|&value| varint::len(value)).sum::<usize>()
}

fn put(out: &mut impl BufMut, kind: u8, values: &[u64]) {
    out.put_u8(kind);
    values.iter().for_each(|&value| out.put_varint(value));
}

const fn ask_values(ask: &AckFrequency) -> [u64; 4] {
    [ask.sequence, ask.packets, ask.max_delay_micros, ask.reordering]
}

fn put_bytes(out: &mut impl BufMut, kind: u8, bytes: &[u8]) {
    out.put_u8(kind);
    out.put_slice(bytes);
}

fn put_address(out: &mut impl BufMut, address: SocketAddr) {
    put_bytes(out, code::OBSERVED_ADDRESS, &addr::to_bytes(address.ip()));
    out.put_u16_le(address.port());
}

fn ecn_values(ecn: Option<EcnCounts>) -> impl Iterator<Item = u64> {
    ecn.into_iter().flat_map(|ecn| [ecn.ect0, ecn.ect1, ecn.ce])
}

fn ack_len(ack: &Ack<'_>) -> usize {
    fields(&[ack.largest, ack.delay_micros, ack.count as u64, ack.first])
        + ack.ranges.len()
        + ecn_values(ack.ecn).map(varint::len).sum::<usize>()
}

fn put_ack(out: &mut impl BufMut, ack: &Ack<'_>) {
    let kind = if ack.ecn.is_some() { code::ACK_ECN } else { code::ACK };
    put(out, kind, &[ack.largest, ack.delay_micros, ack.count as u64, ack.first]);
    out.put_slice(ack.ranges);
    ecn_values(ack.ecn).for_each(|value| out.put_varint(value));
}
