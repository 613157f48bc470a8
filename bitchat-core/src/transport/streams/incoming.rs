//! What the peer's frames do to streams.

use super::id::TransportStreamId;
use super::recv::Received;
use super::send::Step;
use super::{Class, Stream, Streams};
use crate::transport::error::TransportError;
use crate::transport::sink::TransportSink;
use crate::wire::frame;

impl Streams {
    /// Checks that the peer may name the stream, and opens it if the peer thereby does. False if
    /// the stream was and is over.
    fn locate(
        &mut self,
        id: TransportStreamId,
        sink: &mut impl TransportSink,
    ) -> Result<bool, TransportError> {
        if id.opener() == self.side {
            if id.index() >= self.opened {
                return Err(TransportError::StreamState);
            }
        } else if id.index() >= self.peer_open_limit {
            return Err(TransportError::StreamLimit);
        }
        // A stream opens all of its opener's before it (BC-07.25).
        while id.opener() != self.side && self.peer_opened <= id.index() {
            let opened = TransportStreamId::new(id.opener(), self.peer_opened);
            self.peer_opened += 1;
            self.table.insert(opened, Stream::new(Class::File, self.stream_window));
            sink.stream_opened(opened);
            self.grant_streams();
        }
        Ok(self.table.contains_key(&id))
    }

    /// Flow control and notices after data or a reset.
    fn settle(
        &mut self,
        id: TransportStreamId,
        received: Received,
        read_before: u64,
        sink: &mut impl TransportSink,
    ) -> Result<(), TransportError> {
        if !id.is_control() {
            self.credit.on_received(received.grown).map_err(|_| TransportError::FlowControl)?;
        }
        let position = self.table.get(&id).map_or(read_before, |stream| stream.recv.position());
        if position > read_before {
            self.consumed(id, position - read_before);
        }
        if received.readable {
            sink.stream_readable(id);
        }
        self.forget_if_over(id);
        Ok(())
    }

    /// False if the frame was refused because of too many gaps: its packet must not be
    /// acknowledged.
    pub(in crate::transport) fn on_stream(
        &mut self,
        frame: &frame::Stream<'_>,
        sink: &mut impl TransportSink,
    ) -> Result<bool, TransportError> {
        let id = TransportStreamId::from_wire(frame.id);
        if id.is_control() && frame.fin {
            return Err(TransportError::ControlClosed);
        }
        self.locate(id, sink)?;
        let max_gaps = self.max_gaps;
        let Some(stream) = self.table.get_mut(&id) else { return Ok(true) };
        let before = stream.recv.position();
        let received = stream.recv.on_data(frame.offset, frame.data, frame.fin, max_gaps)?;
        if received.refused {
            return Ok(false);
        }
        self.settle(id, received, before, sink)?;
        Ok(true)
    }

    pub(in crate::transport) fn on_reset(
        &mut self,
        id: u64,
        code: u64,
        final_size: u64,
        sink: &mut impl TransportSink,
    ) -> Result<(), TransportError> {
        let id = TransportStreamId::from_wire(id);
        if id.is_control() {
            return Err(TransportError::ControlClosed);
        }
        self.locate(id, sink)?;
        let Some(stream) = self.table.get_mut(&id) else { return Ok(()) };
        let before = stream.recv.position();
        let received = stream.recv.on_reset(code, final_size)?;
        self.settle(id, received, before, sink)
    }

    pub(in crate::transport) fn on_stop_sending(
        &mut self,
        id: u64,
        code: u64,
        sink: &mut impl TransportSink,
    ) -> Result<(), TransportError> {
        let id = TransportStreamId::from_wire(id);
        if id.is_control() {
            return Err(TransportError::ControlClosed);
        }
        self.locate(id, sink)?;
        let Some(stream) = self.table.get_mut(&id) else { return Ok(()) };
        if stream.send.stopped.is_some() || stream.send.is_over() {
            return Ok(());
        }
        stream.send.stopped = Some(code);
        self.buffered -= stream.send.reset(code);
        self.queue_control(id);
        sink.stream_stopped(id, code);
        Ok(())
    }

    pub(in crate::transport) fn on_max_data(&mut self, limit: u64) {
        // Credit is never taken back (BC-07.27).
        if limit <= self.data_limit {
            return;
        }
        self.data_limit = limit;
        for id in core::mem::take(&mut self.blocked) {
            if let Some(stream) = self.table.get_mut(&id) {
                stream.blocked = false;
                self.schedule(id);
            }
        }
    }

    pub(in crate::transport) fn on_max_stream_data(
        &mut self,
        id: u64,
        limit: u64,
        sink: &mut impl TransportSink,
    ) -> Result<(), TransportError> {
        let id = TransportStreamId::from_wire(id);
        self.locate(id, sink)?;
        if let Some(stream) = self.table.get_mut(&id)
            && stream.send.raise_limit(limit)
        {
            self.schedule(id);
        }
        Ok(())
    }

    pub(in crate::transport) fn on_max_streams(
        &mut self,
        limit: u64,
        sink: &mut impl TransportSink,
    ) {
        if limit > self.open_limit {
            self.open_limit = limit;
            if core::mem::take(&mut self.opener_waits) {
                sink.streams_available();
            }
        }
    }

    /// Tells the writers that wait and now have room. With some hysteresis, so that a full buffer
    /// does not wake them for every packet.
    pub(in crate::transport) fn notify_writers(&mut self, sink: &mut impl TransportSink) {
        let Self { table, waiting_writers, send_buffer, buffered, .. } = self;
        waiting_writers.retain(|id| {
            let Some(stream) = table.get_mut(id) else { return false };
            let share = stream.class.share(*send_buffer);
            let waits = stream.send.is_open() && *buffered > share - share / 8;
            if !waits {
                stream.writer_waits = false;
                sink.stream_writable(*id);
            }
            waits
        });
    }

    /// The peer got a STREAM frame of ours.
    pub(in crate::transport) fn on_data_acked(
        &mut self,
        id: TransportStreamId,
        range: core::ops::Range<u64>,
        fin: bool,
    ) {
        if let Some(stream) = self.table.get_mut(&id) {
            self.buffered -= stream.send.on_acked(range, fin);
            self.forget_if_over(id);
        }
    }

    /// The peer got a RESET_STREAM of ours.
    pub(in crate::transport) fn on_reset_acked(&mut self, id: TransportStreamId) {
        if let Some(stream) = self.table.get_mut(&id) {
            stream.send.on_reset(Step::Acked);
            self.forget_if_over(id);
        }
    }
}
