//! What a link makes of packets: authentic or not, then frames.

use super::moving::is_probing;
use super::paths::{Arrival, MAX_PATIENCE};
use super::session::keys::Opened;
use super::streams::lanes::{In, Lanes};
use super::{Ended, Link, LinkEvent, State, Verdict};
use crate::base::ids::ConnectionId;
use crate::base::rng::Rng;
use crate::base::time::Timestamp;
use crate::base::via::Via;
use crate::crypto::packet_key::PacketError;
use crate::transport::messages::MessageReader;
use crate::transport::{Ecn, TransportSink, TransportStreamId};
use crate::wire::frame::{Frame, Frames, NewConnectionId};
use crate::wire::packet::Header;
use core::net::SocketAddr;

/// What the transport reported of one packet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Streams whose readers were given data.
    pub(super) fed: Vec<TransportStreamId>,
    pub(super) readable: Vec<TransportStreamId>,
    pub(super) writable: Vec<TransportStreamId>,
    /// Streams that the peer reads no more, with its codes.
    pub(super) stopped: Vec<(TransportStreamId, u64)>,
    /// Datagrams for flows which nobody here knows.
    unknown_flows: u64,
    /// The last one of the packet: one packet is answered with one.
    pub(super) challenge: Option<[u8; 8]>,
    pub(super) responses: Vec<[u8; 8]>,
    pub(super) observed: Option<SocketAddr>,
    pub(super) new_ids: Vec<NewConnectionId>,
    pub(super) retired_ids: Vec<u64>,
    streams_available: bool,
    /// Something of a channel came under the keys of the handshake.
    early: bool,
    closed: Option<u64>,
}

/// Where the data of a packet goes at once, and what else it brought.
pub(super) struct Inbox<'a> {
    pub(super) gathered: &'a mut Gathered,
    pub(super) lanes: &'a mut Lanes,
    pub(super) control: &'a mut MessageReader,
    pub(super) paused: bool,
    /// The packet came under the keys of the handshake.
    pub(super) early: bool,
}

impl TransportSink for Inbox<'_> {
    fn stream_opened(&mut self, id: TransportStreamId) {
        self.gathered.early |= self.early;
        self.lanes.incoming.insert(id, In::new());
    }
    fn streams_available(&mut self) {
        self.gathered.streams_available = true;
    }
    fn stream_readable(&mut self, id: TransportStreamId) {
        self.gathered.early |= self.early && !id.is_control();
        self.gathered.readable.push(id);
    }
    /// What is complete of it is taken when the packet is done, so the readers hold little.
    fn stream_data(&mut self, id: TransportStreamId, data: &[u8]) -> bool {
        let reader = if id.is_control() {
            &mut *self.control
        } else {
            self.gathered.early |= self.early;
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
    fn stream_stopped(&mut self, id: TransportStreamId, code: u64) {
        self.gathered.stopped.push((id, code));
        self.gathered.writable.push(id);
    }
    /// A datagram begins with the id of its flow. This version opens no flow, so each is of one that
    /// nobody here knows: dropped, and counted (BC-08.96).
    fn datagram(&mut self, _data: &[u8]) {
        self.gathered.early |= self.early;
        self.gathered.unknown_flows += 1;
    }
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
    /// Takes a datagram that names this link's connection id; `ecn` is how its IP header was
    /// marked.
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
            datagram.first_chunk().is_some_and(|id| self
                .addressing
                .ids
                .local()
                .any(|cid| cid.0 == *id))
        );
        let cid = datagram.first_chunk().map_or(self.session.local_cid, |id| ConnectionId(*id));
        let largest = self.session.replay.largest();
        let len = datagram.len();
        let (header, opened) = match self.open(now, datagram) {
            Ok(opened) => opened,
            Err(verdict) => {
                self.tracer.packet_dropped(now, len, verdict);
                return verdict;
            }
        };
        let pn = header.pn;
        // The window moves only now that the packet is known to be the peer's (BC-06.11).
        self.session.replay.insert(pn);
        self.last_received = now;
        if !self.is_open() {
            self.tracer.packet_dropped(now, len, Verdict::Authentic);
            self.on_late_packet(datagram.get(opened.payload).unwrap_or_default());
            return Verdict::Authentic;
        }
        let newest = largest.is_none_or(|largest| pn > largest);
        let payload = datagram.get(opened.payload).unwrap_or_default();
        self.tracer.packet_received(now, &header, payload, len);
        // Where there is no other path, nothing depends on it.
        let probing = !self.addressing.paths.is_only(via) && is_probing(payload);
        let id = if self.addressing.paths.knows(via) {
            None
        } else {
            self.addressing.ids.unused(self.addressing.paths.ids())
        };
        let patience = self.transport.pto().min(MAX_PATIENCE);
        let arrival = Arrival { via, len, cid, newest, probing, patience };
        let moved = self.change_paths(|link| {
            link.addressing.paths.on_packet(now, arrival, id, &mut rng.public)
        });
        self.on_moved(now, moved, events);
        if let Some(number) = opened.rekeyed {
            self.on_confirmed(now, number, rng, events);
        }
        self.on_payload(now, &arrival, (pn, opened.number), ecn, payload, rng, events);
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

    fn open(&mut self, now: Timestamp, datagram: &mut [u8]) -> Result<(Header, Opened), Verdict> {
        let forged = |_: PacketError| Verdict::Forged;
        let header =
            self.session.keys.unmask(datagram, self.session.replay.largest()).map_err(forged)?;
        if !self.session.replay.is_new(header.pn) {
            return Err(Verdict::Replayed);
        }
        let fade = || self.transport.pto() * 3;
        let opened = self.session.keys.open(now, &header, datagram, fade).map_err(forged)?;
        Ok((header, opened))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one packet, used once")]
    fn on_payload(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        (pn, number): (u64, u64),
        ecn: Option<Ecn>,
        payload: &[u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        let late = self.transport.unanswered_probes() > 0;
        let mut inbox = Inbox {
            gathered: &mut self.gathered,
            lanes: &mut self.streams.lanes,
            control: &mut self.streams.control_in,
            paused: self.streams.paused,
            early: number == 0,
        };
        let result = self.transport.on_packet(now, pn, ecn, payload, &mut inbox);
        self.change_paths(|link| link.on_path_frames(now, arrival, rng, events));
        // BC-08.50
        self.addressing.keepalive.on_heard(now, late);
        self.streams.unknown_flows += core::mem::take(&mut self.gathered.unknown_flows);
        if let Some(code) = self.gathered.closed.take() {
            self.end(now, None, Ended::Peer(code), events);
        }
        // BC-08.86
        if core::mem::take(&mut self.gathered.early) {
            self.violation(now, "data of a channel before the first rekey", events);
        }
        if let Err(error) = result {
            self.end(now, Some(error.code()), Ended::Violation(error.to_string()), events);
        }
        self.on_data(now, rng, events);
        if core::mem::take(&mut self.gathered.streams_available) {
            let limited = core::mem::take(&mut self.streams.lanes.limited);
            events.extend(limited.into_iter().map(LinkEvent::Writable));
        }
    }
}
