//! What a link makes of packets: authentic or not, then frames, then messages.

use super::control::{Control, StreamHeader};
use super::lanes::In;
use super::path::Via;
use super::{Ended, Link, LinkEvent, RENEWAL_BURST, RENEWAL_SPACING, State, Verdict};
use crate::base::ids::ConnectionId;
use crate::base::rng::Rng;
use crate::base::time::Timestamp;
use crate::crypto::noise::Role;
use crate::crypto::packet_key::PacketError;
use crate::transport::messages::MessageReader;
use crate::transport::{Read, TransportSink, TransportStreamId};
use crate::wire::frame::NewConnectionId;
use core::net::SocketAddr;
use core::ops::Bound::{Excluded, Unbounded};
use core::ops::Range;

/// What the transport reported of one packet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    opened: Vec<TransportStreamId>,
    readable: Vec<TransportStreamId>,
    writable: Vec<TransportStreamId>,
    /// The last one of the packet: one packet is answered with one.
    challenge: Option<[u8; 8]>,
    responses: Vec<[u8; 8]>,
    streams_available: bool,
    closed: Option<u64>,
}

impl TransportSink for Gathered {
    fn stream_opened(&mut self, id: TransportStreamId) {
        self.opened.push(id);
    }
    fn streams_available(&mut self) {
        self.streams_available = true;
    }
    fn stream_readable(&mut self, id: TransportStreamId) {
        self.readable.push(id);
    }
    fn stream_writable(&mut self, id: TransportStreamId) {
        self.writable.push(id);
    }
    fn stream_stopped(&mut self, id: TransportStreamId, _code: u64) {
        self.writable.push(id);
    }
    /// Links open no datagram flows yet; a peer that sends some is ahead of us.
    fn datagram(&mut self, _data: &[u8]) {}
    fn path_challenge(&mut self, token: [u8; 8]) {
        self.challenge = Some(token);
    }
    fn path_response(&mut self, token: [u8; 8]) {
        self.responses.push(token);
    }
    /// Known from the probe's answer already.
    fn observed_address(&mut self, _address: SocketAddr) {}
    /// One connection id serves a session for now; further ones stay unused.
    fn new_connection_id(&mut self, _new: NewConnectionId) {}
    fn retire_connection_id(&mut self, _sequence: u64) {}
    fn packet_acked(&mut self, _pn: u64) {}
    fn closed(&mut self, code: u64, _reason: &[u8]) {
        self.closed = Some(code);
    }
}

