//! Loss recovery of a session: what is in flight, what of it arrived or is lost, and what may
//! leave. What is known of the path lies in [`PathState`].

pub(super) mod ecn;
mod loss;
mod loss_meter;
mod losses;
pub(super) mod mtu;
pub(super) mod path_state;
mod reordering;
pub(super) mod repeat;
pub(super) mod sent;

use crate::base::time::Timestamp;
use crate::transport::ack::frequency::{AckAsk, Flight};
use crate::transport::config::{INITIAL_RTT, MAX_ACK_DELAY, TransportConfig};
use crate::transport::congestion::{AckSummary, Controller};
use crate::transport::packet::contents::SentFrame;
use crate::transport::rtt::Rtt;
use crate::wire::frame::Ack;
use core::ops::Range;
use core::time::Duration;
use loss::{Expired, LossDetector};
use mtu::BASE;
use path_state::PathState;
use sent::{NewPacket, SentPacket, SentPackets};

/// Packets in flight at once, however small they are.
const MAX_PACKETS: usize = 16_384;
/// Packets that a probe timeout lets out beyond the window (RFC 9002 §6.2.4).
const PROBES: u8 = 2;
/// From the third probe timeout in a row on, the last probe carries no data (BC-07.48).
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
    /// What is known of the path in use.
    pub(super) path: PathState,
    pub(super) sent: SentPackets,
    pub(super) largest_acked: Option<u64>,
    /// What is asked of the peer's acknowledgements.
    pub(super) ask: AckAsk,
    detector: LossDetector,
    probes: u8,
    /// Probe timeouts in a row since something was acknowledged.
    unanswered: u32,
    waiting_since: Option<Timestamp>,
    pub(super) packets_lost: u64,
    /// Of the lost, those that were only late.
    pub(super) packets_late: u64,
    /// Numbers of lost packets that a trace has not taken yet, if there is one.
    #[cfg(feature = "qlog")]
    pub(super) watched_losses: Option<Vec<u64>>,
    pub(super) probe_timeouts: u64,
}

/// What an ACK took out of flight.
struct Acked {
    newest: Option<SentPacket>,
    /// Bytes of the packets that the path judges.
    bytes: u64,
    /// Packets marked ECT(0), whichever path they took.
    ect: u64,
    /// The path judges all packets that the ACK was news of.
    all_judged: bool,
}

impl Recovery {
    pub(super) fn new(
        config: &TransportConfig,
        controller: Box<dyn Controller>,
        now: Timestamp,
    ) -> Self {
        let rtt = Rtt::new(config.handshake_rtt.unwrap_or(INITIAL_RTT));
        Self {
            path: PathState::new(now, controller, rtt, config.max_datagram),
            sent: SentPackets::default(),
            largest_acked: None,
            ask: AckAsk::default(),
            detector: LossDetector::default(),
            probes: 0,
            unanswered: 0,
            waiting_since: None,
            packets_lost: 0,
            packets_late: 0,
            #[cfg(feature = "qlog")]
            watched_losses: None,
            probe_timeouts: 0,
        }
    }

    pub(super) const fn probing(&self) -> bool {
        self.probes > 0
    }

    /// The next packet is a probe that carries nothing but the wish for an answer. The peer may
    /// refuse data for its gaps, and with it every packet that carries some; what it says of an
    /// empty one shows which packets are missing.
    pub(super) const fn probing_bare(&self) -> bool {
        self.probes == 1 && self.unanswered >= BARE_FROM
    }

    /// Bytes in flight on the present path; those of an earlier one do not fill its window
    /// (BC-07.66).
    pub(super) const fn in_flight(&self) -> u64 {
        self.path.own(self.sent.bytes())
    }

    pub(super) fn permission(&mut self, now: Timestamp) -> Permission {
        if self.probing() {
            return Permission::Granted;
        }
        let in_flight = self.in_flight();
        let path = &mut self.path;
        let size = path.packet_size();
        let full = in_flight + size > path.controller.window();
        if self.sent.count() > 0 && (full || self.sent.len() >= MAX_PACKETS) {
            path.app_limited = false;
            return Permission::Congested;
        }
        let rate = path.pacing_rate();
        match path.pacer.wait(now, size, rate) {
            Some(at) => {
                path.app_limited = false;
                Permission::Paced(at)
            }
            None => Permission::Granted,
        }
    }

    /// Bytes of the largest packet that may leave now. A probe for an answer has a size that every
    /// path carries: what is silent may be a black hole for larger ones.
    pub(super) const fn packet_len(&self) -> usize {
        if self.probing() { BASE } else { self.path.mtu.size() }
    }

