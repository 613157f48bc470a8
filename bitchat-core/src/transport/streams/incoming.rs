//! What the peer's frames do to streams.

use super::send::Step;
use super::{Class, Streams};
use crate::transport::error::TransportError;
use crate::transport::sink::TransportSink;
use crate::transport::stream_id::TransportStreamId;
use crate::wire::frame;

impl Streams {
    /// Checks that the peer may name the stream, and opens it if the peer thereby does. False if
    /// the stream was and is over.
    fn locate(
        &mut self,
        id: TransportStreamId,
        sink: &mut impl TransportSink,
    ) -> Result<bool, TransportError> {
        self.count.check(id)?;
        while let Some(opened) = self.count.next_opened_by_peer(id) {
            self.insert(opened, Class::File);
            sink.stream_opened(opened);
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
        if !self.count.was_opened(id) {
            self.locate(id, sink)?;
        }
        let Self { table, pool, credit, control_queue, .. } = self;
        let Some(stream) = table.get_mut(&id) else { return Ok(true) };
        let end = frame.end();
        if stream.recv.refuses(&(frame.offset..end), || credit.gaps_allowed()) {
            return Ok(false);
        }
        let was_readable = stream.recv.is_readable();
        let grown = stream.recv.check_size(end, frame.fin)?;
        credit.on_received(id, grown)?;
        if stream.apart {
            credit.on_consumed(id, grown);
        }
        let take = |data: &[u8]| sink.stream_data(id, data);
        let consumed = stream.recv.on_data(frame.offset, frame.data, pool, take);
        if consumed > 0 {
            if !stream.apart {
                credit.on_consumed(id, consumed);
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
        self.credit.on_received(id, grown)?;
        if stream.apart {
            self.credit.on_consumed(id, grown);
        }
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
        self.buffer.used -= stream.send.reset(code, &mut self.pool);
        self.queue_control(id);
        sink.stream_stopped(id, code);
        Ok(())
    }

    pub(in crate::transport) fn on_max_data(&mut self, limit: u64) {
        if !self.credit.raise_limit(limit) {
            return;
        }
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
        if self.count.raise_limit(limit) {
            sink.streams_available();
        }
    }

    /// Tells the writers that wait and now have room.
    pub(in crate::transport) fn notify_writers(&mut self, sink: &mut impl TransportSink) {
        let Self { table, waiting_writers, buffer, .. } = self;
        waiting_writers.retain(|id| {
            let Some(stream) = table.get_mut(id) else { return false };
            let waits = stream.send.is_open() && !buffer.is_roomy(stream.class);
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
        let Self { table, pool, buffer, .. } = self;
        if let Some(stream) = table.get_mut(&id) {
            buffer.used -= stream.send.on_acked(range, fin, pool);
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
