//! All streams of a session: opening, writing, reading, and the credit that they share.

mod blocks;
mod flow;
mod id;
mod incoming;
mod outgoing;
mod recv;
mod schedule;
mod send;

pub use id::TransportStreamId;
pub use recv::Read;
pub use schedule::Class;

use super::config::{INITIAL_MAX_DATA, INITIAL_MAX_STREAMS, Side, TransportConfig};
use super::error::StreamError;
use crate::wire::varint;
use blocks::Pool;
use flow::{Growth, ReceiveCredit};
use recv::RecvHalf;
use schedule::Schedule;
use send::{SendHalf, Step};
use std::collections::{BTreeMap, VecDeque};

/// What the send buffer may hold, in congestion windows: the least urgent class may fill half of it.
const SEND_WINDOWS: u64 = 3;
/// The same while packets are lost: a part of what is buffered has arrived, behind what is repeated.
const LOSSY_SEND_WINDOWS: u64 = 6;

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
        }
    }

    /// Puts the stream in line if it has data to send, or notes that it waits for the link's credit.
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

    /// The bytes that may be written now, with `used` of a send buffer of `total` in use.
    fn writable(&self, total: usize, used: usize) -> Result<usize, StreamError> {
        if let Some(code) = self.send.stopped {
            return Err(StreamError::Stopped(code));
        }
        if !self.send.is_open() {
            return Err(StreamError::Finished);
        }
        Ok(self.class.share(total).saturating_sub(used))
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

#[derive(Debug)]
pub(super) struct Streams {
    side: Side,
    /// Boxed, since a node of the tree has room for eleven and most links have few streams.
    table: BTreeMap<TransportStreamId, Box<Stream>>,
    pool: Pool,
    schedule: Schedule,

    /// Streams that we, and that the peer, ever opened.
    opened: u64,
    peer_opened: u64,
    peer_closed: u64,
    /// How many we, and the peer, may ever open.
    open_limit: u64,
    peer_open_limit: u64,
    max_open: u64,
    streams_due: bool,
    opener_waits: bool,

    /// The link's credit, for all streams but the control stream.
    data_sent: u64,
    data_limit: u64,
    credit: ReceiveCredit,
    credit_due: bool,
    stream_window: u64,
    /// The link's window at the start, and the gaps of a stream that go with it.
    receive_window: u64,
    max_gaps: usize,

    /// The send buffer at the start, and now.
    least_send_buffer: usize,
    send_buffer: usize,
    growth: Growth,
    buffered: usize,
    pub(super) resent: u64,

    blocked: Vec<TransportStreamId>,
    control_queue: VecDeque<TransportStreamId>,
    waiting_writers: Vec<TransportStreamId>,
}

impl Streams {
    pub(super) fn new(config: &TransportConfig, side: Side) -> Self {
        let control = Box::new(Stream::new(Class::Control, config.stream_window));
        let ours = u64::from(side == Side::Initiator);
        Self {
            side,
            table: BTreeMap::from([(TransportStreamId::CONTROL, control)]),
            pool: Pool::default(),
            schedule: Schedule::default(),
            opened: ours,
            peer_opened: 1 - ours,
            peer_closed: 0,
            open_limit: INITIAL_MAX_STREAMS,
            peer_open_limit: INITIAL_MAX_STREAMS,
            max_open: config.streams,
            streams_due: false,
            opener_waits: false,
            data_sent: 0,
            data_limit: INITIAL_MAX_DATA,
            credit: ReceiveCredit::new(INITIAL_MAX_DATA, config.receive_window),
            credit_due: false,
            stream_window: config.stream_window,
            receive_window: config.receive_window,
            max_gaps: config.reassembly_gaps,
            least_send_buffer: config.send_buffer,
            send_buffer: config.send_buffer,
            growth: Growth::new(config.growth),
            buffered: 0,
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
        self.buffered
    }

    pub(super) const fn unread(&self) -> u64 {
        self.credit.unread()
    }

    pub(super) fn open(&mut self, class: Class) -> Result<TransportStreamId, StreamError> {
        if self.opened >= self.open_limit {
            self.opener_waits = true;
            return Err(StreamError::Limit);
        }
        let id = TransportStreamId::new(self.side, self.opened);
        self.opened += 1;
        self.table.insert(id, Box::new(Stream::new(class, self.stream_window)));
        Ok(id)
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
        let credit = self.link_credit(id);
        let Self { table, pool, schedule, blocked, buffered, send_buffer, .. } = self;
        let stream = table.get_mut(&id).ok_or(StreamError::Unknown)?;
        let room = stream.writable(*send_buffer, *buffered)?;
        let before = *buffered;
        for part in parts(room) {
            stream.send.write(part, pool);
            *buffered += part.len();
        }
        if !stream.scheduled {
            stream.schedule(id, credit, schedule, blocked);
        }
        Ok((*buffered - before, room))
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
        self.buffered -= stream.send.reset(code, &mut self.pool);
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
        if !id.is_control() {
            self.credit_due |= self.credit.on_consumed(bytes);
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
        let credit = self.link_credit(id);
        if let Some(stream) = self.table.get_mut(&id) {
            stream.schedule(id, credit, &mut self.schedule, &mut self.blocked);
        }
    }

    /// Fresh bytes that the link lets the stream send; it does not limit stream 0 (BC-07.26).
    const fn link_credit(&self, id: TransportStreamId) -> u64 {
        if id.is_control() { u64::MAX } else { self.data_limit - self.data_sent }
    }

    /// Both directions are over: the stream is forgotten, and the peer may open another.
    fn forget_if_over(&mut self, id: TransportStreamId) {
        if !self.table.get(&id).is_some_and(|stream| stream.is_over()) {
            return;
        }
        self.table.remove(&id);
        if id.opener() != self.side {
            self.peer_closed += 1;
            self.grant_streams();
        }
    }

    /// Bytes by which windows and send buffer have grown.
    pub(super) const fn growth(&self) -> u64 {
        self.growth.used()
    }

    /// How much more they may grow.
    pub(super) const fn allow_growth(&mut self, bytes: u64) {
        self.growth.allow(bytes);
    }

    /// Writers wait for room: the buffer should hold what is in flight and what follows, for the
    /// least urgent class, too (BC-07.81), and on a lossy path (BC-07.84) what arrived behind a loss
    /// that is repeated, perhaps more than once. `window` is that of congestion control.
    pub(super) fn tune_send_buffer(&mut self, window: u64, lossy: bool) {
        let windows = if lossy { LOSSY_SEND_WINDOWS } else { SEND_WINDOWS };
        let wanted = usize::try_from(window.saturating_mul(windows)).unwrap_or(usize::MAX);
        if self.waiting_writers.is_empty() || wanted <= self.send_buffer {
            return;
        }
        let more = self.growth.take((wanted - self.send_buffer) as u64);
        self.send_buffer += usize::try_from(more).unwrap_or(0);
    }

    /// Gives back the memory that lies idle.
    pub(super) fn shrink(&mut self) {
        if self.buffered == 0 {
            self.growth.give_back((self.send_buffer - self.least_send_buffer) as u64);
            self.send_buffer = self.least_send_buffer;
        }
        self.growth.give_back(self.credit.narrow(self.receive_window));
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

    /// The peer is told of a higher limit once that is worth a frame: the first time as soon as it
    /// opens a stream, since at the start it was granted only what every peer grants.
    fn grant_streams(&mut self) {
        let allowed = self.peer_closed + self.max_open;
        self.streams_due |= allowed >= self.peer_open_limit + (self.max_open / 8).max(1);
    }
}

#[cfg(test)]
mod tests;
