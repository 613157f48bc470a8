//! What streams put into packets, and what they repeat when packets are lost.

use super::send::Step;
use super::{Class, Streams};
use crate::base::time::Timestamp;
use crate::transport::config::SendGate;
use crate::transport::packet::builder::PacketBuilder;
use crate::transport::packet::contents::SentFrame;
use crate::transport::stream_id::TransportStreamId;
use crate::wire::frame::Frame;
use core::ops::RangeInclusive;
use core::time::Duration;

impl Streams {
    /// Something waits to be put into a packet.
    pub(in crate::transport) fn has_work(&self, gate: SendGate) -> bool {
        match gate {
            SendGate::All => {
                self.credit.due
                    || self.count.due
                    || !self.control_queue.is_empty()
                    || !self.schedule.is_empty()
            }
            SendGate::ControlOnly => self
                .table
                .get(&TransportStreamId::CONTROL)
                .is_some_and(|stream| stream.scheduled || stream.credit_due),
        }
    }

    /// Writes credit, resets and stops.
    ///
    /// `round_trip` is the path's, once measured: windows grow by it.
    pub(in crate::transport) fn write_control(
        &mut self,
        now: Timestamp,
        round_trip: Option<Duration>,
        packet: &mut PacketBuilder<'_>,
        gate: SendGate,
    ) {
        if gate == SendGate::ControlOnly {
            self.write_stream_control(TransportStreamId::CONTROL, packet);
            return;
        }
        if self.credit.due {
            let frame = Frame::MaxData(self.credit.grant(now, round_trip, &mut self.growth));
            self.credit.due = !packet.put_recorded(&frame, SentFrame::MaxData);
        }
        if self.count.due {
            let frame = Frame::MaxStreams(self.count.grant());
            self.count.due = !packet.put_recorded(&frame, SentFrame::MaxStreams);
        }
        while let Some(&id) = self.control_queue.front()
            && self.write_stream_control(id, packet)
        {
            self.control_queue.pop_front();
            if let Some(stream) = self.table.get_mut(&id) {
                stream.control_queued = false;
            }
        }
    }

    /// False if there was no room for all that is due.
    fn write_stream_control(
        &mut self,
        id: TransportStreamId,
        packet: &mut PacketBuilder<'_>,
    ) -> bool {
        let stream_window = self.credit.window_of_streams();
        let Some(stream) = self.table.get_mut(&id) else { return true };
        let number = id.get();
        if let Some((code, final_size)) = stream.send.reset_pending() {
            let frame = Frame::ResetStream { id: number, code, final_size };
            if !packet.put_recorded(&frame, SentFrame::ResetStream(id)) {
                return false;
            }
            stream.send.on_reset(Step::Sent);
        }
        if let Some((code, step @ Step::Pending)) = &mut stream.stop {
            let frame = Frame::StopSending { id: number, code: *code };
            if !packet.put_recorded(&frame, SentFrame::StopSending(id)) {
                return false;
            }
            *step = Step::Sent;
        }
        if stream.credit_due {
            if !id.is_control() {
                stream.recv.credit.widen(stream_window);
            }
            let frame = Frame::MaxStreamData { id: number, limit: stream.recv.credit.grant() };
            stream.credit_due = !packet.put_recorded(&frame, SentFrame::MaxStreamData(id));
        }
        !stream.credit_due
    }

    /// Writes data of `classes`, the most urgent first.
    pub(in crate::transport) fn write_data(
        &mut self,
        packet: &mut PacketBuilder<'_>,
        classes: RangeInclusive<Class>,
    ) {
        for class in Class::ALL.into_iter().filter(|class| classes.contains(class)) {
            while let Some(id) = self.schedule.pop(class) {
                if !self.take_turn(id, class, packet) {
                    return;
                }
            }
        }
    }

    /// Writes data of the control stream only.
    pub(in crate::transport) fn write_control_data(&mut self, packet: &mut PacketBuilder<'_>) {
        let id = TransportStreamId::CONTROL;
        if self.table.get(&id).is_some_and(|stream| stream.scheduled) {
            self.schedule.remove(Class::Control, id);
            self.take_turn(id, Class::Control, packet);
        }
    }

    /// The turn of a stream that was taken out of its queue. False if the packet is full.
    fn take_turn(
        &mut self,
        id: TransportStreamId,
        class: Class,
        packet: &mut PacketBuilder<'_>,
    ) -> bool {
        let Self { table, schedule, blocked, credit, resent, .. } = self;
        let Some(stream) = table.get_mut(&id) else { return true };
        let mut wrote = false;
        loop {
            let sendable = credit.sendable(id);
            if !stream.send.has_work(sendable) {
                stream.scheduled = false;
                // It may now wait for the link's credit.
                stream.wait_for_link(id, blocked);
                return true;
            }
            let room = |start| packet.stream_room(id, start);
            let Some(piece) = stream.send.next_piece(sendable, room) else {
                // A stream that has had a turn goes to the end; one that found no room stays in
                // front.
                if wrote {
                    schedule.push(class, id);
                } else {
                    schedule.push_front(class, id);
                }
                return false;
            };
            packet.put_stream(id, &piece.range, piece.fin, piece.fresh > 0, |out| {
                stream.send.copy(piece.range.start, out);
            });
            stream.send.on_piece_sent(&piece);
            if stream.class.is_urgent() && piece.fresh > 0 {
                packet.mark_urgent();
            }
            *resent += piece.range.end - piece.range.start - piece.fresh;
            credit.on_sent(id, piece.fresh);
            wrote = true;
        }
    }

    /// Whether `frame` carried data of an urgent class for the first time.
    pub(in crate::transport) fn is_urgent(&self, frame: &SentFrame) -> bool {
        let SentFrame::Stream { id, fresh: true, .. } = frame else { return false };
        self.table.get(id).is_some_and(|stream| stream.class.is_urgent())
    }

    pub(in crate::transport) fn on_data_lost(
        &mut self,
        id: TransportStreamId,
        range: core::ops::Range<u64>,
        fin: bool,
    ) {
        if let Some(stream) = self.table.get_mut(&id) {
            stream.send.on_lost(range, fin);
            self.schedule(id);
        }
    }

    pub(in crate::transport) fn on_reset_lost(&mut self, id: TransportStreamId) {
        if let Some(stream) = self.table.get_mut(&id) {
            stream.send.on_reset(Step::Pending);
            self.queue_control(id);
        }
    }

    pub(in crate::transport) fn on_stop_lost(&mut self, id: TransportStreamId) {
        if let Some(stream) = self.table.get_mut(&id)
            && stream.recv.is_growing()
            && let Some((_, step)) = &mut stream.stop
        {
            *step = Step::Pending;
            self.queue_control(id);
        }
    }

    pub(in crate::transport) fn on_stream_credit_lost(&mut self, id: TransportStreamId) {
        if let Some(stream) = self.table.get_mut(&id)
            && stream.recv.wants_credit()
        {
            stream.credit_due = true;
            self.queue_control(id);
        }
    }

    pub(in crate::transport) fn on_link_credit_lost(&mut self) {
        self.credit.due = true;
    }

    pub(in crate::transport) fn on_open_limit_lost(&mut self) {
        self.count.due = true;
    }
}