impl Link {
    /// Takes a datagram that names this link's connection id.
    pub fn handle_datagram(
        &mut self,
        now: Timestamp,
        via: Via,
        datagram: &mut [u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) -> Verdict {
        debug_assert_eq!(datagram.first_chunk().copied().map(ConnectionId), Some(self.local_cid));
        let largest = self.replay.largest();
        let (pn, payload, renewed) = match self.open(now, datagram) {
            Ok(opened) => opened,
            Err(verdict) => return verdict,
        };
        // The window moves only now that the packet is known to be the peer's (BC-06.11).
        self.replay.insert(pn);
        self.last_received = now;
        if let State::Closing { replies: replies @ 1.., due, .. } = &mut self.state {
            *replies -= 1;
            *due = true;
        }
        if !self.is_open() {
            return Verdict::Authentic;
        }
        let newest = largest.is_none_or(|largest| pn > largest);
        self.paths.on_packet(now, via, datagram.len(), newest, &mut rng.public);
        if let Some(generation) = renewed {
            self.on_confirmed(generation, rng, events);
        }
        self.on_payload(now, via, pn, payload, datagram, rng, events);
        self.drive(now, rng);
        self.watch_channels(now);
        Verdict::Authentic
    }

    fn open(
        &mut self,
        now: Timestamp,
        datagram: &mut [u8],
    ) -> Result<(u64, Range<usize>, Option<u64>), Verdict> {
        let forged = |_: PacketError| Verdict::Forged;
        let header = self.keys.unmask(datagram, self.replay.largest()).map_err(forged)?;
        if !self.replay.is_new(header.pn) {
            return Err(Verdict::Replayed);
        }
        let fade = self.transport.pto() * 3;
        let opened = self.keys.open(now, &header, datagram, fade).map_err(forged)?;
        Ok((opened.pn, opened.payload, opened.renewed))
    }

    /// A packet under new keys arrived. The initiator uses them since it has the answer; for the
    /// responder this is the moment.
    fn on_confirmed(&mut self, generation: u64, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        if self.role == Role::Responder {
            self.on_renewed(generation, rng, events);
            // So that the initiator learns at once that it may renew again.
            self.transport.ping();
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one packet, used once")]
    fn on_payload(
        &mut self,
        now: Timestamp,
        via: Via,
        pn: u64,
        payload: Range<usize>,
        datagram: &[u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        let mut gathered = core::mem::take(&mut self.gathered);
        let payload = datagram.get(payload).unwrap_or_default();
        let result = self.transport.on_packet(now, pn, None, payload, &mut gathered);
        if let Some(token) = gathered.challenge.take() {
            self.paths.on_challenge(via, token);
        }
        for token in gathered.responses.drain(..) {
            if self.paths.on_response(token) {
                self.transport.path_changed(now);
                events.push(LinkEvent::Moved);
            }
        }
        for id in gathered.opened.drain(..) {
            // Streams of channels are used in one direction.
            let _ = self.transport.finish(id);
            let reader = MessageReader::new(self.config.limits.message_bytes);
            self.lanes.incoming.insert(id, In { reader, header: None });
        }
        self.readable.extend(gathered.readable.drain(..));
        if let Some(code) = gathered.closed.take() {
            self.end(now, None, Ended::Peer(code), events);
        }
        if let Err(error) = result {
            self.end(now, Some(error.code()), Ended::Violation(error.to_string()), events);
        }
        if self.is_open() {
            self.read_control(now, rng, events);
            self.read_all(events);
            for id in gathered.writable.drain(..) {
                if id.is_control() {
                    self.push_control();
                } else if let Some(channel) = self.lanes.on_writable(&mut self.transport, id) {
                    events.push(LinkEvent::Writable(channel));
                }
            }
        }
        if core::mem::take(&mut gathered.streams_available) {
            let limited = core::mem::take(&mut self.lanes.limited);
            events.extend(limited.into_iter().map(LinkEvent::Writable));
        }
        gathered.writable.clear();
        self.gathered = gathered;
    }

    fn violation(&mut self, now: Timestamp, what: &str, events: &mut Vec<LinkEvent>) {
        self.close_for_violation(now, what, events);
    }

    fn read_control(&mut self, now: Timestamp, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        if !self.readable.remove(&TransportStreamId::CONTROL) {
            return;
        }
        loop {
            match self.transport.read(TransportStreamId::CONTROL) {
                Ok(Read::Data(chunk)) => self.control_in.push(chunk),
                Ok(Read::Pending) => return,
                // BC-08.01
                Ok(Read::Finished | Read::Reset(_)) | Err(_) => {
                    return self.violation(now, "the control stream ended", events);
                }
            }
            loop {
                match self.control_in.next_message() {
                    Ok(Some(message)) => self.on_control(now, &message, rng, events),
                    Ok(None) => break,
                    // BC-08.02
                    Err(error) => return self.violation(now, &error.to_string(), events),
                }
                if !self.is_open() {
                    return;
                }
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
                self.renew_wanted = true;
                Ok(())
            }
            // BC-08.07, BC-08.08: whatever is wrong with a renewal ends the link.
            Ok(Control::RekeyInit(_)) if self.renewals_too_often(now) => {
                Err("key renewals follow each other too fast".to_owned())
            }
            Ok(Control::RekeyInit(body)) => match self.rekey.on_init(body, &mut rng.secret) {
                Ok((response, keys)) => {
                    self.keys.install(&keys);
                    self.send_control(&Control::RekeyResponse(&response).encode());
                    events.extend(keys.resumption.map(LinkEvent::Resumption));
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            },
            Ok(Control::RekeyResponse(body)) => match self.rekey.on_response(body) {
                Ok(keys) => {
                    self.keys.install(&keys);
                    self.on_renewed(keys.generation, rng, events);
                    events.extend(keys.resumption.map(LinkEvent::Resumption));
                    // The responder uses the keys once it sees a packet under them.
                    self.transport.ping();
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            },
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
        let Some(mut stream) = self.lanes.incoming.remove(&id) else { return true };
        loop {
            match self.take_messages(&mut stream, events) {
                Ok(Step::More) => {}
                Ok(Step::Wait) => {
                    self.lanes.incoming.insert(id, stream);
                    return false;
                }
                Ok(Step::Moot) => {
                    let _ = self.transport.stop(id, 0);
                    return true;
                }
                Err(what) => {
                    self.violation(self.last_received, &what, events);
                    return true;
                }
            }
            match self.transport.read(id) {
                Ok(Read::Data(chunk)) => {
                    self.keys.on_user_data(self.last_received);
                    stream.reader.push(chunk);
                }
                Ok(Read::Pending) => {
                    self.lanes.incoming.insert(id, stream);
                    return true;
                }
                Ok(Read::Finished | Read::Reset(_)) | Err(_) => return true,
            }
        }
    }

    /// Takes the complete messages of a stream.
    fn take_messages(&self, stream: &mut In, events: &mut Vec<LinkEvent>) -> Result<Step, String> {
        loop {
            let channel = match stream.header {
                Some(header) if self.slots.is_unknown(header.slot) => return Ok(Step::Wait),
                Some(header) => match self.slots.channel_of(header.slot) {
                    Some(channel) => Some(channel),
                    None => return Ok(Step::Moot),
                },
                None => None,
            };
            let Some(message) = stream.reader.next_message().map_err(|error| error.to_string())?
            else {
                return Ok(Step::More);
            };
            match channel {
                Some(channel) => events.push(LinkEvent::Message { channel, data: message }),
                None => {
                    let header =
                        StreamHeader::decode(&message).map_err(|error| error.to_string())?;
                    // BC-08.18
                    if self.lanes.incoming.values().any(|other| other.header == Some(header)) {
                        return Err("two streams for one lane of a slot".to_owned());
                    }
                    stream.header = Some(header);
                }
            }
        }
    }
}

/// How reading a stream goes on.
enum Step {
    /// With what arrives next.
    More,
    /// When the peer's tokens are there.
    Wait,
    /// Not at all: the channel is not carried.
    Moot,
}
