//! Taking packets in and building packets.

use super::Transport;
use super::ack::Wish;
use super::builder::PacketBuilder;
use super::config::{Ecn, PacketMeta, SendGate};
use super::error::TransportError;
use super::recovery::Permission;
use super::repeat::Path;
use super::sent::{NewPacket, SentFrame};
use super::sink::TransportSink;
use super::streams::Class;
use crate::base::time::Timestamp;
use crate::wire::frame::{Ack, Frame, Frames};
use crate::wire::varint;
use core::time::Duration;

/// On paths with a shorter round trip buffers do not grow: 1 MiB in 2 ms are 4 Gbit/s, and what is
/// larger only leaves the processor's cache (BC-07.80).
const SHORT_PATH: Duration = Duration::from_millis(2);

/// While so many packets in a thousand are lost, more is kept to be repeated (BC-07.84).
const LOSSY: u64 = 10;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Yes,
    /// Not taken for lack of room; the packet is not acknowledged.
    Refused,
}

/// What was put into a packet.
#[derive(Clone, Copy, Debug)]
struct Built {
    len: usize,
    ack_eliciting: bool,
    traffic: bool,
    user_data: bool,
    urgent: bool,
}

impl Transport {
    /// Takes in the plaintext of a packet that authenticated under `pn` and was not seen before.
    ///
    /// # Errors
    /// [`TransportError`] if the peer broke the protocol: the link is to be closed with its code.
    /// What the frames before the fault brought has been reported already.
    pub fn on_packet(
        &mut self,
        now: Timestamp,
        pn: u64,
        ecn: Option<Ecn>,
        payload: &[u8],
        sink: &mut impl TransportSink,
    ) -> Result<(), TransportError> {
        let now = self.advance(now);
        self.stats.packets_received += 1;
        self.stats.bytes_received += payload.len() as u64;
        if payload.is_empty() {
            return Err(TransportError::EmptyPacket);
        }
        let mut wish = Wish::Never;
        let mut taken = Taken::Yes;
        let mut data_only = true;
        for frame in Frames::new(payload) {
            let frame = frame?;
            data_only &= matches!(frame, Frame::Stream(_));
            wish = wish.max(Wish::of(&frame));
            if self.on_frame(now, &frame, sink)? == Taken::Refused {
                taken = Taken::Refused;
            }
        }
        if taken == Taken::Refused {
            self.stats.packets_refused += 1;
        } else if pn <= varint::MAX {
            self.acks.on_packet(now, pn, wish, ecn);
        }
        self.recovery.on_heard();
        // Data alone lets nothing leave that could not have left before, but an ACK or credit.
        if !data_only || self.acks.is_due() || self.is_wanted(SendGate::All) {
            self.wake();
        }
        Ok(())
    }

    fn on_frame(
        &mut self,
        now: Timestamp,
        frame: &Frame<'_>,
        sink: &mut impl TransportSink,
    ) -> Result<Taken, TransportError> {
        match *frame {
            Frame::Padding(_) | Frame::Ping | Frame::ImmediateAck => {}
            Frame::AckFrequency(ask) => self.acks.on_frequency(&ask),
            Frame::Ack(ack) => self.on_ack(now, &ack, sink)?,
            Frame::Stream(stream) => {
                if !self.streams.on_stream(&stream, sink)? {
                    return Ok(Taken::Refused);
                }
            }
            Frame::ResetStream { id, code, final_size } => {
                self.streams.on_reset(id, code, final_size, sink)?;
            }
            Frame::StopSending { id, code } => self.streams.on_stop_sending(id, code, sink)?,
            Frame::MaxData(limit) => self.streams.on_max_data(limit),
            Frame::MaxStreamData { id, limit } => {
                self.streams.on_max_stream_data(id, limit, sink)?;
            }
            Frame::MaxStreams(limit) => self.streams.on_max_streams(limit, sink),
            Frame::Datagram(data) => sink.datagram(data),
            Frame::PathChallenge(token) => sink.path_challenge(token),
            Frame::PathResponse(token) => sink.path_response(token),
            Frame::ObservedAddress(address) => sink.observed_address(address),
            Frame::NewConnectionId(new) => sink.new_connection_id(new),
            Frame::RetireConnectionId { sequence } => sink.retire_connection_id(sequence),
            Frame::Close { code, reason } => sink.closed(code, reason),
        }
        Ok(Taken::Yes)
    }

