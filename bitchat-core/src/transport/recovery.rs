//! Loss recovery of one path: what is in flight, the round trip, congestion control and pacing.

use super::ack_frequency::{AckAsk, Flight};
use super::config::{MAX_ACK_DELAY, TransportConfig};
use super::congestion::{
    AckSummary, AckedPacket, Careful, Congestion, Controller, NewReno, PathMemory, Spurious,
};
use super::ecn::EcnState;
use super::loss::{Expired, LossDetector, Losses};
use super::loss_meter::LossMeter;
use super::mtu::{BASE, PathMtu};
use super::pacing::Pacer;
use super::rate::RateSampler;
use super::reordering::{LostPacket, Reordering};
use super::rtt::Rtt;
use super::sent::{NewPacket, SentFrame, SentPacket, SentPackets};
use crate::base::time::Timestamp;
use crate::wire::frame::Ack;
use core::ops::Range;
use core::time::Duration;

/// Packets in flight at once, however small they are.
const MAX_PACKETS: usize = 16_384;
/// Packets that a probe timeout lets out beyond the window (RFC 9002 §6.2.4).
const PROBES: u8 = 2;
/// From so many probe timeouts in a row on, the last probe carries no data (BC-07.48).
const BARE_FROM: u32 = 3;

/// Whether an ack-eliciting packet may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    Granted,
    /// Not before this time.
    Paced(Timestamp),
    /// Not before something is acknowledged or lost.
    Congested,
}

#[derive(Debug)]
pub(super) struct Recovery {
    pub(super) rtt: Rtt,
    pub(super) sent: SentPackets,
    pub(super) largest_acked: Option<u64>,
    pub(super) controller: Box<dyn Controller>,
    pub(super) ecn: EcnState,
    /// What is asked of the peer's acknowledgements.
    pub(super) ask: AckAsk,
    pub(super) losses: LossMeter,
    pub(super) mtu: PathMtu,
    detector: LossDetector,
    pacer: Pacer,
    sampler: RateSampler,
    packet_size: u64,
    /// The first packet number of the present path.
    path_start: u64,
    /// The first packet whose fate says something of the path: a later one if the peer's port changed.
    judged_from: u64,
    /// Bytes in flight that left on an earlier path.
    elsewhere: u64,
    probes: u8,
    /// Probe timeouts in a row since something was acknowledged.
    unanswered: u32,
    app_limited: bool,
    pub(super) packets_lost: u64,
    /// Of the lost, those that were only late.
    pub(super) packets_late: u64,
    /// Numbers of lost packets that a trace has not taken yet, if there is one.
    #[cfg(feature = "qlog")]
    pub(super) watched_losses: Option<Vec<u64>>,
    pub(super) probe_timeouts: u64,
}

impl Recovery {
    pub(super) fn new(
        config: &TransportConfig,
        controller: Box<dyn Controller>,
        now: Timestamp,
    ) -> Self {
        Self {
            rtt: Rtt::new(config.initial_rtt),
            sent: SentPackets::default(),
            largest_acked: None,
            controller,
            ecn: EcnState::default(),
            ask: AckAsk::default(),
            losses: LossMeter::default(),
            mtu: PathMtu::new(config.max_datagram),
            detector: LossDetector::default(),
            pacer: Pacer::new(now, BASE as u64),
            sampler: RateSampler::new(now),
            packet_size: BASE as u64,
            path_start: 0,
            judged_from: 0,
            elsewhere: 0,
            probes: 0,
            unanswered: 0,
            app_limited: true,
            packets_lost: 0,
            packets_late: 0,
            #[cfg(feature = "qlog")]
            watched_losses: None,
            probe_timeouts: 0,
        }
    }

    /// What is known of the path by own measurements.
    pub(super) fn path_memory(&self) -> Option<PathMemory> {
        let rate = self.controller.rate(&self.rtt);
        // A new link begins with packets of the smallest size, however large they became here.
        PathMemory::new(self.rtt.min()?, rate, self.losses.per_mille(), BASE as u64)
    }

