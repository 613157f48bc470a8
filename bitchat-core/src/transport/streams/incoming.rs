//! What the peer's frames do to streams.

use super::flow::ReceiveCredit;
use super::id::TransportStreamId;
use super::send::Step;
use super::{Class, Stream, Streams};
use crate::transport::error::TransportError;
use crate::transport::sink::TransportSink;
use crate::wire::frame;

/// Gaps that one stream may have, `max_gaps` at the window of the start: a node for each costs less
/// than the data between them (BC-07.82).
fn gaps_allowed(max_gaps: usize, credit: &ReceiveCredit, least_window: u64) -> usize {
    let times = credit.window() / least_window.max(1);
    max_gaps.saturating_mul(usize::try_from(times).unwrap_or(usize::MAX).max(1))
}

impl Streams {
    /// The stream is open, or was and is over.
    fn was_opened(&self, id: TransportStreamId) -> bool {
        let opened = if id.opener() == self.side { self.opened } else { self.peer_opened };
        id.index() < opened
    }

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
            let stream = Box::new(Stream::new(Class::File, self.stream_window));
            self.table.insert(opened, stream);
            sink.stream_opened(opened);
            self.grant_streams();
        }
        Ok(self.table.contains_key(&id))
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
        if !self.was_opened(id) {
            self.locate(id, sink)?;
        }
        let Self {
            table, pool, credit, credit_due, control_queue, max_gaps, receive_window, ..
        } = self;
        let Some(stream) = table.get_mut(&id) else { return Ok(true) };
        let end = frame.end();
        let max_gaps = || gaps_allowed(*max_gaps, credit, *receive_window);
        if stream.recv.refuses(&(frame.offset..end), max_gaps) {
            return Ok(false);
        }
        let was_readable = stream.recv.is_readable();
        let grown = stream.recv.check_size(end, frame.fin)?;
        if !id.is_control() {
            credit.on_received(grown).map_err(|_| TransportError::FlowControl)?;
        }
        let take = |data: &[u8]| sink.stream_data(id, data);
        let consumed = stream.recv.on_data(frame.offset, frame.data, pool, take);
        if consumed > 0 {
            if !id.is_control() {
                *credit_due |= credit.on_consumed(consumed);
            }
            if stream.recv.credit.on_consumed(consumed) && stream.recv.wants_credit() {
                stream.credit_due = true;
                stream.queue_control(id, control_queue);
            }
        }
        if !was_readable && stream.recv.is_readable() {
            sink.stream_readable(id);
        }
        if stream.is_over() {
            self.forget_if_over(id);
        }
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
        let grown = stream.recv.check_size(final_size, true)?;
        self.credit.on_received(grown).map_err(|_| TransportError::FlowControl)?;
        if let Some(consumed) = stream.recv.on_reset(code, final_size, &mut self.pool) {
            if stream.recv.is_readable() {
                sink.stream_readable(id);
            }
            self.consumed(id, consumed);
        }
        self.forget_if_over(id);
        Ok(())
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
        self.buffered -= stream.send.reset(code, &mut self.pool);
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
        let Self { table, pool, buffered, .. } = self;
        if let Some(stream) = table.get_mut(&id) {
            *buffered -= stream.send.on_acked(range, fin, pool);
            if stream.is_over() {
                self.forget_if_over(id);
            }
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
