//! All streams of a session: opening, writing, reading, and the credit that they share.

mod blocks;
mod buffer;
mod count;
mod credit;
mod flow;
mod incoming;
pub mod messages;
mod outgoing;
mod recv;
mod schedule;
mod send;

pub use recv::Read;
pub use schedule::Class;

use crate::transport::config::{Side, TransportConfig};
use crate::transport::error::StreamError;
use crate::transport::stream_id::TransportStreamId;
use crate::wire::varint;
use blocks::Pool;
use buffer::SendBuffer;
use count::StreamCount;
use credit::LinkCredit;
use flow::Growth;
use recv::RecvHalf;
use schedule::Schedule;
use send::{SendHalf, Step};
use std::collections::{BTreeMap, VecDeque};

/// One bidirectional stream.
#[derive(Debug)]
struct Stream {
    class: Class,
    send: SendHalf,
    recv: RecvHalf,
    /// STOP_SENDING, with its code.
    stop: Option<(u64, Step)>,
    /// MAX_STREAM_DATA is to be sent.
    credit_due: bool,
    /// In a queue of the schedule.
    scheduled: bool,
    /// Among the streams that wait for the link's credit.
    blocked: bool,
    /// Among the streams with a control frame to send.
    control_queued: bool,
    /// Among the streams whose writer waits.
    writer_waits: bool,
    /// What it holds unread does not count for the link's window: a reader that pauses holds up
    /// nobody else.
    apart: bool,
}

impl Stream {
    const fn new(class: Class, window: u64) -> Self {
        Self {
            class,
            send: SendHalf::new(),
            recv: RecvHalf::new(window),
            stop: None,
            credit_due: false,
            scheduled: false,
            blocked: false,
            control_queued: false,
            writer_waits: false,
            apart: false,
        }
    }

    /// Puts the stream in line if it has data to send, or notes that it waits for the link's
    /// credit.
    fn schedule(
        &mut self,
        id: TransportStreamId,
        credit: u64,
        schedule: &mut Schedule,
        blocked: &mut Vec<TransportStreamId>,
    ) {
        if self.scheduled {
            return;
        }
        if self.send.has_work(credit) {
            self.scheduled = true;
            schedule.push(self.class, id);
        } else {
            self.wait_for_link(id, blocked);
        }
    }

    /// Notes that the stream waits for the link's credit, if that is all it waits for.
    fn wait_for_link(&mut self, id: TransportStreamId, blocked: &mut Vec<TransportStreamId>) {
        if self.send.waits_for_link() && !core::mem::replace(&mut self.blocked, true) {
            blocked.push(id);
        }
    }

    /// The bytes that `buffer` lets the application write now.
    fn writable(&self, buffer: &SendBuffer) -> Result<usize, StreamError> {
        if let Some(code) = self.send.stopped {
            return Err(StreamError::Stopped(code));
        }
        if !self.send.is_open() {
            return Err(StreamError::Finished);
        }
        Ok(buffer.room(self.class))
    }

    /// Notes that there is a control frame to send.
    fn queue_control(&mut self, id: TransportStreamId, queue: &mut VecDeque<TransportStreamId>) {
        if !core::mem::replace(&mut self.control_queued, true) {
            queue.push_back(id);
        }
    }

    /// Both directions are over.
    fn is_over(&self) -> bool {
        self.send.is_over() && self.recv.is_over()
    }
}

/// All streams of a link.
#[derive(Debug)]
pub(super) struct Streams {
    /// Boxed, since a node of the tree has room for eleven and most links have few streams.
    table: BTreeMap<TransportStreamId, Box<Stream>>,
    pool: Pool,
    schedule: Schedule,
    count: StreamCount,
    credit: LinkCredit,
    buffer: SendBuffer,
    /// By how much the window and the send buffer have grown, and may.
    growth: Growth,
    /// Bytes sent again.
    pub(super) resent: u64,
    /// Streams that wait for the link's credit.
    blocked: Vec<TransportStreamId>,
    /// Streams with a control frame to send.
    control_queue: VecDeque<TransportStreamId>,
    /// Streams whose writer waits for room.
    waiting_writers: Vec<TransportStreamId>,
}