    /// Begins with what an earlier link measured.
    pub(super) fn resume(&mut self, memory: PathMemory) {
        let none: Box<dyn Controller> = Box::new(NewReno::new(self.packet_size));
        let inner = core::mem::replace(&mut self.controller, none);
        self.controller = Box::new(Careful::new(inner, memory, self.packet_size));
    }

    pub(super) const fn probing(&self) -> bool {
        self.probes > 0
    }

    /// The next packet is a probe that carries nothing but the wish for an answer. The peer may refuse
    /// data for its gaps, and with it every packet that carries some; what it says of an empty one
    /// shows which packets are missing.
    pub(super) const fn probing_bare(&self) -> bool {
        self.probes == 1 && self.unanswered >= BARE_FROM
    }

    /// Bytes in flight on the present path; those of an earlier one do not fill its window (BC-07.66).
    pub(super) const fn in_flight(&self) -> u64 {
        self.sent.bytes() - self.elsewhere
    }

    pub(super) fn permission(&mut self, now: Timestamp) -> Permission {
        if self.probing() {
            return Permission::Granted;
        }
        let full = self.in_flight() + self.packet_size > self.controller.window();
        if self.sent.count() > 0 && (full || self.sent.len() >= MAX_PACKETS) {
            self.app_limited = false;
            return Permission::Congested;
        }
        let rate = self.pacing_rate();
        match self.pacer.wait(now, self.packet_size, rate) {
            Some(at) => {
                self.app_limited = false;
                Permission::Paced(at)
            }
            None => Permission::Granted,
        }
    }

    /// Bytes a second that may leave.
    pub(super) fn pacing_rate(&self) -> u64 {
        self.controller.pacing_rate(&self.rtt)
    }

    /// Bytes of the largest packet that may leave now. A probe for an answer has a size that every
    /// path carries: what is silent may be a black hole for larger ones.
    pub(super) const fn packet_len(&self) -> usize {
        if self.probing() { BASE } else { self.mtu.size() }
    }

    /// The size of the probe for larger packets that may leave now. Not before the path has shown
    /// a round trip.
    pub(super) fn probe_due(&self, now: Timestamp) -> Option<usize> {
        let known = self.rtt.min().is_some() && !self.probing();
        if known { self.mtu.due(now) } else { None }
    }

    /// A probe for larger packets left.
    pub(super) fn on_mtu_probe(&mut self, now: Timestamp, pn: u64, size: usize) {
        let stamp = self.sampler.on_sent(now, self.in_flight(), 0);
        self.sent.push(NewPacket { pn, sent_at: now, size: 0, ect: false }, stamp, &[]);
        self.detector.on_sent(now);
        self.mtu.on_probe(pn, size);
    }

    /// The peer takes UDP payloads of up to `bytes`.
    pub(super) fn set_peer_limit(&mut self, bytes: usize) {
        if self.mtu.set_peer_limit(bytes) {
            self.on_size_changed();
        }
    }

    fn on_size_changed(&mut self) {
        self.packet_size = self.mtu.size() as u64;
        self.pacer.set_packet_size(self.packet_size);
        self.controller.set_packet_size(self.packet_size);
    }

    /// Nothing was left to send although more could have been in flight.
    pub(super) fn on_nothing_to_send(&mut self) {
        self.app_limited = true;
        let in_flight = self.in_flight();
        if in_flight < self.controller.window() {
            self.sampler.on_app_limited(in_flight);
        }
    }

    /// An ack-eliciting packet left.
    pub(super) fn on_sent(&mut self, packet: NewPacket, frames: &[SentFrame]) {
        let in_flight = self.in_flight();
        let stamp = self.sampler.on_sent(packet.sent_at, in_flight, packet.size);
        self.sent.push(packet, stamp, frames);
        self.detector.on_sent(packet.sent_at);
        self.probes = self.probes.saturating_sub(1);
        self.pacer.on_sent(packet.size);
        self.controller.on_sent(packet.sent_at, packet.pn, packet.size, in_flight + packet.size);
    }

