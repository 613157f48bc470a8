//! Filling one packet.

use super::sent::SentFrame;
use super::streams::TransportStreamId;
use crate::base::rangeset::RangeSet;
use crate::wire::frame::{EcnCounts, Frame, Stream, encode_ack, put_stream_header};
use crate::wire::varint;
use core::ops::Range;
use core::time::Duration;

/// A smaller piece of a stream waits for the next packet rather than fill this one up.
const MIN_PIECE: usize = 32;

/// A packet under construction: borrows the caller's buffer and the list of what it carries.
#[derive(Debug)]
pub(super) struct PacketBuilder<'a> {
    /// What is left of the buffer.
    rest: &'a mut [u8],
    capacity: usize,
    frames: &'a mut Vec<SentFrame>,
    ack_eliciting: bool,
    traffic: bool,
    user_data: bool,
    urgent: bool,
}

impl<'a> PacketBuilder<'a> {
    pub(super) fn new(buf: &'a mut [u8], frames: &'a mut Vec<SentFrame>) -> Self {
        frames.clear();
        Self {
            capacity: buf.len(),
            rest: buf,
            frames,
            ack_eliciting: false,
            traffic: false,
            user_data: false,
            urgent: false,
        }
    }

    /// Bytes that are still free.
    pub(super) const fn room(&self) -> usize {
        self.rest.len()
    }

    pub(super) const fn len(&self) -> usize {
        self.capacity - self.rest.len()
    }

    pub(super) const fn is_ack_eliciting(&self) -> bool {
        self.ack_eliciting
    }

    pub(super) const fn has_traffic(&self) -> bool {
        self.traffic
    }

    pub(super) const fn has_user_data(&self) -> bool {
        self.user_data
    }

    /// It holds urgent data that was never sent before.
    pub(super) const fn is_urgent(&self) -> bool {
        self.urgent
    }

    pub(super) fn mark_urgent(&mut self) {
        self.urgent = true;
    }

    /// Appends `frame` if there is room.
    pub(super) fn put(&mut self, frame: &Frame<'_>) -> bool {
        if frame.encoded_len() > self.room() {
            return false;
        }
        let mut out = core::mem::take(&mut self.rest);
        frame.encode(&mut out);
        self.rest = out;
        self.ack_eliciting |= frame.is_ack_eliciting();
        self.traffic |=
            frame.is_ack_eliciting() && !matches!(frame, Frame::Ping | Frame::ImmediateAck);
        self.user_data |= matches!(frame, Frame::Datagram(_));
        true
    }

    /// Appends `frame` if there is room, and notes `sent`.
    pub(super) fn put_recorded(&mut self, frame: &Frame<'_>, sent: SentFrame) -> bool {
        let done = self.put(frame);
        if done {
            self.record(sent);
        }
        done
    }

    pub(super) fn put_ack(
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
    pub(super) fn stream_room(&self, id: TransportStreamId, offset: u64) -> Option<u64> {
        let room = self.room().checked_sub(Stream::header_len(id.get(), offset))?;
        let worthwhile = room >= MIN_PIECE || self.len() == 0;
        worthwhile.then_some(room as u64)
    }

    /// Appends a STREAM frame of `range`, which [`stream_room`](Self::stream_room) allowed; `copy`
    /// fills in the data. `fresh`: some of it was never sent before.
    pub(super) fn put_stream(
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
        self.ack_eliciting = true;
        self.traffic = true;
        self.user_data |= !id.is_control();
    }

    /// Notes what the packet carries.
    pub(super) fn record(&mut self, sent: SentFrame) {
        self.frames.push(sent);
    }
}