impl Streams {
    pub(super) fn new(config: &TransportConfig, side: Side) -> Self {
        let control = Box::new(Stream::new(Class::Control, config.stream_window));
        Self {
            table: BTreeMap::from([(TransportStreamId::CONTROL, control)]),
            pool: Pool::default(),
            schedule: Schedule::default(),
            count: StreamCount::new(side, config.streams),
            credit: LinkCredit::new(config),
            buffer: SendBuffer::new(config.send_buffer),
            growth: Growth::new(config.growth),
            resent: 0,
            blocked: Vec::new(),
            control_queue: VecDeque::new(),
            waiting_writers: Vec::new(),
        }
    }

    fn get(&mut self, id: TransportStreamId) -> Result<&mut Stream, StreamError> {
        self.table.get_mut(&id).map(|stream| &mut **stream).ok_or(StreamError::Unknown)
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) const fn buffered(&self) -> usize {
        self.buffer.used
    }

    pub(super) const fn unread(&self) -> u64 {
        self.credit.unread()
    }

    pub(super) fn open(&mut self, class: Class) -> Result<TransportStreamId, StreamError> {
        let id = self.count.open().ok_or(StreamError::Limit)?;
        self.insert(id, class);
        Ok(id)
    }

    fn insert(&mut self, id: TransportStreamId, class: Class) {
        self.table.insert(id, Box::new(Stream::new(class, self.credit.stream_window)));
    }

    pub(super) fn set_class(
        &mut self,
        id: TransportStreamId,
        class: Class,
    ) -> Result<(), StreamError> {
        if id.is_control() {
            return Err(StreamError::Control);
        }
        let Self { table, schedule, .. } = self;
        let stream = table.get_mut(&id).ok_or(StreamError::Unknown)?;
        if stream.scheduled {
            schedule.remove(stream.class, id);
            schedule.push(class, id);
        }
        stream.class = class;
        Ok(())
    }

    /// From now on the stream's unread bytes fill its own window only, not the link's.
    pub(super) fn set_apart(&mut self, id: TransportStreamId) -> Result<(), StreamError> {
        let stream = self.table.get_mut(&id).ok_or(StreamError::Unknown)?;
        if !core::mem::replace(&mut stream.apart, true) {
            let unread = stream.recv.credit.received().saturating_sub(stream.recv.position());
            self.credit.on_consumed(id, unread);
        }
        Ok(())
    }

    /// Takes as much of `data` as there is room for.
    pub(super) fn write(
        &mut self,
        id: TransportStreamId,
        data: &[u8],
    ) -> Result<usize, StreamError> {
        let (accepted, _) = self.append(id, |room| [data.get(..room).unwrap_or(data)])?;
        if accepted < data.len() {
            self.wait_for_room(id);
        }
        Ok(accepted)
    }

    /// Takes `parts` whole if there is any room, else nothing.
    pub(super) fn write_whole(
        &mut self,
        id: TransportStreamId,
        parts: [&[u8]; 2],
    ) -> Result<bool, StreamError> {
        let (_, room) = self.append(id, |room| if room > 0 { parts } else { [&[]; 2] })?;
        if room == 0 {
            self.wait_for_room(id);
        }
        Ok(room > 0)
    }

    /// Takes what `parts` makes of the bytes that the stream's class may write now. Both numbers of
    /// bytes: those taken and those that were allowed.
    fn append<'a, const N: usize>(
        &mut self,
        id: TransportStreamId,
        parts: impl FnOnce(usize) -> [&'a [u8]; N],
    ) -> Result<(usize, usize), StreamError> {
        let credit = self.credit.sendable(id);
        let Self { table, pool, schedule, blocked, buffer, .. } = self;
        let stream = table.get_mut(&id).ok_or(StreamError::Unknown)?;
        let room = stream.writable(buffer)?;
        let before = buffer.used;
        for part in parts(room) {
            stream.send.write(part, pool);
            buffer.used += part.len();
        }
        if !stream.scheduled {
            stream.schedule(id, credit, schedule, blocked);
        }
        Ok((buffer.used - before, room))
    }

    fn wait_for_room(&mut self, id: TransportStreamId) {
        if let Some(stream) = self.table.get_mut(&id)
            && !core::mem::replace(&mut stream.writer_waits, true)
        {
            self.waiting_writers.push(id);
        }
    }

    pub(super) fn finish(&mut self, id: TransportStreamId) -> Result<(), StreamError> {
        if id.is_control() {
            return Err(StreamError::Control);
        }
        let stream = self.get(id)?;
        if let Some(code) = stream.send.stopped {
            return Err(StreamError::Stopped(code));
        }
        if !stream.send.is_open() {
            return Err(StreamError::Finished);
        }
        stream.send.finish();
        self.schedule(id);
        Ok(())
    }

