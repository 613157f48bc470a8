//! What a link makes of packets: authentic or not, then frames, then messages.

use super::control::{Control, StreamHeader};
use super::lanes::{In, Lanes, StreamFault};
use super::moving::is_probing;
use super::path::{Arrival, MAX_PATIENCE, Via};
use super::rekey::NewKeys;
use super::{Ended, Link, LinkEvent, RENEWAL_BURST, RENEWAL_SPACING, State, Verdict};
use crate::base::ids::ConnectionId;
use crate::base::rng::Rng;
use crate::base::time::Timestamp;
use crate::crypto::key_log::{Direction, KeyLogLine, SessionIds};
use crate::crypto::noise::Role;
use crate::crypto::packet_key::PacketError;
use crate::transport::messages::MessageReader;
use crate::transport::{Ecn, Read, TransportSink, TransportStreamId};
use crate::wire::frame::{Frame, Frames, NewConnectionId};
use crate::wire::packet::Header;
use core::net::SocketAddr;
use core::ops::Bound::{Excluded, Unbounded};
use core::ops::Range;

/// What the transport reported of one packet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    opened: Vec<TransportStreamId>,
    /// Streams whose readers were given data.
    fed: Vec<TransportStreamId>,
    readable: Vec<TransportStreamId>,
    writable: Vec<TransportStreamId>,
    /// The last one of the packet: one packet is answered with one.
    pub(super) challenge: Option<[u8; 8]>,
    pub(super) responses: Vec<[u8; 8]>,
    pub(super) observed: Option<SocketAddr>,
    pub(super) new_ids: Vec<NewConnectionId>,
    pub(super) retired_ids: Vec<u64>,
    streams_available: bool,
    closed: Option<u64>,
}

/// Where the data of a packet goes at once, and what else it brought.
pub(super) struct Inbox<'a> {
    pub(super) gathered: &'a mut Gathered,
    pub(super) lanes: &'a mut Lanes,
    pub(super) control: &'a mut MessageReader,
    pub(super) paused: bool,
}

impl TransportSink for Inbox<'_> {
    fn stream_opened(&mut self, id: TransportStreamId) {
        self.lanes.incoming.insert(id, In::new());
        self.gathered.opened.push(id);
    }
    fn streams_available(&mut self) {
        self.gathered.streams_available = true;
    }
    fn stream_readable(&mut self, id: TransportStreamId) {
        self.gathered.readable.push(id);
    }
    /// What is complete of it is taken when the packet is done, so the readers hold little.
    fn stream_data(&mut self, id: TransportStreamId, data: &[u8]) -> bool {
        let reader = if id.is_control() {
            &mut *self.control
        } else {
            match self.lanes.incoming.get_mut(&id) {
                Some(stream) if !self.paused && !stream.waits => &mut stream.reader,
                _ => return false,
            }
        };
        reader.push(data);
        if self.gathered.fed.last() != Some(&id) {
            self.gathered.fed.push(id);
        }
        true
    }
    fn stream_writable(&mut self, id: TransportStreamId) {
        self.gathered.writable.push(id);
    }
    fn stream_stopped(&mut self, id: TransportStreamId, _code: u64) {
        self.gathered.writable.push(id);
    }
    /// Links open no datagram flows yet; a peer that sends some is ahead of us.
    fn datagram(&mut self, _data: &[u8]) {}
    fn path_challenge(&mut self, token: [u8; 8]) {
        self.gathered.challenge = Some(token);
    }
    fn path_response(&mut self, token: [u8; 8]) {
        self.gathered.responses.push(token);
    }
    fn observed_address(&mut self, address: SocketAddr) {
        self.gathered.observed = Some(address);
    }
    fn new_connection_id(&mut self, new: NewConnectionId) {
        self.gathered.new_ids.push(new);
    }
    fn retire_connection_id(&mut self, sequence: u64) {
        self.gathered.retired_ids.push(sequence);
    }
    fn packet_acked(&mut self, _pn: u64) {}
    fn closed(&mut self, code: u64, _reason: &[u8]) {
        self.gathered.closed = Some(code);
    }
}

