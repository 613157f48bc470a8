//! What has been received, and when to say so (RFC 9000 §13.2).

pub(super) mod frequency;

use crate::base::rangeset::RangeSet;
use crate::base::time::Timestamp;
use crate::transport::config::Ecn;
use crate::transport::packet::builder::PacketBuilder;
use crate::transport::packet::contents::SentFrame;
use crate::wire::frame::{AckFrequency, EcnCounts, Frame, MAX_ACK_RANGES};
use frequency::AckPolicy;

/// From this many ranges on it pays to learn which ACKs arrived.
const FRAGMENTED: usize = 8;

/// How soon a packet wants to be acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AckUrgency {
    /// Not by itself.
    #[default]
    Never,
    /// When it suits.
    Soon,
    /// BC-07.44
    AtOnce,
}

impl AckUrgency {
    pub(super) const fn of(frame: &Frame<'_>) -> Self {
        match frame {
            Frame::ImmediateAck => Self::AtOnce,
            frame if frame.is_ack_eliciting() => Self::Soon,
            _ => Self::Never,
        }
    }
}

/// The state of our acknowledgements: one report, whatever arrived (BC-07.12).
#[derive(Debug, Default)]
pub(super) struct AckState {
    received: RangeSet,
    /// The largest of them, and when it arrived.
    largest: Option<(u64, Timestamp)>,
    policy: AckPolicy,
    /// The number of the last AckFrequency frame that was followed.
    policy_sequence: Option<u64>,
    /// Of the packets below this number, an ACK has told the peer which are missing, or an ACK that
    /// arrived has made it needless to say so again.
    reported: u64,
    /// The lowest packet number that arrived since the last ACK was sent, although that ACK, or an
    /// earlier one, reported a larger number.
    late: Option<u64>,
    /// One above the largest number that an ACK was sent for.
    written: u64,
    /// Ack-eliciting packets since the last ACK was sent.
    unacked: u32,
    due: bool,
    deadline: Option<Timestamp>,
    ecn: Option<EcnCounts>,
}

impl AckState {
    pub(super) fn on_packet(
        &mut self,
        now: Timestamp,
        pn: u64,
        urgency: AckUrgency,
        ecn: Option<Ecn>,
    ) {
        self.received.insert_one(pn);
        if self.received.ranges() > MAX_ACK_RANGES {
            self.received.pop_first();
        }
        if self.received.last().is_some_and(|last| last.end == pn + 1) {
            self.largest = Some((pn, now));
        }
        if pn < self.written {
            self.late = self.late.or(Some(pn)).min(Some(pn));
        }
        self.count(ecn);
        if urgency == AckUrgency::Never {
            return;
        }
        self.unacked += 1;
        self.due |= urgency == AckUrgency::AtOnce
            || ecn == Some(Ecn::Ce)
            || self.unacked >= self.policy.packets
            || self.is_disordered(pn);
        self.deadline.get_or_insert(now + self.policy.max_delay);
    }

    /// Packet `pn` shows a loss that the sender waits to hear of, or that one was none.
    fn is_disordered(&self, pn: u64) -> bool {
        if pn < self.reported {
            return true;
        }
        let Some((largest, _)) = self.largest else { return false };
        let missed = self.reported..(largest + 1).saturating_sub(self.policy.reordering);
        !missed.is_empty() && !self.received.covers(&missed)
    }

    /// The peer says when it wants ACKs; an older request that comes late is ignored (BC-07.42).
    pub(super) fn on_frequency(&mut self, ask: &AckFrequency) {
        if self.policy_sequence.is_none_or(|sequence| ask.sequence > sequence) {
            self.policy_sequence = Some(ask.sequence);
            self.policy = AckPolicy::asked(ask);
        }
    }

    fn count(&mut self, ecn: Option<Ecn>) {
        let Some(mark) = ecn else { return };
        let counts = self.ecn.get_or_insert_default();
        let counter = match mark {
            Ecn::Ect0 => &mut counts.ect0,
            Ecn::Ect1 => &mut counts.ect1,
            Ecn::Ce => &mut counts.ce,
        };
        *counter += 1;
    }

    /// An ACK must leave now, alone if need be.
    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// An ACK should ride in a packet that leaves anyway: half of what makes one due has come.
    pub(super) fn may_ride(&self, now: Timestamp) -> bool {
        let half = self.policy.max_delay / 2;
        self.unacked > 0
            && (self.unacked * 2 >= self.policy.packets
                || self.deadline.is_some_and(|at| at.saturating_since(now) <= half))
    }

    /// ACKs have become long: one of them should be acknowledged itself, so that what it said can
    /// be left out (RFC 9000 §13.2.4).
    pub(super) fn is_fragmented(&self) -> bool {
        self.received.ranges() > FRAGMENTED
    }

    pub(super) const fn deadline(&self) -> Option<Timestamp> {
        if self.due { None } else { self.deadline }
    }

    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        self.due |= self.deadline.is_some_and(|at| at <= now);
    }

    pub(super) fn write(&mut self, now: Timestamp, packet: &mut PacketBuilder<'_>) {
        let Some((largest, received_at)) = self.largest.filter(|_| !self.received.is_empty())
        else {
            (self.due, self.deadline, self.unacked) = (false, None, 0);
            return;
        };
        let delay = now.saturating_since(received_at);
        if packet.put_ack(delay, &self.received, self.ecn) {
            packet.record(SentFrame::Ack { largest });
            self.unacked = 0;
            self.due = false;
            self.deadline = None;
            self.late = None;
            self.written = self.written.max(largest + 1);
            let reported = (largest + 1).saturating_sub(self.policy.reordering);
            self.reported = self.reported.max(reported);
        }
    }

    /// The peer got an ACK of ours: what it said need not be said again.
    pub(super) fn on_ack_acked(&mut self, largest: u64) {
        // It was not in that ACK.
        let end = self.late.unwrap_or(u64::MAX).min(largest + 1);
        self.received.remove(0..end);
        self.reported = self.reported.max(largest + 1);
    }
}

#[cfg(test)]
mod tests;
