//! Filling one packet.

use super::contents::SentFrame;
use crate::base::rangeset::RangeSet;
use crate::transport::stream_id::TransportStreamId;
use crate::wire::frame::{EcnCounts, Frame, Stream, encode_ack, put_stream_header};
use crate::wire::varint;
use core::ops::Range;
use core::time::Duration;

/// A smaller piece of a stream waits for the next packet rather than fill this one up.
const MIN_PIECE: usize = 32;

/// What kinds of frames are in a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::transport) struct Carried {
    /// The peer will acknowledge it.
    pub(in crate::transport) ack_eliciting: bool,
    /// An ack-eliciting frame other than PING and IMMEDIATE_ACK.
    pub(in crate::transport) traffic: bool,
    /// Data of a stream other than the control stream, or a datagram.
    pub(in crate::transport) user_data: bool,
    /// Urgent data that was never sent before.
    pub(in crate::transport) urgent: bool,
}

/// A packet under construction: borrows the caller's buffer and the list of what it carries.
#[derive(Debug)]
pub(in crate::transport) struct PacketBuilder<'a> {
    /// What is left of the buffer.
    rest: &'a mut [u8],
    capacity: usize,
    frames: &'a mut Vec<SentFrame>,
    carried: Carried,
}

impl<'a> PacketBuilder<'a> {
    pub(in crate::transport) fn new(buf: &'a mut [u8], frames: &'a mut Vec<SentFrame>) -> Self {
        frames.clear();
        Self { capacity: buf.len(), rest: buf, frames, carried: Carried::default() }
    }

    /// Bytes that are still free.
    pub(in crate::transport) const fn room(&self) -> usize {
        self.rest.len()
    }

    pub(in crate::transport) const fn len(&self) -> usize {
        self.capacity - self.rest.len()
    }

    pub(in crate::transport) const fn is_ack_eliciting(&self) -> bool {
        self.carried.ack_eliciting
    }

    pub(in crate::transport) const fn carried(&self) -> Carried {
        self.carried
    }

    /// The packet holds urgent data that was never sent before.
    pub(in crate::transport) fn mark_urgent(&mut self) {
        self.carried.urgent = true;
    }

    /// Appends `frame` if there is room.
    pub(in crate::transport) fn put(&mut self, frame: &Frame<'_>) -> bool {
        if frame.encoded_len() > self.room() {
            return false;
        }
        let mut out = core::mem::take(&mut self.rest);
        frame.encode(&mut out);
        self.rest = out;
        self.carried.ack_eliciting |= frame.is_ack_eliciting();
        self.carried.traffic |=
            frame.is_ack_eliciting() && !matches!(frame, Frame::Ping | Frame::ImmediateAck);
        self.carried.user_data |= matches!(frame, Frame::Datagram(_));
        true
    }

    /// Appends `frame` if there is room, and notes `sent`.
    pub(in crate::transport) fn put_recorded(
        &mut self,
        frame: &Frame<'_>,
        sent: SentFrame,
    ) -> bool {
        let done = self.put(frame);
        if done {
            self.record(sent);
        }
        done
    }

    pub(in crate::transport) fn put_ack(
        &mut self,
        delay: Duration,
        received: &RangeSet,
        ecn: Option<EcnCounts>,
    ) -> bool {
        // At most half the packet, so that reports never crowd out what they report on.
        let room = self.room().min(self.capacity / 2);
        let mut out = core::mem::take(&mut self.rest);
        let done = encode_ack(&mut out, room, delay, received, ecn);
        self.rest = out;
        done
    }

    /// Bytes of stream data that fit behind the header of a STREAM frame at `offset`.
    pub(in crate::transport) fn stream_room(
        &self,
        id: TransportStreamId,
        offset: u64,
    ) -> Option<u64> {
        let room = self.room().checked_sub(Stream::header_len(id.get(), offset))?;
        let worthwhile = room >= MIN_PIECE || self.len() == 0;
        worthwhile.then_some(room as u64)
    }

    /// Appends a STREAM frame of `range`, which [`stream_room`](Self::stream_room) allowed; `copy`
    /// fills in the data. `fresh`: some of it was never sent before.
    pub(in crate::transport) fn put_stream(
        &mut self,
        id: TransportStreamId,
        range: &Range<u64>,
        fin: bool,
        fresh: bool,
        copy: impl FnOnce(&mut [u8]),
    ) {
        let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let header = Stream::header_len(id.get(), range.start);
        let with_length = header + varint::len(len as u64) + len <= self.room();
        let mut out = core::mem::take(&mut self.rest);
        put_stream_header(&mut out, id.get(), range.start, with_length.then_some(len), fin);
        if let Some((data, rest)) = out.split_at_mut_checked(len) {
            copy(data);
            // Without a length field the data is the rest of the packet.
            self.capacity -= if with_length { 0 } else { rest.len() };
            self.rest = if with_length { rest } else { &mut [] };
        }
        self.record(SentFrame::Stream { id, start: range.start, end: range.end, fin, fresh });
        self.carried.ack_eliciting = true;
        self.carried.traffic = true;
        self.carried.user_data |= !id.is_control();
    }

    /// Notes what the packet carries.
    pub(in crate::transport) fn record(&mut self, sent: SentFrame) {
        self.frames.push(sent);
    }
}