    fn on_ack(
        &mut self,
        now: Timestamp,
        ack: &Ack<'_>,
        sink: &mut impl TransportSink,
    ) -> Result<(), TransportError> {
        if !ack.ranges().all(|range| self.numbers.plausible(&range)) {
            return Err(TransportError::AckOfUnsent);
        }
        let Self { recovery, acked, lost, .. } = self;
        recovery.on_ack(now, ack, acked, lost, |pn| sink.packet_acked(pn));
        self.settle_acked();
        self.settle_lost();
        self.repeater.retain(|pn| self.recovery.sent.is_in_flight(pn));
        if self.long_round_trip().is_some() {
            let lossy = self.recovery.path.losses.per_mille() >= LOSSY;
            self.streams.tune_send_buffer(self.recovery.path.controller.window(), lossy);
        }
        self.streams.notify_writers(sink);
        Ok(())
    }

    /// The round trip of a path long enough that larger buffers help.
    fn long_round_trip(&self) -> Option<Duration> {
        let rtt = &self.recovery.path.rtt;
        rtt.min().filter(|min| *min >= SHORT_PATH).map(|_| rtt.smoothed())
    }

    fn settle_acked(&mut self) {
        let mut frames = core::mem::take(&mut self.acked);
        for frame in frames.drain(..) {
            match frame {
                SentFrame::Ack { largest } => self.acks.on_ack_acked(largest),
                SentFrame::Stream { id, start, end, fin, .. } => {
                    self.streams.on_data_acked(id, start..end, fin);
                }
                SentFrame::ResetStream(id) => self.streams.on_reset_acked(id),
                SentFrame::Announcement(announcement) => self.announcements.on_acked(announcement),
                SentFrame::StopSending(_)
                | SentFrame::MaxData
                | SentFrame::MaxStreams
                | SentFrame::MaxStreamData(_)
                | SentFrame::AckFrequency { .. } => {}
            }
        }
        self.acked = frames;
    }

    /// Puts the frames of lost packets in line again.
    pub(super) fn settle_lost(&mut self) {
        let mut frames = core::mem::take(&mut self.lost);
        if !frames.is_empty() {
            self.wake();
        }
        for frame in frames.drain(..) {
            match frame {
                SentFrame::Ack { .. } => {}
                SentFrame::Stream { id, start, end, fin, .. } => {
                    self.streams.on_data_lost(id, start..end, fin);
                }
                SentFrame::ResetStream(id) => self.streams.on_reset_lost(id),
                SentFrame::StopSending(id) => self.streams.on_stop_lost(id),
                SentFrame::MaxData => self.streams.on_link_credit_lost(),
                SentFrame::MaxStreams => self.streams.on_open_limit_lost(),
                SentFrame::MaxStreamData(id) => self.streams.on_stream_credit_lost(id),
                SentFrame::Announcement(announcement) => self.announcements.on_lost(announcement),
                SentFrame::AckFrequency { sequence } => self.recovery.ask.on_lost(sequence),
            }
        }
        self.lost = frames;
    }

    /// Builds the frames of one packet at the front of `buf`, whose length is the limit.
    ///
    /// `None`: nothing to send now, because there is nothing, or `gate`, pacing or congestion
    /// control keep it; no packet number is used then. Whoever opens the gate polls again.
    pub fn poll_packet(
        &mut self,
        now: Timestamp,
        buf: &mut [u8],
        gate: SendGate,
    ) -> Option<PacketMeta> {
        let now = self.advance(now);
        if self.is_idle(now, gate) {
            return None;
        }
        self.send_at = None;
        if self.numbers.exhausted() {
            return None;
        }
        let permitted = self.permitted(now, gate);
        if !permitted && !self.acks.is_due() {
            self.idle = Some(gate);
            return None;
        }
        if permitted && let Some(meta) = self.build_probe(now, buf) {
            return Some(meta);
        }
        let limit = buf.len().min(self.config.max_payload(self.recovery.packet_len()));
        let mut record = core::mem::take(&mut self.record);
        let mut packet = PacketBuilder::new(&mut buf[..limit], &mut record);
        if self.acks.is_due() || self.acks.may_ride(now) {
            self.acks.write(now, &mut packet);
        }
        if permitted {
            self.fill(now, &mut packet, gate);
        }
        let alone = packet.len() > 0 && !packet.is_ack_eliciting();
        if alone && self.acks.is_fragmented() && self.recovery.sent.count() == 0 {
            packet.put(&Frame::Ping);
        }
        if packet.is_ack_eliciting() {
            self.recovery.path.mtu.on_filled(packet.room() == 0);
        }
        let built = Built {
            len: packet.len(),
            ack_eliciting: packet.is_ack_eliciting(),
            traffic: packet.has_traffic(),
            user_data: packet.has_user_data(),
            urgent: packet.is_urgent(),
        };
        let meta = (built.len > 0).then(|| self.on_built(now, built, &record));
        self.record = record;
        if meta.is_some() {
            self.wake();
        }
        meta
    }