    /// The size of the probe for larger packets that may leave now. Not before the path has shown
    /// a round trip.
    pub(super) fn probe_due(&self, now: Timestamp) -> Option<usize> {
        let known = self.path.rtt.min().is_some() && !self.probing();
        if known { self.path.mtu.due(now) } else { None }
    }

    /// A probe for larger packets left.
    pub(super) fn on_mtu_probe(&mut self, now: Timestamp, pn: u64, size: usize) {
        let in_flight = self.in_flight();
        let stamp = self.path.sampler.on_sent(now, in_flight, 0);
        self.sent.push(NewPacket { pn, sent_at: now, size: 0, ect: false }, stamp, &[]);
        self.detector.on_sent(now);
        self.path.mtu.on_probe(pn, size);
    }

    /// The peer takes UDP payloads of up to `bytes`.
    pub(super) fn set_peer_limit(&mut self, bytes: usize) {
        if self.path.mtu.set_peer_limit(bytes) {
            self.path.on_size_changed();
        }
    }

    /// Nothing was left to send although more could have been in flight.
    pub(super) fn on_nothing_to_send(&mut self) {
        let in_flight = self.in_flight();
        let path = &mut self.path;
        path.app_limited = true;
        if in_flight < path.controller.window() {
            path.sampler.on_app_limited(in_flight);
        }
    }

    /// An ack-eliciting packet left.
    pub(super) fn on_sent(&mut self, packet: NewPacket, frames: &[SentFrame]) {
        let in_flight = self.in_flight();
        let NewPacket { pn, sent_at, size, .. } = packet;
        let stamp = self.path.sampler.on_sent(sent_at, in_flight, size);
        self.sent.push(packet, stamp, frames);
        self.detector.on_sent(sent_at);
        self.waiting_since.get_or_insert(sent_at);
        self.probes = self.probes.saturating_sub(1);
        self.path.pacer.on_sent(size);
        self.path.controller.on_sent(sent_at, pn, size, in_flight + size);
    }

    /// An ACK arrived whose numbers were all sent. The frames of packets that it acknowledges or
    /// shows to be lost are appended to `acked` and `lost`; `on_packet` gets the packets newly
    /// acknowledged.
    pub(super) fn on_ack(
        &mut self,
        now: Timestamp,
        ack: &Ack<'_>,
        acked: &mut Vec<SentFrame>,
        lost: &mut Vec<SentFrame>,
        on_packet: impl FnMut(u64),
    ) {
        let Acked { newest, bytes, ect, all_judged } = self.take_acked(now, ack, acked, on_packet);
        self.largest_acked = self.largest_acked.max(Some(ack.largest));
        let Some(newest) = newest else {
            if !all_judged {
                // The marks of late packets of the old path must not seem new in the next ACK.
                self.path.ecn.on_ack(ack.ecn, 0, false);
            }
            return;
        };
        let judged = self.path.judges(newest.pn);
        if newest.pn == ack.largest && judged {
            let sample = now.saturating_since(newest.sent_at);
            self.path.rtt.update(sample, ack.delay().min(MAX_ACK_DELAY));
        }
        self.detector.on_progress();
        self.probes = 0;
        self.unanswered = 0;
        self.waiting_since = (self.sent.count() > 0).then_some(now);
        // Which packets were marked is not said: they may be those of the old path.
        if self.path.ecn.on_ack(ack.ecn, ect, all_judged) {
            self.path.on_marked(now, &newest);
        }
        self.detect_losses(now, lost);
        self.tell_controller(now, &newest, judged, bytes);
    }

    /// Takes what an ACK names out of flight.
    fn take_acked(
        &mut self,
        now: Timestamp,
        ack: &Ack<'_>,
        acked: &mut Vec<SentFrame>,
        mut on_packet: impl FnMut(u64),
    ) -> Acked {
        let mut taken = Acked { newest: None, bytes: 0, ect: 0, all_judged: true };
        let mut larger = false;
        for range in ack.ranges() {
            taken.all_judged &= self.find_late(now, &range, ack.largest);
            let Self { sent, path, .. } = self;
            let newest_of_range = sent.acknowledge(&range, acked, |packet| {
                let SentPacket { pn, size, .. } = *packet;
                on_packet(pn);
                let judged = path.judges(pn);
                larger |= path.mtu.on_acked(now, pn, size, judged);
                taken.ect += u64::from(packet.ect);
                if judged {
                    taken.bytes += size;
                    path.on_acked(now, packet);
                } else {
                    taken.all_judged = false;
                    path.on_unjudged_gone(pn, size);
                }
            });
            // The first range is that of the newest packets.
            taken.newest = taken.newest.or(newest_of_range);
        }
        if larger {
            self.path.on_size_changed();
        }
        taken
    }

