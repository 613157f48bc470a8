//! From what arrived on streams to messages: those of the control stream, which the link acts on,
//! and those of channels, which it hands on.

use super::carried::Carried;
use super::control::{Control, Opening, stream_code};
use super::streams::LinkStreams;
use super::streams::lanes::StreamFault;
use super::{Link, LinkEvent};
use crate::base::rng::Rng;
use crate::base::time::Timestamp;
use crate::transport::{Read, TransportStreamId};
use core::ops::Bound::{Excluded, Unbounded};

impl Link {
    /// Takes the messages that a packet completed, and goes on writing where there is room again.
    pub(super) fn on_data(&mut self, now: Timestamp, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        let mut fed = core::mem::take(&mut self.gathered.fed);
        if self.is_open() && fed.contains(&TransportStreamId::CONTROL) {
            self.take_control(now, rng, events);
        }
        for id in fed.drain(..) {
            if self.is_open() && !id.is_control() {
                self.session.keys.on_user_data(now);
                self.grown = true;
                self.on_fed(id, events);
            }
        }
        self.gathered.fed = fed;
        for id in self.gathered.readable.drain(..) {
            if self.streams.bytes.has(id) {
                self.streams.bytes.on_readable(&mut self.transport, id, events);
            } else {
                self.streams.readable.insert(id);
            }
        }
        if self.is_open() && !self.streams.readable.is_empty() {
            self.read_control(now, rng, events);
            self.read_all(events);
        }
        let open = self.is_open();
        for (id, code) in self.gathered.stopped.drain(..) {
            self.streams.bytes.on_stopped(&mut self.transport, id, code, events);
        }
        for id in self.gathered.writable.drain(..) {
            if open && !self.streams.bytes.on_writable(&mut self.transport, id, events) {
                events.extend(self.streams.lanes.on_writable(id).map(LinkEvent::Writable));
            }
        }
    }

    pub(super) fn violation(&mut self, now: Timestamp, what: &str, events: &mut Vec<LinkEvent>) {
        self.close_for_violation(now, what, events);
    }

    /// The control stream takes whatever comes, so what is to be read of it is data only where a
    /// gap was closed; its end is a violation.
    fn read_control(&mut self, now: Timestamp, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        if !self.streams.readable.remove(&TransportStreamId::CONTROL) {
            return;
        }
        while self.is_open() {
            match self.transport.read(TransportStreamId::CONTROL) {
                Ok(Read::Data(chunk)) => self.streams.control_in.push(&chunk),
                Ok(Read::Pending) => return,
                // BC-08.01
                Ok(Read::Finished | Read::Reset(_)) | Err(_) => {
                    return self.violation(now, "the control stream ended", events);
                }
            }
            self.take_control(now, rng, events);
        }
    }

    /// Takes the complete messages of the control stream.
    fn take_control(&mut self, now: Timestamp, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        while self.is_open() {
            match self.streams.control_in.next_message() {
                Ok(Some(message)) => self.on_control(now, &message, rng, events),
                Ok(None) => return,
                // BC-08.02
                Err(error) => return self.violation(now, &error.to_string(), events),
            }
        }
    }

