//! What has been received, and when to say so (RFC 9000 §13.2).

use super::builder::PacketBuilder;
use super::config::{Ecn, MAX_ACK_DELAY};
use super::sent::SentFrame;
use crate::base::rangeset::RangeSet;
use crate::base::time::Timestamp;
use crate::wire::frame::{EcnCounts, MAX_ACK_RANGES};

/// Ack-eliciting packets that one acknowledgement may cover (BC-07.09).
const ACK_EVERY: u32 = 2;
/// From this many ranges on it pays to learn which ACKs arrived.
const FRAGMENTED: usize = 8;

/// The state of our acknowledgements: one report, whatever arrived (BC-07.12).
#[derive(Debug, Default)]
pub(super) struct AckState {
    received: RangeSet,
    largest: Option<(u64, Timestamp)>,
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
        ack_eliciting: bool,
        ecn: Option<Ecn>,
    ) {
        self.received.insert_one(pn);
        if self.received.ranges() > MAX_ACK_RANGES {
            self.received.pop_first();
        }
        let expected = self.largest.map_or(0, |(largest, _)| largest + 1);
        if pn >= expected {
            self.largest = Some((pn, now));
        }
        self.count(ecn);
        if !ack_eliciting {
            return;
        }
        self.unacked += 1;
        // A gap, or one that fills a gap: the sender's loss detection waits for it.
        let disordered = pn != expected;
        if self.unacked >= ACK_EVERY || disordered || ecn == Some(Ecn::Ce) {
            self.due = true;
        }
        self.deadline.get_or_insert(now + MAX_ACK_DELAY);
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

    /// Something has arrived since the last ACK that the peer wants to hear of.
    pub(super) const fn has_news(&self) -> bool {
        self.unacked > 0
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
        let Some((largest, received_at)) = self.largest else { return };
        let delay = now.saturating_since(received_at);
        if packet.put_ack(delay, &self.received, self.ecn) {
            packet.record(SentFrame::Ack { largest });
            self.unacked = 0;
            self.due = false;
            self.deadline = None;
        }
    }

    /// The peer got an ACK of ours: what it said need not be said again.
    pub(super) fn on_ack_acked(&mut self, largest: u64) {
        self.received.remove(0..largest + 1);
    }
}

#[cfg(test)]
mod tests;