    /// An ACK arrived whose numbers were all sent. The frames it settles are appended to `acked`
    /// and `lost`; `on_packet` gets the packets newly acknowledged.
    pub(super) fn on_ack(
        &mut self,
        now: Timestamp,
        ack: &Ack<'_>,
        acked: &mut Vec<SentFrame>,
        lost: &mut Vec<SentFrame>,
        mut on_packet: impl FnMut(u64),
    ) {
        let mut newest: Option<SentPacket> = None;
        let mut newly_ect = 0;
        let mut acked_bytes = 0;
        let mut larger = false;
        let mut all_judged = true;
        for range in ack.ranges() {
            self.find_late(now, &range, ack.largest);
            let Self {
                sent,
                controller,
                rtt,
                path_start,
                judged_from,
                elsewhere,
                app_limited,
                losses,
                mtu,
                ..
            } = self;
            let newest_of_range = sent.acknowledge(&range, acked, |packet| {
                on_packet(packet.pn);
                larger |= mtu.on_acked(now, packet.pn, packet.size);
                newly_ect += u64::from(packet.ect);
                all_judged &= packet.pn >= *judged_from;
                if packet.pn >= *judged_from {
                    let SentPacket { pn, sent_at, size: bytes, .. } = *packet;
                    acked_bytes += bytes;
                    losses.on_acked();
                    let packet = AckedPacket { pn, sent_at, bytes, app_limited: *app_limited };
                    controller.on_acked(now, packet, rtt);
                } else if packet.pn < *path_start {
                    *elsewhere -= packet.size;
                }
            });
            // The first range is that of the newest packets.
            newest = newest.or(newest_of_range);
        }
        if larger {
            self.on_size_changed();
        }
        self.largest_acked = self.largest_acked.max(Some(ack.largest));
        let Some(newest) = newest else { return };
        if newest.pn == ack.largest && newest.pn >= self.judged_from {
            let sample = now.saturating_since(newest.sent_at);
            self.rtt.update(sample, ack.delay().min(MAX_ACK_DELAY));
        }
        self.detector.on_progress();
        self.probes = 0;
        self.unanswered = 0;
        // Which packets were marked is not said: they may be those of the old path.
        if self.ecn.on_ack(ack.ecn, newly_ect, all_judged) {
            let in_flight_at_send = newest.stamp.in_flight;
            let sent_at = newest.sent_at;
            let event = Congestion { sent_at, in_flight_at_send, ..Congestion::default() };
            self.controller.on_congestion(now, event);
        }
        self.detect_losses(now, lost);
        let reordering = self.detector.reordering.packets();
        let flight = Flight {
            bytes: newest.stamp.in_flight,
            packet_size: self.packet_size,
            app_limited: newest.stamp.app_limited,
        };
        self.ask.update(flight, reordering, &self.rtt);
        let min_rtt = self.rtt.min().unwrap_or(Duration::ZERO);
        let SentPacket { pn, sent_at, stamp, .. } = newest;
        let rate = (pn >= self.judged_from)
            .then(|| self.sampler.on_acked(now, acked_bytes, sent_at, &stamp, min_rtt));
        let ack = AckSummary { in_flight: self.in_flight(), acked: acked_bytes, rate };
        self.controller.on_ack_end(now, &ack);
    }

    /// Packets of `range` that counted as lost were only late (BC-07.45).
    fn find_late(&mut self, now: Timestamp, range: &Range<u64>, largest: u64) {
        while let Some(packet) = self.detector.reordering.take(range) {
            self.packets_late += 1;
            if packet.pn < self.judged_from {
                continue;
            }
            self.losses.on_late();
            let LostPacket { pn, sent_at, bytes, pass } = packet;
            let round = self.rtt.round();
            self.detector.reordering.on_late(now, &packet, largest.saturating_sub(pn), round);
            self.sampler.on_spurious(now, bytes);
            self.controller.on_spurious(now, Spurious { event: pass, sent_at, bytes });
        }
    }