    /// Tells the controller what an ACK shows of the rate, and decides how often ACKs are wanted.
    /// `newest` is the newest packet that the ACK took out of flight, `judged` whether this path
    /// judges that packet, `acked` the bytes of all packets that the ACK took out of flight and
    /// this path judges.
    fn tell_controller(&mut self, now: Timestamp, newest: &SentPacket, judged: bool, acked: u64) {
        let in_flight = self.in_flight();
        let SentPacket { sent_at, stamp, .. } = *newest;
        let path = &mut self.path;
        if judged {
            let flight = Flight {
                bytes: stamp.in_flight,
                packet_size: path.packet_size(),
                app_limited: stamp.app_limited,
            };
            self.ask.update(flight, path.reordering.packets(), &path.rtt);
        }
        let min_rtt = path.rtt.min().unwrap_or(Duration::ZERO);
        let rate = judged.then(|| path.sampler.on_acked(now, acked, sent_at, &stamp, min_rtt));
        path.controller.on_ack_end(now, &AckSummary { in_flight, acked, rate });
    }

    /// Packets of `range` that counted as lost were only late. False if the path does not judge one
    /// of them.
    fn find_late(&mut self, now: Timestamp, range: &Range<u64>, largest: u64) -> bool {
        let mut all_judged = true;
        while let Some(packet) = self.path.reordering.take(range) {
            self.packets_late += 1;
            all_judged &= self.path.judges(packet.pn);
            self.path.on_late(now, &packet, largest.saturating_sub(packet.pn));
        }
        all_judged
    }

    /// Something arrived from the peer: the path works at least one way.
    pub(super) fn on_heard(&mut self) {
        self.detector.on_heard();
    }

    fn detect_losses(&mut self, now: Timestamp, lost: &mut Vec<SentFrame>) {
        let Some(largest) = self.largest_acked else { return };
        let Self { detector, sent, path, .. } = self;
        #[cfg(feature = "qlog")]
        let watched = &mut self.watched_losses;
        let note = |pn| {
            #[cfg(feature = "qlog")]
            watched.iter_mut().for_each(|numbers| numbers.push(pn));
            #[cfg(not(feature = "qlog"))]
            let _: u64 = pn;
        };
        let losses = detector.detect(now, sent, path, largest, lost, note);
        self.packets_lost += losses.packets;
        self.path.on_lost(now, &losses);
    }

    /// The next deadline; none while nothing is in flight.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        (self.sent.count() > 0).then(|| self.detector.deadline(&self.path.rtt)).flatten()
    }

    /// Frames to send again because a timer expired are appended to `lost`.
    pub(super) fn handle_timeout(&mut self, now: Timestamp, lost: &mut Vec<SentFrame>) {
        // A loss that was waited for may have kept a probe back that is due by now.
        while self.sent.count() > 0 {
            match self.detector.expired(now, self.detector.probe_time(&self.path.rtt)) {
                Some(Expired::Loss) => self.detect_losses(now, lost),
                Some(Expired::Probe) => {
                    self.probe_timeouts += 1;
                    self.probes = PROBES;
                    self.unanswered = self.unanswered.saturating_add(1);
                    if self.unanswered >= BARE_FROM {
                        self.path.ecn.on_silence();
                    }
                    self.sent.copy_oldest(usize::from(PROBES), lost);
                }
                None => break,
            }
        }
    }

    /// Gives memory back; the link is quiet, so nothing that was lost lately matters any more.
    pub(super) fn shrink(&mut self) {
        self.sent.shrink();
        self.path.reordering.forget();
    }

    /// Lets probes leave at once, if anything is in flight, with what the oldest packets carried.
    pub(super) fn probe_now(&mut self, lost: &mut Vec<SentFrame>) {
        if self.sent.count() > 0 {
            self.probes = PROBES;
            self.sent.copy_oldest(usize::from(PROBES), lost);
        }
    }

    /// Since when something is in flight of which no acknowledgement has come.
    pub(super) const fn waiting_since(&self) -> Option<Timestamp> {
        self.waiting_since
    }

    /// Probe timeouts since the peer was heard.
    pub(super) const fn unanswered_probes(&self) -> u32 {
        self.detector.timeouts()
    }

    /// Packets from number `next_pn` on go to another port of the same address.
    pub(super) fn path_rebound(&mut self, next_pn: u64) {
        self.path.on_rebound(next_pn);
        self.detector.on_progress();
    }

    /// Packets leave on another path from number `next_pn` on.
    pub(super) fn path_changed(&mut self, now: Timestamp, next_pn: u64, initial: Rtt) {
        self.path = self.path.next(now, next_pn, initial, self.sent.bytes());
        self.detector.on_progress();
    }
}

#[cfg(test)]
mod tests;