    fn on_control(
        &mut self,
        now: Timestamp,
        message: &[u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        let result = match Control::decode(message) {
            Err(error) => Err(error.to_string()),
            Ok(Control::Unknown) => Ok(()),
            Ok(Control::RekeyAsk) => {
                // One that crossed our own start has what it asks for.
                self.session.rekey_wanted |= !self.session.rekey.is_pending();
                Ok(())
            }
            Ok(Control::RekeyInit(body)) => self.on_rekey_init(now, body, rng, events),
            Ok(Control::RekeyResponse(body)) => self.on_rekey_response(now, body, rng, events),
            Ok(Control::MaxDatagram(bytes)) => {
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                self.transport.set_peer_max_datagram(bytes);
                Ok(())
            }
            // BC-08.86
            Ok(Control::SlotTokens { .. } | Control::SlotClose { .. }) if !self.session.ready => {
                Err("slots before the first rekey".to_owned())
            }
            Ok(Control::SlotTokens { base, tokens }) => {
                let taken = self.carried.slots.on_tokens(base, tokens);
                self.streams.readable.append(&mut self.streams.unslotted);
                taken.map(|()| self.match_slots(events)).map_err(|error| error.to_string())
            }
            Ok(Control::SlotClose { slot }) => {
                if let Some(channel) = self.carried.slots.on_close(slot) {
                    self.streams.lanes.close(&mut self.transport, channel);
                    self.streams.bytes.close_channel(&mut self.transport, channel, events);
                    events.push(LinkEvent::ChannelDown(channel));
                }
                Ok(())
            }
        };
        if let Err(what) = result {
            self.violation(now, &what, events);
        }
    }

    /// Reads the streams of channels, as far as the node takes messages and slots are known.
    pub(super) fn read_all(&mut self, events: &mut Vec<LinkEvent>) {
        if self.streams.paused || !self.is_open() {
            return;
        }
        // The control stream comes first and is not read here.
        let mut last = TransportStreamId::CONTROL;
        while let Some(&id) = self.streams.readable.range((Excluded(last), Unbounded)).next() {
            last = id;
            self.streams.readable.remove(&id);
            self.read_from(id, events);
            if !self.is_open() {
                return;
            }
        }
    }

    /// Reads one stream to its present end, unless it has to wait for the peer's tokens (BC-08.13).
    fn read_from(&mut self, id: TransportStreamId, events: &mut Vec<LinkEvent>) {
        loop {
            match self.on_fed(id, events) {
                Step::More => {}
                Step::Wait | Step::Drop(_) | Step::Over => return,
            }
            match self.transport.read(id) {
                Ok(Read::Data(chunk)) => {
                    self.session.keys.on_user_data(self.last_received);
                    if let Some(stream) = self.streams.lanes.incoming.get_mut(&id) {
                        stream.reader.push(&chunk);
                    }
                }
                Ok(Read::Pending) => return,
                Ok(Read::Finished | Read::Reset(_)) | Err(_) => {
                    self.streams.lanes.incoming.remove(&id);
                    // It fails where this direction is over already, which is as good.
                    let _ = self.transport.finish(id);
                    return;
                }
            }
        }
    }

    /// A stream's reader was given data: takes its complete messages.
    fn on_fed(&mut self, id: TransportStreamId, events: &mut Vec<LinkEvent>) -> Step {
        match self.take_messages(id, events) {
            Ok(Step::Drop(code)) => {
                self.streams.lanes.incoming.remove(&id);
                // These fail where a direction is over already, which is as good.
                let _ = self.transport.stop(id, code);
                let _ = self.transport.finish(id);
                Step::Over
            }
            Ok(step) => {
                if step == Step::Wait {
                    self.streams.unslotted.insert(id);
                }
                step
            }
            Err(what) => {
                self.violation(self.last_received, &what.to_string(), events);
                Step::Over
            }
        }
    }

    /// Takes the complete messages of a stream.
    fn take_messages(
        &mut self,
        id: TransportStreamId,
        events: &mut Vec<LinkEvent>,
    ) -> Result<Step, StreamFault> {
        if let Some(step) = self.take_opening(id)? {
            return Ok(step);
        }
        let Self { streams: LinkStreams { lanes, .. }, carried: Carried { slots, .. }, .. } = self;
        let Some(stream) = lanes.incoming.get_mut(&id) else { return Ok(Step::Over) };
        let slot = match (&stream.header, &stream.request) {
            (Some(header), _) => header.slot,
            (None, Some((slot, _))) => *slot,
            (None, None) => return Ok(Step::More),
        };
        // BC-08.13
        stream.waits = slots.is_unknown(slot);
        if stream.waits {
            return Ok(Step::Wait);
        }
        let Some(channel) = slots.channel_of(slot) else {
            // BC-08.91: of an epoch that this side does not have, or has left.
            let code =
                stream.request.as_ref().map_or(stream_code::NO_ERROR, |_| stream_code::REFUSED);
            return Ok(Step::Drop(code));
        };
        if let Some((_, name)) = stream.request.take() {
            let rest = stream.reader.take_rest();
            lanes.incoming.remove(&id);
            let Self { streams: LinkStreams { bytes, .. }, transport, .. } = self;
            bytes.on_offer(transport, id, channel, name, rest, events);
            return Ok(Step::Over);
        }
        while let Some(data) = stream.reader.next_message()? {
            events.push(LinkEvent::Message { channel, data });
        }
        Ok(Step::More)
    }

    /// Takes the first message of a stream, if that was not done. Says how to go on if not with what
    /// follows it.
    fn take_opening(&mut self, id: TransportStreamId) -> Result<Option<Step>, StreamFault> {
        let Self { streams: LinkStreams { lanes, .. }, transport, config, .. } = self;
        let Some(stream) = lanes.incoming.get_mut(&id) else { return Ok(Some(Step::Over)) };
        if stream.header.is_some() || stream.request.is_some() {
            return Ok(None);
        }
        let Some(message) = stream.reader.next_message()? else { return Ok(Some(Step::More)) };
        match Opening::decode(&message)? {
            Opening::Lane(header) => {
                if lanes.incoming.values().any(|other| other.header == Some(header)) {
                    return Err(StreamFault::Twice);
                }
                if let Some(stream) = lanes.incoming.get_mut(&id) {
                    stream.begin(header, config.limits.link.message_bytes);
                }
                // Streams of channels are used in one direction.
                let _ = transport.finish(id);
                Ok(None)
            }
            Opening::Bytes { slot, name } => {
                stream.request = Some((slot, name.to_owned()));
                Ok(None)
            }
            // BC-08.90
            Opening::Unknown(_) => Ok(Some(Step::Drop(stream_code::UNKNOWN_PROTOCOL))),
        }
    }
}

/// How reading a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// With what arrives next.
    More,
    /// When the peer's tokens are there.
    Wait,
    /// Not at all, and the peer is told so with this code.
    Drop(u64),
    /// Not at all: the stream is done with, or the link ended.
    Over,
}