    /// Something arrived from the peer: the path works at least one way.
    pub(super) fn on_heard(&mut self) {
        self.detector.on_heard();
    }

    fn detect_losses(&mut self, now: Timestamp, lost: &mut Vec<SentFrame>) {
        let Some(largest) = self.largest_acked else { return };
        let Self { detector, sent, rtt, path_start, judged_from, elsewhere, mtu, .. } = self;
        let mut smaller = false;
        #[cfg(feature = "qlog")]
        let watched = &mut self.watched_losses;
        let note = |pn, size| {
            if pn < *path_start {
                *elsewhere -= size;
            }
            smaller |= mtu.on_lost(now, pn, size);
            #[cfg(feature = "qlog")]
            watched.iter_mut().for_each(|numbers| numbers.push(pn));
        };
        let losses = detector.detect(now, sent, rtt, largest, *judged_from, lost, note);
        if smaller {
            self.on_size_changed();
        }
        let Losses { pass, packets, judged, bytes, newest, stamp, persistent } = losses;
        self.sampler.on_lost(bytes);
        self.packets_lost += packets;
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

    /// The next deadline; none while nothing is in flight.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        (self.sent.count() > 0).then(|| self.detector.deadline(&self.rtt)).flatten()
    }

    /// Frames to send again because a timer expired are appended to `lost`.
    pub(super) fn handle_timeout(&mut self, now: Timestamp, lost: &mut Vec<SentFrame>) {
        // A loss that was waited for may have kept a probe back that is due by now.
        while self.sent.count() > 0 {
            match self.detector.expired(now, self.detector.probe_time(&self.rtt)) {
                Some(Expired::Loss) => self.detect_losses(now, lost),
                Some(Expired::Probe) => {
                    self.probe_timeouts += 1;
                    self.probes = PROBES;
                    self.unanswered = self.unanswered.saturating_add(1);
                    self.sent.copy_oldest(usize::from(PROBES), lost);
                }
                None => break,
            }
        }
    }

    /// Gives memory back; the link is quiet, so nothing that was lost lately matters any more.
    pub(super) fn shrink(&mut self) {
        self.sent.shrink();
        self.detector.reordering.forget();
    }

    /// Lets probes leave at once, if anything is in flight, with what the oldest packets carried.
    pub(super) fn probe_now(&mut self, lost: &mut Vec<SentFrame>) {
        if self.sent.count() > 0 {
            self.probes = PROBES;
            self.sent.copy_oldest(usize::from(PROBES), lost);
        }
    }

    /// Probe timeouts since the peer was heard.
    pub(super) const fn unanswered_probes(&self) -> u32 {
        self.detector.timeouts()
    }

    /// Packets from number `next_pn` on go to another port of the same address.
    pub(super) fn path_rebound(&mut self, next_pn: u64) {
        self.judged_from = next_pn;
        self.mtu.on_rebound(next_pn);
        self.detector.on_progress();
    }

    /// Packets leave on another path from number `next_pn` on.
    pub(super) fn path_changed(&mut self, now: Timestamp, next_pn: u64, initial: Rtt) {
        self.path_start = next_pn;
        self.judged_from = next_pn;
        self.elsewhere = self.sent.bytes();
        self.rtt = initial;
        self.mtu.on_path_changed(next_pn);
        self.packet_size = BASE as u64;
        self.controller.set_packet_size(self.packet_size);
        self.controller.reset();
        self.pacer = Pacer::new(now, self.packet_size);
        self.sampler = RateSampler::new(now);
        self.ecn.move_away();
        self.detector.on_progress();
        self.detector.reordering = Reordering::default();
        self.losses = LossMeter::default();
    }
}

#[cfg(test)]
mod tests;