impl Link {
    /// Takes a datagram that names this link's connection id; `ecn` is how its IP header was marked.
    pub fn handle_datagram(
        &mut self,
        now: Timestamp,
        via: Via,
        ecn: Option<Ecn>,
        datagram: &mut [u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) -> Verdict {
        debug_assert!(
            datagram.first_chunk().is_some_and(|id| self.ids.local().any(|cid| cid.0 == *id))
        );
        let cid = datagram.first_chunk().map_or(self.local_cid, |id| ConnectionId(*id));
        let largest = self.replay.largest();
        let len = datagram.len();
        let (header, payload, renewed) = match self.open(now, datagram) {
            Ok(opened) => opened,
            Err(verdict) => {
                self.tracer.packet_dropped(now, len, verdict);
                return verdict;
            }
        };
        let pn = header.pn;
        // The window moves only now that the packet is known to be the peer's (BC-06.11).
        self.replay.insert(pn);
        self.last_received = now;
        if !self.is_open() {
            self.tracer.packet_dropped(now, len, Verdict::Authentic);
            self.on_late_packet(datagram.get(payload).unwrap_or_default());
            return Verdict::Authentic;
        }
        let newest = largest.is_none_or(|largest| pn > largest);
        let payload = datagram.get(payload).unwrap_or_default();
        self.tracer.packet_received(now, &header, payload, len);
        // Where there is no other path, nothing depends on it.
        let probing = !self.paths.is_only(via) && is_probing(payload);
        let id = if self.paths.knows(via) { None } else { self.ids.unused(self.paths.ids()) };
        let patience = self.transport.pto().min(MAX_PATIENCE);
        let arrival = Arrival { via, len, cid, newest, probing, patience };
        let moved = self.paths.on_packet(now, arrival, id, &mut rng.public);
        self.retire_ids();
        self.on_moved(now, moved, events);
        if let Some(generation) = renewed {
            self.on_confirmed(now, generation, rng, events);
        }
        self.on_payload(now, &arrival, pn, ecn, payload, rng, events);
        self.drive(now, rng);
        self.watch_channels(now);
        self.tracer.observe(now, &mut self.transport);
        Verdict::Authentic
    }

    /// A packet came though this side has closed. Of what is in it, only a CLOSE counts.
    fn on_late_packet(&mut self, payload: &[u8]) {
        let State::Closing { closing, .. } = &mut self.state else { return };
        let is_close = |frame| matches!(frame, Ok(Frame::Close { .. }));
        if !closing.on_packet(Frames::new(payload).any(is_close)) {
            self.state = State::Dead;
        }
    }

    fn open(
        &mut self,
        now: Timestamp,
        datagram: &mut [u8],
    ) -> Result<(Header, Range<usize>, Option<u64>), Verdict> {
        let forged = |_: PacketError| Verdict::Forged;
        let header = self.keys.unmask(datagram, self.replay.largest()).map_err(forged)?;
        if !self.replay.is_new(header.pn) {
            return Err(Verdict::Replayed);
        }
        let fade = || self.transport.pto() * 3;
        let opened = self.keys.open(now, &header, datagram, fade).map_err(forged)?;
        Ok((header, opened.payload, opened.renewed))
    }

    /// A packet under new keys arrived. The initiator uses them since it has the answer; for the
    /// responder this is the moment.
    fn on_confirmed(
        &mut self,
        now: Timestamp,
        generation: u64,
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        if self.role == Role::Responder {
            self.on_renewed(now, generation, rng, events);
            // So that the initiator learns at once that it may renew again.
            self.transport.ping();
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one packet, used once")]
    fn on_payload(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        pn: u64,
        ecn: Option<Ecn>,
        payload: &[u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        let late = self.transport.unanswered_probes() > 0;
        let mut inbox = Inbox {
            gathered: &mut self.gathered,
            lanes: &mut self.lanes,
            control: &mut self.control_in,
            paused: self.paused,
        };
        let result = self.transport.on_packet(now, pn, ecn, payload, &mut inbox);
        self.on_path_frames(now, arrival, late, rng, events);
        for id in self.gathered.opened.drain(..) {
            // Streams of channels are used in one direction.
            let _ = self.transport.finish(id);
        }
        if let Some(code) = self.gathered.closed.take() {
            self.end(now, None, Ended::Peer(code), events);
        }
        if let Err(error) = result {
            self.end(now, Some(error.code()), Ended::Violation(error.to_string()), events);
        }
        self.on_data(now, rng, events);
        if core::mem::take(&mut self.gathered.streams_available) {
            let limited = core::mem::take(&mut self.lanes.limited);
            events.extend(limited.into_iter().map(LinkEvent::Writable));
        }
    }

    /// Takes the messages that a packet completed, and goes on writing where there is room again.
    fn on_data(&mut self, now: Timestamp, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        let mut fed = core::mem::take(&mut self.gathered.fed);
        if self.is_open() && fed.contains(&TransportStreamId::CONTROL) {
            self.take_control(now, rng, events);
        }
        for id in fed.drain(..) {
            if self.is_open() && !id.is_control() {
                self.keys.on_user_data(now);
                self.grown = true;
                self.on_fed(id, events);
            }
        }
        self.gathered.fed = fed;
        for id in self.gathered.readable.drain(..) {
            self.readable.insert(id);
        }
        if self.is_open() && !self.readable.is_empty() {
            self.read_control(now, rng, events);
            self.read_all(events);
        }
        let open = self.is_open();
        for id in self.gathered.writable.drain(..) {
            if open {
                events.extend(self.lanes.on_writable(id).map(LinkEvent::Writable));
            }
        }
    }

    pub(super) fn violation(&mut self, now: Timestamp, what: &str, events: &mut Vec<LinkEvent>) {
        self.close_for_violation(now, what, events);
    }

    /// The control stream takes whatever comes, so what is to be read of it is data only where a gap
    /// was closed; its end is a violation.
    fn read_control(&mut self, now: Timestamp, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        if !self.readable.remove(&TransportStreamId::CONTROL) {
            return;
        }
        while self.is_open() {
            match self.transport.read(TransportStreamId::CONTROL) {
                Ok(Read::Data(chunk)) => self.control_in.push(&chunk),
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
            match self.control_in.next_message() {
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
                self.renew_wanted |= !self.rekey.is_pending();
                Ok(())
            }
            // BC-08.07, BC-08.08: whatever is wrong with a renewal ends the link.
            Ok(Control::RekeyInit(_)) if self.renewals_too_often(now) => {
                Err("key renewals follow each other too fast".to_owned())
            }
            // BC-08.59
            Ok(Control::RekeyInit(_)) if !self.keys.epochs().may_answer() => {
                Err("a key renewal before the last one was used".to_owned())
            }
            Ok(Control::RekeyInit(body)) => match self.rekey.on_init(body, &mut rng.secret) {
                Ok((response, keys)) => {
                    // What was to be asked for is here.
                    self.renew_wanted = false;
                    self.keys.install(&keys);
                    self.log_keys(&keys, events);
                    self.send_control(&Control::RekeyResponse(&response).encode());
                    events.extend(keys.resumption.map(LinkEvent::Resumption));
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            },
            Ok(Control::RekeyResponse(body)) => match self.rekey.on_response(body) {
                Ok(keys) => {
                    self.keys.install(&keys);
                    self.log_keys(&keys, events);
                    self.on_renewed(now, keys.generation, rng, events);
                    events.extend(keys.resumption.map(LinkEvent::Resumption));
                    // The responder uses the keys once it sees a packet under them.
                    self.transport.ping();
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            },
            Ok(Control::MaxDatagram(bytes)) => {
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                self.transport.set_peer_max_datagram(bytes);
                Ok(())
            }
            Ok(Control::SlotTokens { base, tokens }) => match self.slots.on_tokens(base, tokens) {
                Ok(()) => {
                    self.match_slots(events);
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            },
            Ok(Control::SlotClose { slot }) => {
                if let Some(channel) = self.slots.on_close(slot) {
                    self.lanes.close(&mut self.transport, channel);
                    events.push(LinkEvent::ChannelDown(channel));
                }
                Ok(())
            }
        };
        if let Err(what) = result {
            self.violation(now, &what, events);
        }
    }

    /// Tells the keys of a renewal, if that was asked for, before a packet is sealed with them
    /// (BC-13.05).
    fn log_keys(&self, keys: &NewKeys, events: &mut Vec<LinkEvent>) {
        if !self.config.key_log {
            return;
        }
        let ids = SessionIds::new(self.role, self.local_cid, self.remote_cid);
        for (direction, key) in
            [(Direction::ToResponder, &keys.i2r), (Direction::ToInitiator, &keys.r2i)]
        {
            let line = KeyLogLine::packet(ids, direction, keys.generation, key);
            events.push(LinkEvent::KeyLog(line));
        }
    }

    /// Tells a further connection id in packets to `to`, if that was asked for, before the first packet
    /// under it (BC-13.09).
    pub(super) fn log_id(&self, to: Role, further: ConnectionId, events: &mut Vec<LinkEvent>) {
        if self.config.key_log {
            let ids = SessionIds::new(self.role, self.local_cid, self.remote_cid);
            let direction = match to {
                Role::Initiator => Direction::ToInitiator,
                Role::Responder => Direction::ToResponder,
            };
            events.push(LinkEvent::KeyLog(KeyLogLine::further_id(ids, direction, further)));
        }
    }

    /// Each renewal costs this side more than the peer: some computing, and a record to store.
    fn renewals_too_often(&self, now: Timestamp) -> bool {
        let seconds = now.saturating_since(self.created).as_secs();
        self.generation() >= RENEWAL_BURST + seconds / RENEWAL_SPACING.as_secs()
    }

    /// Reads the streams of channels, as far as the node takes messages and slots are known.
    pub(super) fn read_all(&mut self, events: &mut Vec<LinkEvent>) {
        if self.paused || !self.is_open() {
            return;
        }
        // The control stream comes first and is not read here.
        let mut last = TransportStreamId::CONTROL;
        while let Some(&id) = self.readable.range((Excluded(last), Unbounded)).next() {
            last = id;
            if self.read_stream(id, events) {
                self.readable.remove(&id);
            }
            if !self.is_open() {
                return;
            }
        }
    }

    /// Reads one stream to its present end; false if it has to wait for the peer's tokens
    /// (BC-08.13).
    fn read_stream(&mut self, id: TransportStreamId, events: &mut Vec<LinkEvent>) -> bool {
        loop {
            match self.on_fed(id, events) {
                Step::More => {}
                Step::Wait => return false,
                Step::Over => return true,
            }
            match self.transport.read(id) {
                Ok(Read::Data(chunk)) => {
                    self.keys.on_user_data(self.last_received);
                    if let Some(stream) = self.lanes.incoming.get_mut(&id) {
                        stream.reader.push(&chunk);
                    }
                }
                Ok(Read::Pending) => return true,
                Ok(Read::Finished | Read::Reset(_)) | Err(_) => {
                    self.lanes.incoming.remove(&id);
                    return true;
                }
            }
        }
    }

    /// A stream's reader was given data: takes its complete messages.
    fn on_fed(&mut self, id: TransportStreamId, events: &mut Vec<LinkEvent>) -> Step {
        match self.take_messages(id, events) {
            Ok(Step::Over) => {
                self.lanes.incoming.remove(&id);
                // It fails where the stream is over already, which is as good.
                let _ = self.transport.stop(id, 0);
                Step::Over
            }
            Ok(step) => {
                if step == Step::Wait {
                    self.readable.insert(id);
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
        let Self { lanes, slots, config, .. } = self;
        let Some(mut stream) = lanes.incoming.get_mut(&id) else { return Ok(Step::Over) };
        let header = match stream.header {
            Some(header) => header,
            None => {
                let Some(message) = stream.reader.next_message()? else { return Ok(Step::More) };
                let header = StreamHeader::decode(&message)?;
                if lanes.incoming.values().any(|other| other.header == Some(header)) {
                    return Err(StreamFault::Twice);
                }
                let Some(found) = lanes.incoming.get_mut(&id) else { return Ok(Step::Over) };
                stream = found;
                stream.begin(header, config.limits.message_bytes);
                header
            }
        };
        stream.waits = slots.is_unknown(header.slot);
        if stream.waits {
            return Ok(Step::Wait);
        }
        let Some(channel) = slots.channel_of(header.slot) else { return Ok(Step::Over) };
        while let Some(data) = stream.reader.next_message()? {
            events.push(LinkEvent::Message { channel, data });
        }
        Ok(Step::More)
    }
}

/// How reading a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// With what arrives next.
    More,
    /// When the peer's tokens are there.
    Wait,
    /// Not at all: the channel is not carried, or the link ended.
    Over,
}
