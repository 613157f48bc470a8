//! What is known of the path that packets take now.
//!
//! All of it comes from packets that left on this path, and is replaced as a whole when they take
//! another one ([`PathState::next`]): a field that is added here needs no thought about moves. What
//! belongs to the session whatever way its packets take (what is in flight, the largest number
//! acknowledged, timers and their back-off, what is asked of the peer) lies in
//! [`Recovery`](crate::transport::recovery::Recovery).

use super::ecn::EcnState;
use super::loss_meter::LossMeter;
use super::losses::Losses;
use super::mtu::{BASE, PathMtu};
use super::reordering::{LostPacket, Reordering};
use super::sent::SentPacket;
use crate::base::time::Timestamp;
use crate::transport::congestion::pacing::Pacer;
use crate::transport::congestion::rate::RateSampler;
use crate::transport::congestion::{
    AckedPacket, Careful, Congestion, Controller, PathMemory, Spurious,
};
use crate::transport::rtt::Rtt;

#[derive(Debug)]
pub(in crate::transport) struct PathState {
    pub(in crate::transport) rtt: Rtt,
    pub(in crate::transport) controller: Box<dyn Controller>,
    pub(in crate::transport) pacer: Pacer,
    pub(in crate::transport) sampler: RateSampler,
    pub(in crate::transport) losses: LossMeter,
    pub(super) reordering: Reordering,
    pub(in crate::transport) ecn: EcnState,
    pub(in crate::transport) mtu: PathMtu,
    /// The application, not the window, limits what leaves.
    pub(in crate::transport) app_limited: bool,
    /// The first packet that left on it.
    start: u64,
    /// The first packet whose fate says something of it (BC-07.68): a later one if the peer's port
    /// changed since.
    judged_from: u64,
    /// Bytes in flight that left on earlier paths (BC-07.66).
    earlier_paths: u64,
}

impl PathState {
    /// The first path of a session, of which nothing is known but perhaps `rtt`. This side sends
    /// UDP payloads of up to `max_datagram` bytes.
    pub(in crate::transport) fn new(
        now: Timestamp,
        controller: Box<dyn Controller>,
        rtt: Rtt,
        max_datagram: usize,
    ) -> Self {
        Self {
            rtt,
            controller,
            pacer: Pacer::new(now, BASE as u64),
            sampler: RateSampler::new(now),
            losses: LossMeter::default(),
            reordering: Reordering::default(),
            ecn: EcnState::default(),
            mtu: PathMtu::new(max_datagram),
            app_limited: true,
            start: 0,
            judged_from: 0,
            earlier_paths: 0,
        }
    }

    /// The path that packets take from number `start` on, while `in_flight` bytes of this one and
    /// those before it are not settled. Four things go along: which congestion controller it is,
    /// the limits of both sides to packet sizes, what the peer has counted of ECN marks, and which
    /// packets counted as lost.
    pub(in crate::transport) fn next(
        &self,
        now: Timestamp,
        start: u64,
        rtt: Rtt,
        in_flight: u64,
    ) -> Self {
        let controller = self.controller.anew(BASE as u64);
        Self {
            reordering: self.reordering.next_path(),
            ecn: self.ecn.next_path(),
            mtu: self.mtu.next_path(),
            start,
            judged_from: start,
            earlier_paths: in_flight,
            ..Self::new(now, controller, rtt, BASE)
        }
    }

    /// Packets from number `next_pn` on go to another port of the same address: most likely the
    /// same path, but what was on its way to the old port says nothing of it.
    pub(in crate::transport) const fn on_rebound(&mut self, next_pn: u64) {
        self.judged_from = next_pn;
    }

    /// Whether what becomes of packet `pn` says something of this path.
    pub(in crate::transport) const fn judges(&self, pn: u64) -> bool {
        pn >= self.judged_from
    }

    /// Of `in_flight` bytes those that fill this path's window.
    pub(in crate::transport) const fn own(&self, in_flight: u64) -> u64 {
        in_flight - self.earlier_paths
    }

    /// Packet `pn` of `size` bytes, which this path does not judge, is in flight no more.
    pub(in crate::transport) const fn on_unjudged_gone(&mut self, pn: u64, size: u64) {
        if pn < self.start {
            self.earlier_paths -= size;
        }
    }

    /// Bytes of a full packet.
    pub(in crate::transport) const fn packet_size(&self) -> u64 {
        self.mtu.size() as u64
    }

    /// Bytes a second that may leave.
    pub(in crate::transport) fn pacing_rate(&self) -> u64 {
        self.controller.pacing_rate(&self.rtt)
    }

    /// The size of full packets changed.
    pub(in crate::transport) fn on_size_changed(&mut self) {
        let size = self.packet_size();
        self.pacer.set_packet_size(size);
        self.controller.set_packet_size(size);
    }

    /// A packet that it [`judges`](Self::judges) was acknowledged.
    pub(in crate::transport) fn on_acked(&mut self, now: Timestamp, packet: &SentPacket) {
        let SentPacket { pn, sent_at, size: bytes, .. } = *packet;
        self.losses.on_acked();
        let packet = AckedPacket { pn, sent_at, bytes, app_limited: self.app_limited };
        self.controller.on_acked(now, packet, &self.rtt);
    }

    /// `packet` counted as lost and was only late: `overtaken` numbers later had arrived
    /// (BC-07.45).
    pub(super) fn on_late(&mut self, now: Timestamp, packet: &LostPacket, overtaken: u64) {
        if !self.judges(packet.pn) {
            return;
        }
        let LostPacket { sent_at, bytes, pass, .. } = *packet;
        self.losses.on_late();
        self.reordering.on_late(now, packet, overtaken, self.rtt.round());
        self.sampler.on_spurious(now, bytes);
        self.controller.on_spurious(now, Spurious { event: pass, sent_at, bytes });
    }

    /// A pass of loss detection found `losses`.
    pub(super) fn on_lost(&mut self, now: Timestamp, losses: &Losses) {
        let Losses { pass, judged, bytes, newest, stamp, persistent, smaller, .. } = *losses;
        if smaller {
            self.on_size_changed();
        }
        self.sampler.on_lost(bytes);
        self.losses.on_lost(judged);
        if let Some(sent_at) = newest {
            let lost_since_send = self.sampler.lost_since(&stamp);
            let in_flight_at_send = stamp.in_flight;
            let event = Congestion {
                number: pass,
                sent_at,
                bytes,
                persistent,
                in_flight_at_send,
                lost_since_send,
            };
            self.controller.on_congestion(now, event);
        }
    }

    /// The peer reports a new mark of congestion; `newest` is the newest packet of its ACK.
    pub(in crate::transport) fn on_marked(&mut self, now: Timestamp, newest: &SentPacket) {
        let in_flight_at_send = newest.stamp.in_flight;
        let sent_at = newest.sent_at;
        let event = Congestion { sent_at, in_flight_at_send, ..Congestion::default() };
        self.controller.on_congestion(now, event);
    }

    /// What a later session over the same path may begin with: own measurements alone.
    pub(in crate::transport) fn memory(&self) -> Option<PathMemory> {
        let rate = self.controller.rate(&self.rtt);
        // A new link begins with packets of the smallest size, however large they became here.
        PathMemory::new(self.rtt.min()?, rate, self.losses.per_mille(), BASE as u64)
    }

    /// Begins with what an earlier session measured.
    pub(in crate::transport) fn resume(&mut self, memory: PathMemory) {
        let size = self.packet_size();
        self.controller = Box::new(Careful::new(self.controller.anew(size), memory, size));
    }
}

#[cfg(test)]
mod tests;