    /// Asks whether the path carries larger packets: PING and padding, so that its loss costs
    /// nothing. It is not counted in flight.
    fn build_probe(&mut self, now: Timestamp, buf: &mut [u8]) -> Option<PacketMeta> {
        let size = self.recovery.probe_due(now)?;
        let len = buf.len().min(self.config.max_payload(size));
        // The caller has no room for it now.
        if len <= self.config.max_payload(self.recovery.packet_len()) {
            return None;
        }
        let payload = buf.get_mut(..len)?;
        payload.fill(0);
        Frame::Ping.encode(&mut &mut payload[..]);
        let pn = self.numbers.take();
        self.recovery.on_mtu_probe(now, pn, size);
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += len as u64;
        self.wake();
        Some(PacketMeta {
            pn,
            len,
            ack_eliciting: true,
            traffic: false,
            user_data: false,
            ect: false,
            probe: true,
        })
    }

    /// Whether an ack-eliciting packet is wanted.
    fn is_wanted(&self, gate: SendGate) -> bool {
        self.recovery.probing()
            || self.ping
            || !self.announcements.is_empty()
            || self.streams.has_work(gate)
            || gate == SendGate::All && !self.datagrams.is_empty()
    }

    /// Whether an ack-eliciting packet is wanted and may leave; sets the time at which it may.
    fn permitted(&mut self, now: Timestamp, gate: SendGate) -> bool {
        if !self.is_wanted(gate) {
            self.recovery.on_nothing_to_send();
            return false;
        }
        match self.recovery.permission(now) {
            Permission::Granted => true,
            Permission::Paced(at) => {
                self.send_at = Some(at);
                false
            }
            Permission::Congested => false,
        }
    }

    fn fill(&mut self, now: Timestamp, packet: &mut PacketBuilder<'_>, gate: SendGate) {
        // A probe that waited for a delayed ACK would find out later what is wrong.
        if self.recovery.probing() {
            packet.put(&Frame::ImmediateAck);
        }
        if self.recovery.probing_bare() {
            return;
        }
        if self.ping && packet.put(&Frame::Ping) {
            self.ping = false;
        }
        self.recovery.ask.write(packet);
        self.announcements.write(packet);
        self.streams.write_control(now, self.long_round_trip(), packet, gate);
        match gate {
            SendGate::All => {
                self.streams.write_data(packet, Class::Control..=Class::Chat);
                self.datagrams.write(now, self.max_datagram(), packet);
                self.streams.write_data(packet, Class::Media..=Class::File);
            }
            SendGate::ControlOnly => self.streams.write_control_data(packet),
        }
    }

    /// Packet `pn` carries urgent data for the first time.
    fn plan_copies(&mut self, now: Timestamp, pn: u64, record: &[SentFrame]) {
        let urgent = record.iter().filter(|frame| self.streams.is_urgent(frame));
        let bytes: u64 = urgent.map(SentFrame::len).sum();
        let path = Path {
            in_flight: self.recovery.in_flight(),
            loss: self.recovery.path.losses.per_mille(),
            rate: self.recovery.path.pacing_rate(),
        };
        let size = bytes + self.config.packet_overhead as u64;
        self.repeater.on_sent(now, pn, size, path);
    }

    fn on_built(&mut self, now: Timestamp, built: Built, record: &[SentFrame]) -> PacketMeta {
        let Built { len, ack_eliciting, traffic, user_data, urgent } = built;
        let pn = self.numbers.take();
        // An ACK that vanishes for its mark is missed by nobody.
        let ect = ack_eliciting && self.recovery.path.ecn.mark();
        if ack_eliciting {
            let size = (len + self.config.packet_overhead) as u64;
            self.recovery.on_sent(NewPacket { pn, sent_at: now, size, ect }, record);
            self.recovery.path.ecn.on_sent();
            if urgent {
                self.plan_copies(now, pn, record);
            }
        }
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += len as u64;
        PacketMeta { pn, len, ack_eliciting, traffic, user_data, ect, probe: false }
    }
}