    pub(super) fn reset(&mut self, id: TransportStreamId, code: u64) -> Result<(), StreamError> {
        if id.is_control() {
            return Err(StreamError::Control);
        }
        if code > varint::MAX {
            return Err(StreamError::Code);
        }
        let stream = self.table.get_mut(&id).ok_or(StreamError::Unknown)?;
        self.buffer.used -= stream.send.reset(code, &mut self.pool);
        self.queue_control(id);
        Ok(())
    }

    /// The application wants no more of the stream: asks the peer to stop.
    pub(super) fn stop(&mut self, id: TransportStreamId, code: u64) -> Result<(), StreamError> {
        if id.is_control() {
            return Err(StreamError::Control);
        }
        if code > varint::MAX {
            return Err(StreamError::Code);
        }
        let stream = self.table.get_mut(&id).ok_or(StreamError::Unknown)?;
        if stream.stop.is_none() {
            let before = stream.recv.position();
            stream.recv.stop(&mut self.pool);
            let dropped = stream.recv.position() - before;
            let wanted = if stream.recv.is_growing() { Step::Pending } else { Step::None };
            stream.stop = Some((code, wanted));
            self.consumed(id, dropped);
            self.queue_control(id);
            self.forget_if_over(id);
        }
        Ok(())
    }

    pub(super) fn read(&mut self, id: TransportStreamId) -> Result<Read, StreamError> {
        let stream = self.table.get_mut(&id).ok_or(StreamError::Unknown)?;
        let read = stream.recv.read(&mut self.pool);
        match &read {
            Read::Data(data) => {
                let bytes = data.len() as u64;
                self.consumed(id, bytes);
            }
            Read::Finished | Read::Reset(_) => self.forget_if_over(id),
            Read::Pending => {}
        }
        Ok(read)
    }

    /// Bytes of a stream left the receive buffer: credit for the peer.
    fn consumed(&mut self, id: TransportStreamId, bytes: u64) {
        if self.table.get(&id).is_none_or(|stream| !stream.apart) {
            self.credit.on_consumed(id, bytes);
        }
        if let Some(stream) = self.table.get_mut(&id)
            && stream.recv.credit.on_consumed(bytes)
            && stream.recv.wants_credit()
        {
            stream.credit_due = true;
            stream.queue_control(id, &mut self.control_queue);
        }
    }

    /// Notes that the stream has a control frame to send.
    fn queue_control(&mut self, id: TransportStreamId) {
        if let Some(stream) = self.table.get_mut(&id) {
            stream.queue_control(id, &mut self.control_queue);
        }
    }

    /// Puts the stream in line if it has data to send, or notes what it waits for.
    fn schedule(&mut self, id: TransportStreamId) {
        let credit = self.credit.sendable(id);
        if let Some(stream) = self.table.get_mut(&id) {
            stream.schedule(id, credit, &mut self.schedule, &mut self.blocked);
        }
    }

    /// Both directions are over: the stream is forgotten, and the peer may open another.
    fn forget_if_over(&mut self, id: TransportStreamId) {
        if !self.table.get(&id).is_some_and(|stream| stream.is_over()) {
            return;
        }
        self.table.remove(&id);
        self.count.on_over(id);
    }

    /// Bytes by which windows and send buffer have grown.
    pub(super) const fn growth(&self) -> u64 {
        self.growth.used()
    }

    /// How much more they may grow.
    pub(super) const fn allow_growth(&mut self, bytes: u64) {
        self.growth.allow(bytes);
    }

    /// Lets the send buffer grow if writers wait for room. `window` is that of congestion control,
    /// `lossy`: packets are lost.
    pub(super) fn tune_send_buffer(&mut self, window: u64, lossy: bool) {
        if !self.waiting_writers.is_empty() {
            self.buffer.grow(window, lossy, &mut self.growth);
        }
    }

    /// Gives back the memory that lies idle.
    pub(super) fn shrink(&mut self) {
        self.buffer.shrink(&mut self.growth);
        self.growth.give_back(self.credit.narrow());
        self.pool.shrink();
        self.schedule.shrink();
        self.blocked.shrink_to_fit();
        self.control_queue.shrink_to_fit();
        self.waiting_writers.shrink_to_fit();
        for stream in self.table.values_mut() {
            stream.send.shrink();
            stream.recv.shrink();
        }
    }
}

#[cfg(test)]
mod tests;
