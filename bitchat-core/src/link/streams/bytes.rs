//! Byte streams of applications: opening, acceptance, and both directions of each
//! (spec 08 §Byte streams).
//!
//! What the peer sends is not read before the application reads it, and fills the stream's own window
//! only: an application that pauses holds up neither chat nor other streams.

use crate::link::control::{ACCEPTED, MAX_STREAM_NAME, Opening, stream_code};
use crate::link::event::{LinkEvent, StreamEvent, StreamFailure, StreamRead};
use crate::link::slots::ChannelEpoch;
use crate::transport::{Class, Read, StreamError, Transport, TransportStreamId};
use bytes::{Buf, Bytes};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Ours, and not accepted yet.
    Asked,
    /// The peer's, and not answered yet.
    Offered,
    /// The peer's; accepted here, which the send buffer has no room to say yet.
    Accepting,
    Open,
}

/// One byte stream.
#[derive(Debug)]
struct ByteStream {
    channel: ChannelEpoch,
    state: State,
    /// Bytes that were taken from the transport and not by the application.
    rest: Bytes,
    /// The application was told that there is something to read, and has not come to its end since.
    told: bool,
    /// Nothing more is written, or read.
    written: bool,
    read: bool,
}

impl ByteStream {
    const fn new(channel: ChannelEpoch, state: State, rest: Bytes) -> Self {
        Self { channel, state, rest, told: false, written: false, read: false }
    }
}

/// The byte streams of one link.
#[derive(Debug, Default)]
pub(in crate::link) struct ByteStreams {
    all: BTreeMap<TransportStreamId, ByteStream>,
    /// How many there may be at once.
    limit: usize,
}

impl ByteStreams {
    pub(super) const fn new(limit: usize) -> Self {
        Self { all: BTreeMap::new(), limit }
    }

    pub(in crate::link) fn has(&self, id: TransportStreamId) -> bool {
        self.all.contains_key(&id)
    }

    /// Asks for a stream. `slot` is ours for the channel.
    pub(in crate::link) fn open(
        &mut self,
        transport: &mut Transport,
        channel: ChannelEpoch,
        slot: u64,
        name: &str,
    ) -> Result<TransportStreamId, StreamFailure> {
        if name.is_empty() || name.len() > MAX_STREAM_NAME {
            return Err(StreamFailure::Name);
        }
        if self.all.len() >= self.limit {
            return Err(StreamFailure::Limit);
        }
        let id = transport.open_stream(Class::File).map_err(|_| StreamFailure::Limit)?;
        let opening = Opening::Bytes { slot, name }.encode();
        if transport.write_message(id, &opening) != Ok(true) {
            end(transport, id, stream_code::NO_ERROR);
            return Err(StreamFailure::Busy);
        }
        // BC-08.95; it fails for streams that do not exist.
        let _ = transport.set_apart(id);
        self.all.insert(id, ByteStream::new(channel, State::Asked, Bytes::new()));
        Ok(id)
    }

    /// The peer asks for a stream; `rest` came behind its opening.
    pub(in crate::link) fn on_offer(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
        channel: ChannelEpoch,
        name: String,
        rest: Bytes,
        events: &mut Vec<LinkEvent>,
    ) {
        // BC-08.93: a stream too many is refused, and no fault.
        if self.all.len() >= self.limit || transport.set_apart(id).is_err() {
            return end(transport, id, stream_code::REFUSED);
        }
        self.all.insert(id, ByteStream::new(channel, State::Offered, rest));
        events.push(LinkEvent::Stream(id.get(), StreamEvent::Requested { channel, name }));
    }

    /// The application takes a stream that the peer asked for. False if there is none to be answered.
    pub(in crate::link) fn accept(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
        events: &mut Vec<LinkEvent>,
    ) -> bool {
        let Some(stream) = self.all.get_mut(&id).filter(|one| one.state == State::Offered) else {
            return false;
        };
        stream.state = State::Accepting;
        // What came meanwhile, if anything did.
        stream.told = true;
        events.push(LinkEvent::Stream(id.get(), StreamEvent::Readable));
        self.say_accepted(transport, id);
        true
    }

    fn say_accepted(&mut self, transport: &mut Transport, id: TransportStreamId) {
        if let Some(stream) = self.all.get_mut(&id)
            && stream.state == State::Accepting
            && transport.write(id, [ACCEPTED]) != Ok(0)
        {
            stream.state = State::Open;
        }
    }

    /// The application does not want a stream that the peer asked for. False if there is none to be
    /// answered.
    pub(in crate::link) fn refuse(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
    ) -> bool {
        if self.all.get(&id).is_none_or(|stream| stream.state != State::Offered) {
            return false;
        }
        self.all.remove(&id);
        end(transport, id, stream_code::REFUSED);
        true
    }

    /// Takes as many bytes as there is room for; [`StreamEvent::Writable`] follows where that is not
    /// all of them.
    pub(in crate::link) fn write(
        &self,
        transport: &mut Transport,
        id: TransportStreamId,
        data: &[u8],
    ) -> Result<usize, StreamFailure> {
        let stream = self.all.get(&id).ok_or(StreamFailure::Unknown)?;
        match stream.state {
            State::Offered => Err(StreamFailure::Unanswered),
            // BC-08.94: the byte that accepts goes first.
            State::Accepting => Ok(0),
            State::Asked | State::Open => transport.write(id, data).map_err(|error| match error {
                StreamError::Stopped(code) => StreamFailure::Stopped(code),
                _ => StreamFailure::Finished,
            }),
        }
    }

