//! Building packets.

use super::Transport;
use super::config::{PacketMeta, SendGate};
use super::packet::builder::{Carried, PacketBuilder};
use super::packet::contents::SentFrame;
use super::recovery::Permission;
use super::recovery::repeat::PathLoad;
use super::recovery::sent::NewPacket;
use super::streams::Class;
use crate::base::time::Timestamp;
use crate::wire::frame::Frame;

impl Transport {
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
        let (len, carried) = (packet.len(), packet.carried());
        let meta = (len > 0).then(|| self.on_built(now, len, carried, &record));
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
    pub(super) fn is_wanted(&self, gate: SendGate) -> bool {
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
        let path = PathLoad {
            in_flight: self.recovery.in_flight(),
            loss: self.recovery.path.losses.per_mille(),
            rate: self.recovery.path.pacing_rate(),
        };
        let size = bytes + self.config.packet_overhead as u64;
        self.repeater.on_sent(now, pn, size, path);
    }

    fn on_built(
        &mut self,
        now: Timestamp,
        len: usize,
        carried: Carried,
        record: &[SentFrame],
    ) -> PacketMeta {
        let Carried { ack_eliciting, traffic, user_data, urgent } = carried;
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