    /// The next bytes, `max` at most. Credit returns to the peer as bytes are read.
    pub(in crate::link) fn read(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
        max: usize,
    ) -> Result<StreamRead, StreamFailure> {
        let stream = self.all.get_mut(&id).ok_or(StreamFailure::Unknown)?;
        if matches!(stream.state, State::Asked | State::Offered) {
            return Err(StreamFailure::Unanswered);
        }
        if stream.rest.is_empty() && !stream.read {
            match transport.read(id) {
                Ok(Read::Data(data)) => stream.rest = data,
                Ok(Read::Pending) => {
                    stream.told = false;
                    return Ok(StreamRead::Pending);
                }
                Ok(Read::Finished) | Err(_) => stream.read = true,
                Ok(Read::Reset(code)) => {
                    self.all.remove(&id);
                    end(transport, id, code);
                    return Ok(StreamRead::Reset(code));
                }
            }
        }
        if !stream.rest.is_empty() {
            let len = max.min(stream.rest.len());
            return Ok(StreamRead::Data(stream.rest.split_to(len)));
        }
        self.forget_if_over(id);
        Ok(StreamRead::Finished)
    }

    /// Nothing more is written; reading goes on.
    pub(in crate::link) fn finish(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
    ) -> Result<(), StreamFailure> {
        let stream = self.all.get_mut(&id).ok_or(StreamFailure::Unknown)?;
        match stream.state {
            State::Offered => return Err(StreamFailure::Unanswered),
            State::Accepting => return Err(StreamFailure::Busy),
            State::Asked | State::Open => {}
        }
        transport.finish(id).map_err(|error| match error {
            StreamError::Stopped(code) => StreamFailure::Stopped(code),
            _ => StreamFailure::Finished,
        })?;
        stream.written = true;
        self.forget_if_over(id);
        Ok(())
    }

    /// Ends both directions at once. False if there is no such stream.
    pub(in crate::link) fn reset(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
        code: u64,
    ) -> bool {
        let known = self.all.remove(&id).is_some();
        if known {
            end(transport, id, code);
        }
        known
    }

    /// There is something to read.
    pub(in crate::link) fn on_readable(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
        events: &mut Vec<LinkEvent>,
    ) {
        let Some(stream) = self.all.get_mut(&id) else { return };
        match stream.state {
            State::Asked => match transport.read(id) {
                Ok(Read::Data(mut data)) if data.first() == Some(&ACCEPTED) => {
                    data.advance(1);
                    (stream.state, stream.rest, stream.told) = (State::Open, data, true);
                    events.push(LinkEvent::Stream(id.get(), StreamEvent::Accepted));
                    events.push(LinkEvent::Stream(id.get(), StreamEvent::Readable));
                }
                Ok(Read::Pending) => {}
                Ok(Read::Reset(code)) => self.close(transport, id, code, events),
                // BC-08.94: neither accepted nor refused.
                Ok(Read::Data(_) | Read::Finished) | Err(_) => {
                    self.close(transport, id, stream_code::REFUSED, events);
                }
            },
            State::Accepting | State::Open if !core::mem::replace(&mut stream.told, true) => {
                events.push(LinkEvent::Stream(id.get(), StreamEvent::Readable));
            }
            State::Offered | State::Accepting | State::Open => {}
        }
    }

    /// There is room again. True if the stream is one of these.
    pub(in crate::link) fn on_writable(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
        events: &mut Vec<LinkEvent>,
    ) -> bool {
        let known = self.has(id);
        if known {
            self.say_accepted(transport, id);
            events.push(LinkEvent::Stream(id.get(), StreamEvent::Writable));
        }
        known
    }

    /// The peer reads no more of what this side writes.
    pub(in crate::link) fn on_stopped(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
        code: u64,
        events: &mut Vec<LinkEvent>,
    ) {
        let Some(stream) = self.all.get_mut(&id) else { return };
        if stream.state == State::Asked {
            return self.close(transport, id, code, events);
        }
        stream.written = true;
        events.push(LinkEvent::Stream(id.get(), StreamEvent::Stopped { code }));
        self.forget_if_over(id);
    }

    /// The channel is carried no more (BC-08.97).
    pub(in crate::link) fn close_channel(
        &mut self,
        transport: &mut Transport,
        channel: ChannelEpoch,
        events: &mut Vec<LinkEvent>,
    ) {
        let of = self.all.iter().filter(|(_, stream)| stream.channel == channel);
        let ids: Vec<_> = of.map(|(id, _)| *id).collect();
        for id in ids {
            self.close(transport, id, stream_code::NO_ERROR, events);
        }
    }

    /// The link is over, and all of them with it.
    pub(in crate::link) fn close_all(&mut self, events: &mut Vec<LinkEvent>) {
        let code = stream_code::NO_ERROR;
        let ids = core::mem::take(&mut self.all).into_keys();
        events.extend(ids.map(|id| LinkEvent::Stream(id.get(), StreamEvent::Closed { code })));
    }

    fn close(
        &mut self,
        transport: &mut Transport,
        id: TransportStreamId,
        code: u64,
        events: &mut Vec<LinkEvent>,
    ) {
        self.all.remove(&id);
        end(transport, id, code);
        events.push(LinkEvent::Stream(id.get(), StreamEvent::Closed { code }));
    }

    fn forget_if_over(&mut self, id: TransportStreamId) {
        if self.all.get(&id).is_some_and(|stream| stream.written && stream.read) {
            self.all.remove(&id);
        }
    }
}

/// Ends both directions; where one is over already, that is as good.
fn end(transport: &mut Transport, id: TransportStreamId, code: u64) {
    let _ = transport.stop(id, code);
    let _ = transport.reset(id, code);
}
